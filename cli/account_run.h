/* From an account to a finished run directory. */
#ifndef CLI_ACCOUNT_RUN_H
#define CLI_ACCOUNT_RUN_H

#include "cli/load.h"

/* Costs every item and serving into the run store of dir. file and sets: the
 * command line's, for the command that repeats it.
 * Fails FL_E_CONFIG, FL_E_RANGE, FL_E_IO, FL_E_NOMEM. */
enum fl_status cli_account_run(const struct scn_scenario *scenario,
                               const char *dir,
                               const char *file,
                               const struct cli_sets *sets,
                               struct fl_error *err) FL_NODISCARD;

#endif
