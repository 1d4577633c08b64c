/* Ways to compute a convolution other than by walking one image after the other
 * (which nn/layers/conv2d.c does): chosen by sizes alone.
 *
 * Winograd, for 3x3 windows at stride 1 of many channels: F(4x4, 3x3) of Lavin
 * and Gray 2016 takes 36 multiplications for 16 outputs instead of 144,
 *
 *   y = A^T [sum_c (G g G^T) . (B^T d B)] A
 *
 * for 4x4 outputs y of a tile, its 6x6 pixels d and the 3x3 weights g; in that
 * form, each of the 36 numbers is a matrix product over channels. The input's
 * gradient is the same of dy with g turned round, the weights' gradient is
 * G^T [sum_tiles (B^T d B) . (A dy A^T)] G. The points 0, -1, 1, 1/2, -2 and
 * infinity lose least of those tried (Barabasz et al. 2020, "Error analysis and
 * improving the accuracy of Winograd convolution"): in single precision on
 * random data an output is off by 6e-7 (16 channels) to 2.4e-6 (512) of the
 * outputs' root mean square, 2.7 to 3.7 times a direct sum's error; the worst
 * of a few thousand by 3e-6 to 2.3e-5.
 *
 * Patches, for 1x1 windows and for strides above 1:
 *
 *   y [rows, out_c] = P [rows, patch] W [patch, out_c]
 *
 * where a row is an output pixel of any image of the call and P holds its
 * window (x itself for 1x1 at stride 1). Weights are packed, or transposed for
 * the input's gradient P = dy W^T, strip by strip on the way.
 *
 * Either reads weights once for many images, whose maps may be as small as 4x4.
 * Sums run in an order that follows from the sizes and the number of images in
 * the call.
 */
#ifndef NN_CONV_WAY_PRIV_H
#define NN_CONV_WAY_PRIV_H

#include "nn/real.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nn_kernels;

/* Input [h, w, c], output [out_h, out_w, out_c], weights [k, k, c, out_c]. */
struct nn_conv {
    int64_t h, w, c;
    int64_t out_h, out_w, out_c;
    int64_t kernel, stride, padding;
};

/* All functions for n images; scratch of scratch_bytes, whatever n is. */
struct nn_conv_way {
    /* Whether it suits these sizes better than walking images. */
    bool (*is_less)(const struct nn_conv *v);
    size_t (*scratch_bytes)(const struct nn_conv *v);

    /* y = x * weights + bias (or NULL) */
    void (*forward)(const struct nn_kernels *kernels,
                    const struct nn_conv *v,
                    int64_t n,
                    const nn_real *weights,
                    const nn_real *bias,
                    const nn_real *x,
                    nn_real *ret_y,
                    nn_real *scratch);
    /* The input's gradient. */
    void (*dx)(const struct nn_kernels *kernels,
               const struct nn_conv *v,
               int64_t n,
               const nn_real *weights,
               const nn_real *dy,
               nn_real *ret_dx,
               nn_real *scratch);
    /* The weights' gradient, added. */
    void (*dw)(const struct nn_kernels *kernels,
               const struct nn_conv *v,
               int64_t n,
               const nn_real *x,
               const nn_real *dy,
               nn_real *acc_dw,
               nn_real *scratch);
};

extern const struct nn_conv_way nn_conv_winograd, nn_conv_patches;

/* The way for these sizes, or NULL: image by image. */
const struct nn_conv_way *nn_conv_way_of(const struct nn_conv *v);

#endif
