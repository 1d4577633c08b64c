#include "nn/model_type.h"

/* A depthwise 3x3 convolution and a 1x1 one, each with norm and ReLU. */
#define SEPARABLE(stride, channels)                                            \
    "  - {kind: depthwise2d, kernel: 3, padding: 1, stride: " stride           \
    ", bias: false}\n"                                                         \
    "  - {kind: groupnorm, groups: 2}\n"                                       \
    "  - relu\n"                                                               \
    "  - {kind: conv2d, channels: " channels ", kernel: 1, bias: false}\n"     \
    "  - {kind: groupnorm, groups: 2}\n"                                       \
    "  - relu\n"

const struct nn_model_type nn_model_mobilenet_small = {
    .name = "mobilenet_small",
    .doc = "MobileNet (Howard et al. 2017) at half width for 32x32, sized for "
           "phones: first stride 1, seven separable blocks instead of "
           "thirteen, GroupNorm.",
    /* clang-format off */
    .yaml = "layers:\n"
            "  - {kind: conv2d, channels: 16, kernel: 3, padding: 1, "
            "bias: false}\n"
            "  - {kind: groupnorm, groups: 2}\n"
            "  - relu\n"
            SEPARABLE("1", "32")
            SEPARABLE("2", "64")
            SEPARABLE("1", "64")
            SEPARABLE("2", "128")
            SEPARABLE("1", "128")
            SEPARABLE("2", "256")
            SEPARABLE("1", "256")
            "  - globalavgpool\n"
            "  - {kind: dense, units: classes}\n",
    /* clang-format on */
    .example = {3, {32, 32, 3}},
    .example_classes = 10,
};
