/* The learning curve of each arm as named series, for programs that draw
 * series: what rounds.csv holds, and its sums by component.
 *
 *     accuracy/test  loss/test  loss/train  updates/accepted  updates/refused
 *     energy/kWh/all  energy/kWh/<component>     up to and with the round
 *     carbon/gCO2e/all  carbon/gCO2e/<component>
 *
 * What was not evaluated after a round has no value there; a component has its
 * first with its first entry. Ledger rows behind an arm's last round (items of
 * an account) are in no round. Private to results/ and its tests.
 */
#ifndef RESULTS_TREES_CURVE_H
#define RESULTS_TREES_CURVE_H

#include "results/exporter_priv.h"

struct res_curve_value {
    const char *series; /* valid during the call */
    int64_t round;
    double sim_time_s;
    double value;
};

/* All values of one arm: rounds in order, series of a round in a fixed order;
 * is_last: of its round. */
typedef enum fl_status (*res_curve_fn)(void *arg,
                                       const struct res_curve_value *value,
                                       bool is_last,
                                       struct fl_error *err);
enum fl_status res_curve(const struct res_exporting *x,
                         const struct res_row *row,
                         res_curve_fn take,
                         void *arg,
                         struct fl_error *err) FL_NODISCARD;

/* Seconds since 1970 when the run began; 0 where that was not recorded. */
enum fl_status res_started(const struct res_exporting *x,
                           int64_t *ret_epoch_s,
                           struct fl_error *err) FL_NODISCARD;

#endif
