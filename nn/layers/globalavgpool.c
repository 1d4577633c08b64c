/* y[c] = the mean of x[., ., c]: an image becomes a vector. */
#include "nn/kernels/table_priv.h"
#include "nn/layer.h"

#include <string.h>

static enum fl_status infer(const void *opts,
                            const struct nn_shape *input,
                            struct nn_layer_info *ret,
                            struct fl_error *err)
{
    (void)opts;
    FL_TRY(nn_check_image(input, err));
    *ret = (struct nn_layer_info){.output = {1, {input->dim[2]}}};
    return FL_OK;
}

static void forward(const struct nn_call *call,
                    const nn_real *params,
                    const nn_real *x,
                    nn_real *ret_y)
{
    (void)params;
    int64_t channels = call->input->dim[2];
    int64_t pixels = call->input->dim[0] * call->input->dim[1];
    nn_real share = 1 / (nn_real)pixels;
    memset(ret_y, 0, (size_t)(call->n * channels) * sizeof *ret_y);
    for (int64_t b = 0; b < call->n; b++) {
        call->kernels->add_rows(pixels, channels, x, ret_y);
        for (int64_t c = 0; c < channels; c++)
            ret_y[c] *= share;
        x += pixels * channels;
        ret_y += channels;
    }
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
    if (!ret_dx)
        return;
    int64_t channels = call->input->dim[2];
    int64_t pixels = call->input->dim[0] * call->input->dim[1];
    nn_real share = 1 / (nn_real)pixels;
    for (int64_t b = 0; b < call->n; b++, dy += channels)
        for (int64_t p = 0; p < pixels; p++, ret_dx += channels)
            for (int64_t c = 0; c < channels; c++)
                ret_dx[c] = dy[c] * share;
}

static const struct nn_layer_example examples[] = {
    {"{kind: globalavgpool}", {3, {3, 4, 5}}},
    {"{kind: globalavgpool}", {3, {1, 1, 17}}},
    {"{kind: globalavgpool}", {3, {5, 2, 1}}},
    {NULL, {0, {0}}},
};

const struct nn_layer_type nn_layer_globalavgpool = {
    .name = "globalavgpool",
    .doc = "The mean of each channel of an image: [h, w, c] becomes [c].",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples = examples,
};
