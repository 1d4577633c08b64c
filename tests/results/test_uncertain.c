/* Intervals of a run from its ledger, in closed form: a total in proportion to
 * a lognormal fact is lognormal, and its quantiles are the fact's. */
#include "synthetic.h"

#include "base/alloc.h"
#include "results/fact_names.h"
#include "results/report_priv.h"
#include "results/uncertain.h"
#include "support/assert_near.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Of 10,000 lattice draws; seen 2e-4. */
#define DRAWS_RTOL 2e-3
#define DRAWS      10000
/* 95 % quantile of the standard normal distribution. */
#define Z95 1.6448536269514722

struct fixture {
    char *folder, *dir;
    struct res_store *store;
    struct fl_error err;
};

static int set_up(void **state)
{
    static struct fixture f;
    f = (struct fixture){.folder = syn_folder()};
    f.dir = syn_path(f.folder, "run");
    assert_ok(res_store_create(f.dir, RES_CREATE, &f.store, &f.err), &f.err);
    const struct res_arm arms[] = {{0, "federated", 4, 4, 0},
                                   {1, "centralized", 4, 4, 0}};
    for (int i = 0; i < 2; i++)
        assert_ok(res_store_add_arm(f.store, &arms[i], &f.err), &f.err);
    assert_ok(res_store_add_zone(f.store, 0, "FR", &f.err), &f.err);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    res_store_destroy(f->store);
    fl_free(f->dir);
    syn_remove(f->folder);
    return 0;
}

static void
add_fact(struct fixture *f, const char *name, const struct carbon_fact *fact)
{
    assert_ok(res_store_add_fact(f->store, name, "W", fact, &f->err), &f->err);
}

/* 10 g in an arm that grow with one fact. */
static struct carbon_entry
entry_of(int32_t arm, const struct carbon_fact *fact, double zero_value)
{
    struct carbon_entry entry = syn_entry(1, 1, 720000);
    entry.arm = arm;
    entry.emitted_gco2e = 10;
    entry.uses[0] = (struct carbon_use){fact, zero_value, 1};
    entry.n_uses = 1;
    return entry;
}

static void add(struct fixture *f, const struct carbon_entry *entry)
{
    assert_ok(res_store_add_entries(f->store, entry, 1, &f->err), &f->err);
}

static struct res_uncertain ask(struct fixture *f)
{
    struct res_uncertain u;
    assert_ok(res_store_commit(f->store, &f->err), &f->err);
    assert_ok(res_uncertain(f->store, DRAWS, true, &u, &f->err), &f->err);
    return u;
}

#define FACT(v, e)                                                             \
    {                                                                          \
        .value = (v), .evidence = (e), .year = 2020, .source = "test " #v #e   \
    }

static void test_a_fact_without_a_spread_is_lognormal_by_evidence(void **state)
{
    struct fixture *f = *state;
    static const struct carbon_fact facts[] = {
        FACT(3, CARBON_MEASURED), FACT(3, CARBON_DATASHEET),
        FACT(3, CARBON_DERIVED), FACT(3, CARBON_ASSUMED)};
    for (int i = 0; i < 4; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "fact%d", i);
        add_fact(f, name, &facts[i]);
    }
    struct carbon_entry entry = entry_of(0, &facts[3], 0);
    add(f, &entry);
    entry = entry_of(1, &facts[2], 0);
    add(f, &entry);
    struct res_uncertain u = ask(f);
    assert_int_equal(u.n_arms, 2);
    assert_near(u.arms[0].gco2e.nominal, 10, 0, 0);
    assert_near(u.arms[0].gco2e.p5, 10 / pow(2, Z95), DRAWS_RTOL, 0);
    assert_near(u.arms[0].gco2e.p95, 10 * pow(2, Z95), DRAWS_RTOL, 0);
    assert_near(u.arms[1].gco2e.p95, 10 * pow(1.25, Z95), DRAWS_RTOL, 0);
    /* the ratio of two lognormals: variances of the logarithms add up */
    double s = sqrt(log(2) * log(2) + log(1.25) * log(1.25));
    assert_near(u.arms[0].x_centralized.p95, exp(Z95 * s), 2e-2, 0);
    assert_near(u.arms[0].below_centralized_share, 0.5, 1e-2, 0);
    assert_true(u.is_of_ratio);
    assert_string_equal(u.influences[0].name, "fact3");
    assert_true(u.influences[0].total > 0.8);
    res_uncertain_fini(&u);
    /* the run's own figures in their place: exact ones */
    const double exact[CARBON_EVIDENCE_LAST_] = {1, 1, 1, 1};
    assert_ok(res_store_set_gsd(f->store, exact, &f->err), &f->err);
    u = ask(f);
    assert_near(u.arms[0].gco2e.p95, 10, 1e-12 /* a product */, 0);
    assert_int_equal(u.n_influences, 0);
    res_uncertain_fini(&u);
}

