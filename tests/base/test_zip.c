/* Archives made byte by byte: what is right is unpacked, what is wrong is
 * refused and never leads outside. Those of numpy are in
 * tests/nn/test_dataset_npz.c. */
#include "base/zip.h"

#include "base/alloc.h"
#include "support/assert_near.h"

#include <string.h>
#include <zlib.h>

enum { ROOM = 4096 };

struct archive {
    uint8_t bytes[ROOM];
    size_t n;
    uint8_t directory[ROOM];
    size_t n_directory;
    unsigned n_members;
};

static void put(uint8_t *to, size_t n, uint32_t value)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

static size_t deflate_raw(const uint8_t *from, size_t n, uint8_t *ret)
{
    z_stream stream = {0};
    assert_int_equal(
        deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = (Bytef *)(uintptr_t)from;
    stream.avail_in = (uInt)n;
    stream.next_out = ret;
    stream.avail_out = ROOM;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(deflateEnd(&stream), Z_OK);
    return stream.total_out;
}

/* APPNOTE 4.3.7 and 4.3.12 */
static void add(struct archive *a,
                const char *name,
                const void *data,
                size_t n,
                bool is_deflated)
{
    uint8_t *header = a->bytes + a->n, *record = a->directory + a->n_directory;
    size_t n_name = strlen(name), n_packed = n;
    uint8_t *packed = header + 30 + n_name;
    if (is_deflated)
        n_packed = deflate_raw(data, n, packed);
    else
        memcpy(packed, data, n);
    memcpy(header, "PK\3\4", 4);
    put(header + 4, 2, 20);
    put(header + 8, 2, is_deflated ? 8 : 0);
    put(header + 14, 4, (uint32_t)crc32(0, data, (uInt)n));
    put(header + 18, 4, (uint32_t)n_packed);
    put(header + 22, 4, (uint32_t)n);
    put(header + 26, 2, (uint32_t)n_name);
    memcpy(header + 30, name, n_name);
    memcpy(record, "PK\1\2", 4);
    memcpy(record + 6, header + 4, 26); /* the same fields in the same order */
    put(record + 42, 4, (uint32_t)a->n);
    memcpy(record + 46, name, n_name);
    a->n += 30 + n_name + n_packed;
    a->n_directory += 46 + n_name;
    a->n_members++;
}

/* Directory, end record (4.3.16), comment. */
static void finish(struct archive *a, const char *comment)
{
    uint8_t *end = a->bytes + a->n + a->n_directory;
    memcpy(a->bytes + a->n, a->directory, a->n_directory);
    memcpy(end, "PK\5\6", 4);
    put(end + 8, 2, a->n_members);
    put(end + 10, 2, a->n_members);
    put(end + 12, 4, (uint32_t)a->n_directory);
    put(end + 16, 4, (uint32_t)a->n);
    put(end + 20, 2, (uint32_t)strlen(comment));
    memcpy(end + 22, comment, strlen(comment));
    a->n += a->n_directory + 22 + strlen(comment);
}

static const char poem[] = "so much depends upon a red wheel barrow, so much "
                           "depends upon a red wheel barrow";

static struct archive good(void)
{
    struct archive a = {.n = 0};
    add(&a, "plain", poem, sizeof poem, false);
    add(&a, "small/er", poem, sizeof poem, true);
    add(&a, "nothing", "", 0, false);
    finish(&a, "");
    return a;
}

static enum fl_status unpack(const struct archive *a,
                             const char *name,
                             size_t max_bytes,
                             uint8_t **ret)
{
    struct fl_zip zip;
    struct fl_zip_member member;
    struct fl_error err = {0};
    enum fl_status status = fl_zip_open("x.zip", a->bytes, a->n, &zip, &err);
    if (status == FL_OK && !fl_zip_find(&zip, name, &member))
        status = FL_E_RANGE;
    else if (status == FL_OK)
        status = fl_zip_unpack(&zip, &member, max_bytes, ret, &err);
    assert_true(status != FL_E_FORMAT || strstr(err.text, "x.zip") != NULL);
    return status;
}

static void expect(const struct archive *a, const char *name)
{
    uint8_t *bytes = NULL;
    assert_int_equal(unpack(a, name, sizeof poem, &bytes), FL_OK);
    assert_memory_equal(bytes, poem, sizeof poem);
    fl_free(bytes);
}

static void test_members_are_found_and_unpacked(void **state)
{
    (void)state;
    struct archive a = good();
    uint8_t *bytes = NULL;
    expect(&a, "plain");
    expect(&a, "small/er");
    assert_int_equal(unpack(&a, "nothing", 0, &bytes), FL_OK);
    fl_free(bytes);
    assert_int_equal(unpack(&a, "plai", 100, &bytes), FL_E_RANGE);
    assert_int_equal(unpack(&a, "plain2", 100, &bytes), FL_E_RANGE);
}

static void
test_a_comment_may_follow_even_one_that_looks_like_an_end(void **state)
{
    (void)state;
    struct archive a = {.n = 0};
    add(&a, "plain", poem, sizeof poem, false);
    finish(&a, "PK\5\6 is how it ends, and more than 22 bytes follow");
    expect(&a, "plain");
    struct archive none = {.n = 0};
    uint8_t *bytes;
    finish(&none, "empty");
    assert_int_equal(unpack(&none, "plain", 100, &bytes), FL_E_RANGE);
}

static void test_larger_members_than_allowed_are_refused(void **state)
{
    (void)state;
    struct archive a = good();
    uint8_t *bytes = NULL;
    assert_int_equal(unpack(&a, "plain", sizeof poem - 1, &bytes), FL_E_FORMAT);
    assert_int_equal(unpack(&a, "small/er", sizeof poem - 1, &bytes),
                     FL_E_FORMAT);
}

/* Where the record of "plain" begins. */
static uint8_t *record_of(struct archive *a)
{
    return a->bytes + a->n - 22 - a->n_directory;
}

static void
expect_refused(struct archive *a, size_t at, size_t n, uint32_t value)
{
    uint8_t *bytes = NULL;
    put(record_of(a) + at, n, value);
    assert_int_equal(unpack(a, "plain", SIZE_MAX, &bytes), FL_E_FORMAT);
}

static void test_fields_that_lie_are_refused(void **state)
{
    (void)state;
    static const struct {
        size_t at, n;
        uint32_t value;
    } lies[] = {
        {8, 2, 1},                       /* encrypted */
        {10, 2, 12},                     /* bzip2 */
        {10, 2, 8},                      /* deflated, but it is not */
        {16, 4, 1},                      /* CRC */
        {20, 4, 1},                      /* stored, but of two sizes */
        {20, 4, UINT32_MAX},             /* zip64 */
        {24, 4, UINT32_MAX}, {42, 4, 1}, /* no header there */
        {42, 4, ROOM},       {42, 4, UINT32_MAX},
    };
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct archive a = good();
        expect_refused(&a, lies[i].at, lies[i].n, lies[i].value);
    }
}

