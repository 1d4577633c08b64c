#include "nn/gemm_priv.h"
#include "nn/kernels/table_priv.h"
#include "nn/train.h"

#include <assert.h>
#include <cblas.h>
#include <limits.h>
#include <string.h>

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

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (!strcmp(name, *names))
            return true;
    return false;
}

/* Measured with OpenBLAS 0.3.21: with vectors as wide as ours it is ahead from
 * batches of some 200 rows on; on a CPU it does not know it falls back to SSE3
 * and never is. */
bool nn_blas_is_better(const struct nn_kernels *kernels,
                       int64_t m,
                       int64_t n,
                       int64_t k)
{
    static const char *const wide[] = {"SkylakeX", "Cooperlake",
                                       "SapphireRapids", NULL};
    static const char *const middle[] = {
        "Haswell", "Zen", "SkylakeX", "Cooperlake", "SapphireRapids", NULL};
    if (!strcmp(kernels->name, "portable"))
        return m >= 16 && n >= 16 && k >= 64;
    if (m < 192 || n < 128 || k < 256)
        return false;
    bool is_avx512 = !strcmp(kernels->name, "avx512");
    return is_one_of(openblas_get_corename(), is_avx512 ? wide : middle);
}

const char *nn_blas_kernel(void)
{
    openblas_set_num_threads(1);
    return openblas_get_corename();
}
