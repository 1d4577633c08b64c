/* fedcarbon estimators RUN...: what published tools would have reported. */
#include "cli/commands.h"

#include "cli/program.h"
#include "cli/words.h"
#include "results/estimate.h"

#include <argp.h>
#include <string.h>

#define MAX_ASSUMED 1024

struct request {
    struct cli_runs runs;
    const char *of_arms[MAX_ASSUMED];
    enum res_format format;
    struct res_estimate_opts opts;
};

static const struct argp_option options[] = {
    {"method", 'm', "NAME", 0, "one tool; default: all of them", 0},
    {"format", 'f', "FORMAT", 0, "text (default), csv, md or json", 0},
    {"on", 'o', "WHERE", 0,
     "where the tool runs: machines (default: every one that computes) or "
     "server",
     0},
    {"assume", 'a', "[ARM:]KEY=VALUE", 0,
     "what a run does not know of its machines: tdp_w, load, memory_gb, vcpus, "
     "gpus, pue; prices: gpu_hour_low, gpu_hour_high, kwh_price",
     0},
    {0},
};

static error_t parse_word(int key, char *word, struct argp_state *state)
{
    struct request *request = state->input;
    struct fl_error err = {0};
    switch (key) {
    case 'm':
        request->opts.method = word;
        return 0;
    case 'f':
        cli_parse_format(word, 1u << RES_LATEX, &request->format, state);
        return 0;
    case 'o':
        request->opts.is_server_only = strcmp(word, "server") == 0;
        if (!request->opts.is_server_only && strcmp(word, "machines") != 0)
            argp_error(state, "--on: found '%s', allowed machines, server",
                       word);
        return 0;
    case 'a':
        if (strchr(word, ':')) {
            if (request->opts.n_of_arms == MAX_ASSUMED)
                argp_error(state, "more than %d assumptions", MAX_ASSUMED);
            request->of_arms[request->opts.n_of_arms++] = word;
            return 0;
        }
        if (res_assume(&request->opts.assumed, word, &err) != FL_OK)
            argp_error(state, "%s", err.text);
        return 0;
    default:
        return cli_parse_runs(key, word, "which run directories?",
                              &request->runs, state);
    }
}

int cli_command_estimators(int argc,
                           char **argv,
                           const struct cli_surroundings *surroundings)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse_word,
        .args_doc = "RUN...",
        .doc = "Say what published carbon tools would have reported for runs: "
               "each tool's kWh and gCO2e with its own constants, what it "
               "sees and what it ignores, beside the ledger.",
    };
    struct request request = {.format = RES_TEXT,
                              .opts.assumed = res_assumed_nothing()};
    struct fl_error err = {0};
    request.opts.of_arms = request.of_arms;
    (void)surroundings;
    (void)argp_parse(&argp, argc, argv, 0, NULL, &request);
    enum fl_status status =
        res_estimators(request.runs.dirs, request.runs.n, &request.opts,
                       request.format, stdout, &err);
    cli_runs_fini(&request.runs);
    return cli_conclude(status, &err);
}
