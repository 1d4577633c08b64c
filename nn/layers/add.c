/* y = x + with, elementwise: how a residual block ends.
 *
 *     - {kind: conv2d, channels: 16, kernel: 3, padding: 1, name: first}
 *     - ...
 *     - {kind: add, with: first}
 */
#include "nn/kernels/table_priv.h"
#include "nn/layer.h"

#include <string.h>

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
    if (ret_y != x)
        memcpy(ret_y, x, (size_t)n * sizeof *x);
    call->kernels->add_rows(1, n, call->with, ret_y);
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
    (void)y;
    (void)acc_dparams;
    size_t bytes = (size_t)(call->n * nn_shape_size(call->input)) * sizeof *dy;
    if (call->ret_dwith)
        memcpy(call->ret_dwith, dy, bytes);
    if (ret_dx && ret_dx != dy)
        memcpy(ret_dx, dy, bytes);
}

static const struct nn_layer_example examples[] = {
    {"{kind: add, with: other}", {3, {3, 4, 5}}},
    {"{kind: add, with: other}", {1, {1}}},
    {NULL, {0, {0}}},
};

const struct nn_layer_type nn_layer_add = {
    .name = "add",
    .doc = "Adds the output of an earlier layer: the end of a residual block.",
    .can_in_place = true,
    .has_with = true,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples = examples,
};
