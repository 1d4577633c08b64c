/* Checkpoint bytes: what is written is read, anything else is refused. */
#include "support/assert_near.h"

#include "coordinator/blob.h"

#include <string.h>

struct fields {
    int64_t count;
    double time_s;
    char name[5];
};

static void both_ways(struct coord_blob *blob, struct fields *fields)
{
    coord_blob_i64(blob, &fields->count);
    coord_blob_f64(blob, &fields->time_s);
    coord_blob_bytes(blob, fields->name, sizeof fields->name);
}

static void test_fields_come_back_as_they_were(void **state)
{
    (void)state;
    struct fields wrote = {-7, 0.1, "abcd"}, read = {0};
    struct coord_blob out, in;
    struct fl_error err = {0};
    coord_blob_init_writer(&out);
    both_ways(&out, &wrote);
    assert_ok(coord_blob_done(&out, "test", &err), &err);
    coord_blob_init_reader(&in, out.bytes, out.n);
    both_ways(&in, &read);
    assert_ok(coord_blob_done(&in, "test", &err), &err);
    assert_int_equal(read.count, wrote.count);
    assert_true(read.time_s == wrote.time_s);
    assert_string_equal(read.name, wrote.name);
    coord_blob_fini(&in);
    coord_blob_fini(&out);
}

static void test_every_wrong_length_is_refused(void **state)
{
    (void)state;
    struct fields wrote = {1, 2, "x"};
    struct coord_blob out;
    struct fl_error err = {0};
    coord_blob_init_writer(&out);
    both_ways(&out, &wrote);
    both_ways(&out, &wrote); /* so that there is something behind the end */
    size_t right = out.n / 2;
    for (size_t n = 0; n <= out.n; n++) {
        struct coord_blob in;
        struct fields read = {0};
        coord_blob_init_reader(&in, out.bytes, n);
        both_ways(&in, &read);
        enum fl_status status = coord_blob_done(&in, "test", &err);
        assert_int_equal(status, n == right ? FL_OK : FL_E_FORMAT);
        coord_blob_fini(&in);
    }
    coord_blob_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_come_back_as_they_were),
        cmocka_unit_test(test_every_wrong_length_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
