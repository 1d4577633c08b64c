/* State as bytes, for checkpoints: written field by field in one order, read
 * back in the same, every read bounded.
 *
 * A writer or reader that failed stays failed, so a sequence is checked once
 * at its end (coord_blob_done). Numbers are little endian.
 */
#ifndef COORDINATOR_BLOB_H
#define COORDINATOR_BLOB_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct coord_blob {
    uint8_t *bytes; /* writing: owned; reading: borrowed */
    size_t n, capacity;
    size_t at; /* reading position */
    bool is_reading;
    bool has_failed;
};

/* For writing: starts empty. */
void coord_blob_init_writer(struct coord_blob *blob);
/* For reading bytes[n], borrowed. */
void coord_blob_init_reader(struct coord_blob *blob,
                            const uint8_t *bytes,
                            size_t n);
void coord_blob_fini(struct coord_blob *blob);

/* One call both writes and reads: the same list of fields serves both ways. */
void coord_blob_i64(struct coord_blob *blob, int64_t *value);
void coord_blob_f64(struct coord_blob *blob, double *value);
void coord_blob_bytes(struct coord_blob *blob, void *bytes, size_t n);

/* Fails FL_E_NOMEM when writing ran out of memory, FL_E_FORMAT when reading
 * met a wrong length. */
enum fl_status coord_blob_done(const struct coord_blob *blob,
                               const char *what,
                               struct fl_error *err) FL_NODISCARD;

#endif
