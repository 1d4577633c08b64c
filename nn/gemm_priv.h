/* Matrix products, row-major: C = op(A) op(B) + beta C, beta 0 or 1.
 *
 * op(A) is [m, k], op(B) [k, n], C [m, n]; lda, ldb, ldc are the row lengths in
 * memory. With beta 0, C is written without being read. Sizes must be positive.
 */
#ifndef NN_GEMM_PRIV_H
#define NN_GEMM_PRIV_H

#include "nn/real.h"

#include <stdbool.h>
#include <stdint.h>

struct nn_matrix {
    const nn_real *data;
    int64_t ld;
    bool is_transposed;
};

void nn_gemm(int64_t m,
             int64_t n,
             int64_t k,
             struct nn_matrix a,
             struct nn_matrix b,
             nn_real beta,
             nn_real *c,
             int64_t ldc);

/* Whether a product of this size belongs to OpenBLAS rather than to our own
 * kernels. Depends on the sizes, the table and OpenBLAS's choice of core. */
struct nn_kernels;
bool nn_blas_is_better(const struct nn_kernels *kernels,
                       int64_t m,
                       int64_t n,
                       int64_t k);

#endif
