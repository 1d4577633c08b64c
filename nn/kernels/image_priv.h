/* The part of a kernel table that works on images channel by channel:
 * normalisation, depthwise convolution, Winograd's transforms.
 *
 * All of it is elementwise over channels: a sum over pixels is a fixed number
 * of chains per channel, whatever the vector width, so avx2 and avx512 agree to
 * the bit; portable rounds twice per multiply-add.
 */
#ifndef NN_KERNELS_IMAGE_PRIV_H
#define NN_KERNELS_IMAGE_PRIV_H

#include "nn/real.h"

#include <stdbool.h>
#include <stdint.h>

/* Pixels [pixels, channels] and one number per channel each. */
struct nn_moments {
    int64_t pixels, channels;
    const nn_real *x;
    const nn_real *shift;           /* near the mean */
    nn_real *ret_sum, *ret_squares; /* of x - shift */
};

/* y = x scale + offset, then + with unless NULL, then max(., 0) if is_relu */
struct nn_affine {
    int64_t pixels, channels;
    const nn_real *scale, *offset; /* [channels] */
    const nn_real *x, *with;
    bool is_relu;
    nn_real *y; /* may be x or with */
};

/* Where a gradient behind a ReLU counts. */
enum nn_mask {
    NN_MASK_NONE,  /* everywhere: there is no ReLU */
    NN_MASK_Y,     /* where y > 0 */
    NN_MASK_AFFINE /* where x scale + offset > 0, in nn_affine's arithmetic */
};

/* Sums over pixels of the masked dy and of dy (x - shift), or
 * dx = dy a + x b + c, of the masked dy. */
struct nn_affine_back {
    int64_t pixels, channels;
    enum nn_mask mask;
    const nn_real *scale, *offset; /* [channels] of the mask */
    const nn_real *x, *y, *dy;
    const nn_real *shift;
    nn_real *ret_sum, *ret_dot; /* [channels] */
    nn_real *ret_masked;        /* NULL or where the masked dy goes */
    const nn_real *a, *b, *c;   /* [channels] */
    nn_real *ret_dx;            /* may be dy */
};

/* A depthwise convolution: weight [kernel, kernel, channels]. */
struct nn_depthwise {
    int64_t kernel, stride, padding;
    int64_t in_h, in_w, out_h, out_w, channels;
    const nn_real *weight, *bias; /* bias may be NULL */
};

/* Tiles of 4x4 outputs [first, first + n) of a batch's images [h, w, channels],
 * counted through all of them, `down` rows of `across` each; tile 0 begins
 * `border` pixels outside. In their other form, 36 numbers per channel, number
 * i of tile k stands at [i plane + k row]. */
struct nn_winograd_tiles {
    int64_t h, w, channels, border, down, across;
    int64_t first, n;
    int64_t plane, row;
};

/* A block of weights [9 taps][rows][columns], `tap` and `row` apart, and its 36
 * planes, `plane` apart, cut into strips of columns [rows][strip]. */
struct nn_winograd_block {
    int64_t rows, columns, tap, row;
    int64_t plane, strip, strip_size;
};

struct nn_image_kernels {
    void (*moments)(const struct nn_moments *m);
    void (*affine)(const struct nn_affine *a);
    void (*affine_sums)(const struct nn_affine_back *a);
    void (*affine_dx)(const struct nn_affine_back *a);
    /* One image: its output; its gradients from dy [out_h, out_w, channels]. */
    void (*depthwise)(const struct nn_depthwise *d,
                      const nn_real *x,
                      nn_real *y);
    void (*depthwise_dx)(const struct nn_depthwise *d,
                         const nn_real *dy,
                         nn_real *dx);
    void (*depthwise_dw)(const struct nn_depthwise *d,
                         const nn_real *x,
                         const nn_real *dy,
                         nn_real *acc_dw);
    /* nn/conv_way_priv.h: pixels, outputs' gradients and weights to their 36
     * numbers, and back to outputs (the first `channels`, + bias unless NULL)
     * and weights' gradients (added). */
    void (*winograd_image)(const struct nn_winograd_tiles *t,
                           const nn_real *images,
                           nn_real *to);
    void (*winograd_gradient)(const struct nn_winograd_tiles *t,
                              const nn_real *images,
                              nn_real *to);
    void (*winograd_output)(const struct nn_winograd_tiles *t,
                            const nn_real *from,
                            int64_t channels,
                            const nn_real *bias,
                            nn_real *images);
    void (*winograd_weight)(const struct nn_winograd_block *b,
                            const nn_real *from,
                            nn_real *to);
    void (*winograd_weight_gradient)(const struct nn_winograd_block *b,
                                     const nn_real *from,
                                     nn_real *acc);
    /* to[j][i] = from[i][j] for i < rows, j < columns */
    void (*transpose)(int64_t rows,
                      int64_t columns,
                      const nn_real *from,
                      int64_t from_row,
                      nn_real *to,
                      int64_t to_row);
};

#endif
