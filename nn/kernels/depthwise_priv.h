/* Depthwise convolution of one instruction set, for nn/kernels/ alone: one
 * vector of channels at a time walks the whole image. Taps outside the image
 * are left out; those inside are added in ascending order of ky, kx.
 */
#ifndef NN_KERNELS_DEPTHWISE_PRIV_H
#define NN_KERNELS_DEPTHWISE_PRIV_H

#include "nn/kernels/image_priv.h"
#include "nn/kernels/vec_priv.h"

/* Taps of the window at `start` (may be negative) that are inside [0, size):
 * [*ret_first, *ret_end). */
INLINE void taps_inside(int64_t start,
                        int64_t kernel,
                        int64_t size,
                        int64_t *ret_first,
                        int64_t *ret_end)
{
    *ret_first = start < 0 ? -start : 0;
    *ret_end = start + kernel > size ? size - start : kernel;
}

/* One output pixel near the border or of a kernel other than 3. */
INLINE vec border_pixel(const struct nn_depthwise *d,
                        const nn_real *x,
                        int64_t c,
                        int64_t y0,
                        int64_t x0,
                        vec sum,
                        const int lanes)
{
    int64_t ky, ky_end, kx_first, kx_end;
    taps_inside(y0, d->kernel, d->in_h, &ky, &ky_end);
    taps_inside(x0, d->kernel, d->in_w, &kx_first, &kx_end);
    for (; ky < ky_end; ky++)
        for (int64_t kx = kx_first; kx < kx_end; kx++) {
            int64_t at = ((y0 + ky) * d->in_w + x0 + kx) * d->channels + c;
            int64_t tap = (ky * d->kernel + kx) * d->channels + c;
            sum = muladd(load_lanes(x + at, lanes),
                         load_lanes(d->weight + tap, lanes), sum);
        }
    return sum;
}

INLINE bool is_inside_3(const struct nn_depthwise *d, int64_t y0, int64_t x0)
{
    return y0 >= 0 && y0 + 3 <= d->in_h && x0 >= 0 && x0 + 3 <= d->in_w;
}

INLINE void depthwise_block(const struct nn_depthwise *d,
                            int64_t c,
                            const nn_real *x,
                            nn_real *y,
                            const int lanes)
{
    vec w[9] = {{0}};
    bool is_3 = d->kernel == 3;
    for (int i = 0; is_3 && i < 9; i++)
        w[i] = load_lanes(d->weight + i * d->channels + c, lanes);
    vec bias = d->bias ? load_lanes(d->bias + c, lanes) : (vec){0};
    nn_real *to = y + c;
    for (int64_t oy = 0; oy < d->out_h; oy++)
        for (int64_t ox = 0; ox < d->out_w; ox++, to += d->channels) {
            int64_t y0 = oy * d->stride - d->padding;
            int64_t x0 = ox * d->stride - d->padding;
            if (!is_3 || !is_inside_3(d, y0, x0)) {
                vec r = border_pixel(d, x, c, y0, x0, bias, lanes);
                store_lanes(to, r, lanes);
                continue;
            }
            vec sum = bias;
            const nn_real *from = x + (y0 * d->in_w + x0) * d->channels + c;
            UNROLL
            for (int i = 0; i < 9; i++) {
                int64_t at = (i / 3 * d->in_w + i % 3) * d->channels;
                sum = muladd(load_lanes(from + at, lanes), w[i], sum);
            }
            store_lanes(to, sum, lanes);
        }
}

static void
depthwise(const struct nn_depthwise *d, const nn_real *x, nn_real *y)
{
    int64_t c = 0;
    for (; c + LANES <= d->channels; c += LANES)
        depthwise_block(d, c, x, y, LANES);
    if (c < d->channels)
        depthwise_block(d, c, x, y, (int)(d->channels - c));
}

/* The gradient of one input pixel: of every window that has it as tap ky, kx.
 */
INLINE vec input_pixel(const struct nn_depthwise *d,
                       int64_t c,
                       int64_t iy,
                       int64_t ix,
                       const nn_real *dy,
                       const int lanes)
{
    vec sum = {0};
    int64_t s = d->stride, y = iy + d->padding, x = ix + d->padding;
    for (int64_t ky = y % s; ky < d->kernel && ky <= y; ky += s) {
        int64_t oy = (y - ky) / s;
        if (oy >= d->out_h)
            continue;
        for (int64_t kx = x % s; kx < d->kernel && kx <= x; kx += s) {
            int64_t ox = (x - kx) / s;
            if (ox >= d->out_w)
                continue;
            int64_t at = (oy * d->out_w + ox) * d->channels + c;
            int64_t tap = (ky * d->kernel + kx) * d->channels + c;
            sum = muladd(load_lanes(dy + at, lanes),
                         load_lanes(d->weight + tap, lanes), sum);
        }
    }
    return sum;
}

