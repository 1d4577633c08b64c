#include "nn/model_type.h"

/* Theirs reads 49 frames of 10 MFCCs, one second of Speech Commands; here a
 * frame is a column of the spectrogram. The cell is the same but for a second
 * bias, which PyTorch's has and theirs has not. */
const struct nn_model_type nn_model_lstm_kws = {
    .name = "lstm_kws",
    .doc = "Keyword spotting on 32 frames of 32 log-mel energies: the smallest "
           "basic LSTM (118 units) of Zhang et al. 2017, \"Hello Edge\".",
    .yaml = "layers:\n"
            "  - {kind: sequence, time: columns}\n"
            "  - {kind: lstm, units: 118}\n"
            "  - {kind: dense, units: classes}\n",
    .example = {3, {32, 32, 1}},
    .example_classes = 10,
};
