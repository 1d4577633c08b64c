/* Omniglot's splits and groups, on two characters of each of two alphabets; the
 * real drawings are in test_dataset_files.c. */
#include "base/alloc.h"
#include "nn/dataset_priv.h"
#include "test_dataset_support.h"

#include <stdio.h>
#include <string.h>

enum { DRAWERS = 20, CHARACTERS = 4, N = CHARACTERS * DRAWERS, SIZE = 4 };

static char scratch[64], dir[100], cache[100];

static int set_up(void **state)
{
    (void)state;
    scratch_create(scratch);
    (void)snprintf(dir, sizeof dir, "%s/omniglot", scratch);
    (void)snprintf(cache, sizeof cache, "%s/cache", scratch);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scratch_destroy(scratch);
    return 0;
}

/* Alphabet, character, drawer of drawing i, before anything is wrong: Latin
 * (5) has the characters 110 and 111, Greek (2) 50 and 46, in this order. */
static void fill_ids(int16_t ids[N][3])
{
    static const int16_t alphabet[CHARACTERS] = {5, 5, 2, 2};
    static const int16_t character[CHARACTERS] = {110, 111, 50, 46};
    for (int i = 0; i < N; i++) {
        ids[i][0] = alphabet[i / DRAWERS];
        ids[i][1] = character[i / DRAWERS];
        ids[i][2] = (int16_t)(1 + i % DRAWERS);
    }
}

/* The pixels of drawing i are all i. */
static void write_set(int16_t ids[N][3])
{
    uint8_t pixels[N * SIZE], bytes[N * 6];
    uint32_t images[3] = {N, 2, 2}, triples[2] = {N, 3};
    for (int i = 0; i < N * SIZE; i++)
        pixels[i] = (uint8_t)(i / SIZE);
    for (int i = 0; i < N * 3; i++) {
        uint16_t id = (uint16_t)ids[i / 3][i % 3];
        bytes[2 * i] = (uint8_t)(id >> 8);
        bytes[2 * i + 1] = (uint8_t)(id & 0xff);
    }
    write_idx(dir, "omniglot-small-images35-idx3-ubyte", 0x08, 3, images,
              pixels, sizeof pixels);
    write_idx(dir, "omniglot-small-alphabet-char-drawer-idx2-short", 0x0b, 2,
              triples, bytes, sizeof bytes);
}

static enum fl_status
open_set(const char *options, struct nn_dataset **ret, struct fl_error *err)
{
    struct nn_dataset_place place = {scratch, cache, 1};
    struct fl_config *config = config_of(options);
    enum fl_status status = nn_dataset_create(
        config, "omniglot", fl_config_root(config), &place, ret, err);
    fl_config_destroy(config);
    return status;
}

static struct nn_dataset *must_open(const char *options)
{
    int16_t ids[N][3];
    struct nn_dataset *dataset;
    struct fl_error err;
    fill_ids(ids);
    write_set(ids);
    assert_ok(open_set(options, &dataset, &err), &err);
    return dataset;
}

/* Which drawing sample k is, by its pixels; its label is checked: classes go
 * by alphabet, then by character: Greek 46, 50, Latin 110, 111. */
static int drawing_of(const struct nn_split *split, int64_t k)
{
    static const int class_of[CHARACTERS] = {2, 3, 1, 0};
    int drawing = split->pixels[k * SIZE];
    assert_in_range(drawing, 0, N - 1);
    for (int p = 1; p < SIZE; p++)
        assert_int_equal(split->pixels[k * SIZE + p], drawing);
    assert_int_equal(split->labels[k], class_of[drawing / DRAWERS]);
    return drawing;
}

static void test_the_last_five_drawers_are_the_test_split(void **state)
{
    (void)state;
    struct nn_dataset *dataset = must_open("{verify: false}");
    const struct nn_split *train = nn_dataset_train(dataset);
    const struct nn_split *test = nn_dataset_test(dataset);
    assert_int_equal(nn_dataset_classes(dataset), 4);
    assert_int_equal(train->n, 60);
    assert_int_equal(test->n, 20);
    assert_int_equal(train->n_groups, 30); /* 15 of Greek, then 15 of Latin */
    assert_int_equal(test->n_groups, 10);
    for (int64_t k = 0; k < 60; k++) {
        int drawing = drawing_of(train, k), drawer = drawing % DRAWERS;
        assert_true(drawer < 15);
        assert_int_equal(train->groups[k],
                         drawer + (drawing / DRAWERS < 2 ? 15 : 0));
    }
    for (int64_t k = 0; k < 20; k++)
        assert_true(drawing_of(test, k) % DRAWERS >= 15);
    nn_dataset_destroy(dataset);
}

static void test_drawings_may_be_split_so_that_all_drawers_train(void **state)
{
    (void)state;
    struct nn_dataset *dataset = must_open("{verify: false, test: drawings}");
    const struct nn_split *splits[2] = {nn_dataset_train(dataset),
                                        nn_dataset_test(dataset)};
    const int64_t each[2] = {15, 5};
    int times[N] = {0};
    for (int s = 0; s < 2; s++) {
        int64_t of_class[CHARACTERS] = {0};
        for (int64_t k = 0; k < splits[s]->n; k++) {
            times[drawing_of(splits[s], k)]++;
            of_class[splits[s]->labels[k]]++;
        }
        for (int c = 0; c < CHARACTERS; c++)
            assert_int_equal(of_class[c], each[s]);
    }
    for (int i = 0; i < N; i++) /* on one side and once */
        assert_int_equal(times[i], 1);
    assert_int_equal(splits[0]->n_groups, 40);
    nn_dataset_destroy(dataset);
}

