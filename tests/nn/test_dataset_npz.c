/* Data sets from .npz files: those of numpy (tests/nn/npz_reference.py made
 * them) and damaged ones.
 *     test_nn_dataset_npz DIR */
#include "base/alloc.h"
#include "base/file.h"
#include "nn/dataset_priv.h"
#include "test_dataset_support.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *folder;
static char cache[64];

static int set_up(void **state)
{
    (void)state;
    scratch_create(cache);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scratch_destroy(cache);
    return 0;
}

static enum fl_status open_in(const char *root,
                              const char *options,
                              struct nn_dataset **ret,
                              struct fl_error *err)
{
    struct nn_dataset_place place = {root, cache, 1};
    struct fl_config *config = config_of(options);
    enum fl_status status = nn_dataset_create(
        config, "npz", fl_config_root(config), &place, ret, err);
    fl_config_destroy(config);
    return status;
}

static struct nn_dataset *must_open(const char *options)
{
    struct nn_dataset *dataset;
    struct fl_error err;
    assert_ok(open_in(folder, options, &dataset, &err), &err);
    return dataset;
}

/* images() of npz_reference.py */
static void expect_pixels(const struct nn_split *split, int64_t n, int salt)
{
    for (int64_t k = 0; k < n; k++)
        assert_int_equal(split->pixels[k], (k * 7 + salt + k / 256) % 256);
}

static void expect_set(const char *options, int64_t channels)
{
    struct nn_dataset *dataset = must_open(options);
    const struct nn_split *train = nn_dataset_train(dataset);
    const struct nn_split *test = nn_dataset_test(dataset);
    const struct nn_shape *shape = nn_dataset_shape(dataset);
    assert_int_equal(shape->rank, 3);
    assert_int_equal(shape->dim[0], 2);
    assert_int_equal(shape->dim[1], 3);
    assert_int_equal(shape->dim[2], channels);
    assert_int_equal(nn_dataset_classes(dataset), 3);
    assert_false(nn_dataset_is_tokens(dataset));
    assert_int_equal(nn_dataset_sample_bytes(dataset), 6 * channels + 1);
    assert_int_equal(train->n, 6);
    assert_int_equal(test->n, 4);
    expect_pixels(train, 36 * channels, 0);
    expect_pixels(test, 24 * channels, 5);
    for (int i = 0; i < 6; i++)
        assert_int_equal(train->labels[i], i % 3);
    for (int i = 0; i < 4; i++)
        assert_int_equal(test->labels[i], i % 2);
    nn_dataset_destroy(dataset);
}

static void test_archives_of_numpy_are_data_sets(void **state)
{
    (void)state;
    expect_set("{file: stored.npz}", 1);
    expect_set("{file: deflated.npz}", 3);
    expect_set("{file: medmnist.npz}", 1);
}

static void test_groups_are_numbered_over_both_splits(void **state)
{
    (void)state;
    static const int32_t of_train[6] = {3, 0, 3, 1, 1, 0}; /* -5 7 8 30 */
    static const int32_t of_test[4] = {2, 3, 3, 0};
    struct nn_dataset *dataset = must_open("{file: deflated.npz}");
    const struct nn_split *train = nn_dataset_train(dataset);
    const struct nn_split *test = nn_dataset_test(dataset);
    assert_int_equal(train->n_groups, 4);
    assert_int_equal(test->n_groups, 4);
    assert_memory_equal(train->groups, of_train, sizeof of_train);
    assert_memory_equal(test->groups, of_test, sizeof of_test);
    nn_dataset_destroy(dataset);
    dataset = must_open("{file: stored.npz}");
    assert_null(nn_dataset_train(dataset)->groups);
    nn_dataset_destroy(dataset);
}

static void test_a_file_may_be_anywhere_and_has_more_classes(void **state)
{
    (void)state;
    char absolute[PATH_MAX], options[PATH_MAX + 64];
    struct nn_dataset *dataset;
    struct fl_error err;
    assert_non_null(realpath(folder, absolute));
    (void)snprintf(options, sizeof options,
                   "{file: \"%s/stored.npz\", classes: 7}", absolute);
    assert_ok(open_in("/nonexistent", options, &dataset, &err), &err);
    assert_int_equal(nn_dataset_classes(dataset), 7);
    nn_dataset_destroy(dataset);
    assert_int_equal(
        open_in(folder, "{file: stored.npz, classes: 2}", &dataset, &err),
        FL_E_FORMAT);
    assert_non_null(strstr(err.text, "y_train: label 2 is 2, allowed 0 .. 1"));
    assert_int_equal(open_in(folder, "{file: none.npz}", &dataset, &err),
                     FL_E_IO);
    assert_non_null(strstr(err.text, "none.npz"));
    assert_int_equal(open_in(folder, "{}", &dataset, &err), FL_E_CONFIG);
    assert_non_null(strstr(err.text, "file"));
}

/* The cache tells files apart by name, not only by size and time. */
static void test_two_files_are_two_sets(void **state)
{
    (void)state;
    struct nn_dataset *a = must_open("{file: stored.npz}");
    struct nn_dataset *b = must_open("{file: medmnist.npz}");
    struct nn_dataset *c = must_open("{file: deflated.npz}");
    assert_int_equal(count_ending(cache, ".fcd"), 3);
    assert_string_equal(nn_dataset_sha256(a), nn_dataset_sha256(b));
    assert_string_not_equal(nn_dataset_sha256(a), nn_dataset_sha256(c));
    nn_dataset_destroy(a);
    nn_dataset_destroy(b);
    nn_dataset_destroy(c);
}

