#include "nn/models/resnet_priv.h"
#include "nn/model_type.h"

const struct nn_model_type nn_model_resnet8 = {
    .name = "resnet8",
    .doc = "resnet20 with one block per stage: 78,042 parameters on 32x32x3 "
           "with 10 classes.",
    /* clang-format off */
    .yaml = RESNET_STEM("16")
            RESNET_SAME("layer1.0", "stem", "16")
            RESNET_DOWN("layer2.0", "layer1.0", "32")
            RESNET_DOWN("layer3.0", "layer2.0", "64")
            RESNET_END,
    /* clang-format on */
    .example = {3, {32, 32, 3}},
    .example_classes = 10,
};
