/* A checked list of layers, as nn/plan.c and the tests see it. */
#ifndef NN_MODEL_PRIV_H
#define NN_MODEL_PRIV_H

#include "nn/layer.h"
#include "nn/model.h"

/* What a layer reads instead of another layer's output. */
#define NN_INPUT   (-1) /* the model's input */
#define NN_NOTHING (-2)

#define NN_LAYER_NAME 32 /* bytes of a layer's name, with the end */

struct nn_layer {
    const struct nn_layer_type *type;
    char name[NN_LAYER_NAME]; /* its user's, else its number */
    int64_t source;           /* layer whose output it reads, or NN_INPUT */
    int64_t with;             /* the second one, or NN_NOTHING */
    void *opts;               /* owned; NULL when the type has none */
    struct nn_shape input;
    struct nn_layer_info info;
    int64_t param_offset;
    int64_t n_params;
    int64_t n_trained; /* the first so many; the rest are buffers */
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

/* Where a layer stands among the layers before it: `name`, `from`, `with`. */
struct nn_taps {
    char name[NN_LAYER_NAME];
    int64_t source, with;
    const struct nn_shape *input; /* of the source; NULL after a mistake */
};

/* Reads the taps of the layer that comes next in the model. Mistakes become
 * problems of config. */
void nn_taps_read(struct nn_taps *ret,
                  struct fl_config *config,
                  const struct nn_model *model,
                  const struct fl_node *node);
/* Enters them into the layer made from the same node, checks its second input.
 */
void nn_taps_keep(const struct nn_taps *taps,
                  struct fl_config *config,
                  const struct nn_model *model,
                  const struct fl_node *node,
                  struct nn_layer *layer);
/* Every output but the last must be read by somebody. */
void nn_taps_check_read(struct fl_config *config,
                        const struct nn_model *model,
                        const struct fl_node *list);

#endif
