/* The largest of each window, per channel; windows lie inside the image.
 * Ties go to the first in row order, as in PyTorch; a NaN wins.
 *
 * State: which of the window's pixels won, so that backward needs neither
 * x nor y.
 */
#include "nn/kernels/table_priv.h"
#include "nn/pool_priv.h"

#include <string.h>

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
        .state_bytes = (size_t)nn_shape_size(&output) * sizeof(nn_won),
    };
    return FL_OK;
}

static void forward(const struct nn_call *call,
                    const nn_real *params,
                    const nn_real *x,
                    nn_real *ret_y)
{
    (void)params;
    struct nn_pool pool = nn_pool_of(call);
    nn_won *won = call->state;
    int64_t row = pool.in_w * pool.channels, out = pool.out_w * pool.channels;
    for (int64_t b = 0; b < call->n; b++, x += pool.in_h * row) {
        for (int64_t oy = 0; oy < pool.out_h; oy++) {
            call->kernels->pool_max(&pool, x + oy * pool.stride * row, ret_y,
                                    won);
            ret_y += out;
            won += out;
        }
    }
}

/* Windows of one image that do not overlap: each number is written once. */
static void back_2x2(const struct nn_kernels *kernels,
                     const struct nn_pool *pool,
                     const nn_won *won,
                     const nn_real *dy,
                     nn_real *ret_dx)
{
    int64_t row = pool->in_w * pool->channels;
    int64_t out = pool->out_w * pool->channels;
    for (int64_t oy = 0; oy < pool->out_h; oy++, ret_dx += 2 * row) {
        kernels->pool_max_back_2x2(pool, dy + oy * out, won + oy * out, ret_dx);
        for (int64_t i = 2 * out; i < row; i++)
            ret_dx[i] = ret_dx[row + i] = 0;
    }
    int64_t rest = pool->in_h - 2 * pool->out_h;
    memset(ret_dx, 0, (size_t)(rest * row) * sizeof *ret_dx);
}

/* Any windows of one image: gradients of pixels in several of them add up. */
static void back_any(const struct nn_pool *pool,
                     const nn_won *won,
                     const nn_real *dy,
                     nn_real *ret_dx)
{
    int64_t row = pool->in_w * pool->channels;
    memset(ret_dx, 0, (size_t)(pool->in_h * row) * sizeof *ret_dx);
    for (int64_t oy = 0; oy < pool->out_h; oy++) {
        for (int64_t ox = 0; ox < pool->out_w; ox++) {
            nn_real *window = ret_dx + oy * pool->stride * row +
                              ox * pool->stride * pool->channels;
            for (int64_t c = 0; c < pool->channels; c++) {
                int64_t ky = won[c] / pool->kernel, kx = won[c] % pool->kernel;
                window[ky * row + kx * pool->channels + c] += dy[c];
            }
            won += pool->channels;
            dy += pool->channels;
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
    const nn_won *won = call->state;
    int64_t in = nn_shape_size(call->input), out = nn_shape_size(call->output);
    for (int64_t b = 0; b < call->n; b++) {
        if (pool.kernel == 2 && pool.stride == 2)
            back_2x2(call->kernels, &pool, won + b * out, dy + b * out,
                     ret_dx + b * in);
        else
            back_any(&pool, won + b * out, dy + b * out, ret_dx + b * in);
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
