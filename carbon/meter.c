#include "carbon/meter.h"

#include "base/alloc.h"
#include "base/parse.h"
#include "base/units.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct carbon_meter {
    const struct carbon_meter_type *type;
    struct carbon_meter_setup setup;
    double last_wall_s; /* of the last good reading */
};

static const struct carbon_meter_type *find_type(const char *name,
                                                 struct fl_error *err)
{
    const char *names[CARBON_MAX_METERS];
    size_t n = 0;
    for (; carbon_meters[n]; n++) {
        names[n] = carbon_meters[n]->name;
        if (strcmp(names[n], name) == 0)
            return carbon_meters[n];
    }
    const char *near = fl_nearest_name(name, names, n);
    (void)fl_fail(err, FL_E_CONFIG,
                  "meter '%s': unknown%s%s%s (fedcarbon list meters)", name,
                  near ? ", did you mean '" : "", near ? near : "",
                  near ? "'?" : "");
    return NULL;
}

static enum fl_status open_type(const struct carbon_meter_type *type,
                                const struct carbon_meter_opts *opts,
                                double now_wall_s,
                                struct carbon_meter **ret,
                                struct fl_error *err)
{
    struct carbon_meter *meter = fl_calloc(1, sizeof *meter);
    if (!meter)
        return fl_fail(err, FL_E_NOMEM, "out of memory: meter");
    meter->type = type;
    meter->last_wall_s = now_wall_s;
    enum fl_status status = type->open(opts, now_wall_s, &meter->setup, err);
    if (status != FL_OK) {
        fl_free(meter);
        return status;
    }
    *ret = meter;
    return FL_OK;
}

enum fl_status carbon_meter_create(const char *name,
                                   const struct carbon_meter_opts *opts,
                                   double now_wall_s,
                                   struct carbon_meter **ret,
                                   struct fl_error *err)
{
    assert(name && opts && opts->root && ret);
    const struct carbon_meter_type *type = find_type(name, err);
    if (!type)
        return FL_E_CONFIG;
    return open_type(type, opts, now_wall_s, ret, err);
}

void carbon_meter_destroy(struct carbon_meter *meter)
{
    if (!meter)
        return;
    meter->type->close(meter->setup.state);
    fl_free(meter);
}

/* The total is made here, for every meter in the same way. */
static enum fl_status add_up(const struct carbon_meter *meter,
                             struct carbon_meter_reading *reading,
                             struct fl_error *err)
{
    reading->total_j = 0;
    for (size_t i = 0; i < reading->n_rails; i++) {
        const struct carbon_meter_rail *rail = &reading->rails[i];
        if (!isfinite(rail->energy_j) || rail->energy_j < 0)
            return fl_fail(err, FL_E_NUMERIC,
                           "%s: rail %s = %g J, allowed >= 0",
                           meter->type->name, rail->name, rail->energy_j);
        if (rail->is_counted)
            reading->total_j += rail->energy_j;
    }
    return FL_OK;
}

enum fl_status carbon_meter_read(struct carbon_meter *meter,
                                 double now_wall_s,
                                 struct carbon_meter_reading *ret,
                                 struct fl_error *err)
{
    assert(meter && ret);
    double gap_wall_s = now_wall_s - meter->last_wall_s;
    double limit_wall_s = meter->setup.longest_gap_wall_s;
    if (!(gap_wall_s >= 0))
        return fl_fail(err, FL_E_ARG,
                       "%s: read at %.17g s, after a reading at %.17g s",
                       meter->type->name, now_wall_s, meter->last_wall_s);
    if (limit_wall_s > 0 && gap_wall_s > limit_wall_s)
        return fl_fail(err, FL_E_RANGE,
                       "%s: %.6g s without a reading, allowed %.6g s: what it "
                       "measured in between is not known",
                       meter->type->name, gap_wall_s, limit_wall_s);
    struct carbon_meter_reading reading = {.at_wall_s = now_wall_s};
    FL_TRY(meter->type->read(meter->setup.state, now_wall_s, &reading, err));
    FL_TRY(add_up(meter, &reading, err));
    meter->last_wall_s = now_wall_s;
    *ret = reading;
    return FL_OK;
}

