/* Source: APPNOTE.TXT - .ZIP File Format Specification, PKWARE, 6.3.10; the
 * numbers in comments are its sections. */
#include "base/zip.h"

#include "base/alloc.h"

#include <limits.h>
#include <string.h>
#define ZLIB_CONST /* its input is const */
#include <zlib.h>

enum {
    END_BYTES = 22,    /* 4.3.16 end of central directory record */
    RECORD_BYTES = 46, /* 4.3.12 a file's record in the directory */
    HEADER_BYTES = 30, /* 4.3.7 a file's own header */
    COMMENT_MAX = 65535,
    STORED = 0,
    DEFLATED = 8,
    IS_ENCRYPTED = 1,
};

/* No deflated data become more than this many times as long. */
#define DEFLATE_RATIO_MAX 1032

static uint16_t u16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static uint32_t u32(const uint8_t *at)
{
    return (uint32_t)u16(at) | (uint32_t)u16(at + 2) << 16;
}

static bool has_magic(const uint8_t *at, uint8_t a, uint8_t b)
{
    return at[0] == 'P' && at[1] == 'K' && at[2] == a && at[3] == b;
}

/* The last record of that kind whose comment ends with the file; 0: none. */
static const uint8_t *find_end(const uint8_t *bytes, size_t n_bytes)
{
    size_t least = n_bytes > END_BYTES + COMMENT_MAX
                       ? n_bytes - END_BYTES - COMMENT_MAX
                       : 0;
    for (size_t at = n_bytes - END_BYTES + 1; at-- > least;)
        if (has_magic(bytes + at, 5, 6) &&
            at + END_BYTES + u16(bytes + at + 20) == n_bytes)
            return bytes + at;
    return NULL;
}

/* The record at *at of a checked directory; *at moves to the next one. False:
 * it leaves [*at, end). */
static bool read_record(const uint8_t *bytes,
                        size_t end,
                        size_t *at,
                        struct fl_zip_member *ret)
{
    const uint8_t *record = bytes + *at;
    if (*at > end || end - *at < RECORD_BYTES || !has_magic(record, 1, 2))
        return false;
    size_t tail =
        (size_t)u16(record + 28) + u16(record + 30) + u16(record + 32);
    if (end - *at - RECORD_BYTES < tail)
        return false;
    *ret = (struct fl_zip_member){
        .name = (const char *)record + RECORD_BYTES,
        .name_bytes = u16(record + 28),
        .flags = u16(record + 8),
        .method = u16(record + 10),
        .crc = u32(record + 16),
        .packed_bytes = u32(record + 20),
        .n_bytes = u32(record + 24),
        .header = u32(record + 42),
    };
    *at += RECORD_BYTES + tail;
    return true;
}

enum fl_status fl_zip_open(const char *where,
                           const uint8_t *bytes,
                           size_t n_bytes,
                           struct fl_zip *ret,
                           struct fl_error *err)
{
    const uint8_t *end = n_bytes >= END_BYTES ? find_end(bytes, n_bytes) : NULL;
    if (!end)
        return fl_fail(err, FL_E_FORMAT,
                       "%s: no zip archive, or a truncated one", where);
    uint32_t size = u32(end + 12), first = u32(end + 16);
    if (u16(end + 10) == UINT16_MAX || size == UINT32_MAX ||
        first == UINT32_MAX)
        return fl_fail(err, FL_E_FORMAT,
                       "%s: a zip64 archive, allowed up to 4 GiB and 65534 "
                       "members",
                       where);
    if (u16(end + 4) != 0 || u16(end + 6) != 0 || u16(end + 8) != u16(end + 10))
        return fl_fail(err, FL_E_FORMAT, "%s: a zip archive in several parts",
                       where);
    struct fl_zip zip = {where, bytes, n_bytes, first, u16(end + 10)};
    size_t at = first, limit = (size_t)(end - bytes);
    struct fl_zip_member member;
    for (size_t i = 0; i < zip.n_members; i++)
        if (!read_record(bytes, limit, &at, &member))
            return fl_fail(err, FL_E_FORMAT,
                           "%s: damaged zip archive: record %zu of %zu in its "
                           "directory",
                           where, i, zip.n_members);
    *ret = zip;
    return FL_OK;
}

bool fl_zip_find(const struct fl_zip *zip,
                 const char *name,
                 struct fl_zip_member *ret)
{
    size_t at = zip->directory, name_bytes = strlen(name);
    struct fl_zip_member member;
    for (size_t i = 0; i < zip->n_members; i++)
        if (read_record(zip->bytes, zip->n_bytes, &at, &member) &&
            member.name_bytes == name_bytes &&
            memcmp(member.name, name, name_bytes) == 0) {
            *ret = member;
            return true;
        }
    return false;
}

