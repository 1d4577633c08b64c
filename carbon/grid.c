#include "carbon/grid.h"

#include "base/alloc.h"
#include "base/parse.h"
#include "base/file.h"
#include "base/units.h"
#include "carbon/trace_priv.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TRACE_MAX_BYTES = 256 * 1024 * 1024 };

/* Years 0000 to 9999, so that differences of instants cannot overflow. */
static const int64_t epoch_limit_s = 400000000000;

struct zone {
    char *name;
    char *origin; /* file of the trace; NULL = annual */
    double annual_gco2e_per_kwh;
    enum carbon_evidence annual_evidence;
    char *annual_source;
    int annual_year;
    struct carbon_trace trace;
    double start_s, step_s, end_s; /* of the trace, simulated time */
    /* Integral from the start to edge i, [n + 1], as an unevaluated sum. */
    double *prefix_hi, *prefix_lo;
    size_t *n_estimated; /* before edge i, [n + 1]; NULL = the file is silent */
};

struct carbon_grid {
    int64_t start_epoch_s;
    struct zone *zones;
    size_t n, capacity;
};

static void zone_fini(struct zone *zone)
{
    fl_free(zone->name);
    fl_free(zone->origin);
    fl_free(zone->annual_source);
    carbon_trace_fini(&zone->trace);
    fl_free(zone->prefix_hi);
    fl_free(zone->prefix_lo);
    fl_free(zone->n_estimated);
}

enum fl_status carbon_grid_create(int64_t start_epoch_s,
                                  struct carbon_grid **ret,
                                  struct fl_error *err)
{
    if (start_epoch_s < -epoch_limit_s || start_epoch_s > epoch_limit_s)
        return fl_fail(err, FL_E_ARG,
                       "grid: start %lld s, allowed [-4e11, 4e11] s around "
                       "1970",
                       (long long)start_epoch_s);
    struct carbon_grid *grid = fl_calloc(1, sizeof(*grid));
    if (grid == NULL)
        return fl_fail(err, FL_E_NOMEM, "grid: out of memory");
    grid->start_epoch_s = start_epoch_s;
    *ret = grid;
    return FL_OK;
}

void carbon_grid_destroy(struct carbon_grid *grid)
{
    if (grid == NULL)
        return;
    for (size_t i = 0; i < grid->n; i++)
        zone_fini(&grid->zones[i]);
    fl_free(grid->zones);
    fl_free(grid);
}

static struct zone *
find_zone(const struct carbon_grid *grid, const char *name, int32_t *ret_index)
{
    for (size_t i = 0; i < grid->n; i++) {
        if (strcmp(grid->zones[i].name, name) == 0) {
            *ret_index = (int32_t)i;
            return &grid->zones[i];
        }
    }
    return NULL;
}

/* Moves *zone into the grid; on failure frees it. */
static enum fl_status add_zone(struct carbon_grid *grid,
                               struct zone *zone,
                               const char *name,
                               int32_t *ret_zone,
                               struct fl_error *err)
{
    enum fl_status status = FL_OK;
    zone->name = fl_strdup(name);
    if (zone->name == NULL || grid->n >= INT32_MAX)
        status = fl_fail(err, FL_E_NOMEM, "zone %s: out of memory", name);
    if (status == FL_OK)
        status = fl_grow(&grid->zones, &grid->capacity, grid->n + 1,
                         sizeof(*grid->zones), err);
    if (status != FL_OK) {
        zone_fini(zone);
        return status;
    }
    grid->zones[grid->n] = *zone;
    *ret_zone = (int32_t)grid->n++;
    return FL_OK;
}

