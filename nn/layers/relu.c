/* y = max(x, 0). A NaN stays a NaN, so that the loss shows it. */
#include "nn/kernels/table_priv.h"
#include "nn/layer.h"

static enum fl_status infer(const void *opts,
                            const struct nn_shape *input,
                            struct nn_layer_info *ret,
                            struct fl_error *err)
{
    (void)opts;
    (void)err;
    *ret = (struct nn_layer_info){.output = *input};
    return FL_OK;
}

static void forward(const struct nn_call *call,
                    const nn_real *params,
                    const nn_real *x,
                    nn_real *ret_y)
{
    (void)params;
    int64_t n = call->n * nn_shape_size(call->input);
    call->kernels->relu(n, x, ret_y);
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
    (void)x;
    (void)acc_dparams;
    if (!ret_dx)
        return;
    int64_t n = call->n * nn_shape_size(call->input);
    call->kernels->relu_back(n, y, dy, ret_dx);
}

static const struct nn_layer_example examples[] = {
    {"{kind: relu}", {1, {7}}},
    {"{kind: relu}", {3, {3, 4, 5}}},
    {NULL, {0, {0}}},
};

const struct nn_layer_type nn_layer_relu = {
    .name = "relu",
    .doc = "Rectifier: max(x, 0).",
    .can_in_place = true,
    .needs_y = true,
    .is_monotone = true,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples = examples,
};
