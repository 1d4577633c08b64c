/* fedcarbon sweep SCENARIO: many points, one table. */
#include "cli/commands.h"

#include "base/units.h"
#include "cli/launch/launch.h"
#include "cli/program.h"
#include "cli/sweep/sweep_runs.h"

#include <argp.h>
#include <float.h>
#include <stdio.h>
#include <unistd.h>

#define MAX_JOBS      1024
#define MAX_PROCESSES 4096

struct request {
    struct cli_sweep_opts opts;
    struct cli_sets vary, zips;
    struct scn_sweep_opts points;
    double budget_kwh, budget_hours; /* below 0: none */
    bool is_dry, is_agreed;
};

enum {
    KEY_VARY = CLI_KEY_SET + 1,
    KEY_ZIP,
    KEY_SEEDS,
    KEY_OUT,
    KEY_DRY,
    KEY_KWH,
    KEY_HOURS,
    KEY_YES,
    KEY_CACHE,
    KEY_SINK,
    KEY_LAUNCHER,
    KEY_SLURM_ARG
};

static const struct argp_option options[] = {
    {"vary", KEY_VARY, "KEY=V1,V2,...", 0,
     "Values of a key, crossed with the others', e.g. data.clients=10,100 or "
     "train.local.lr={from: 0.01, to: 1, factor: 10}; may be repeated",
     0},
    {"zip", KEY_ZIP, "\"K1=A,B K2=C,D\"", 0,
     "Keys whose values are walked together; may be repeated", 0},
    {"seeds", KEY_SEEDS, "N|A,B,...", 0,
     "So many seeds from the scenario's own on, or these", 0},
    {"set", CLI_KEY_SET, "KEY=VALUE", 0,
     "Override a key in every point; may be repeated", 0},
    {"out", KEY_OUT, "DIR", 0,
     "Folder of the runs and tables (default: runs/NAME-sweep)", 0},
    {"jobs", 'j', "J", 0, "Runs at once (default: as many as the cores carry)",
     0},
    {"processes", 'p', "P", 0, "Client processes of each run (default: 1)", 0},
    {"launcher", KEY_LAUNCHER, "NAME", 0,
     "Who runs the points: local (default), or slurm: a job array, in a folder "
     "that all nodes see",
     0},
    {"slurm-arg", KEY_SLURM_ARG, "ARG", 0,
     "slurm: an option of sbatch, e.g. --slurm-arg=--time=2:00:00; may be "
     "repeated",
     0},
    {"dry-run", KEY_DRY, NULL, 0,
     "List the points with estimated time, energy and gCO2e, run nothing", 0},
    {"budget-kwh", KEY_KWH, "X", 0,
     "Ask before starting more than this, of the simulated world", 0},
    {"budget-hours", KEY_HOURS, "H", 0,
     "Ask before starting more than this, of this machine's time", 0},
    {"yes", KEY_YES, NULL, 0, "Go past the budgets without asking", 0},
    {"format", 'f', "FORMAT", 0,
     "Of the table: text (default), csv, md, latex or json", 0},
    {"quiet", 'q', NULL, 0, "No progress, only the table and errors", 0},
    {"sink", KEY_SINK, "NAME[=PATH]", 0,
     CLI_SINK_HELP ". Each run has a FILE of its own: its folder's name is "
                   "put before the ending",
     0},
    {"cache-dir", KEY_CACHE, "DIR", 0, "Folder for decoded data sets", 0},
    {0},
};

static error_t parse_subject(int key, char *word, struct argp_state *state)
{
    struct request *request = state->input;
    error_t error =
        cli_parse_subject(key, word, "scenario", &request->opts.subject, state);
    if (key == ARGP_KEY_END && request->opts.slurm_args.n > 0 &&
        !request->opts.is_slurm)
        argp_error(state, "--slurm-arg is for --launcher slurm");
    return error;
}

static error_t parse_launcher(int key, char *word, struct argp_state *state)
{
    struct request *request = state->input;
    const struct cli_launcher *launcher = NULL;
    switch (key) {
    case KEY_LAUNCHER:
        cli_parse_launcher(word, &launcher, state);
        request->opts.is_slurm = cli_launcher_is_slurm(launcher);
        return 0;
    case KEY_SLURM_ARG:
        cli_parse_set(&request->opts.slurm_args, "--slurm-arg", word, state);
        return 0;
    default:
        return parse_subject(key, word, state);
    }
}

