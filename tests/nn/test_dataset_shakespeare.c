/* Windows of text by role, on plays of a few letters; the real text is in
 * test_dataset_files.c. */
#include "base/alloc.h"
#include "nn/dataset_priv.h"
#include "test_dataset_support.h"

#include <stdio.h>
#include <string.h>

static char scratch[64];

static int set_up(void **state)
{
    (void)state;
    scratch_create(scratch);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scratch_destroy(scratch);
    return 0;
}

static void write_play(const char *text, const char *speeches)
{
    char dir[100];
    (void)snprintf(dir, sizeof dir, "%s/shakespeare", scratch);
    write_bytes(dir, "tinyshakespeare.txt", text, strlen(text));
    write_bytes(dir, "speeches.tsv", speeches, strlen(speeches));
}

static enum fl_status
open_play(const char *options, struct nn_dataset **ret, struct fl_error *err)
{
    char cache[100];
    (void)snprintf(cache, sizeof cache, "%s/cache", scratch);
    struct nn_dataset_place place = {scratch, cache, 1};
    struct fl_config *config = config_of(options);
    enum fl_status status = nn_dataset_create(
        config, "shakespeare", fl_config_root(config), &place, ret, err);
    fl_config_destroy(config);
    return status;
}

static struct nn_dataset *must_open(const char *options)
{
    struct nn_dataset *dataset;
    struct fl_error err;
    assert_ok(open_play(options, &dataset, &err), &err);
    return dataset;
}

/* Window i as letters, then its label; tokens are "\n" and the letters. */
static const char *
window(const struct nn_split *split, int64_t length, int64_t i, char ret[16])
{
    for (int64_t k = 0; k <= length; k++) {
        uint8_t token =
            k < length ? split->pixels[i * length + k] : split->labels[i];
        ret[k] = token == 0 ? '|' : (char)('a' + token - 1);
    }
    ret[length + 1] = '\0';
    return ret;
}

static void expect_windows(const struct nn_split *split,
                           int64_t length,
                           const char *const *expected)
{
    char text[16];
    int64_t n = 0;
    for (; expected[n]; n++) {
        assert_true(n < split->n);
        assert_string_equal(window(split, length, n, text), expected[n]);
    }
    assert_int_equal(split->n, n);
}

#define ALPHABET "abcdefghijklmnopqrstuvwxyz"
#define SMALL    "verify: false, min_characters: 0"

static void
test_windows_of_a_role_are_cut_in_time_and_labels_stay_with_them(void **state)
{
    (void)state;
    write_play(ALPHABET, "# a comment\nX\t0\t15\n");
    struct nn_dataset *dataset =
        must_open("{" SMALL ", length: 2, stride: 1, test_stride: 1}");
    static const char *const train[] = {"abc", "bcd", "cde", "def",
                                        "efg", "fgh", "ghi", "hij",
                                        "ijk", "jkl", NULL};
    static const char *const test[] = {"mno", NULL};
    expect_windows(nn_dataset_train(dataset), 2, train);
    expect_windows(nn_dataset_test(dataset), 2, test);
    assert_int_equal(nn_dataset_classes(dataset), 27);
    nn_dataset_destroy(dataset);
}

static void test_strides_are_characters_between_windows(void **state)
{
    (void)state;
    write_play(ALPHABET ALPHABET, "X\t0\t52\n"); /* cut behind 41 */
    struct nn_dataset *dataset =
        must_open("{" SMALL ", length: 3, stride: 9, test_stride: 4}");
    static const char *const train[] = {"abcd", "jklm", "stuv",
                                        "bcde", "klmn", NULL};
    static const char *const test[] = {"pqrs", "tuvw", NULL};
    expect_windows(nn_dataset_train(dataset), 3, train);
    expect_windows(nn_dataset_test(dataset), 3, test);
    assert_int_equal(nn_dataset_sample_bytes(dataset), 4);
    nn_dataset_destroy(dataset);
    dataset = must_open("{" SMALL ", length: 3, stride: 2, test_stride: 4}");
    assert_int_equal(nn_dataset_sample_bytes(dataset), 2);
    nn_dataset_destroy(dataset);
}

static void test_a_role_is_a_group_and_its_speeches_are_joined(void **state)
{
    (void)state;
    write_play(ALPHABET, "X\t0\t3\nX\t8\t2\nX\t20\t4\nY\t10\t10\n");
    struct nn_dataset *dataset =
        must_open("{" SMALL ", length: 1, stride: 1, test_stride: 1}");
    /* X: abc|ij|uvwx, 11 characters; Y: klmnopqrst, 10 */
    static const char *const train[] = {"ab", "bc", "c|", "|i", "ij",
                                        "j|", "|u", "kl", "lm", "mn",
                                        "no", "op", "pq", "qr", NULL};
    static const char *const test[] = {"vw", "wx", "st", NULL};
    const struct nn_split *split = nn_dataset_train(dataset);
    expect_windows(split, 1, train);
    expect_windows(nn_dataset_test(dataset), 1, test);
    assert_int_equal(split->n_groups, 2);
    for (int i = 0; i < 14; i++)
        assert_int_equal(split->groups[i], i >= 7);
    for (int i = 0; i < 3; i++)
        assert_int_equal(nn_dataset_test(dataset)->groups[i], i == 2);
    nn_dataset_destroy(dataset);
}