static void
test_arrays_that_do_not_fit_are_refused_with_both_sides(void **state)
{
    (void)state;
    static const struct {
        const char *name, *reason;
    } bad[] = {
        {"missing", "no array y_test or test_labels"},
        {"float", "x_train: float32 [6, 2, 3], expected uint8 [n, height"},
        {"flat", "x_train: uint8 [6, 6], expected uint8 [n, height"},
        {"channels", "x_train: uint8 [6, 2, 3, 17], expected"},
        {"none", "x_train: uint8 [0, 2, 3], expected"},
        {"shape", "x_test: uint8 [4, 3, 2], expected the shape of the"},
        {"label_type", "y_train: float64 [6], expected integers [6]"},
        {"label_count", "y_train: int64 [5], expected integers [6]"},
        {"label_onehot", "y_train: uint8 [6, 3], expected integers [6]"},
        {"label_negative", "y_test: label 2 is -1, allowed 0 .. 255"},
        {"label_large", "y_test: label 2 is 256, allowed 0 .. 255"},
        {"group_count", "groups_train: int64 [5], expected integers, one"},
        {"group_type", "groups_test: float64 [4], expected integers, one"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char options[80];
        struct nn_dataset *dataset = NULL;
        struct fl_error err = {0};
        (void)snprintf(options, sizeof options, "{file: bad_%s.npz}",
                       bad[i].name);
        assert_int_equal(open_in(folder, options, &dataset, &err), FL_E_FORMAT);
        assert_null(dataset);
        if (!strstr(err.text, bad[i].reason))
            fail_msg("found: %s\nexpected: %s", err.text, bad[i].reason);
    }
}

static void read_archive(const char *name, uint8_t **ret, size_t *ret_n)
{
    char path[1000];
    struct fl_error err;
    (void)snprintf(path, sizeof path, "%s/%s.npz", folder, name);
    assert_ok(fl_file_read(path, 1 << 20, ret, ret_n, &err), &err);
}

static void
decode_damaged(const uint8_t *bytes, size_t n_bytes, const struct nn_raw *whole)
{
    struct nn_raw raw = {0};
    struct fl_error err = {0};
    enum fl_status status =
        nn_npz_decode("x.npz", bytes, n_bytes, 0, &raw, &err);
    if (status == FL_OK) { /* what was hit matters to nobody */
        assert_memory_equal(raw.train.pixels, whole->train.pixels, 36);
        assert_memory_equal(raw.test.pixels, whole->test.pixels, 24);
        assert_memory_equal(raw.train.labels, whole->train.labels, 6);
        assert_memory_equal(raw.test.labels, whole->test.labels, 4);
    } else {
        assert_int_equal(status, FL_E_FORMAT);
        assert_non_null(strstr(err.text, "x.npz"));
    }
    nn_raw_fini(&raw);
}

static void test_damaged_archives_are_refused_or_mean_the_same(void **state)
{
    (void)state;
    static const char *const names[] = {"stored", "deflated"};
    for (size_t a = 0; a < 2; a++) {
        struct nn_raw whole = {0};
        struct fl_error err;
        uint8_t *bytes;
        size_t n;
        read_archive(names[a], &bytes, &n);
        assert_ok(nn_npz_decode("x", bytes, n, 0, &whole, &err), &err);
        for (size_t cut = 0; cut < n; cut++) {
            struct nn_raw raw = {0};
            uint8_t *part = fl_calloc(cut + 1, 1);
            assert_non_null(part);
            memcpy(part, bytes, cut);
            assert_int_equal(nn_npz_decode("x", part, cut, 0, &raw, &err),
                             FL_E_FORMAT);
            nn_raw_fini(&raw);
            fl_free(part);
        }
        for (size_t i = 0; i < n; i++)
            for (int bit = 0; bit < 8; bit++) {
                bytes[i] ^= (uint8_t)(1 << bit);
                decode_damaged(bytes, n, &whole);
                bytes[i] ^= (uint8_t)(1 << bit);
            }
        nn_raw_fini(&whole);
        fl_free(bytes);
    }
}

static void test_failed_allocations_are_survived(void **state)
{
    (void)state;
    uint8_t *bytes;
    size_t n;
    read_archive("deflated", &bytes, &n);
    long nth = 1;
    for (;; nth++) {
        struct nn_raw raw = {0};
        struct fl_error err;
        (void)fl_alloc_fail_at(nth);
        enum fl_status status = nn_npz_decode("x", bytes, n, 0, &raw, &err);
        (void)fl_alloc_fail_at(0);
        nn_raw_fini(&raw);
        if (status == FL_OK)
            break;
        assert_int_equal(status, FL_E_NOMEM);
    }
    assert_true(nth > 8); /* six arrays, labels, ids */
    fl_free(bytes);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        (void)fprintf(stderr, "usage: test_nn_dataset_npz DIR\n");
        return 2;
    }
    folder = argv[1];
#define WITH_CACHE(test)                                                       \
    cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_CACHE(test_archives_of_numpy_are_data_sets),
        WITH_CACHE(test_groups_are_numbered_over_both_splits),
        WITH_CACHE(test_a_file_may_be_anywhere_and_has_more_classes),
        WITH_CACHE(test_two_files_are_two_sets),
        WITH_CACHE(test_arrays_that_do_not_fit_are_refused_with_both_sides),
        cmocka_unit_test(test_damaged_archives_are_refused_or_mean_the_same),
        cmocka_unit_test(test_failed_allocations_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
