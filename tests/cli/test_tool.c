/* Programs that the program runs, and what they print. */
#include "support/assert_near.h"

#include "cli/tool.h"

#include <string.h>

static enum fl_status
run(const char *script, char *ret, size_t size, struct fl_error *err)
{
    const char *const argv[] = {"sh", "-c", script, NULL};
    return cli_tool_run(NULL, argv, ret, size, err);
}

static void test_what_a_program_prints_is_read_to_its_end(void **state)
{
    (void)state;
    char text[64];
    struct fl_error err = {0};
    assert_ok(run("echo one; echo secret >&2; echo two", text, 64, &err), &err);
    assert_string_equal(text, "one\ntwo\n");
    assert_ok(run("true", text, 64, &err), &err);
    assert_string_equal(text, "");
}

static void test_failures_are_told(void **state)
{
    (void)state;
    const char *const absent[] = {"no-such-program-here", NULL};
    char text[64];
    struct fl_error err = {0};
    assert_int_equal(run("echo one; exit 3", text, 64, &err), FL_E_IO);
    assert_non_null(strstr(err.text, "sh: exit code 3"));
    assert_int_equal(run("kill -9 $$", text, 64, &err), FL_E_IO);
    assert_non_null(strstr(err.text, "killed by signal 9"));
    assert_int_equal(cli_tool_run(NULL, absent, text, 64, &err), FL_E_IO);
    assert_non_null(strstr(err.text, "no-such-program-here"));
}

static void test_output_that_is_no_text_is_refused(void **state)
{
    (void)state;
    char text[64];
    struct fl_error err = {0};
    assert_int_equal(run("yes", text, 64, &err), FL_E_FORMAT);
    assert_non_null(strstr(err.text, "more than 63 bytes"));
    assert_int_equal(run("printf 'a\\0b'", text, 64, &err), FL_E_FORMAT);
    assert_non_null(strstr(err.text, "no text"));
}

/* The program below ends by a signal that is ours, long before its own time. */
static void test_a_program_that_takes_too_long_is_ended(void **state)
{
    (void)state;
    struct cli_tool_opts opts = {.limit_wall_s = 0.05};
    const char *const argv[] = {"sh", "-c", "exec sleep 60", NULL};
    char text[64];
    struct fl_error err = {0};
    assert_int_equal(cli_tool_run(&opts, argv, text, 64, &err), FL_E_TIMEOUT);
    assert_string_equal(err.text, "sh: not done within 0.05 s");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_program_prints_is_read_to_its_end),
        cmocka_unit_test(test_failures_are_told),
        cmocka_unit_test(test_output_that_is_no_text_is_refused),
        cmocka_unit_test(test_a_program_that_takes_too_long_is_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
