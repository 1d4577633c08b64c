/* A checked list of layers, as nn/plan.c and the tests see it. */
#ifndef NN_MODEL_PRIV_H
#define NN_MODEL_PRIV_H

#include "nn/layer.h"
#include "nn/model.h"

struct nn_layer {
    const struct nn_layer_type *type;
    void *opts; /* owned; NULL when the type has none */
    struct nn_shape input;
    struct nn_layer_info info;
    int64_t param_offset;
    int64_t n_params;
};

struct nn_model {
    struct nn_shape input;
    int64_t classes;
    size_t n_layers;
    struct nn_layer *layers;
    size_t n_views;
    struct nn_param_view *views;
    int64_t n_params;
};

/* The type named `name`, or NULL. */
const struct nn_layer_type *nn_layer_find(const char *name);

/* One layer from a node ("relu" or {kind: conv2d, ...}) on an input shape,
 * options and shapes checked; mistakes become problems of config and leave
 * layer->type NULL. input NULL: the options alone are checked.
 * Fails FL_E_NOMEM. Free: nn_layer_fini. */
enum fl_status nn_layer_init(struct nn_layer *layer,
                             struct fl_config *config,
                             const struct fl_node *node,
                             const struct nn_shape *input,
                             int64_t classes,
                             struct fl_error *err) FL_NODISCARD;
void nn_layer_fini(struct nn_layer *layer);

#endif
