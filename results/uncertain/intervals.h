/* The intervals of tables: made once, when a run is finished, and kept with it
 * as the named text "intervals", so that a table over a thousand runs draws
 * nothing. A run that goes on, or whose store was finished without, is drawn
 * when it is asked for. Private to results/ and its tests.
 */
#ifndef RESULTS_UNCERTAIN_INTERVALS_H
#define RESULTS_UNCERTAIN_INTERVALS_H

#include "results/uncertain.h"

/* Draws behind them: on a lattice, good to a percent. */
#define RES_TABLE_DRAWS 2000

struct res_interval {
    int32_t arm;
    double p5_gco2e, p95_gco2e;
    double x_p5, x_p95;             /* NaN: no centralized arm */
    double below_centralized_share; /* NaN likewise */
};

struct res_intervals {
    struct res_interval *rows;
    size_t n;
    char *decided_by; /* facts that move the answer most; never NULL */
};

/* Those that are kept, or new ones. Fails as res_uncertain, and FL_E_FORMAT
 * where what is kept is damaged. Free: res_intervals_fini. */
enum fl_status res_intervals_read(struct res_store *store,
                                  struct res_intervals *ret,
                                  struct fl_error *err) FL_NODISCARD;
/* Draws them and keeps them. */
enum fl_status res_intervals_keep(struct res_store *store,
                                  struct fl_error *err) FL_NODISCARD;
void res_intervals_fini(struct res_intervals *all);

#endif
