#include "nn/model_type.h"

/* McMahan et al. predict the next character at every place of the 80; LEAF, and
 * so our data set, the one that follows the 80. The layers are the same. */
const struct nn_model_type nn_model_lstm_shakespeare = {
    .name = "lstm_shakespeare",
    .doc = "The next character of 80, by two LSTM layers of 256 units: McMahan "
           "et al. 2017, as in LEAF (Caldas et al. 2018).",
    .yaml = "layers:\n"
            "  - {kind: embedding, tokens: classes, units: 8}\n"
            "  - {kind: lstm, units: 256, layers: 2}\n"
            "  - {kind: dense, units: classes}\n",
    .example = {1, {80}},
    .example_classes = 80,
};
