#include "nn/conv_way_priv.h"

const struct nn_conv_way *nn_conv_way_of(const struct nn_conv *v)
{
    static const struct nn_conv_way *const ways[] = {&nn_conv_winograd,
                                                     &nn_conv_patches, NULL};
    for (size_t i = 0; ways[i]; i++)
        if (ways[i]->is_less(v))
            return ways[i];
    return NULL;
}
