/* A carbon-intensity trace as it comes out of a CSV file: equally spaced
 * values from start_epoch_s on. Private to carbon/ and its tests. */
#ifndef CARBON_TRACE_PRIV_H
#define CARBON_TRACE_PRIV_H

#include "base/status.h"
#include "carbon/zone.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct carbon_trace {
    int64_t start_epoch_s;
    int64_t step_s;
    size_t n;              /* at least 2 */
    double *gco2e_per_kwh; /* [n] */
    bool *is_estimated;    /* [n], or NULL: the file does not say */
};

/* What to read out of a file. */
struct carbon_trace_want {
    const char *zone;
    struct carbon_method method; /* in the long layout: which column */
    bool ignores_case;           /* of the zone's name */
};

/* Reads one zone of a CSV file's bytes (see carbon_grid_add_trace); origin is
 * the name for errors. On failure nothing is left.
 * Fails FL_E_FORMAT, FL_E_CONFIG no such zone, FL_E_NOMEM. Free:
 * carbon_trace_fini. */
enum fl_status carbon_trace_init_csv(struct carbon_trace *trace,
                                     const struct carbon_trace_want *want,
                                     const char *origin,
                                     const char *text,
                                     size_t n_bytes,
                                     struct fl_error *err) FL_NODISCARD;
void carbon_trace_fini(struct carbon_trace *trace);

#endif
