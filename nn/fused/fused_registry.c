#include "nn/fused.h"

#include <stddef.h>

#define NN_FUSED(n) extern const struct nn_fused_type nn_fused_##n;
#include "nn/fused/fused.def"
#undef NN_FUSED
#define NN_FUSED(n) &nn_fused_##n,
const struct nn_fused_type *const nn_fused[] = {
#include "nn/fused/fused.def"
    NULL,
};
#undef NN_FUSED
