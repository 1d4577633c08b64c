/* fedcarbon run SCENARIO: from a scenario file to the comparison table. */
#include "cli/commands.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/topology.h"
#include "cli/exit_code.h"
#include "cli/launch/launch.h"
#include "cli/launch/process.h"
#include "cli/program.h"
#include "cli/run_dir.h"
#include "cli/energy/self_energy.h"
#include "cli/sinks.h"
#include "cli/words.h"
#include "nn/kernels.h"
#include "results/account_book.h"
#include "results/profile_table.h"
#include "results/report.h"
#include "scenarios/sweep.h"

#include <argp.h>
#include <stdio.h>
#include <string.h>

#define MAX_PROCESSES 4096
#define MIN_TDP_W     0.01
#define MAX_TDP_W     100000
#define MAX_NODES     65536

struct request {
    struct cli_subject subject;
    char seed[64];
    const char *out;
    const char *address;
    const char *data_root;
    const char *cache_dir;
    const char *share_dir;
    const char *ticket;
    int64_t processes; /* -1: one per core */
    const struct cli_launcher *launcher;
    struct cli_sets slurm_args;
    int64_t n_nodes; /* 0: not given */
    bool is_elastic, is_inside;
    const char *kernels;
    struct cli_energy_opts energy;
    struct cli_sink_words sinks;
    bool is_quiet, is_resume, is_profiled, is_together;
    int64_t parent; /* a sweep that this run is a point of; 0: none */
};

enum {
    KEY_OUT = CLI_KEY_SET + 1,
    KEY_SEED,
    KEY_RESUME,
    KEY_LISTEN,
    KEY_CACHE,
    KEY_PROFILE,
    KEY_TOGETHER,
    KEY_KERNELS,
    KEY_METER,
    KEY_TDP,
    KEY_HERE,
    KEY_PARENT,
    KEY_SHARE,
    KEY_SINK,
    KEY_TICKET,
    KEY_LAUNCHER,
    KEY_NODES,
    KEY_ELASTIC,
    KEY_SLURM_ARG,
    KEY_INSIDE
};

static const struct argp_option options[] = {
    {"set", CLI_KEY_SET, "KEY=VALUE", 0,
     "Override a key of the scenario, e.g. train.rounds=10; may be repeated",
     0},
    {"seed", KEY_SEED, "N", 0, "Short for --set seed=N", 0},
    {"processes", 'p', "N", 0,
     "Client processes (default: one per physical core, or per processor of "
     "the Slurm job). 0: none of its own, others join with the --ticket",
     0},
    {"out", KEY_OUT, "DIR", 0, "Run directory (default: runs/NAME-HASH)", 0},
    {"resume", KEY_RESUME, NULL, 0, "Go on with a run that was stopped", 0},
    {"quiet", 'q', NULL, 0, "No progress, only the table and errors", 0},
    {"listen", KEY_LISTEN, "ADDRESS", 0,
     "Where client processes connect: ipc://PATH or tcp://HOST:PORT, where "
     "HOST may be an interface or * for all, and PORT 0 for any free one "
     "(default: a private socket)",
     0},
    {"ticket", KEY_TICKET, "FILE", 0,
     "Write what client processes of other hosts need to join to this file, "
     "for fedcarbon-client --ticket FILE",
     0},
    {"launcher", KEY_LAUNCHER, "NAME", 0,
     "Who starts the processes: local (default), or slurm: in the Slurm job "
     "that this runs in, or in one that it asks for",
     0},
    {"nodes", KEY_NODES, "N", 0,
     "slurm: nodes with client processes (default: 1, or all of the job)", 0},
    {"elastic", KEY_ELASTIC, NULL, 0,
     "slurm: client processes are a job array, which may grow and shrink", 0},
    {"slurm-arg", KEY_SLURM_ARG, "ARG", 0,
     "slurm: an option of salloc and sbatch, e.g. --slurm-arg=--time=2:00:00; "
     "may be repeated",
     0},
    {"together", KEY_TOGETHER, NULL, 0,
     "Begin when all client processes have joined: those who come first would "
     "do all of a short run",
     0},
    {"profile", KEY_PROFILE, NULL, 0,
     "Measure where the time goes, per process, phase and layer: a table at "
     "the end, profile.csv in the run directory",
     0},
    {"kernels", KEY_KERNELS, "NAME", 0,
     "Compute with these kernels: avx512, avx2 or portable (default: the best "
     "of this CPU)",
     0},
    {"meter", KEY_METER, "NAME", 0,
     "Measure what the simulation itself takes with this meter, or none "
     "(default: the best of this machine, see fedcarbon list meters)",
     0},
    {"tdp-w", KEY_TDP, "W", 0,
     "For the meter tdp: thermal design power of all processors that Linux "
     "lists here",
     0},
    {"here", KEY_HERE, "ZONE", 0,
     "The grid zone of this machine, for the simulation's own gCO2e", 0},
    {"sink", KEY_SINK, "NAME[=PATH]", 0, CLI_SINK_HELP, 0},
    {"inside", KEY_INSIDE, NULL, OPTION_HIDDEN,
     "Standard input is who waits for the job, outside", 0},
    {"parent", KEY_PARENT, "PID", OPTION_HIDDEN,
     "Save everything and stop when this process has ended", 0},
    {"share-dir", KEY_SHARE, "DIR", OPTION_HIDDEN,
     "Folder where runs find each other's centralized arms", 0},
    {"cache-dir", KEY_CACHE, "DIR", 0, "Folder for decoded data sets", 0},
    {0},
};

