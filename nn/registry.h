/* What is registered in nn/: for `fedcarbon list`, for the conformance tests.
 * Each table ends with NULL. */
#ifndef NN_REGISTRY_H
#define NN_REGISTRY_H

struct nn_layer_type;
struct nn_model_type;
struct nn_dataset_type;
struct nn_partition_type;

extern const struct nn_layer_type *const nn_layers[];
extern const struct nn_model_type *const nn_models[];
extern const struct nn_dataset_type *const nn_datasets[];
extern const struct nn_partition_type *const nn_partitions[];

#endif
