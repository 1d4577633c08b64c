/* What each kind of partition promises beyond the laws of all. */
#include "nn/partition.h"

#include "base/alloc.h"
#include "test_partition_support.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

static struct samples even, skewed;

static int set_up(void **state)
{
    (void)state;
    samples_init(&even, 60000, false, 500);
    samples_init(&skewed, 55000, true, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    samples_fini(&even);
    samples_fini(&skewed);
    return 0;
}

static struct nn_partition
make(const char *kind, const struct nn_split *train, int64_t clients)
{
    struct nn_partition p;
    struct fl_error err;
    assert_ok(make_partition(&p, kind, train, clients, 11, &err), &err);
    (void)check_partition(&p, train);
    return p;
}

static void
size_range(const struct nn_partition *p, int64_t *ret_least, int64_t *ret_most)
{
    *ret_least = INT64_MAX;
    *ret_most = 0;
    for (int64_t c = 0; c < p->clients; c++) {
        int64_t n = p->start[c + 1] - p->start[c];
        *ret_least = n < *ret_least ? n : *ret_least;
        *ret_most = n > *ret_most ? n : *ret_most;
    }
}

static void expect_sizes(const char *kind,
                         const struct nn_split *train,
                         int64_t clients,
                         int64_t least,
                         int64_t most)
{
    struct nn_partition p = make(kind, train, clients);
    int64_t found_least, found_most;
    size_range(&p, &found_least, &found_most);
    assert_int_equal(found_least, least);
    assert_int_equal(found_most, most);
    nn_partition_fini(&p);
}

static void test_equal_sizes_differ_by_one_at_most(void **state)
{
    (void)state;
    expect_sizes("iid", &even.split, 100, 600, 600);
    expect_sizes("iid", &even.split, 7, 8571, 8572);
    expect_sizes("dirichlet", &even.split, 100, 600, 600);
    expect_sizes("{kind: dirichlet, alpha: 1e-6}", &even.split, 7, 8571, 8572);
    expect_sizes("{kind: dirichlet, alpha: 1e6}", &skewed.split, 100, 550, 550);
    expect_sizes("shards", &even.split, 100, 600, 600);
    expect_sizes("{kind: sizes, exponent: 0}", &even.split, 100, 600, 600);
}

/* Expected skew of n samples drawn without regard to class: the multinomial
 * variance (1 - sum q^2) / n. */
static void test_iid_clients_have_the_class_mix_of_the_whole(void **state)
{
    (void)state;
    struct nn_partition p = make("iid", &even.split, 100);
    /* mean of 100 clients of 10 classes: standard error 5 % */
    assert_near(class_skew(&p, &even.split), 0.9 / 600, 0.2, 0);
    nn_partition_fini(&p);
}

static double skew_of(const char *kind, const struct nn_split *train)
{
    struct nn_partition p = make(kind, train, 100);
    double skew = class_skew(&p, train);
    nn_partition_fini(&p);
    return skew;
}

/* Of q ~ Dir(a, .., a) over 10 classes: E sum (q - 0.1)^2 = 0.9 / (10 a + 1),
 * plus 1/600 of what is left by drawing 600 samples. The mean of 100 clients
 * has a standard error of about 5 %; that all samples have to be given out
 * adds up to 5 % (ten seeds: 0.92 .. 1.16 of the closed form, mean 1.03). */
static void test_dirichlet_skew_follows_alpha(void **state)
{
    (void)state;
    static const double alpha[] = {0.1, 0.5, 1, 10, 1000};
    double last = 1;
    for (size_t i = 0; i < sizeof alpha / sizeof alpha[0]; i++) {
        char kind[64];
        (void)snprintf(kind, sizeof kind, "{kind: dirichlet, alpha: %g}",
                       alpha[i]);
        double var = 0.9 / (10 * alpha[i] + 1);
        double expected = var + (0.9 - var) / 600;
        double found = skew_of(kind, &even.split);
        print_message("alpha %g: skew %.4f, closed form %.4f\n", alpha[i],
                      found, expected);
        assert_near(found, expected, 0.20, 0);
        assert_true(found < last);
        last = found;
    }
}

static void test_everyone_together_is_the_same_however_they_are_split(void **s)
{
    (void)s;
    struct nn_partition few = make("iid", &even.split, 7);
    struct nn_partition many =
        make("{kind: dirichlet, alpha: 0.1}", &even.split, 100);
    int64_t *a, *b, n = even.split.n;
    assert_int_equal(nn_partition_everyone(&few, &a, NULL), FL_OK);
    assert_int_equal(nn_partition_everyone(&many, &b, NULL), FL_OK);
    assert_int_equal(few.start[7], n);
    assert_int_equal(many.start[100], n);
    for (int64_t i = 0; i < n; i++) {
        assert_int_equal(a[i], i);
        assert_int_equal(b[i], i);
    }
    fl_free(a);
    fl_free(b);
    nn_partition_fini(&few);
    nn_partition_fini(&many);
}

static double classes_per_client(const char *kind, int64_t clients)
{
    struct nn_partition p = make(kind, &even.split, clients);
    int64_t n, total = 0;
    for (int64_t k = 0; k < clients; k++) {
        bool has[10] = {false};
        const int64_t *index = nn_partition_client(&p, k, &n);
        for (int64_t i = 0; i < n; i++)
            has[even.labels[index[i]]] = true;
        for (int c = 0; c < 10; c++)
            total += has[c];
    }
    nn_partition_fini(&p);
    return (double)total / (double)clients;
}

static void test_tiny_alpha_gives_few_classes_and_huge_alpha_all(void **state)
{
    (void)state;
    /* one class each; clients whose class is used up go on to another */
    print_message("classes per client at alpha 1e-6: %.2f\n",
                  classes_per_client("{kind: dirichlet, alpha: 1e-6}", 100));
    assert_true(classes_per_client("{kind: dirichlet, alpha: 1e-6}", 100) <
                1.2);
    assert_true(
        classes_per_client("{kind: dirichlet, alpha: 1e-6, balanced: false}",
                           10) < 2.5);
    assert_near(classes_per_client("{kind: dirichlet, alpha: 1e6}", 100), 10, 0,
                0);
    assert_near(classes_per_client(
                    "{kind: dirichlet, alpha: 1e6, balanced: false}", 100),
                10, 0, 0);
}

static void test_huge_alpha_is_iid_also_for_unequal_classes(void **state)
{
    (void)state;
    double one_minus_squares = 1.0 - 385.0 / 3025.0; /* parts 1 .. 10 of 55 */
    /* standard error of the mean over 100 clients: 5 % */
    assert_near(skew_of("{kind: dirichlet, alpha: 1e6}", &skewed.split),
                one_minus_squares / 550, 0.2, 0);
    /* each class split evenly: only rounding to whole samples is left */
    assert_true(skew_of("{kind: dirichlet, alpha: 1e9, balanced: false}",
                        &skewed.split) < 1e-4);
}

static void test_unbalanced_dirichlet_has_unequal_sizes(void **state)
{
    (void)state;
    struct nn_partition p = make(
        "{kind: dirichlet, alpha: 0.1, balanced: false}", &even.split, 100);
    int64_t least, most;
    size_range(&p, &least, &most);
    assert_true(least >= 1 && most > 3 * 600);
    nn_partition_fini(&p);
}

/* With alpha 1e-6 each class goes to one client; the other 9,990 get one
 * sample each, taken from the largest. */
static void test_clients_left_empty_get_one_of_the_largest(void **state)
{
    (void)state;
    struct nn_partition p = make(
        "{kind: dirichlet, alpha: 1e-6, balanced: false}", &even.split, 10000);
    int64_t least, most, large = 0;
    size_range(&p, &least, &most);
    assert_int_equal(least, 1);
    for (int64_t c = 0; c < p.clients; c++)
        large += p.start[c + 1] - p.start[c] > 1;
    assert_in_range(large, 1, 20);
    nn_partition_fini(&p);
}

static void test_two_shards_are_two_to_four_classes(void **state)
{
    (void)state;
    /* 200 shards of 300 within classes of 6,000: one class per shard */
    assert_true(classes_per_client("shards", 100) <= 2.0);
    assert_true(
        classes_per_client("{kind: shards, shards_per_client: 1}", 100) <= 1.0);
    struct nn_partition p;
    struct fl_error err;
    assert_int_equal(make_partition(&p,
                                    "{kind: shards, shards_per_client: 601}",
                                    &even.split, 100, 1, &err),
                     FL_E_CONFIG);
    assert_non_null(
        strstr(err.text, "shards_per_client = 601, allowed 1 .. 600"));
}

static int descending(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return *x < *y ? 1 : *x > *y ? -1 : 0;
}

static void test_sizes_follow_the_power_law(void **state)
{
    (void)state;
    struct nn_partition p =
        make("{kind: sizes, exponent: 1}", &even.split, 100);
    int64_t size[100];
    double harmonic = 0;
    for (int64_t c = 0; c < 100; c++)
        size[c] = p.start[c + 1] - p.start[c];
    bool is_sorted = true;
    for (int64_t c = 1; c < 100; c++)
        is_sorted &= size[c] <= size[c - 1];
    assert_false(is_sorted); /* ranks are given at random */
    qsort(size, 100, sizeof size[0], descending);
    for (int r = 1; r <= 100; r++)
        harmonic += 1.0 / r;
    for (int r = 1; r <= 100; r++) /* whole samples: less than one off */
        assert_near((double)size[r - 1], 1 + 59900 / harmonic / r, 0, 1);
    nn_partition_fini(&p);
    expect_sizes("{kind: sizes, exponent: 10}", &even.split, 1000, 1, 58942);
}

static void test_natural_clients_are_the_groups(void **state)
{
    (void)state;
    struct nn_partition p = make("natural", &even.split, 0);
    int64_t n;
    assert_int_equal(p.clients, 500);
    for (int64_t c = 0; c < 500; c++) {
        const int64_t *index = nn_partition_client(&p, c, &n);
        for (int64_t i = 0; i < n; i++)
            assert_int_equal(even.groups[index[i]], c);
    }
    assert_int_equal(p.start[500], even.split.n);
    nn_partition_fini(&p);
}

static void test_fewer_natural_clients_take_whole_groups(void **state)
{
    (void)state;
    struct nn_partition few = make("natural", &even.split, 20);
    struct nn_partition more = make("natural", &even.split, 40);
    bool in_more[500] = {false};
    int64_t n, last = -1;
    for (int64_t c = 0; c < 40; c++)
        in_more[even.groups[*nn_partition_client(&more, c, &n)]] = true;
    for (int64_t c = 0; c < 20; c++) {
        const int64_t *index = nn_partition_client(&few, c, &n);
        int32_t group = even.groups[index[0]];
        int64_t in_group = 0;
        for (int64_t i = 0; i < even.split.n; i++)
            in_group += even.groups[i] == group;
        assert_int_equal(n, in_group);
        assert_true(in_more[group]); /* the first 20 of the same order */
        assert_true(group > last);
        last = group;
    }
    nn_partition_fini(&few);
    nn_partition_fini(&more);
}

static void expect_refused(const char *kind,
                           const struct nn_split *train,
                           int64_t clients,
                           const char *part)
{
    struct nn_partition p = {0};
    struct fl_error err;
    assert_int_equal(make_partition(&p, kind, train, clients, 1, &err),
                     FL_E_CONFIG);
    assert_null(p.start);
    if (!strstr(err.text, part))
        fail_msg("'%s' does not say '%s'", err.text, part);
}

static void test_impossible_requests_are_refused_clearly(void **state)
{
    (void)state;
    expect_refused("natural", &skewed.split, 10, "no writers");
    expect_refused("natural", &even.split, 501, "allowed 1 .. 500");
    expect_refused("iid", &even.split, 0, "clients = 0, allowed 1 .. 60000");
    expect_refused("dirichelt", &even.split, 10, "'dirichlet'");
    expect_refused("{alpha: 1}", &even.split, 10, "test:1:13");
    expect_refused("[iid]", &even.split, 10, "test:1:13");
    expect_refused("{kind: dirichlet, alpha: 0}", &even.split, 10, "alpha");
    expect_refused("{kind: dirichlet, alpha: -1}", &even.split, 10, "alpha");
    expect_refused("{kind: dirichlet, alpha: 0.1x}", &even.split, 10, "0.1x");
    expect_refused("{kind: shards, shards_per_client: 0}", &even.split, 10,
                   "shards_per_client");
}

static void test_a_data_set_is_split_as_its_training_split_is(void **state)
{
    (void)state;
    char scratch[64];
    scratch_create(scratch);
    struct nn_dataset_place place = {NULL, scratch, 1};
    struct nn_dataset *dataset;
    struct nn_partition p;
    struct fl_error err;
    struct fl_config *config =
        config_of("{writers: 12, samples_per_writer: 10, test_writers: 1, "
                  "partition: {kind: natural}}");
    assert_int_equal(nn_dataset_create(config, "glyphs", fl_config_root(config),
                                       &place, &dataset, &err),
                     FL_E_CONFIG); /* `partition` is no option of glyphs */
    fl_config_destroy(config);
    config = config_of("{partition: {kind: natural}}");
    assert_ok(nn_dataset_create(NULL, "glyphs", NULL, &place, &dataset, &err),
              &err);
    assert_ok(nn_partition_init(
                  &p, config, fl_node_find(fl_config_root(config), "partition"),
                  dataset, 0, 1, &err),
              &err);
    assert_int_equal(p.clients, 100);
    assert_int_equal(p.start[1], 100);
    nn_partition_fini(&p);
    nn_dataset_destroy(dataset);
    fl_config_destroy(config);
    scratch_destroy(scratch);
}

static void test_apportioning_keeps_the_total_and_the_least(void **state)
{
    (void)state;
    static const double weight[] = {1e-300, 0, 3, 1, 1e-12};
    int64_t share[5], total = 0;
    struct fl_error err;
    assert_ok(nn_partition_apportion(weight, 5, 1003, 2, share, &err), &err);
    for (int i = 0; i < 5; i++) {
        assert_true(share[i] >= 2);
        total += share[i];
    }
    assert_int_equal(total, 1003);
    assert_int_equal(share[2], 2 + 745); /* 993 * 3/4 = 744.75 */
    assert_int_equal(share[3], 2 + 248);
    assert_ok(nn_partition_apportion(weight, 5, 10, 2, share, &err), &err);
    for (int i = 0; i < 5; i++)
        assert_int_equal(share[i], 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_sizes_differ_by_one_at_most),
        cmocka_unit_test(test_iid_clients_have_the_class_mix_of_the_whole),
        cmocka_unit_test(test_dirichlet_skew_follows_alpha),
        cmocka_unit_test(
            test_everyone_together_is_the_same_however_they_are_split),
        cmocka_unit_test(test_tiny_alpha_gives_few_classes_and_huge_alpha_all),
        cmocka_unit_test(test_huge_alpha_is_iid_also_for_unequal_classes),
        cmocka_unit_test(test_unbalanced_dirichlet_has_unequal_sizes),
        cmocka_unit_test(test_clients_left_empty_get_one_of_the_largest),
        cmocka_unit_test(test_two_shards_are_two_to_four_classes),
        cmocka_unit_test(test_sizes_follow_the_power_law),
        cmocka_unit_test(test_natural_clients_are_the_groups),
        cmocka_unit_test(test_fewer_natural_clients_take_whole_groups),
        cmocka_unit_test(test_impossible_requests_are_refused_clearly),
        cmocka_unit_test(test_a_data_set_is_split_as_its_training_split_is),
        cmocka_unit_test(test_apportioning_keeps_the_total_and_the_least),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
