/* CIFAR-10: 50,000 + 10,000 colour pictures, 32x32x3, 10 classes (Krizhevsky
 * 2009), in the official binary version: five training files and one test
 * file, each of 10,000 records. A record is the label byte, then 1,024 red,
 * 1,024 green and 1,024 blue bytes, row by row. No groups are known.
 *
 * The SHA-256 of the official files is not recorded here; `verify` checks what
 * is known of them: 5,000 training and 1,000 test pictures of each class. */
#include "nn/dataset_priv.h"

#include "base/alloc.h"

enum {
    PLANE = 32 * 32,
    CHANNELS = 3,
    RECORD = 1 + CHANNELS * PLANE,
    CLASSES = 10,
    FILE_RECORDS = 10000,
    TRAIN_FILES = 5,
};

static const struct nn_source sources[] = {
    {"data_batch_1.bin", NULL, false},
    {"data_batch_2.bin", NULL, false},
    {"data_batch_3.bin", NULL, false},
    {"data_batch_4.bin", NULL, false},
    {"data_batch_5.bin", NULL, false},
    {"test_batch.bin", NULL, false},
    {0},
};

static const char *const folders[] = {"cifar10", "cifar-10-batches-bin",
                                      "cifar10/cifar-10-batches-bin", NULL};

/* Planes to channels last. */
static void
unpack_record(const uint8_t *record, int64_t to, struct nn_raw_split *split)
{
    uint8_t *pixels = split->pixels + to * CHANNELS * PLANE;
    split->labels[to] = record[0];
    for (int p = 0; p < PLANE; p++)
        for (int c = 0; c < CHANNELS; c++)
            *pixels++ = record[1 + c * PLANE + p];
}

enum fl_status nn_cifar10_unpack(const char *where,
                                 const uint8_t *bytes,
                                 size_t n_bytes,
                                 int64_t first,
                                 int64_t n,
                                 struct nn_raw_split *split,
                                 struct fl_error *err)
{
    size_t expected = (size_t)n * RECORD;
    if (n_bytes != expected)
        return fl_fail(err, FL_E_FORMAT,
                       "%s: %s: found %zu bytes, expected %zu (%lld records "
                       "of %d)",
                       where, n_bytes < expected ? "truncated" : "oversized",
                       n_bytes, expected, (long long)n, RECORD);
    for (int64_t i = 0; i < n; i++) {
        const uint8_t *record = bytes + i * RECORD;
        if (record[0] >= CLASSES)
            return fl_fail(err, FL_E_FORMAT,
                           "%s: label of record %lld is %d, allowed 0 .. %d",
                           where, (long long)i, record[0], CLASSES - 1);
        unpack_record(record, first + i, split);
    }
    return FL_OK;
}

static enum fl_status read_files(const struct nn_dataset_job *job,
                                 size_t first_file,
                                 int64_t n_files,
                                 struct nn_raw_split *split,
                                 struct fl_error *err)
{
    split->n = n_files * FILE_RECORDS;
    split->pixels = fl_calloc((size_t)split->n, CHANNELS * PLANE);
    split->labels = fl_calloc((size_t)split->n, 1);
    if (!split->pixels || !split->labels)
        return fl_fail(err, FL_E_NOMEM, "data set 'cifar10': out of memory");
    for (int64_t f = 0; f < n_files; f++) {
        size_t i = first_file + (size_t)f;
        uint8_t *bytes;
        size_t n_bytes;
        FL_TRY(nn_dataset_read(job, i, (size_t)2 * FILE_RECORDS * RECORD,
                               &bytes, &n_bytes, err));
        enum fl_status status =
            nn_cifar10_unpack(nn_dataset_path(job, i), bytes, n_bytes,
                              f * FILE_RECORDS, FILE_RECORDS, split, err);
        fl_free(bytes);
        if (status != FL_OK)
            return status;
    }
    return FL_OK;
}

static enum fl_status check_classes(const char *which,
                                    const struct nn_raw_split *split,
                                    struct fl_error *err)
{
    int64_t count[CLASSES] = {0};
    for (int64_t i = 0; i < split->n; i++)
        count[split->labels[i]]++;
    for (int c = 0; c < CLASSES; c++)
        if (count[c] != split->n / CLASSES)
            return fl_fail(err, FL_E_FORMAT,
                           "data set 'cifar10': %lld %s pictures of class %d, "
                           "expected %lld (`verify: false` takes it as it is)",
                           (long long)count[c], which, c,
                           (long long)(split->n / CLASSES));
    return FL_OK;
}

static enum fl_status decode(const void *opts,
                             const struct nn_dataset_job *job,
                             struct nn_raw *ret,
                             struct fl_error *err)
{
    const struct nn_file_opts *file = opts;
    ret->shape = (struct nn_shape){3, {32, 32, CHANNELS}};
    ret->classes = CLASSES;
    FL_TRY(read_files(job, 0, TRAIN_FILES, &ret->train, err));
    FL_TRY(read_files(job, TRAIN_FILES, 1, &ret->test, err));
    if (!file->verify)
        return FL_OK;
    FL_TRY(check_classes("training", &ret->train, err));
    return check_classes("test", &ret->test, err);
}

const struct nn_dataset_type nn_dataset_cifar10 = {
    .name = "cifar10",
    .doc = "colour pictures of 10 things, 50,000 + 10,000 of 32x32x3 (no "
           "explicit licence)",
    .how_to_get = "unpack cifar-10-binary.tar.gz of "
                  "www.cs.toronto.edu/~kriz/cifar.html there",
    .folders = folders,
    .sources = sources,
    .params = nn_file_params,
    .opts_size = sizeof(struct nn_file_opts),
    .version = 1,
    .decode = decode,
};
