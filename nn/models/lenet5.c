#include "nn/model_type.h"

const struct nn_model_type nn_model_lenet5 = {
    .name = "lenet5",
    .doc = "LeNet-5 (LeCun et al. 1998) with ReLU, max pooling and a first "
           "convolution that keeps the size.",
    .yaml = "layers:\n"
            "  - {kind: conv2d, channels: 6, kernel: 5, padding: 2}\n"
            "  - relu\n"
            "  - {kind: maxpool2d, kernel: 2}\n"
            "  - {kind: conv2d, channels: 16, kernel: 5}\n"
            "  - relu\n"
            "  - {kind: maxpool2d, kernel: 2}\n"
            "  - flatten\n"
            "  - {kind: dense, units: 120}\n"
            "  - relu\n"
            "  - {kind: dense, units: 84}\n"
            "  - relu\n"
            "  - {kind: dense, units: classes}\n",
    .example = {3, {28, 28, 1}},
    .example_classes = 10,
};
