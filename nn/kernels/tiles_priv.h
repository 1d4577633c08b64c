/* Winograd's transforms of one instruction set, for nn/kernels/ alone.
 *
 * Tiles of 6x6 inputs, windows of k = 3 or 5, so (7 - k)^2 = 16 or 4 outputs
 * of a tile from 36 products instead of 16 * 9 or 4 * 25. The points are 0,
 * +-3/4, +-3/2 and infinity: all factors are exact in binary but those of the
 * weights, and sums are as near to the true ones as the direct sums are.
 *
 *     Y = A' [ (G g G') . (B' d B) ] A
 *
 * Source: Lavin, Gray: Fast algorithms for convolutional neural networks,
 * 2016; Barabasz et al.: Error analysis and improving the accuracy of Winograd
 * convolution, 2020 (why not the points +-1, +-2).
 */
#ifndef NN_KERNELS_TILES_PRIV_H
#define NN_KERNELS_TILES_PRIV_H

#include "nn/kernels/pooled_priv.h"

#define P  ((nn_real)0.75)
#define P2 ((nn_real)0.5625)
#define P3 ((nn_real)0.421875)
#define Q  ((nn_real)1.5)
#define Q2 ((nn_real)2.25)
#define Q3 ((nn_real)3.375)

/* One column of B' d. */
INLINE void points_of_input(const vec d[6], vec t[6])
{
    const vec p2 = every_lane(-P2), q2 = every_lane(-Q2);
    const vec both = every_lane(-P2 - Q2), product = every_lane(P2 * Q2);
    vec even_p = muladd(q2, d[2], d[4]), odd_p = muladd(q2, d[1], d[3]);
    vec even_q = muladd(p2, d[2], d[4]), odd_q = muladd(p2, d[1], d[3]);
    t[0] = muladd(product, d[0], muladd(both, d[2], d[4]));
    t[1] = muladd(every_lane(P), odd_p, even_p);
    t[2] = muladd(every_lane(-P), odd_p, even_p);
    t[3] = muladd(every_lane(Q), odd_q, even_q);
    t[4] = muladd(every_lane(-Q), odd_q, even_q);
    t[5] = muladd(product, d[1], muladd(both, d[3], d[5]));
}

INLINE void tile_input(
    int64_t c, int64_t row, int64_t plane, const nn_real *x, nn_real *v, int n)
{
    vec t[6][6], out[6];
    UNROLL
    for (int j = 0; j < 6; j++) {
        vec column[6];
        UNROLL
        for (int i = 0; i < 6; i++)
            column[i] = load_lanes(x + i * row + j * c, n);
        points_of_input(column, t[j]);
    }
    UNROLL
    for (int i = 0; i < 6; i++) {
        vec line[6] = {t[0][i], t[1][i], t[2][i], t[3][i], t[4][i], t[5][i]};
        points_of_input(line, out);
        UNROLL
        for (int j = 0; j < 6; j++)
            store_lanes(v + (i * 6 + j) * plane, out[j], n);
    }
}

/* A row of tiles, `step` numbers apart in x. */
static void tiles_input(const struct nn_tiles *t, const nn_real *x, nn_real *v)
{
    int64_t c = t->c, full = c / LANES * LANES;
    int rest = (int)(c - full);
    int64_t plane = t->plane * c;
    for (int64_t i = 0; i < t->n; i++) {
        for (int64_t j = 0; j < full; j += LANES)
            tile_input(c, t->row, plane, x + j, v + j, LANES);
        if (rest)
            tile_input(c, t->row, plane, x + full, v + full, rest);
        x += (7 - t->kernel) * c;
        v += c;
    }
}

/* One column of G g: the polynomial at the points, over the products of their
 * distances. */
INLINE void points_of_weights(const vec *g, const int k, vec u[6])
{
    const nn_real at_p = 1 / (2 * P2 * (P2 - Q2));
    const nn_real at_q = 1 / (2 * Q2 * (Q2 - P2));
    vec even_p = muladd(every_lane(P2), g[2], g[0]);
    vec even_q = muladd(every_lane(Q2), g[2], g[0]);
    vec odd_p = every_lane(P) * g[1], odd_q = every_lane(Q) * g[1];
    if (k == 5) {
        even_p = muladd(every_lane(P2 * P2), g[4], even_p);
        even_q = muladd(every_lane(Q2 * Q2), g[4], even_q);
        odd_p = muladd(every_lane(P3), g[3], odd_p);
        odd_q = muladd(every_lane(Q3), g[3], odd_q);
    }
    u[0] = every_lane(1 / (P2 * Q2)) * g[0];
    u[1] = every_lane(at_p) * (even_p + odd_p);
    u[2] = every_lane(at_p) * (even_p - odd_p);
    u[3] = every_lane(at_q) * (even_q + odd_q);
    u[4] = every_lane(at_q) * (even_q - odd_q);
    u[5] = g[k - 1];
}

