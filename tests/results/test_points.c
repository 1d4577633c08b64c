/* The points of a sweep as they are read. */
#include "synthetic.h"

#include "base/alloc.h"
#include "base/file.h"
#include "results/points.h"
#include "support/assert_near.h"

#include <string.h>

static const char *
cell_of(const struct res_points *points, size_t row, size_t column)
{
    assert_in_range(row, 0, points->n_rows - 1);
    assert_in_range(column, 0, points->n_columns - 1);
    return points->cells[row * points->n_columns + column];
}

static void test_every_cell_of_every_point_is_there(void **state)
{
    static const char *const texts[] = {
        "point,directory,lr,\"a,b\"\n"
        "1,0123456789ab,0.1,\"{x: \"\"y\"\"}\"\n"
        "2,ba9876543210,,\"two\nlines\"\n",
        "point,directory,lr,\"a,b\"\r\n"
        "1,0123456789ab,0.1,\"{x: \"\"y\"\"}\"\r\n"
        "2,ba9876543210,\"\",\"two\nlines\""};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct res_points points;
        struct fl_error err;
        assert_ok(res_points_parse("points.csv", texts[i], &points, &err),
                  &err);
        assert_int_equal(points.n_rows, 3);
        assert_int_equal(points.n_columns, 4);
        assert_string_equal(cell_of(&points, 0, 3), "a,b");
        assert_string_equal(cell_of(&points, 1, 0), "1");
        assert_string_equal(cell_of(&points, 1, 1), "0123456789ab");
        assert_string_equal(cell_of(&points, 1, 2), "0.1");
        assert_string_equal(cell_of(&points, 1, 3), "{x: \"y\"}");
        assert_string_equal(cell_of(&points, 2, 1), "ba9876543210");
        assert_string_equal(cell_of(&points, 2, 2), "");
        assert_string_equal(cell_of(&points, 2, 3), "two\nlines");
        res_points_fini(&points);
        res_points_fini(&points); /* zeroed: nothing to do */
    }
}

static void test_points_that_lead_elsewhere_are_refused(void **state)
{
    static const struct {
        const char *text, *why;
    } bad[] = {
        {"", "not the points of a sweep"},
        {"point\n", "the first columns have to be point,directory"},
        {"a,b\n1,0123456789ab\n", "not the points of a sweep"},
        {"point,directory\n1,../../etc\n",
         "line 2: directory '../../etc', allowed 12 hexadecimal digits"},
        {"point,directory\n1,0123456789AB\n", "directory '0123456789AB'"},
        {"point,directory\n1,0123456789ab,2\n",
         "line 2: found 3 cells, allowed 2"},
        {"point,directory\n1,\"0123456789ab\n", "a quote is not closed"},
        {"point,directory\n1,\"a\"b\n",
         "line 2: found 'b\n' behind a quoted cell"},
        {"point,directory\n1,0123456789abc\n", "directory '0123456789abc'"},
        {"point,directory\n", "found no point, allowed 1 or more"},
        {"point,directory\n2,0123456789ab\n", "line 2: point '2', allowed 1"},
        {"point,directory\n1,0123456789ab\n-2,0123456789ab\n",
         "line 3: point '-2', allowed 2"}};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct res_points points;
        struct fl_error err;
        assert_int_equal(
            res_points_parse("points.csv", bad[i].text, &points, &err),
            FL_E_FORMAT);
        assert_ptr_equal(strstr(err.text, "points.csv"), err.text);
        if (!strstr(err.text, bad[i].why))
            fail_msg("found: %s", err.text);
    }
}

static void test_a_file_is_read_and_what_is_no_text_is_not(void **state)
{
    static const char text[] = "point,directory\n1,0123456789ab\n\0";
    char *folder = syn_folder(), *path = syn_path(folder, "points.csv");
    struct res_points points;
    struct fl_error err;
    (void)state;
    assert_int_equal(res_points_read(path, &points, &err), FL_E_IO);
    assert_ok(fl_file_write(path, text, sizeof text - 2, &err), &err);
    assert_ok(res_points_read(path, &points, &err), &err);
    assert_int_equal(points.n_rows, 2);
    assert_string_equal(cell_of(&points, 1, 1), "0123456789ab");
    res_points_fini(&points);
    assert_ok(fl_file_write(path, text, sizeof text - 1, &err), &err);
    assert_int_equal(res_points_read(path, &points, &err), FL_E_FORMAT);
    assert_non_null(strstr(err.text, "points.csv: not text, found a NUL"));
    fl_free(path);
    syn_remove(folder);
}

static void test_memory_that_fails_is_said_and_leaves_nothing(void **state)
{
    (void)state;
    enum fl_status status = FL_E_NOMEM;
    for (long nth = 1; status != FL_OK; nth++) {
        struct res_points points;
        struct fl_error err = {FL_OK, ""};
        (void)fl_alloc_fail_at(nth);
        status = res_points_parse(
            "points.csv", "point,directory\n1,0123456789ab\n", &points, &err);
        (void)fl_alloc_fail_at(0);
        if (status == FL_OK)
            res_points_fini(&points);
        else
            assert_int_equal(status, FL_E_NOMEM);
        assert_in_range(nth, 1, 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_cell_of_every_point_is_there),
        cmocka_unit_test(test_points_that_lead_elsewhere_are_refused),
        cmocka_unit_test(test_a_file_is_read_and_what_is_no_text_is_not),
        cmocka_unit_test(test_memory_that_fails_is_said_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
