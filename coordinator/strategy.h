/* Strategies: how the server turns a round's updates into the next model.
 *
 * One file in coordinator/strategies/ and one row in strategies.def add a
 * strategy. It sees the mean update, weighted by samples and summed exactly
 * (base/exact.h), and keeps its state in vectors as long as the model.
 */
#ifndef COORDINATOR_STRATEGY_H
#define COORDINATOR_STRATEGY_H

#include "base/config.h"

#include <stddef.h>
#include <stdint.h>

#define COORD_MAX_STATE 2

struct coord_strategy_type {
    const char *name;
    const char *doc;    /* one sentence with the formula */
    const char *source; /* citation */
    const struct fl_param *params;
    size_t opts_size;
    size_t n_state; /* vectors of state, zero before the first round */
    /* Strength of the clients' proximal term; NULL: none. */
    double (*prox_mu)(const void *opts);
    /* params[n] and state[i][n] in and out; update[n]: the mean update. */
    void (*apply)(const void *opts,
                  const float *update,
                  size_t n,
                  float *params,
                  float *const *state);
};

/* coordinator/strategies/strategies.def, in order; ends with NULL. */
extern const struct coord_strategy_type *const coord_strategies[];

/* A strategy with its options, as a scenario asks for it. */
struct coord_strategy {
    const struct coord_strategy_type *type;
    void *opts; /* owned */
};

/* node: a name, or {kind: fedprox, mu: 0.01}; mistakes become problems of
 * config. Fails FL_E_CONFIG, FL_E_NOMEM. Free: coord_strategy_fini. */
enum fl_status coord_strategy_init(struct coord_strategy *strategy,
                                   struct fl_config *config,
                                   const struct fl_node *node,
                                   struct fl_error *err) FL_NODISCARD;
void coord_strategy_fini(struct coord_strategy *strategy);

double coord_strategy_prox_mu(const struct coord_strategy *strategy);

/* The next model from an exact sum of updates.
 * In    sum [n] fixed point at scale_log2, of total_weight samples
 * Out   params [n], state updated; scratch [n] overwritten
 * Fails FL_E_STATE no updates (total_weight 0); FL_E_NUMERIC the new model is
 *       not finite (params are then spoilt) */
enum fl_status coord_strategy_step(const struct coord_strategy *strategy,
                                   const int64_t *sum,
                                   size_t n,
                                   int64_t total_weight,
                                   int32_t scale_log2,
                                   float *params,
                                   float *const *state,
                                   float *scratch,
                                   struct fl_error *err) FL_NODISCARD;

#endif
