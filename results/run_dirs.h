/* Folders that a command was given: a run's stands for itself, a sweep's for
 * the runs of its points. Private to results/. */
#ifndef RESULTS_RUN_DIRS_H
#define RESULTS_RUN_DIRS_H

#include "results/table/compare_priv.h"

struct res_run_dirs {
    char **names; /* [n] */
    size_t n, capacity;
};

/* In the order given, a sweep's in that of its points, each folder of it once.
 * Whether a run is there is not looked at. A sweep that cannot be read is a
 * problem. Fails with that where problems->out is NULL; FL_E_NOMEM. Free:
 * res_run_dirs_fini. */
enum fl_status res_run_dirs_init(struct res_run_dirs *ret,
                                 const char *const *dirs,
                                 size_t n_dirs,
                                 struct res_problems *problems,
                                 struct fl_error *err) FL_NODISCARD;
/* Copes with a zeroed one. */
void res_run_dirs_fini(struct res_run_dirs *dirs);

#endif
