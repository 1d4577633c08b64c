#include "nn/model_type.h"

const struct nn_model_type nn_model_flower_cnn = {
    .name = "flower_cnn",
    .doc = "The net of Flower's PyTorch tutorial: 62,006 parameters on 32x32x3 "
           "with 10 classes.",
    .yaml = "layers:\n"
            "  - {kind: conv2d, channels: 6, kernel: 5}\n"
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
    .example = {3, {32, 32, 3}},
    .example_classes = 10,
};
