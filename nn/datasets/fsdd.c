/* FSDD, the Free Spoken Digit Dataset: 3,000 spoken digits of 6 speakers (Z.
 * Jackson and others) as 32x32 log-mel images. As its authors split it, the
 * recordings 0 .. 4 of each speaker and digit are the test split (300) and the
 * rest the training split (2,700). Groups are the speakers, the same six in
 * both splits. */
#include "nn/readers/idx.h"

#include "base/alloc.h"

#include <string.h>

enum { IMAGES, LABELS, SPEAKERS, RECORDINGS };

static const struct nn_source sources[] = {
    [IMAGES] = {"fsdd-logmel32-idx3-ubyte",
                "e91207716357f48d920dad92e5861b6c"
                "b613863b18196af1951487cb6817c30c",
                false},
    [LABELS] = {"fsdd-labels-idx1-ubyte",
                "9e98fdb7b11c9fd0619a6de74161c465"
                "2ac453908bca3fdda84e99bd41597fc1",
                false},
    [SPEAKERS] = {"fsdd-speakers-idx1-ubyte",
                  "3537f83fd779e7370f8b0aff96a48e28"
                  "d3b33b0d402467e5fe9921772a15a35a",
                  false},
    [RECORDINGS] = {"fsdd-index-idx1-ubyte",
                    "2c5fe6c04840494c4bf5428f1ab0decb"
                    "640d9462943217c9f2303b421baeddd8",
                    false},
    {0},
};

static const char *const folders[] = {"fsdd", NULL};

enum { FIRST_TRAIN_RECORDING = 5, MAX_SPEAKERS = 256 };

/* The whole file, before it is split. */
struct all {
    struct nn_raw_split split;
    uint8_t *speakers;
    uint8_t *recordings;
};

/* Copies the samples of one side of the split. */
static enum fl_status pick(const struct all *all,
                           bool is_train,
                           int64_t sample_bytes,
                           struct nn_raw_split *ret,
                           struct fl_error *err)
{
    int64_t n = 0;
    for (int64_t i = 0; i < all->split.n; i++)
        n += (all->recordings[i] >= FIRST_TRAIN_RECORDING) == is_train;
    ret->pixels = fl_calloc((size_t)n, (size_t)sample_bytes);
    ret->labels = fl_calloc((size_t)n, 1);
    ret->groups = fl_calloc((size_t)n, sizeof *ret->groups);
    if (!ret->pixels || !ret->labels || !ret->groups)
        return fl_fail(err, FL_E_NOMEM, "data set 'fsdd': out of memory");
    for (int64_t i = 0; i < all->split.n; i++) {
        if ((all->recordings[i] >= FIRST_TRAIN_RECORDING) != is_train)
            continue;
        memcpy(ret->pixels + ret->n * sample_bytes,
               all->split.pixels + i * sample_bytes, (size_t)sample_bytes);
        ret->labels[ret->n] = all->split.labels[i];
        ret->groups[ret->n] = all->speakers[i];
        if (ret->n_groups <= all->speakers[i])
            ret->n_groups = all->speakers[i] + 1;
        ret->n++;
    }
    return FL_OK;
}

static enum fl_status read_all(const struct nn_dataset_job *job,
                               bool verify,
                               struct nn_raw *raw,
                               struct all *ret,
                               struct fl_error *err)
{
    FL_TRY(nn_idx_images(job, IMAGES, verify, raw, &ret->split, err));
    int64_t n = ret->split.n;
    FL_TRY(nn_idx_bytes(job, LABELS, verify, n, 10, &ret->split.labels, err));
    FL_TRY(nn_idx_bytes(job, SPEAKERS, verify, n, MAX_SPEAKERS, &ret->speakers,
                        err));
    return nn_idx_bytes(job, RECORDINGS, verify, n, 256, &ret->recordings, err);
}

static enum fl_status decode(const void *opts,
                             const struct nn_dataset_job *job,
                             struct nn_raw *ret,
                             struct fl_error *err)
{
    const struct nn_file_opts *file = opts;
    struct all all = {0};
    enum fl_status status = read_all(job, file->verify, ret, &all, err);
    ret->classes = 10;
    if (status == FL_OK)
        status = pick(&all, true, nn_shape_size(&ret->shape), &ret->train, err);
    if (status == FL_OK)
        status = pick(&all, false, nn_shape_size(&ret->shape), &ret->test, err);
    fl_free(all.split.pixels);
    fl_free(all.split.labels);
    fl_free(all.speakers);
    fl_free(all.recordings);
    return status;
}

const struct nn_dataset_type nn_dataset_fsdd = {
    .name = "fsdd",
    .doc = "spoken digits of 6 speakers as log-mel images, 2,700 + 300 of "
           "32x32 (CC BY-SA 4.0)",
    .how_to_get =
        "put fsdd-logmel32-idx3-ubyte and fsdd-{labels,speakers,index}-"
        "idx1-ubyte there, made from the recordings of github.com/Jakobovski/"
        "free-spoken-digit-dataset, see docs/datasets.md",
    .folders = folders,
    .sources = sources,
    .params = nn_file_params,
    .opts_size = sizeof(struct nn_file_opts),
    .version = 1,
    .decode = decode,
};
