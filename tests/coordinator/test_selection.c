/* Laws of every registered selection policy. */
#include "support/assert_near.h"

#include "coordinator/selection.h"

#include <stdio.h>
#include <string.h>

static struct fl_config *empty_config(void)
{
    struct fl_config *config = NULL;
    struct fl_error err = {0};
    assert_ok(fl_config_parse("test", "a: 1\n", 5, &config, &err), &err);
    return config;
}

/* Runs check with each policy of the table under its default options. */
static void for_each(void (*check)(const struct coord_selection_type *,
                                   const void *))
{
    for (size_t i = 0; coord_selections[i]; i++) {
        char text[128];
        struct coord_selection selection;
        struct fl_config *config = NULL;
        struct fl_error err = {0};
        (void)snprintf(text, sizeof text, "kind: %s\n",
                       coord_selections[i]->name);
        assert_ok(fl_config_parse("test", text, strlen(text), &config, &err),
                  &err);
        assert_ok(coord_selection_init(&selection, config,
                                       fl_config_root(config), &err),
                  &err);
        assert_int_equal(fl_config_n_problems(config), 0);
        print_message("  %s\n", selection.type->name);
        check(selection.type, selection.opts);
        coord_selection_fini(&selection);
        fl_config_destroy(config);
    }
}

static void choose(const struct coord_selection_type *type,
                   const void *opts,
                   uint64_t seed,
                   int64_t round,
                   int64_t population,
                   int64_t k,
                   int64_t *ret)
{
    struct fl_error err = {0};
    assert_ok(type->choose(opts, seed, round, population, k, ret, &err), &err);
}

static void check_is_subset(const struct coord_selection_type *type,
                            const void *opts)
{
    int64_t chosen[64];
    for (int64_t population = 1; population <= 64; population++) {
        for (int64_t k = 1; k <= population; k++) {
            choose(type, opts, 3, population * k, population, k, chosen);
            for (int64_t i = 0; i < k; i++) {
                assert_in_range(chosen[i], 0, population - 1);
                if (i > 0)
                    assert_true(chosen[i] > chosen[i - 1]);
            }
        }
    }
}

static void check_is_function(const struct coord_selection_type *type,
                              const void *opts)
{
    int64_t a[10], b[10];
    int n_other = 0;
    for (int64_t round = 0; round < 50; round++) {
        choose(type, opts, 1, round, 1000, 10, a);
        choose(type, opts, 1, round, 1000, 10, b);
        assert_memory_equal(a, b, sizeof a);
        choose(type, opts, 2, round, 1000, 10, b);
        n_other += memcmp(a, b, sizeof a) != 0;
    }
    assert_true(n_other >= 49); /* another seed, another cohort */
}

static void check_bounds(const struct coord_selection_type *type,
                         const void *opts)
{
    int64_t chosen[4] = {-1, -1, -1, -1};
    struct fl_error err = {0};
    assert_int_equal(type->choose(opts, 1, 0, 3, 4, chosen, &err), FL_E_ARG);
    assert_int_equal(type->choose(opts, 1, 0, 3, 0, chosen, &err), FL_E_ARG);
    assert_int_equal(chosen[0], -1);
}

static void test_policies_choose_a_subset_in_order(void **state)
{
    (void)state;
    for_each(check_is_subset);
}

static void test_policies_are_functions_of_seed_and_round(void **state)
{
    (void)state;
    for_each(check_is_function);
}

static void test_policies_refuse_impossible_sizes(void **state)
{
    (void)state;
    for_each(check_bounds);
}

static void test_uniform_is_uniform(void **state)
{
    (void)state;
    enum { POPULATION = 20, K = 5, ROUNDS = 20000 };
    int64_t chosen[K], hits[POPULATION] = {0};
    struct coord_selection selection;
    struct fl_error err = {0};
    struct fl_config *config = empty_config();
    assert_ok(coord_selection_init(&selection, config, NULL, &err), &err);
    assert_string_equal(selection.type->name, "uniform");
    for (int64_t round = 0; round < ROUNDS; round++) {
        choose(selection.type, selection.opts, 9, round, POPULATION, K, chosen);
        for (int i = 0; i < K; i++)
            hits[chosen[i]]++;
    }
    /* Binomial(20000, 1/4): standard deviation 61; 5 of them. */
    for (int i = 0; i < POPULATION; i++)
        assert_near((double)hits[i], 5000, 0, 306);
    coord_selection_fini(&selection);
    fl_config_destroy(config);
}

static void test_unknown_policy_names_the_nearest(void **state)
{
    (void)state;
    struct coord_selection selection;
    struct fl_config *config = NULL;
    struct fl_error err = {0};
    const char *text = "selection: unifrom\n";
    assert_ok(fl_config_parse("t.yaml", text, strlen(text), &config, &err),
              &err);
    assert_int_equal(
        coord_selection_init(&selection, config,
                             fl_node_find(fl_config_root(config), "selection"),
                             &err),
        FL_E_CONFIG);
    assert_int_equal(fl_config_check(config, &err), FL_E_CONFIG);
    assert_non_null(strstr(err.text, "t.yaml:1:12"));
    assert_non_null(strstr(err.text, "did you mean 'uniform'"));
    fl_config_destroy(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_policies_choose_a_subset_in_order),
        cmocka_unit_test(test_policies_are_functions_of_seed_and_round),
        cmocka_unit_test(test_policies_refuse_impossible_sizes),
        cmocka_unit_test(test_uniform_is_uniform),
        cmocka_unit_test(test_unknown_policy_names_the_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
