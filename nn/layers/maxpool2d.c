/* The largest of each window, per channel; windows lie inside the image.
 * Ties go to the first in row order, as in PyTorch; a NaN wins.
 *
 * State: which of the window's k*k pixels won, so that backward needs neither
 * x nor y.
 */
#include "nn/kernels_priv.h"
#include "nn/pool_priv.h"

#include <inttypes.h>
#include <string.h>

/* kernel * kernel positions in a byte */
#define MAX_KERNEL 15

static enum fl_status infer(const void *opts,
                            const struct nn_shape *input,
                            struct nn_layer_info *ret,
                            struct fl_error *err)
{
    const struct nn_pool_opts *o = opts;
    if (o->kernel > MAX_KERNEL)
        return fl_fail(err, FL_E_CONFIG,
                       "kernel, found %" PRId64 ", allowed [1, %d]", o->kernel,
                       MAX_KERNEL);
    struct nn_pool pool;
    FL_TRY(nn_pool_init(&pool, opts, input, err));
    struct nn_shape output = {3, {pool.out_h, pool.out_w, pool.channels}};
    *ret = (struct nn_layer_info){
        .output = output,
        .state_bytes = (size_t)nn_shape_size(&output),
    };
    return FL_OK;
}

/* One output pixel, all channels: window at x. */
static void pool_pixel(const struct nn_pool *pool,
                       const nn_real *restrict x,
                       nn_real *restrict y,
                       uint8_t *restrict won)
{
    int64_t channels = pool->channels;
    memcpy(y, x, (size_t)channels * sizeof *y);
    memset(won, 0, (size_t)channels);
    for (int64_t ky = 0; ky < pool->kernel; ky++) {
        for (int64_t kx = ky ? 0 : 1; kx < pool->kernel; kx++) {
            const nn_real *from = x + (ky * pool->in_w + kx) * channels;
            uint8_t id = (uint8_t)(ky * pool->kernel + kx);
            for (int64_t c = 0; c < channels; c++) {
                nn_real v = from[c];
                bool wins = v > y[c] || v != v;
                y[c] = wins ? v : y[c];
                won[c] = wins ? id : won[c];
            }
        }
    }
}

static bool is_2x2(const struct nn_pool *pool)
{
    return pool->kernel == 2 && pool->stride == 2;
}

static void forward(const struct nn_call *call,
                    const nn_real *params,
                    const nn_real *x,
                    nn_real *ret_y)
{
    (void)params;
    struct nn_pool pool = nn_pool_of(call);
    uint8_t *won = call->state;
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

/* Windows do not overlap: each number is written once. */
static void backward_2x2(const struct nn_kernels *kernels,
                         const struct nn_pool *pool,
                         const uint8_t *won,
                         const nn_real *dy,
                         nn_real *ret_dx)
{
    int64_t row = pool->in_w * pool->channels;
    int64_t used = 2 * pool->out_w * pool->channels;
    int64_t out = pool->out_w * pool->channels;
    for (int64_t oy = 0; oy < pool->out_h; oy++) {
        nn_real *dx0 = ret_dx + 2 * oy * row;
        kernels->pool2_back(pool->out_w, pool->channels, dy + oy * out,
                            won + oy * out, dx0, dx0 + row);
        for (int64_t i = used; i < row; i++)
            dx0[i] = dx0[row + i] = 0;
    }
    int64_t rest = pool->in_h - 2 * pool->out_h;
    memset(ret_dx + 2 * pool->out_h * row, 0,
           (size_t)(rest * row) * sizeof *ret_dx);
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
    const uint8_t *won = call->state;
    int64_t size = nn_shape_size(call->input);
    if (is_2x2(&pool)) {
        int64_t out = nn_shape_size(call->output);
        for (int64_t b = 0; b < call->n; b++)
            backward_2x2(call->kernels, &pool, won + b * out, dy + b * out,
                         ret_dx + b * size);
        return;
    }
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