static void test_facts_of_one_source_err_together(void **state)
{
    struct fixture *f = *state;
    static const struct carbon_fact one = FACT(3, CARBON_ASSUMED),
                                    twin = FACT(3, CARBON_ASSUMED),
                                    other = FACT(4, CARBON_ASSUMED);
    add_fact(f, "fleet.0.device.train_w", &one);
    add_fact(f, "fleet.1.device.train_w", &twin);
    add_fact(f, "fleet.2.device.train_w", &other);
    struct carbon_entry entry = entry_of(0, &one, 0);
    add(f, &entry);
    entry = entry_of(0, &twin, 0);
    add(f, &entry);
    struct res_uncertain u = ask(f);
    assert_near(u.arms[0].gco2e.p95, 20 * pow(2, Z95), DRAWS_RTOL, 0);
    assert_int_equal(u.n_influences, 1);
    assert_int_equal(u.influences[0].n_facts, 2);
    assert_string_equal(u.influences[0].name, "fleet.0+1.device.train_w");
    res_uncertain_fini(&u);
    /* an independent one: closer to its mean than twice one of them */
    entry = entry_of(1, &one, 0);
    add(f, &entry);
    entry = entry_of(1, &other, 0);
    add(f, &entry);
    u = ask(f);
    assert_true(u.arms[1].gco2e.p95 < 0.95 * u.arms[0].gco2e.p95);
    res_uncertain_fini(&u);
}

static void test_names_say_which_rows(void **state)
{
    struct fixture *f = *state;
    static const struct res_fact_name facts[] = {
        {"fleet.2.link.rx_w", true},    {"fleet.0.link.rx_w", true},
        {"fleet.10.link.rx_w", true},   {"fleet.11.link.rx_w", true},
        {"fleet.12.link.rx_w", true},   {"fleet.1.link.rx_w", false},
        {"serve.0.server.pue", true},   {"fleet.0.link.tx_w", true},
        {"fleet.1.link.tx_w", true},    {"server.pue", true},
        {"server.device.idle_w", false}};
    const size_t n = sizeof facts / sizeof facts[0];
    struct res_text text = {0};
    assert_ok(res_put_fact_names(facts, n, ", ", 0, &text, &f->err), &f->err);
    /* rows as numbers, and server.pue beside a longer name that ends so */
    assert_string_equal(res_text_get(&text),
                        "fleet.0+2+10-12.link.rx_w, fleet.*.link.tx_w, "
                        "serve.*.server.pue, server.pue");
    res_text_clear(&text);
    assert_ok(res_put_fact_names(facts, n, " and ", 2, &text, &f->err),
              &f->err);
    assert_string_equal(
        res_text_get(&text),
        "fleet.0+2+10-12.link.rx_w and fleet.*.link.tx_w and 2 more");
    res_text_fini(&text);
}

static void test_an_overhead_is_shown_as_its_pue(void **state)
{
    struct fixture *f = *state;
    static const struct carbon_fact pue = FACT(1.2, CARBON_ASSUMED);
    add_fact(f, "server.pue", &pue);
    struct carbon_entry entry = entry_of(0, &pue, 1);
    add(f, &entry);
    struct res_uncertain u = ask(f);
    assert_int_equal(u.n_influences, 1);
    assert_near(u.influences[0].value, 1.2, 1e-15 /* a sum */, 0);
    assert_near(u.influences[0].p5, 1 + 0.2 * pow(2, -Z95), 1e-6, 0);
    assert_near(u.influences[0].p95, 1 + 0.2 * pow(2, Z95), 1e-6, 0);
    res_uncertain_fini(&u);
}

