#include "nn/kernels_priv.h"

#include "nn/train.h"

#include <stddef.h>

const struct nn_kernels *nn_kernels_at(int i)
{
#ifdef NN_HAS_X86_KERNELS
    if (__builtin_cpu_supports("avx512f") && i-- == 0)
        return &nn_kernels_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
        i-- == 0)
        return &nn_kernels_avx2;
#endif
    return i == 0 ? &nn_kernels_portable : NULL;
}

const struct nn_kernels *nn_kernels_best(void)
{
    return nn_kernels_at(0);
}

const char *nn_kernel_name(void)
{
    return nn_kernels_best()->name;
}
