#include "nn/model_type.h"

/* Glorot, as its authors draw the weights to match their TensorFlow model. */
#define XAVIER "init: xavier_uniform"

const struct nn_model_type nn_model_simple_cnn = {
    .name = "simple_cnn",
    .doc = "simple_cnn of pfl-research's CIFAR-10 benchmark: 1,626,442 "
           "parameters on 32x32x3 with 10 classes.",
    .yaml = "layers:\n"
            "  - {kind: conv2d, channels: 32, kernel: 3, " XAVIER "}\n"
            "  - relu\n"
            "  - {kind: conv2d, channels: 64, kernel: 3, " XAVIER "}\n"
            "  - relu\n"
            "  - {kind: maxpool2d, kernel: 2}\n"
            "  - {kind: dropout, p: 0.25}\n"
            "  - flatten\n"
            "  - {kind: dense, units: 128, " XAVIER "}\n"
            "  - relu\n"
            "  - {kind: dropout, p: 0.5}\n"
            "  - {kind: dense, units: classes, " XAVIER "}\n",
    .example = {3, {32, 32, 3}},
    .example_classes = 10,
};
