/* conv2d of stride 1, maxpool2d of 2x2 windows and ReLU in one step: see
 * nn/conv_pool_priv.h.
 *
 * Sums of the forward pass run in another order than conv2d's where tiles are
 * used, and those of dW and dx over what won alone.
 */
#include "nn/conv_pool_priv.h"
#include "nn/fused.h"
#include "nn/model_priv.h"

#include <assert.h>

static struct nn_conv_pool of_call(const struct nn_call *call)
{
    struct nn_conv_pool v = {.k = 0};
    enum fl_status status = nn_conv_pool_init(&v, call->opts, NULL);
    assert(status == FL_OK); /* infer accepted it */
    (void)status;
    return v;
}

static enum fl_status infer(const void *opts,
                            const struct nn_shape *input,
                            struct nn_layer_info *ret,
                            struct fl_error *err)
{
    (void)input;
    struct nn_conv_pool v;
    FL_TRY(nn_conv_pool_init(&v, opts, err));
    int64_t forward = nn_conv_pool_forward_numbers(&v);
    int64_t backward = nn_conv_pool_backward_numbers(&v);
    int64_t most = forward > backward ? forward : backward;
    *ret = (struct nn_layer_info){
        .output = {3, {v.out_h, v.out_w, v.oc}},
        .state_bytes = (size_t)(v.out_h * v.out_w * v.oc),
        .prepared_bytes =
            (size_t)nn_conv_pool_prepared_numbers(&v) * sizeof(nn_real),
        .scratch_bytes = (size_t)most * sizeof(nn_real),
    };
    return FL_OK;
}

static void prepare(const struct nn_call *call, const nn_real *params)
{
    struct nn_conv_pool v = of_call(call);
    nn_conv_pool_prepare(&v, params, call->prepared);
}

static void forward(const struct nn_call *call,
                    const nn_real *params,
                    const nn_real *x,
                    nn_real *ret_y)
{
    struct nn_conv_pool v = of_call(call);
    nn_conv_pool_forward(&v, call, params, x, ret_y);
}

static void backward(const struct nn_call *call,
                     const nn_real *params,
                     const nn_real *x,
                     const nn_real *y,
                     const nn_real *dy,
                     nn_real *ret_dx,
                     nn_real *acc_dparams)
{
    (void)params;
    (void)y;
    struct nn_conv_pool v = of_call(call);
    nn_conv_pool_backward(&v, call, x, dy, ret_dx, acc_dparams);
}

#define BEHIND                                                                 \
    ", relu, {kind: maxpool2d, kernel: 2}, flatten, "                          \
    "{kind: dense, units: classes}]"

static const struct nn_layer_example models[] = {
    {"[{kind: conv2d, channels: 6, kernel: 5, padding: 2}" BEHIND,
     {3, {8, 10, 1}}},
    {"[{kind: conv2d, channels: 5, kernel: 3}" BEHIND, {3, {7, 8, 3}}},
    {"[{kind: conv2d, channels: 17, kernel: 2, bias: false}" BEHIND,
     {3, {5, 6, 2}}},
    {"[{kind: conv2d, channels: 3, kernel: 7, padding: 3}" BEHIND,
     {3, {6, 6, 40}}},
    /* tiles, also such that stick out, and channels that fill no vector */
    {"[{kind: conv2d, channels: 16, kernel: 5, padding: 2}" BEHIND,
     {3, {6, 8, 16}}},
    {"[{kind: conv2d, channels: 16, kernel: 3, padding: 1}" BEHIND,
     {3, {8, 8, 16}}},
    {"[{kind: conv2d, channels: 21, kernel: 3}" BEHIND, {3, {9, 7, 19}}},
    {"[{kind: conv2d, channels: 35, kernel: 5, bias: false}" BEHIND,
     {3, {9, 11, 18}}},
    /* more than one block of channels; tiles in several bands */
    {"[{kind: conv2d, channels: 70, kernel: 3}" BEHIND, {3, {8, 8, 48}}},
    {"[{kind: conv2d, channels: 40, kernel: 3, padding: 1}" BEHIND,
     {3, {24, 90, 32}}},
    {NULL, {0, {0}}},
};

const struct nn_fused_type nn_fused_conv_pool_relu = {
    .kinds = {"conv2d", "maxpool2d", "relu"},
    .type =
        {
            .name = "conv_pool_relu",
            .doc = "Convolution, 2x2 max-pooling and ReLU.",
            .opts_size = sizeof(struct nn_fused_opts),
            .needs_x = true,
            .infer = infer,
            .prepare = prepare,
            .forward = forward,
            .backward = backward,
        },
    .models = models,
};
