/* The dense layers' part of one instruction set, for nn/kernels_*.c alone. */
#ifndef NN_KERNELS_DENSE_PRIV_H
#define NN_KERNELS_DENSE_PRIV_H

#include "nn/dense_kernels_priv.h"
#include "nn/kernels_product_priv.h"

#include <string.h>

/* --- forward ----------------------------------------------------------- */

/* All rows of one strip of columns; the first rows' tile fetches what the
 * next block of W has, a strip's share. */
static void dense_strip(const struct nn_product *p,
                        const nn_real *b,
                        nn_real *c,
                        const nn_real *bias,
                        const nn_real *ahead)
{
    int64_t tiles = (p->m + MAX_ROWS - 1) / MAX_ROWS;
    int64_t low = p->m / tiles, n_high = p->m % tiles;
    const nn_real *a = p->a;
    for (int64_t t = 0; t < tiles; t++) {
        int64_t rows = low + (t < n_high);
        if (t == 0)
            tile_of(p, a, b, c, bias, (int)rows, 2, LANES, ahead);
        else
            tile_of(p, a, b, c, bias, (int)rows, 2, LANES, NULL);
        a += rows * p->a_row;
        c += rows * p->c_row;
    }
}

static void dense_forward(const struct nn_dense_forward *f)
{
    int64_t full = f->out / (2 * LANES) * (2 * LANES);
    struct nn_product p = {
        .groups = 1,
        .m = f->n,
        .k_outer = 1,
        .a = f->x_block,
        .a_row = f->block,
        .a_inner = 1,
        .b_inner = f->out,
        .c_row = f->out,
        .bias = f->bias ? f->bias + full : NULL,
        .start = f->bias ? NN_START_BIAS : NN_START_ZERO,
    };
    for (int64_t k = 0; k < f->in; k += f->block) {
        p.k_inner = f->in - k < f->block ? f->in - k : f->block;
        const nn_real *w = f->w + k * f->out, *ahead = w + f->block * f->out;
        for (int64_t b = 0; b < f->n; b++)
            memcpy(f->x_block + b * f->block, f->x + b * f->in + k,
                   (size_t)p.k_inner * sizeof *f->x);
        for (int64_t j = 0; j < full; j += 2 * LANES) {
            dense_strip(&p, w + j, f->y + j, f->bias ? f->bias + j : NULL,
                        ahead);
            ahead += 2 * LANES * f->block;
        }
        if (full < f->out) {
            p.n = f->out - full;
            p.b = w + full;
            p.c = f->y + full;
            product(&p);
        }
        p.start = NN_START_SELF;
    }
}

/* --- dx ---------------------------------------------------------------- */

/* 16 columns of a row are DX_CHAINS vectors. */
#define DX_CHAINS (16 / LANES)
#if VECTOR_BYTES == 64
#define DX_ROWS    2
#define DX_SAMPLES 12
#else
#define DX_ROWS    1
#define DX_SAMPLES (12 / DX_CHAINS > 0 ? 12 / DX_CHAINS : 1)
#endif

/* Columns [j, j + 16) of which `columns` are there. */
INLINE void dx_columns(const struct nn_dense_block *b,
                       const nn_real *w,
                       const nn_real *dy,
                       vec sum[DX_ROWS][DX_SAMPLES][DX_CHAINS],
                       const int rows,
                       const int samples,
                       int columns)
{
    vec weight[DX_ROWS][DX_CHAINS];
    UNROLL
    for (int r = 0; r < rows; r++) {
        UNROLL
        for (int i = 0; i < DX_CHAINS; i++) {
            const nn_real *from = w + r * b->out + i * LANES;
            int lanes = columns - i * LANES;
            if (lanes >= LANES)
                weight[r][i] = load(from);
            else if (lanes > 0)
                weight[r][i] = load_part(from, lanes);
            else
                weight[r][i] = (vec){0};
        }
    }
    UNROLL
    for (int s = 0; s < samples; s++) {
        UNROLL
        for (int i = 0; i < DX_CHAINS; i++) {
            vec d = load(dy + s * b->dy_row + i * LANES);
            UNROLL
            for (int r = 0; r < rows; r++)
                sum[r][s][i] = muladd(weight[r][i], d, sum[r][s][i]);
        }
    }
}

