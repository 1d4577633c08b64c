/* FedAvg: the mean of the clients' models, weighted by samples.
 *
 *   w <- w + server_lr * u,    u = sum_k n_k (w_k - w) / sum_k n_k
 *
 * With server_lr = 1 this is McMahan's average of models.
 * Source McMahan et al. 2017, Communication-Efficient Learning of Deep
 *        Networks from Decentralized Data, algorithm 1
 */
#include "coordinator/strategy.h"

struct fedavg {
    double server_lr;
};

static const struct fl_param params_table[] = {
    {.key = "server_lr",
     .kind = FL_PARAM_DOUBLE,
     .offset = offsetof(struct fedavg, server_lr),
     .min = 0,
     .min_open = true,
     .max = 100,
     .def = "1",
     .doc = "step along the mean update"},
    {0},
};

static void apply(const void *opts,
                  const float *update,
                  size_t n,
                  float *params,
                  float *const *state)
{
    const struct fedavg *fedavg = opts;
    const float lr = (float)fedavg->server_lr;
    (void)state;
    for (size_t i = 0; i < n; i++)
        params[i] += lr * update[i];
}

const struct coord_strategy_type coord_strategy_fedavg = {
    .name = "fedavg",
    .doc = "mean of the clients' models, weighted by samples",
    .source = "McMahan et al. 2017, algorithm 1",
    .params = params_table,
    .opts_size = sizeof(struct fedavg),
    .apply = apply,
};
