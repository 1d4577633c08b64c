/* MNIST: 60,000 + 10,000 handwritten digits, 28x28, 10 classes (LeCun, Cortes,
 * Burges 1998). With the writer files, which number the writer of each image
 * by QMNIST's records (Yadav, Bottou 2019), it has a natural partition: 539
 * writers in the training split, 297 others in the test split. */
#include "nn/readers/idx.h"

static const struct nn_source sources[] = {
    {"train-images-idx3-ubyte",
     "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db", false},
    {"train-labels-idx1-ubyte",
     "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5", false},
    {"t10k-images-idx3-ubyte",
     "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7", false},
    {"t10k-labels-idx1-ubyte",
     "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2", false},
    {"train-writers-idx1-short",
     "d35a9f2f67cffc42cffa71f2ea3836057010e277931851a38fa1d336c9b60df4", true},
    {"t10k-writers-idx1-short",
     "73ea42627e35f032384d76b5a63c6aaadec08acaa425def0f7321e13231927ca", true},
    {0},
};

enum { TRAIN_WRITERS = 4, TEST_WRITERS = 5 };

static const char *const folders[] = {"mnist", "MNIST/raw", NULL};

static enum fl_status decode(const void *opts,
                             const struct nn_dataset_job *job,
                             struct nn_raw *ret,
                             struct fl_error *err)
{
    const struct nn_file_opts *file = opts;
    FL_TRY(nn_idx_decode(job, file->verify, 10, ret, err));
    if (nn_dataset_path(job, TRAIN_WRITERS))
        FL_TRY(
            nn_idx_groups(job, TRAIN_WRITERS, file->verify, &ret->train, err));
    if (nn_dataset_path(job, TEST_WRITERS))
        FL_TRY(nn_idx_groups(job, TEST_WRITERS, file->verify, &ret->test, err));
    return FL_OK;
}

const struct nn_dataset_type nn_dataset_mnist = {
    .name = "mnist",
    .doc = "handwritten digits, 60,000 + 10,000 of 28x28, with writers if "
           "their files are there (CC BY-SA 3.0)",
    .how_to_get =
        "put the four IDX files (plain or .gz) of yann.lecun.com/exdb/mnist "
        "there, e.g. from https://ossci-datasets.s3.amazonaws.com/mnist/; "
        "the writers come from QMNIST, see docs/datasets.md",
    .folders = folders,
    .sources = sources,
    .params = nn_file_params,
    .opts_size = sizeof(struct nn_file_opts),
    .version = 1,
    .decode = decode,
};
