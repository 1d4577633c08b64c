#include "nn/optimizer_priv.h"

#include "nn/kernels_priv.h"

#include <stddef.h>

const struct fl_param nn_sgd_params[] = {
    {.key = "lr",
     .kind = FL_PARAM_DOUBLE,
     .offset = offsetof(struct nn_optimizer_opts, lr),
     .min = 0,
     .max = 10,
     .min_open = true,
     .def = "0.05",
     .doc = "Learning rate."},
    {.key = "momentum",
     .kind = FL_PARAM_DOUBLE,
     .offset = offsetof(struct nn_optimizer_opts, momentum),
     .min = 0,
     .max = 1,
     .max_open = true,
     .def = "0",
     .doc = "Momentum, as PyTorch's SGD defines it (no dampening)."},
    {.key = "weight_decay",
     .kind = FL_PARAM_DOUBLE,
     .offset = offsetof(struct nn_optimizer_opts, weight_decay),
     .min = 0,
     .max = 1,
     .def = "0",
     .doc = "L2 penalty: added to the gradient, times the parameter."},
    {.key = NULL},
};

void nn_update_apply(const struct nn_update *update,
                  int64_t offset,
                  int64_t n,
                  const nn_real *grad,
                  nn_real *params)
{
    const struct nn_optimizer_opts *o = update->opts;
    struct nn_sgd_step step = {
        .lr = (nn_real)o->lr,
        .momentum = (nn_real)o->momentum,
        .decay = (nn_real)o->weight_decay,
        .mu = (nn_real)o->prox_mu,
        .velocity = update->velocity ? update->velocity + offset : NULL,
        .anchor = update->anchor ? update->anchor + offset : NULL,
    };
    update->kernels->sgd(&step, n, grad, params + offset);
}