static error_t
set_seed(struct request *request, const char *word, struct argp_state *state)
{
    size_t size = sizeof request->seed;
    int wrote = snprintf(request->seed, size, "seed=%s", word);
    if (wrote < 0 || (size_t)wrote >= size)
        argp_error(state, "--seed: found '%.20s...', %d characters, allowed %d",
                   word, (int)strlen(word), (int)(size - sizeof "seed="));
    cli_parse_set(&request->subject.sets, "--set", request->seed, state);
    return 0;
}

/* Options that would be ignored are refused. */
static void check_words(const struct request *request, struct argp_state *state)
{
    bool is_slurm = cli_launcher_is_slurm(request->launcher);
    if (!is_slurm &&
        (request->n_nodes || request->is_elastic || request->slurm_args.n > 0))
        argp_error(state, "--nodes, --elastic and --slurm-arg are for "
                          "--launcher slurm");
    if (is_slurm && request->ticket)
        argp_error(state, "--ticket: --launcher slurm brings it to its nodes");
    if (is_slurm && request->energy.meter &&
        strcmp(request->energy.meter, CLI_METER_NONE) != 0 &&
        strcmp(request->energy.meter, "slurm") != 0)
        argp_error(state,
                   "--meter: found '%s', which measures this host alone; "
                   "allowed with --launcher slurm: slurm, none",
                   request->energy.meter);
    if (request->processes == 0 && (is_slurm || !request->ticket))
        argp_error(state, "--processes 0: others join with a --ticket, which "
                          "is not given");
}

static error_t parse_subject(int key, char *word, struct argp_state *state)
{
    struct request *request = state->input;
    error_t error =
        cli_parse_subject(key, word, "scenario", &request->subject, state);
    if (key == ARGP_KEY_END)
        check_words(request, state);
    return error;
}

static error_t parse_number(int key, char *word, struct argp_state *state)
{
    struct request *request = state->input;
    switch (key) {
    case KEY_TDP:
        cli_parse_double("--tdp-w", word, MIN_TDP_W, MAX_TDP_W,
                         &request->energy.meter_opts.tdp_w, state);
        return 0;
    case KEY_PARENT:
        cli_parse_int("--parent", word, 1, INT32_MAX, &request->parent, state);
        return 0;
    case KEY_NODES:
        cli_parse_int("--nodes", word, 1, MAX_NODES, &request->n_nodes, state);
        return 0;
    case 'p':
        cli_parse_int("--processes", word, 0, MAX_PROCESSES,
                      &request->processes, state);
        return 0;
    default:
        return parse_subject(key, word, state);
    }
}

/* Who starts the processes, and where. */
static error_t parse_launcher(int key, char *word, struct argp_state *state)
{
    struct request *request = state->input;
    switch (key) {
    case KEY_LISTEN:
        request->address = word;
        return 0;
    case KEY_TICKET:
        request->ticket = word;
        return 0;
    case KEY_LAUNCHER:
        cli_parse_launcher(word, &request->launcher, state);
        return 0;
    case KEY_ELASTIC:
        request->is_elastic = true;
        return 0;
    case KEY_INSIDE:
        request->is_inside = true;
        return 0;
    case KEY_SLURM_ARG:
        cli_parse_set(&request->slurm_args, "--slurm-arg", word, state);
        return 0;
    default:
        return parse_number(key, word, state);
    }
}

static error_t parse_word(int key, char *word, struct argp_state *state)
{
    struct request *request = state->input;
    switch (key) {
    case KEY_SEED:
        return set_seed(request, word, state);
    case KEY_OUT:
        request->out = word;
        return 0;
    case KEY_RESUME:
        request->is_resume = true;
        return 0;
    case KEY_CACHE:
        request->cache_dir = word;
        return 0;
    case KEY_SHARE:
        request->share_dir = word;
        return 0;
    case KEY_TOGETHER:
        request->is_together = true;
        return 0;
    case KEY_PROFILE:
        request->is_profiled = true;
        return 0;
    case KEY_KERNELS:
        request->kernels = word;
        return 0;
    case KEY_METER:
        request->energy.meter = word;
        return 0;
    case KEY_SINK:
        cli_parse_sink(&request->sinks, word, state);
        return 0;
    case KEY_HERE:
        request->energy.here = word;
        return 0;
    case 'q':
        request->is_quiet = true;
        return 0;
    default:
        return parse_launcher(key, word, state);
    }
}

