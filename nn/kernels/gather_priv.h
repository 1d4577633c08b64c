/* Sparse sums of one instruction set, for nn/kernels/ alone: the including
 * file says MAX_SUMS, how many vectors of sums stay in registers while a list
 * is walked.
 *
 * A list's sums are cut into rectangles of `rows` rows by `vecs` vectors, and
 * the list is walked once for each.
 */
#ifndef NN_KERNELS_GATHER_PRIV_H
#define NN_KERNELS_GATHER_PRIV_H

#include "nn/kernels/conv_table_priv.h"
#include "nn/kernels/vec_priv.h"

#define MAX_VECS   12
#define MAX_HEIGHT 5

/* One rectangle of lists [l, end_l), from column j of row r on. */
INLINE void walk(const struct nn_gather *g,
                 int64_t l,
                 int64_t end_l,
                 int64_t r,
                 int64_t j,
                 const int rows,
                 const int vecs)
{
    const nn_real *from = g->from + r * g->from_row + j;
    const int64_t from_row = g->from_row, acc_row = g->acc_row;
    for (; l < end_l; l++) {
        int32_t e = g->start[l], end = g->end[l];
        if (e == end)
            continue;
        nn_real *acc = g->acc + g->acc_at[l] + r * acc_row + j;
        vec sum[MAX_HEIGHT][MAX_VECS];
        UNROLL
        for (int y = 0; y < rows; y++) {
            UNROLL
            for (int i = 0; i < vecs; i++)
                sum[y][i] = load(acc + y * acc_row + i * LANES);
        }
        for (; e < end; e++) {
            vec value = every_lane(g->value[e]);
            const nn_real *x = from + g->at[e];
            UNROLL
            for (int y = 0; y < rows; y++) {
                UNROLL
                for (int i = 0; i < vecs; i++)
                    sum[y][i] = muladd(value, load(x + i * LANES), sum[y][i]);
                x += from_row;
            }
        }
        UNROLL
        for (int y = 0; y < rows; y++) {
            UNROLL
            for (int i = 0; i < vecs; i++)
                store(acc + y * acc_row + i * LANES, sum[y][i]);
        }
    }
}

INLINE int64_t height_of(int64_t vecs)
{
    int64_t height = MAX_SUMS / vecs;
    return height < MAX_HEIGHT ? height : MAX_HEIGHT;
}

/* Picks the inlined walk; rectangles that would need more than MAX_SUMS
 * registers are never asked for. */
#define WALK(rows, vecs)                                                       \
    case vecs:                                                                 \
        if (rows * vecs <= MAX_SUMS)                                           \
            walk(g, l, end_l, r, j, rows, vecs);                               \
        break;
#define WALKS(rows)                                                            \
    static void walk_##rows(const struct nn_gather *g, int64_t l,              \
                            int64_t end_l, int64_t r, int64_t j, int vecs)     \
    {                                                                          \
        switch (vecs) {                                                        \
            WALK(rows, 1)                                                      \
            WALK(rows, 2)                                                      \
            WALK(rows, 3)                                                      \
            WALK(rows, 4)                                                      \
            WALK(rows, 5)                                                      \
            WALK(rows, 6)                                                      \
            WALK(rows, 7)                                                      \
            WALK(rows, 8)                                                      \
            WALK(rows, 9)                                                      \
            WALK(rows, 10)                                                     \
            WALK(rows, 11)                                                     \
            WALK(rows, 12)                                                     \
        }                                                                      \
    }
WALKS(1)
WALKS(2)
WALKS(3)
WALKS(4)
WALKS(5)

typedef void walk_fn(const struct nn_gather *g,
                     int64_t l,
                     int64_t end_l,
                     int64_t r,
                     int64_t j,
                     int vecs);

/* All rectangles of lists [l, end_l). */
static void walk_all(const struct nn_gather *g,
                     int64_t l,
                     int64_t end_l,
                     int64_t pieces,
                     int64_t run)
{
    static walk_fn *const of_height[MAX_HEIGHT] = {walk_1, walk_2, walk_3,
                                                   walk_4, walk_5};
    for (int64_t i = 0, j = 0; i < pieces; i++) {
        int64_t vecs = run / pieces + (i < run % pieces);
        int64_t height = height_of(vecs);
        for (int64_t r = 0; r < g->rows; r += height) {
            int64_t rows = g->rows - r < height ? g->rows - r : height;
            of_height[rows - 1](g, l, end_l, r, j, (int)vecs);
        }
        j += vecs * LANES;
    }
}

/* Lists that add to the same numbers do so in list order, whatever the
 * rectangles. */
static void gather(const struct nn_gather *g)
{
    int64_t run = g->run / LANES;
    int64_t pieces = (run + MAX_VECS - 1) / MAX_VECS;
    if (pieces == 1 && g->rows <= height_of(run)) {
        walk_all(g, 0, g->lists, 1, run);
        return;
    }
    for (int64_t l = 0; l < g->lists; l++)
        walk_all(g, l, l + 1, pieces, run);
}

#endif