static void test_one_alphabet_may_be_the_task(void **state)
{
    (void)state;
    struct nn_dataset *dataset = must_open("{verify: false, alphabet: greek}");
    const struct nn_split *train = nn_dataset_train(dataset);
    assert_int_equal(nn_dataset_classes(dataset), 2);
    assert_int_equal(train->n, 30);
    assert_int_equal(train->n_groups, 15);
    for (int64_t k = 0; k < 30; k++) {
        int drawing = drawing_of(train, k);
        assert_in_range(drawing, 2 * DRAWERS, N - 1);
        assert_int_equal(train->groups[k], drawing % DRAWERS);
    }
    nn_dataset_destroy(dataset);
    struct fl_error err;
    assert_int_equal(
        open_set("{verify: false, alphabet: korean}", &dataset, &err),
        FL_E_FORMAT); /* there is nothing of it in this file */
}

static void test_ids_outside_their_ranges_are_refused(void **state)
{
    (void)state;
    static const int16_t wrong[][3] = {
        {8, 0, 1}, {-1, 0, 1}, {0, 242, 1}, {0, -1, 1},
        {0, 0, 0}, {0, 0, 21}, {0, 0, -3},  {INT16_MIN, INT16_MIN, INT16_MIN},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        int16_t ids[N][3];
        struct nn_dataset *dataset = NULL;
        struct fl_error err = {0};
        fill_ids(ids);
        memcpy(ids[7], wrong[i], sizeof wrong[i]);
        write_set(ids);
        assert_int_equal(open_set("{verify: false}", &dataset, &err),
                         FL_E_FORMAT);
        assert_null(dataset);
        assert_non_null(strstr(err.text, "row 7 is"));
    }
}

static void test_a_table_of_another_size_or_content_is_refused(void **state)
{
    (void)state;
    int16_t ids[N][3];
    struct nn_dataset *dataset = NULL;
    struct fl_error err = {0};
    uint8_t bytes[N * 6] = {0};
    uint32_t fewer[2] = {N - 1, 3}, wider[2] = {N / 2, 6};
    static const char name[] = "omniglot-small-alphabet-char-drawer-idx2-short";
    fill_ids(ids);
    write_set(ids);
    assert_int_equal(open_set("{}", &dataset, &err), FL_E_FORMAT);
    assert_non_null(strstr(err.text, "not the published content"));
    write_idx(dir, name, 0x0b, 2, fewer, bytes, (N - 1) * 6);
    assert_int_equal(open_set("{verify: false}", &dataset, &err), FL_E_FORMAT);
    assert_non_null(strstr(err.text, "79x3 numbers, expected 80x3"));
    write_idx(dir, name, 0x0b, 2, wider, bytes, N * 6);
    assert_int_equal(open_set("{verify: false}", &dataset, &err), FL_E_FORMAT);
    assert_non_null(strstr(err.text, "40x6 numbers, expected 80x3"));
}

static void test_a_character_of_two_alphabets_leads_nowhere(void **state)
{
    (void)state;
    int16_t ids[N][3];
    struct nn_dataset *dataset;
    struct fl_error err;
    fill_ids(ids);
    ids[7][0] = 0; /* a Latin character, said once to be Balinese */
    write_set(ids);
    assert_ok(open_set("{verify: false, test: drawings}", &dataset, &err),
              &err);
    assert_int_equal(nn_dataset_train(dataset)->n, 60);
    nn_dataset_destroy(dataset);
}

static void test_failed_allocations_are_survived(void **state)
{
    (void)state;
    int16_t ids[N][3];
    fill_ids(ids);
    write_set(ids);
    struct fl_config *config = config_of("{verify: false}");
    const struct nn_dataset_type *type = nn_dataset_find("omniglot");
    struct nn_dataset_place place = {scratch, cache, 1};
    void *opts = fl_calloc(1, type->opts_size);
    assert_non_null(opts);
    fl_config_decode(config, fl_config_root(config), type->params, NULL, opts);
    long nth = 1;
    for (;; nth++) {
        struct nn_raw raw;
        struct fl_error err;
        (void)fl_alloc_fail_at(nth);
        enum fl_status status =
            nn_dataset_decode(type, opts, &place, &raw, &err);
        (void)fl_alloc_fail_at(0);
        if (status == FL_OK) {
            nn_raw_fini(&raw);
            break;
        }
        assert_int_equal(status, FL_E_NOMEM);
    }
    assert_true(nth > 8); /* two files, two splits of three arrays */
    fl_free(opts);
    fl_config_destroy(config);
}

int main(void)
{
#define WITH_SCRATCH(test)                                                     \
    cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_SCRATCH(test_the_last_five_drawers_are_the_test_split),
        WITH_SCRATCH(test_drawings_may_be_split_so_that_all_drawers_train),
        WITH_SCRATCH(test_one_alphabet_may_be_the_task),
        WITH_SCRATCH(test_ids_outside_their_ranges_are_refused),
        WITH_SCRATCH(test_a_table_of_another_size_or_content_is_refused),
        WITH_SCRATCH(test_a_character_of_two_alphabets_leads_nowhere),
        WITH_SCRATCH(test_failed_allocations_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
