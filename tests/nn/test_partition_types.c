/* What every registered partition keeps, walked over the table and over the
 * examples of each row: whatever has a row is tested. */
#include "base/alloc.h"
#include "base/clock.h"
#include "nn/registry.h"
#include "test_partition_support.h"

#include <stdio.h>
#include <string.h>

static const int64_t client_counts[] = {1, 2, 7, 50, 60};

static void test_rows_describe_themselves(void **state)
{
    (void)state;
    for (size_t i = 0; nn_partitions[i]; i++) {
        const struct nn_partition_type *type = nn_partitions[i];
        print_message("%s\n", type->name);
        assert_ptr_equal(nn_partition_find(type->name), type);
        assert_true(strlen(type->doc) > 10);
        assert_non_null(type->examples[0]);
        for (const struct fl_param *p = type->params; p->key; p++)
            assert_non_null(p->doc);
        if (i > 0) /* sorted, so no name twice */
            assert_true(strcmp(nn_partitions[i - 1]->name, type->name) < 0);
    }
}

typedef void law_fn(const struct nn_partition_type *type,
                    const char *example,
                    const struct nn_split *train,
                    int64_t clients);

/* Each kind, each example, three sets, several numbers of clients. */
static void for_all(law_fn *law)
{
    static const struct {
        int64_t n;
        bool is_skewed;
    } sets[] = {{6000, false}, {3001, true}, {120, true}};
    for (size_t s = 0; s < sizeof sets / sizeof sets[0]; s++) {
        struct samples samples;
        samples_init(&samples, sets[s].n, sets[s].is_skewed, 60);
        for (size_t i = 0; nn_partitions[i]; i++)
            for (const char *const *e = nn_partitions[i]->examples; *e; e++)
                for (size_t c = 0;
                     c < sizeof client_counts / sizeof client_counts[0]; c++)
                    law(nn_partitions[i], *e, &samples.split, client_counts[c]);
        samples_fini(&samples);
    }
}

static void law_complete(const struct nn_partition_type *type,
                         const char *example,
                         const struct nn_split *train,
                         int64_t clients)
{
    struct nn_partition p;
    struct fl_error err;
    assert_ok(make_partition(&p, example, train, clients, 1, &err), &err);
    assert_int_equal(p.clients, clients);
    int64_t used = check_partition(&p, train);
    if (type->uses_all)
        assert_int_equal(used, train->n);
    nn_partition_fini(&p);
}

static void test_each_sample_goes_to_one_client_at_most(void **state)
{
    (void)state;
    for_all(law_complete);
}

static bool is_same(const struct nn_partition *a, const struct nn_partition *b)
{
    size_t n = (size_t)a->start[a->clients];
    return memcmp(a->start, b->start,
                  (size_t)(a->clients + 1) * sizeof *a->start) == 0 &&
           memcmp(a->index, b->index, n * sizeof *a->index) == 0;
}

static void law_seed(const struct nn_partition_type *type,
                     const char *example,
                     const struct nn_split *train,
                     int64_t clients)
{
    struct nn_partition p, again, other;
    struct fl_error err;
    assert_ok(make_partition(&p, example, train, clients, 1, &err), &err);
    assert_ok(make_partition(&again, example, train, clients, 1, &err), &err);
    assert_ok(make_partition(&other, example, train, clients, 2, &err), &err);
    assert_true(is_same(&p, &again));
    /* one client that gets all, and all groups, leave nothing to chance */
    if (!(type->uses_all && clients == 1) &&
        !(type->needs_groups && clients == train->n_groups) && train->n > 120)
        assert_false(is_same(&p, &other));
    nn_partition_fini(&p);
    nn_partition_fini(&again);
    nn_partition_fini(&other);
}

static void test_same_seed_same_split_and_another_seed_another(void **state)
{
    (void)state;
    for_all(law_seed);
}

