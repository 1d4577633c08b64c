#include "coordinator/strategy.h"

#include "base/alloc.h"
#include "base/exact.h"
#include "coordinator/choice.h"

#include <math.h>
#include <string.h>

static const char *name_of(const void *type)
{
    return ((const struct coord_strategy_type *)type)->name;
}

enum fl_status coord_strategy_init(struct coord_strategy *strategy,
                                   struct fl_config *config,
                                   const struct fl_node *node,
                                   struct fl_error *err)
{
    const struct coord_strategy_type *type =
        coord_choice_find(config, node, "a strategy:", "fedavg",
                          (const void *const *)coord_strategies, name_of);
    if (!type)
        return fl_fail(err, FL_E_CONFIG, "no such strategy");
    void *opts = coord_choice_opts(config, node, type->params, type->opts_size);
    if (!opts)
        return fl_fail(err, FL_E_NOMEM, "out of memory: strategy");
    *strategy = (struct coord_strategy){.type = type, .opts = opts};
    return FL_OK;
}

void coord_strategy_fini(struct coord_strategy *strategy)
{
    fl_free(strategy->opts);
    *strategy = (struct coord_strategy){0};
}

double coord_strategy_prox_mu(const struct coord_strategy *strategy)
{
    return strategy->type->prox_mu ? strategy->type->prox_mu(strategy->opts)
                                   : 0.0;
}

/* As whole numbers floats are in order, with infinity and NaN behind all. */
static bool is_finite(const float *params, size_t n)
{
    const float infinite = INFINITY;
    int32_t limit, most = 0;
    memcpy(&limit, &infinite, sizeof limit);
    for (size_t i = 0; i < n; i++) {
        int32_t bits;
        memcpy(&bits, &params[i], sizeof bits);
        bits &= INT32_MAX; /* the size without the sign */
        most = bits > most ? bits : most;
    }
    return most < limit;
}

enum fl_status coord_strategy_step(const struct coord_strategy *strategy,
                                   const int64_t *sum,
                                   size_t n,
                                   int64_t total_weight,
                                   int32_t scale_log2,
                                   float *params,
                                   float *const *state,
                                   float *scratch,
                                   struct fl_error *err)
{
    if (total_weight < 1)
        return fl_fail(err, FL_E_STATE, "%s: a round without any update",
                       strategy->type->name);
    fl_exact_mean(sum, n, total_weight, scale_log2, scratch);
    strategy->type->apply(strategy->opts, scratch, n, params, state);
    if (!is_finite(params, n))
        return fl_fail(err, FL_E_NUMERIC,
                       "%s: the new model is not finite; lower the learning "
                       "rates",
                       strategy->type->name);
    return FL_OK;
}
