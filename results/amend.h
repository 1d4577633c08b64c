/* What becomes known of a run only after its coordinator has closed the store:
 * the energy of the simulation itself, which its launcher measures to the end.
 */
#ifndef RESULTS_AMEND_H
#define RESULTS_AMEND_H

#include "base/status.h"

#include <stddef.h>

/* A named text whose key begins with "simulation_energy"; value NULL: none. */
struct res_amendment {
    const char *key;
    const char *value;
};

/* Sets named texts in a run that nobody is writing, finished or not; of a
 * finished one manifest.json is written again. Nothing else can be changed,
 * nor that a run's writer was killed.
 * Fails FL_E_ARG another key; FL_E_STATE there is no run, or it is being
 * written; FL_E_IO, FL_E_FORMAT as res_store_create. */
enum fl_status res_amend(const char *dir,
                         const struct res_amendment *amendments,
                         size_t n,
                         struct fl_error *err) FL_NODISCARD;

#endif
