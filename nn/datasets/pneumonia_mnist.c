/* PneumoniaMNIST: 4,708 + 624 chest X-rays of children, 28x28, normal or
 * pneumonia (Yang et al. 2023, MedMNIST v2; Kermany et al. 2018). The training
 * split is MedMNIST's train, the test split its test; its val is not used. The
 * checked order of the training samples is that of our conversion. */
#include "nn/readers/idx.h"

static const struct nn_source sources[] = {
    {"train-images-idx3-ubyte",
     "72ff8a33017ac46796c9a41e1c0b29b338da0a262e4c33f7b6ddbed769cbaf9f", false},
    {"train-labels-idx1-ubyte",
     "ffa3806007fb41b92674883fedd64b89fae4b99dd2f40a95f803e191f0523894", false},
    {"test-images-idx3-ubyte",
     "70d53e4d2f732d4eea7fb4e12ef995c01ed44109755a40510dcbf654f5e7dda1", false},
    {"test-labels-idx1-ubyte",
     "f644c669271ad40e4c761c0894ccb12ce88a979f5b4b8e6e820c647d46916f69", false},
    {0},
};

static const char *const folders[] = {"pneumoniamnist", "pneumonia_mnist",
                                      NULL};

static enum fl_status decode(const void *opts,
                             const struct nn_dataset_job *job,
                             struct nn_raw *ret,
                             struct fl_error *err)
{
    const struct nn_file_opts *file = opts;
    return nn_idx_decode(job, file->verify, 2, ret, err);
}

const struct nn_dataset_type nn_dataset_pneumonia_mnist = {
    .name = "pneumonia_mnist",
    .doc = "chest X-rays, normal or pneumonia, 4,708 + 624 of 28x28 "
           "(CC BY 4.0)",
    .how_to_get =
        "convert pneumoniamnist.npz of medmnist.com to IDX files "
        "{train,test}-{images-idx3,labels-idx1}-ubyte and put them there; "
        "another order of samples needs `verify: false`, see docs/datasets.md",
    .folders = folders,
    .sources = sources,
    .params = nn_file_params,
    .opts_size = sizeof(struct nn_file_opts),
    .version = 1,
    .decode = decode,
};
