#include "base/utf8.h"
#include "support/assert_near.h"

#include <string.h>

static size_t length_of(const char *bytes)
{
    return fl_utf8_length((const unsigned char *)bytes, strlen(bytes));
}

/* RFC 3629, section 4: the table of well-formed byte sequences. */
static void test_what_is_a_character(void **state)
{
    (void)state;
    assert_int_equal(length_of("a\xc3\xa9"), 1);
    assert_int_equal(length_of("\xc3\xa9"
                               "a"),
                     2);
    assert_int_equal(length_of("\xe2\x82\x82"), 3);
    assert_int_equal(length_of("\xf0\x9f\x8c\xb1"), 4);
    assert_int_equal(length_of("\xed\x9f\xbf"), 3);     /* before surrogates */
    assert_int_equal(length_of("\xf4\x8f\xbf\xbf"), 4); /* the last one */
}

/* Alone, cut off, longer than need be, surrogates, beyond the last. */
static void test_what_is_none(void **state)
{
    static const char none[][5] = {"\x80",
                                   "\xbf",
                                   "\xff",
                                   "\xc3",
                                   "\xc3(",
                                   "\xe2\x82",
                                   "\xe2\x28\x82",
                                   "\xc0\xaf",
                                   "\xc1\x81",
                                   "\xe0\x9f\xbf",
                                   "\xf0\x8f\xbf\xbf",
                                   "\xed\xa0\x80",
                                   "\xf4\x90\x80\x80",
                                   "\xf5\x80\x80\x80"};
    (void)state;
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        if (length_of(none[i]) != 0)
            fail_msg("number %zu is taken for a character", i);
}

static void test_characters_are_counted_not_bytes(void **state)
{
    (void)state;
    assert_int_equal(fl_utf8_characters(""), 0);
    assert_int_equal(fl_utf8_characters("gCO2e"), 5);
    assert_int_equal(fl_utf8_characters("caf\xc3\xa9 CO\xe2\x82\x82 "
                                        "\xf0\x9f\x8c\xb1"),
                     10);
    assert_int_equal(fl_utf8_characters("\xff\xff"), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_a_character),
        cmocka_unit_test(test_what_is_none),
        cmocka_unit_test(test_characters_are_counted_not_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
