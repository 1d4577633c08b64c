#include "nn/model_type.h"

const struct nn_model_type nn_model_mlp = {
    .name = "mlp",
    .doc = "Two hidden layers of 200 ReLU units: 2NN of McMahan et al. 2017.",
    .yaml = "layers:\n"
            "  - flatten\n"
            "  - {kind: dense, units: 200}\n"
            "  - relu\n"
            "  - {kind: dense, units: 200}\n"
            "  - relu\n"
            "  - {kind: dense, units: classes}\n",
    .example = {3, {28, 28, 1}},
    .example_classes = 10,
};
