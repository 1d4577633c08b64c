/* Sums and maps per channel of one instruction set, for nn/kernels/ alone
 * (nn/kernels/image_priv.h says what they compute).
 *
 * A block is up to BLOCK_VECS vectors of channels; its pixels are walked once.
 * Sums run in two chains per channel, of even and of odd pixels.
 */
#ifndef NN_KERNELS_CHANNELS_PRIV_H
#define NN_KERNELS_CHANNELS_PRIV_H

#include "nn/kernels/image_priv.h"
#include "nn/kernels/vec_priv.h"

#if VECTOR_BYTES == 64
#define BLOCK_VECS 4
#else
#define BLOCK_VECS 2
#endif

typedef nn_won mask_vec __attribute__((vector_size(VECTOR_BYTES)));

/* The last of a block's vectors has `lanes` channels. */
INLINE int lanes_of(int v, int vecs, int lanes)
{
    return v == vecs - 1 ? lanes : LANES;
}

INLINE void moments_block(const struct nn_moments *m,
                          int64_t c,
                          const int vecs,
                          const int lanes)
{
    vec shift[BLOCK_VECS], sum[BLOCK_VECS][2], squares[BLOCK_VECS][2];
    UNROLL
    for (int v = 0; v < vecs; v++) {
        int n = lanes_of(v, vecs, lanes);
        shift[v] = load_lanes(m->shift + c + v * LANES, n);
        sum[v][0] = sum[v][1] = (vec){0};
        squares[v][0] = squares[v][1] = (vec){0};
    }
    const nn_real *x = m->x + c;
    int64_t pixels = m->pixels / 2 * 2;
    for (int64_t p = 0; p < pixels; p += 2) {
        UNROLL
        for (int v = 0; v < vecs; v++) {
            int n = lanes_of(v, vecs, lanes);
            vec a = load_lanes(x + v * LANES, n) - shift[v];
            vec b = load_lanes(x + m->channels + v * LANES, n) - shift[v];
            sum[v][0] += a;
            sum[v][1] += b;
            squares[v][0] = muladd(a, a, squares[v][0]);
            squares[v][1] = muladd(b, b, squares[v][1]);
        }
        x += 2 * m->channels;
    }
    UNROLL
    for (int v = 0; v < vecs; v++) {
        int n = lanes_of(v, vecs, lanes);
        if (pixels < m->pixels) {
            vec a = load_lanes(x + v * LANES, n) - shift[v];
            sum[v][0] += a;
            squares[v][0] = muladd(a, a, squares[v][0]);
        }
        int64_t at = c + v * LANES;
        store_lanes(m->ret_sum + at, sum[v][0] + sum[v][1], n);
        store_lanes(m->ret_squares + at, squares[v][0] + squares[v][1], n);
    }
}

static void moments(const struct nn_moments *m)
{
    int64_t c = 0;
    for (; c + BLOCK_VECS * LANES <= m->channels; c += BLOCK_VECS * LANES)
        moments_block(m, c, BLOCK_VECS, LANES);
    for (; c + LANES <= m->channels; c += LANES)
        moments_block(m, c, 1, LANES);
    if (c < m->channels)
        moments_block(m, c, 1, (int)(m->channels - c));
}

/* A NaN stays: only what is below 0 is cleared. */
INLINE vec rectified(vec x)
{
    return (vec)((mask_vec)x & ~(x < (vec){0}));
}

INLINE void affine_block(const struct nn_affine *a,
                         int64_t c,
                         const bool has_with,
                         const bool is_relu,
                         const int lanes)
{
    vec scale = load_lanes(a->scale + c, lanes);
    vec offset = load_lanes(a->offset + c, lanes);
    const nn_real *x = a->x + c, *with = has_with ? a->with + c : NULL;
    nn_real *y = a->y + c;
    for (int64_t p = 0; p < a->pixels; p++) {
        int64_t at = p * a->channels;
        vec r = muladd(load_lanes(x + at, lanes), scale, offset);
        if (has_with)
            r += load_lanes(with + at, lanes);
        store_lanes(y + at, is_relu ? rectified(r) : r, lanes);
    }
}

INLINE void
affine_rows(const struct nn_affine *a, const bool has_with, const bool is_relu)
{
    int64_t c = 0;
    for (; c + LANES <= a->channels; c += LANES)
        affine_block(a, c, has_with, is_relu, LANES);
    if (c < a->channels)
        affine_block(a, c, has_with, is_relu, (int)(a->channels - c));
}

static void affine(const struct nn_affine *a)
{
    if (a->with && a->is_relu)
        affine_rows(a, true, true);
    else if (a->with)
        affine_rows(a, true, false);
    else if (a->is_relu)
        affine_rows(a, false, true);
    else
        affine_rows(a, false, false);
}