static void test_a_given_spread_comes_before_the_evidence(void **state)
{
    struct fixture *f = *state;
    static const struct carbon_fact uniform = {
        .value = 4,
        .evidence = CARBON_ASSUMED,
        .source = "test",
        .spread = {CARBON_SPREAD_UNIFORM, .value = 4, .low = 2, .high = 10}};
    add_fact(f, "power", &uniform);
    struct carbon_entry entry = entry_of(0, &uniform, 0);
    add(f, &entry);
    struct res_uncertain u = ask(f);
    assert_near(u.arms[0].gco2e.p5, 10.0 * (2 + 0.05 * 8) / 4, DRAWS_RTOL, 0);
    assert_near(u.arms[0].gco2e.p95, 10.0 * (2 + 0.95 * 8) / 4, DRAWS_RTOL, 0);
    assert_true(isnan(u.arms[0].below_centralized_share));
    res_uncertain_fini(&u);
}

/* Overhead of PUE 1.2: its 10 g are in proportion to 0.2. */
static void test_what_begins_at_a_value_grows_from_there(void **state)
{
    struct fixture *f = *state;
    static const struct carbon_fact pue = FACT(1.2, CARBON_DERIVED);
    add_fact(f, "pue", &pue);
    struct carbon_entry entry = entry_of(0, &pue, 1);
    add(f, &entry);
    struct res_uncertain u = ask(f);
    assert_near(u.arms[0].gco2e.p95, 10 * pow(1.25, Z95), DRAWS_RTOL, 0);
    res_uncertain_fini(&u);
}

static void test_the_boundary_chooses_what_is_counted(void **state)
{
    struct fixture *f = *state;
    static const struct carbon_fact fact = FACT(2, CARBON_ASSUMED);
    static const double wanted[] = {
        [RES_LIFECYCLE] = 17, [RES_OPERATIONAL] = 10, [RES_DYNAMIC] = 7.5};
    add_fact(f, "power", &fact);
    struct carbon_entry entry = entry_of(0, &fact, 0);
    entry.idle_j = entry.energy_j / 4;
    add(f, &entry);
    entry = entry_of(0, &fact, 0);
    entry.component = syn_term("client_embodied");
    entry.energy_j = entry.idle_j = 0;
    entry.emitted_gco2e = 7;
    add(f, &entry);
    for (int i = 0; i < RES_BOUNDARY_LAST_; i++) {
        assert_ok(
            res_store_set(f->store, "boundary", res_boundary_names[i], &f->err),
            &f->err);
        struct res_uncertain u = ask(f);
        assert_near(u.arms[0].gco2e.nominal, wanted[i], 1e-15, 0);
        res_uncertain_fini(&u);
        struct res_run run;
        assert_ok(res_gather(f->store, &run, &f->err), &f->err);
        assert_near(run.rows[1].gco2e, wanted[i], 1e-15, 0);
        assert_near(run.rows[1].embodied_gco2e, 7, 1e-15, 0);
        assert_near(run.rows[1].idle_gco2e, 2.5, 1e-15, 0);
        assert_near(run.rows[1].dynamic_gco2e, 7.5, 1e-15, 0);
        res_run_fini(&run);
    }
    assert_ok(res_store_set(f->store, "boundary", "sideways", &f->err),
              &f->err);
    enum res_boundary boundary;
    assert_int_equal(res_store_boundary(f->store, &boundary, &f->err),
                     FL_E_FORMAT);
}

static void test_a_resumed_run_goes_on_with_the_same_bases(void **state)
{
    struct fixture *f = *state;
    static const struct carbon_fact power = FACT(3, CARBON_ASSUMED),
                                    speed = FACT(5, CARBON_DERIVED);
    add_fact(f, "power", &power);
    add_fact(f, "speed", &speed);
    struct carbon_entry entry = entry_of(0, &power, 0);
    entry.uses[1] = (struct carbon_use){&speed, 0, -1};
    entry.n_uses = 2;
    add(f, &entry);
    assert_ok(res_store_commit(f->store, &f->err), &f->err);
    res_store_destroy(f->store);
    assert_ok(res_store_create(f->dir, RES_RESUME, &f->store, &f->err),
              &f->err);
    static const struct carbon_fact again = FACT(3, CARBON_ASSUMED);
    add_fact(f, "power", &again); /* at another address */
    add_fact(f, "speed", &speed);
    entry.uses[0].fact = &again;
    add(f, &entry);
    entry.n_uses = 1;
    add(f, &entry);
    int64_t n = 0, n_rows = 0;
    assert_ok(res_query_int(f->store,
                            "SELECT count(DISTINCT basis) FROM ledger", &n,
                            &f->err),
              &f->err);
    assert_ok(
        res_query_int(f->store, "SELECT count(*) FROM basis", &n_rows, &f->err),
        &f->err);
    assert_int_equal(n, 2);
    assert_int_equal(n_rows, 3); /* two parts, and one */
    static const struct carbon_fact stranger = FACT(9, CARBON_ASSUMED);
    entry.uses[0].fact = &stranger;
    assert_int_equal(res_store_add_entries(f->store, &entry, 1, &f->err),
                     FL_E_ARG);
    assert_non_null(strstr(f->err.text, "was not added"));
}

