#include "nn/models/resnet_priv.h"
#include "nn/model_type.h"

const struct nn_model_type nn_model_resnet18 = {
    .name = "resnet18",
    .doc = "ResNet-18 (He et al. 2016) for 32x32: a 3x3 first convolution, no "
           "pooling behind it, GroupNorm; 11,173,962 parameters with 10 "
           "classes.",
    /* clang-format off */
    .yaml = RESNET_STEM("64")
            RESNET_SAME("layer1.0", "stem", "64")
            RESNET_SAME("layer1.1", "layer1.0", "64")
            RESNET_DOWN("layer2.0", "layer1.1", "128")
            RESNET_SAME("layer2.1", "layer2.0", "128")
            RESNET_DOWN("layer3.0", "layer2.1", "256")
            RESNET_SAME("layer3.1", "layer3.0", "256")
            RESNET_DOWN("layer4.0", "layer3.1", "512")
            RESNET_SAME("layer4.1", "layer4.0", "512")
            RESNET_END,
    /* clang-format on */
    .example = {3, {32, 32, 3}},
    .example_classes = 10,
};
