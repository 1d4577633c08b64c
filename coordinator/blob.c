#include "coordinator/blob.h"

#include "base/alloc.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "checkpoints are written as the machine holds numbers");

void coord_blob_init_writer(struct coord_blob *blob)
{
    *blob = (struct coord_blob){0};
}

void coord_blob_init_reader(struct coord_blob *blob,
                            const uint8_t *bytes,
                            size_t n)
{
    *blob = (struct coord_blob){
        .bytes = (uint8_t *)(uintptr_t)bytes, .n = n, .is_reading = true};
}

void coord_blob_fini(struct coord_blob *blob)
{
    if (!blob->is_reading)
        fl_free(blob->bytes);
    *blob = (struct coord_blob){0};
}

void coord_blob_bytes(struct coord_blob *blob, void *bytes, size_t n)
{
    if (blob->has_failed || n == 0)
        return;
    if (blob->is_reading) {
        if (n > blob->n - blob->at) {
            blob->has_failed = true;
            return;
        }
        memcpy(bytes, blob->bytes + blob->at, n);
        blob->at += n;
        return;
    }
    if (fl_grow(&blob->bytes, &blob->capacity, blob->n + n, 1, NULL) != FL_OK) {
        blob->has_failed = true;
        return;
    }
    memcpy(blob->bytes + blob->n, bytes, n);
    blob->n += n;
}

void coord_blob_i64(struct coord_blob *blob, int64_t *value)
{
    coord_blob_bytes(blob, value, sizeof *value);
}

void coord_blob_f64(struct coord_blob *blob, double *value)
{
    coord_blob_bytes(blob, value, sizeof *value);
}

enum fl_status coord_blob_done(const struct coord_blob *blob,
                               const char *what,
                               struct fl_error *err)
{
    if (!blob->is_reading)
        return blob->has_failed
                   ? fl_fail(err, FL_E_NOMEM, "out of memory: %s", what)
                   : FL_OK;
    if (blob->has_failed || blob->at != blob->n)
        return fl_fail(err, FL_E_FORMAT,
                       "%s: damaged: %zu bytes are not what it should hold",
                       what, blob->n);
    return FL_OK;
}
