#include "nn/partition_type.h"
#include "nn/registry.h"

#define NN_PARTITION(n) extern const struct nn_partition_type nn_partition_##n;
#include "nn/partitions/partitions.def"
#undef NN_PARTITION

#define NN_PARTITION(n) &nn_partition_##n,
const struct nn_partition_type *const nn_partitions[] = {
#include "nn/partitions/partitions.def"
    NULL,
};
#undef NN_PARTITION
