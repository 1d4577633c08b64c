/* The table of nn/kernels/conv_table_priv.h for one instruction set, for
 * nn/kernels/ alone. */
#ifndef NN_KERNELS_CONVOLUTION_PRIV_H
#define NN_KERNELS_CONVOLUTION_PRIV_H

#include "nn/kernels/gather_priv.h"
#include "nn/kernels/pooled_priv.h"
#include "nn/kernels/tiles_priv.h"

static const struct nn_conv_kernels conv_kernels = {
    .gather = gather,
    .pool_relu = pool_relu,
    .add_lists = add_lists,
    .list_by_channel = list_by_channel,
    .list_by_pixel = list_by_pixel,
    .tiles_weights = tiles_weights,
    .tiles_input = tiles_input,
    .tiles_pool_relu = tiles_pool_relu,
};

#endif
