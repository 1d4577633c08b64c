/* A run looked at while somebody writes it: every commit is followed exactly,
 * and what the view says is what the store's rows add up to. */
#include "live_fixture.h"

#include "base/alloc.h"
#include "support/assert_near.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

/* One client's round: 2 s down, 6 s at work, 1 s up, 1 s of waiting. */
static void add_client(struct res_store *store, int64_t round, int64_t client)
{
    static const struct {
        enum carbon_phase phase;
        double from_s, to_s;
    } parts[] = {{CARBON_BROADCAST, 0, 2},
                 {CARBON_TRAIN, 2, 8},
                 {CARBON_UPLOAD, 8, 9},
                 {CARBON_WAIT, 9, 10}};
    struct fl_error err;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct carbon_entry e = syn_entry(round, client, 100);
        e.phase = parts[i].phase;
        e.t0_s = 10.0 * (double)round + parts[i].from_s;
        e.t1_s = 10.0 * (double)round + parts[i].to_s;
        e.idle_j = 25;
        e.energy_j = 10.0 + (double)client + (double)round;
        e.idle_j = e.energy_j / 4;
        e.emitted_gco2e = e.energy_j / 3.6e6 * 50;
        struct carbon_entry made = e; /* a second term of the same activity */
        made.component = syn_term("client_embodied");
        made.energy_j = made.idle_j = 0;
        made.emitted_gco2e = 1e-4;
        assert_ok(res_store_add_entries(store, &e, 1, &err), &err);
        assert_ok(res_store_add_entries(store, &made, 1, &err), &err);
    }
}

static void add_round(struct res_store *store,
                      int32_t arm,
                      int64_t number,
                      double sim_time_s,
                      double accuracy)
{
    struct fl_error err;
    const struct res_round round = {.arm = arm,
                                    .round = number,
                                    .sim_time_s = sim_time_s,
                                    .accuracy = accuracy,
                                    .loss = 1,
                                    .train_loss = 1,
                                    .updates = 1};
    assert_ok(res_store_add_round(store, &round, &err), &err);
}

static void add_epoch(struct res_store *store, int64_t number, double accuracy)
{
    struct fl_error err;
    struct carbon_entry e = syn_entry(number, 0, 1000);
    e.arm = SYN_CENTRALIZED;
    e.role = CARBON_DATACENTRE;
    e.component = syn_term("central_compute");
    e.t0_s = 5.0 * (double)number;
    e.t1_s = e.t0_s + 5;
    assert_ok(res_store_add_entries(store, &e, 1, &err), &err);
    add_round(store, SYN_CENTRALIZED, number, e.t1_s, accuracy);
}

static void commit(struct res_store *store)
{
    struct fl_error err;
    assert_ok(res_store_commit(store, &err), &err);
}

static void test_a_view_follows_every_commit_exactly(void **state)
{
    (void)state;
    char *folder = syn_folder(), *dir = syn_path(folder, "a");
    struct res_store *store = live_create(dir);
    struct res_live *live = live_open(dir);
    assert_true(live_look(live));
    assert_int_equal(res_live_state(live), RES_LIVE_RUNNING);
    assert_int_equal(res_live_run(live, 0)->writer, getpid());
    for (int64_t round = 0; round < 20; round++) {
        for (int64_t client = 0; client < 3; client++)
            add_client(store, round, client);
        add_round(store, SYN_FEDERATED, round, 10.0 * (double)round + 10,
                  round % 2 ? 0.02 * (double)round : (double)NAN);
        assert_false(live_look(live)); /* nothing of it is committed */
        commit(store);
        assert_true(live_look(live));
        assert_false(live_look(live)); /* and it is read once */
        const struct res_live_arm *arm = live_arm(live, "federated");
        assert_int_equal(arm->step, round + 1);
        assert_int_equal(arm->steps, 30);
        assert_near(arm->energy_j, live_sum(dir, "energy_j", SYN_FEDERATED),
                    SUM_RTOL, 0);
        assert_near(arm->gco2e, live_sum(dir, "emitted_gco2e", SYN_FEDERATED),
                    SUM_RTOL, 0);
        assert_int_equal((int)arm->n_curve, round + 1);
        assert_near(arm->curve[round].gco2e, arm->gco2e, SUM_RTOL, 0);
        assert_near(arm->curve[round].energy_j, arm->energy_j, SUM_RTOL, 0);
        assert_near(arm->sim_time_s, 10.0 * (double)round + 10, 0, 0);
    }
    /* The last that was measured, in round 19. */
    assert_near(live_arm(live, "federated")->accuracy, 0.38, SUM_RTOL, 0);
    assert_true(isnan(live_arm(live, "centralized")->accuracy) != 0);
    assert_int_equal(res_live_run(live, 0)->entries, 20 * 3 * 8);
    res_live_destroy(live);
    res_store_destroy(store);
    fl_free(dir);
    syn_remove(folder);
}

