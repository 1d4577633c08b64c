#include "nn/model_type.h"
#include "nn/registry.h"

#include <stddef.h>

#define NN_MODEL(n) extern const struct nn_model_type nn_model_##n;
#include "nn/models/models.def"
#undef NN_MODEL
#define NN_MODEL(n) &nn_model_##n,
const struct nn_model_type *const nn_models[] = {
#include "nn/models/models.def"
    NULL,
};
#undef NN_MODEL
