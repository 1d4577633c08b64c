#include "carbon/grid.h"

#include "base/alloc.h"
#include "base/parse.h"
#include "base/file.h"
#include "base/units.h"
#include "carbon/hours_priv.h"
#include "carbon/typical_priv.h"
#include "carbon/zone_priv.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TRACE_MAX_BYTES = 256 * 1024 * 1024 };

/* Years 0000 to 9999, so that differences of instants cannot overflow. */
static const int64_t epoch_limit_s = 400000000000;

enum kind { ANNUAL, TYPICAL, HOURLY };

struct zone {
    char *name;
    enum kind kind;
    char *origin; /* file of the trace; NULL = none */
    char *source; /* of the fact */
    double annual_gco2e_per_kwh;
    enum carbon_evidence evidence;
    int year;
    struct carbon_days *days;  /* TYPICAL */
    struct carbon_hours hours; /* HOURLY */
};

struct carbon_grid {
    int64_t start_epoch_s;
    struct carbon_method method; /* of the traces to come */
    struct zone *zones;
    size_t n, capacity;
};

static void zone_fini(struct zone *zone)
{
    fl_free(zone->name);
    fl_free(zone->origin);
    fl_free(zone->source);
    fl_free(zone->days);
    carbon_hours_fini(&zone->hours);
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

enum fl_status carbon_grid_set_method(struct carbon_grid *grid,
                                      const struct carbon_method *method,
                                      struct fl_error *err)
{
    if ((unsigned)method->extent >= CARBON_EXTENT_LAST_ ||
        (unsigned)method->signal >= CARBON_SIGNAL_LAST_)
        return fl_fail(err, FL_E_ARG,
                       "grid: extent %d, signal %d, allowed the members of "
                       "their enums",
                       (int)method->extent, (int)method->signal);
    grid->method = *method;
    return FL_OK;
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

static enum fl_status check_intensity(const char *name,
                                      const struct carbon_fact *gco2e_per_kwh,
                                      struct fl_error *err)
{
    if (gco2e_per_kwh->source == NULL || gco2e_per_kwh->is_off)
        return fl_fail(err, FL_E_CONFIG,
                       "zone %s: carbon intensity is %s, allowed a number "
                       "with its source",
                       name, gco2e_per_kwh->is_off ? "off" : "missing");
    if (!isfinite(gco2e_per_kwh->value) || gco2e_per_kwh->value < 0)
        return fl_fail(err, FL_E_CONFIG,
                       "zone %s: carbon intensity = %g gCO2e/kWh, allowed a "
                       "finite number >= 0",
                       name, gco2e_per_kwh->value);
    return FL_OK;
}

static const char *kind_text(const struct zone *zone)
{
    static const char *const texts[] = {
        [ANNUAL] = "an annual mean", [TYPICAL] = "typical days"};
    return zone->kind == HOURLY ? zone->origin : texts[zone->kind];
}

/* The zone is there already: with the same kind and annual mean, or not. */
static enum fl_status check_same(const struct zone *known,
                                 const struct zone *zone,
                                 struct fl_error *err)
{
    if (known->kind != zone->kind)
        return fl_fail(err, FL_E_STATE, "zone %s: already has %s, found %s",
                       known->name, kind_text(known), kind_text(zone));
    if (known->annual_gco2e_per_kwh != zone->annual_gco2e_per_kwh)
        return fl_fail(err, FL_E_STATE,
                       "zone %s: already has %g gCO2e/kWh, found %g",
                       known->name, known->annual_gco2e_per_kwh,
                       zone->annual_gco2e_per_kwh);
    return FL_OK;
}

/* Adds what both kinds with an annual mean have; more: behind the source, or
 * NULL. days: taken over, also on failure. */
static enum fl_status add_mean(struct carbon_grid *grid,
                               const char *name,
                               struct zone *zone,
                               const struct carbon_fact *fact,
                               const char *more,
                               int32_t *ret_zone,
                               struct fl_error *err)
{
    size_t n_bytes = strlen(fact->source) + (more ? strlen(more) : 0) + 3;
    zone->annual_gco2e_per_kwh = fact->value;
    zone->evidence = fact->evidence;
    zone->year = fact->year;
    zone->source = fl_calloc(n_bytes, 1);
    if (zone->source == NULL) {
        zone_fini(zone);
        return fl_fail(err, FL_E_NOMEM, "zone %s: out of memory", name);
    }
    (void)snprintf(zone->source, n_bytes, "%s%s%s", fact->source,
                   more ? "; " : "", more ? more : "");
    return add_zone(grid, zone, name, ret_zone, err);
}

enum fl_status carbon_grid_add_annual(struct carbon_grid *grid,
                                      const char *name,
                                      const struct carbon_fact *gco2e_per_kwh,
                                      int32_t *ret_zone,
                                      struct fl_error *err)
{
    assert(grid && name && gco2e_per_kwh && ret_zone);
    FL_TRY(check_intensity(name, gco2e_per_kwh, err));
    struct zone zone = {.kind = ANNUAL,
                        .annual_gco2e_per_kwh = gco2e_per_kwh->value};
    int32_t index;
    const struct zone *known = find_zone(grid, name, &index);
    if (known != NULL) {
        FL_TRY(check_same(known, &zone, err));
        *ret_zone = index;
        return FL_OK;
    }
    return add_mean(grid, name, &zone, gco2e_per_kwh, NULL, ret_zone, err);
}

enum fl_status carbon_grid_add_typical(struct carbon_grid *grid,
                                       const char *name,
                                       const struct carbon_typical *typical,
                                       const struct carbon_fact *gco2e_per_kwh,
                                       int32_t *ret_zone,
                                       struct fl_error *err)
{
    assert(grid && name && typical && gco2e_per_kwh && ret_zone);
    FL_TRY(check_intensity(name, gco2e_per_kwh, err));
    struct zone zone = {.kind = TYPICAL,
                        .annual_gco2e_per_kwh = gco2e_per_kwh->value};
    int32_t index;
    const struct zone *known = find_zone(grid, name, &index);
    if (known != NULL) {
        FL_TRY(check_same(known, &zone, err));
        if (known->days->typical != typical)
            return fl_fail(err, FL_E_STATE,
                           "zone %s: already has the typical days of %s, "
                           "found those of %s",
                           name, known->days->typical->zone, typical->zone);
        *ret_zone = index;
        return FL_OK;
    }
    zone.days = fl_calloc(1, sizeof(*zone.days));
    if (zone.days == NULL)
        return fl_fail(err, FL_E_NOMEM, "zone %s: out of memory", name);
    carbon_days_init(zone.days, typical, grid->start_epoch_s);
    struct carbon_fact mean = *gco2e_per_kwh;
    mean.evidence = carbon_evidence_weaker(mean.evidence, CARBON_DERIVED);
    return add_mean(grid, name, &zone, &mean, carbon_typical_source, ret_zone,
                    err);
}

/* The zone's column or rows: by its name or, where the file has no such name,
 * by other names of the same zone. */
static enum fl_status read_trace(const struct carbon_grid *grid,
                                 const char *name,
                                 const char *origin,
                                 const char *text,
                                 size_t n_bytes,
                                 struct carbon_trace *ret,
                                 struct fl_error *err)
{
    struct carbon_trace_want want = {.zone = name, .method = grid->method};
    const struct carbon_zone *zone;
    enum fl_status status =
        carbon_trace_init_csv(ret, &want, origin, text, n_bytes, err);
    if (status != FL_E_CONFIG || carbon_zone_find(name, &zone, NULL) != FL_OK)
        return status;
    want.ignores_case = true;
    want.zone = zone->name;
    enum fl_status other =
        carbon_trace_init_csv(ret, &want, origin, text, n_bytes, NULL);
    for (const struct carbon_zone_alias *a = carbon_zone_aliases;
         a->alias && other == FL_E_CONFIG; a++) {
        want.zone = a->alias;
        if (strcmp(a->zone, zone->name) == 0)
            other =
                carbon_trace_init_csv(ret, &want, origin, text, n_bytes, NULL);
    }
    /* what is wrong with it, too, is said of the name that the file has */
    if (other != FL_OK && other != FL_E_CONFIG)
        return carbon_trace_init_csv(ret, &want, origin, text, n_bytes, err);
    return other == FL_OK ? FL_OK : status;
}

/* Where a trace's figures come from, and the year where it is only one. */
static enum fl_status describe_trace(const struct carbon_grid *grid,
                                     const char *origin,
                                     struct zone *zone,
                                     struct fl_error *err)
{
    const struct carbon_trace *trace = &zone->hours.trace;
    const char *extent = carbon_extent_name(grid->method.extent);
    const char *signal = carbon_signal_name(grid->method.signal);
    size_t n_bytes =
        strlen(origin) + strlen(extent) + strlen(signal) + sizeof(" (, )");
    char first[32], last[32];
    zone->origin = fl_strdup(origin);
    zone->source = fl_calloc(n_bytes, 1);
    if (zone->origin == NULL || zone->source == NULL)
        return fl_fail(err, FL_E_NOMEM, "%s: out of memory", origin);
    (void)snprintf(zone->source, n_bytes, "%s (%s, %s)", origin, extent,
                   signal);
    int64_t n_before_last = (int64_t)trace->n - 1;
    fl_format_utc(trace->start_epoch_s, first);
    fl_format_utc(trace->start_epoch_s + n_before_last * trace->step_s, last);
    int64_t year = 0;
    bool is_one = memcmp(first, last, 4) == 0;
    first[4] = '\0';
    if (is_one && fl_parse_int(first, 0, 9999, &year, NULL) == FL_OK)
        zone->year = (int)year;
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
    struct zone zone = {.kind = HOURLY};
    struct carbon_trace trace;
    int32_t index;
    const struct zone *known = find_zone(grid, name, &index);
    if (known != NULL) {
        if (known->kind != HOURLY || strcmp(known->origin, origin) != 0)
            return fl_fail(err, FL_E_STATE,
                           "zone %s: already has %s, found the trace %s", name,
                           kind_text(known), origin);
        *ret_zone = index;
        return FL_OK;
    }
    FL_TRY(read_trace(grid, name, origin, text, n_bytes, &trace, err));
    FL_TRY(carbon_hours_init(&zone.hours, &trace, grid->start_epoch_s, origin,
                             err));
    enum fl_status status = describe_trace(grid, origin, &zone, err);
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
    if (known && known->kind == HOURLY && strcmp(known->origin, path) == 0) {
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
                                .evidence = zone->evidence,
                                .year = zone->year,
                                .source = zone->source};
    if (zone->kind == HOURLY)
        ret->value = carbon_hours_mean(&zone->hours, zone->hours.start_s,
                                       zone->hours.end_s, &ret->evidence);
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
    const double at_s[] = {t0_s, t1_s, zone->hours.start_s, zone->hours.end_s};
    char text[4][32];
    if (zone->kind == TYPICAL)
        return fl_fail(err, FL_E_RANGE,
                       "zone %s: asked from simulated %.17g s to %.17g s, "
                       "allowed the years 1 to 9999",
                       zone->name, t0_s, t1_s);
    for (size_t i = 0; i < 4; i++)
        instant_text(grid, at_s[i], text[i]);
    return fl_fail(err, FL_E_RANGE,
                   "%s: zone %s: asked from %s to %s (simulated %.17g s to "
                   "%.17g s), allowed %s to %s; nothing is extrapolated",
                   zone->origin, zone->name, text[0], text[1], t0_s, t1_s,
                   text[2], text[3]);
}

static enum fl_status mean(const struct carbon_grid *grid,
                           const struct zone *zone,
                           double t0_s,
                           double t1_s,
                           double *ret_gco2e_per_kwh,
                           enum carbon_evidence *ret_evidence,
                           struct fl_error *err)
{
    if (zone->kind == HOURLY) {
        if (!carbon_hours_cover(&zone->hours, t0_s, t1_s))
            return outside(grid, zone, t0_s, t1_s, err);
        *ret_gco2e_per_kwh =
            carbon_hours_mean(&zone->hours, t0_s, t1_s, ret_evidence);
        return FL_OK;
    }
    double ratio = 1;
    if (zone->kind == TYPICAL) {
        if (!carbon_days_cover(zone->days, t0_s, t1_s))
            return outside(grid, zone, t0_s, t1_s, err);
        ratio = carbon_days_mean(zone->days, t0_s, t1_s);
    }
    *ret_gco2e_per_kwh = ratio * zone->annual_gco2e_per_kwh;
    *ret_evidence = zone->evidence;
    return FL_OK;
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
    return mean(grid, zone, t0_s, t1_s, ret_gco2e_per_kwh, ret_evidence, err);
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
