/* A trace laid along simulated time, integrated exactly at its edges in O(1).
 * Private to carbon/ and its tests. */
#ifndef CARBON_HOURS_PRIV_H
#define CARBON_HOURS_PRIV_H

#include "base/status.h"
#include "carbon/fact.h"
#include "carbon/trace_priv.h"

struct carbon_hours {
    struct carbon_trace trace;
    double start_s, step_s, end_s; /* simulated time */
    /* Integral from the start to edge i, [n + 1], as an unevaluated sum. */
    double *prefix_hi, *prefix_lo;
    size_t *n_estimated; /* before edge i, [n + 1]; NULL = the file is silent */
};

/* Takes the trace over, also when it fails; epoch_s: of simulated time 0.
 * origin is the name for errors. Fails FL_E_NOMEM. Free: carbon_hours_fini. */
enum fl_status carbon_hours_init(struct carbon_hours *hours,
                                 struct carbon_trace *trace,
                                 int64_t epoch_s,
                                 const char *origin,
                                 struct fl_error *err) FL_NODISCARD;
void carbon_hours_fini(struct carbon_hours *hours);

bool carbon_hours_cover(const struct carbon_hours *hours,
                        double t0_s,
                        double t1_s);

/* Mean over [t0_s, t1_s), at t0_s where they are equal; both covered.
 * Evidence: assumed where an hour of it is estimated, else derived. */
double carbon_hours_mean(const struct carbon_hours *hours,
                         double t0_s,
                         double t1_s,
                         enum carbon_evidence *ret_evidence);

#endif
