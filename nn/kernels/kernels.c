#include "nn/kernels/table_priv.h"
#include "nn/kernels.h"

#include "nn/train.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

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

const char *nn_kernels_name(const struct nn_kernels *kernels)
{
    return kernels->name;
}

enum fl_status nn_kernels_find(const char *name,
                               const struct nn_kernels **ret,
                               struct fl_error *err)
{
    char known[64];
    size_t used = 0;
    const struct nn_kernels *kernels;
    for (int i = 0; (kernels = nn_kernels_at(i)) != NULL; i++) {
        if (!name || strcmp(name, kernels->name) == 0) {
            *ret = kernels;
            return FL_OK;
        }
        int length = snprintf(known + used, sizeof known - used, "%s%s",
                              i ? ", " : "", kernels->name);
        if (length > 0 && (size_t)length < sizeof known - used)
            used += (size_t)length;
    }
    return fl_fail(err, FL_E_CONFIG,
                   "kernels: found '%.32s', allowed on this CPU: %s", name,
                   known);
}
