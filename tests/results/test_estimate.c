/* What tools would have said of the synthetic run: its figures by hand, and
 * the tables letter by letter. Run with the golden folder as argument; with
 * --update behind it the files are rewritten, for review by git diff. */
#include "golden.h"
#include "synthetic.h"

#include "base/alloc.h"
#include "base/units.h"
#include "results/estimate.h"
#include "results/estimates/estimate_priv.h"
#include "support/assert_near.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *print_runs(const struct golden_run *f,
                        const char *const *dirs,
                        size_t n_dirs,
                        const struct res_estimate_opts *opts,
                        enum res_format format)
{
    struct fl_error err = {0};
    char *path = syn_path(f->folder, "out");
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_ok(res_estimators(dirs, n_dirs, opts, format, out, &err), &err);
    assert_int_equal(fclose(out), 0);
    char *found = syn_read(path, NULL);
    fl_free(path);
    return found;
}

static char *print(const struct golden_run *f,
                   const struct res_estimate_opts *opts,
                   enum res_format format)
{
    const char *const dirs[] = {f->run};
    return print_runs(f, dirs, 1, opts, format);
}

static void check(const struct golden_run *f,
                  const struct res_estimate_opts *opts,
                  enum res_format format,
                  const char *name)
{
    char *found = print(f, opts, format);
    golden_check(&f->golden, name, found);
    fl_free(found);
}

static void test_the_table_in_every_format(void **state)
{
    struct golden_run *f = *state;
    struct res_estimate_opts opts = {.assumed = res_assumed_nothing()};
    check(f, &opts, RES_TEXT, "estimators.txt");
    check(f, &opts, RES_MD, "estimators.md");
    check(f, &opts, RES_CSV, "estimators.csv");
    check(f, &opts, RES_JSON, "estimators.json");
}

static void test_what_is_said_of_a_method_is_said_once(void **state)
{
    struct golden_run *f = *state;
    struct res_estimate_opts opts = {.assumed = res_assumed_nothing()};
    char *other = syn_run(f->folder, "run-b", true);
    const char *const dirs[] = {f->run, other};
    char *one = print(f, &opts, RES_TEXT);
    char *two = print_runs(f, dirs, 2, &opts, RES_TEXT);
    const char *legend = strstr(one, "\ntaken to run on");
    const char *same = strstr(two, "\ntaken to run on");
    assert_non_null(legend);
    assert_non_null(same);
    assert_string_equal(same, legend);
    fl_free(one);
    fl_free(two);
    fl_free(other);
}

static void test_prices_and_memory_only_where_told(void **state)
{
    struct golden_run *f = *state;
    struct fl_error err = {0};
    struct res_estimate_opts opts = {.assumed = res_assumed_nothing(),
                                     .is_server_only = true};
    static const char *const told[] = {"gpus=8",
                                       "gpu_hour_low=0.43",
                                       "gpu_hour_high=1.46",
                                       "memory_gb=64",
                                       "kwh_price=0.12",
                                       "tdp_w=100",
                                       "load=0.5",
                                       "vcpus=4"};
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++)
        assert_ok(res_assume(&opts.assumed, told[i], &err), &err);
    check(f, &opts, RES_TEXT, "estimators_told.txt");
}

/* The figure of one method and arm, from the JSON's own table of rows. */
static double figure(const struct golden_run *f,
                     const struct res_estimate_opts *opts,
                     const char *arm,
                     const char *method,
                     const char *key)
{
    char *text = print(f, opts, RES_JSON);
    json_t *rows = json_loads(text, 0, NULL);
    double value = (double)NAN;
    size_t i;
    json_t *row;
    json_array_foreach(
        rows, i,
        row) if (!strcmp(json_string_value(json_object_get(row, "arm")), arm) &&
                 !strcmp(json_string_value(json_object_get(row, "method")),
                         method))
    {
        json_t *found = json_object_get(row, key);
        if (json_is_number(found))
            value = json_number_value(found);
    }
    json_decref(rows);
    fl_free(text);
    return value;
}

/* Sums of a few products. */
static const double rtol = 1e-14;

