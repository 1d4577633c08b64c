/* A convolution with 2x2 max-pooling and ReLU behind it, as the fused step
 * nn/fused/conv_pool_relu.c carries it out.
 *
 * Forward: a band of the convolution's output stays in cache until it is
 * pooled. Channels enough in and out: by Winograd's tiles, else directly.
 *
 * Backward: of the four pixels of a window one at most has a gradient, per
 * channel, and none where ReLU cut it off. So the gradients are sums over lists
 * of what won: dW of each channel over the windows that it won, dx of each
 * pixel over the channels that won there.
 */
#ifndef NN_CONV_POOL_PRIV_H
#define NN_CONV_POOL_PRIV_H

#include "nn/kernels/conv_table_priv.h"
#include "nn/kernels/table_priv.h"
#include "nn/layer.h"

struct nn_conv_pool {
    int64_t k, p;             /* kernel, padding; stride 1 */
    int64_t h, w, c;          /* input */
    int64_t out_h, out_w, oc; /* pooled output */
    bool has_bias;
    int64_t image_h, image_w; /* input with its border */
    int64_t run, padded_run;  /* k * c, and as a multiple of NN_RUN */
    int64_t band;             /* rows of tiles or of output done at once */
    bool is_tiled;
    int64_t tiles_h, tiles_w;
};

/* Fails FL_E_CONFIG: not a case for it, or too large. */
enum fl_status nn_conv_pool_init(struct nn_conv_pool *v,
                                 const void *fused_opts,
                                 struct fl_error *err) FL_NODISCARD;

/* Numbers of scratch that a call needs, whatever its n. */
int64_t nn_conv_pool_forward_numbers(const struct nn_conv_pool *v);
int64_t nn_conv_pool_backward_numbers(const struct nn_conv_pool *v);
int64_t nn_conv_pool_prepared_numbers(const struct nn_conv_pool *v);

/* x inside a border of zeros; NN_RUN numbers of room behind it. */
int64_t nn_conv_pool_image_numbers(const struct nn_conv_pool *v);
void nn_conv_pool_image(const struct nn_conv_pool *v,
                        const nn_real *x,
                        nn_real *ret);

/* The functions of the step; won [n, out] of call->state. */
void nn_conv_pool_forward(const struct nn_conv_pool *v,
                          const struct nn_call *call,
                          const nn_real *params,
                          const nn_real *x,
                          nn_real *ret_y);
void nn_conv_pool_prepare(const struct nn_conv_pool *v,
                          const nn_real *params,
                          nn_real *ret_prepared);
void nn_conv_pool_backward(const struct nn_conv_pool *v,
                           const struct nn_call *call,
                           const nn_real *x,
                           const nn_real *dy,
                           nn_real *ret_dx,
                           nn_real *acc_dparams);

#endif