static error_t parse_word(int key, char *word, struct argp_state *state)
{
    struct request *request = state->input;
    switch (key) {
    case KEY_VARY:
        cli_parse_set(&request->vary, "--vary", word, state);
        return 0;
    case KEY_ZIP:
        cli_parse_set(&request->zips, "--zip", word, state);
        return 0;
    case KEY_SEEDS:
        request->points.seeds = word;
        return 0;
    case KEY_OUT:
        request->opts.out = word;
        return 0;
    case 'j':
        cli_parse_int("--jobs", word, 1, MAX_JOBS, &request->opts.jobs, state);
        return 0;
    case 'p':
        cli_parse_int("--processes", word, 1, MAX_PROCESSES,
                      &request->opts.processes, state);
        return 0;
    case KEY_DRY:
        request->is_dry = true;
        return 0;
    case KEY_KWH:
        cli_parse_double("--budget-kwh", word, 0, DBL_MAX, &request->budget_kwh,
                         state);
        return 0;
    case KEY_HOURS:
        cli_parse_double("--budget-hours", word, 0, DBL_MAX,
                         &request->budget_hours, state);
        return 0;
    case KEY_YES:
        request->is_agreed = true;
        return 0;
    case 'f':
        cli_parse_format(word, 0, &request->opts.format, state);
        return 0;
    case 'q':
        request->opts.is_quiet = true;
        return 0;
    case KEY_SINK:
        cli_parse_sink(&request->opts.sinks, word, state);
        return 0;
    case KEY_CACHE:
        request->opts.cache_dir = word;
        return 0;
    default:
        return parse_launcher(key, word, state);
    }
}

/* A person at a terminal answers; nobody else does. */
static bool is_confirmed(const char *question)
{
    char answer[16];
    if (!isatty(STDIN_FILENO))
        return false;
    (void)fprintf(stderr, "%s Go on? [y/N] ", question);
    (void)fflush(stderr);
    return fgets(answer, sizeof answer, stdin) &&
           (answer[0] == 'y' || answer[0] == 'Y');
}

static enum fl_status check_budgets(const struct request *request,
                                    const struct cli_sweep *sweep,
                                    struct fl_error *err)
{
    double energy_j, gco2e, wall_s;
    bool is_upper_bound;
    char text[256];
    cli_sweep_totals(sweep, &energy_j, &gco2e, &wall_s, &is_upper_bound);
    double kwh = energy_j / FL_J_PER_KWH, hours = wall_s / FL_S_PER_HOUR;
    bool is_over_kwh = request->budget_kwh >= 0 && kwh > request->budget_kwh;
    bool is_over_hours =
        request->budget_hours >= 0 && hours > request->budget_hours;
    if (!is_over_kwh && !is_over_hours)
        return FL_OK;
    (void)snprintf(text, sizeof text,
                   "What is left takes %s%.4g kWh and %.4g hours, more than "
                   "the budget of %.4g %s.",
                   is_upper_bound ? "up to " : "about ", kwh, hours,
                   is_over_kwh ? request->budget_kwh : request->budget_hours,
                   is_over_kwh ? "kWh" : "hours");
    if (request->is_dry) {
        (void)printf("%s\n", text);
        return FL_OK;
    }
    if (request->is_agreed || is_confirmed(text))
        return FL_OK;
    return fl_fail(err, FL_E_CONFIG, "%s Nothing was run; --yes does it", text);
}

static enum fl_status run(const struct request *request,
                          struct cli_sweep *sweep,
                          struct fl_error *err)
{
    FL_TRY(check_budgets(request, sweep, err));
    FL_TRY(cli_sweep_execute(sweep, err));
    FL_TRY(cli_sweep_tables(sweep, stdout, err));
    size_t n_failed = cli_sweep_count(sweep, CLI_RUN_FAILED);
    if (n_failed > 0)
        return fl_fail(err, FL_E_STATE,
                       "%zu of %zu runs failed; the same command tries them "
                       "again",
                       n_failed, sweep->n_runs);
    return FL_OK;
}

int cli_command_sweep(int argc,
                      char **argv,
                      const struct cli_surroundings *surroundings)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse_word,
        .args_doc = "SCENARIO",
        .doc = "Run every point of a sweep, several at once, and print the "
               "comparison table of all. What is finished is not run again.",
    };
    struct request request = {.opts = {.data_root = surroundings->data_root,
                                       .cache_dir = surroundings->cache_dir,
                                       .processes = 1},
                              .budget_kwh = -1,
                              .budget_hours = -1};
    struct cli_sweep *sweep = NULL;
    struct fl_error err = {0};
    (void)argp_parse(&argp, argc, argv, 0, NULL, &request);
    request.points.vary = request.vary.all;
    request.points.n_vary = request.vary.n;
    request.points.zips = request.zips.all;
    request.points.n_zips = request.zips.n;
    enum fl_status status = cli_sweep_create(&request.opts, &request.points,
                                             request.is_dry, &sweep, &err);
    if (status == FL_OK && request.is_dry) {
        cli_sweep_list(sweep, stdout);
        status = check_budgets(&request, sweep, &err);
    } else if (status == FL_OK) {
        status = run(&request, sweep, &err);
    }
    cli_sweep_destroy(sweep);
    return cli_conclude(status, &err);
}