static void test_figures_are_those_of_a_pencil(void **state)
{
    struct golden_run *f = *state;
    struct res_estimate_opts opts = {.assumed = res_assumed_nothing()};
    /* clients 4 x 1 kJ in FR, server 2 x 4 kJ in US-CAL-CISO; transfers, PUE
     * and what belongs to networks are not seen */
    double clients_kwh = 4000 / FL_J_PER_KWH, server_kwh = 8000 / FL_J_PER_KWH;
    assert_near(figure(f, &opts, "federated", "carbontracker", "energy_kwh"),
                1.58 * (clients_kwh + server_kwh), rtol, 0);
    assert_near(figure(f, &opts, "federated", "carbontracker", "emitted_gco2e"),
                1.58 * (clients_kwh * 56.039 + server_kwh * 369.473), rtol, 0);
    assert_near(
        figure(f, &opts, "federated", "green_algorithms", "emitted_gco2e"),
        clients_kwh * 51.28 + 1.56 * server_kwh * 216.43, rtol, 0);
    assert_near(figure(f, &opts, "federated", "green_algorithms", "pue"),
                (1 * 4.0 + 1.56 * 8.0) / 12, rtol, 0);
    assert_near(
        figure(f, &opts, "federated", "cloud_carbon_footprint", "energy_kwh"),
        1.135 * server_kwh, rtol, 0);
    /* 12 of 32 + 12 + 4 kJ: the rest are network and overhead */
    double all_j = syn_sql(f->run, "SELECT energy_j FROM arm_total"
                                   " WHERE arm = 'federated'");
    assert_near(figure(f, &opts, "federated", "codecarbon", "seen_ratio"),
                12000 / all_j, rtol, 0);
    assert_near(figure(f, &opts, "centralized", "strubell2019", "energy_kwh"),
                1.58 * 0.1, rtol, 0);
    assert_near(figure(f, &opts, "local", "boavizta", "emitted_gco2e"),
                0.03 * 98, rtol, 0);
    /* the ledger's own row, and the ratio to it */
    double ours = syn_sql(f->run, "SELECT emitted_gco2e FROM arm_total"
                                  " WHERE arm = 'centralized'");
    assert_near(figure(f, &opts, "centralized", "fedcarbon", "emitted_gco2e"),
                ours, rtol, 0);
    assert_near(figure(f, &opts, "centralized", "eco2ai", "x_ours"),
                0.1 * 250 / ours, rtol, 0);
}

static void test_on_the_server_clients_are_not_seen(void **state)
{
    struct golden_run *f = *state;
    struct res_estimate_opts opts = {.assumed = res_assumed_nothing(),
                                     .is_server_only = true};
    assert_near(figure(f, &opts, "federated", "carbontracker", "energy_kwh"),
                1.58 * 8000 / FL_J_PER_KWH, rtol, 0);
    /* clients alone: nobody to see */
    assert_true(
        isnan(figure(f, &opts, "local", "carbontracker", "energy_kwh")));
}

static void test_what_is_assumed_is_checked(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",       "tdp",      "tdp_w",   "tdp_w=",  "tdp_w=x", "load=1.5",
        "gpus=0", "gpus=1.5", "tdp_v=3", "pue=0.5", "=1",      "tdp_w=-1"};
    struct res_assumed assumed = res_assumed_nothing();
    struct fl_error err = {0};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(res_assume(&assumed, bad[i], &err), FL_E_CONFIG);
    assert_int_equal(res_assume(&assumed, "tdp_v=3", &err), FL_E_CONFIG);
    assert_non_null(strstr(err.text, "tdp_w"));
    assert_true(isnan(assumed.tdp_w) && assumed.gpus == 0);
    assert_ok(res_assume(&assumed, "memory_gb=64", &err), &err);
    assert_near(assumed.memory_bytes, 64e9, 0, 0);
}

static void test_assumptions_can_be_of_one_arm(void **state)
{
    struct golden_run *f = *state;
    struct fl_error err = {0};
    const char *words[] = {"centralized:gpus=8", "centralized:gpu_hour_low=2"};
    struct res_estimate_opts opts = {
        .assumed = res_assumed_nothing(), .of_arms = words, .n_of_arms = 2};
    /* 8 GPUs for 1.5 h at 2 */
    assert_near(figure(f, &opts, "centralized", "strubell2019", "cost_low"), 24,
                rtol, 0);
    assert_true(
        isnan(figure(f, &opts, "federated", "strubell2019", "cost_low")));
    const char *dirs[] = {f->run};
    words[1] = "central:gpus=8";
    assert_int_equal(res_estimators(dirs, 1, &opts, RES_TEXT, stdout, &err),
                     FL_E_CONFIG);
    assert_non_null(strstr(err.text, "central:gpus=8"));
    words[1] = "centralized:gpu=8";
    assert_int_equal(res_estimators(dirs, 1, &opts, RES_TEXT, stdout, &err),
                     FL_E_CONFIG);
}

