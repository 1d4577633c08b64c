/* The optimiser's update, piece by piece: so that a layer can apply it to the
 * rows of a large weight while their gradient is still in cache. */
#ifndef NN_OPTIMIZER_PRIV_H
#define NN_OPTIMIZER_PRIV_H

#include "nn/real.h"
#include "nn/train.h"

struct nn_kernels;

/* Pointers at the first parameter of whatever is updated. */
struct nn_update {
    const struct nn_kernels *kernels;
    const struct nn_optimizer_opts *opts;
    nn_real *velocity;     /* NULL: no momentum */
    const nn_real *anchor; /* NULL: no proximal term */
};

/* Updates params[offset .. offset+n) with their gradient grad[0 .. n).
 * Elementwise: the same bits however the range is cut. */
void nn_update_apply(const struct nn_update *update,
                  int64_t offset,
                  int64_t n,
                  const nn_real *grad,
                  nn_real *params);

#endif