enum fl_status carbon_grid_add_annual(struct carbon_grid *grid,
                                      const char *name,
                                      const struct carbon_fact *gco2e_per_kwh,
                                      int32_t *ret_zone,
                                      struct fl_error *err)
{
    assert(grid && name && gco2e_per_kwh && ret_zone);
    double value = gco2e_per_kwh->value;
    if (gco2e_per_kwh->source == NULL || gco2e_per_kwh->is_off)
        return fl_fail(err, FL_E_CONFIG,
                       "zone %s: carbon intensity is %s, allowed a number "
                       "with its source",
                       name, gco2e_per_kwh->is_off ? "off" : "missing");
    if (!isfinite(value) || value < 0)
        return fl_fail(err, FL_E_CONFIG,
                       "zone %s: carbon intensity = %g gCO2e/kWh, allowed a "
                       "finite number >= 0",
                       name, value);
    int32_t index;
    const struct zone *known = find_zone(grid, name, &index);
    if (known != NULL) {
        if (known->origin != NULL)
            return fl_fail(err, FL_E_STATE,
                           "zone %s: already has the trace %s, found an "
                           "annual mean",
                           name, known->origin);
        if (known->annual_gco2e_per_kwh != value)
            return fl_fail(err, FL_E_STATE,
                           "zone %s: already has %g gCO2e/kWh, found %g", name,
                           known->annual_gco2e_per_kwh, value);
        *ret_zone = index;
        return FL_OK;
    }
    struct zone zone = {.annual_gco2e_per_kwh = value,
                        .annual_evidence = gco2e_per_kwh->evidence,
                        .annual_year = gco2e_per_kwh->year};
    zone.annual_source = fl_strdup(gco2e_per_kwh->source);
    if (zone.annual_source == NULL)
        return fl_fail(err, FL_E_NOMEM, "zone %s: out of memory", name);
    return add_zone(grid, &zone, name, ret_zone, err);
}

/* hi + lo += x, exactly up to the last bit of lo (Knuth's two-sum). */
static void add_exactly(double *hi, double *lo, double x)
{
    double sum = *hi + x;
    double back = sum - *hi;
    double lost = (*hi - (sum - back)) + (x - back);
    *hi = sum;
    *lo += lost;
}

static enum fl_status sum_prefixes(struct zone *zone, struct fl_error *err)
{
    const struct carbon_trace *trace = &zone->trace;
    zone->prefix_hi = fl_calloc(trace->n + 1, sizeof(double));
    zone->prefix_lo = fl_calloc(trace->n + 1, sizeof(double));
    if (trace->is_estimated != NULL)
        zone->n_estimated = fl_calloc(trace->n + 1, sizeof(size_t));
    if (!zone->prefix_hi || !zone->prefix_lo ||
        (trace->is_estimated && !zone->n_estimated))
        return fl_fail(err, FL_E_NOMEM, "%s: out of memory", zone->origin);
    double hi = 0, lo = 0;
    for (size_t i = 0; i < trace->n; i++) {
        add_exactly(&hi, &lo, trace->gco2e_per_kwh[i] * zone->step_s);
        zone->prefix_hi[i + 1] = hi;
        zone->prefix_lo[i + 1] = lo;
        if (zone->n_estimated)
            zone->n_estimated[i + 1] =
                zone->n_estimated[i] + (trace->is_estimated[i] ? 1 : 0);
    }
    return FL_OK;
}

enum fl_status carbon_grid_add_trace_text(struct carbon_grid *grid,
                                          const char *name,
                                          const char *origin,
                                          const char *text,
                                          size_t n_bytes,
                                          int32_t *ret_zone,
                                          struct fl_error *err)
{
    assert(grid && name && origin && text && ret_zone);
    int32_t index;
    const struct zone *known = find_zone(grid, name, &index);
    if (known != NULL) {
        if (known->origin == NULL || strcmp(known->origin, origin) != 0)
            return fl_fail(
                err, FL_E_STATE, "zone %s: already has %s, found the trace %s",
                name, known->origin ? known->origin : "an annual mean", origin);
        *ret_zone = index;
        return FL_OK;
    }
    struct zone zone = {0};
    FL_TRY(
        carbon_trace_init_csv(&zone.trace, name, origin, text, n_bytes, err));
    zone.start_s = (double)(zone.trace.start_epoch_s - grid->start_epoch_s);
    zone.step_s = (double)zone.trace.step_s;
    zone.end_s = zone.start_s + zone.step_s * (double)zone.trace.n;
    zone.origin = fl_strdup(origin);
    enum fl_status status = FL_OK;
    if (zone.origin == NULL)
        status = fl_fail(err, FL_E_NOMEM, "%s: out of memory", origin);
    if (status == FL_OK)
        status = sum_prefixes(&zone, err);
    if (status != FL_OK) {
        zone_fini(&zone);
        return status;
    }
    return add_zone(grid, &zone, name, ret_zone, err);
}