/* Prices among a run's facts are used where the user tells none. */
static void test_prices_come_from_the_run(void **state)
{
    struct golden_run *f = *state;
    struct fl_error err = {0};
    struct res_store *store;
    static const struct carbon_fact low = {.value = 2, .source = "a list"};
    static const struct carbon_fact high = {.value = 3, .source = "a list"};
    static const struct carbon_fact kwh = {.value = 0.25, .source = "a bill"};
    struct golden_run priced = {.folder = f->folder,
                                .run = syn_path(f->folder, "priced")};
    assert_ok(res_store_create(priced.run, RES_CREATE, &store, &err), &err);
    syn_begin(store);
    assert_ok(
        res_store_add_fact(store, "price.gpu_hour_low", "USD/h", &low, &err),
        &err);
    assert_ok(
        res_store_add_fact(store, "price.gpu_hour_high", "USD/h", &high, &err),
        &err);
    assert_ok(res_store_add_fact(store, "price.kwh", "USD/kWh", &kwh, &err),
              &err);
    const struct carbon_entry entry = syn_entry(1, 1, 3.6e6); /* 100 s */
    assert_ok(res_store_add_entries(store, &entry, 1, &err), &err);
    assert_ok(res_store_finish(store, &err), &err);
    res_store_destroy(store);
    struct res_estimate_opts opts = {.assumed = res_assumed_nothing()};
    opts.assumed.gpus = 4;
    static const char arm[] = "federated", tool[] = "carbontracker";
    assert_near(figure(&priced, &opts, arm, tool, "cost_low"),
                4 * 100 / 3600.0 * 2, rtol, 0);
    assert_near(figure(&priced, &opts, arm, tool, "cost_high"),
                4 * 100 / 3600.0 * 3, rtol, 0);
    assert_near(figure(&priced, &opts, arm, tool, "electricity_cost"),
                1.58 * 0.25, rtol, 0);
    opts.assumed.electricity_price_value = 1; /* told: comes first */
    assert_near(figure(&priced, &opts, arm, tool, "electricity_cost"), 1.58,
                rtol, 0);
    fl_free(priced.run);
}

static void test_unknown_method_and_run_are_errors(void **state)
{
    struct golden_run *f = *state;
    struct fl_error err = {0};
    struct res_estimate_opts opts = {.assumed = res_assumed_nothing(),
                                     .method = "carbontraker"};
    const char *dirs[] = {f->run, "no-such-run"};
    assert_int_equal(res_estimators(dirs, 1, &opts, RES_TEXT, stdout, &err),
                     FL_E_CONFIG);
    assert_non_null(strstr(err.text, "carbontracker"));
    opts.method = "carbontracker";
    assert_int_equal(res_estimators(dirs, 1, &opts, RES_LATEX, stdout, &err),
                     FL_E_ARG);
    assert_true(res_estimators(dirs, 2, &opts, RES_TEXT, stdout, &err) !=
                FL_OK);
}

/* Whichever allocation fails, it says so and nothing leaks (ASan looks). */
static void test_without_memory_it_fails(void **state)
{
    struct golden_run *f = *state;
    struct res_estimate_opts opts = {.assumed = res_assumed_nothing()};
    struct fl_error err = {0};
    const char *dirs[] = {f->run};
    char *path = syn_path(f->folder, "out");
    long n = 0;
    for (enum fl_status status = FL_E_NOMEM; status != FL_OK;) {
        FILE *out = fopen(path, "w");
        (void)fl_alloc_fail_at(++n);
        status = res_estimators(dirs, 1, &opts, RES_CSV, out, &err);
        (void)fl_alloc_fail_at(0);
        assert_int_equal(fclose(out), 0);
        if (status != FL_OK)
            assert_int_equal(status, FL_E_NOMEM);
    }
    assert_true(n > 10);
    fl_free(path);
}

int main(int argc, char **argv)
{
    struct golden_run fixture = {.run = NULL};
    if (!golden_init(&fixture.golden, argc, argv))
        return 2;
#define TEST(name)                                                             \
    cmocka_unit_test_prestate_setup_teardown(name, golden_run_set_up,          \
                                             golden_run_tear_down, &fixture)
    const struct CMUnitTest tests[] = {
        TEST(test_the_table_in_every_format),
        TEST(test_what_is_said_of_a_method_is_said_once),
        TEST(test_prices_and_memory_only_where_told),
        TEST(test_figures_are_those_of_a_pencil),
        TEST(test_on_the_server_clients_are_not_seen),
        TEST(test_what_is_assumed_is_checked),
        TEST(test_assumptions_can_be_of_one_arm),
        TEST(test_prices_come_from_the_run),
        TEST(test_unknown_method_and_run_are_errors),
        TEST(test_without_memory_it_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
