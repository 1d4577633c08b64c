/* What a run will take, before it is run: its first rounds, an epoch and each
 * client alone, costed as the run itself costs them, times how many there are.
 * An arm with a target may stop earlier: then it is an upper bound.
 *
 * Memory follows from sizes: vectors, workspaces, the decoded data that a
 * client process maps, whoever shares them. */
#ifndef COORDINATOR_FORECAST_H
#define COORDINATOR_FORECAST_H

#include "scenarios/scenario.h"

/* How fast this machine trains; measured once per model and batch. */
struct coord_speed {
    int64_t macs, params, batch;
    double train_flop_per_s; /* of one process */
};

#define COORD_MAX_SPEEDS 64

struct coord_speeds {
    struct coord_speed all[COORD_MAX_SPEEDS];
    size_t n;
};

struct coord_arm_forecast {
    double energy_j, emitted_gco2e; /* as the ledger will say */
    double work_flop;               /* that is really computed */
    double entries;                 /* of the ledger */
    bool is_upper_bound;            /* it may reach its target earlier */
};

struct coord_forecast {
    struct coord_arm_forecast arms[SCN_ARM_LAST_];
    double energy_j, emitted_gco2e, work_flop; /* of all arms */
    double entries;
    double process_wall_s;  /* of one process at this machine's speed */
    double chain_wall_s;    /* of it what cannot be shared: epochs in a row */
    double exchange_wall_s; /* of rounds, for each process */
    double coordinator_bytes, client_bytes; /* most memory of a process */
    double stored_bytes;                    /* of the run directory */
    bool is_upper_bound; /* an arm may reach its target earlier */
};

/* data_root, cache_dir, problems: as scn_task_init. speeds: in and out.
 * What requests to the trained model cost is left out.
 * Fails as scn_task_init, carbon_account, nn_workspace_create. */
enum fl_status coord_forecast(struct scn_scenario *scenario,
                              const char *data_root,
                              const char *cache_dir,
                              struct coord_speeds *speeds,
                              FILE *problems,
                              struct coord_forecast *ret,
                              struct fl_error *err) FL_NODISCARD;

/* Wall time until the last round is written, with so many processes that have
 * a core each (in a mock run there are none), and from then until the run is
 * summed up and exported. */
double coord_forecast_wall_s(const struct coord_forecast *forecast,
                             int64_t processes);
double coord_forecast_end_wall_s(const struct coord_forecast *forecast);

#endif
