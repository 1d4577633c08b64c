/* The mean of each window, per channel; windows lie inside the image. */
#include "nn/pool_priv.h"

#include <string.h>

static enum fl_status infer(const void *opts,
                            const struct nn_shape *input,
                            struct nn_layer_info *ret,
                            struct fl_error *err)
{
    struct nn_pool pool;
    FL_TRY(nn_pool_init(&pool, opts, input, err));
    *ret = (struct nn_layer_info){
        .output = {3, {pool.out_h, pool.out_w, pool.channels}}};
    return FL_OK;
}

static void forward(const struct nn_call *call,
                    const nn_real *params,
                    const nn_real *x,
                    nn_real *ret_y)
{
    (void)params;
    struct nn_pool pool = nn_pool_of(call);
    nn_real scale = 1 / (nn_real)(pool.kernel * pool.kernel);
    for (int64_t b = 0; b < call->n; b++) {
        for (int64_t o = 0; o < pool.out_h * pool.out_w; o++) {
            int64_t oy = o / pool.out_w, ox = o % pool.out_w;
            const nn_real *window =
                x + ((b * pool.in_h + oy * pool.stride) * pool.in_w +
                     ox * pool.stride) *
                        pool.channels;
            memset(ret_y, 0, (size_t)pool.channels * sizeof *ret_y);
            for (int64_t k = 0; k < pool.kernel * pool.kernel; k++) {
                const nn_real *from =
                    window + (k / pool.kernel * pool.in_w + k % pool.kernel) *
                                 pool.channels;
                for (int64_t c = 0; c < pool.channels; c++)
                    ret_y[c] += from[c];
            }
            for (int64_t c = 0; c < pool.channels; c++)
                ret_y[c] *= scale;
            ret_y += pool.channels;
        }
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
    struct nn_pool pool = nn_pool_of(call);
    nn_real scale = 1 / (nn_real)(pool.kernel * pool.kernel);
    int64_t size = nn_shape_size(call->input);
    memset(ret_dx, 0, (size_t)(call->n * size) * sizeof *ret_dx);
    for (int64_t b = 0; b < call->n; b++) {
        for (int64_t o = 0; o < pool.out_h * pool.out_w; o++) {
            int64_t oy = o / pool.out_w, ox = o % pool.out_w;
            nn_real *window =
                ret_dx + ((b * pool.in_h + oy * pool.stride) * pool.in_w +
                          ox * pool.stride) *
                             pool.channels;
            for (int64_t k = 0; k < pool.kernel * pool.kernel; k++) {
                nn_real *to =
                    window + (k / pool.kernel * pool.in_w + k % pool.kernel) *
                                 pool.channels;
                for (int64_t c = 0; c < pool.channels; c++)
                    to[c] += dy[c] * scale;
            }
            dy += pool.channels;
        }
    }
}

static const struct nn_layer_example examples[] = {
    {"{kind: avgpool2d, kernel: 2}", {3, {4, 6, 3}}},
    {"{kind: avgpool2d, kernel: 2}", {3, {5, 5, 17}}},
    {"{kind: avgpool2d, kernel: 3, stride: 2}", {3, {7, 6, 2}}},
    {"{kind: avgpool2d, kernel: 2, stride: 3}", {3, {6, 7, 2}}},
    {NULL, {0, {0}}},
};

const struct nn_layer_type nn_layer_avgpool2d = {
    .name = "avgpool2d",
    .doc = "The mean of each window, per channel.",
    .params = nn_pool_params,
    .opts_size = sizeof(struct nn_pool_opts),
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples = examples,
};
