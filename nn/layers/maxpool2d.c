/* The largest of each window, per channel; windows lie inside the image.
 * Ties go to the first in row order, as in PyTorch; a NaN wins.
 *
 * State: which of the window's k*k pixels won, so that backward needs neither
 * x nor y.
 */
#include "nn/pool_priv.h"

#include <string.h>

typedef uint16_t winner; /* kernel <= 255, so below 65025 */

static enum fl_status infer(const void *opts,
                            const struct nn_shape *input,
                            struct nn_layer_info *ret,
                            struct fl_error *err)
{
    struct nn_pool pool;
    FL_TRY(nn_pool_init(&pool, opts, input, err));
    struct nn_shape output = {3, {pool.out_h, pool.out_w, pool.channels}};
    *ret = (struct nn_layer_info){
        .output = output,
        .state_bytes = (size_t)nn_shape_size(&output) * sizeof(winner),
    };
    return FL_OK;
}

/* One output pixel, all channels: window at x. */
static void pool_pixel(const struct nn_pool *pool,
                       const nn_real *restrict x,
                       nn_real *restrict y,
                       winner *restrict won)
{
    int64_t channels = pool->channels;
    memcpy(y, x, (size_t)channels * sizeof *y);
    memset(won, 0, (size_t)channels * sizeof *won);
    for (int64_t ky = 0; ky < pool->kernel; ky++) {
        for (int64_t kx = ky ? 0 : 1; kx < pool->kernel; kx++) {
            const nn_real *from = x + (ky * pool->in_w + kx) * channels;
            winner id = (winner)(ky * pool->kernel + kx);
            for (int64_t c = 0; c < channels; c++) {
                nn_real v = from[c];
                bool wins = v > y[c] || v != v;
                y[c] = wins ? v : y[c];
                won[c] = wins ? id : won[c];
            }
        }
    }
}

static void forward(const struct nn_call *call,
                    const nn_real *params,
                    const nn_real *x,
                    nn_real *ret_y)
{
    (void)params;
    struct nn_pool pool = nn_pool_of(call);
    winner *won = call->state;
    for (int64_t b = 0; b < call->n; b++) {
        for (int64_t oy = 0; oy < pool.out_h; oy++) {
            const nn_real *row = x + (b * pool.in_h + oy * pool.stride) *
                                         pool.in_w * pool.channels;
            for (int64_t ox = 0; ox < pool.out_w; ox++) {
                pool_pixel(&pool, row + ox * pool.stride * pool.channels, ret_y,
                           won);
                ret_y += pool.channels;
                won += pool.channels;
            }
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
    const winner *won = call->state;
    int64_t size = nn_shape_size(call->input);
    memset(ret_dx, 0, (size_t)(call->n * size) * sizeof *ret_dx);
    for (int64_t b = 0; b < call->n; b++) {
        for (int64_t o = 0; o < pool.out_h * pool.out_w; o++) {
            int64_t oy = o / pool.out_w, ox = o % pool.out_w;
            nn_real *window =
                ret_dx + ((b * pool.in_h + oy * pool.stride) * pool.in_w +
                          ox * pool.stride) *
                             pool.channels;
            for (int64_t c = 0; c < pool.channels; c++) {
                int64_t ky = won[c] / pool.kernel, kx = won[c] % pool.kernel;
                window[(ky * pool.in_w + kx) * pool.channels + c] += dy[c];
            }
            won += pool.channels;
            dy += pool.channels;
        }
    }
}

static const struct nn_layer_example examples[] = {
    {"{kind: maxpool2d, kernel: 2}", {3, {4, 6, 3}}},
    {"{kind: maxpool2d, kernel: 2}", {3, {5, 5, 17}}},
    {"{kind: maxpool2d, kernel: 3, stride: 2}", {3, {7, 6, 2}}},
    {"{kind: maxpool2d, kernel: 2, stride: 3}", {3, {6, 7, 2}}},
    {"{kind: maxpool2d, kernel: 4}", {3, {4, 4, 1}}},
    {NULL, {0, {0}}},
};

const struct nn_layer_type nn_layer_maxpool2d = {
    .name = "maxpool2d",
    .doc = "The largest value of each window, per channel.",
    .params = nn_pool_params,
    .opts_size = sizeof(struct nn_pool_opts),
    .picks_largest = true,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples = examples,
};
