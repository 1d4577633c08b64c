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
    return (struct carbon_spread){.kind = CARBON_SPREAD_NONE, .a = value};
}

struct carbon_spread carbon_spread_uniform(double low, double high)
{
    return (struct carbon_spread){
        .kind = CARBON_SPREAD_UNIFORM, .a = low, .b = high};
}

struct carbon_spread
carbon_spread_triangular(double low, double mode, double high)
{
    return (struct carbon_spread){
        .kind = CARBON_SPREAD_TRIANGULAR, .a = low, .b = high, .c = mode};
}

struct carbon_spread carbon_spread_normal(double mean, double sd)
{
    return (struct carbon_spread){
        .kind = CARBON_SPREAD_NORMAL, .a = mean, .b = sd};
}

struct carbon_spread carbon_spread_lognormal(double median, double gsd)
{
    return (struct carbon_spread){
        .kind = CARBON_SPREAD_LOGNORMAL, .a = median, .b = gsd};
}

static enum fl_status refuse(const struct carbon_spread *spread,
                             const char *allowed,
                             struct fl_error *err)
{
    const char *name = carbon_spread_name(spread->kind);
    if (spread->kind == CARBON_SPREAD_TRIANGULAR)
        return fl_fail(err, FL_E_CONFIG,
                       "%s: found low %g, mode %g, high %g, allowed %s", name,
                       spread->a, spread->c, spread->b, allowed);
    return fl_fail(err, FL_E_CONFIG, "%s: found %g, %g, allowed %s", name,
                   spread->a, spread->b, allowed);
}

enum fl_status carbon_spread_check(const struct carbon_spread *spread,
                                   struct fl_error *err)
{
    double a = spread->a, b = spread->b, c = spread->c;
    if (!isfinite(a) || !isfinite(b) || !isfinite(c))
        return fl_fail(err, FL_E_NUMERIC,
                       "%s: found %g, %g, %g, allowed finite numbers",
                       carbon_spread_name(spread->kind), a, b, c);
    switch (spread->kind) {
    case CARBON_SPREAD_NONE:
        return a >= 0 ? FL_OK : refuse(spread, "a number >= 0", err);
    case CARBON_SPREAD_UNIFORM:
        return 0 <= a && a <= b ? FL_OK
                                : refuse(spread, "0 <= low <= high", err);
    case CARBON_SPREAD_TRIANGULAR:
        return 0 <= a && a <= c && c <= b
                   ? FL_OK
                   : refuse(spread, "0 <= low <= mode <= high", err);
    case CARBON_SPREAD_NORMAL:
        return a > 0 && b >= 0 ? FL_OK
                               : refuse(spread, "mean > 0, sd >= 0", err);
    case CARBON_SPREAD_LOGNORMAL:
        return a > 0 && b >= 1 ? FL_OK
                               : refuse(spread, "median > 0, gsd >= 1", err);
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
    double width = s->b - s->a, rise = s->c - s->a;
    if (!(width > 0))
        return s->a;
    if (u * width < rise)
        return s->a + sqrt(u * width * rise);
    return s->b - sqrt((1 - u) * width * (s->b - s->c));
}

/* Counted from the upper end, so that the share left out below 0 costs no
 * digits. */
static double cut_normal_quantile(const struct carbon_spread *s, double u)
{
    if (!(s->b > 0))
        return s->a;
    double kept = above(-s->a / s->b);
    double z = -normal_quantile((1 - u) * kept);
    double value = s->a + s->b * z;
    return value > 0 ? value : 0;
}

double carbon_spread_quantile(const struct carbon_spread *spread, double u)
{
    assert(spread->kind == CARBON_SPREAD_NONE || (u > 0 && u < 1));
    switch (spread->kind) {
    case CARBON_SPREAD_UNIFORM:
        return spread->a + (spread->b - spread->a) * u;
    case CARBON_SPREAD_TRIANGULAR:
        return triangular_quantile(spread, u);
    case CARBON_SPREAD_NORMAL:
        return cut_normal_quantile(spread, u);
    case CARBON_SPREAD_LOGNORMAL:
        return spread->a * exp(log(spread->b) * normal_quantile(u));
    case CARBON_SPREAD_NONE:
    case CARBON_SPREAD_LAST_:
        break;
    }
    return spread->a;
}

void carbon_spread_moments(const struct carbon_spread *spread,
                           double *ret_mean,
                           double *ret_sd)
{
    double a = spread->a, b = spread->b, c = spread->c;
    double mean = a, variance = 0;
    if (spread->kind == CARBON_SPREAD_UNIFORM) {
        mean = (a + b) / 2;
        variance = (b - a) * (b - a) / 12;
    } else if (spread->kind == CARBON_SPREAD_TRIANGULAR) {
        mean = (a + b + c) / 3;
        variance = (a * a + b * b + c * c - a * b - a * c - b * c) / 18;
    } else if (spread->kind == CARBON_SPREAD_NORMAL && b > 0) {
        double z = -a / b, hazard = density(z) / above(z);
        mean = a + b * hazard;
        variance = b * b * (1 + z * hazard - hazard * hazard);
    } else if (spread->kind == CARBON_SPREAD_LOGNORMAL) {
        double v = log(b) * log(b);
        mean = a * exp(v / 2);
        variance = mean * mean * expm1(v);
    }
    *ret_mean = mean;
    *ret_sd = sqrt(variance > 0 ? variance : 0);
}
