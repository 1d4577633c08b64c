/* IDX files (the MNIST family): a magic number, the axes, then the items.
 *
 *     bytes 0..1  zero      byte 2  type of an item      byte 3  rank
 *     then one big-endian uint32 per axis, then the items, big-endian
 *
 * Nothing is believed: the type, the rank, every axis and the exact size are
 * checked before an item is looked at. `where` names the file in error texts.
 */
#ifndef NN_READERS_IDX_H
#define NN_READERS_IDX_H

#include "nn/dataset_type.h"

#define NN_IDX_MAX_RANK 4

enum nn_idx_type { NN_IDX_U8 = 0x08, NN_IDX_I16 = 0x0b };

/* A checked file; items points into the bytes it was read from. */
struct nn_idx {
    enum nn_idx_type type;
    int rank;
    int64_t dim[NN_IDX_MAX_RANK];
    int64_t n_items; /* product of dim */
    size_t header_bytes;
    const uint8_t *items;
};

/* Fails FL_E_FORMAT: not IDX, another type or rank than asked for, an axis of
 * 0, truncated, bytes left over. */
enum fl_status nn_idx_view(const char *where,
                           const uint8_t *bytes,
                           size_t n_bytes,
                           enum nn_idx_type type,
                           int rank,
                           struct nn_idx *ret,
                           struct fl_error *err) FL_NODISCARD;

/* Item i of an int16 file. */
int32_t nn_idx_i16(const struct nn_idx *idx, int64_t i);

/* Images [n, h, w] of sources[i] into raw->shape (checked against it if that
 * is set already) and the split's n and pixels. */
enum fl_status nn_idx_images(const struct nn_dataset_job *job,
                             size_t i,
                             bool verify,
                             struct nn_raw *raw,
                             struct nn_raw_split *split,
                             struct fl_error *err) FL_NODISCARD;

/* A vector of uint8 with exactly n items, each below limit, of sources[i].
 * Free: fl_free. */
enum fl_status nn_idx_bytes(const struct nn_dataset_job *job,
                            size_t i,
                            bool verify,
                            int64_t n,
                            int64_t limit,
                            uint8_t **ret,
                            struct fl_error *err) FL_NODISCARD;

/* A vector of int16 ids (any, >= 0) of sources[i], numbered 0.. in the order
 * of the ids, into the split's groups and n_groups. */
enum fl_status nn_idx_groups(const struct nn_dataset_job *job,
                             size_t i,
                             bool verify,
                             struct nn_raw_split *split,
                             struct fl_error *err) FL_NODISCARD;

/* The usual four files, in this order: train images, train labels, test
 * images, test labels. */
enum fl_status nn_idx_decode(const struct nn_dataset_job *job,
                             bool verify,
                             int64_t classes,
                             struct nn_raw *ret,
                             struct fl_error *err) FL_NODISCARD;

#endif
