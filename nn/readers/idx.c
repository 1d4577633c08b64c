#include "nn/readers/idx.h"

#include "base/alloc.h"

#include <string.h>

/* The largest file that is read: 4 GiB, for sets far beyond the usual. */
#define MAX_BYTES ((size_t)1 << 32)

static uint32_t big_endian_u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
           (uint32_t)bytes[2] << 8 | bytes[3];
}

static int64_t item_bytes(enum nn_idx_type type)
{
    return type == NN_IDX_I16 ? 2 : 1;
}

/* The axes, and what the file's size has to be by them. */
static enum fl_status read_axes(const char *where,
                                const uint8_t *bytes,
                                struct nn_idx *idx,
                                struct fl_error *err)
{
    int64_t n = 1;
    for (int i = 0; i < idx->rank; i++) {
        idx->dim[i] = big_endian_u32(bytes + 4 + 4 * i);
        if (idx->dim[i] == 0)
            return fl_fail(err, FL_E_FORMAT,
                           "%s: axis %d has 0 entries, allowed 1 or more",
                           where, i);
        if (n > (int64_t)MAX_BYTES / idx->dim[i])
            return fl_fail(err, FL_E_FORMAT,
                           "%s: axes ask for more than %zu bytes", where,
                           MAX_BYTES);
        n *= idx->dim[i];
    }
    idx->n_items = n;
    return FL_OK;
}

enum fl_status nn_idx_view(const char *where,
                           const uint8_t *bytes,
                           size_t n_bytes,
                           enum nn_idx_type type,
                           int rank,
                           struct nn_idx *ret,
                           struct fl_error *err)
{
    struct nn_idx idx = {.type = type, .rank = rank};
    idx.header_bytes = 4 + 4 * (size_t)rank;
    if (n_bytes < 4)
        return fl_fail(err, FL_E_FORMAT,
                       "%s: %zu bytes, an IDX file has at least 4", where,
                       n_bytes);
    uint32_t want = (uint32_t)type << 8 | (uint32_t)rank;
    uint32_t magic = big_endian_u32(bytes);
    if (magic != want)
        return fl_fail(err, FL_E_FORMAT,
                       "%s: magic number 0x%08x, expected 0x%08x (IDX, %s, "
                       "rank %d)",
                       where, magic, want,
                       type == NN_IDX_U8 ? "uint8" : "int16", rank);
    if (n_bytes < idx.header_bytes)
        return fl_fail(err, FL_E_FORMAT,
                       "%s: truncated: %zu bytes, its header has %zu", where,
                       n_bytes, idx.header_bytes);
    FL_TRY(read_axes(where, bytes, &idx, err));
    uint64_t expected =
        idx.header_bytes + (uint64_t)(idx.n_items * item_bytes(type));
    if (n_bytes != expected)
        return fl_fail(err, FL_E_FORMAT,
                       "%s: %s: found %zu bytes, expected %llu by its header",
                       where, n_bytes < expected ? "truncated" : "oversized",
                       n_bytes, (unsigned long long)expected);
    idx.items = bytes + idx.header_bytes;
    *ret = idx;
    return FL_OK;
}

int32_t nn_idx_i16(const struct nn_idx *idx, int64_t i)
{
    const uint8_t *item = idx->items + 2 * i;
    int32_t value = item[0] << 8 | item[1];
    return value >= 0x8000 ? value - 0x10000 : value;
}

enum fl_status nn_idx_images(const struct nn_dataset_job *job,
                             size_t i,
                             bool verify,
                             struct nn_raw *raw,
                             struct nn_raw_split *split,
                             struct fl_error *err)
{
    const char *where = nn_dataset_path(job, i);
    uint8_t *bytes;
    size_t n_bytes;
    struct nn_idx idx;
    FL_TRY(nn_dataset_read(job, i, MAX_BYTES, &bytes, &n_bytes, err));
    enum fl_status status =
        nn_idx_view(where, bytes, n_bytes, NN_IDX_U8, 3, &idx, err);
    if (status == FL_OK && verify)
        status = nn_dataset_verify(job, i, bytes, n_bytes, split->pixels_sha256,
                                   err);
    if (status == FL_OK && raw->shape.rank == 0)
        raw->shape = (struct nn_shape){3, {idx.dim[1], idx.dim[2], 1}};
    if (status == FL_OK &&
        (raw->shape.dim[0] != idx.dim[1] || raw->shape.dim[1] != idx.dim[2]))
        status = fl_fail(
            err, FL_E_FORMAT, "%s: images of %lldx%lld, expected %lldx%lld",
            where, (long long)idx.dim[1], (long long)idx.dim[2],
            (long long)raw->shape.dim[0], (long long)raw->shape.dim[1]);
    if (status != FL_OK) {
        fl_free(bytes);
        return status;
    }
    memmove(bytes, idx.items, (size_t)idx.n_items); /* keep the one buffer */
    split->n = idx.dim[0];
    split->pixels = bytes;
    return FL_OK;
}

