/* fedcarbon compare RUN...: the comparison table of finished runs. */
#include "cli/commands.h"

#include "base/log.h"
#include "cli/exit_code.h"
#include "results/report.h"

#include <argp.h>
#include <string.h>

#define MAX_RUNS 4096

struct request {
    const char *dirs[MAX_RUNS];
    size_t n_dirs;
    enum res_format format;
};

static const struct argp_option options[] = {
    {"format", 'f', "FORMAT", 0, "text (default), csv, md, latex or json", 0},
    {0},
};

static void parse_format(struct request *request,
                         const char *word,
                         struct argp_state *state)
{
    for (int i = 0; i < RES_FORMAT_LAST_; i++) {
        if (strcmp(res_format_names[i], word) == 0) {
            request->format = (enum res_format)i;
            return;
        }
    }
    argp_error(state,
               "--format: found '%s', allowed text, csv, md, latex, json",
               word);
}

static error_t parse_word(int key, char *word, struct argp_state *state)
{
    struct request *request = state->input;
    switch (key) {
    case 'f':
        parse_format(request, word, state);
        return 0;
    case ARGP_KEY_ARG:
        if (request->n_dirs == MAX_RUNS)
            argp_error(state, "more than %d runs", MAX_RUNS);
        else
            request->dirs[request->n_dirs++] = word;
        return 0;
    case ARGP_KEY_END:
        if (request->n_dirs == 0)
            argp_error(state, "which run directories?");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int cli_command_compare(int argc,
                        char **argv,
                        const struct cli_surroundings *surroundings)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse_word,
        .args_doc = "RUN...",
        .doc = "Print the comparison table of run directories.",
    };
    struct request request = {.format = RES_TEXT};
    struct fl_error err = {0};
    (void)surroundings;
    (void)argp_parse(&argp, argc, argv, 0, NULL, &request);
    enum fl_status status =
        res_compare(request.dirs, request.n_dirs, request.format, stdout, &err);
    if (status != FL_OK)
        fl_log(FL_LOG_ERROR, "%s", err.text);
    return cli_exit_code(status);
}
