/* Our own hot loops, one table per instruction set: chosen once per workspace
 * from what the CPU has, or by name in tests.
 *
 * Every sum has a fixed order that depends on sizes alone: each element of a
 * product is one chain of multiply-adds over k, ascending, whatever tile or
 * vector width computes it. So results do not depend on alignment or on the
 * process, and avx2 and avx512 (which both use fused multiply-add) agree to
 * the bit; portable rounds twice per term.
 */
#ifndef NN_KERNELS_TABLE_PRIV_H
#define NN_KERNELS_TABLE_PRIV_H

#include "nn/real.h"

#include <stdbool.h>
#include <stdint.h>

/* What the elements of C start from. */
enum nn_start {
    NN_START_ZERO,
    NN_START_BIAS, /* bias[j], the same for every row */
    NN_START_SELF  /* C: the product is added to it */
};

/* C[g][i][j] = start + sum_{o,k} A[g][i][o,k] B[o,k][j]
 *
 * for groups g, rows i, columns j, and k = 0 .. k_outer * k_inner - 1 in two
 * loops, so that windows of an image need no copy. Strides in elements; rows
 * of B and C are contiguous. C must not overlap A or B. */
struct nn_product {
    int64_t groups, m, n, k_outer, k_inner;
    const nn_real *a;
    int64_t a_group, a_row, a_outer, a_inner;
    const nn_real *b;
    int64_t b_outer, b_inner;
    nn_real *c;
    int64_t c_group, c_row;
    const nn_real *bias;
    enum nn_start start;
};

/* Which number of a window won: as wide as the numbers, for the vectors. */
#ifdef NN_REAL_DOUBLE
typedef int64_t nn_won;
#else
typedef int32_t nn_won;
#endif

struct fl_rng;           /* base/rng.h */
struct nn_pool;          /* nn/pool_priv.h */
struct nn_image_kernels; /* nn/kernels/image_priv.h */
struct nn_cell_kernels;  /* nn/recurrent_priv.h */
struct nn_conv_kernels;  /* nn/kernels/conv_table_priv.h */
struct nn_dense_kernels; /* nn/kernels/dense_table_priv.h */

/* Constants of one step of SGD, see nn/optimizer.h; velocity and anchor may be
 * NULL. gain: 1 - dampening. */
struct nn_sgd_step {
    nn_real lr, momentum, gain, decay, mu;
    bool is_nesterov;
    nn_real *velocity;
    const nn_real *anchor;
};

/* Of one step of Adam: w = keep w - rate m / (root sqrt(s) + eps), with mean m
 * and square s; anchor may be NULL. */
struct nn_adam_step {
    nn_real rate, beta1, gain1, beta2, gain2, root, eps, decay, keep, mu;
    nn_real *mean, *square;
    const nn_real *anchor;
};

struct nn_kernels {
    const char *name;
    void (*product)(const struct nn_product *p);
    void (*sgd)(const struct nn_sgd_step *step,
                int64_t n,
                const nn_real *grad,
                nn_real *params);
    void (*adam)(const struct nn_adam_step *step,
                 int64_t n,
                 const nn_real *grad,
                 nn_real *params);
    double (*squares)(int64_t n, const nn_real *x); /* the sum of them */
    void (*scale)(nn_real factor, int64_t n, nn_real *x);
    void (*relu)(int64_t n, const nn_real *x, nn_real *y);
    void (*relu_back)(int64_t n,
                      const nn_real *y,
                      const nn_real *dy,
                      nn_real *dx);
    /* acc[j] += sum over rows, in row order */
    void (*add_rows)(int64_t rows, int64_t n, const nn_real *x, nn_real *acc);
    /* One row of max-pooling windows: the largest of each and its number in
     * the window, per channel. */
    void (*pool_max)(const struct nn_pool *pool,
                     const nn_real *x,
                     nn_real *y,
                     nn_won *won);
    /* Gradients of one row of 2x2 windows that do not overlap. */
    void (*pool_max_back_2x2)(const struct nn_pool *pool,
                              const nn_real *dy,
                              const nn_won *won,
                              nn_real *dx);
    /* Whether the words of a fresh stream are at or above limit. */
    void (*draw_keep)(const struct fl_rng *stream,
                      uint32_t limit,
                      int64_t n,
                      uint8_t *keep);
    /* Times factor where kept, else 0; ret may be from. */
    void (*scale_kept)(const uint8_t *keep,
                       nn_real factor,
                       int64_t n,
                       const nn_real *from,
                       nn_real *ret);
    const struct nn_image_kernels *image;
    const struct nn_cell_kernels *cell;
    const struct nn_conv_kernels *conv;
    const struct nn_dense_kernels *dense;
};

extern const struct nn_kernels nn_kernels_portable;
#ifdef NN_HAS_X86_KERNELS
extern const struct nn_kernels nn_kernels_avx2;
extern const struct nn_kernels nn_kernels_avx512;
#endif

/* The best table for this CPU. */
const struct nn_kernels *nn_kernels_best(void);

/* Tests: another table than the best. */
struct nn_workspace;
void nn_workspace_use_kernels(struct nn_workspace *ws,
                              const struct nn_kernels *kernels);

/* Table i that this CPU can run, best first, or NULL behind the last. */
const struct nn_kernels *nn_kernels_at(int i);

#endif