static enum fl_status count_processes(const struct request *request,
                                      const struct scn_scenario *scenario,
                                      struct cli_launch_opts *acc,
                                      struct fl_error *err)
{
    struct fl_topology *topology = NULL;
    if (scenario->mock.is_on) /* nobody trains */
        return FL_OK;
    if (cli_launcher_is_slurm(request->launcher)) { /* it counts itself */
        acc->processes = request->processes > 0 ? (int)request->processes : 0;
        return FL_OK;
    }
    FL_TRY(fl_topology_create(&topology, err));
    int cores = fl_topology_cores(topology);
    fl_topology_destroy(topology);
    acc->processes = request->processes >= 0 ? (int)request->processes : cores;
    acc->expected = acc->processes < cores ? acc->processes : cores;
    /* The points of a sweep would all take the same cores. */
    acc->has_bindings = acc->processes <= cores && !request->parent;
    return FL_OK;
}

static enum fl_status launch(const struct request *request,
                             const struct scn_scenario *scenario,
                             struct cli_launch_opts *opts,
                             struct fl_error *err)
{
    if (!request->is_quiet && scenario->mock.is_on)
        fl_log(FL_LOG_INFO, "%s, mode mock: nothing is trained, into %s",
               scenario->name, opts->run_dir);
    else if (!request->is_quiet && cli_launcher_is_slurm(opts->launcher))
        fl_log(FL_LOG_INFO, "%s, in Slurm job %s, into %s", scenario->name,
               opts->slurm->job, opts->run_dir);
    else if (!request->is_quiet)
        fl_log(FL_LOG_INFO, "%s, %d client processes, into %s", scenario->name,
               opts->processes, opts->run_dir);
    if (!request->is_quiet &&
        fl_node_find(fl_config_root(scenario->config), SCN_SWEEP_KEY))
        fl_log(FL_LOG_INFO,
               "%s varies keys: fedcarbon sweep runs all points, "
               "this is the one without them",
               request->subject.file);
    char *command =
        cli_command_text("run", request->subject.file, &request->subject.sets);
    opts->command = command;
    enum fl_status status = cli_launch(opts, err);
    fl_free(command);
    struct fl_error why = {FL_OK, ""};
    if (cli_energy_finish(opts->energy, opts->run_dir, &why) != FL_OK &&
        (status == FL_OK || status == FL_E_STOPPED))
        fl_log(FL_LOG_WARN, "the simulation's own energy is not stored: %s",
               why.text);
    if (status == FL_OK || status == FL_E_STOPPED)
        cli_sinks_finish(opts->sinks, status == FL_OK);
    return status;
}

/* What no process of this host can do is said before any is started. */
static enum fl_status check_kernels(const struct request *request,
                                    struct fl_error *err)
{
    const struct nn_kernels *kernels = NULL;
    return nn_kernels_find(request->kernels, &kernels, err);
}

static enum fl_status run_into(const struct request *request,
                               const struct scn_scenario *scenario,
                               const char *dir,
                               struct cli_launch_opts *opts,
                               struct fl_error *err)
{
    bool is_finished = false;
    FL_TRY(request->is_resume
               ? cli_run_dir_check_same(scenario, dir, &is_finished, err)
               : cli_run_dir_prepare(scenario, dir, err));
    /* Killed between its end and its exports: what is missing is written. */
    FL_TRY(is_finished ? res_export(dir, err)
                       : launch(request, scenario, opts, err));
    if (is_finished)
        cli_sinks_finish(opts->sinks, true);
    const char *dirs[] = {dir};
    FL_TRY(res_compare(dirs, 1, RES_TEXT, stdout, err));
    if (scenario->account.n_servings > 0) {
        (void)fputc('\n', stdout);
        FL_TRY(res_book_print(dir, stdout, err));
    }
    if (!request->is_quiet && !is_finished)
        cli_energy_print(opts->energy, stdout);
    return request->is_profiled && !is_finished
               ? res_profile_print(dir, stdout, err)
               : FL_OK;
}