static void test_as_many_clients_as_samples_is_the_limit(void **state)
{
    (void)state;
    struct samples samples;
    struct fl_error err;
    samples_init(&samples, 90, true, 90);
    for (size_t i = 0; nn_partitions[i]; i++) {
        struct nn_partition p = {0};
        const char *example = nn_partitions[i]->examples[0];
        enum fl_status status =
            make_partition(&p, example, &samples.split, 90, 1, &err);
        if (status == FL_OK) {
            assert_int_equal(check_partition(&p, &samples.split), 90);
            nn_partition_fini(&p);
        } else { /* two shards each, say, are one too many */
            assert_int_equal(status, FL_E_CONFIG);
            assert_non_null(strstr(err.text, nn_partitions[i]->name));
        }
        assert_int_equal(
            make_partition(&p, example, &samples.split, 91, 1, &err),
            FL_E_CONFIG);
        assert_non_null(strstr(err.text, "clients = 91, allowed 1 .. 90"));
        assert_int_equal(
            make_partition(&p, example, &samples.split, -1, 1, &err),
            FL_E_CONFIG);
        assert_null(p.start);
    }
    samples_fini(&samples);
}

static void test_hundred_thousand_clients_are_quick(void **state)
{
    (void)state;
    enum { CLIENTS = 100000, N = 300000 };
    struct samples samples;
    struct fl_error err;
    samples_init(&samples, N, true, CLIENTS);
    for (size_t i = 0; nn_partitions[i]; i++)
        for (const char *const *e = nn_partitions[i]->examples; *e; e++) {
            struct nn_partition p;
            double start_s = fl_clock_cpu_s();
            assert_ok(make_partition(&p, *e, &samples.split, CLIENTS, 1, &err),
                      &err);
            double took_s = fl_clock_cpu_s() - start_s;
            print_message("%-50s %.3f s\n", *e, took_s);
            assert_true(took_s < 20); /* 1 s as released; sanitizers 10 */
            (void)check_partition(&p, &samples.split);
            nn_partition_fini(&p);
        }
    samples_fini(&samples);
}

static void test_each_failed_allocation_is_survived(void **state)
{
    (void)state;
    struct samples samples;
    struct fl_error err;
    samples_init(&samples, 500, true, 20);
    for (size_t i = 0; nn_partitions[i]; i++)
        for (const char *const *e = nn_partitions[i]->examples; *e; e++) {
            struct fl_config *config = config_of("{a: 1}");
            enum fl_status status = FL_E_NOMEM;
            for (long nth = 1; status != FL_OK && nth < 200; nth++) {
                struct nn_partition p = {0};
                char text[200];
                (void)snprintf(text, sizeof text, "{partition: %s}", *e);
                fl_config_destroy(config);
                config = config_of(text);
                (void)fl_alloc_fail_at(nth);
                status = nn_partition_init_split(
                    &p, config,
                    fl_node_find(fl_config_root(config), "partition"),
                    &samples.split, 10,
                    nn_partitions[i]->natural_clients ? 0 : 20, 1, &err);
                (void)fl_alloc_fail_at(0);
                assert_true(status == FL_OK || status == FL_E_NOMEM);
                assert_int_equal(status == FL_OK, p.start != NULL);
                nn_partition_fini(&p);
            }
            assert_int_equal(status, FL_OK);
            fl_config_destroy(config);
        }
    samples_fini(&samples);
}

static void test_no_option_table_takes_an_unknown_key(void **state)
{
    (void)state;
    for (size_t i = 0; nn_partitions[i]; i++) {
        char text[200];
        struct fl_error err;
        (void)snprintf(text, sizeof text, "{kind: %s, no_such_key: 1}",
                       nn_partitions[i]->name);
        struct fl_config *config = config_of(text);
        assert_int_equal(
            nn_partition_check(config, fl_config_root(config), &err),
            FL_E_CONFIG);
        assert_non_null(strstr(err.text, "no_such_key"));
        fl_config_destroy(config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_describe_themselves),
        cmocka_unit_test(test_each_sample_goes_to_one_client_at_most),
        cmocka_unit_test(test_same_seed_same_split_and_another_seed_another),
        cmocka_unit_test(test_as_many_clients_as_samples_is_the_limit),
        cmocka_unit_test(test_hundred_thousand_clients_are_quick),
        cmocka_unit_test(test_each_failed_allocation_is_survived),
        cmocka_unit_test(test_no_option_table_takes_an_unknown_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