#if VECTOR_BYTES == 64
/* Halves of a and of b added: a's sums in the lower, b's in the upper. */
INLINE vec halves(vec a, vec b)
{
    return _mm512_shuffle_f32x4(a, b, 0x44) + _mm512_shuffle_f32x4(a, b, 0xEE);
}

/* The same of 4 pairs of quarters and so on; the order of vectors in the
 * result follows from it: see sums_of_16. */
INLINE vec quarters(vec a, vec b)
{
    return _mm512_shuffle_f32x4(a, b, 0x88) + _mm512_shuffle_f32x4(a, b, 0xDD);
}

INLINE vec eighths(vec a, vec b)
{
    return _mm512_shuffle_ps(a, b, 0x44) + _mm512_shuffle_ps(a, b, 0xEE);
}

INLINE vec sixteenths(vec a, vec b)
{
    return _mm512_shuffle_ps(a, b, 0x88) + _mm512_shuffle_ps(a, b, 0xDD);
}

/* Lane l of the result is the sum of v[4 * (l % 4) + l / 4]'s lanes. */
INLINE vec sums_of_16(const vec v[16])
{
    vec fours[4];
    UNROLL
    for (int i = 0; i < 4; i++)
        fours[i] = quarters(halves(v[4 * i], v[4 * i + 1]),
                            halves(v[4 * i + 2], v[4 * i + 3]));
    return sixteenths(eighths(fours[0], fours[1]), eighths(fours[2], fours[3]));
}

/* The sums of up to 16 vectors, in order. */
INLINE void store_sums(const vec *v, const int n, nn_real ret[16])
{
    vec all[16];
    UNROLL
    for (int i = 0; i < 16; i++)
        all[i] = i < n ? v[i] : (vec){0};
    const __m512i order =
        _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    store(ret, _mm512_permutexvar_ps(order, sums_of_16(all)));
}
#else
typedef nn_real quad __attribute__((vector_size(4 * sizeof(nn_real))));

INLINE nn_real sum_of(const vec v[DX_CHAINS])
{
    nn_real lanes[16];
    vec half[DX_CHAINS];
    quad q[4], four;
    for (int i = 0; i < DX_CHAINS; i++)
        half[i] = v[i];
    if (DX_CHAINS > 1)
        for (int i = 0; i < DX_CHAINS / 2; i++)
            half[i] += half[i + DX_CHAINS / 2];
    memcpy(lanes, half, sizeof(nn_real) * 8);
    memcpy(q, lanes, sizeof(nn_real) * 8);
    four = q[0] + q[1];
    return (four[0] + four[2]) + (four[1] + four[3]);
}
#endif

/* `rows` rows from w on, for `samples` samples from dy on. */
INLINE void dx_tile(const struct nn_dense_block *b,
                    const nn_real *w,
                    const nn_real *dy,
                    nn_real *ret,
                    int64_t ret_row,
                    const int rows,
                    const int samples)
{
    vec sum[DX_ROWS][DX_SAMPLES][DX_CHAINS];
    UNROLL
    for (int r = 0; r < rows; r++) {
        UNROLL
        for (int s = 0; s < samples; s++) {
            UNROLL
            for (int i = 0; i < DX_CHAINS; i++)
                sum[r][s][i] = (vec){0};
        }
    }
    int64_t j = 0;
    for (; j + 16 <= b->out; j += 16) {
        UNROLL
        for (int r = 0; r < rows; r++)
            __builtin_prefetch(w + (NN_DENSE_ROWS + r) * b->out + j, 1, 2);
        dx_columns(b, w + j, dy + j, sum, rows, samples, 16);
    }
    if (j < b->out)
        dx_columns(b, w + j, dy + j, sum, rows, samples, (int)(b->out - j));
    UNROLL
    for (int r = 0; r < rows; r++) {
#if VECTOR_BYTES == 64
        nn_real total[16];
        store_sums(&sum[r][0][0], samples, total);
        for (int s = 0; s < samples; s++)
            ret[s * ret_row + r] = total[s];
#else
        for (int s = 0; s < samples; s++)
            ret[s * ret_row + r] = sum_of(sum[r][s]);
#endif
    }
}