static void test_a_late_view_sees_what_an_early_one_does(void **state)
{
    (void)state;
    char *folder = syn_folder(), *dir = syn_path(folder, "a");
    struct res_store *store = live_create(dir);
    struct res_live *early = live_open(dir);
    for (int64_t round = 0; round < 7; round++) {
        for (int64_t client = 0; client < 5; client++)
            add_client(store, round, client);
        add_round(store, SYN_FEDERATED, round, 10.0 * (double)round + 10, 0.5);
        add_epoch(store, round, 0.1 * (double)round);
        commit(store);
        (void)live_look(early);
    }
    struct res_live *late = live_open(dir);
    (void)live_look(late);
    struct fl_error err;
    char *a, *b;
    assert_ok(res_live_json(early, &a, &err), &err);
    assert_ok(res_live_json(late, &b, &err), &err);
    assert_string_equal(a, b);
    fl_free(a);
    fl_free(b);
    for (size_t i = 0; res_live_charts[i]; i++) {
        assert_ok(res_live_chart_json(early, 0, res_live_charts[i], &a, &err),
                  &err);
        assert_ok(res_live_chart_json(late, 0, res_live_charts[i], &b, &err),
                  &err);
        assert_string_equal(a, b);
        assert_true(strstr(a, "\"dots\":[["));
        fl_free(a);
        fl_free(b);
    }
    res_live_destroy(late);
    res_live_destroy(early);
    res_store_destroy(store);
    fl_free(dir);
    syn_remove(folder);
}

static void test_a_round_says_who_does_what_on_the_clock(void **state)
{
    (void)state;
    char *folder = syn_folder(), *dir = syn_path(folder, "a");
    struct res_store *store = live_create(dir);
    for (int64_t round = 0; round < 2; round++) {
        for (int64_t client = 0; client < 3 + round; client++)
            add_client(store, round, client);
        add_round(store, SYN_FEDERATED, round, 10.0 * (double)round + 10, 0.5);
    }
    commit(store);
    struct res_live *live = live_open(dir);
    (void)live_look(live);
    const struct res_live_round *round = &res_live_run(live, 0)->round;
    assert_true(round->is_known);
    assert_int_equal(round->round, 1);
    assert_int_equal(round->clients, 4); /* two terms each are one client */
    assert_near(round->t0_s, 10, 0, 0);
    assert_near(round->t1_s, 20, 0, 0);
    /* 4 clients, 2, 6, 1 and 1 of 10 s. */
    assert_near(round->clients_mean[RES_LIVE_DOWNLOAD], 0.8, SUM_RTOL, 0);
    assert_near(round->clients_mean[RES_LIVE_TRAIN], 2.4, SUM_RTOL, 0);
    assert_near(round->clients_mean[RES_LIVE_UPLOAD], 0.4, SUM_RTOL, 0);
    assert_near(round->clients_mean[RES_LIVE_WAIT], 0.4, SUM_RTOL, 0);
    res_live_destroy(live);
    res_store_destroy(store);
    fl_free(dir);
    syn_remove(folder);
}

