/* What the store costs: a million ledger rows, and a run of a hundred rounds.
 * The limits are far above what a laptop needs (about 3 s and 0.05 s in an
 * optimized build); they are there to notice work that grows with the square
 * of the rows. The times are printed. */
#include "synthetic.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "results/report.h"
#include "support/assert_near.h"

#include <stdio.h>
#include <string.h>

#define MILLION_LIMIT_WALL_S 60.0
#define RUN_LIMIT_WALL_S     5.0

static struct res_store *begin(const char *dir)
{
    struct fl_error err;
    struct res_store *store;
    assert_ok(res_store_create(dir, RES_CREATE, &store, &err), &err);
    syn_begin(store);
    assert_ok(res_store_commit(store, &err), &err);
    return store;
}

static void test_a_million_rows_take_seconds(void **state)
{
    struct fl_error err;
    char *folder = syn_folder();
    char *dir = syn_path(folder, "run");
    struct res_store *store = begin(dir);
    (void)state;
    struct carbon_entry entries[10];
    double start_wall_s = fl_clock_wall_s();
    for (int64_t i = 0; i < 100000; i++) {
        for (int64_t j = 0; j < 10; j++) {
            entries[j] = syn_entry(i / 100, i % 100, 0.1 + (double)j);
            entries[j].t1_s += 0.001 * (double)j;
        }
        assert_ok(res_store_add_entries(store, entries, 10, &err), &err);
        if (i % 1000 == 999)
            assert_ok(res_store_commit(store, &err), &err);
    }
    double written_wall_s = fl_clock_wall_s();
    assert_ok(res_store_finish(store, &err), &err);
    res_store_destroy(store);
    double finished_wall_s = fl_clock_wall_s();
    assert_ok(res_export(dir, &err), &err);
    double exported_wall_s = fl_clock_wall_s();
    (void)printf("1,000,000 rows: written in %.2f s, folded in %.2f s, "
                 "exported in %.2f s\n",
                 written_wall_s - start_wall_s,
                 finished_wall_s - written_wall_s,
                 exported_wall_s - finished_wall_s);
    assert_near(syn_sql(dir, "SELECT count(*) FROM ledger"), 1e6, 0, 0);
    assert_true(exported_wall_s - start_wall_s < MILLION_LIMIT_WALL_S);
    fl_free(dir);
    syn_remove(folder);
}

static void test_a_run_of_a_hundred_rounds_costs_next_to_nothing(void **state)
{
    struct fl_error err;
    char *folder = syn_folder();
    char *dir = syn_path(folder, "run");
    struct res_store *store = begin(dir);
    (void)state;
    uint8_t checkpoint[40000] = {1}; /* a logistic regression's */
    double start_wall_s = fl_clock_wall_s();
    for (int64_t i = 1; i <= 100; i++) {
        for (int64_t client = 0; client < 10; client++) {
            struct carbon_entry entries[10];
            for (int64_t j = 0; j < 10; j++)
                entries[j] = syn_entry(i, client, 0.1 + (double)j);
            assert_ok(res_store_add_entries(store, entries, 10, &err), &err);
        }
        struct res_round round = {
            .arm = SYN_FEDERATED, .round = i, .accuracy = 0.5};
        double energy_j, gco2e;
        assert_ok(res_store_add_round(store, &round, &err), &err);
        assert_ok(res_store_put_checkpoint(store, SYN_FEDERATED, checkpoint,
                                           sizeof checkpoint, &err),
                  &err);
        assert_ok(res_store_commit(store, &err), &err);
        assert_ok(
            res_store_arm_total(store, SYN_FEDERATED, &energy_j, &gco2e, &err),
            &err);
    }
    double wall_s = fl_clock_wall_s() - start_wall_s;
    (void)printf("100 rounds of 10 clients, 10 rows each, a commit and a "
                 "checkpoint per round: %.3f s\n",
                 wall_s);
    assert_true(wall_s < RUN_LIMIT_WALL_S);
    res_store_destroy(store);
    fl_free(dir);
    syn_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_million_rows_take_seconds),
        cmocka_unit_test(test_a_run_of_a_hundred_rounds_costs_next_to_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
