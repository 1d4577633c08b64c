/* Loading a scenario with everything checked that needs no data, the plug-ins
 * of the coordinator included; every problem goes to stderr with its place. */
#ifndef CLI_LOAD_H
#define CLI_LOAD_H

#include "scenarios/scenario.h"

/* Fails as scn_scenario_create. Free: scn_scenario_destroy. */
enum fl_status cli_load_scenario(const char *path,
                                 const char *const *sets,
                                 size_t n_sets,
                                 struct scn_scenario **ret,
                                 struct fl_error *err) FL_NODISCARD;

#endif
