/* FedProx: FedAvg whose clients are held near the global model.
 *
 *   client k minimises  F_k(w) + mu/2 |w - w_global|^2
 *   w <- w + u,         u = sum_k n_k (w_k - w) / sum_k n_k
 *
 * Source Li et al. 2020, Federated Optimization in Heterogeneous Networks,
 *        algorithm 2
 */
#include "coordinator/strategy.h"

struct fedprox {
    double mu;
};

static const struct fl_param params_table[] = {
    {.key = "mu",
     .kind = FL_PARAM_DOUBLE,
     .offset = offsetof(struct fedprox, mu),
     .min = 0,
     .max = 100,
     .def = "0.01",
     .doc = "strength of the clients' proximal term"},
    {0},
};

static double prox_mu(const void *opts)
{
    const struct fedprox *fedprox = opts;
    return fedprox->mu;
}

static void apply(const void *opts,
                  const float *update,
                  size_t n,
                  float *params,
                  float *const *state)
{
    (void)opts;
    (void)state;
    for (size_t i = 0; i < n; i++)
        params[i] += update[i];
}

const struct coord_strategy_type coord_strategy_fedprox = {
    .name = "fedprox",
    .doc = "FedAvg with mu/2 |w - w_global|^2 in each client's loss",
    .source = "Li et al. 2020, algorithm 2",
    .params = params_table,
    .opts_size = sizeof(struct fedprox),
    .prox_mu = prox_mu,
    .apply = apply,
};
