#include "carbon/spread.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>

static const char *const names[] = {
    [CARBON_SPREAD_NONE] = "none",
    [CARBON_SPREAD_UNIFORM] = "uniform",
    [CARBON_SPREAD_TRIANGULAR] = "triangular",
    [CARBON_SPREAD_NORMAL] = "normal",
    [CARBON_SPREAD_LOGNORMAL] = "lognormal",
};
_Static_assert(sizeof names / sizeof names[0] == CARBON_SPREAD_LAST_,
               "every kind needs a name");

static const double sqrt_2 = 1.4142135623730951;
static const double sqrt_2pi = 2.5066282746310002;

const char *carbon_spread_name(enum carbon_spread_kind kind)
{
    return (unsigned)kind < CARBON_SPREAD_LAST_ ? names[kind] : "unknown";
}

struct carbon_spread carbon_spread_none(double value)
{
    return (struct carbon_spread){.kind = CARBON_SPREAD_NONE, .value = value};
}

struct carbon_spread carbon_spread_uniform(double low, double high)
{
    return (struct carbon_spread){
        .kind = CARBON_SPREAD_UNIFORM, .low = low, .high = high};
}

struct carbon_spread
carbon_spread_triangular(double low, double mode, double high)
{
    return (struct carbon_spread){.kind = CARBON_SPREAD_TRIANGULAR,
                                  .value = mode,
                                  .low = low,
                                  .high = high};
}

struct carbon_spread carbon_spread_normal(double mean, double sd)
{
    return (struct carbon_spread){
        .kind = CARBON_SPREAD_NORMAL, .value = mean, .sd = sd};
}

struct carbon_spread carbon_spread_lognormal(double median, double gsd)
{
    return (struct carbon_spread){
        .kind = CARBON_SPREAD_LOGNORMAL, .value = median, .gsd = gsd};
}

enum fl_status carbon_spread_check(const struct carbon_spread *spread,
                                   struct fl_error *err)
{
    double value = spread->value, low = spread->low, high = spread->high;
    double sd = spread->sd, gsd = spread->gsd;
    const char *name = carbon_spread_name(spread->kind);
    if (!isfinite(value) || !isfinite(low) || !isfinite(high) ||
        !isfinite(sd) || !isfinite(gsd))
        return fl_fail(err, FL_E_NUMERIC, "%s: allowed finite numbers", name);
    switch (spread->kind) {
    case CARBON_SPREAD_NONE:
        if (value >= 0)
            return FL_OK;
        return fl_fail(err, FL_E_CONFIG, "found %g, allowed a number >= 0",
                       value);
    case CARBON_SPREAD_UNIFORM:
        if (0 <= low && low <= high)
            return FL_OK;
        return fl_fail(err, FL_E_CONFIG,
                       "%s: found low %g, high %g, allowed 0 <= low <= high",
                       name, low, high);
    case CARBON_SPREAD_TRIANGULAR:
        if (0 <= low && low <= value && value <= high)
            return FL_OK;
        return fl_fail(err, FL_E_CONFIG,
                       "%s: found low %g, mode %g, high %g, allowed 0 <= low "
                       "<= mode <= high",
                       name, low, value, high);
    case CARBON_SPREAD_NORMAL:
        if (value > 0 && sd >= 0)
            return FL_OK;
        return fl_fail(err, FL_E_CONFIG,
                       "%s: found mean %g, sd %g, allowed mean > 0, sd >= 0",
                       name, value, sd);
    case CARBON_SPREAD_LOGNORMAL:
        if (value > 0 && gsd >= 1)
            return FL_OK;
        return fl_fail(err, FL_E_CONFIG,
                       "%s: found median %g, gsd %g, allowed median > 0, gsd "
                       ">= 1",
                       name, value, gsd);
    case CARBON_SPREAD_LAST_:
        break;
    }
    return fl_fail(err, FL_E_ARG, "spread of kind %d", (int)spread->kind);
}

/* Share of the standard normal above z. */
static double above(double z)
{
    return 0.5 * erfc(z / sqrt_2);
}

static double density(double z)
{
    return exp(-0.5 * z * z) / sqrt_2pi;
}

/* z with above(z) = q for q <= 0.5. Starts below the root, where above() is
 * convex for z >= 0, so Newton's steps rise to it without passing it. */
static double upper_quantile(double q)
{
    double z = 0;
    for (int i = 0; i < 100; i++) {
        double step = (above(z) - q) / density(z);
        z += step;
        if (!(step > 1e-15 * z))
            break;
    }
    return z;
}

static double normal_quantile(double u)
{
    return u < 0.5 ? -upper_quantile(u) : upper_quantile(1 - u);
}

static double triangular_quantile(const struct carbon_spread *s, double u)
{
    double width = s->high - s->low, rise = s->value - s->low;
    if (!(width > 0))
        return s->low;
    if (u * width < rise)
        return s->low + sqrt(u * width * rise);
    return s->high - sqrt((1 - u) * width * (s->high - s->value));
}

/* Counted from the upper end, so that the share left out below 0 costs no
 * digits. */
static double cut_normal_quantile(const struct carbon_spread *s, double u)
{
    if (!(s->sd > 0))
        return s->value;
    double kept = above(-s->value / s->sd);
    double x = s->value - s->sd * normal_quantile((1 - u) * kept);
    return x > 0 ? x : 0;
}

double carbon_spread_value(const struct carbon_spread *spread, double share)
{
    assert(spread->kind == CARBON_SPREAD_NONE || (share > 0 && share < 1));
    switch (spread->kind) {
    case CARBON_SPREAD_UNIFORM:
        return spread->low + (spread->high - spread->low) * share;
    case CARBON_SPREAD_TRIANGULAR:
        return triangular_quantile(spread, share);
    case CARBON_SPREAD_NORMAL:
        return cut_normal_quantile(spread, share);
    case CARBON_SPREAD_LOGNORMAL:
        return spread->value * exp(log(spread->gsd) * normal_quantile(share));
    case CARBON_SPREAD_NONE:
    case CARBON_SPREAD_LAST_:
        break;
    }
    return spread->value;
}

void carbon_spread_moments(const struct carbon_spread *spread,
                           double *ret_mean,
                           double *ret_sd)
{
    double mode = spread->value, low = spread->low, high = spread->high;
    double mean = spread->value, variance = 0;
    if (spread->kind == CARBON_SPREAD_UNIFORM) {
        mean = (low + high) / 2;
        variance = (high - low) * (high - low) / 12;
    } else if (spread->kind == CARBON_SPREAD_TRIANGULAR) {
        mean = (low + mode + high) / 3;
        variance = (low * low + high * high + mode * mode - low * high -
                    low * mode - high * mode) /
                   18;
    } else if (spread->kind == CARBON_SPREAD_NORMAL && spread->sd > 0) {
        double z = -spread->value / spread->sd, hazard = density(z) / above(z);
        mean += spread->sd * hazard;
        variance = spread->sd * spread->sd * (1 + z * hazard - hazard * hazard);
    } else if (spread->kind == CARBON_SPREAD_LOGNORMAL) {
        double v = log(spread->gsd) * log(spread->gsd);
        mean *= exp(v / 2);
        variance = mean * mean * expm1(v);
    }
    *ret_mean = mean;
    *ret_sd = sqrt(variance > 0 ? variance : 0);
}
