/* The energy that a simulation itself takes: the launcher meters the machine
 * from the start of its processes to their end, and charges them the share of
 * their CPU time. It is told in the manifest and in one line, and is no part
 * of any result: models and ledger are the same with and without it.
 *
 * Nothing here can make a run fail: what cannot be measured is told. */
#ifndef CLI_ENERGY_SELF_ENERGY_H
#define CLI_ENERGY_SELF_ENERGY_H

#include "base/status.h"
#include "carbon/meter.h"

#include <stdio.h>

#define CLI_METER_NONE "none" /* --meter none */

struct cli_energy_opts {
    const char *meter; /* a meter's name, CLI_METER_NONE, NULL: the best */
    struct carbon_meter_opts meter_opts;
    const char *here; /* the grid zone of this machine; NULL: no grams */
};

/* What meters can use on this machine, but for what the user says. */
struct carbon_meter_opts cli_meter_opts(const char *slurm_job);

struct cli_energy; /* opaque */

/* Processes have numbers: 0 the launcher, 1 the coordinator, 2 + i client i. */
enum { CLI_ENERGY_LAUNCHER, CLI_ENERGY_COORDINATOR, CLI_ENERGY_CLIENTS };

/* Opens the meter. A machine without one is no failure.
 * Fails FL_E_CONFIG an unknown zone, or a meter asked for by name that cannot
 * be had. Free: cli_energy_destroy. */
enum fl_status cli_energy_create(const struct cli_energy_opts *opts,
                                 int n_clients,
                                 struct cli_energy **ret,
                                 struct fl_error *err) FL_NODISCARD;
void cli_energy_destroy(struct cli_energy *energy);

/* Milliseconds until the meter wants to be read, for poll(); -1: never.
 * NULL is fine in all that follows. */
int cli_energy_timeout_ms(const struct cli_energy *energy);
/* Reads the meter if it is time. */
void cli_energy_tick(struct cli_energy *energy);
/* A process has ended after so much CPU time. */
void cli_energy_spent(struct cli_energy *energy, int process, double cpu_s);

/* The last reading, once all processes have ended. Adds it to what former
 * sessions of the run left, and stores the sum in the run directory, if there
 * is a run. Fails as res_amend. */
enum fl_status cli_energy_finish(struct cli_energy *energy,
                                 const char *run_dir,
                                 struct fl_error *err) FL_NODISCARD;

/* "this simulation itself took 1.9 kJ (rapl, measured) ...", or why not. */
void cli_energy_print(const struct cli_energy *energy, FILE *out);

#endif
