/* Fashion-MNIST: 60,000 + 10,000 pictures of clothes, 28x28, 10 classes (Xiao,
 * Rasul, Vollgraf 2017). No groups are known. */
#include "nn/readers/idx.h"

static const struct nn_source sources[] = {
    {"train-images-idx3-ubyte",
     "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888", false},
    {"train-labels-idx1-ubyte",
     "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9", false},
    {"t10k-images-idx3-ubyte",
     "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b", false},
    {"t10k-labels-idx1-ubyte",
     "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34", false},
    {0},
};

static const char *const folders[] = {"fashion-mnist", "fashion_mnist",
                                      "FashionMNIST/raw", NULL};

static enum fl_status decode(const void *opts,
                             const struct nn_dataset_job *job,
                             struct nn_raw *ret,
                             struct fl_error *err)
{
    const struct nn_file_opts *file = opts;
    return nn_idx_decode(job, file->verify, 10, ret, err);
}

const struct nn_dataset_type nn_dataset_fashion_mnist = {
    .name = "fashion_mnist",
    .doc = "pictures of clothes, 60,000 + 10,000 of 28x28 (MIT)",
    .how_to_get = "put the four IDX files (plain or .gz) of "
                  "github.com/zalandoresearch/fashion-mnist there, e.g. from "
                  "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    .folders = folders,
    .sources = sources,
    .params = nn_file_params,
    .opts_size = sizeof(struct nn_file_opts),
    .version = 1,
    .decode = decode,
};
