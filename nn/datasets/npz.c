/* npz: a data set of your own, from one file of numpy.savez or
 * savez_compressed:
 *
 *   x_train, x_test   images, uint8, [n, h, w] or [n, h, w, channels]
 *   y_train, y_test   labels from 0, any integer type, [n] or [n, 1]
 *   groups_train, groups_test   optional: whose a sample is, any integers, [n]
 *
 * or the same under MedMNIST's names: train_images, train_labels, test_images,
 * test_labels (its val_ arrays are not used). Other arrays are passed over.
 * Equal groups are the same group in both splits. Images of another type are
 * refused, because a scale would be a guess: numpy turns floats in 0 .. 1 into
 * bytes with (255 * x).round().astype("uint8"). */
#include "nn/dataset_priv.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/zip.h"
#include "nn/readers/npy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BYTES ((size_t)UINT32_MAX)

struct options {
    const char *file;
    int64_t classes;
};

static const struct fl_param params[] = {
    {.key = "file",
     .kind = FL_PARAM_STRING,
     .offset = offsetof(struct options, file),
     .required = true,
     .doc = "the .npz file, absolute or below the data root"},
    {.key = "classes",
     .kind = FL_PARAM_INT,
     .offset = offsetof(struct options, classes),
     .max = 256,
     .def = "0",
     .doc = "how many classes there are; 0: one more than the highest label"},
    {0},
};

enum { IMAGES, LABELS, GROUPS, N_ROLES };
enum { TRAIN, TEST, N_SPLITS };

/* Each array by its names, the usual one first. */
static const char *const names[N_SPLITS][N_ROLES][2] = {
    [TRAIN] = {{"x_train", "train_images"},
               {"y_train", "train_labels"},
               {"groups_train", "train_groups"}},
    [TEST] = {{"x_test", "test_images"},
              {"y_test", "test_labels"},
              {"groups_test", "test_groups"}},
};

/* An array of the file, unpacked. */
struct array {
    char where[NN_PATH_BYTES + 32]; /* file: name */
    uint8_t *bytes;                 /* NULL: the file has none */
    struct nn_npy npy;
};

struct npz {
    struct fl_zip zip;
    struct array array[N_SPLITS][N_ROLES];
};

static enum fl_status read_array(struct npz *npz,
                                 const char *const name[2],
                                 bool is_optional,
                                 struct array *ret,
                                 struct fl_error *err)
{
    struct fl_zip_member member;
    for (int i = 0; i < 2; i++) {
        char file[40];
        (void)snprintf(file, sizeof file, "%s.npy", name[i]);
        if (!fl_zip_find(&npz->zip, file, &member))
            continue;
        (void)snprintf(ret->where, sizeof ret->where, "%.1000s: %s",
                       npz->zip.where, name[i]);
        FL_TRY(fl_zip_unpack(&npz->zip, &member, MAX_BYTES, &ret->bytes, err));
        return nn_npy_view(ret->where, ret->bytes, member.n_bytes, &ret->npy,
                           err);
    }
    if (is_optional)
        return FL_OK;
    return fl_fail(err, FL_E_FORMAT, "%s: no array %s or %s", npz->zip.where,
                   name[0], name[1]);
}

static enum fl_status
fail_type(const struct array *array, const char *expected, struct fl_error *err)
{
    char shape[120] = "";
    int n = 0;
    for (int i = 0; i < array->npy.rank; i++)
        n += snprintf(shape + n, sizeof shape - (size_t)n, "%s%lld",
                      i ? ", " : "", (long long)array->npy.dim[i]);
    return fl_fail(err, FL_E_FORMAT, "%s: %s [%s], expected %s", array->where,
                   nn_npy_type_name(array->npy.type), shape, expected);
}