#define DX_TILE(samples)                                                       \
    case samples:                                                              \
        if (samples <= DX_SAMPLES)                                             \
            dx_tile(b, w, dy, ret, ret_row, rows, samples);                    \
        break;

INLINE void dx_tile_of(const struct nn_dense_block *b,
                       const nn_real *w,
                       const nn_real *dy,
                       nn_real *ret,
                       int64_t ret_row,
                       const int rows,
                       int samples)
{
    switch (samples) {
        DX_TILE(1)
        DX_TILE(2)
        DX_TILE(3)
        DX_TILE(4)
        DX_TILE(5)
        DX_TILE(6)
        DX_TILE(7)
        DX_TILE(8)
        DX_TILE(9)
        DX_TILE(10)
        DX_TILE(11)
        DX_TILE(12)
    }
}

static void
dense_dx(const struct nn_dense_block *b, nn_real *ret, int64_t ret_row)
{
    int64_t parts = (b->n + DX_SAMPLES - 1) / DX_SAMPLES;
    int64_t low = b->n / parts, n_high = b->n % parts;
    for (int64_t r = 0; r < b->rows; r += DX_ROWS) {
        const nn_real *dy = b->dy, *w = b->w + r * b->out;
        nn_real *to = ret + r;
        for (int64_t i = 0; i < parts; i++) {
            int64_t samples = low + (i < n_high);
            if (r + DX_ROWS <= b->rows)
                dx_tile_of(b, w, dy, to, ret_row, DX_ROWS, (int)samples);
            else
                dx_tile_of(b, w, dy, to, ret_row, 1, (int)samples);
            dy += samples * b->dy_row;
            to += samples * ret_row;
        }
    }
}

/* --- update ------------------------------------------------------------ */

#define UPDATE_ROWS (MAX_ROWS < 8 ? MAX_ROWS : 8)

/* What nn/kernels_update_priv.h does, to the bit. */
enum rule { RULE_PLAIN, RULE_DECAY, RULE_MOMENTUM };

INLINE void update_vector(const struct nn_sgd_step *step,
                          const enum rule rule,
                          vec g,
                          nn_real *w,
                          nn_real *v,
                          const int lanes)
{
    vec x = load_lanes(w, lanes);
    if (rule != RULE_PLAIN)
        g = g + every_lane(step->decay) * x;
    if (rule == RULE_MOMENTUM) {
        g = every_lane(step->momentum) * load_lanes(v, lanes) +
            every_lane(step->gain) * g;
        store_lanes(v, g, lanes);
    }
    store_lanes(w, x - every_lane(step->lr) * g, lanes);
}

/* A tile's place: the inputs of its rows, the gradients of its columns. */
struct update_place {
    const nn_real *x, *dy;
    nn_real *w, *v;
};

