/* Inside of the launcher's metering: what it gathers (self_energy.c) and how
 * that is told (self_energy_report.c). */
#ifndef CLI_ENERGY_SELF_ENERGY_PRIV_H
#define CLI_ENERGY_SELF_ENERGY_PRIV_H

#include "carbon/zone.h"
#include "cli/energy/self_energy.h"

#include <stdbool.h>

struct cli_energy {
    struct cli_energy_opts opts;
    const struct carbon_zone *zone; /* NULL: not said */
    struct carbon_meter *meter;     /* NULL: none, see why */
    struct fl_error why;            /* it is not measured; "" while it is */
    struct carbon_meter_refusal refusals[CARBON_MAX_METERS];
    size_t n_refusals;
    int lock_fd;    /* of the machine; -1: it cannot be told */
    bool is_shared; /* another fedcarbon was measuring at the same time */
    double start_wall_s, next_wall_s, end_wall_s;
    double start_busy_cpu_s, start_own_cpu_s;
    int n_processes;
    double *cpu_s;    /* by process */
    double *energy_j; /* by process, of this session */
    double machine_j; /* all of the meter, of this session */
    /* Over the sessions of the run, this one included: */
    bool is_measured; /* any of them */
    double sum_j;
    double sum_wall_s; /* that the measured ones covered */
    int64_t n_measured, n_unmeasured;
    char meters[64];    /* "rapl", "rapl+tdp" */
    char evidences[64]; /* their evidence, the weakest */
    bool was_ever_shared;
};

/* Reads what former sessions left in the run directory, adds this one's, and
 * stores the sum. Fails as res_store_create and res_amend. */
enum fl_status cli_energy_store(struct cli_energy *energy,
                                const char *run_dir,
                                struct fl_error *err) FL_NODISCARD;

#endif
