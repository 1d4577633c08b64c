/* Inside of res_estimators: what the ledger says about machines, and rows. */
#ifndef RESULTS_ESTIMATES_ESTIMATE_PRIV_H
#define RESULTS_ESTIMATES_ESTIMATE_PRIV_H

#include "carbon/estimator.h"
#include "results/estimate.h"
#include "results/report_priv.h"

/* Machines of one role in one zone. */
struct res_machines {
    char zone[128];
    struct carbon_observed observed; /* its zone points to the line above */
};

struct res_observed {
    struct res_machines *groups;
    size_t n, capacity;
};

/* The machines of an arm. Free: res_observed_fini. */
enum fl_status res_observe(struct res_store *store,
                           int32_t arm,
                           const struct res_estimate_opts *opts,
                           struct res_observed *ret,
                           struct fl_error *err) FL_NODISCARD;
void res_observed_fini(struct res_observed *observed);

/* Prices among the run's facts, where the user told none. */
enum fl_status res_find_prices(struct res_store *store,
                               struct res_assumed *assumed,
                               struct fl_error *err) FL_NODISCARD;

/* A row of the table. Texts are borrowed, but for intensities. */
struct res_estimate {
    const char *run, *arm, *method, *tool, *machines;
    double energy_j, gco2e, gco2e_per_kwh, pue, x_ours, seen_ratio;
    char *intensities; /* "DE 380.95, FR 56.04 (the run's own)" */
    bool is_substituted;
    double cost_low, cost_high, electricity_cost_value;
    const char *cannot, *sees, *ignores, *formula, *source;
};
extern const struct res_column res_estimate_columns[];

struct res_estimates {
    struct res_estimate *rows;
    size_t n, capacity;
};
/* All of them, in the format. has_many: of several runs. */
enum fl_status res_put_estimates(const struct res_estimates *rows,
                                 bool has_many,
                                 const struct res_estimate_opts *opts,
                                 enum res_format format,
                                 struct res_text *out,
                                 struct fl_error *err) FL_NODISCARD;

#endif