enum fl_status carbon_grid_add_trace(struct carbon_grid *grid,
                                     const char *name,
                                     const char *path,
                                     int32_t *ret_zone,
                                     struct fl_error *err)
{
    assert(grid && name && path && ret_zone);
    int32_t index;
    const struct zone *known = find_zone(grid, name, &index);
    if (known && known->origin && strcmp(known->origin, path) == 0) {
        *ret_zone = index; /* no need to read it again */
        return FL_OK;
    }
    uint8_t *bytes;
    size_t n_bytes;
    FL_TRY(fl_file_read(path, TRACE_MAX_BYTES, &bytes, &n_bytes, err));
    enum fl_status status = carbon_grid_add_trace_text(
        grid, name, path, (const char *)bytes, n_bytes, ret_zone, err);
    fl_free(bytes);
    return status;
}

size_t carbon_grid_n_zones(const struct carbon_grid *grid)
{
    return grid->n;
}

const char *carbon_grid_zone_name(const struct carbon_grid *grid, int32_t zone)
{
    if (zone < 0 || (size_t)zone >= grid->n)
        return "unknown";
    return grid->zones[zone].name;
}

static double edge_s(const struct zone *zone, size_t i)
{
    return zone->start_s + zone->step_s * (double)i; /* whole seconds: exact */
}

/* The i with edge i <= t < edge i + 1, for start <= t < end. */
static size_t cell_of(const struct zone *zone, double t_s)
{
    size_t i = (size_t)((t_s - zone->start_s) / zone->step_s);
    if (i >= zone->trace.n)
        i = zone->trace.n - 1;
    while (i > 0 && edge_s(zone, i) > t_s)
        i--;
    while (i + 1 < zone->trace.n && edge_s(zone, i + 1) <= t_s)
        i++;
    return i;
}

static double mean_of_trace(const struct zone *zone,
                            double t0_s,
                            double t1_s,
                            enum carbon_evidence *ret_evidence)
{
    size_t first = cell_of(zone, t0_s);
    /* last: the cell that holds the end from the left, t1 in (edge, edge + 1]
     */
    size_t last = first;
    if (t1_s > edge_s(zone, first + 1)) {
        last = t1_s < zone->end_s ? cell_of(zone, t1_s) : zone->trace.n - 1;
        if (edge_s(zone, last) == t1_s)
            last--;
    }
    bool is_estimated = zone->n_estimated &&
                        zone->n_estimated[last + 1] > zone->n_estimated[first];
    *ret_evidence = is_estimated ? CARBON_ASSUMED : CARBON_DERIVED;
    const double *intensity = zone->trace.gco2e_per_kwh;
    if (last == first)
        return intensity[first];
    double head = intensity[first] * (edge_s(zone, first + 1) - t0_s);
    double whole = (zone->prefix_hi[last] - zone->prefix_hi[first + 1]) +
                   (zone->prefix_lo[last] - zone->prefix_lo[first + 1]);
    double tail = intensity[last] * (t1_s - edge_s(zone, last));
    return (head + whole + tail) / (t1_s - t0_s);
}

enum fl_status carbon_grid_fact(const struct carbon_grid *grid,
                                int32_t index,
                                struct carbon_fact *ret,
                                struct fl_error *err)
{
    if (index < 0 || (size_t)index >= grid->n)
        return fl_fail(err, FL_E_ARG, "grid: zone %d, allowed [0, %zu)",
                       (int)index, grid->n);
    const struct zone *zone = &grid->zones[index];
    *ret = (struct carbon_fact){.value = zone->annual_gco2e_per_kwh,
                                .evidence = zone->annual_evidence,
                                .year = zone->annual_year,
                                .source = zone->annual_source};
    if (zone->origin != NULL) {
        ret->value =
            mean_of_trace(zone, zone->start_s, zone->end_s, &ret->evidence);
        ret->source = zone->origin;
    }
    return FL_OK;
}

