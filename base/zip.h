/* Zip archives in memory, read only: what numpy's .npz files are made of.
 *
 *     struct fl_zip zip;
 *     struct fl_zip_member member;
 *     FL_TRY(fl_zip_open("a.npz", bytes, n_bytes, &zip, err));
 *     if (fl_zip_find(&zip, "x.npy", &member))
 *         FL_TRY(fl_zip_unpack(&zip, &member, max_bytes, &ret, err));
 *
 * Members stored or deflated, up to 4 GiB; no encryption, no parts, no zip64.
 * Nothing is believed: the whole directory is checked when opening, places and
 * sizes of a member and its CRC when unpacking. A zip borrows the bytes and
 * owns nothing.
 */
#ifndef BASE_ZIP_H
#define BASE_ZIP_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fl_zip {
    const char *where; /* for error texts */
    const uint8_t *bytes;
    size_t n_bytes;
    size_t directory; /* where its first record is */
    size_t n_members;
};

struct fl_zip_member {
    const char *name; /* not NUL-terminated */
    size_t name_bytes;
    uint16_t flags;
    uint16_t method;
    uint32_t crc;
    size_t packed_bytes;
    size_t n_bytes;
    size_t header; /* where its own header is */
};

/* where and bytes are borrowed as long as ret is used.
 * Fails FL_E_FORMAT: no archive, truncated, several parts, zip64, a directory
 * that leaves its bounds. */
enum fl_status fl_zip_open(const char *where,
                           const uint8_t *bytes,
                           size_t n_bytes,
                           struct fl_zip *ret,
                           struct fl_error *err) FL_NODISCARD;

/* The first member of that name; false: none. */
bool fl_zip_find(const struct fl_zip *zip,
                 const char *name,
                 struct fl_zip_member *ret);

/* The member's bytes, member->n_bytes of them.
 * Fails FL_E_FORMAT encrypted, another method, over max_bytes, damaged;
 * FL_E_NOMEM. Free: fl_free. */
enum fl_status fl_zip_unpack(const struct fl_zip *zip,
                             const struct fl_zip_member *member,
                             size_t max_bytes,
                             uint8_t **ret,
                             struct fl_error *err) FL_NODISCARD;

#endif
