/* The input's gradient of a dense layer for one instruction set, for
 * nn/kernels/ alone: vectors along the units of W's rows, whose lanes are
 * added up at the end of a row.
 */
#ifndef NN_KERNELS_DENSE_DX_PRIV_H
#define NN_KERNELS_DENSE_DX_PRIV_H

#include "nn/kernels/dense_table_priv.h"
#include "nn/kernels/vec_priv.h"

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

#endif
