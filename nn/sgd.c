#include "nn/sgd_priv.h"

#include <stddef.h>

const struct fl_param nn_sgd_params[] = {
    {.key = "lr",
     .kind = FL_PARAM_DOUBLE,
     .offset = offsetof(struct nn_sgd_opts, lr),
     .min = 0,
     .max = 10,
     .min_open = true,
     .def = "0.05",
     .doc = "Learning rate."},
    {.key = "momentum",
     .kind = FL_PARAM_DOUBLE,
     .offset = offsetof(struct nn_sgd_opts, momentum),
     .min = 0,
     .max = 1,
     .max_open = true,
     .def = "0",
     .doc = "Momentum, as PyTorch's SGD defines it (no dampening)."},
    {.key = "weight_decay",
     .kind = FL_PARAM_DOUBLE,
     .offset = offsetof(struct nn_sgd_opts, weight_decay),
     .min = 0,
     .max = 1,
     .def = "0",
     .doc = "L2 penalty: added to the gradient, times the parameter."},
    {.key = NULL},
};

static void
plain(nn_real lr, int64_t n, const nn_real *restrict g, nn_real *restrict w)
{
    for (int64_t i = 0; i < n; i++)
        w[i] -= lr * g[i];
}

static void decayed(nn_real lr,
                    nn_real decay,
                    int64_t n,
                    const nn_real *restrict g,
                    nn_real *restrict w)
{
    for (int64_t i = 0; i < n; i++)
        w[i] -= lr * (g[i] + decay * w[i]);
}

static void with_momentum(nn_real lr,
                          nn_real decay,
                          nn_real momentum,
                          int64_t n,
                          const nn_real *restrict g,
                          nn_real *restrict v,
                          nn_real *restrict w)
{
    for (int64_t i = 0; i < n; i++) {
        v[i] = momentum * v[i] + (g[i] + decay * w[i]);
        w[i] -= lr * v[i];
    }
}

static void proximal(const struct nn_sgd_opts *opts,
                     int64_t n,
                     const nn_real *restrict g,
                     const nn_real *restrict anchor,
                     nn_real *restrict v,
                     nn_real *restrict w)
{
    nn_real lr = (nn_real)opts->lr, decay = (nn_real)opts->weight_decay;
    nn_real mu = (nn_real)opts->prox_mu, momentum = (nn_real)opts->momentum;
    for (int64_t i = 0; i < n; i++) {
        nn_real d = g[i] + decay * w[i] + mu * (w[i] - anchor[i]);
        if (v) {
            d = momentum * v[i] + d;
            v[i] = d;
        }
        w[i] -= lr * d;
    }
}

void nn_sgd_apply(const struct nn_sgd_update *update,
                  int64_t offset,
                  int64_t n,
                  const nn_real *grad,
                  nn_real *params)
{
    const struct nn_sgd_opts *o = update->opts;
    nn_real lr = (nn_real)o->lr, decay = (nn_real)o->weight_decay;
    nn_real *v = update->velocity ? update->velocity + offset : NULL;
    nn_real *w = params + offset;
    if (update->anchor)
        proximal(o, n, grad, update->anchor + offset, v, w);
    else if (v)
        with_momentum(lr, decay, (nn_real)o->momentum, n, grad, v, w);
    else if (o->weight_decay > 0)
        decayed(lr, decay, n, grad, w);
    else
        plain(lr, n, grad, w);
}
