/* Text to numbers: whole tokens, bounds, names nearby. */
#include "support/assert_near.h"

#include "base/parse.h"

#include <locale.h>
#include <string.h>

static void test_whole_numbers_are_whole_tokens(void **state)
{
    (void)state;
    static const char *const good[] = {"0", "-5", "+7", "007", "123456789"};
    static const int64_t values[] = {0, -5, 7, 7, 123456789};
    static const char *const bad[] = {"",    "-",   "1e3", "1.0", " 1",
                                      "1 ",  "0x1", "1_0", "one", "--1",
                                      "+-1", "1a",  "nan", "٣"};
    struct fl_error err = {0};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        int64_t value = -1;
        assert_ok(fl_parse_int(good[i], INT64_MIN, INT64_MAX, &value, &err),
                  &err);
        assert_int_equal(value, values[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t value = 42;
        assert_int_equal(
            fl_parse_int(bad[i], INT64_MIN, INT64_MAX, &value, &err),
            FL_E_CONFIG);
        assert_int_equal(value, 42);
        assert_non_null(strstr(err.text, bad[i]));
    }
}

static void test_whole_numbers_know_their_limits(void **state)
{
    (void)state;
    struct fl_error err = {0};
    int64_t value = 0;
    assert_ok(
        fl_parse_int("9223372036854775807", INT64_MIN, INT64_MAX, &value, &err),
        &err);
    assert_true(value == INT64_MAX);
    assert_ok(fl_parse_int("-9223372036854775808", INT64_MIN, INT64_MAX, &value,
                           &err),
              &err);
    assert_true(value == INT64_MIN);
    static const char *const huge[] = {"9223372036854775808",
                                       "-9223372036854775809",
                                       "99999999999999999999999999"};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(
            fl_parse_int(huge[i], INT64_MIN, INT64_MAX, &value, &err),
            FL_E_CONFIG);
    assert_int_equal(fl_parse_int("11", 1, 10, &value, &err), FL_E_CONFIG);
    assert_non_null(strstr(err.text, "[1, 10]"));
}

static void test_numbers_are_decimal_and_finite(void **state)
{
    (void)state;
    static const char *const good[] = {"0.5", "-.5", "5.", "1e3", "1E-3", "+2"};
    static const double values[] = {0.5, -0.5, 5, 1000, 0.001, 2};
    static const char *const bad[] = {"",    ".",   "0.1x",  "1e",  "1e+",
                                      "nan", "inf", "0x1p3", "1,5", " 1",
                                      "1 2", "-",   "1e999"};
    struct fl_error err = {0};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        double value = -1;
        assert_ok(fl_parse_double(good[i], -1e9, 1e9, &value, &err), &err);
        assert_true(value == values[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        double value = 42;
        assert_int_equal(fl_parse_double(bad[i], -1e300, 1e300, &value, &err),
                         FL_E_CONFIG);
        assert_true(value == 42);
    }
}

static void test_numbers_do_not_depend_on_the_locale(void **state)
{
    (void)state;
    struct fl_error err = {0};
    double value = 0;
    /* Where it is installed, this locale writes 0,5. */
    (void)setlocale(LC_ALL, "de_DE.UTF-8");
    assert_ok(fl_parse_double("0.5", 0, 1, &value, &err), &err);
    assert_true(value == 0.5);
    (void)setlocale(LC_ALL, "C");
}

static void test_instants(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t epoch_s;
    } good[] = {
        {"1970-01-01T00:00Z", 0},
        {"2022-06-01T00:00Z", 1654041600}, /* date -u -d 2022-06-01 +%s */
        {"2024-02-29T23:59:59Z", 1709251199},
        {"2000-03-01T00:00Z", 951868800},
    };
    static const char *const bad[] = {"2022-06-01",
                                      "2022-06-01T00:00",
                                      "2022-13-01T00:00Z",
                                      "2023-02-29T00:00Z",
                                      "2022-06-01T24:00Z",
                                      "2022-6-1T00:00Z",
                                      "1969-12-31T00:00Z",
                                      "2022-06-01T00:00:60Z",
                                      "tomorrow",
                                      "2022-06-01 00:00Z",
                                      ""};
    struct fl_error err = {0};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        int64_t epoch_s = -1;
        assert_ok(fl_parse_utc(good[i].text, &epoch_s, &err), &err);
        assert_int_equal(epoch_s, good[i].epoch_s);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t epoch_s = 42;
        assert_int_equal(fl_parse_utc(bad[i], &epoch_s, &err), FL_E_CONFIG);
        assert_int_equal(epoch_s, 42);
    }
}

static void test_booleans_are_true_or_false(void **state)
{
    (void)state;
    struct fl_error err = {0};
    bool value = false;
    assert_ok(fl_parse_bool("true", &value, &err), &err);
    assert_true(value);
    assert_ok(fl_parse_bool("false", &value, &err), &err);
    assert_false(value);
    assert_int_equal(fl_parse_bool("yes", &value, &err), FL_E_CONFIG);
    assert_int_equal(fl_parse_bool("True", &value, &err), FL_E_CONFIG);
}

static void test_the_nearest_name_is_what_was_meant(void **state)
{
    (void)state;
    static const char *const names[] = {"fedavg", "fedprox", "fedadam",
                                        "raspberry_pi_4b"};
    assert_string_equal(fl_nearest_name("fedagv", names, 4), "fedavg");
    assert_string_equal(fl_nearest_name("FedProx", names, 4), "fedprox");
    assert_string_equal(fl_nearest_name("rasberry_pi_4", names, 4),
                        "raspberry_pi_4b");
    assert_null(fl_nearest_name("scaffold", names, 4));
    char long_text[500];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    assert_null(fl_nearest_name(long_text, names, 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_numbers_are_whole_tokens),
        cmocka_unit_test(test_whole_numbers_know_their_limits),
        cmocka_unit_test(test_numbers_are_decimal_and_finite),
        cmocka_unit_test(test_numbers_do_not_depend_on_the_locale),
        cmocka_unit_test(test_instants),
        cmocka_unit_test(test_booleans_are_true_or_false),
        cmocka_unit_test(test_the_nearest_name_is_what_was_meant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
