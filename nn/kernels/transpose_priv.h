/* Transposing of one instruction set, for nn/kernels/ alone: squares of
 * LANES x LANES in registers, by interleaving rows i and i + LANES / 2 as often
 * as a row can be halved.
 */
#ifndef NN_KERNELS_TRANSPOSE_PRIV_H
#define NN_KERNELS_TRANSPOSE_PRIV_H

#include "nn/kernels/vec_priv.h"

#if VECTOR_BYTES == 64
#define INTERLEAVE_LOW 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define INTERLEAVE_HIGH                                                        \
    8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif VECTOR_BYTES == 32
#define INTERLEAVE_LOW  0, 8, 1, 9, 2, 10, 3, 11
#define INTERLEAVE_HIGH 4, 12, 5, 13, 6, 14, 7, 15
#elif defined(NN_REAL_DOUBLE)
#define INTERLEAVE_LOW  0, 2
#define INTERLEAVE_HIGH 1, 3
#else
#define INTERLEAVE_LOW  0, 4, 1, 5
#define INTERLEAVE_HIGH 2, 6, 3, 7
#endif

INLINE void transpose_square(const nn_real *from,
                             int64_t from_row,
                             nn_real *to,
                             int64_t to_row)
{
    vec a[LANES], b[LANES];
    UNROLL
    for (int i = 0; i < LANES; i++)
        a[i] = load(from + i * from_row);
    UNROLL
    for (int halves = 1; halves < LANES; halves *= 2) {
        UNROLL
        for (int i = 0; i < LANES / 2; i++) {
            vec x = a[i], y = a[i + LANES / 2];
            b[2 * i] = __builtin_shufflevector(x, y, INTERLEAVE_LOW);
            b[2 * i + 1] = __builtin_shufflevector(x, y, INTERLEAVE_HIGH);
        }
        UNROLL
        for (int i = 0; i < LANES; i++)
            a[i] = b[i];
    }
    UNROLL
    for (int i = 0; i < LANES; i++)
        store(to + i * to_row, a[i]);
}

static void transpose(int64_t rows,
                      int64_t columns,
                      const nn_real *from,
                      int64_t from_row,
                      nn_real *to,
                      int64_t to_row)
{
    int64_t whole_rows = rows / LANES * LANES;
    int64_t whole_columns = columns / LANES * LANES;
    for (int64_t i = 0; i < whole_rows; i += LANES)
        for (int64_t j = 0; j < whole_columns; j += LANES)
            transpose_square(from + i * from_row + j, from_row,
                             to + j * to_row + i, to_row);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = i < whole_rows ? whole_columns : 0; j < columns; j++)
            to[j * to_row + i] = from[i * from_row + j];
}

#endif
