/* What published tools would have reported for a run: every arm's machines,
 * as the ledger has them, put to the estimators of carbon/estimators/.
 *
 * A tracker is taken to run on every machine that computes: on a client while
 * it trains, evaluates or serves, on a server from begin to end, waiting
 * included. Or on the server's machine alone, as people do who start it beside
 * the server's process. What a machine draws is the ledger's energy of its
 * client and server terms meanwhile, so rows differ by method, not by sensor.
 */
#ifndef RESULTS_ESTIMATE_H
#define RESULTS_ESTIMATE_H

#include "base/status.h"
#include "results/report.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What the ledger does not know and a user may tell; NAN (counts: 0): not
 * told. Prices are in any one currency. */
struct res_assumed {
    double tdp_w, load_ratio, memory_bytes, pue;
    int64_t vcpus, gpus;
    double price_low, price_high;   /* per GPU-hour */
    double electricity_price_value; /* per kWh */
};
struct res_assumed res_assumed_nothing(void);

/* One "key=value": tdp_w, load, memory_gb, pue, vcpus, gpus, gpu_hour_low,
 * gpu_hour_high, kwh_price. Fails FL_E_CONFIG unknown key, with the nearest;
 * not a number of its range. */
enum fl_status res_assume(struct res_assumed *assumed,
                          const char *word,
                          struct fl_error *err) FL_NODISCARD;

struct res_estimate_opts {
    const char *method; /* one estimator's name; NULL: all of them */
    bool is_server_only;
    struct res_assumed assumed;
    /* "arm:key=value", of that arm alone; every run has such an arm. */
    const char *const *of_arms;
    size_t n_of_arms;
};

/* One row per run, arm and estimator, and one for the ledger itself.
 * format: text, csv, md or json.
 * Fails FL_E_CONFIG unknown method, FL_E_ARG latex; as res_compare. */
enum fl_status res_estimators(const char *const *dirs,
                              size_t n_dirs,
                              const struct res_estimate_opts *opts,
                              enum res_format format,
                              FILE *out,
                              struct fl_error *err) FL_NODISCARD;

#endif