static void test_roles_that_say_too_little_are_left_out(void **state)
{
    (void)state;
    static const char speeches[] = "A\t0\t4\nB\t2\t24\nC\t1\t20\n";
    write_play(ALPHABET, speeches);
    struct nn_dataset *dataset =
        must_open("{verify: false, min_characters: 21, length: 2}");
    assert_int_equal(nn_dataset_train(dataset)->n_groups, 1); /* B */
    nn_dataset_destroy(dataset);
    dataset = must_open("{verify: false, min_characters: 20, length: 2}");
    assert_int_equal(nn_dataset_train(dataset)->n_groups, 2);
    nn_dataset_destroy(dataset);
    /* A's last fifth is one character: no window, though min_characters is 0 */
    dataset = must_open("{" SMALL ", length: 2}");
    assert_int_equal(nn_dataset_train(dataset)->n_groups, 2);
    assert_int_equal(nn_dataset_test(dataset)->n_groups, 2);
    nn_dataset_destroy(dataset);
    struct fl_error err = {0};
    assert_int_equal(open_play("{verify: false}", &dataset, &err), FL_E_CONFIG);
    assert_non_null(strstr(err.text, "min_characters = 500"));
    assert_int_equal(open_play("{" SMALL ", length: 26}", &dataset, &err),
                     FL_E_CONFIG);
    assert_non_null(strstr(err.text, "length = 26"));
}

static void test_tokens_are_gathered_as_they_are(void **state)
{
    (void)state;
    write_play(ALPHABET, "X\t0\t26\n");
    struct nn_dataset *dataset = must_open("{" SMALL ", length: 3, stride: 1}");
    int64_t index[2] = {4, 0};
    assert_true(nn_dataset_is_tokens(dataset));
    for (int how = 0; how < NN_NORMALIZE_LAST_; how++) {
        float x[6];
        int32_t labels[2];
        nn_dataset_gather(dataset, nn_dataset_train(dataset),
                          (enum nn_normalize)how, index, 2, x, labels);
        static const float expected[6] = {5, 6, 7, 1, 2, 3}; /* efg, abc */
        assert_memory_equal(x, expected, sizeof x);
        assert_int_equal(labels[0], 8);
        assert_int_equal(labels[1], 4);
    }
    nn_dataset_destroy(dataset);
}

static void test_tables_that_leave_the_text_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "X",
        "X\t0",
        "X\t0\t",
        "X\t\t5",
        "\t0\t5",
        "X\t-1\t5",
        "X\t26\t1",
        "X\t0\t0",
        "X\t0\t27",
        "X\t25\t2",
        "X\t0\t99999999999999999999",
        "X\t0\t5\t",
        "X\t0\t5 ",
        "X\t0\t5\nX\t4\t5", /* overlap */
        "X\t9\t5\nX\t0\t5", /* not in the order of the text */
        "Y\t0\t5\nX\t0\t5", /* roles not sorted */
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct nn_dataset *dataset = NULL;
        struct fl_error err = {0};
        write_play(ALPHABET, wrong[i]);
        assert_int_equal(open_play("{" SMALL ", length: 2}", &dataset, &err),
                         FL_E_FORMAT);
        assert_null(dataset);
        assert_non_null(strstr(err.text, "speeches.tsv:"));
    }
}

static void test_another_text_is_refused_unless_told_to_take_it(void **state)
{
    (void)state;
    struct nn_dataset *dataset = NULL;
    struct fl_error err = {0};
    write_play(ALPHABET, "X\t0\t26\n");
    assert_int_equal(
        open_play("{length: 2, min_characters: 0}", &dataset, &err),
        FL_E_FORMAT);
    assert_non_null(strstr(err.text, "not the published content"));
}

static void test_failed_allocations_are_survived(void **state)
{
    (void)state;
    bool was_refused = false;
    write_play(ALPHABET, "X\t0\t13\nY\t13\t13\n");
    struct fl_config *config = config_of("{" SMALL ", length: 2}");
    const struct nn_dataset_type *type = nn_dataset_find("shakespeare");
    void *opts = fl_calloc(1, type->opts_size);
    struct nn_dataset_place place = {scratch, scratch, 1};
    assert_non_null(opts);
    fl_config_decode(config, fl_config_root(config), type->params, NULL, opts);
    for (long nth = 1;; nth++) {
        struct nn_raw raw;
        struct fl_error err;
        (void)fl_alloc_fail_at(nth);
        enum fl_status status =
            nn_dataset_decode(type, opts, &place, &raw, &err);
        (void)fl_alloc_fail_at(0);
        if (status == FL_OK) {
            assert_int_equal(raw.train.n_groups, 2);
            nn_raw_fini(&raw);
            break;
        }
        assert_int_equal(status, FL_E_NOMEM);
        was_refused = true;
    }
    assert_true(was_refused);
    fl_free(opts);
    fl_config_destroy(config);
}

int main(void)
{
#define WITH_SCRATCH(test)                                                     \
    cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_SCRATCH(
            test_windows_of_a_role_are_cut_in_time_and_labels_stay_with_them),
        WITH_SCRATCH(test_strides_are_characters_between_windows),
        WITH_SCRATCH(test_a_role_is_a_group_and_its_speeches_are_joined),
        WITH_SCRATCH(test_roles_that_say_too_little_are_left_out),
        WITH_SCRATCH(test_tokens_are_gathered_as_they_are),
        WITH_SCRATCH(test_tables_that_leave_the_text_are_refused),
        WITH_SCRATCH(test_another_text_is_refused_unless_told_to_take_it),
        WITH_SCRATCH(test_failed_allocations_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
