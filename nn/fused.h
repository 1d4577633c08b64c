/* Fused steps: several neighbouring layers computed as one, faster than one by
 * one and equal to them but for the order of sums.
 *
 * One file in nn/fused/ and one row in fused.def add one (start from
 * nn/fused/TEMPLATE.c.txt). nn/plan.c replaces every run of steps of the given
 * kinds, each read by the next one alone, when `type.infer` accepts it. The
 * user's model stays the list of layers it was.
 *
 * A fused type is a layer type whose opts are a struct nn_fused_opts and whose
 * params are those of all its parts, one behind the other in the flat vector.
 * Where a part has_with, so has the fused type. The conformance test
 * (tests/nn/test_fused.c) compares every row's examples with the plain steps.
 */
#ifndef NN_FUSED_H
#define NN_FUSED_H

#include "nn/layer.h"

#define NN_FUSED_MAX 4

struct nn_layer; /* nn/model_priv.h */

struct nn_fused_opts {
    const struct nn_layer *part[NN_FUSED_MAX];
};

struct nn_fused_type {
    /* Kinds in the plan's order (a ReLU behind a max-pooling), then NULL. */
    const char *kinds[NN_FUSED_MAX + 1];
    /* infer fails FL_E_CONFIG where these options or shapes are not for it. Its
     * info needs output, state_bytes, prepared_bytes, scratch; not tensors. */
    struct nn_layer_type type;
    /* Models (YAML lists of layers on an input) that contain it, for the
     * conformance test; ends with yaml == NULL. */
    const struct nn_layer_example *models;
};

extern const struct nn_fused_type *const nn_fused[]; /* NULL at the end */

#endif
