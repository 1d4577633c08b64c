/* Run directories: runs/<name>-<first 8 of the scenario's hash>[-2, -3 ...]. */
#ifndef CLI_RUN_DIR_H
#define CLI_RUN_DIR_H

#include "base/lock.h"
#include "base/status.h"
#include "scenarios/scenario.h"

#include <stdbool.h>
#include <stddef.h>

/* The directory to use, in ret[size]. out: what the user asked for, or NULL.
 * A new run takes the first free name; a resumed one the latest that holds a
 * run. Fails FL_E_STATE nothing to resume; FL_E_ARG path too long. */
enum fl_status cli_run_dir_choose(const struct scn_scenario *scenario,
                                  const char *out,
                                  bool is_resume,
                                  char *ret,
                                  size_t size,
                                  struct fl_error *err) FL_NODISCARD;

/* Makes the directory, and claims it for this process until the lock is
 * dropped. Fails FL_E_STATE another process runs into it; FL_E_IO. */
enum fl_status cli_run_dir_claim(const char *dir,
                                 struct fl_lock *ret,
                                 struct fl_error *err) FL_NODISCARD;

/* Whether the run in a directory is of this very scenario, and has ended.
 * Fails FL_E_CONFIG it is of another; FL_E_IO, FL_E_FORMAT as the store. */
enum fl_status cli_run_dir_check_same(const struct scn_scenario *scenario,
                                      const char *dir,
                                      bool *ret_is_finished,
                                      struct fl_error *err) FL_NODISCARD;

/* Whether the run in a directory has ended. Fails as the store. */
enum fl_status cli_run_dir_is_finished(const char *dir,
                                       bool *ret,
                                       struct fl_error *err) FL_NODISCARD;

/* Makes the directory and writes scenario.yaml, resolved, into it. Refuses one
 * that holds a run already. Fails FL_E_IO, FL_E_STATE. */
enum fl_status cli_run_dir_prepare(const struct scn_scenario *scenario,
                                   const char *dir,
                                   struct fl_error *err) FL_NODISCARD;

#endif
