#include "base/csv.h"
#include "support/assert_near.h"

#include <stdio.h>
#include <string.h>

/* Of a text, which cell it begins with and what follows. */
static void
assert_cell(const char *given, const char *expected, const char *rest)
{
    char text[64], *cell = NULL;
    size_t n = 0;
    (void)snprintf(text, sizeof text, "%s", given);
    const char *end = fl_csv_cell(text, ",\r\n", &cell, &n);
    assert_non_null(end);
    assert_string_equal(end, rest);
    cell[n] = '\0';
    assert_string_equal(cell, expected);
}

static void test_a_plain_cell_ends_at_a_stop_or_with_the_text(void **state)
{
    (void)state;
    assert_cell("a b,c", "a b", ",c");
    assert_cell("a\r\nb", "a", "\r\nb");
    assert_cell("a", "a", "");
    assert_cell("", "", "");
    assert_cell(",b", "", ",b");
    assert_cell("5\" disk,b", "5\" disk", ",b");
}

static void test_stops_are_the_callers(void **state)
{
    (void)state;
    char text[] = "a\rb;c,d", *cell;
    size_t n;
    assert_string_equal(fl_csv_cell(text, ";", &cell, &n), ";c,d");
    assert_ptr_equal(cell, text);
    assert_int_equal(n, 3);
}

static void test_a_cell_in_quotes_loses_them(void **state)
{
    (void)state;
    assert_cell("\"a\",b", "a", ",b");
    assert_cell("\"\"", "", "");
    assert_cell("\"a,\nb\"\nc", "a,\nb", "\nc");
    assert_cell("\"say \"\"no\"\"\",b", "say \"no\"", ",b");
    assert_cell("\"\"\"\"", "\"", "");
    assert_cell("\"a\"b,c", "a",
                "b,c"); /* whose fault it is, the caller says */
}

static void test_a_quote_that_is_not_closed_is_no_cell(void **state)
{
    (void)state;
    static const char *const open[] = {"\"", "\"a", "\"a\"\"", "\"\"\"",
                                       "\"a,b\n"};
    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++) {
        char text[16], *cell = NULL;
        size_t n = 7;
        (void)snprintf(text, sizeof text, "%s", open[i]);
        assert_null(fl_csv_cell(text, ",", &cell, &n));
        assert_null(cell);
        assert_int_equal(n, 7);
    }
}

static void test_cells_of_a_line_follow_each_other(void **state)
{
    (void)state;
    char line[] = "a,\"b,\"\"c\",,\"\"";
    static const char *const expected[] = {"a", "b,\"c", "", ""};
    char *cells[5] = {NULL};
    assert_int_equal(fl_csv_split(line, cells, 5), 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(cells[i], expected[i]);
    assert_null(cells[4]);
}

static void test_cells_beyond_the_room_are_counted(void **state)
{
    (void)state;
    char line[] = "a,b,c,", *cells[3] = {NULL};
    assert_int_equal(fl_csv_split(line, cells, 2), 4);
    assert_string_equal(cells[0], "a");
    assert_string_equal(cells[1], "b");
    assert_null(cells[2]);
}

static void test_a_line_of_nothing_is_one_cell(void **state)
{
    (void)state;
    char line[] = "", *cells[1] = {NULL};
    assert_int_equal(fl_csv_split(line, cells, 1), 1);
    assert_string_equal(cells[0], "");
}

static void test_a_line_with_wrong_quotes_has_no_cells(void **state)
{
    (void)state;
    static const char *const wrong[] = {"a,\"b", "a,\"b\"c,d", "\"", "a,\"\"\"",
                                        "a,b,\"c"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char line[16], *cells[2];
        (void)snprintf(line, sizeof line, "%s", wrong[i]);
        assert_int_equal(fl_csv_split(line, cells, 2), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_plain_cell_ends_at_a_stop_or_with_the_text),
        cmocka_unit_test(test_stops_are_the_callers),
        cmocka_unit_test(test_a_cell_in_quotes_loses_them),
        cmocka_unit_test(test_a_quote_that_is_not_closed_is_no_cell),
        cmocka_unit_test(test_cells_of_a_line_follow_each_other),
        cmocka_unit_test(test_cells_beyond_the_room_are_counted),
        cmocka_unit_test(test_a_line_of_nothing_is_one_cell),
        cmocka_unit_test(test_a_line_with_wrong_quotes_has_no_cells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
