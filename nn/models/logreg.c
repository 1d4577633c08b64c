#include "nn/model_type.h"

const struct nn_model_type nn_model_logreg = {
    .name = "logreg",
    .doc = "Logistic regression: one dense layer.",
    .yaml = "layers:\n"
            "  - flatten\n"
            "  - {kind: dense, units: classes}\n",
    .example = {3, {28, 28, 1}},
    .example_classes = 10,
};
