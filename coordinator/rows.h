/* Items of an account, and servings of any scenario, into a run's store: the
 * facts that they rest on, their ledger entries, their names. */
#ifndef COORDINATOR_ROWS_H
#define COORDINATOR_ROWS_H

#include "results/store.h"
#include "scenarios/scenario.h"

/* Where an arm stands when its rows begin. */
struct coord_rows_start {
    double t0_s;         /* simulated */
    int64_t first_round; /* of its rows' ledger entries; one per row */
};

/* Writes all of them; arms and zones must be in the store already. starts: by
 * arm number; NULL: all from time 0 and round 0. ret_end_s: by arm number, when
 * its last row is over; NULL: nobody asks. Does nothing without rows.
 * Fails FL_E_CONFIG, FL_E_RANGE as carbon_account; FL_E_NOMEM; FL_E_IO. */
enum fl_status coord_rows_store(const struct scn_scenario *scenario,
                                struct res_store *store,
                                const struct coord_rows_start *starts,
                                double *ret_end_s,
                                struct fl_error *err) FL_NODISCARD;

#endif
