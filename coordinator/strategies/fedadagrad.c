/* FedAdagrad: an adaptive server optimiser.
 *
 *   m <- beta1 m + (1 - beta1) u;   v <- v + u^2
 *   w <- w + server_lr m / (sqrt(v) + tau)
 *
 * Source Reddi et al. 2021, Adaptive Federated Optimization, algorithm 2
 */
#include "coordinator/strategies/adaptive_priv.h"
#include "coordinator/strategy.h"

#include <math.h>

static const struct fl_param params_table[] = {
    COORD_ADAPTIVE_LR,
    COORD_ADAPTIVE_BETA1("0"),
    COORD_ADAPTIVE_TAU,
    {0},
};

static void apply(const void *opts,
                  const float *update,
                  size_t n,
                  float *params,
                  float *const *state)
{
    const struct coord_adaptive *adaptive = opts;
    const float lr = (float)adaptive->server_lr;
    const float beta1 = (float)adaptive->beta1;
    const float tau = (float)adaptive->tau;
    float *m = state[0], *v = state[1];
    for (size_t i = 0; i < n; i++) {
        float square = update[i] * update[i];
        m[i] = beta1 * m[i] + (1 - beta1) * update[i];
        v[i] += square;
        params[i] += lr * m[i] / (sqrtf(v[i]) + tau);
    }
}

const struct coord_strategy_type coord_strategy_fedadagrad = {
    .name = "fedadagrad",
    .doc = "m <- beta1 m + (1 - beta1) u; v <- v + u^2; "
           "w <- w + server_lr m / (sqrt(v) + tau)",
    .source = "Reddi et al. 2021, algorithm 2",
    .params = params_table,
    .opts_size = sizeof(struct coord_adaptive),
    .n_state = 2,
    .apply = apply,
};
