/* groupnorm and the ReLU behind it: y = max((x - mean) / deviation * weight +
 * bias, 0) in the one pass that the norm makes anyway; backward finds out again
 * from x which numbers were positive, so that y is not read at all. The same
 * bits as the two steps. */
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
    (void)y;
    struct nn_norm_back back = {
        .x = x, .dy = dy, .is_relu = true, .ret_dx = ret_dx};
    nn_group_norm_backward(call, norm_opts(call->opts), params, back,
                           acc_dparams);
}

static const struct nn_layer_example models[] = {
    {"[{kind: conv2d, channels: 34, kernel: 1}, {kind: groupnorm, groups: 17}, "
     "relu, flatten, {kind: dense, units: classes}]",
     {3, {3, 5, 2}}},
    {"[{kind: groupnorm, groups: 2}, relu, globalavgpool, {kind: dense, "
     "units: classes}]",
     {3, {4, 3, 6}}},
    {"[{kind: dense, units: 10}, {kind: groupnorm, groups: 5, affine: false}, "
     "relu]",
     {1, {7}}},
    {NULL, {0, {0}}},
};

const struct nn_fused_type nn_fused_groupnorm_relu = {
    .kinds = {"groupnorm", "relu"},
    .type =
        {
            .name = "groupnorm_relu",
            .doc = "Group normalisation and ReLU in one pass.",
            .opts_size = sizeof(struct nn_fused_opts),
            .needs_x = true,
            .infer = infer,
            .forward = forward,
            .backward = backward,
        },
    .models = models,
};
