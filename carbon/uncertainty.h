/* How sure a total is: Monte Carlo and Sobol indices over costed pieces,
 * without costing anything anew.
 *
 * A run is a sum of pieces. A piece has its grams (or joules) at the nominal
 * inputs and says which inputs it grows with, or falls with: a client's
 * training grows with train_w and with its zone's intensity and falls with
 * train_flop_per_s. Inputs are independent; each has a spread.
 *
 *     total_t(x) = sum over pieces p of total t
 *                    nominal_p  prod over inputs i of p  (x_i / n_i)^(+-1)
 *
 * with n_i the input's nominal value; x_i and n_i counted from its zero value
 * (overhead grows with PUE - 1), and never below it. What does not follow this
 * form (a wait that ends when the slowest of several is done) enters with its
 * nominal duration; the caller says so.
 *
 *     struct carbon_uncertainty *u;
 *     FL_TRY(carbon_uncertainty_create(&model, 10000, seed, &u, err));
 *     struct carbon_interval g = carbon_uncertainty_total(u, 0);
 *     double p = carbon_uncertainty_below_share(u, 0, 1);
 *
 * Draws are the points of a shifted rank-1 lattice under the tent transform:
 * each input takes every n-th part of its distribution once, pairs of inputs
 * are spread evenly too, and errors fall nearly as 1/n where those of random
 * draws fall as 1/sqrt(n). Same model, draws and seed: same bits.
 *
 * Source Sloan and Joe 1994, Lattice Methods for Multiple Integration;
 * Hickernell 2002 (tent transform); Saltelli et al. 2010, Computer Physics
 * Communications 181 (first order); Jansen 1999 (total order).
 */
#ifndef CARBON_UNCERTAINTY_H
#define CARBON_UNCERTAINTY_H

#include "base/status.h"
#include "carbon/spread.h"

#include <stddef.h>
#include <stdint.h>

#define CARBON_MAX_POWERS 8

struct carbon_input {
    const char *name; /* "fleet.0.device.train_w"; borrowed */
    double nominal;   /* > zero_value */
    struct carbon_spread spread;
    double zero_value; /* at which its pieces vanish; >= 0 */
};

/* x_input to the power +1 or -1. */
struct carbon_power {
    int32_t input;
    int32_t sign;
};

struct carbon_piece {
    int32_t total; /* that it is a part of, e.g. an arm */
    double nominal;
    int32_t n_powers;
    struct carbon_power power[CARBON_MAX_POWERS];
};

struct carbon_uncertain_model {
    const struct carbon_input *inputs;
    size_t n_inputs;
    const struct carbon_piece *pieces;
    size_t n_pieces;
    int32_t n_totals;
};

struct carbon_uncertainty; /* opaque: the draws of every total, and scratch:
                              it belongs to one thread */

/* draws: 100 .. 10^6, raised to the next prime. The model is copied but for
 * the names.
 * Fails FL_E_ARG impossible counts, indices, signs; FL_E_CONFIG, FL_E_NUMERIC
 * as carbon_spread_check, an input's name in front, and where something falls
 * with an input that may come near 0; FL_E_NOMEM.
 * Free: carbon_uncertainty_destroy. */
enum fl_status
carbon_uncertainty_create(const struct carbon_uncertain_model *model,
                          int64_t draws,
                          uint64_t seed,
                          struct carbon_uncertainty **ret,
                          struct fl_error *err) FL_NODISCARD;
void carbon_uncertainty_destroy(struct carbon_uncertainty *u);

struct carbon_interval {
    double nominal, mean, sd;
    double p5, p50, p95; /* quantiles of the draws */
};
struct carbon_interval carbon_uncertainty_total(struct carbon_uncertainty *u,
                                                int32_t total);
/* Of total a divided by total b, draw by draw. */
struct carbon_interval
carbon_uncertainty_ratio(struct carbon_uncertainty *u, int32_t a, int32_t b);
/* Share of the draws in which total a is below total b. */
double carbon_uncertainty_below_share(const struct carbon_uncertainty *u,
                                      int32_t a,
                                      int32_t b);

/* What an input does to a quantity. Shares of its variance: alone (first
 * order) and with all its interactions (total order). */
struct carbon_influence {
    int32_t input;
    double first, total;
};

/* The influence of every input on total a, or, where b >= 0, on a / b, which
 * is what decides a comparison: ret [n_inputs], strongest total order first,
 * ties by input. All 0 where nothing varies.
 * Cost draws x (the powers of the pieces that each input is in). */
void carbon_uncertainty_influence(struct carbon_uncertainty *u,
                                  int32_t a,
                                  int32_t b,
                                  struct carbon_influence *ret);

#endif
