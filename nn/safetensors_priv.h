/* What writing and reading share: a tensor's shape and order in the file. */
#ifndef NN_SAFETENSORS_PRIV_H
#define NN_SAFETENSORS_PRIV_H

#include "nn/safetensors.h"

/* The tensor's shape in the file; returns its rank. */
int nn_safetensors_shape(const struct nn_param_view *view, int64_t ret[4]);

/* One tensor [view->size] from our order to the file's, or back. from and to
 * must not overlap. */
void nn_safetensors_turn(const struct nn_model *model,
                         const struct nn_param_view *view,
                         bool to_file,
                         const nn_real *from,
                         nn_real *to);

#endif