/* Moves the pixels over to the split. */
static enum fl_status take_images(struct array *array,
                                  struct nn_raw *raw,
                                  struct nn_raw_split *split,
                                  struct fl_error *err)
{
    const struct nn_npy *npy = &array->npy;
    if (npy->type != NN_NPY_U8 || npy->rank < 3 || npy->rank > 4 ||
        npy->n_items < 1 || (npy->rank == 4 && npy->dim[3] > NN_MAX_CHANNELS))
        return fail_type(array,
                         "uint8 [n, height, width] or [n, height, width, "
                         "channels] with 1 .. 16 channels; floats in 0 .. 1 "
                         "become bytes with (255 * x).round().astype('uint8')",
                         err);
    struct nn_shape shape = {
        3, {npy->dim[1], npy->dim[2], npy->rank == 4 ? npy->dim[3] : 1}};
    if (raw->shape.rank == 0)
        raw->shape = shape;
    if (memcmp(raw->shape.dim, shape.dim, sizeof shape.dim) != 0)
        return fail_type(array, "the shape of the training images", err);
    split->n = npy->dim[0];
    memmove(array->bytes, npy->items, (size_t)npy->n_items);
    split->pixels = array->bytes;
    array->bytes = NULL;
    return FL_OK;
}

/* [n] or [n, 1] integers. */
static bool is_column(const struct nn_npy *npy, int64_t n)
{
    return nn_npy_is_int(npy->type) && npy->n_items == n && npy->rank >= 1 &&
           npy->rank <= 2 && npy->dim[0] == n;
}

static enum fl_status take_labels(const struct array *array,
                                  int64_t limit,
                                  struct nn_raw *raw,
                                  struct nn_raw_split *split,
                                  struct fl_error *err)
{
    char expected[80];
    (void)snprintf(expected, sizeof expected,
                   "integers [%lld], one label per image", (long long)split->n);
    if (!is_column(&array->npy, split->n))
        return fail_type(array, expected, err);
    split->labels = fl_calloc((size_t)split->n, 1);
    if (!split->labels)
        return fl_fail(err, FL_E_NOMEM, "%s: out of memory", array->where);
    for (int64_t i = 0; i < split->n; i++) {
        int64_t label = nn_npy_int(&array->npy, i);
        if (label < 0 || label >= limit)
            return fl_fail(err, FL_E_FORMAT,
                           "%s: label %lld is %lld, allowed 0 .. %lld",
                           array->where, (long long)i, (long long)label,
                           (long long)limit - 1);
        split->labels[i] = (uint8_t)label;
        if (raw->classes <= label)
            raw->classes = label + 1;
    }
    return FL_OK;
}

