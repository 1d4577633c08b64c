#include "nn/optimizer_priv.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>

const char *const nn_optimizer_names[NN_OPTIMIZER_LAST_ + 1] = {
    [NN_SGD] = "sgd",
    [NN_ADAM] = "adam",
    [NN_ADAMW] = "adamw",
    [NN_OPTIMIZER_LAST_] = NULL,
};

int nn_optimizer_n_state(const struct nn_optimizer_opts *opts)
{
    if (opts->kind != NN_SGD)
        return 2;
    return opts->momentum > 0 ? 1 : 0;
}

/* base^n by products alone: the same bits with every math library. */
static double power(double base, int64_t n)
{
    double result = 1;
    for (; n > 0; n >>= 1) {
        if (n & 1)
            result *= base;
        base *= base;
    }
    return result;
}

static struct nn_sgd_step
sgd_of(const struct nn_optimizer_opts *o, nn_real *state, const nn_real *anchor)
{
    return (struct nn_sgd_step){
        .lr = (nn_real)o->lr,
        .momentum = (nn_real)o->momentum,
        .gain = (nn_real)(o->step > 0 ? 1 - o->dampening : 1),
        .decay = (nn_real)o->weight_decay,
        .mu = (nn_real)o->prox_mu,
        .is_nesterov = o->is_nesterov,
        .velocity = o->momentum > 0 ? state : NULL,
        .anchor = anchor,
    };
}

static struct nn_adam_step adam_of(const struct nn_optimizer_opts *o,
                                   nn_real *state,
                                   int64_t n_params,
                                   const nn_real *anchor)
{
    bool is_decoupled = o->kind == NN_ADAMW;
    double rest1 = 1 - power(o->beta1, o->step + 1);
    double rest2 = 1 - power(o->beta2, o->step + 1);
    return (struct nn_adam_step){
        .rate = (nn_real)(o->lr / rest1),
        .beta1 = (nn_real)o->beta1,
        .gain1 = (nn_real)(1 - o->beta1),
        .beta2 = (nn_real)o->beta2,
        .gain2 = (nn_real)(1 - o->beta2),
        .root = (nn_real)(1 / sqrt(rest2)),
        .eps = (nn_real)o->eps,
        .decay = (nn_real)(is_decoupled ? 0 : o->weight_decay),
        .keep = (nn_real)(is_decoupled ? 1 - o->lr * o->weight_decay : 1),
        .mu = (nn_real)o->prox_mu,
        .mean = state,
        .square = state + n_params,
        .anchor = anchor,
    };
}

struct nn_update nn_update_of(const struct nn_kernels *kernels,
                              const struct nn_optimizer_opts *opts,
                              nn_real *state,
                              int64_t n_params,
                              const nn_real *anchor)
{
    struct nn_update update = {.kernels = kernels, .kind = opts->kind};
    const nn_real *pull = opts->prox_mu > 0 ? anchor : NULL;
    if (opts->kind == NN_SGD)
        update.sgd = sgd_of(opts, state, pull);
    else
        update.adam = adam_of(opts, state, n_params, pull);
    return update;
}

struct nn_update nn_update_at(const struct nn_update *update, int64_t offset)
{
    struct nn_update at = *update;
    if (at.sgd.velocity)
        at.sgd.velocity += offset;
    if (at.sgd.anchor)
        at.sgd.anchor += offset;
    if (at.adam.mean) {
        at.adam.mean += offset;
        at.adam.square += offset;
    }
    if (at.adam.anchor)
        at.adam.anchor += offset;
    return at;
}

void nn_update_apply(const struct nn_update *update,
                     int64_t offset,
                     int64_t n,
                     const nn_real *grad,
                     nn_real *params)
{
    struct nn_update here = nn_update_at(update, offset);
    if (update->kind == NN_SGD)
        update->kernels->sgd(&here.sgd, n, grad, params + offset);
    else
        update->kernels->adam(&here.adam, n, grad, params + offset);
}

void nn_update_add_proximal(const struct nn_update *update,
                            int64_t offset,
                            int64_t n,
                            const nn_real *params,
                            nn_real *acc_grad)
{
    bool is_sgd = update->kind == NN_SGD;
    const nn_real *anchor = is_sgd ? update->sgd.anchor : update->adam.anchor;
    nn_real mu = is_sgd ? update->sgd.mu : update->adam.mu;
    if (!anchor)
        return;
    for (int64_t i = offset; i < offset + n; i++)
        acc_grad[i] += mu * (params[i] - anchor[i]);
}

static void clamp(nn_real bound, int64_t n, nn_real *grad)
{
    for (int64_t i = 0; i < n; i++) {
        nn_real g = grad[i] > bound ? bound : grad[i];
        grad[i] = g < -bound ? -bound : g;
    }
}

enum fl_status nn_update_clip(const struct nn_update *update,
                              const struct nn_optimizer_opts *opts,
                              int64_t n,
                              nn_real *grad,
                              struct fl_error *err)
{
    if (opts->clip_value > 0)
        clamp((nn_real)opts->clip_value, n, grad);
    if (!(opts->clip_norm > 0))
        return FL_OK;
    double norm = sqrt(update->kernels->squares(n, grad));
    if (!isfinite(norm))
        return fl_fail(err, FL_E_NUMERIC, "norm of a gradient is %g", norm);
    double factor = opts->clip_norm / (norm + 1e-6);
    if (factor < 1)
        update->kernels->scale((nn_real)factor, n, grad);
    return FL_OK;
}
