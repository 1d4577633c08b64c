#include "nn/dataset_type.h"
#include "nn/registry.h"

#define NN_DATASET(n) extern const struct nn_dataset_type nn_dataset_##n;
#include "nn/datasets/datasets.def"
#undef NN_DATASET

#define NN_DATASET(n) &nn_dataset_##n,
const struct nn_dataset_type *const nn_datasets[] = {
#include "nn/datasets/datasets.def"
    NULL,
};
#undef NN_DATASET
