/* Centralized arms that runs share: what is written is read back bit for bit,
 * and what is not whole, or of another key, is not there. */
#include "support/assert_near.h"

#include "base/alloc.h"
#include "base/file.h"
#include "coordinator/record.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HEX16 "0123456789abcdef"
#define HEX64 HEX16 HEX16 HEX16 HEX16
#define PATH  "centralized-" HEX16 ".txt"

static struct coord_record written(void)
{
    struct coord_record record = {.key = HEX64, .n = 0};
    struct fl_error err;
    memset(record.model_sha256, 'a', 64);
    for (int i = 0; i < 5; i++) {
        struct coord_epoch epoch = {0.1 * i, 1.0 / (i + 3), -exp(-i) * 1e-300};
        assert_ok(coord_record_add(&record, epoch, &err), &err);
    }
    assert_ok(coord_record_save(".", &record, &err), &err);
    return record;
}

static size_t n_found(const char *key)
{
    struct coord_record found;
    struct fl_error err;
    assert_ok(coord_record_load(".", key, &found, &err), &err);
    size_t n = found.n;
    coord_record_fini(&found);
    return n;
}

static void test_a_record_is_read_back_bit_for_bit(void **state)
{
    (void)state;
    struct coord_record record = written(), found;
    struct fl_error err;
    assert_ok(coord_record_load(".", HEX64, &found, &err), &err);
    assert_int_equal(found.n, 5);
    assert_string_equal(found.key, record.key);
    assert_string_equal(found.model_sha256, record.model_sha256);
    assert_memory_equal(found.epochs, record.epochs, 5 * sizeof *record.epochs);
    coord_record_fini(&found);
    coord_record_fini(&record);
    coord_record_fini(&record); /* once more is fine */
    assert_int_equal(unlink(PATH), 0);
}

static void test_what_is_not_there_is_no_failure(void **state)
{
    (void)state;
    struct coord_record record = written();
    coord_record_fini(&record);
    assert_int_equal(n_found(HEX64), 5);
    /* the same file name, another key */
    assert_int_equal(n_found(HEX16 HEX16 HEX16 "0123456789abcdee"), 0);
    assert_int_equal(n_found("f" HEX64), 0);
    assert_int_equal(unlink(PATH), 0);
    assert_int_equal(n_found(HEX64), 0);
}

static void test_a_damaged_record_is_not_there(void **state)
{
    (void)state;
    struct coord_record record = written();
    coord_record_fini(&record);
    uint8_t *bytes = NULL;
    size_t n = 0;
    struct fl_error err;
    assert_ok(fl_file_read(PATH, 1 << 20, &bytes, &n, &err), &err);
    for (size_t i = 0; i < n; i++) {
        bytes[i] ^= 1;
        assert_ok(fl_file_write(PATH, bytes, n, &err), &err);
        assert_int_equal(n_found(HEX64), 0);
        bytes[i] ^= 1;
        if (i % 16 == 0) {
            assert_ok(fl_file_write(PATH, bytes, i, &err), &err);
            assert_int_equal(n_found(HEX64), 0);
        }
    }
    assert_ok(fl_file_write(PATH, bytes, n, &err), &err);
    assert_int_equal(n_found(HEX64), 5);
    fl_free(bytes);
    assert_int_equal(unlink(PATH), 0);
}

static void test_every_failed_allocation_is_reported(void **state)
{
    (void)state;
    struct coord_record record = written(), found;
    struct fl_error err;
    coord_record_fini(&record);
    (void)fl_alloc_fail_at(0);
    assert_ok(coord_record_load(".", HEX64, &found, &err), &err);
    long n = fl_alloc_fail_at(0);
    coord_record_fini(&found);
    for (long i = 1; i <= n; i++) {
        (void)fl_alloc_fail_at(i);
        enum fl_status status = coord_record_load(".", HEX64, &found, &err);
        (void)fl_alloc_fail_at(0);
        /* A file that cannot be read is not there. */
        assert_true(status == FL_E_NOMEM || status == FL_OK);
        assert_int_equal(found.n, 0);
        coord_record_fini(&found);
    }
    assert_int_equal(unlink(PATH), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_record_is_read_back_bit_for_bit),
        cmocka_unit_test(test_what_is_not_there_is_no_failure),
        cmocka_unit_test(test_a_damaged_record_is_not_there),
        cmocka_unit_test(test_every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
