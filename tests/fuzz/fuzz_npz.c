/* The reader of .npz data sets, on any bytes as an archive and as a single
 * array: it takes them or refuses them with a text, and all of what it takes
 * can be read. */
#include "nn/dataset_priv.h"
#include "nn/readers/npy.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static void must(int is_true)
{
    if (!is_true)
        abort(); /* how a fuzz target reports */
}

static void read_split(const struct nn_raw *raw,
                       const struct nn_raw_split *split)
{
    int64_t size = nn_shape_size(&raw->shape), sum = 0;
    must(split->n >= 1 && size >= 1);
    for (int64_t i = 0; i < split->n * size; i++)
        sum += split->pixels[i];
    must(sum <= 255 * split->n * size);
    for (int64_t i = 0; i < split->n; i++) {
        must(split->labels[i] < raw->classes);
        must(!split->groups ||
             (split->groups[i] >= 0 && split->groups[i] < split->n_groups));
    }
}

static void try_archive(const uint8_t *bytes, size_t n_bytes)
{
    struct nn_raw raw = {0};
    struct fl_error err = {0};
    enum fl_status status =
        nn_npz_decode("fuzz", bytes, n_bytes, 0, &raw, &err);
    must(status == FL_OK || err.text[0] != '\0');
    if (status == FL_OK) {
        read_split(&raw, &raw.train);
        read_split(&raw, &raw.test);
    }
    nn_raw_fini(&raw);
}

static void try_array(const uint8_t *bytes, size_t n_bytes)
{
    struct nn_npy npy = {.rank = -1};
    struct fl_error err = {0};
    enum fl_status status = nn_npy_view("fuzz", bytes, n_bytes, &npy, &err);
    if (status != FL_OK) {
        must(status == FL_E_FORMAT && err.text[0] != '\0' && npy.rank == -1);
        return;
    }
    double sum = 0;
    for (int64_t i = 0; i < npy.n_items; i++) {
        sum += nn_npy_real(&npy, i);
        if (nn_npy_is_int(npy.type))
            sum += (double)nn_npy_int(&npy, i);
    }
    must(npy.n_items > 0 || !(sum > 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    try_archive(bytes, n_bytes);
    try_array(bytes, n_bytes);
    return 0;
}
