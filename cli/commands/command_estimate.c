/* fedcarbon estimate SCENARIO: what a run will take, before it is run. */
#include "cli/commands.h"

#include "base/clock.h"
#include "base/topology.h"
#include "base/units.h"
#include "cli/program.h"
#include "cli/words.h"
#include "coordinator/forecast.h"

#include <argp.h>
#include <stdio.h>

#define MAX_PROCESSES 4096

struct request {
    struct cli_subject subject;
    int64_t processes; /* 0: one per core */
};

static const struct argp_option options[] = {
    {"set", CLI_KEY_SET, "KEY=VALUE", 0,
     "Override a key of the scenario; may be repeated", 0},
    {"processes", 'p', "N", 0,
     "Client processes (default: one per physical core)", 0},
    {0},
};

static error_t parse_word(int key, char *word, struct argp_state *state)
{
    struct request *request = state->input;
    switch (key) {
    case 'p':
        cli_parse_int("--processes", word, 1, MAX_PROCESSES,
                      &request->processes, state);
        return 0;
    default:
        return cli_parse_subject(key, word, "scenario", &request->subject,
                                 state);
    }
}

static enum fl_status count_cores(int *ret, struct fl_error *err)
{
    struct fl_topology *topology = NULL;
    FL_TRY(fl_topology_create(&topology, err));
    *ret = fl_topology_cores(topology);
    fl_topology_destroy(topology);
    return FL_OK;
}

static void print_arm(const char *name, const struct coord_arm_forecast *arm)
{
    const char *mark = arm->is_upper_bound ? "<=" : "  ";
    (void)printf("%-12s  %s%10.4g  %s%10.4g  %s%12.0f  %s%12.4g\n", name, mark,
                 arm->energy_j / FL_J_PER_KWH, mark, arm->emitted_gco2e, mark,
                 arm->entries, mark, arm->work_flop);
}

static void print_here(const struct scn_scenario *s,
                       const struct coord_forecast *f,
                       int64_t processes,
                       int cores)
{
    const char *mark = f->is_upper_bound ? "at most about" : "about";
    int64_t busy = processes < cores ? processes : cores;
    double wall_s = coord_forecast_wall_s(f, busy);
    char clock[32], end[32];
    fl_clock_text(wall_s + coord_forecast_end_wall_s(f), clock, sizeof clock);
    fl_clock_text(coord_forecast_end_wall_s(f), end, sizeof end);
    (void)printf("\ntime here: %s %s", mark, clock);
    if (s->mock.is_on)
        (void)printf(", on one core: nothing is trained");
    else
        (void)printf(" with %lld client processes on %d cores",
                     (long long)processes, cores);
    if (coord_forecast_end_wall_s(f) >= 1)
        (void)printf("; %s of it to sum up and export", end);
    (void)printf("\nmemory: about %.0f MB in the coordinator",
                 f->coordinator_bytes / 1e6);
    if (!s->mock.is_on)
        (void)printf(", %.0f MB in each client process, decoded data that "
                     "they share included",
                     f->client_bytes / 1e6);
    (void)printf("\nrun directory: %s %.1f MB\n", mark, f->stored_bytes / 1e6);
}

static void print(const struct scn_scenario *s,
                  const struct coord_forecast *f,
                  int64_t processes,
                  int cores)
{
    const struct coord_arm_forecast all = {.energy_j = f->energy_j,
                                           .emitted_gco2e = f->emitted_gco2e,
                                           .entries = f->entries,
                                           .work_flop = f->work_flop,
                                           .is_upper_bound = f->is_upper_bound};
    int n_arms = 0;
    (void)printf("%s%s\n\n%-12s  %12s  %12s  %14s  %14s\n", s->name,
                 s->mock.is_on ? ", mode mock" : "", "arm", "kWh", "gCO2e",
                 "ledger rows", "FLOP here");
    for (int arm = 0; arm < SCN_ARM_LAST_; arm++) {
        if (!s->has_arm[arm])
            continue;
        n_arms++;
        print_arm(scn_arm_name((enum scn_arm)arm), &f->arms[arm]);
    }
    if (n_arms > 1)
        print_arm("all", &all);
    print_here(s, f, processes, cores);
    (void)printf("\nkWh and gCO2e are of the simulated world, costed from the "
                 "first rounds, one epoch\nand clients alone; serving is left "
                 "out. How well a forecast held is told at the end of\neach "
                 "run and in its manifest.json.%s\n",
                 f->is_upper_bound
                     ? " <=: arms that reach their target stop earlier."
                     : "");
}

static enum fl_status estimate(const struct request *request,
                               struct scn_scenario *scenario,
                               const struct cli_surroundings *surroundings,
                               struct fl_error *err)
{
    struct coord_speeds speeds = {.n = 0};
    struct coord_forecast forecast;
    int cores = 0;
    if (scenario->account.is_whole)
        return fl_fail(err, FL_E_CONFIG,
                       "%s: an account trains nothing; fedcarbon account "
                       "costs it at once",
                       request->subject.file);
    FL_TRY(count_cores(&cores, err));
    FL_TRY(coord_forecast(scenario, surroundings->data_root,
                          surroundings->cache_dir, &speeds, stderr, &forecast,
                          err));
    print(scenario, &forecast,
          request->processes > 0 ? request->processes : cores, cores);
    return FL_OK;
}

int cli_command_estimate(int argc,
                         char **argv,
                         const struct cli_surroundings *surroundings)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse_word,
        .args_doc = "SCENARIO",
        .doc = "Say what a run of the scenario will take: time and memory of "
               "this machine, energy and gCO2e of the simulated world. Nothing "
               "is run but a few training steps, for their speed.",
    };
    struct request request = {.processes = 0};
    struct scn_scenario *scenario = NULL;
    struct fl_error err = {0};
    (void)argp_parse(&argp, argc, argv, 0, NULL, &request);
    enum fl_status status = cli_load_scenario(
        request.subject.file, &request.subject.sets, &scenario, &err);
    if (status == FL_OK)
        status = estimate(&request, scenario, surroundings, &err);
    scn_scenario_destroy(scenario);
    return cli_conclude(status, &err);
}