static enum fl_status fail(const struct fl_zip *zip,
                           const struct fl_zip_member *member,
                           const char *what,
                           struct fl_error *err)
{
    int length = member->name_bytes < 80 ? (int)member->name_bytes : 80;
    return fl_fail(err, FL_E_FORMAT, "%s: %.*s: %s", zip->where, length,
                   member->name, what);
}

/* The packed bytes, behind the member's own header; NULL: outside. */
static const uint8_t *packed_of(const struct fl_zip *zip,
                                const struct fl_zip_member *member)
{
    size_t left = zip->n_bytes;
    if (member->header > left || left - member->header < HEADER_BYTES)
        return NULL;
    const uint8_t *header = zip->bytes + member->header;
    left -= member->header + HEADER_BYTES;
    size_t tail = (size_t)u16(header + 26) + u16(header + 28);
    if (!has_magic(header, 3, 4) || left < tail ||
        left - tail < member->packed_bytes)
        return NULL;
    return header + HEADER_BYTES + tail;
}

/* All of from becomes exactly all of to. */
static int
inflate_all(const uint8_t *from, size_t n_from, uint8_t *to, size_t n_to)
{
    z_stream stream = {.next_in = from, .next_out = to};
    int code = inflateInit2(&stream, -MAX_WBITS);
    if (code != Z_OK)
        return code;
    size_t taken = 0, made = 0;
    while (code == Z_OK) {
        size_t in = n_from - taken, out = n_to - made;
        stream.avail_in = in > UINT_MAX ? UINT_MAX : (uInt)in;
        stream.avail_out = out > UINT_MAX ? UINT_MAX : (uInt)out;
        uInt had_in = stream.avail_in, had_out = stream.avail_out;
        code = inflate(&stream, Z_NO_FLUSH);
        taken += had_in - stream.avail_in;
        made += had_out - stream.avail_out;
    }
    (void)inflateEnd(&stream);
    if (code == Z_STREAM_END && (taken != n_from || made != n_to))
        return Z_DATA_ERROR;
    return code;
}

static uint32_t crc_of(const uint8_t *bytes, size_t n)
{
    uLong crc = crc32(0, NULL, 0);
    while (n > 0) {
        uInt piece = n > (1u << 30) ? 1u << 30 : (uInt)n;
        crc = crc32(crc, bytes, piece);
        bytes += piece;
        n -= piece;
    }
    return (uint32_t)crc;
}

/* What can be known before a byte is unpacked; NULL: nothing is wrong. */
static const char *find_fault(const struct fl_zip_member *member,
                              size_t max_bytes)
{
    if (member->flags & IS_ENCRYPTED)
        return "encrypted";
    if (member->method != STORED && member->method != DEFLATED)
        return "packed by another method, allowed stored and deflated";
    if (member->n_bytes == UINT32_MAX || member->packed_bytes == UINT32_MAX)
        return "a zip64 member, allowed up to 4 GiB";
    if (member->n_bytes > max_bytes)
        return "larger than allowed here";
    if (member->method == STORED
            ? member->n_bytes != member->packed_bytes
            : member->n_bytes / DEFLATE_RATIO_MAX > member->packed_bytes)
        return "damaged: its sizes cannot be";
    return NULL;
}

enum fl_status fl_zip_unpack(const struct fl_zip *zip,
                             const struct fl_zip_member *member,
                             size_t max_bytes,
                             uint8_t **ret,
                             struct fl_error *err)
{
    const char *fault = find_fault(member, max_bytes);
    if (fault)
        return fail(zip, member, fault, err);
    const uint8_t *packed = packed_of(zip, member);
    if (!packed)
        return fail(zip, member,
                    "damaged: its bytes are not where the "
                    "directory says",
                    err);
    uint8_t *bytes = fl_calloc(member->n_bytes + 1, 1);
    int code = Z_OK;
    if (!bytes)
        code = Z_MEM_ERROR;
    else if (member->method == DEFLATED)
        code =
            inflate_all(packed, member->packed_bytes, bytes, member->n_bytes);
    else if (member->n_bytes > 0)
        memcpy(bytes, packed, member->n_bytes);
    if (code == Z_MEM_ERROR) {
        fl_free(bytes);
        return fl_fail(err, FL_E_NOMEM, "%s: out of memory", zip->where);
    }
    if ((code != Z_OK && code != Z_STREAM_END) ||
        crc_of(bytes, member->n_bytes) != member->crc) {
        fl_free(bytes);
        return fail(zip, member, "damaged: its bytes are not those of its CRC",
                    err);
    }
    *ret = bytes;
    return FL_OK;
}
