/* What every registered data set keeps, walked over the table: whatever has a
 * row is tested. Sets that come as files are tested here as far as that goes
 * without the files; the rest is in test_dataset_files.c. */
#include "nn/dataset_priv.h"
#include "nn/registry.h"

#include "base/alloc.h"
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

static void test_rows_describe_themselves(void **state)
{
    (void)state;
    for (size_t i = 0; nn_datasets[i]; i++) {
        const struct nn_dataset_type *type = nn_datasets[i];
        print_message("%s\n", type->name);
        assert_ptr_equal(nn_dataset_find(type->name), type);
        assert_true(strlen(type->doc) > 10);
        assert_true(strlen(type->how_to_get) > 10);
        assert_true(type->version >= 1);
        assert_true(type->opts_size >= 1);
        assert_non_null(type->decode);
        assert_int_equal(type->sources == NULL, type->folders == NULL);
        assert_false(type->sources && type->file);
        if (i > 0) /* sorted, so no name twice */
            assert_true(strcmp(nn_datasets[i - 1]->name, type->name) < 0);
    }
}

static void test_sums_are_sha256_and_files_are_few(void **state)
{
    (void)state;
    for (size_t i = 0; nn_datasets[i]; i++) {
        const struct nn_source *source = nn_datasets[i]->sources;
        for (int n = 0; source && source->name; source++) {
            assert_true(++n <= NN_MAX_SOURCES);
            if (source->sha256)
                assert_int_equal(strspn(source->sha256, "0123456789abcdef"),
                                 64);
            /* names are without .gz: both are looked for */
            assert_null(strstr(source->name, ".gz"));
        }
    }
}

/* They are part of the cache's key, which can hash only these. A text has to be
 * given: one by default would not outlive the reading of no options. */
static void test_options_are_plain_values_with_defaults_or_texts(void **state)
{
    (void)state;
    for (size_t i = 0; nn_datasets[i]; i++)
        for (const struct fl_param *p = nn_datasets[i]->params; p->key; p++) {
            assert_non_null(p->doc);
            if (p->kind == FL_PARAM_STRING) {
                assert_true(p->required);
                continue;
            }
            assert_true(p->kind == FL_PARAM_BOOL || p->kind == FL_PARAM_INT ||
                        p->kind == FL_PARAM_DOUBLE || p->kind == FL_PARAM_ENUM);
            assert_non_null(p->def);
        }
}

static void test_missing_files_are_an_error_that_helps(void **state)
{
    (void)state;
    for (size_t i = 0; nn_datasets[i]; i++) {
        const struct nn_dataset_type *type = nn_datasets[i];
        if (nn_dataset_is_generator(type))
            continue;
        struct nn_dataset_place place = {scratch, scratch, 1};
        struct nn_dataset *dataset = NULL;
        struct fl_error err;
        struct fl_config *config =
            config_of(type->example ? type->example : "{}");
        assert_int_equal(nn_dataset_create(config, type->name,
                                           fl_config_root(config), &place,
                                           &dataset, &err),
                         FL_E_IO);
        assert_null(dataset);
        assert_non_null(strstr(err.text, type->how_to_get));
        assert_non_null(strstr(err.text, type->name));
        assert_non_null(strstr(err.text, scratch));
        for (size_t f = 0; type->folders && type->folders[f]; f++)
            assert_non_null(strstr(err.text, type->folders[f]));
        fl_config_destroy(config);
    }
}

static void check_split(const struct nn_split *split, int64_t classes)
{
    int64_t seen[256] = {0};
    assert_true(split->n > 0);
    for (int64_t i = 0; i < split->n; i++) {
        assert_true(split->labels[i] < classes);
        seen[split->labels[i]]++;
        if (split->groups)
            assert_in_range(split->groups[i], 0, split->n_groups - 1);
    }
    for (int64_t c = 0; c < classes; c++)
        assert_true(seen[c] > 0);
    assert_int_equal(split->groups != NULL, split->n_groups > 0);
}

/* Generators need no files, so they are run whole. */
static void test_generated_sets_keep_the_laws_of_a_data_set(void **state)
{
    (void)state;
    for (size_t i = 0; nn_datasets[i]; i++) {
        if (!nn_dataset_is_generator(nn_datasets[i]))
            continue;
        const char *name = nn_datasets[i]->name;
        char sha256[2][65];
        for (uint64_t seed = 0; seed < 2; seed++) {
            struct nn_dataset_place place = {NULL, scratch, seed};
            struct nn_dataset *dataset;
            struct fl_error err;
            assert_ok(
                nn_dataset_create(NULL, name, NULL, &place, &dataset, &err),
                &err);
            check_split(nn_dataset_train(dataset), nn_dataset_classes(dataset));
            check_split(nn_dataset_test(dataset), nn_dataset_classes(dataset));
            (void)snprintf(sha256[seed], 65, "%s", nn_dataset_sha256(dataset));
            nn_dataset_destroy(dataset);
        }
        assert_string_not_equal(sha256[0], sha256[1]);
    }
}

static void test_no_option_table_takes_an_unknown_key(void **state)
{
    (void)state;
    for (size_t i = 0; nn_datasets[i]; i++) {
        struct fl_config *config = config_of("{no_such_key: 1}");
        struct fl_error err;
        assert_int_equal(nn_dataset_check(config, nn_datasets[i]->name,
                                          fl_config_root(config), &err),
                         FL_E_CONFIG);
        assert_non_null(strstr(err.text, "no_such_key"));
        fl_config_destroy(config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_describe_themselves),
        cmocka_unit_test(test_sums_are_sha256_and_files_are_few),
        cmocka_unit_test(test_options_are_plain_values_with_defaults_or_texts),
        cmocka_unit_test_setup_teardown(
            test_missing_files_are_an_error_that_helps, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_generated_sets_keep_the_laws_of_a_data_set, set_up, tear_down),
        cmocka_unit_test(test_no_option_table_takes_an_unknown_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
