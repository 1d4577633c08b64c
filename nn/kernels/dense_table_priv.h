/* What dense layers of small batches need of a kernel table: W is read once by
 * the forward and once by the backward pass, rows ahead of use, and its new
 * values are written in the same pass.
 */
#ifndef NN_KERNELS_DENSE_TABLE_PRIV_H
#define NN_KERNELS_DENSE_TABLE_PRIV_H

#include "nn/real.h"

#include <stdint.h>

struct nn_sgd_step; /* nn/kernels/table_priv.h */

/* Rows of W in a block of the backward pass. */
#define NN_DENSE_ROWS 8

/* y [n, out] = start + x W, n samples; x and W row by row. */
struct nn_dense_forward {
    int64_t n, in, out;
    const nn_real *x, *w;
    const nn_real *bias; /* or NULL */
    nn_real *x_block;    /* room for n * block numbers */
    int64_t block;       /* rows of W that stay in an L1 cache */
    nn_real *y;
};

/* A block of rows of W: their inputs x [n, NN_DENSE_ROWS], gradients dy
 * [n, dy_row] with zeros behind the first `out` up to a multiple of 16. */
struct nn_dense_block {
    int64_t n, out, rows;
    const nn_real *x;
    const nn_real *dy;
    int64_t dy_row;
    nn_real *w; /* [rows, out] */
};

struct nn_dense_kernels {
    /* One chain over inputs, ascending, per number: as a product. */
    void (*forward)(const struct nn_dense_forward *f);
    /* ret [n, rows], ret_row apart: W dy by 16 chains, of columns j, j + 16,
     * .., whose halves are then added up, 8 and 8, 4 and 4, 2 and 2, 1 and 1.
     */
    void (*dx)(const struct nn_dense_block *b, nn_real *ret, int64_t ret_row);
    /* W's update, with neither anchor nor Nesterov's form, by dW = x' dy: one
     * chain over samples, ascending. */
    void (*update)(const struct nn_dense_block *b,
                   const struct nn_sgd_step *step);
};

#endif