static int compare_ids(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Sorted, each once; returns how many. */
static int64_t sort_ids(int64_t *id, int64_t n)
{
    int64_t kept = 0;
    qsort(id, (size_t)n, sizeof *id, compare_ids);
    for (int64_t i = 0; i < n; i++)
        if (kept == 0 || id[kept - 1] != id[i])
            id[kept++] = id[i];
    return kept;
}

/* The ids of both splits, sorted, each once; *ret_n = 0: there are none. */
static enum fl_status list_ids(const struct npz *npz,
                               const struct nn_raw *raw,
                               int64_t **ret,
                               int64_t *ret_n,
                               struct fl_error *err)
{
    const int64_t n_of[N_SPLITS] = {raw->train.n, raw->test.n};
    int64_t n = 0;
    for (int s = 0; s < N_SPLITS; s++) {
        const struct array *array = &npz->array[s][GROUPS];
        if (array->bytes && !is_column(&array->npy, n_of[s]))
            return fail_type(array, "integers, one group per image", err);
    }
    int64_t *id = fl_calloc((size_t)(raw->train.n + raw->test.n), sizeof *id);
    if (!id)
        return fl_fail(err, FL_E_NOMEM, "%s: out of memory", npz->zip.where);
    for (int s = 0; s < N_SPLITS; s++)
        for (int64_t i = 0; npz->array[s][GROUPS].bytes && i < n_of[s]; i++)
            id[n++] = nn_npy_int(&npz->array[s][GROUPS].npy, i);
    *ret = id;
    *ret_n = sort_ids(id, n);
    return FL_OK;
}

static enum fl_status number_groups(const struct array *array,
                                    const int64_t *id,
                                    int64_t n_ids,
                                    struct nn_raw_split *split,
                                    struct fl_error *err)
{
    if (!array->bytes)
        return FL_OK;
    if (n_ids > INT32_MAX)
        return fl_fail(err, FL_E_FORMAT, "%s: over 2^31 groups", array->where);
    split->groups = fl_calloc((size_t)split->n, sizeof *split->groups);
    if (!split->groups)
        return fl_fail(err, FL_E_NOMEM, "%s: out of memory", array->where);
    split->n_groups = n_ids;
    for (int64_t i = 0; i < split->n; i++) {
        int64_t wanted = nn_npy_int(&array->npy, i);
        const int64_t *found =
            bsearch(&wanted, id, (size_t)n_ids, sizeof *id, compare_ids);
        split->groups[i] = (int32_t)(found - id);
    }
    return FL_OK;
}

/* Numbers the groups of both splits together, in the order of their ids. */
static enum fl_status
take_groups(struct npz *npz, struct nn_raw *raw, struct fl_error *err)
{
    int64_t *id = NULL, n_ids = 0;
    FL_TRY(list_ids(npz, raw, &id, &n_ids, err));
    enum fl_status status =
        number_groups(&npz->array[TRAIN][GROUPS], id, n_ids, &raw->train, err);
    if (status == FL_OK)
        status = number_groups(&npz->array[TEST][GROUPS], id, n_ids, &raw->test,
                               err);
    fl_free(id);
    return status;
}

static enum fl_status take_all(struct npz *npz,
                               int64_t classes,
                               struct nn_raw *ret,
                               struct fl_error *err)
{
    struct nn_raw_split *splits[N_SPLITS] = {&ret->train, &ret->test};
    ret->classes = classes;
    for (int s = 0; s < N_SPLITS; s++) {
        struct array *array = npz->array[s];
        for (int role = 0; role < N_ROLES; role++)
            FL_TRY(read_array(npz, names[s][role], role == GROUPS, &array[role],
                              err));
        FL_TRY(take_images(&array[IMAGES], ret, splits[s], err));
        FL_TRY(take_labels(&array[LABELS], classes > 0 ? classes : 256, ret,
                           splits[s], err));
    }
    return take_groups(npz, ret, err);
}

enum fl_status nn_npz_decode(const char *where,
                             const uint8_t *bytes,
                             size_t n_bytes,
                             int64_t classes,
                             struct nn_raw *ret,
                             struct fl_error *err)
{
    struct npz *npz = fl_calloc(1, sizeof *npz);
    if (!npz)
        return fl_fail(err, FL_E_NOMEM, "%s: out of memory", where);
    enum fl_status status = fl_zip_open(where, bytes, n_bytes, &npz->zip, err);
    if (status == FL_OK)
        status = take_all(npz, classes, ret, err);
    for (int s = 0; s < N_SPLITS; s++)
        for (int role = 0; role < N_ROLES; role++)
            fl_free(npz->array[s][role].bytes);
    fl_free(npz);
    return status;
}

static enum fl_status decode(const void *opts,
                             const struct nn_dataset_job *job,
                             struct nn_raw *ret,
                             struct fl_error *err)
{
    const struct options *o = opts;
    const char *where = nn_dataset_path(job, 0);
    const uint8_t *bytes;
    size_t n_bytes;
    FL_TRY(fl_file_map(where, &bytes, &n_bytes, err));
    enum fl_status status =
        nn_npz_decode(where, bytes, n_bytes, o->classes, ret, err);
    fl_file_unmap(bytes, n_bytes);
    return status;
}

static const char *file_of(const void *opts)
{
    const struct options *o = opts;
    return o->file;
}

const struct nn_dataset_type nn_dataset_npz = {
    .name = "npz",
    .doc = "images and labels of your own from a numpy .npz file",
    .how_to_get =
        "numpy.savez_compressed(file, x_train=.., y_train=.., x_test=.., "
        "y_test=..), see docs/datasets.md; or a MedMNIST .npz file",
    .params = params,
    .opts_size = sizeof(struct options),
    .file = file_of,
    .example = "{file: no-such-file.npz}",
    .version = 1,
    .decode = decode,
};
