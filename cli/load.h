/* Loading a scenario with everything checked that needs no data, the plug-ins
 * of the coordinator included; every problem goes to stderr with its place. */
#ifndef CLI_LOAD_H
#define CLI_LOAD_H

#include "scenarios/scenario.h"

#define CLI_MAX_SETS 256

struct cli_sets { /* the --set of a command line, in order; borrowed texts */
    const char *all[CLI_MAX_SETS];
    size_t n;
};

/* Adds one; false: there are CLI_MAX_SETS already. */
bool cli_sets_add(struct cli_sets *sets, const char *assignment);

/* "fedcarbon run a.yaml --set k=v", as a shell reads it: what gives the same
 * results again. NULL: out of memory. Free: fl_free. */
char *cli_command_text(const char *command,
                       const char *file,
                       const struct cli_sets *sets);

/* Fails as scn_scenario_create. Free: scn_scenario_destroy. */
enum fl_status cli_load_scenario(const char *path,
                                 const struct cli_sets *sets,
                                 struct scn_scenario **ret,
                                 struct fl_error *err) FL_NODISCARD;

/* The same, with the problems printed there. */
enum fl_status cli_load_scenario_into(const char *path,
                                      const struct cli_sets *sets,
                                      FILE *problems,
                                      struct scn_scenario **ret,
                                      struct fl_error *err) FL_NODISCARD;

#endif
