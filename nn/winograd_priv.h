/* 3x3 convolutions of stride 1 by Winograd's minimal filtering F(4x4, 3x3)
 * (Lavin and Gray 2016): 36 multiplications for 16 outputs instead of 144.
 *
 *   y = A^T [sum_c (G g G^T) . (B^T d B)] A
 *
 * for 4x4 outputs y of a tile, its 6x6 pixels d and the 3x3 weights g; in that
 * form, each of the 36 numbers is a matrix product over channels. The input's
 * gradient is the same of dy with g turned round, the weights' gradient is
 * G^T [sum_tiles (B^T d B) . (A dy A^T)] G.
 *
 * Numbers: the points 0, -1, 1, 1/2, -2 and infinity lose least of those tried
 * (Barabasz et al. 2020, "Error analysis and improving the accuracy of Winograd
 * convolution"). In single precision on random data an output is off by 6e-7
 * (16 channels) to 2.4e-6 (512) of the outputs' root mean square, 2.7 to 3.7
 * times a direct sum's error; the worst of a few thousand by 3e-6 to 2.3e-5.
 *
 * Sums run in an order that follows from the sizes and the number of images in
 * the call.
 */
#ifndef NN_WINOGRAD_PRIV_H
#define NN_WINOGRAD_PRIV_H

#include "nn/real.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nn_kernels;

/* Input [h, w, c], output [out_h, out_w, out_c], weights [3, 3, c, out_c]. */
struct nn_winograd {
    int64_t h, w, c;
    int64_t out_h, out_w, out_c;
    int64_t padding; /* 0, 1 or 2 */
};

/* Whether this is less work than a direct convolution: a matter of sizes. */
bool nn_winograd_is_less(const struct nn_winograd *v);

/* Of a call, for any number of images. */
size_t nn_winograd_scratch_bytes(const struct nn_winograd *v);

/* y = x * weights + bias (or NULL) for n images. */
void nn_winograd_forward(const struct nn_kernels *kernels,
                         const struct nn_winograd *v,
                         int64_t n,
                         const nn_real *weights,
                         const nn_real *bias,
                         const nn_real *x,
                         nn_real *ret_y,
                         nn_real *scratch);

/* The input's gradient. */
void nn_winograd_dx(const struct nn_kernels *kernels,
                    const struct nn_winograd *v,
                    int64_t n,
                    const nn_real *weights,
                    const nn_real *dy,
                    nn_real *ret_dx,
                    nn_real *scratch);

/* The weights' gradient, added. */
void nn_winograd_dw(const struct nn_kernels *kernels,
                    const struct nn_winograd *v,
                    int64_t n,
                    const nn_real *x,
                    const nn_real *dy,
                    nn_real *acc_dw,
                    nn_real *scratch);

#endif
