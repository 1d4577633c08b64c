#include "nn/layer.h"
#include "nn/registry.h"

#define NN_LAYER(n) extern const struct nn_layer_type nn_layer_##n;
#include "nn/layers/layers.def"
#undef NN_LAYER
#define NN_LAYER(n) &nn_layer_##n,
const struct nn_layer_type *const nn_layers[] = {
#include "nn/layers/layers.def"
    NULL,
};
#undef NN_LAYER