static void test_power_adds_up_to_the_energy_and_intensity_to_the_grid(void **s)
{
    (void)s;
    char *folder = syn_folder(), *dir = syn_path(folder, "a");
    struct res_store *store = live_create(dir);
    struct res_live *live = live_open(dir);
    for (int64_t round = 0; round < 300; round++) {
        add_client(store, round, round % 4);
        add_round(store, SYN_FEDERATED, round, 10.0 * (double)round + 10, 0.5);
        commit(store);
        (void)live_look(live); /* slices widen on the way */
    }
    const struct res_live_arm *arm = live_arm(live, "federated");
    double energy_j = 0;
    assert_in_range(arm->n_slices, LIVE_SLICES / 2, LIVE_SLICES);
    for (size_t i = 0; i < arm->n_slices; i++) {
        double from_s = arm->start_s + (double)i * arm->slice_s;
        energy_j += arm->power_w[i] * fmin(arm->slice_s, arm->end_s - from_s);
        if (arm->power_w[i] > 0) /* France's 50, and what was made */
            assert_true(arm->gco2e_per_kwh[i] >= 50 * (1 - SUM_RTOL));
    }
    assert_near(energy_j, arm->energy_j, SUM_RTOL, 0);
    res_live_destroy(live);
    res_store_destroy(store);
    fl_free(dir);
    syn_remove(folder);
}

static void test_slices_keep_amounts_wherever_intervals_fall(void **state)
{
    (void)state;
    struct live_slices slices = {0};
    live_slices_add(&slices, 0, 1, 5, 50);
    live_slices_add(&slices, 0.25, 0.25, 2, 20); /* an instant */
    live_slices_add(&slices, 900, 1000, 100, 0);
    live_slices_add(&slices, 3, 777, 7, 70);
    double energy_j = 0, gco2e = 0;
    for (size_t i = 0; i < LIVE_SLICES; i++) {
        energy_j += slices.energy_j[i];
        gco2e += slices.gco2e[i];
    }
    assert_near(energy_j, 114, SUM_RTOL, 0);
    assert_near(gco2e, 140, SUM_RTOL, 0);
    assert_true(slices.slice_s * LIVE_SLICES >= 1000);
    assert_true(slices.slice_s * (double)live_slices_n(&slices) >= 1000);
    live_slices_add(&slices, -1, 2, 1, 1); /* before the beginning */
    assert_int_equal((int)live_slices_n(&slices), 0);
}

static void test_arms_are_compared_so_far_and_at_equal_accuracy(void **state)
{
    (void)state;
    char *folder = syn_folder(), *dir = syn_path(folder, "a");
    struct res_store *store = live_create(dir);
    for (int64_t round = 0; round < 4; round++) {
        add_client(store, round, 0);
        add_round(store, SYN_FEDERATED, round, 10.0 * (double)round + 10,
                  0.2 * (double)(round + 1)); /* 0.2 0.4 0.6 0.8 */
    }
    add_epoch(store, 0, 0.3);
    add_epoch(store, 1, 0.6);
    add_epoch(store, 2, 0.5);
    commit(store);
    struct res_live *live = live_open(dir);
    (void)live_look(live);
    const struct res_live_arm *fed = live_arm(live, "federated");
    double central = live_sum(dir, "emitted_gco2e", SYN_CENTRALIZED);
    assert_near(fed->so_far_ratio, fed->gco2e / central, SUM_RTOL, 0);
    assert_near(live_arm(live, "centralized")->so_far_ratio, 1, 0, 0);
    /* 0.6: round 2 of the one, epoch 1 of the other. */
    assert_near(fed->equal_accuracy, 0.6, SUM_RTOL, 0);
    double fed_then = syn_sql(
        dir,
        "SELECT total(emitted_gco2e) FROM ledger WHERE arm=0 AND round <= 2");
    double central_then = syn_sql(
        dir,
        "SELECT total(emitted_gco2e) FROM ledger WHERE arm=1 AND round <= 1");
    assert_near(fed->equal_ratio, fed_then / central_then, SUM_RTOL, 0);
    res_live_destroy(live);
    res_store_destroy(store);
    fl_free(dir);
    syn_remove(folder);
}