/* An instant of simulated time for people; far ones as a number. */
static void
instant_text(const struct carbon_grid *grid, double at_s, char ret[32])
{
    if (fabs(at_s) < (double)epoch_limit_s)
        fl_format_utc(grid->start_epoch_s + (int64_t)at_s, ret);
    else
        (void)snprintf(ret, 32, "%g s", at_s);
}

/* A question that the trace does not answer, in words of both clocks. */
static enum fl_status outside(const struct carbon_grid *grid,
                              const struct zone *zone,
                              double t0_s,
                              double t1_s,
                              struct fl_error *err)
{
    const double at_s[] = {t0_s, t1_s, zone->start_s, zone->end_s};
    char text[4][32];
    for (size_t i = 0; i < 4; i++)
        instant_text(grid, at_s[i], text[i]);
    return fl_fail(err, FL_E_RANGE,
                   "%s: zone %s: asked from %s to %s (simulated %.17g s to "
                   "%.17g s), allowed %s to %s; nothing is extrapolated",
                   zone->origin, zone->name, text[0], text[1], t0_s, t1_s,
                   text[2], text[3]);
}

enum fl_status carbon_grid_mean(const struct carbon_grid *grid,
                                int32_t index,
                                double t0_s,
                                double t1_s,
                                double *ret_gco2e_per_kwh,
                                enum carbon_evidence *ret_evidence,
                                struct fl_error *err)
{
    if (index < 0 || (size_t)index >= grid->n)
        return fl_fail(err, FL_E_ARG, "grid: zone %d, allowed [0, %zu)",
                       (int)index, grid->n);
    const struct zone *zone = &grid->zones[index];
    if (!isfinite(t0_s) || !isfinite(t1_s))
        return fl_fail(err, FL_E_NUMERIC,
                       "zone %s: from %g s to %g s, allowed finite times",
                       zone->name, t0_s, t1_s);
    if (t1_s < t0_s)
        return fl_fail(err, FL_E_ARG,
                       "zone %s: from %.17g s to %.17g s, allowed t1 >= t0",
                       zone->name, t0_s, t1_s);
    if (zone->origin == NULL) {
        *ret_gco2e_per_kwh = zone->annual_gco2e_per_kwh;
        *ret_evidence = zone->annual_evidence;
        return FL_OK;
    }
    if (t0_s < zone->start_s || t0_s >= zone->end_s || t1_s > zone->end_s)
        return outside(grid, zone, t0_s, t1_s, err);
    *ret_gco2e_per_kwh = mean_of_trace(zone, t0_s, t1_s, ret_evidence);
    return FL_OK;
}

enum fl_status carbon_grid_emissions(const struct carbon_grid *grid,
                                     int32_t zone,
                                     double t0_s,
                                     double t1_s,
                                     double energy_j,
                                     double *ret_gco2e,
                                     enum carbon_evidence *ret_evidence,
                                     struct fl_error *err)
{
    if (!isfinite(energy_j))
        return fl_fail(err, FL_E_NUMERIC,
                       "zone %s: %g J, allowed a finite number",
                       carbon_grid_zone_name(grid, zone), energy_j);
    double mean_gco2e_per_kwh;
    enum carbon_evidence evidence;
    FL_TRY(carbon_grid_mean(grid, zone, t0_s, t1_s, &mean_gco2e_per_kwh,
                            &evidence, err));
    double gco2e = energy_j / FL_J_PER_KWH * mean_gco2e_per_kwh;
    if (!isfinite(gco2e))
        return fl_fail(err, FL_E_NUMERIC,
                       "zone %s: %g J at %g gCO2e/kWh "
                       "overflow",
                       carbon_grid_zone_name(grid, zone), energy_j,
                       mean_gco2e_per_kwh);
    *ret_gco2e = gco2e;
    *ret_evidence = evidence;
    return FL_OK;
}
