/* The reader of IDX files, on any bytes: it takes them or refuses them with a
 * text, and every item of what it takes can be read. */
#include "nn/readers/idx.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static void must(int is_true)
{
    if (!is_true)
        abort(); /* how a fuzz target reports */
}

static void
try_as(enum nn_idx_type type, int rank, const uint8_t *bytes, size_t n_bytes)
{
    struct nn_idx idx = {.rank = -1};
    struct fl_error err = {0};
    enum fl_status status =
        nn_idx_view("fuzz", bytes, n_bytes, type, rank, &idx, &err);
    if (status != FL_OK) {
        must(status == FL_E_FORMAT && err.text[0] != '\0' && idx.rank == -1);
        return;
    }
    int64_t product = 1;
    for (int i = 0; i < rank; i++)
        product *= idx.dim[i];
    must(idx.rank == rank && product == idx.n_items && product >= 1);
    int64_t item_bytes = type == NN_IDX_I16 ? 2 : 1;
    must(idx.header_bytes + (size_t)(product * item_bytes) == n_bytes);
    int64_t sum = 0;
    for (int64_t i = 0; i < idx.n_items; i++) {
        int32_t item = type == NN_IDX_I16 ? nn_idx_i16(&idx, i) : idx.items[i];
        must(item >= INT16_MIN && item <= INT16_MAX);
        sum += item;
    }
    must(sum <= INT16_MAX * idx.n_items);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    try_as(NN_IDX_U8, 1, bytes, n_bytes);
    try_as(NN_IDX_U8, 3, bytes, n_bytes);
    try_as(NN_IDX_I16, 1, bytes, n_bytes);
    try_as(NN_IDX_U8, NN_IDX_MAX_RANK, bytes, n_bytes);
    return 0;
}
