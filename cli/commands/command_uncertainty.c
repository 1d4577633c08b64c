/* fedcarbon uncertainty RUN: how sure the totals of a run are. */
#include "cli/commands.h"

#include "cli/program.h"
#include "cli/words.h"
#include "results/uncertain.h"

#include <argp.h>

struct request {
    const char *dir;
    int64_t draws;
    enum res_format format;
};

static const struct argp_option options[] = {
    {"draws", 'n', "N", 0, "draws of the uncertain facts (10000)", 0},
    {"format", 'f', "FORMAT", 0, "text (default), csv or json", 0},
    {0},
};

static error_t parse_word(int key, char *word, struct argp_state *state)
{
    struct request *request = state->input;
    switch (key) {
    case 'n':
        cli_parse_int("--draws", word, 100, 1000000, &request->draws, state);
        return 0;
    case 'f':
        cli_parse_format(word, 1u << RES_MD | 1u << RES_LATEX, &request->format,
                         state);
        return 0;
    default:
        return cli_parse_one(key, word, "run directory", &request->dir, state);
    }
}

int cli_command_uncertainty(int argc,
                            char **argv,
                            const struct cli_surroundings *surroundings)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse_word,
        .args_doc = "RUN",
        .doc = "Say how sure the totals of a run are: intervals of every arm, "
               "the probability that it emits less than the centralized one, "
               "and the facts that the answer hangs on. Nothing is trained "
               "again.",
    };
    struct request request = {.draws = 10000, .format = RES_TEXT};
    struct fl_error err = {0};
    (void)surroundings;
    (void)argp_parse(&argp, argc, argv, 0, NULL, &request);
    enum fl_status status = res_uncertainty(request.dir, request.draws,
                                            request.format, stdout, &err);
    return cli_conclude(status, &err);
}
