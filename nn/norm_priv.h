/* Normalisation of groups of channels, channels last: what groupnorm, its
 * fused forms and batchnorm share.
 *
 *   y = (x - mean) / sqrt(var + eps) * weight + bias
 *
 * with mean and (biased) variance over the pixels of one sample and the
 * channels of one group. Sums run in nn_real per channel (two chains over
 * pixels, shifted by the first pixel so that a large mean does not cancel) and
 * in double over the channels of a group.
 */
#ifndef NN_NORM_PRIV_H
#define NN_NORM_PRIV_H

#include "nn/kernels/image_priv.h"
#include "nn/layer.h"

struct nn_norm_opts {
    int64_t groups;
    double eps;
    bool affine;
};

/* Pixels and channels that are normalised together, and what it takes. */
struct nn_norm {
    const struct nn_image_kernels *kernels;
    int64_t pixels, channels, groups;
    double eps;
    const nn_real *weight, *bias; /* [channels], or NULL: 1 and 0 */
    nn_real *stats;               /* [2 groups]: means, then 1 / deviations */
    nn_real *scratch;             /* nn_norm_scratch_bytes */
};

size_t nn_norm_scratch_bytes(int64_t channels);

/* The groups' mean and 1/sqrt(var + eps) of x into stats. ret_var [groups] may
 * be NULL. */
void nn_norm_measure(const struct nn_norm *norm,
                     const nn_real *x,
                     nn_real *ret_var);

/* ret_y from x and stats; with [pixels, channels] may be NULL. */
void nn_norm_apply(const struct nn_norm *norm,
                   const nn_real *x,
                   const nn_real *with,
                   bool is_relu,
                   nn_real *ret_y);

/* A backward pass. acc_weight and acc_bias are NULL without weight. */
struct nn_norm_back {
    const nn_real *x, *dy;
    const nn_real *y;    /* of a ReLU behind it that had a `with`, else NULL */
    bool is_relu;        /* a ReLU behind it */
    nn_real *ret_dx;     /* or NULL */
    nn_real *ret_masked; /* dy behind the ReLU (for y): with's gradient */
    nn_real *acc_weight, *acc_bias;
};

void nn_norm_backward(const struct nn_norm *norm, const struct nn_norm_back *b);

/* groupnorm as a layer's functions over a call: fused forms have a `with`, a
 * ReLU or both. opts are groupnorm's. */
enum fl_status nn_group_norm_infer(const struct nn_norm_opts *opts,
                                   const struct nn_shape *input,
                                   struct nn_layer_info *ret,
                                   struct fl_error *err) FL_NODISCARD;
void nn_group_norm_forward(const struct nn_call *call,
                           const struct nn_norm_opts *opts,
                           const nn_real *params,
                           const nn_real *x,
                           bool is_relu,
                           nn_real *ret_y);
/* y is read when there is a ReLU and a `with`. */
void nn_group_norm_backward(const struct nn_call *call,
                            const struct nn_norm_opts *opts,
                            const nn_real *params,
                            struct nn_norm_back back,
                            nn_real *acc_dparams);

#endif
