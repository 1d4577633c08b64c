/* fedcarbon compare RUN...: the comparison table of finished runs; and
 * fedcarbon leaderboard RUN...: the same, ranked by carbon. */
#include "cli/commands.h"

#include "base/log.h"
#include "cli/exit_code.h"
#include "cli/words.h"
#include "results/report.h"

#include <argp.h>
#include <string.h>

struct request {
    struct cli_runs runs;
    struct cli_words by, columns;
    struct res_compare_opts opts;
    enum res_format format;
};

enum {
    KEY_COLUMNS = 256,
    KEY_BASELINE,
    KEY_SORT,
    KEY_TARGET,
    KEY_PER_SEED,
    KEY_ARM,
    KEY_SCI
};

static const struct argp_option options[] = {
    {"by", 'b', "KEY,...", 0,
     "keys of the scenario that tell the runs apart, e.g. data.clients: "
     "columns "
     "in front; may be repeated",
     0},
    {"columns", KEY_COLUMNS, "COLUMN,...", 0,
     "these columns of docs/results.md instead of the usual ones", 0},
    {"baseline", KEY_BASELINE, "ARM|RUN", 0,
     "what the ratio divides by: an arm of the same run (default: "
     "centralized), or the same arm of another run",
     0},
    {"target", KEY_TARGET, "ACCURACY", 0,
     "cut every arm after the first round with this test accuracy", 0},
    {"sort", KEY_SORT, "COLUMN", 0,
     "sort rows by a column or key; -COLUMN: largest first", 0},
    {"per-seed", KEY_PER_SEED, NULL, 0,
     "a row per seed instead of their mean and standard error", 0},
    {"arm", KEY_ARM, "ARM", 0, "rows of this arm alone", 0},
    {"sci-unit", KEY_SCI, "R", 0,
     "a column more: Software Carbon Intensity (ISO/IEC 21031) per run, round, "
     "client, accuracy_point or request",
     0},
    {"format", 'f', "FORMAT", 0, "text (default), csv, md, latex or json", 0},
    {0},
};

static void parse_format(struct request *request,
                         const char *word,
                         struct argp_state *state)
{
    if (strcmp(word, "parquet") == 0)
        argp_error(state, "--format: found 'parquet': no well-kept C library "
                          "writes it; pandas does, from --format csv: "
                          "read_csv(...).to_parquet(...)");
    cli_parse_format(word, 0, &request->format, state);
}

static error_t parse_word(int key, char *word, struct argp_state *state)
{
    struct request *request = state->input;
    switch (key) {
    case 'b':
        cli_words_add(&request->by, "--by", word, state);
        return 0;
    case KEY_COLUMNS:
        cli_words_add(&request->columns, "--columns", word, state);
        return 0;
    case KEY_BASELINE:
        request->opts.baseline = word;
        return 0;
    case KEY_TARGET:
        cli_parse_target(word, &request->opts.target_accuracy, state);
        return 0;
    case KEY_SORT:
        request->opts.sort = word;
        return 0;
    case KEY_ARM:
        request->opts.arm = word;
        return 0;
    case KEY_SCI:
        request->opts.sci_unit = word;
        return 0;
    case KEY_PER_SEED:
        request->opts.per_seed = true;
        return 0;
    case 'f':
        parse_format(request, word, state);
        return 0;
    default:
        return cli_parse_runs(key, word, "which run directories?",
                              &request->runs, state);
    }
}

/* A leaderboard's: the place, what is ranked, and what it took. */
static size_t choose_columns(const struct res_compare_opts *opts,
                             const char *ret[CLI_MAX_WORDS + 16])
{
    static const char *const behind[] = {
        "seeds", "reached",    "accuracy",      "rounds",   "sim_time_s",
        "bytes", "energy_kwh", "emitted_gco2e", "interval", "assumed_ratio",
    };
    size_t n = 0;
    ret[n++] = "rank";
    ret[n++] = "run"; /* where keys do not tell */
    for (size_t i = 0; i < opts->n_by; i++)
        ret[n++] = opts->by[i];
    for (size_t i = 0; i < sizeof behind / sizeof behind[0]; i++)
        ret[n++] = behind[i];
    ret[n++] = "x_baseline";
    return n;
}

static int compare(struct request *request)
{
    static const char *const ranked[] = {"model", "train.strategy",
                                         "train.selection"};
    const char *columns[CLI_MAX_WORDS + 16];
    struct fl_error err = {0};
    struct res_compare_opts *opts = &request->opts;
    bool is_usual = opts->is_ranking && request->by.n == 0;
    opts->by = is_usual ? ranked : (const char *const *)request->by.all;
    opts->n_by = is_usual ? sizeof ranked / sizeof ranked[0] : request->by.n;
    opts->columns = columns;
    if (request->columns.n > 0)
        opts->columns = (const char *const *)request->columns.all;
    opts->n_columns = request->columns.n;
    if (opts->is_ranking && request->columns.n == 0)
        opts->n_columns = choose_columns(opts, columns);
    opts->problems = stderr;
    enum fl_status status =
        res_compare_with(request->runs.dirs, request->runs.n, opts,
                         request->format, stdout, &err);
    /* Problems were said when they were met; these ended it. */
    if (status == FL_E_NOMEM || status == FL_E_ARG || ferror(stdout))
        fl_log(FL_LOG_ERROR, "%s", err.text);
    return cli_exit_code(status);
}

/* Both commands. */
static int run_command(int argc,
                       char **argv,
                       const char *doc,
                       const struct res_compare_opts *opts)
{
    const struct argp argp = {
        .options = options,
        .parser = parse_word,
        .args_doc = "RUN|SWEEP...",
        .doc = doc,
    };
    struct request request = {.format = RES_TEXT, .opts = *opts};
    (void)argp_parse(&argp, argc, argv, 0, NULL, &request);
    int code = compare(&request);
    cli_words_fini(&request.by);
    cli_words_fini(&request.columns);
    cli_runs_fini(&request.runs);
    return code;
}

int cli_command_compare(int argc,
                        char **argv,
                        const struct cli_surroundings *surroundings)
{
    const struct res_compare_opts opts = {.by = NULL};
    (void)surroundings;
    return run_command(
        argc, argv,
        "Print the comparison table of run directories, or of a sweep by its "
        "folder. Runs that differ in seed alone are one row. What cannot be "
        "shown is said on stderr, the "
        "rest is shown, and the exit code is not 0.",
        &opts);
}

int cli_command_leaderboard(int argc,
                            char **argv,
                            const struct cli_surroundings *surroundings)
{
    const struct res_compare_opts opts = {
        .sort = "emitted_gco2e", .arm = "federated", .is_ranking = true};
    (void)surroundings;
    return run_command(
        argc, argv,
        "Rank the strategies, models and selections of run directories by "
        "what reaching the target accuracy emitted: means and standard errors "
        "over seeds; whatever missed the target comes last, without a rank. "
        "--sort energy_kwh ranks by energy. Options are those of compare.",
        &opts);
}