INLINE void
tile_weights(const int k, int64_t size, const nn_real *w, nn_real *u, int n)
{
    vec t[5][6], out[6];
    UNROLL
    for (int j = 0; j < k; j++) {
        vec column[5];
        UNROLL
        for (int i = 0; i < k; i++)
            column[i] = load_lanes(w + (i * k + j) * size, n);
        points_of_weights(column, k, t[j]);
    }
    UNROLL
    for (int i = 0; i < 6; i++) {
        vec line[5];
        UNROLL
        for (int j = 0; j < k; j++)
            line[j] = t[j][i];
        points_of_weights(line, k, out);
        UNROLL
        for (int j = 0; j < 6; j++)
            store_lanes(u + (i * 6 + j) * size, out[j], n);
    }
}

/* w [k, k, size] -> u [36, size] */
static void
tiles_weights(int64_t kernel, int64_t size, const nn_real *w, nn_real *u)
{
    int64_t full = size / LANES * LANES;
    int rest = (int)(size - full);
    for (int64_t i = 0; i < size; i += LANES) {
        int n = i < full ? LANES : rest;
        if (kernel == 5)
            tile_weights(5, size, w + i, u + i, n);
        else
            tile_weights(3, size, w + i, u + i, n);
    }
}

/* One column of A' m: 2 or 4 outputs. */
INLINE void points_of_output(const vec m[6], const int side, vec y[4])
{
    vec even_p = m[1] + m[2], odd_p = m[1] - m[2];
    vec even_q = m[3] + m[4], odd_q = m[3] - m[4];
    vec p1 = every_lane(P) * odd_p;
    y[0] = m[0] + even_p + even_q;
    if (side == 2) {
        y[1] = muladd(every_lane(Q), odd_q, p1) + m[5];
        return;
    }
    y[1] = muladd(every_lane(Q), odd_q, p1);
    y[2] = muladd(every_lane(Q2), even_q, every_lane(P2) * even_p);
    y[3] = muladd(every_lane(Q3), odd_q, every_lane(P3) * odd_p) + m[5];
}

INLINE void tile_output(int64_t plane,
                        const nn_real *m,
                        const int side,
                        vec bias,
                        vec y[4][4],
                        const int n)
{
    vec t[6][4];
    UNROLL
    for (int j = 0; j < 6; j++) {
        vec column[6];
        UNROLL
        for (int i = 0; i < 6; i++)
            column[i] = load_lanes(m + (i * 6 + j) * plane, n);
        points_of_output(column, side, t[j]);
    }
    UNROLL
    for (int i = 0; i < side; i++) {
        vec line[6] = {t[0][i], t[1][i], t[2][i], t[3][i], t[4][i], t[5][i]};
        points_of_output(line, side, y[i]);
        UNROLL
        for (int j = 0; j < side; j++)
            y[i][j] += bias;
    }
}

/* The pooled windows of one tile that lie inside the output. */
INLINE void tile_pool_relu(const struct nn_tiles *t,
                           const nn_real *m,
                           const nn_real *bias,
                           int64_t rows,
                           int64_t columns,
                           nn_real *y,
                           uint8_t *won,
                           const int side,
                           const int n)
{
    vec out[4][4];
    vec b = bias ? load_lanes(bias, n) : (vec){0};
    tile_output(t->plane * t->out_c, m, side, b, out, n);
    UNROLL
    for (int i = 0; i < side; i += 2) {
        UNROLL
        for (int j = 0; j < side; j += 2) {
            int64_t at = (i / 2 * t->out_w + j / 2) * t->out_c;
            if (i < 2 * rows && j < 2 * columns)
                pool_relu_store(out[i][j], out[i][j + 1], out[i + 1][j],
                                out[i + 1][j + 1], y + at, won + at, n);
        }
    }
}

INLINE void row_pool_relu(const struct nn_tiles *t,
                          const nn_real *m,
                          const nn_real *bias,
                          int64_t rows,
                          nn_real *y,
                          uint8_t *won,
                          const int side)
{
    int64_t full = t->out_c / LANES * LANES, columns = t->out_w;
    int rest = (int)(t->out_c - full);
    for (int64_t i = 0; i < t->n; i++, columns -= side / 2) {
        for (int64_t o = 0; o < full; o += LANES)
            tile_pool_relu(t, m + o, bias ? bias + o : NULL, rows, columns,
                           y + o, won + o, side, LANES);
        if (rest)
            tile_pool_relu(t, m + full, bias ? bias + full : NULL, rows,
                           columns, y + full, won + full, side, rest);
        m += t->out_c;
        y += side / 2 * t->out_c;
        won += side / 2 * t->out_c;
    }
}

/* A row of tiles to `rows` rows of pooled outputs. */
static void tiles_pool_relu(const struct nn_tiles *t,
                            const nn_real *m,
                            const nn_real *bias,
                            int64_t rows,
                            nn_real *y,
                            uint8_t *won)
{
    if (t->kernel == 5)
        row_pool_relu(t, m, bias, rows, y, won, 2);
    else
        row_pool_relu(t, m, bias, rows, y, won, 4);
}

#undef P
#undef P2
#undef P3
#undef Q
#undef Q2
#undef Q3

#endif
