/* The dense layers' part of one instruction set, for nn/kernels/ alone. */
#ifndef NN_KERNELS_DENSE_PRIV_H
#define NN_KERNELS_DENSE_PRIV_H

#include "nn/kernels/dense_table_priv.h"
#include "nn/kernels/dense_dx_priv.h"
#include "nn/kernels/dense_update_priv.h"
#include "nn/kernels/product_priv.h"

#include <string.h>

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

static const struct nn_dense_kernels dense_kernels = {
    .forward = dense_forward,
    .dx = dense_dx,
    .update = dense_update,
};

#endif
