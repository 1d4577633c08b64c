/* The shape of one sample (no batch): channels last, up to 3 axes.
 * An image is {3, {h, w, c}}, a vector {1, {n}}. */
#ifndef NN_SHAPE_H
#define NN_SHAPE_H

#include <stdint.h>

#define NN_MAX_RANK 3

struct nn_shape {
    int rank;
    int64_t dim[NN_MAX_RANK];
};

/* Product of the axes; 1 for rank 0. */
int64_t nn_shape_size(const struct nn_shape *shape);
/* "28x28x1" into ret. */
void nn_shape_text(const struct nn_shape *shape, char ret[64]);

#endif
