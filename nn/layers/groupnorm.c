/* y = (x - mean) / sqrt(var + eps) * weight[c] + bias[c]
 *
 * with mean and biased variance over all pixels of a sample and the channels of
 * one of `groups` equal groups (Wu and He 2018, "Group Normalization"), as
 * PyTorch's GroupNorm; x [..., c] with c last. One group is a layer norm over
 * the whole sample with weights per channel. A sample never sees another one,
 * nor does anything remember: what federated training wants of a norm.
 */
#include "nn/norm_priv.h"

static const struct fl_param params_table[] = {
    {.key = "groups",
     .kind = FL_PARAM_INT,
     .offset = offsetof(struct nn_norm_opts, groups),
     .min = 1,
     .max = 65536,
     .required = true,
     .doc = "Groups of channels; a divisor of their number."},
    {.key = "eps",
     .kind = FL_PARAM_DOUBLE,
     .offset = offsetof(struct nn_norm_opts, eps),
     .min = 0,
     .max = 1,
     .min_open = true,
     .def = "1e-5",
     .doc = "Added to the variance."},
    {.key = "affine",
     .kind = FL_PARAM_BOOL,
     .offset = offsetof(struct nn_norm_opts, affine),
     .def = "true",
     .doc = "Whether each channel has a trained weight and bias."},
    {.key = NULL},
};

static enum fl_status infer(const void *opts,
                            const struct nn_shape *input,
                            struct nn_layer_info *ret,
                            struct fl_error *err)
{
    return nn_group_norm_infer(opts, input, ret, err);
}

static void forward(const struct nn_call *call,
                    const nn_real *params,
                    const nn_real *x,
                    nn_real *ret_y)
{
    nn_group_norm_forward(call, call->opts, params, x, false, ret_y);
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
    struct nn_norm_back back = {.x = x, .dy = dy, .ret_dx = ret_dx};
    nn_group_norm_backward(call, call->opts, params, back, acc_dparams);
}

static const struct nn_layer_example examples[] = {
    {"{kind: groupnorm, groups: 2}", {3, {3, 4, 6}}},
    {"{kind: groupnorm, groups: 1}", {3, {2, 3, 17}}},
    {"{kind: groupnorm, groups: 33, eps: 0.1}", {3, {5, 1, 33}}},
    {"{kind: groupnorm, groups: 2, affine: false}", {3, {1, 1, 40}}},
    {"{kind: groupnorm, groups: 4}", {1, {64}}},
    {"{kind: groupnorm, groups: 4}", {3, {3, 3, 68}}},
    {NULL, {0, {0}}},
};

const struct nn_layer_type nn_layer_groupnorm = {
    .name = "groupnorm",
    .doc = "Normalises groups of channels of each sample by itself.",
    .params = params_table,
    .opts_size = sizeof(struct nn_norm_opts),
    .needs_x = true,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples = examples,
};
