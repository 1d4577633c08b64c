/* The reader of CIFAR-10 batch files, on any bytes: it takes them or refuses
 * them with a text; what it takes has labels below 10 and each pixel once. */
#include "nn/dataset_priv.h"

#include "base/alloc.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

enum { RECORD = 3073 };

static void must(int is_true)
{
    if (!is_true)
        abort(); /* how a fuzz target reports */
}

static void try_records(const uint8_t *bytes, size_t n_bytes, int64_t n)
{
    struct nn_raw_split split = {.n = n};
    struct fl_error err = {0};
    split.pixels = fl_calloc((size_t)n, RECORD - 1);
    split.labels = fl_calloc((size_t)n, 1);
    must(split.pixels && split.labels);
    enum fl_status status =
        nn_cifar10_unpack("fuzz", bytes, n_bytes, 0, n, &split, &err);
    if (status == FL_OK) {
        must(n_bytes == (size_t)n * RECORD);
        uint64_t in = 0, out = 0;
        for (size_t i = 0; i < n_bytes; i++)
            in += bytes[i];
        for (int64_t i = 0; i < n; i++) {
            must(split.labels[i] < 10);
            out += split.labels[i];
        }
        for (int64_t i = 0; i < n * (RECORD - 1); i++)
            out += split.pixels[i];
        must(in == out);
    } else {
        must(status == FL_E_FORMAT && err.text[0] != '\0');
    }
    fl_free(split.pixels);
    fl_free(split.labels);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    int64_t n = (int64_t)(n_bytes / RECORD);
    try_records(bytes, n_bytes, n);
    try_records(bytes, n_bytes, n + 1);
    return 0;
}
