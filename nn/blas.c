#include "nn/gemm_priv.h"
#include "nn/train.h"

#include <assert.h>
#include <cblas.h>
#include <limits.h>

static blasint to_blasint(int64_t n)
{
    assert(n > 0 && n <= INT_MAX);
    return (blasint)n;
}

void nn_gemm(int64_t m,
             int64_t n,
             int64_t k,
             struct nn_matrix a,
             struct nn_matrix b,
             nn_real beta,
             nn_real *c,
             int64_t ldc)
{
#ifdef NN_REAL_DOUBLE
#define GEMM cblas_dgemm
#else
#define GEMM cblas_sgemm
#endif
    GEMM(CblasRowMajor, a.is_transposed ? CblasTrans : CblasNoTrans,
         b.is_transposed ? CblasTrans : CblasNoTrans, to_blasint(m),
         to_blasint(n), to_blasint(k), 1, a.data, to_blasint(a.ld), b.data,
         to_blasint(b.ld), beta, c, to_blasint(ldc));
}

bool nn_blas_is_better(const struct nn_kernels *kernels,
                       int64_t m,
                       int64_t n,
                       int64_t k)
{
    (void)kernels, (void)m, (void)n, (void)k;
    return false;
}

const char *nn_blas_kernel(void)
{
    openblas_set_num_threads(1);
    return openblas_get_corename();
}