static enum fl_status check_count(const char *where,
                                  int64_t found,
                                  int64_t expected,
                                  struct fl_error *err)
{
    if (found == expected)
        return FL_OK;
    return fl_fail(err, FL_E_FORMAT,
                   "%s: %lld entries, expected %lld, one per image", where,
                   (long long)found, (long long)expected);
}

enum fl_status nn_idx_bytes(const struct nn_dataset_job *job,
                            size_t i,
                            bool verify,
                            int64_t n,
                            int64_t limit,
                            uint8_t **ret,
                            struct fl_error *err)
{
    const char *where = nn_dataset_path(job, i);
    uint8_t *bytes;
    size_t n_bytes;
    struct nn_idx idx;
    FL_TRY(nn_dataset_read(job, i, MAX_BYTES, &bytes, &n_bytes, err));
    enum fl_status status =
        nn_idx_view(where, bytes, n_bytes, NN_IDX_U8, 1, &idx, err);
    if (status == FL_OK)
        status = check_count(where, idx.dim[0], n, err);
    if (status == FL_OK && verify)
        status = nn_dataset_verify(job, i, bytes, n_bytes, NULL, err);
    for (int64_t k = 0; status == FL_OK && k < n; k++)
        if (idx.items[k] >= limit)
            status = fl_fail(err, FL_E_FORMAT,
                             "%s: entry %lld is %d, allowed 0 .. %lld", where,
                             (long long)k, idx.items[k], (long long)limit - 1);
    if (status != FL_OK) {
        fl_free(bytes);
        return status;
    }
    memmove(bytes, idx.items, (size_t)n);
    *ret = bytes;
    return FL_OK;
}

enum { N_IDS = 1 << 15 };

/* Numbers the ids that occur 0, 1, 2 .. in their own order. */
static enum fl_status number_ids(const char *where,
                                 const struct nn_idx *idx,
                                 int32_t *rank_of,
                                 struct nn_raw_split *split,
                                 struct fl_error *err)
{
    for (int64_t k = 0; k < split->n; k++) {
        int32_t id = nn_idx_i16(idx, k);
        if (id < 0)
            return fl_fail(err, FL_E_FORMAT,
                           "%s: entry %lld is %d, allowed 0 .. %d", where,
                           (long long)k, id, N_IDS - 1);
        rank_of[id] = 1;
    }
    int32_t n_groups = 0;
    for (int32_t id = 0; id < N_IDS; id++)
        if (rank_of[id])
            rank_of[id] = n_groups++;
    split->n_groups = n_groups;
    for (int64_t k = 0; k < split->n; k++)
        split->groups[k] = rank_of[nn_idx_i16(idx, k)];
    return FL_OK;
}

enum fl_status nn_idx_groups(const struct nn_dataset_job *job,
                             size_t i,
                             bool verify,
                             struct nn_raw_split *split,
                             struct fl_error *err)
{
    const char *where = nn_dataset_path(job, i);
    uint8_t *bytes;
    size_t n_bytes;
    struct nn_idx idx;
    FL_TRY(nn_dataset_read(job, i, MAX_BYTES, &bytes, &n_bytes, err));
    enum fl_status status =
        nn_idx_view(where, bytes, n_bytes, NN_IDX_I16, 1, &idx, err);
    if (status == FL_OK)
        status = check_count(where, idx.dim[0], split->n, err);
    if (status == FL_OK && verify)
        status = nn_dataset_verify(job, i, bytes, n_bytes, NULL, err);
    int32_t *rank_of = NULL;
    if (status == FL_OK) {
        split->groups = fl_calloc((size_t)split->n, sizeof *split->groups);
        rank_of = fl_calloc(N_IDS, sizeof *rank_of);
        status = split->groups && rank_of
                     ? number_ids(where, &idx, rank_of, split, err)
                     : fl_fail(err, FL_E_NOMEM, "%s: out of memory", where);
    }
    fl_free(rank_of);
    fl_free(bytes);
    return status;
}

enum fl_status nn_idx_decode(const struct nn_dataset_job *job,
                             bool verify,
                             int64_t classes,
                             struct nn_raw *ret,
                             struct fl_error *err)
{
    ret->classes = classes;
    struct nn_raw_split *splits[] = {&ret->train, &ret->test};
    for (size_t s = 0; s < 2; s++) {
        struct nn_raw_split *split = splits[s];
        FL_TRY(nn_idx_images(job, 2 * s, verify, ret, split, err));
        FL_TRY(nn_idx_bytes(job, 2 * s + 1, verify, split->n, classes,
                            &split->labels, err));
    }
    return FL_OK;
}