/* dy of one vector where the mask lets it through. */
INLINE vec masked(const struct nn_affine_back *a,
                  int64_t at,
                  vec x,
                  vec scale,
                  vec offset,
                  const enum nn_mask mask,
                  const int lanes)
{
    vec dy = load_lanes(a->dy + at, lanes);
    if (mask == NN_MASK_NONE)
        return dy;
    vec y = mask == NN_MASK_Y ? load_lanes(a->y + at, lanes)
                              : muladd(x, scale, offset);
    return (vec)((mask_vec)dy & (y > (vec){0}));
}

INLINE void sums_block(const struct nn_affine_back *a,
                       int64_t c,
                       const enum nn_mask mask,
                       const bool has_masked,
                       const int lanes)
{
    vec scale = {0}, offset = {0};
    if (mask == NN_MASK_AFFINE) {
        scale = load_lanes(a->scale + c, lanes);
        offset = load_lanes(a->offset + c, lanes);
    }
    vec shift = load_lanes(a->shift + c, lanes);
    vec sum[2] = {{0}}, dot[2] = {{0}};
    int64_t pixels = a->pixels / 2 * 2, at = c;
    for (int64_t p = 0; p < pixels; p += 2) {
        UNROLL
        for (int i = 0; i < 2; i++, at += a->channels) {
            vec x = load_lanes(a->x + at, lanes);
            vec dy = masked(a, at, x, scale, offset, mask, lanes);
            if (has_masked)
                store_lanes(a->ret_masked + at, dy, lanes);
            sum[i] += dy;
            dot[i] = muladd(dy, x - shift, dot[i]);
        }
    }
    if (pixels < a->pixels) {
        vec x = load_lanes(a->x + at, lanes);
        vec dy = masked(a, at, x, scale, offset, mask, lanes);
        if (has_masked)
            store_lanes(a->ret_masked + at, dy, lanes);
        sum[0] += dy;
        dot[0] = muladd(dy, x - shift, dot[0]);
    }
    store_lanes(a->ret_sum + c, sum[0] + sum[1], lanes);
    store_lanes(a->ret_dot + c, dot[0] + dot[1], lanes);
}

INLINE void sums_rows(const struct nn_affine_back *a,
                      const enum nn_mask mask,
                      const bool has_masked)
{
    int64_t c = 0;
    for (; c + LANES <= a->channels; c += LANES)
        sums_block(a, c, mask, has_masked, LANES);
    if (c < a->channels)
        sums_block(a, c, mask, has_masked, (int)(a->channels - c));
}

static void affine_sums(const struct nn_affine_back *a)
{
    if (a->mask == NN_MASK_NONE)
        sums_rows(a, NN_MASK_NONE, false);
    else if (a->mask == NN_MASK_AFFINE)
        sums_rows(a, NN_MASK_AFFINE, false);
    else if (a->ret_masked)
        sums_rows(a, NN_MASK_Y, true);
    else
        sums_rows(a, NN_MASK_Y, false);
}

INLINE void dx_block(const struct nn_affine_back *a,
                     int64_t c,
                     const enum nn_mask mask,
                     const int lanes)
{
    vec scale = {0}, offset = {0};
    if (mask == NN_MASK_AFFINE) {
        scale = load_lanes(a->scale + c, lanes);
        offset = load_lanes(a->offset + c, lanes);
    }
    vec va = load_lanes(a->a + c, lanes), vb = load_lanes(a->b + c, lanes);
    vec vc = load_lanes(a->c + c, lanes);
    int64_t at = c;
    for (int64_t p = 0; p < a->pixels; p++, at += a->channels) {
        vec x = load_lanes(a->x + at, lanes);
        vec dy = masked(a, at, x, scale, offset, mask, lanes);
        vec dx = muladd(dy, va, muladd(x, vb, vc));
        store_lanes(a->ret_dx + at, dx, lanes);
    }
}

INLINE void dx_rows(const struct nn_affine_back *a, const enum nn_mask mask)
{
    int64_t c = 0;
    for (; c + LANES <= a->channels; c += LANES)
        dx_block(a, c, mask, LANES);
    if (c < a->channels)
        dx_block(a, c, mask, (int)(a->channels - c));
}

static void affine_dx(const struct nn_affine_back *a)
{
    if (a->mask == NN_MASK_NONE)
        dx_rows(a, NN_MASK_NONE);
    else if (a->mask == NN_MASK_AFFINE)
        dx_rows(a, NN_MASK_AFFINE);
    else
        dx_rows(a, NN_MASK_Y);
}

#endif
