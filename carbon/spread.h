/* How unsure a number is: a distribution around the value that a table or a
 * user gives.
 *
 *     struct carbon_spread power = carbon_spread_uniform(2, 4);
 *     FL_TRY(carbon_spread_check(&power, err));
 *     double at_median_w = carbon_spread_value(&power, 0.5);
 *
 * A spread is a plain value. Every kind is drawn by its quantile function, so
 * one uniform number is one draw, and quantiles are exact. Facts of this
 * project are powers, speeds, energies: kinds that could go below zero are cut
 * there (normal) or cannot (lognormal).
 */
#ifndef CARBON_SPREAD_H
#define CARBON_SPREAD_H

#include "base/status.h"

enum carbon_spread_kind {
    CARBON_SPREAD_NONE,       /* the number itself */
    CARBON_SPREAD_UNIFORM,    /* anywhere in [low, high] */
    CARBON_SPREAD_TRIANGULAR, /* in [low, high], most likely at mode */
    CARBON_SPREAD_NORMAL,     /* mean, sd; what lies below 0 is left out */
    CARBON_SPREAD_LOGNORMAL,  /* median; 68 % within median x or / gsd */
    CARBON_SPREAD_LAST_
};
/* "uniform" ...; never NULL. */
const char *carbon_spread_name(enum carbon_spread_kind kind);

/* All in the unit of the number they describe, but for gsd, a factor. */
struct carbon_spread {
    enum carbon_spread_kind kind;
    double value;     /* none: the number; triangular: the mode; normal: the
                         mean; lognormal: the median */
    double low, high; /* uniform, triangular */
    double sd;        /* normal */
    double gsd;       /* lognormal, >= 1 */
};

/* Each kind from its numbers; unchecked, see carbon_spread_check. */
struct carbon_spread carbon_spread_none(double value);
/* Uniform. */
struct carbon_spread carbon_spread_uniform(double low, double high);
/* Triangular. */
struct carbon_spread
carbon_spread_triangular(double low, double mode, double high);
/* Normal. */
struct carbon_spread carbon_spread_normal(double mean, double sd);
/* Lognormal. */
struct carbon_spread carbon_spread_lognormal(double median, double gsd);

/* Fails FL_E_CONFIG: bounds out of order, sd < 0, gsd < 1, mean or median not
 * above 0, any number below 0; FL_E_NUMERIC not finite. */
enum fl_status carbon_spread_check(const struct carbon_spread *spread,
                                   struct fl_error *err) FL_NODISCARD;

/* The value below which this share of the distribution lies.
 * In    share   0 < share < 1; NONE takes any
 * Pure. Accuracy: 1e-14 relative; the normal's by Newton steps on erfc. */
double carbon_spread_value(const struct carbon_spread *spread, double share);

/* Mean and standard deviation, in closed form (Johnson, Kotz, Balakrishnan,
 * Continuous Univariate Distributions, 1994; the normal's cut at 0 included).
 */
void carbon_spread_moments(const struct carbon_spread *spread,
                           double *ret_mean,
                           double *ret_sd);

#endif
