/* Models: a list of layers over one flat parameter vector.
 *
 * A user names a model (nn/models/) or writes a list of layers in YAML. A layer
 * reads the one before it or, with `from: name`, an earlier one that carries
 * `name: ...` (or `input`); {kind: add, with: name} reads a second one. The
 * list is checked against the sample's shape and becomes a struct nn_model:
 * layers, shapes, named views of the parameters, exact counts. A model holds no
 * numbers: parameters are one float[n_params] that the caller owns, so an
 * update is one vector. Workspaces (nn/train.h) hold everything a step needs.
 *
 * Threads: a model is read-only after creation and may be shared.
 */
#ifndef NN_MODEL_H
#define NN_MODEL_H

#include "base/config.h"
#include "nn/real.h"
#include "nn/shape.h"

#include <stdbool.h>
#include <stdint.h>

struct nn_model; /* opaque */

/* A named piece of the flat vector, e.g. "2.weight" [5,5,32,64] at 832. */
struct nn_param_view {
    char name[48];
    int rank;
    int64_t dim[4];
    int64_t offset;
    int64_t size;
    int64_t layer;       /* that it belongs to */
    bool is_torch_order; /* its axes are as PyTorch's, else channels last */
};

/* Exact counts for one sample. macs: multiply-accumulates of a forward pass
 * (convolutions and dense layers). */
struct nn_cost {
    int64_t params;
    int64_t macs;
    int64_t activation_bytes; /* float outputs kept for the backward pass */
};

/* From a node: a name ("cnn2") or a list of layers. `classes` stands for the
 * word `classes` in a layer's options. Mistakes become problems of config with
 * their place, and FL_E_CONFIG is returned. Free: nn_model_destroy. */
enum fl_status nn_model_create(struct fl_config *config,
                               const struct fl_node *spec,
                               const struct nn_shape *input,
                               int64_t classes,
                               struct nn_model **ret,
                               struct fl_error *err) FL_NODISCARD;
/* The same from a name alone, for tests and benchmarks. */
enum fl_status nn_model_create_named(const char *name,
                                     const struct nn_shape *input,
                                     int64_t classes,
                                     struct nn_model **ret,
                                     struct fl_error *err) FL_NODISCARD;
void nn_model_destroy(struct nn_model *model);

/* Whether samples must be token numbers (a model of text). */
bool nn_model_takes_tokens(const struct nn_model *model);
int64_t nn_model_n_params(const struct nn_model *model);
int64_t nn_model_classes(const struct nn_model *model);
const struct nn_shape *nn_model_input(const struct nn_model *model);
const struct nn_param_view *nn_model_params(const struct nn_model *model,
                                            size_t *ret_n);

size_t nn_model_n_layers(const struct nn_model *model);
/* Of layer i; name is borrowed. */
struct nn_cost nn_model_layer_cost(const struct nn_model *model,
                                   size_t i,
                                   const char **ret_name,
                                   struct nn_shape *ret_output);
struct nn_cost nn_model_cost(const struct nn_model *model);

/* Fresh parameters [n_params], determined by the seed (stream FL_RNG_INIT). */
void nn_model_init_params(const struct nn_model *model,
                          uint64_t seed,
                          nn_real *ret_params);

#endif
