/* What a scenario says about its data: augmentation, text and images. */
#include "scenario_fixture.h"

#include "base/alloc.h"
#include "base/file.h"

#include <string.h>

static void test_augmentation_is_off_unless_asked_for(void **state)
{
    (void)state;
    struct scn_scenario *s = scn_load_good(scn_good, NULL, 0);
    assert_int_equal(s->augment.crop, 0);
    assert_false(s->augment.flip);
    scn_scenario_destroy(s);
    static const char *const sets[] = {"data.augment={crop: 4, flip: true}"};
    s = scn_load_good(scn_good, sets, 1);
    assert_int_equal(s->augment.crop, 4);
    assert_true(s->augment.flip);
    char *text = scn_emit_text(s);
    struct scn_scenario *again = scn_load_good(text, NULL, 0);
    assert_int_equal(again->augment.crop, 4);
    assert_true(again->augment.flip);
    assert_string_equal(again->sha256, s->sha256);
    fl_free(text);
    scn_scenario_destroy(again);
    scn_scenario_destroy(s);
}

static void test_augmentation_that_cannot_be_is_refused(void **state)
{
    (void)state;
    assert_set_problem("data.augment.crop=-1",
                       "data.augment.crop = -1, allowed a whole number in");
    assert_set_problem("data.augment.flip=1", "data.augment.flip = 1, allowed");
    assert_set_problem("data.augment={corp: 4}", "did you mean 'crop'?");
}

/* Known without the files. */
static void test_text_is_not_augmented(void **state)
{
    (void)state;
    static const char *const parts[] = {"{crop: 1}", "{flip: true}"};
    for (size_t i = 0; i < 2; i++) {
        char set[80];
        (void)snprintf(set, sizeof set,
                       "data={dataset: shakespeare, clients: 8, augment: %s}",
                       parts[i]);
        assert_set_problem(set, "data.augment: found crop or flip, allowed for "
                                "sets of images alone: 'shakespeare' is text");
    }
    /* what a resolved scenario says where nothing was asked for */
    static const char *const off[] = {
        "data={dataset: shakespeare, clients: 8, normalize: standard, augment: "
        "{crop: 0, flip: false}}"};
    scn_scenario_destroy(scn_load_good(scn_good, off, 1));
}

/* Opens the task and expects this among the problems; "": none. */
static void expect_task(const char *const *sets, size_t n, const char *expected)
{
    struct scn_scenario *s = scn_load_good(scn_good, sets, n);
    struct scn_task task = {0};
    struct fl_error err = {0};
    char *problems = NULL;
    size_t n_bytes = 0;
    FILE *out = open_memstream(&problems, &n_bytes);
    assert_non_null(out);
    enum fl_status status =
        scn_task_init(&task, s, NULL, "test_scenario_data_cache", out, &err);
    assert_int_equal(fclose(out), 0);
    if (expected[0] == '\0')
        assert_ok(status, &err);
    else
        assert_int_equal(status, FL_E_CONFIG);
    if (!strstr(problems, expected))
        fail_msg("found: %s\nexpected: %s", problems, expected);
    fl_free(problems);
    scn_task_fini(&task);
    scn_scenario_destroy(s);
}

static void test_a_crop_has_to_leave_something_of_an_image(void **state)
{
    (void)state;
    static const char *const whole[] = {"data.augment.crop=28"};
    static const char *const most[] = {"data.augment.crop=27"};
    expect_task(whole, 1, "data.augment.crop = 28, allowed less than 28");
    expect_task(most, 1, "");
}

static const char on_text[] =
    "data={dataset: {kind: shakespeare, verify: false, min_characters: 0, "
    "length: 4}, clients: 2, partition: natural, root: test_scenario_text}";

static void write_text(void)
{
    static const char text[] = "To be, or not to be, that is the question.";
    static const char speeches[] = "A\t0\t42\nB\t0\t42\n";
    struct fl_error err;
    assert_ok(fl_dir_create("test_scenario_text/shakespeare", &err), &err);
    assert_ok(fl_file_write("test_scenario_text/shakespeare/"
                            "tinyshakespeare.txt",
                            text, strlen(text), &err),
              &err);
    assert_ok(fl_file_write("test_scenario_text/shakespeare/speeches.tsv",
                            speeches, strlen(speeches), &err),
              &err);
}

static void test_text_needs_a_model_that_takes_tokens(void **state)
{
    (void)state;
    static const char fewer[] = "train.clients_per_round=2";
    static const char *const dense[] = {
        on_text, fewer, "model=[{kind: dense, units: classes}]"};
    static const char *const embedding[] = {
        on_text, fewer,
        "model=[{kind: embedding, tokens: classes, units: 2}, flatten, "
        "{kind: dense, units: classes}]"};
    write_text();
    expect_task(dense, 3,
                "model: it reads images, but 'shakespeare' is a set of text");
    expect_task(embedding, 3, "");
}

static void test_images_need_a_model_that_takes_no_tokens(void **state)
{
    (void)state;
    static const char *const embedding[] = {
        "model=[{kind: embedding, tokens: classes, units: 2}, flatten, "
        "{kind: dense, units: classes}]"};
    expect_task(embedding, 1, "token");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_augmentation_is_off_unless_asked_for),
        cmocka_unit_test(test_augmentation_that_cannot_be_is_refused),
        cmocka_unit_test(test_text_is_not_augmented),
        cmocka_unit_test(test_a_crop_has_to_leave_something_of_an_image),
        cmocka_unit_test(test_text_needs_a_model_that_takes_tokens),
        cmocka_unit_test(test_images_need_a_model_that_takes_no_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
