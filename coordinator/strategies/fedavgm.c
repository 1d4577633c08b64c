/* FedAvgM: FedAvg with momentum on the server.
 *
 *   v <- momentum * v + u;   w <- w + server_lr * v
 *
 * Source Hsu et al. 2019, Measuring the Effects of Non-Identical Data
 *        Distribution for Federated Visual Classification, section 4.3
 */
#include "coordinator/strategy.h"

struct fedavgm {
    double server_lr, momentum;
};

static const struct fl_param params_table[] = {
    {.key = "server_lr",
     .kind = FL_PARAM_DOUBLE,
     .offset = offsetof(struct fedavgm, server_lr),
     .min = 0,
     .min_open = true,
     .max = 100,
     .def = "1",
     .doc = "step along the velocity"},
    {.key = "momentum",
     .kind = FL_PARAM_DOUBLE,
     .offset = offsetof(struct fedavgm, momentum),
     .min = 0,
     .max = 1,
     .max_open = true,
     .def = "0.9",
     .doc = "how much of the last velocity stays"},
    {0},
};

static void apply(const void *opts,
                  const float *update,
                  size_t n,
                  float *params,
                  float *const *state)
{
    const struct fedavgm *fedavgm = opts;
    const float lr = (float)fedavgm->server_lr;
    const float momentum = (float)fedavgm->momentum;
    float *velocity = state[0];
    for (size_t i = 0; i < n; i++) {
        velocity[i] = momentum * velocity[i] + update[i];
        params[i] += lr * velocity[i];
    }
}

const struct coord_strategy_type coord_strategy_fedavgm = {
    .name = "fedavgm",
    .doc = "v <- momentum v + u; w <- w + server_lr v",
    .source = "Hsu et al. 2019, section 4.3",
    .params = params_table,
    .opts_size = sizeof(struct fedavgm),
    .n_state = 1,
    .apply = apply,
};
