/* An image as a vector, channels last: element (y, x, c) of [h, w, c] becomes
 * number (y * w + x) * C + c. Nothing moves in memory. */
#include "nn/layer.h"

static enum fl_status infer(const void *opts,
                            const struct nn_shape *input,
                            struct nn_layer_info *ret,
                            struct fl_error *err)
{
    (void)opts;
    (void)err;
    *ret = (struct nn_layer_info){
        .output = {.rank = 1, .dim = {nn_shape_size(input)}}};
    return FL_OK;
}

static const struct nn_layer_example examples[] = {
    {"{kind: flatten}", {3, {3, 4, 5}}},
    {"{kind: flatten}", {1, {6}}},
    {NULL, {0, {0}}},
};

const struct nn_layer_type nn_layer_flatten = {
    .name = "flatten",
    .doc = "An image as a vector, channels last.",
    .is_view = true,
    .infer = infer,
    .examples = examples,
};
