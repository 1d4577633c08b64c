#include "nn/model_type.h"

const struct nn_model_type nn_model_cnn2 = {
    .name = "cnn2",
    .doc = "The two-convolution net of McMahan et al. 2017 (FedAvg): "
           "1,663,370 parameters on 28x28x1 with 10 classes.",
    .yaml = "layers:\n"
            "  - {kind: conv2d, channels: 32, kernel: 5, padding: 2}\n"
            "  - relu\n"
            "  - {kind: maxpool2d, kernel: 2}\n"
            "  - {kind: conv2d, channels: 64, kernel: 5, padding: 2}\n"
            "  - relu\n"
            "  - {kind: maxpool2d, kernel: 2}\n"
            "  - flatten\n"
            "  - {kind: dense, units: 512}\n"
            "  - relu\n"
            "  - {kind: dense, units: classes}\n",
    .example = {3, {28, 28, 1}},
    .example_classes = 10,
};
