/* fedcarbon report RUN...: one page in a file, for people. */
#include "cli/commands.h"

#include "base/log.h"
#include "cli/exit_code.h"
#include "cli/version.h"
#include "cli/words.h"
#include "results/page.h"

#include <argp.h>
#include <stdio.h>

struct request {
    struct cli_runs runs;
    struct cli_words by;
    struct res_page_opts opts;
    const char *path;
};

enum { KEY_BASELINE = 256, KEY_TARGET, KEY_SORT, KEY_PER_SEED, KEY_TITLE };

static const struct argp_option options[] = {
    {"out", 'o', "FILE", 0, "where to (report.html)", 0},
    {"title", KEY_TITLE, "TEXT", 0,
     "heading of the page; default: the scenario's name", 0},
    {"by", 'b', "KEY,...", 0,
     "keys of the scenario that tell the runs apart, e.g. data.clients: "
     "columns in front; may be repeated",
     0},
    {"baseline", KEY_BASELINE, "ARM|RUN", 0,
     "what the ratio divides by: an arm of the same run (default: "
     "centralized), or the same arm of another run",
     0},
    {"target", KEY_TARGET, "ACCURACY", 0,
     "cut every arm of the table after the first round with this test "
     "accuracy",
     0},
    {"sort", KEY_SORT, "COLUMN", 0,
     "sort rows by a column or key; -COLUMN: largest first", 0},
    {"per-seed", KEY_PER_SEED, NULL, 0,
     "a row per seed instead of their mean and standard error", 0},
    {0},
};

static error_t parse_word(int key, char *word, struct argp_state *state)
{
    struct request *request = state->input;
    struct res_compare_opts *compare = &request->opts.compare;
    switch (key) {
    case 'o':
        request->path = word;
        return 0;
    case KEY_TITLE:
        request->opts.title = word;
        return 0;
    case 'b':
        cli_words_add(&request->by, "--by", word, state);
        return 0;
    case KEY_BASELINE:
        compare->baseline = word;
        return 0;
    case KEY_TARGET:
        cli_parse_target(word, &compare->target_accuracy, state);
        return 0;
    case KEY_SORT:
        compare->sort = word;
        return 0;
    case KEY_PER_SEED:
        compare->per_seed = true;
        return 0;
    default:
        return cli_parse_runs(key, word, "which runs or sweeps?",
                              &request->runs, state);
    }
}

static int report(struct request *request)
{
    struct fl_error err = {0};
    struct res_compare_opts *compare = &request->opts.compare;
    char version[256];
    size_t n_bytes = 0;
    (void)snprintf(version, sizeof version, "%s (%s)", cli_version, cli_commit);
    request->opts.version = version;
    compare->by = (const char *const *)request->by.all;
    compare->n_by = request->by.n;
    compare->problems = stderr;
    enum fl_status status =
        res_page_write(request->runs.dirs, request->runs.n, &request->opts,
                       request->path, &n_bytes, &err);
    if (n_bytes > 0)
        (void)printf("%s: %zu kB\n", request->path, (n_bytes + 500) / 1000);
    else if (status != FL_OK)
        fl_log(FL_LOG_ERROR, "no report: %s", err.text);
    return cli_exit_code(status);
}

int cli_command_report(int argc,
                       char **argv,
                       const struct cli_surroundings *surroundings)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse_word,
        .args_doc = "RUN|SWEEP...",
        .doc = "Write a report of run directories, or of a sweep by its "
               "folder: one HTML file that opens in any browser, without a "
               "network. The question, the answer, "
               "the comparison table, charts, what was assumed, the scenario, "
               "the machine, and how to repeat it. What cannot be had is said "
               "on stderr and on the page, the rest is shown, and the exit "
               "code is not 0.",
    };
    struct request request = {.path = "report.html"};
    (void)surroundings;
    (void)argp_parse(&argp, argc, argv, 0, NULL, &request);
    int code = report(&request);
    cli_words_fini(&request.by);
    cli_runs_fini(&request.runs);
    return code;
}