const struct carbon_meter_type *
carbon_meter_type(const struct carbon_meter *meter)
{
    return meter->type;
}

const char *carbon_meter_detail(const struct carbon_meter *meter)
{
    return meter->setup.detail;
}

double carbon_meter_period_wall_s(const struct carbon_meter *meter)
{
    return meter->setup.period_wall_s;
}

double carbon_meter_longest_gap_wall_s(const struct carbon_meter *meter)
{
    return meter->setup.longest_gap_wall_s;
}

enum fl_status carbon_meter_choose(const struct carbon_meter_opts *opts,
                                   double now_wall_s,
                                   struct carbon_meter **ret,
                                   struct carbon_meter_refusal *acc_refusals,
                                   size_t *acc_n,
                                   struct fl_error *err)
{
    assert(opts && opts->root && ret && acc_refusals && acc_n);
    *acc_n = 0;
    for (size_t i = 0; carbon_meters[i]; i++) {
        const struct carbon_meter_type *type = carbon_meters[i];
        struct fl_error why = {FL_OK, ""};
        if (type->scope == CARBON_METER_GPUS)
            continue;
        enum fl_status status = open_type(type, opts, now_wall_s, ret, &why);
        if (status == FL_OK)
            return FL_OK;
        if (status == FL_E_NOMEM)
            return fl_fail(err, status, "%s", why.text);
        struct carbon_meter_refusal *refusal = &acc_refusals[(*acc_n)++];
        refusal->type = type;
        (void)snprintf(refusal->why, sizeof refusal->why, "%.500s", why.text);
    }
    return fl_fail(err, FL_E_STATE,
                   "no meter on this machine (fedcarbon list meters says why)");
}

/* 2^k with total_j a whole multiple of it: its unit in the last place. */
static double unit_of(double total_j)
{
    int exponent;
    (void)frexp(total_j, &exponent);
    return ldexp(1.0, exponent - 53);
}

enum fl_status carbon_meter_attribute(double total_j,
                                      const double *cpu_s,
                                      size_t n,
                                      double busy_cpu_s,
                                      double *ret_j,
                                      struct fl_error *err)
{
    double sum_cpu_s = 0;
    size_t most = 0;
    if (!isfinite(total_j) || total_j < 0 || !isfinite(busy_cpu_s) ||
        busy_cpu_s < 0)
        return fl_fail(err, FL_E_ARG,
                       "attribution: %g J in %g busy CPU s, allowed >= 0",
                       total_j, busy_cpu_s);
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(cpu_s[i]) || cpu_s[i] < 0)
            return fl_fail(err, FL_E_ARG,
                           "attribution: process %zu has %g CPU s, "
                           "allowed >= 0",
                           i, cpu_s[i]);
        sum_cpu_s += cpu_s[i];
        if (cpu_s[i] > cpu_s[most])
            most = i;
    }
    bool is_all = sum_cpu_s > 0 && sum_cpu_s >= busy_cpu_s;
    double whole_cpu_s = is_all ? sum_cpu_s : busy_cpu_s;
    double unit_j = unit_of(total_j), given_j = 0;
    for (size_t i = 0; i < n; i++) {
        double exact_j =
            whole_cpu_s > 0 ? total_j * (cpu_s[i] / whole_cpu_s) : 0;
        /* total_j / unit_j < 2^53: multiples of the unit, their sums and
         * differences are exact. Rounded down, so no sum exceeds total_j. */
        ret_j[i] = unit_j > 0 ? floor(exact_j / unit_j) * unit_j : 0;
        given_j += ret_j[i];
    }
    if (is_all)
        ret_j[most] += total_j - given_j;
    return FL_OK;
}

double
carbon_meter_memory_j(double memory_bytes, double per_gb_w, double duration_s)
{
    return memory_bytes / FL_BYTES_PER_GB * per_gb_w * duration_s;
}
