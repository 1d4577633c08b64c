/* What the files that take accounts over share. */
#ifndef SCENARIOS_ACCOUNT_TAKE_PRIV_H
#define SCENARIOS_ACCOUNT_TAKE_PRIV_H

#include "scenarios/account_schema_priv.h"
#include "scenarios/scenario_priv.h"

/* account_machine.c */

/* The machine that the keys of map describe. */
void scn_take_machine(struct scn_load *load,
                      const struct fl_node *map,
                      const struct scn_raw_machine *raw,
                      struct scn_machine *ret);
/* The fact in another unit: k of it make one. */
void scn_scale_fact(struct carbon_fact *fact, double k);
/* Its power follows from the energy that it drew in duration_s. */
void scn_take_energy(struct scn_load *load,
                     const struct fl_fact *raw,
                     double duration_s,
                     struct scn_machine *machine);
/* Writes what came from a profile below map. */
void scn_complete_machine(struct scn_load *load,
                          const struct fl_node *map,
                          const struct scn_raw_machine *raw,
                          struct scn_machine *machine);

/* account_take.c */

/* The number of an arm by its name; -1 after a problem. */
int32_t scn_take_arm(struct scn_load *load,
                     const struct fl_node *row,
                     const char *name);
/* hours or seconds; false: neither was given, or a problem. */
bool scn_take_duration(struct scn_load *load,
                       const struct fl_node *row,
                       const struct fl_fact *hours,
                       const struct fl_fact *seconds,
                       struct carbon_fact *ret_s);
/* Seconds after carbon.start. */
double scn_take_row_start(struct scn_load *load,
                          const struct fl_node *row,
                          const char *start);

/* serving_take.c */
void scn_take_servings(struct scn_load *load);
void scn_complete_serving(struct scn_load *load,
                          const struct fl_node *row,
                          const struct scn_raw_serving *raw,
                          struct scn_serving *serving);

#endif
