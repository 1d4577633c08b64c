/* What a convolution's own steps (nn/layers/conv2d.c) and the fused ones
 * (nn/fused/) share: its options. */
#ifndef NN_CONV_PRIV_H
#define NN_CONV_PRIV_H

#include "nn/init_priv.h"

#include <stdbool.h>
#include <stdint.h>

/* The window is a square of `kernel`; `padding` zeros on each side. */
struct nn_conv_opts {
    int64_t channels, kernel, stride, padding;
    bool bias;
    struct nn_init_opts init;
};

#endif