static void test_carbon_stays_within_the_boundary_of_the_run(void **state)
{
    static const struct {
        const char *boundary, *sql;
    } cases[] = {
        {"lifecycle", "SELECT total(emitted_gco2e) FROM ledger WHERE arm = 0"},
        {"operational",
         "SELECT total(emitted_gco2e) FROM ledger WHERE arm = 0 AND energy_j"},
        {"dynamic",
         "SELECT total(emitted_gco2e * (1 - idle_j / energy_j)) FROM ledger"
         " WHERE arm = 0 AND energy_j"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *folder = syn_folder(), *dir = syn_path(folder, "a");
        struct fl_error err;
        struct res_store *store = live_create(dir);
        assert_ok(res_store_set(store, "boundary", cases[i].boundary, &err),
                  &err);
        add_client(store, 0, 0);
        add_round(store, SYN_FEDERATED, 0, 10, 0.5);
        commit(store);
        struct res_live *live = live_open(dir);
        (void)live_look(live);
        assert_near(live_arm(live, "federated")->gco2e,
                    syn_sql(dir, cases[i].sql), SUM_RTOL, 0);
        assert_string_equal(res_live_run(live, 0)->boundary, cases[i].boundary);
        res_live_destroy(live);
        res_store_destroy(store);
        fl_free(dir);
        syn_remove(folder);
    }
}

/* The comparison table's figures of a finished run, arm by arm. */
static void test_a_finished_run_shows_what_the_table_does(void **state)
{
    (void)state;
    char *folder = syn_folder(), *dir = syn_run(folder, "a", true);
    struct fl_error err;
    struct res_store *store;
    struct res_run table;
    assert_ok(res_store_create(dir, RES_READ, &store, &err), &err);
    assert_ok(res_gather(store, &table, &err), &err);
    res_store_destroy(store);
    struct res_live *live = live_open(dir);
    (void)live_look(live);
    assert_int_equal(res_live_state(live), RES_LIVE_FINISHED);
    assert_int_equal(res_live_run(live, 0)->n_arms, table.n_rows);
    for (size_t i = 0; i < table.n_rows; i++) {
        const struct res_row *row = &table.rows[i];
        const struct res_live_arm *arm = &res_live_run(live, 0)->arms[i];
        assert_string_equal(arm->name, row->arm);
        assert_near(arm->energy_j, row->energy_j, SUM_RTOL, 0);
        assert_near(arm->gco2e, row->gco2e, SUM_RTOL, 0);
        assert_near(arm->accuracy, row->accuracy, SUM_RTOL, 0);
        assert_near(arm->sim_time_s, row->sim_time_s, SUM_RTOL, 0);
        if (!arm->is_per_client)
            assert_near(arm->so_far_ratio, row->x_centralized, SUM_RTOL, 0);
        assert_true(arm->is_finished);
    }
    assert_false(live_look(live));
    res_live_destroy(live);
    res_run_fini(&table);
    fl_free(dir);
    syn_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_view_follows_every_commit_exactly),
        cmocka_unit_test(test_a_late_view_sees_what_an_early_one_does),
        cmocka_unit_test(test_a_round_says_who_does_what_on_the_clock),
        cmocka_unit_test(
            test_power_adds_up_to_the_energy_and_intensity_to_the_grid),
        cmocka_unit_test(test_slices_keep_amounts_wherever_intervals_fall),
        cmocka_unit_test(test_arms_are_compared_so_far_and_at_equal_accuracy),
        cmocka_unit_test(test_carbon_stays_within_the_boundary_of_the_run),
        cmocka_unit_test(test_a_finished_run_shows_what_the_table_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
