#include "carbon/hours_priv.h"

#include "base/alloc.h"

/* hi + lo += x, exactly up to the last bit of lo (Knuth's two-sum). */
static void add_exactly(double *hi, double *lo, double x)
{
    double sum = *hi + x;
    double back = sum - *hi;
    double lost = (*hi - (sum - back)) + (x - back);
    *hi = sum;
    *lo += lost;
}

static void sum_prefixes(struct carbon_hours *hours)
{
    const struct carbon_trace *trace = &hours->trace;
    double hi = 0, lo = 0;
    for (size_t i = 0; i < trace->n; i++) {
        add_exactly(&hi, &lo, trace->gco2e_per_kwh[i] * hours->step_s);
        hours->prefix_hi[i + 1] = hi;
        hours->prefix_lo[i + 1] = lo;
        if (hours->n_estimated)
            hours->n_estimated[i + 1] =
                hours->n_estimated[i] + (trace->is_estimated[i] ? 1 : 0);
    }
}

enum fl_status carbon_hours_init(struct carbon_hours *hours,
                                 struct carbon_trace *trace,
                                 int64_t epoch_s,
                                 const char *origin,
                                 struct fl_error *err)
{
    *hours = (struct carbon_hours){.trace = *trace};
    *trace = (struct carbon_trace){0};
    size_t n_edges = hours->trace.n + 1;
    hours->start_s = (double)(hours->trace.start_epoch_s - epoch_s);
    hours->step_s = (double)hours->trace.step_s;
    hours->end_s = hours->start_s + hours->step_s * (double)hours->trace.n;
    hours->prefix_hi = fl_calloc(n_edges, sizeof(double));
    hours->prefix_lo = fl_calloc(n_edges, sizeof(double));
    if (hours->trace.is_estimated != NULL)
        hours->n_estimated = fl_calloc(n_edges, sizeof(size_t));
    if (!hours->prefix_hi || !hours->prefix_lo ||
        (hours->trace.is_estimated && !hours->n_estimated)) {
        carbon_hours_fini(hours);
        return fl_fail(err, FL_E_NOMEM, "%s: out of memory", origin);
    }
    sum_prefixes(hours);
    return FL_OK;
}

void carbon_hours_fini(struct carbon_hours *hours)
{
    carbon_trace_fini(&hours->trace);
    fl_free(hours->prefix_hi);
    fl_free(hours->prefix_lo);
    fl_free(hours->n_estimated);
    *hours = (struct carbon_hours){.start_s = 0};
}

bool carbon_hours_cover(const struct carbon_hours *hours,
                        double t0_s,
                        double t1_s)
{
    return t0_s >= hours->start_s && t0_s < hours->end_s &&
           t1_s <= hours->end_s;
}

static double edge_s(const struct carbon_hours *hours, size_t i)
{
    return hours->start_s + hours->step_s * (double)i; /* whole seconds: exact
                                                        */
}

/* The i with edge i <= t < edge i + 1, for start <= t < end: the quotient may
 * round up to the next edge, never below its own. */
static size_t cell_of(const struct carbon_hours *hours, double t_s)
{
    size_t i = (size_t)((t_s - hours->start_s) / hours->step_s);
    return i > 0 && edge_s(hours, i) > t_s ? i - 1 : i;
}

double carbon_hours_mean(const struct carbon_hours *hours,
                         double t0_s,
                         double t1_s,
                         enum carbon_evidence *ret_evidence)
{
    size_t first = cell_of(hours, t0_s);
    /* last: the cell that holds the end from the left, t1 in (edge, edge + 1]
     */
    size_t last = first;
    if (t1_s > edge_s(hours, first + 1)) {
        last = t1_s < hours->end_s ? cell_of(hours, t1_s) : hours->trace.n - 1;
        if (edge_s(hours, last) == t1_s)
            last--;
    }
    bool is_estimated = hours->n_estimated && hours->n_estimated[last + 1] >
                                                  hours->n_estimated[first];
    *ret_evidence = is_estimated ? CARBON_ASSUMED : CARBON_DERIVED;
    const double *intensity = hours->trace.gco2e_per_kwh;
    if (last == first)
        return intensity[first];
    double head = intensity[first] * (edge_s(hours, first + 1) - t0_s);
    double whole = (hours->prefix_hi[last] - hours->prefix_hi[first + 1]) +
                   (hours->prefix_lo[last] - hours->prefix_lo[first + 1]);
    double tail = intensity[last] * (t1_s - edge_s(hours, last));
    return (head + whole + tail) / (t1_s - t0_s);
}
