/* The product of one instruction set, for nn/kernels/ alone: the including
 * file says VECTOR_BYTES and MAX_ROWS.
 *
 * A tile of up to MAX_ROWS rows by two vectors of columns stays in registers
 * while k runs; per k it loads two vectors of B and one number of A per row.
 * The last columns, when they do not fill a vector, go under a mask.
 */
#ifndef NN_KERNELS_PRODUCT_PRIV_H
#define NN_KERNELS_PRODUCT_PRIV_H

#include "nn/kernels/vec_priv.h"

/* rows x vecs vectors of C; the last vector has `lanes` columns. rows, vecs
 * and whether lanes == LANES are constants where this is inlined. From `ahead`
 * on, if not NULL, two vectors per k are fetched for somebody later. */
INLINE void tile(const struct nn_product *p,
                 const nn_real *a,
                 const nn_real *b,
                 nn_real *c,
                 const nn_real *bias,
                 const int rows,
                 const int vecs,
                 const int lanes,
                 const nn_real *ahead)
{
    vec sum[MAX_ROWS][2];
    const int first = vecs == 2 ? LANES : lanes;
    UNROLL
    for (int i = 0; i < rows; i++) {
        const nn_real *from =
            p->start == NN_START_SELF ? c + i * p->c_row : bias;
        if (p->start == NN_START_ZERO) {
            sum[i][0] = sum[i][1] = (vec){0};
        } else {
            sum[i][0] = load_lanes(from, first);
            if (vecs == 2)
                sum[i][1] = load_lanes(from + LANES, lanes);
        }
    }
    const int64_t a_row = p->a_row;
    for (int64_t o = 0; o < p->k_outer; o++) {
        const nn_real *ak = a + o * p->a_outer, *bk = b + o * p->b_outer;
        for (int64_t k = 0; k < p->k_inner; k++) {
            vec b0 = load_lanes(bk, first), b1 = b0;
            if (vecs == 2)
                b1 = load_lanes(bk + LANES, lanes);
            UNROLL
            for (int i = 0; i < rows; i++) {
                vec one = every_lane(ak[i * a_row]);
                sum[i][0] = muladd(one, b0, sum[i][0]);
                if (vecs == 2)
                    sum[i][1] = muladd(one, b1, sum[i][1]);
            }
            ak += p->a_inner;
            bk += p->b_inner;
            if (ahead) {
                __builtin_prefetch(ahead, 0, 3);
                if (VECTOR_BYTES == 64)
                    __builtin_prefetch(ahead + LANES, 0, 3);
                ahead += 2 * LANES;
            }
        }
    }
    UNROLL
    for (int i = 0; i < rows; i++) {
        store_lanes(c + i * p->c_row, sum[i][0], first);
        if (vecs == 2)
            store_lanes(c + i * p->c_row + LANES, sum[i][1], lanes);
    }
}

#define TILE(rows)                                                             \
    case rows:                                                                 \
        tile(p, a, b, c, bias, rows, vecs, lanes, ahead);                      \
        break;

/* Picks the inlined tile of so many rows. */
INLINE void tile_of(const struct nn_product *p,
                    const nn_real *a,
                    const nn_real *b,
                    nn_real *c,
                    const nn_real *bias,
                    int rows,
                    const int vecs,
                    const int lanes,
                    const nn_real *ahead)
{
    switch (rows) {
        TILE(1)
        TILE(2)
        TILE(3)
        TILE(4)
        TILE(5)
        TILE(6)
#if MAX_ROWS > 6
        TILE(7)
        TILE(8)
        TILE(9)
        TILE(10)
        TILE(11)
        TILE(12)
        TILE(13)
        TILE(14)
#endif
    }
}

/* All rows of all groups of one strip of columns. */
INLINE void
strip(const struct nn_product *p, int64_t j, const int vecs, const int lanes)
{
    /* rows in as few tiles as possible, all nearly the same height */
    int64_t tiles = (p->m + MAX_ROWS - 1) / MAX_ROWS;
    int64_t low = p->m / tiles, n_high = p->m % tiles;
    const nn_real *bias = p->bias ? p->bias + j : NULL;
    for (int64_t g = 0; g < p->groups; g++) {
        const nn_real *a = p->a + g * p->a_group;
        nn_real *c = p->c + g * p->c_group + j;
        for (int64_t t = 0; t < tiles; t++) {
            int64_t rows = low + (t < n_high);
            tile_of(p, a, p->b + j, c, bias, (int)rows, vecs, lanes, NULL);
            a += rows * p->a_row;
            c += rows * p->c_row;
        }
    }
}

static void strip_2(const struct nn_product *p, int64_t j)
{
    strip(p, j, 2, LANES);
}

static void strip_2_part(const struct nn_product *p, int64_t j, int lanes)
{
    strip(p, j, 2, lanes);
}

static void strip_1(const struct nn_product *p, int64_t j)
{
    strip(p, j, 1, LANES);
}

static void strip_1_part(const struct nn_product *p, int64_t j, int lanes)
{
    strip(p, j, 1, lanes);
}

static void product(const struct nn_product *p)
{
    int64_t j = 0;
    for (; j + 2 * LANES <= p->n; j += 2 * LANES)
        strip_2(p, j);
    int rest = (int)(p->n - j);
    if (rest > LANES)
        strip_2_part(p, j, rest - LANES);
    else if (rest == LANES)
        strip_1(p, j);
    else if (rest > 0)
        strip_1_part(p, j, rest);
}

#endif
