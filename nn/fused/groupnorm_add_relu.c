/* The end of a residual block: groupnorm, the sum with the shortcut and ReLU
 * in the one pass that the norm makes anyway. Backward masks dy by y on its
 * first pass, where the shortcut's gradient is just that, and takes it from
 * there on the second. The same bits as the three steps. */
#include "nn/fused.h"
#include "nn/model_priv.h"
#include "nn/norm_priv.h"

static const struct nn_norm_opts *norm_opts(const void *opts)
{
    const struct nn_fused_opts *o = opts;
    return o->part[0]->opts;
}

static enum fl_status infer(const void *opts,
                            const struct nn_shape *input,
                            struct nn_layer_info *ret,
                            struct fl_error *err)
{
    return nn_group_norm_infer(norm_opts(opts), input, ret, err);
}

static void forward(const struct nn_call *call,
                    const nn_real *params,
                    const nn_real *x,
                    nn_real *ret_y)
{
    nn_group_norm_forward(call, norm_opts(call->opts), params, x, true, ret_y);
}

static void backward(const struct nn_call *call,
                     const nn_real *params,
                     const nn_real *x,
                     const nn_real *y,
                     const nn_real *dy,
                     nn_real *ret_dx,
                     nn_real *acc_dparams)
{
    struct nn_norm_back back = {.x = x,
                                .y = y,
                                .dy = dy,
                                .is_relu = true,
                                .ret_dx = ret_dx,
                                .ret_masked = call->ret_dwith};
    nn_group_norm_backward(call, norm_opts(call->opts), params, back,
                           acc_dparams);
}

static const struct nn_layer_example models[] = {
    /* a shortcut that learns, past one layer, and two that do not */
    {"[{kind: conv2d, channels: 6, kernel: 1, name: a}, "
     "{kind: conv2d, channels: 6, kernel: 3, padding: 1}, "
     "{kind: groupnorm, groups: 3}, {kind: add, with: a}, relu, flatten, "
     "{kind: dense, units: classes}]",
     {3, {4, 5, 2}}},
    {"[{kind: conv2d, channels: 17, kernel: 3, padding: 1}, "
     "{kind: groupnorm, groups: 1}, {kind: add, with: input}, relu, "
     "globalavgpool, {kind: dense, units: classes}]",
     {3, {3, 4, 17}}},
    {"[{kind: groupnorm, groups: 2}, {kind: add, with: input}, relu]",
     {1, {10}}},
    {NULL, {0, {0}}},
};

const struct nn_fused_type nn_fused_groupnorm_add_relu = {
    .kinds = {"groupnorm", "add", "relu"},
    .type =
        {
            .name = "groupnorm_add_relu",
            .doc = "Group normalisation, sum with a shortcut and ReLU in one "
                   "pass.",
            .opts_size = sizeof(struct nn_fused_opts),
            .needs_x = true,
            .needs_y = true,
            .has_with = true,
            .infer = infer,
            .forward = forward,
            .backward = backward,
        },
    .models = models,
};