INLINE void update_tile(const struct nn_dense_block *b,
                        const struct nn_sgd_step *step,
                        const enum rule rule,
                        const struct update_place *at,
                        const int rows,
                        const int vecs,
                        const int lanes)
{
    vec sum[UPDATE_ROWS][2];
    const int first = vecs == 2 ? LANES : lanes;
    const nn_real *x = at->x, *dy = at->dy;
    const int64_t dy_row = b->dy_row, out = b->out, n = b->n;
    nn_real *w = at->w, *v = at->v;
    const struct nn_sgd_step s = *step; /* in registers: nothing aliases it */
    UNROLL
    for (int r = 0; r < rows; r++)
        sum[r][0] = sum[r][1] = (vec){0};
    for (int64_t i = 0; i < n; i++) {
        vec d0 = load(dy), d1 = vecs == 2 ? load(dy + LANES) : d0;
        UNROLL
        for (int r = 0; r < rows; r++) {
            vec one = every_lane(x[r]);
            sum[r][0] = muladd(one, d0, sum[r][0]);
            if (vecs == 2)
                sum[r][1] = muladd(one, d1, sum[r][1]);
        }
        x += NN_DENSE_ROWS;
        dy += dy_row;
    }
    UNROLL
    for (int r = 0; r < rows; r++) {
        update_vector(&s, rule, sum[r][0], w, v, first);
        if (vecs == 2)
            update_vector(&s, rule, sum[r][1], w + LANES,
                          rule == RULE_MOMENTUM ? v + LANES : NULL, lanes);
        if (rule == RULE_MOMENTUM) {
            __builtin_prefetch(v + NN_DENSE_ROWS * out, 1, 2);
            __builtin_prefetch(v + NN_DENSE_ROWS * out + LANES, 1, 2);
            v += out;
        }
        w += out;
    }
}

#define UPDATE_TILE(rows)                                                      \
    case rows:                                                                 \
        if (rows <= UPDATE_ROWS)                                               \
            update_tile(b, step, rule, at, rows, vecs, lanes);                 \
        break;

INLINE void update_tile_of(const struct nn_dense_block *b,
                           const struct nn_sgd_step *step,
                           const enum rule rule,
                           const struct update_place *at,
                           int rows,
                           const int vecs,
                           const int lanes)
{
    switch (rows) {
        UPDATE_TILE(1)
        UPDATE_TILE(2)
        UPDATE_TILE(3)
        UPDATE_TILE(4)
        UPDATE_TILE(5)
        UPDATE_TILE(6)
        UPDATE_TILE(7)
        UPDATE_TILE(8)
    }
}

/* Columns from j on, `vecs` vectors of them. */
INLINE void update_strip(const struct nn_dense_block *b,
                         const struct nn_sgd_step *step,
                         const enum rule rule,
                         int64_t j,
                         const int vecs,
                         const int lanes)
{
    int64_t tiles = (b->rows + UPDATE_ROWS - 1) / UPDATE_ROWS;
    int64_t low = b->rows / tiles, n_high = b->rows % tiles, r = 0;
    for (int64_t t = 0; t < tiles; t++) {
        int64_t rows = low + (t < n_high);
        struct update_place at = {
            .x = b->x + r, .dy = b->dy + j, .w = b->w + r * b->out + j};
        if (rule == RULE_MOMENTUM)
            at.v = step->velocity + r * b->out + j;
        update_tile_of(b, step, rule, &at, (int)rows, vecs, lanes);
        r += rows;
    }
}

INLINE void update_all(const struct nn_dense_block *b,
                       const struct nn_sgd_step *step,
                       const enum rule rule)
{
    int64_t j = 0;
    for (; j + 2 * LANES <= b->out; j += 2 * LANES)
        update_strip(b, step, rule, j, 2, LANES);
    if (j + LANES <= b->out) {
        update_strip(b, step, rule, j, 1, LANES);
        j += LANES;
    }
    if (j < b->out)
        update_strip(b, step, rule, j, 1, (int)(b->out - j));
}

static void dense_update(const struct nn_dense_block *b,
                         const struct nn_sgd_step *step)
{
    if (step->velocity)
        update_all(b, step, RULE_MOMENTUM);
    else if (step->decay > 0)
        update_all(b, step, RULE_DECAY);
    else
        update_all(b, step, RULE_PLAIN);
}

static const struct nn_dense_kernels dense_kernels = {
    .forward = dense_forward,
    .dx = dense_dx,
    .update = dense_update,
};

#endif
