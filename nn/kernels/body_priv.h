/* The kernel table of one instruction set: the including file says KERNELS,
 * KERNELS_NAME, VECTOR_BYTES and MAX_ROWS, and CMake its compiler options.
 * ReLU and sums are elementwise: the same bits in every table.
 */
#ifndef NN_KERNELS_BODY_PRIV_H
#define NN_KERNELS_BODY_PRIV_H

#include "nn/kernels/channels_priv.h"
#include "nn/kernels/depthwise_priv.h"
#include "nn/kernels/dropout_priv.h"
#include "nn/kernels/gates_priv.h"
#include "nn/kernels/convolution_priv.h"
#include "nn/kernels/dense_priv.h"
#include "nn/kernels/product_priv.h"
#include "nn/kernels/transpose_priv.h"
#include "nn/kernels/winograd_priv.h"
#include "nn/kernels/update_priv.h"
#include "nn/pool_priv.h"

static void relu(int64_t n, const nn_real *x, nn_real *y)
{
    for (int64_t i = 0; i < n; i++)
        y[i] = x[i] < 0 ? 0 : x[i];
}

static void
relu_back(int64_t n, const nn_real *y, const nn_real *dy, nn_real *dx)
{
    for (int64_t i = 0; i < n; i++)
        dx[i] = y[i] > 0 ? dy[i] : 0;
}

static void add_rows(int64_t rows,
                     int64_t n,
                     const nn_real *restrict x,
                     nn_real *restrict acc)
{
    int64_t j = 0;
    for (; j + LANES <= n; j += LANES) {
        vec sum = load(acc + j);
        for (int64_t i = 0; i < rows; i++)
            sum += load(x + i * n + j);
        store(acc + j, sum);
    }
    if (j == n)
        return;
    int lanes = (int)(n - j);
    vec sum = load_part(acc + j, lanes);
    for (int64_t i = 0; i < rows; i++)
        sum += load_part(x + i * n + j, lanes);
    store_part(acc + j, sum, lanes);
}

INLINE which load_won(const nn_won *p, int lanes)
{
    return (which)load_lanes((const nn_real *)(const void *)p, lanes);
}

INLINE void store_won(nn_won *p, which v, int lanes)
{
    store_lanes((nn_real *)(void *)p, (vec)v, lanes);
}

/* One window, one vector of channels. v wins when it is larger than the best
 * so far or a NaN; nothing wins against a NaN. */
INLINE void max_of_window(const struct nn_pool *pool,
                          const nn_real *x,
                          nn_real *y,
                          nn_won *won,
                          const int64_t kernel,
                          const int lanes)
{
    vec best = load_lanes(x, lanes);
    which id = {0}, here = {0};
    for (int64_t ky = 0; ky < kernel; ky++) {
        const nn_real *from = x + ky * pool->in_w * pool->channels;
        for (int64_t kx = 0; kx < kernel; kx++) {
            vec v = load_lanes(from, lanes);
            which wins = (v > best) | (v != v);
            best = (vec)(((which)v & wins) | ((which)best & ~wins));
            id = (here & wins) | (id & ~wins);
            here += 1;
            from += pool->channels;
        }
    }
    store_lanes(y, best, lanes);
    store_won(won, id, lanes);
}

INLINE void max_row(const struct nn_pool *pool,
                    const nn_real *x,
                    nn_real *y,
                    nn_won *won,
                    const int64_t kernel)
{
    int64_t channels = pool->channels, full = channels / LANES * LANES;
    int rest = (int)(channels - full);
    for (int64_t o = 0; o < pool->out_w; o++) {
        for (int64_t c = 0; c < full; c += LANES)
            max_of_window(pool, x + c, y + c, won + c, kernel, LANES);
        if (rest)
            max_of_window(pool, x + full, y + full, won + full, kernel, rest);
        x += pool->stride * channels;
        y += channels;
        won += channels;
    }
}

static void
pool_max(const struct nn_pool *pool, const nn_real *x, nn_real *y, nn_won *won)
{
    if (pool->kernel == 2)
        max_row(pool, x, y, won, 2);
    else
        max_row(pool, x, y, won, pool->kernel);
}

INLINE void spread(const nn_real *dy,
                   const nn_won *won,
                   nn_real *dx0,
                   nn_real *dx1,
                   int64_t channels,
                   const int lanes)
{
    which d = (which)load_lanes(dy, lanes), id = load_won(won, lanes);
    store_lanes(dx0, (vec)(d & (id == 0)), lanes);
    store_lanes(dx0 + channels, (vec)(d & (id == 1)), lanes);
    store_lanes(dx1, (vec)(d & (id == 2)), lanes);
    store_lanes(dx1 + channels, (vec)(d & (id == 3)), lanes);
}

static void pool_max_back_2x2(const struct nn_pool *pool,
                              const nn_real *dy,
                              const nn_won *won,
                              nn_real *dx)
{
    int64_t channels = pool->channels, full = channels / LANES * LANES;
    int rest = (int)(channels - full);
    nn_real *dx0 = dx, *dx1 = dx + pool->in_w * channels;
    for (int64_t o = 0; o < pool->out_w; o++) {
        for (int64_t c = 0; c < full; c += LANES)
            spread(dy + c, won + c, dx0 + c, dx1 + c, channels, LANES);
        if (rest)
            spread(dy + full, won + full, dx0 + full, dx1 + full, channels,
                   rest);
        dy += channels;
        won += channels;
        dx0 += 2 * channels;
        dx1 += 2 * channels;
    }
}

static const struct nn_image_kernels image_kernels = {
    .moments = moments,
    .affine = affine,
    .affine_sums = affine_sums,
    .affine_dx = affine_dx,
    .depthwise = depthwise,
    .depthwise_dx = depthwise_dx,
    .depthwise_dw = depthwise_dw,
    .winograd_image = winograd_image,
    .winograd_gradient = winograd_gradient,
    .winograd_output = winograd_output,
    .winograd_weight = winograd_weight,
    .winograd_weight_gradient = winograd_weight_gradient,
    .transpose = transpose,
};

const struct nn_kernels KERNELS = {
    .name = KERNELS_NAME,
    .product = product,
    .sgd = sgd,
    .adam = adam,
    .squares = squares,
    .scale = scale,
    .relu = relu,
    .relu_back = relu_back,
    .add_rows = add_rows,
    .pool_max = pool_max,
    .pool_max_back_2x2 = pool_max_back_2x2,
    .draw_keep = draw_keep,
    .scale_kept = scale_kept,
    .image = &image_kernels,
    .cell = &cell_kernels,
    .conv = &conv_kernels,
    .dense = &dense_kernels,
};

#endif
