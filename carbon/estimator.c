#include "carbon/estimator.h"

#include "base/units.h"
#include "carbon/estimator_priv.h"
#include "carbon/profile_priv.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define MAX_ESTIMATORS 64

struct carbon_observed carbon_observed_nothing(void)
{
    const double unknown = (double)NAN;
    return (struct carbon_observed){
        .role = CARBON_CLIENT,
        .zone_gco2e_per_kwh = unknown,
        .energy_j = unknown,
        .tdp_w = unknown,
        .load_ratio = unknown,
        .memory_bytes = unknown,
        .pue = unknown,
    };
}

enum fl_status carbon_estimator_find(const char *name,
                                     const struct carbon_estimator **ret,
                                     struct fl_error *err)
{
    assert(name && ret);
    const char *names[MAX_ESTIMATORS];
    size_t n = 0;
    for (; carbon_estimators[n] && n < MAX_ESTIMATORS; n++) {
        names[n] = carbon_estimators[n]->name;
        if (strcmp(names[n], name) != 0)
            continue;
        *ret = carbon_estimators[n];
        return FL_OK;
    }
    return carbon_unknown_name("estimator", name, names, n, err);
}

const struct carbon_intensity *
carbon_intensity_find(const struct carbon_intensity *rows, const char *zone)
{
    for (size_t n = strlen(zone); n > 0;) {
        for (const struct carbon_intensity *row = rows; row->zone; row++)
            if (strlen(row->zone) == n && strncmp(row->zone, zone, n) == 0)
                return row;
        while (n > 0 && zone[n - 1] != '-')
            n--;
        if (n > 0)
            n--; /* the dash */
    }
    return NULL;
}

double carbon_busy_j(const struct carbon_observed *o, double power_w)
{
    return power_w * o->busy_s;
}

double carbon_memory_j(const struct carbon_observed *o, double w_per_gb)
{
    return isnan(o->memory_bytes)
               ? 0
               : carbon_busy_j(o,
                               w_per_gb * (o->memory_bytes / FL_BYTES_PER_GB));
}

double carbon_pue_or(const struct carbon_observed *o, double own)
{
    return isnan(o->pue) ? own : o->pue;
}

double carbon_energy_or_tdp(const struct carbon_observed *o, double tdp_ratio)
{
    return isnan(o->energy_j) ? carbon_busy_j(o, o->tdp_w * tdp_ratio)
                              : o->energy_j;
}

/* The tool's own figure, or the world's where nobody knows the place, or ours
 * where the tool has one that is not at hand. */
static void set_intensity(const struct carbon_estimator *tool,
                          const struct carbon_observed *o,
                          struct carbon_estimate *ret)
{
    const struct carbon_intensity *row = NULL;
    ret->intensity_source = tool->intensity_source;
    if (!o->zone) {
        ret->gco2e_per_kwh = tool->world_gco2e_per_kwh;
        return;
    }
    if (tool->intensities)
        row = carbon_intensity_find(tool->intensities, o->zone);
    if (row) {
        ret->gco2e_per_kwh = row->gco2e_per_kwh;
        return;
    }
    ret->gco2e_per_kwh = o->zone_gco2e_per_kwh;
    ret->is_substituted = true;
    ret->intensity_source = "the run's own: the tool's figure is not at hand";
}

struct carbon_estimate
carbon_estimator_apply(const struct carbon_estimator *tool,
                       const struct carbon_observed *o)
{
    assert(tool && o);
    struct carbon_estimate e = {.pue = 1, .emitted_gco2e = (double)NAN};
    set_intensity(tool, o, &e);
    e.energy_j = (double)NAN;
    tool->estimate(o, &e);
    if (e.cannot)
        return (struct carbon_estimate){.cannot = e.cannot};
    if (isnan(e.energy_j))
        return (struct carbon_estimate){
            .cannot = "neither its energy nor the power of its processors is "
                      "known"};
    if (isnan(e.emitted_gco2e))
        e.emitted_gco2e = e.energy_j / FL_J_PER_KWH * e.gco2e_per_kwh;
    if (isnan(e.emitted_gco2e))
        return (struct carbon_estimate){
            .cannot = "no carbon intensity is known for the place"};
    return e;
}

double carbon_epochs_total(const double *value, size_t n, int64_t epochs)
{
    assert(value && n >= 1);
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += value[i];
    return sum / (double)n * (double)epochs;
}

double carbon_gpus_busy_s(const struct carbon_observed *o)
{
    return o->gpus > 0 ? (double)o->gpus * o->busy_s : (double)NAN;
}
