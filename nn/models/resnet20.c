#include "nn/models/resnet_priv.h"
#include "nn/model_type.h"

const struct nn_model_type nn_model_resnet20 = {
    .name = "resnet20",
    .doc = "ResNet-20 for CIFAR (He et al. 2016) with GroupNorm and with "
           "projections (option B, not A) where the image is halved: 272,474 "
           "parameters with 10 classes.",
    /* clang-format off */
    .yaml = RESNET_STEM("16")
            RESNET_SAME("layer1.0", "stem", "16")
            RESNET_SAME("layer1.1", "layer1.0", "16")
            RESNET_SAME("layer1.2", "layer1.1", "16")
            RESNET_DOWN("layer2.0", "layer1.2", "32")
            RESNET_SAME("layer2.1", "layer2.0", "32")
            RESNET_SAME("layer2.2", "layer2.1", "32")
            RESNET_DOWN("layer3.0", "layer2.2", "64")
            RESNET_SAME("layer3.1", "layer3.0", "64")
            RESNET_SAME("layer3.2", "layer3.1", "64")
            RESNET_END,
    /* clang-format on */
    .example = {3, {32, 32, 3}},
    .example_classes = 10,
};