/* Under Slurm its own meter measures the job; any other one only this host. */
static enum fl_status open_meter(const struct request *request,
                                 struct cli_launch_opts *opts,
                                 struct fl_error *err)
{
    struct cli_energy_opts energy = request->energy;
    bool is_slurm = cli_launcher_is_slurm(request->launcher);
    if (is_slurm && !energy.meter)
        energy.meter = CLI_METER_NONE;
    return cli_energy_create(&energy, opts->processes, &opts->energy, err);
}

static enum fl_status run(const struct request *request,
                          const struct cli_surroundings *surroundings,
                          const struct scn_scenario *scenario,
                          struct fl_error *err)
{
    char dir[4096];
    struct cli_launch_opts opts = {.run_dir = dir,
                                   .launcher = request->launcher,
                                   .slurm = &surroundings->slurm,
                                   .slurm_args = request->slurm_args.all,
                                   .n_slurm_args = request->slurm_args.n,
                                   .n_nodes = request->n_nodes,
                                   .is_elastic = request->is_elastic,
                                   .is_inside = request->is_inside,
                                   .ticket = request->ticket,
                                   .address = request->address,
                                   .data_root = request->data_root,
                                   .cache_dir = request->cache_dir,
                                   .share_dir = request->share_dir,
                                   .is_resume = request->is_resume,
                                   .is_quiet = request->is_quiet,
                                   .is_profiled = request->is_profiled,
                                   .is_together = request->is_together,
                                   .kernels = request->kernels};
    FL_TRY(count_processes(request, scenario, &opts, err));
    FL_TRY(cli_run_dir_choose(scenario, request->out, request->is_resume, dir,
                              sizeof dir, err));
    struct fl_lock lock = FL_LOCK_NONE;
    enum fl_status status = open_meter(request, &opts, err);
    if (status == FL_OK)
        status = cli_run_dir_claim(dir, &lock, err);
    if (status == FL_OK)
        status = cli_sinks_create(&request->sinks, dir, &opts.sinks, err);
    if (status == FL_OK)
        status = run_into(request, scenario, dir, &opts, err);
    cli_sinks_destroy(opts.sinks);
    cli_energy_destroy(opts.energy);
    fl_lock_drop(&lock);
    return status;
}

/* The same command, in a Slurm job of its own. */
static enum fl_status allocate(const struct request *request,
                               int argc,
                               char **argv,
                               int *ret_exit_code,
                               struct fl_error *err)
{
    const struct cli_launch_opts opts = {
        .processes = request->processes > 0 ? (int)request->processes : 0,
        .slurm_args = request->slurm_args.all,
        .n_slurm_args = request->slurm_args.n,
        .n_nodes = request->n_nodes,
        .is_elastic = request->is_elastic,
        .is_quiet = request->is_quiet};
    return cli_slurm_allocate(&opts, "run", argc, argv, ret_exit_code, err);
}

int cli_command_run(int argc,
                    char **argv,
                    const struct cli_surroundings *surroundings)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse_word,
        .args_doc = "SCENARIO",
        .doc = "Run a scenario's arms and print their comparison table.",
    };
    struct request request = {.data_root = surroundings->data_root,
                              .cache_dir = surroundings->cache_dir,
                              .processes = -1,
                              .energy.meter_opts =
                                  cli_meter_opts(surroundings->slurm.job)};
    struct scn_scenario *scenario = NULL;
    struct fl_error err = {0};
    (void)argp_parse(&argp, argc, argv, 0, NULL, &request);
    if (request.is_inside)
        cli_slurm_say('b');
    enum fl_status status =
        request.parent ? cli_process_follow((pid_t)request.parent, &err)
                       : FL_OK;
    if (status == FL_OK)
        status = cli_load_scenario(request.subject.file, &request.subject.sets,
                                   &scenario, &err);
    if (status == FL_OK && scenario->account.is_whole)
        status = fl_fail(&err, FL_E_CONFIG,
                         "%s: an account trains nothing; fedcarbon account "
                         "costs it",
                         request.subject.file);
    if (status == FL_OK && scenario->mock.is_on &&
        cli_launcher_is_slurm(request.launcher))
        status = fl_fail(&err, FL_E_CONFIG,
                         "%s: mode mock trains nothing and runs on one core, "
                         "allowed without --launcher slurm",
                         request.subject.file);
    if (status == FL_OK)
        status = check_kernels(&request, &err);
    int exit_code = CLI_EXIT_OK;
    bool needs_job =
        cli_launcher_is_slurm(request.launcher) && !surroundings->slurm.job;
    if (status == FL_OK && needs_job)
        status = allocate(&request, argc, argv, &exit_code, &err);
    else if (status == FL_OK)
        status = run(&request, surroundings, scenario, &err);
    scn_scenario_destroy(scenario);
    if (status != FL_OK)
        exit_code = cli_conclude(status, &err);
    if (request.is_inside)
        cli_slurm_say((unsigned char)exit_code);
    return exit_code;
}