INLINE void depthwise_dx_block(const struct nn_depthwise *d,
                               int64_t c,
                               const nn_real *dy,
                               nn_real *dx,
                               const int lanes)
{
    for (int64_t iy = 0; iy < d->in_h; iy++)
        for (int64_t ix = 0; ix < d->in_w; ix++)
            store_lanes(dx + (iy * d->in_w + ix) * d->channels + c,
                        input_pixel(d, c, iy, ix, dy, lanes), lanes);
}

static void
depthwise_dx(const struct nn_depthwise *d, const nn_real *dy, nn_real *dx)
{
    int64_t c = 0;
    for (; c + LANES <= d->channels; c += LANES)
        depthwise_dx_block(d, c, dy, dx, LANES);
    if (c < d->channels)
        depthwise_dx_block(d, c, dy, dx, (int)(d->channels - c));
}

/* All nine taps at once; each tap's sum runs over pixels in order. */
INLINE void depthwise_dw_3(const struct nn_depthwise *d,
                           int64_t c,
                           const nn_real *x,
                           const nn_real *dy,
                           nn_real *acc_dw,
                           const int lanes)
{
    vec sum[9];
    UNROLL
    for (int i = 0; i < 9; i++)
        sum[i] = load_lanes(acc_dw + i * d->channels + c, lanes);
    const nn_real *from = dy + c;
    for (int64_t oy = 0; oy < d->out_h; oy++)
        for (int64_t ox = 0; ox < d->out_w; ox++, from += d->channels) {
            int64_t y0 = oy * d->stride - d->padding;
            int64_t x0 = ox * d->stride - d->padding;
            int64_t at = (y0 * d->in_w + x0) * d->channels + c;
            vec g = load_lanes(from, lanes);
            bool is_inside = is_inside_3(d, y0, x0);
            UNROLL
            for (int i = 0; i < 9; i++) {
                int64_t iy = y0 + i / 3, ix = x0 + i % 3;
                if (!is_inside &&
                    (iy < 0 || iy >= d->in_h || ix < 0 || ix >= d->in_w))
                    continue;
                int64_t tap = at + (i / 3 * d->in_w + i % 3) * d->channels;
                sum[i] = muladd(load_lanes(x + tap, lanes), g, sum[i]);
            }
        }
    UNROLL
    for (int i = 0; i < 9; i++)
        store_lanes(acc_dw + i * d->channels + c, sum[i], lanes);
}

/* One tap after the other, for any kernel. */
INLINE void depthwise_dw_any(const struct nn_depthwise *d,
                             int64_t c,
                             const nn_real *x,
                             const nn_real *dy,
                             nn_real *acc_dw,
                             const int lanes)
{
    for (int64_t tap = 0; tap < d->kernel * d->kernel; tap++) {
        nn_real *to = acc_dw + tap * d->channels + c;
        vec sum = load_lanes(to, lanes);
        for (int64_t o = 0; o < d->out_h * d->out_w; o++) {
            int64_t iy =
                o / d->out_w * d->stride - d->padding + tap / d->kernel;
            int64_t ix =
                o % d->out_w * d->stride - d->padding + tap % d->kernel;
            if (iy < 0 || iy >= d->in_h || ix < 0 || ix >= d->in_w)
                continue;
            int64_t at = (iy * d->in_w + ix) * d->channels + c;
            sum = muladd(load_lanes(x + at, lanes),
                         load_lanes(dy + o * d->channels + c, lanes), sum);
        }
        store_lanes(to, sum, lanes);
    }
}

INLINE void depthwise_dw_block(const struct nn_depthwise *d,
                               int64_t c,
                               const nn_real *x,
                               const nn_real *dy,
                               nn_real *acc_dw,
                               const int lanes)
{
    if (d->kernel == 3)
        depthwise_dw_3(d, c, x, dy, acc_dw, lanes);
    else
        depthwise_dw_any(d, c, x, dy, acc_dw, lanes);
}

static void depthwise_dw(const struct nn_depthwise *d,
                         const nn_real *x,
                         const nn_real *dy,
                         nn_real *acc_dw)
{
    int64_t c = 0;
    for (; c + LANES <= d->channels; c += LANES)
        depthwise_dw_block(d, c, x, dy, acc_dw, LANES);
    if (c < d->channels)
        depthwise_dw_block(d, c, x, dy, acc_dw, (int)(d->channels - c));
}

#endif
