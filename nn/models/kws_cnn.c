#include "nn/model_type.h"

/* cnn-trad-fpool3 has windows of 20x8 and 10x4 (time by frequency) on 32x40
 * features and pools frequencies alone; the layers are the same in kind, number
 * and width. */
const struct nn_model_type nn_model_kws_cnn = {
    .name = "kws_cnn",
    .doc = "Keyword spotting on 32x32 log-mel features after cnn-trad-fpool3 "
           "(Sainath and Parada 2015), with square windows of 8 and 4 and "
           "pooling by 3 both ways.",
    .yaml = "layers:\n"
            "  - {kind: conv2d, channels: 64, kernel: 8}\n"
            "  - relu\n"
            "  - {kind: maxpool2d, kernel: 3}\n"
            "  - {kind: conv2d, channels: 64, kernel: 4}\n"
            "  - relu\n"
            "  - flatten\n"
            "  - {kind: dense, units: 32}\n"
            "  - {kind: dense, units: 128}\n"
            "  - relu\n"
            "  - {kind: dense, units: classes}\n",
    .example = {3, {32, 32, 1}},
    .example_classes = 10,
};
