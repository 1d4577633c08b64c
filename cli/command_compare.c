/* fedcarbon compare RUN...: the comparison table of finished runs. */
#include "cli/commands.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/parse.h"
#include "cli/exit_code.h"
#include "results/report.h"

#include <argp.h>
#include <string.h>

#define MAX_RUNS  65536
#define MAX_WORDS 256 /* keys, columns */

struct words {
    char *all[MAX_WORDS];
    size_t n;
};

struct request {
    const char **dirs; /* [MAX_RUNS] */
    size_t n_dirs;
    struct words by, columns;
    struct res_compare_opts opts;
    enum res_format format;
};

enum { KEY_COLUMNS = 256, KEY_BASELINE, KEY_SORT, KEY_TARGET, KEY_PER_SEED };

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

/* Adds "a,b,c". */
static void parse_words(struct words *words,
                        const char *option,
                        const char *list,
                        struct argp_state *state)
{
    for (const char *at = list; *at;) {
        size_t n = strcspn(at, ",");
        if (n == 0 || words->n == MAX_WORDS) {
            argp_error(state, "%s: found '%s', allowed up to %d names", option,
                       list, MAX_WORDS);
            return;
        }
        char *word = fl_calloc(n + 1, 1);
        if (!word) {
            argp_error(state, "%s: out of memory", option);
            return;
        }
        memcpy(word, at, n);
        words->all[words->n++] = word;
        at += n + (at[n] == ',');
    }
}

static void parse_target(struct request *request,
                         const char *word,
                         struct argp_state *state)
{
    double *target = &request->opts.target_accuracy;
    struct fl_error why;
    if (fl_parse_double(word, 0, 1, target, &why) != FL_OK || !(*target > 0))
        argp_error(state, "--target: found '%s', allowed (0, 1]", word);
}

static error_t parse_word(int key, char *word, struct argp_state *state)
{
    struct request *request = state->input;
    switch (key) {
    case 'b':
        parse_words(&request->by, "--by", word, state);
        return 0;
    case KEY_COLUMNS:
        parse_words(&request->columns, "--columns", word, state);
        return 0;
    case KEY_BASELINE:
        request->opts.baseline = word;
        return 0;
    case KEY_TARGET:
        parse_target(request, word, state);
        return 0;
    case KEY_SORT:
        request->opts.sort = word;
        return 0;
    case KEY_PER_SEED:
        request->opts.per_seed = true;
        return 0;
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

static int compare(struct request *request)
{
    struct fl_error err = {0};
    request->opts.by = (const char *const *)request->by.all;
    request->opts.n_by = request->by.n;
    if (request->columns.n > 0)
        request->opts.columns = (const char *const *)request->columns.all;
    request->opts.n_columns = request->columns.n;
    request->opts.problems = stderr;
    enum fl_status status =
        res_compare_with(request->dirs, request->n_dirs, &request->opts,
                         request->format, stdout, &err);
    /* Problems were said when they were met; these ended it. */
    if (status == FL_E_NOMEM || status == FL_E_ARG || ferror(stdout))
        fl_log(FL_LOG_ERROR, "%s", err.text);
    return cli_exit_code(status);
}

int cli_command_compare(int argc,
                        char **argv,
                        const struct cli_surroundings *surroundings)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse_word,
        .args_doc = "RUN...",
        .doc = "Print the comparison table of run directories. Runs that "
               "differ in seed alone are one row. What cannot be shown is said "
               "on stderr, the rest is shown, and the exit code is not 0.",
    };
    struct request request = {.format = RES_TEXT};
    (void)surroundings;
    request.dirs = fl_calloc(MAX_RUNS, sizeof request.dirs[0]);
    if (!request.dirs) {
        fl_log(FL_LOG_ERROR, "out of memory");
        return CLI_EXIT_FAILED;
    }
    (void)argp_parse(&argp, argc, argv, 0, NULL, &request);
    int code = compare(&request);
    for (size_t i = 0; i < request.by.n; i++)
        fl_free(request.by.all[i]);
    for (size_t i = 0; i < request.columns.n; i++)
        fl_free(request.columns.all[i]);
    fl_free(request.dirs);
    return code;
}