static void test_a_finished_run_gives_the_same_answer(void **state)
{
    struct fixture *f = *state;
    static const struct carbon_fact power = FACT(3, CARBON_ASSUMED);
    add_fact(f, "power", &power);
    for (int i = 0; i < 100; i++) {
        struct carbon_entry entry = entry_of(i % 2, &power, 0);
        entry.emitted_gco2e = 1 + i;
        entry.idle_j = i;
        add(f, &entry);
    }
    struct res_uncertain before = ask(f);
    struct res_intervals drawn, kept;
    assert_ok(res_intervals_read(f->store, &drawn, &f->err), &f->err);
    assert_ok(res_store_finish(f->store, &f->err), &f->err);
    int64_t n = 0;
    assert_ok(
        res_query_int(f->store, "SELECT count(*) FROM ledger_sum", &n, &f->err),
        &f->err);
    assert_int_equal(n, 2);
    struct res_uncertain after;
    assert_ok(res_uncertain(f->store, DRAWS, true, &after, &f->err), &f->err);
    for (int i = 0; i < 2; i++) {
        assert_near(after.arms[i].gco2e.p95, before.arms[i].gco2e.p95,
                    1e-14 /* order of sums */, 0);
        assert_near(after.arms[i].gco2e.nominal, i == 0 ? 2500 : 2550, 0, 0);
    }
    res_uncertain_fini(&before);
    res_uncertain_fini(&after);
    /* what was kept for tables is what was drawn for them, digit by digit but
     * for the order of sums */
    assert_ok(res_intervals_read(f->store, &kept, &f->err), &f->err);
    assert_int_equal(kept.n, drawn.n);
    assert_string_equal(kept.decided_by, drawn.decided_by);
    for (size_t i = 0; i < kept.n; i++) {
        assert_near(kept.rows[i].p5_gco2e, drawn.rows[i].p5_gco2e, 1e-14, 0);
        assert_near(kept.rows[i].p95_gco2e, drawn.rows[i].p95_gco2e, 1e-14, 0);
        assert_int_equal(isnan(kept.rows[i].x_p5), isnan(drawn.rows[i].x_p5));
    }
    res_intervals_fini(&drawn);
    res_intervals_fini(&kept);
}

static void test_damaged_intervals_are_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const bad[] = {"0 1 2 - -\n",
                                      "0 1 2 - - - 4\n",
                                      "-1 1 2 - - -\n",
                                      "0 x 2 - - -\n",
                                      "0\n",
                                      "\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct res_intervals all;
        assert_ok(res_store_set(f->store, "intervals", bad[i], &f->err),
                  &f->err);
        assert_int_equal(res_intervals_read(f->store, &all, &f->err),
                         FL_E_FORMAT);
        assert_non_null(strstr(f->err.text, "damaged"));
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_fact_without_a_spread_is_lognormal_by_evidence),
        TEST(test_facts_of_one_source_err_together),
        TEST(test_names_say_which_rows),
        TEST(test_an_overhead_is_shown_as_its_pue),
        TEST(test_a_given_spread_comes_before_the_evidence),
        TEST(test_what_begins_at_a_value_grows_from_there),
        TEST(test_the_boundary_chooses_what_is_counted),
        TEST(test_a_resumed_run_goes_on_with_the_same_bases),
        TEST(test_a_finished_run_gives_the_same_answer),
        TEST(test_damaged_intervals_are_refused),
    };
    return cmocka_run_group_tests_name("results.uncertain", tests, NULL, NULL);
}
