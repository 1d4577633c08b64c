/* Blocks of residual networks as text: layers named as torchvision's ResNet
 * names its modules (norms are called bn there, whatever they are), so that
 * parameters carry the same names as in its state dict.
 *
 * The norm is GroupNorm with two groups, as federated work uses it in place of
 * BatchNorm (Hsieh et al. 2020; Reddi et al. 2021).
 */
#ifndef NN_MODELS_RESNET_PRIV_H
#define NN_MODELS_RESNET_PRIV_H

#define RESNET_NORM(name) "  - {kind: groupnorm, groups: 2, name: " name "}\n"

#define RESNET_CONV(name, channels, more)                                      \
    "  - {kind: conv2d, channels: " channels                                   \
    ", kernel: 3, padding: 1, bias: false" more ", name: " name "}\n"

/* The first convolution: 3x3, for images of 32x32, without pooling. */
#define RESNET_STEM(channels)                                                  \
    "layers:\n" RESNET_CONV("conv1", channels, "")                             \
        RESNET_NORM("bn1") "  - {kind: relu, name: stem}\n"

/* clang-format off */
#define RESNET_REST(name, with, channels)                                      \
    RESNET_NORM(name ".bn1")                                                   \
    "  - relu\n"                                                               \
    RESNET_CONV(name ".conv2", channels, "")                                   \
    RESNET_NORM(name ".bn2")                                                   \
    "  - {kind: add, with: " with "}\n"                                        \
    "  - {kind: relu, name: " name "}\n"

/* A block of the shape of its input, the output of `from`. */
#define RESNET_SAME(name, from, channels)                                      \
    RESNET_CONV(name ".conv1", channels, "") RESNET_REST(name, from, channels)

/* A block that halves the image; its shortcut is a 1x1 convolution of stride 2
 * and a norm (He et al. 2016, option B). */
#define RESNET_DOWN(name, from, channels)                                      \
    "  - {kind: conv2d, channels: " channels                                   \
    ", kernel: 1, stride: 2, bias: false, name: " name                         \
    ".downsample.0}\n"                                                         \
    RESNET_NORM(name ".downsample.1")                                          \
    RESNET_CONV(name ".conv1", channels, ", stride: 2, from: " from)           \
    RESNET_REST(name, name ".downsample.1", channels)
/* clang-format on */

#define RESNET_END                                                             \
    "  - globalavgpool\n"                                                      \
    "  - {kind: dense, units: classes, name: fc}\n"

#endif