/* 4 GB out of 80 bytes: refused before any memory is asked for. */
static void test_bombs_are_refused_by_their_sizes(void **state)
{
    (void)state;
    struct archive a = {.n = 0};
    uint8_t *bytes = NULL;
    add(&a, "plain", poem, sizeof poem, true);
    finish(&a, "");
    expect(&a, "plain");
    put(record_of(&a) + 24, 4, UINT32_MAX - 1);
    (void)fl_alloc_fail_at(1);
    enum fl_status status = unpack(&a, "plain", SIZE_MAX, &bytes);
    (void)fl_alloc_fail_at(0);
    assert_int_equal(status, FL_E_FORMAT);
    /* a little more or less than it really is, which inflating finds out */
    put(record_of(&a) + 24, 4, (uint32_t)sizeof poem + 1);
    assert_int_equal(unpack(&a, "plain", SIZE_MAX, &bytes), FL_E_FORMAT);
    put(record_of(&a) + 24, 4, (uint32_t)sizeof poem - 1);
    assert_int_equal(unpack(&a, "plain", SIZE_MAX, &bytes), FL_E_FORMAT);
}

static void test_end_records_that_lie_are_refused(void **state)
{
    (void)state;
    static const struct {
        size_t at, n;
        uint32_t value;
    } lies[] = {
        {4, 2, 1},           /* another part */
        {8, 2, 2},           /* fewer members here than in all */
        {10, 2, UINT16_MAX}, /* zip64 */
        {12, 4, UINT32_MAX}, {16, 4, UINT32_MAX},
        {16, 4, 0},                      /* no directory there */
        {16, 4, ROOM},       {20, 2, 1}, /* a comment that is not there */
    };
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct archive a = good();
        uint8_t *bytes = NULL;
        put(a.bytes + a.n - 22 + lies[i].at, lies[i].n, lies[i].value);
        assert_int_equal(unpack(&a, "plain", 100, &bytes), FL_E_FORMAT);
    }
}

static void test_any_cut_is_refused_and_any_flip_is_noticed(void **state)
{
    (void)state;
    struct archive whole = good();
    for (size_t n = 0; n < whole.n; n++) {
        struct archive *cut = fl_calloc(1, sizeof *cut);
        uint8_t *bytes = NULL;
        assert_non_null(cut);
        *cut = whole;
        cut->n = n;
        assert_int_equal(unpack(cut, "plain", 100, &bytes), FL_E_FORMAT);
        fl_free(cut);
    }
    for (size_t i = 0; i < whole.n; i++)
        for (int bit = 0; bit < 8; bit++) {
            static const char *const names[] = {"plain", "small/er"};
            whole.bytes[i] ^= (uint8_t)(1 << bit);
            for (size_t m = 0; m < 2; m++) {
                uint8_t *bytes = NULL;
                if (unpack(&whole, names[m], sizeof poem, &bytes) == FL_OK) {
                    assert_memory_equal(bytes, poem, sizeof poem);
                    fl_free(bytes);
                }
            }
            whole.bytes[i] ^= (uint8_t)(1 << bit);
        }
}

static void test_no_memory_is_said(void **state)
{
    (void)state;
    struct archive a = good();
    uint8_t *bytes = NULL;
    (void)fl_alloc_fail_at(1);
    enum fl_status status = unpack(&a, "plain", 100, &bytes);
    (void)fl_alloc_fail_at(0);
    assert_int_equal(status, FL_E_NOMEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members_are_found_and_unpacked),
        cmocka_unit_test(
            test_a_comment_may_follow_even_one_that_looks_like_an_end),
        cmocka_unit_test(test_larger_members_than_allowed_are_refused),
        cmocka_unit_test(test_fields_that_lie_are_refused),
        cmocka_unit_test(test_bombs_are_refused_by_their_sizes),
        cmocka_unit_test(test_end_records_that_lie_are_refused),
        cmocka_unit_test(test_any_cut_is_refused_and_any_flip_is_noticed),
        cmocka_unit_test(test_no_memory_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
