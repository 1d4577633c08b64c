/* A run looked at while somebody writes it: every commit is followed exactly,
 * and what the view says is what the store's rows add up to. */
#include "synthetic.h"

#include "base/alloc.h"
#include "base/file.h"
#include "results/live/live_priv.h"
#include "support/assert_near.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The same numbers, added in another order. */
#define SUM_RTOL 1e-12

static struct res_live *open_live(const char *dir)
{
    struct res_live *live;
    struct fl_error err;
    assert_ok(res_live_create(dir, &live, &err), &err);
    return live;
}

static bool look(struct res_live *live)
{
    struct fl_error err;
    bool has_changed, is_behind = true, any = false;
    while (is_behind) {
        assert_ok(res_live_look(live, &has_changed, &is_behind, &err), &err);
        any = any || has_changed;
    }
    return any;
}

static const struct res_live_arm *arm_of(const struct res_live *live,
                                         const char *name)
{
    const struct res_live_run *run = res_live_run(live, 0);
    for (size_t i = 0; i < run->n_arms; i++)
        if (strcmp(run->arms[i].name, name) == 0)
            return &run->arms[i];
    fail_msg("no arm %s", name);
    return NULL;
}

static struct res_store *create(const char *dir)
{
    struct res_store *store;
    struct fl_error err;
    assert_ok(res_store_create(dir, RES_CREATE, &store, &err), &err);
    syn_begin(store);
    assert_ok(res_store_set(store, "scenario",
                            "name: a\ntrain:\n  rounds: 30\n"
                            "  centralized:\n    epochs: 4\n",
                            &err),
              &err);
    assert_ok(res_store_commit(store, &err), &err);
    return store;
}

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

static double sum_of(const char *dir, const char *column, int arm)
{
    char sql[128];
    (void)snprintf(sql, sizeof sql,
                   "SELECT total(%s) FROM ledger WHERE arm = %d", column, arm);
    return syn_sql(dir, sql);
}

static void test_a_view_follows_every_commit_exactly(void **state)
{
    (void)state;
    char *folder = syn_folder(), *dir = syn_path(folder, "a");
    struct res_store *store = create(dir);
    struct res_live *live = open_live(dir);
    assert_true(look(live));
    assert_int_equal(res_live_state(live), RES_LIVE_RUNNING);
    assert_int_equal(res_live_run(live, 0)->writer, getpid());
    for (int64_t round = 0; round < 20; round++) {
        for (int64_t client = 0; client < 3; client++)
            add_client(store, round, client);
        add_round(store, SYN_FEDERATED, round, 10.0 * (double)round + 10,
                  round % 2 ? 0.02 * (double)round : (double)NAN);
        assert_false(look(live)); /* nothing of it is committed */
        commit(store);
        assert_true(look(live));
        assert_false(look(live)); /* and it is read once */
        const struct res_live_arm *arm = arm_of(live, "federated");
        assert_int_equal(arm->step, round + 1);
        assert_int_equal(arm->steps, 30);
        assert_near(arm->energy_j, sum_of(dir, "energy_j", SYN_FEDERATED),
                    SUM_RTOL, 0);
        assert_near(arm->gco2e, sum_of(dir, "emitted_gco2e", SYN_FEDERATED),
                    SUM_RTOL, 0);
        assert_int_equal((int)arm->n_curve, round + 1);
        assert_near(arm->curve[round].gco2e, arm->gco2e, SUM_RTOL, 0);
        assert_near(arm->curve[round].energy_j, arm->energy_j, SUM_RTOL, 0);
        assert_near(arm->sim_time_s, 10.0 * (double)round + 10, 0, 0);
    }
    /* The last that was measured, in round 19. */
    assert_near(arm_of(live, "federated")->accuracy, 0.38, SUM_RTOL, 0);
    assert_true(isnan(arm_of(live, "centralized")->accuracy) != 0);
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
    struct res_store *store = create(dir);
    struct res_live *early = open_live(dir);
    for (int64_t round = 0; round < 7; round++) {
        for (int64_t client = 0; client < 5; client++)
            add_client(store, round, client);
        add_round(store, SYN_FEDERATED, round, 10.0 * (double)round + 10, 0.5);
        add_epoch(store, round, 0.1 * (double)round);
        commit(store);
        (void)look(early);
    }
    struct res_live *late = open_live(dir);
    (void)look(late);
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
    struct res_store *store = create(dir);
    for (int64_t round = 0; round < 2; round++) {
        for (int64_t client = 0; client < 3 + round; client++)
            add_client(store, round, client);
        add_round(store, SYN_FEDERATED, round, 10.0 * (double)round + 10, 0.5);
    }
    commit(store);
    struct res_live *live = open_live(dir);
    (void)look(live);
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
    struct res_store *store = create(dir);
    struct res_live *live = open_live(dir);
    for (int64_t round = 0; round < 300; round++) {
        add_client(store, round, round % 4);
        add_round(store, SYN_FEDERATED, round, 10.0 * (double)round + 10, 0.5);
        commit(store);
        (void)look(live); /* slices widen on the way */
    }
    const struct res_live_arm *arm = arm_of(live, "federated");
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
    struct res_store *store = create(dir);
    for (int64_t round = 0; round < 4; round++) {
        add_client(store, round, 0);
        add_round(store, SYN_FEDERATED, round, 10.0 * (double)round + 10,
                  0.2 * (double)(round + 1)); /* 0.2 0.4 0.6 0.8 */
    }
    add_epoch(store, 0, 0.3);
    add_epoch(store, 1, 0.6);
    add_epoch(store, 2, 0.5);
    commit(store);
    struct res_live *live = open_live(dir);
    (void)look(live);
    const struct res_live_arm *fed = arm_of(live, "federated");
    double central = sum_of(dir, "emitted_gco2e", SYN_CENTRALIZED);
    assert_near(fed->so_far_ratio, fed->gco2e / central, SUM_RTOL, 0);
    assert_near(arm_of(live, "centralized")->so_far_ratio, 1, 0, 0);
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
        struct res_store *store = create(dir);
        assert_ok(res_store_set(store, "boundary", cases[i].boundary, &err),
                  &err);
        add_client(store, 0, 0);
        add_round(store, SYN_FEDERATED, 0, 10, 0.5);
        commit(store);
        struct res_live *live = open_live(dir);
        (void)look(live);
        assert_near(arm_of(live, "federated")->gco2e,
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
    struct res_live *live = open_live(dir);
    (void)look(live);
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
    assert_false(look(live));
    res_live_destroy(live);
    res_run_fini(&table);
    fl_free(dir);
    syn_remove(folder);
}

static void test_a_run_that_finishes_is_seen_to(void **state)
{
    (void)state;
    char *folder = syn_folder(), *dir = syn_path(folder, "a");
    struct fl_error err;
    struct res_store *store = create(dir);
    struct res_live *live = open_live(dir);
    (void)look(live);
    syn_fill(store);
    assert_ok(res_store_finish(store, &err), &err);
    (void)look(live); /* between the last word and the end of its writer */
    res_store_destroy(store);
    assert_true(look(live));
    assert_int_equal(res_live_state(live), RES_LIVE_FINISHED);
    assert_near(arm_of(live, "federated")->energy_j,
                sum_of(dir, "energy_j", SYN_FEDERATED), SUM_RTOL, 0);
    char *log = syn_path(dir, "run.sqlite-wal");
    assert_int_not_equal(access(log, F_OK), 0); /* nobody kept it open */
    fl_free(log);
    res_live_destroy(live);
    fl_free(dir);
    syn_remove(folder);
}

/* A writer in a process of its own, which says when it has committed and then
 * ends as it is told: by itself, or killed. */
static pid_t start_writer(const char *dir, bool lets_go, int *ret_fd)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct fl_error err;
        struct res_store *store = NULL;
        if (res_store_create(dir, RES_CREATE, &store, &err) != FL_OK)
            _exit(1);
        syn_begin(store);
        if (res_store_commit(store, &err) != FL_OK)
            _exit(1);
        if (write(fds[1], "x", 1) != 1)
            _exit(1);
        if (!lets_go)
            (void)pause();
        res_store_destroy(store);
        _exit(0);
    }
    (void)close(fds[1]);
    char byte;
    assert_int_equal(read(fds[0], &byte, 1), 1);
    *ret_fd = fds[0];
    return pid;
}

static void test_a_dying_writer_is_told_from_a_living_one(void **state)
{
    (void)state;
    char *folder = syn_folder(), *dir = syn_path(folder, "a");
    int fd;
    pid_t pid = start_writer(dir, false, &fd);
    struct res_live *live = open_live(dir);
    (void)look(live);
    assert_int_equal(res_live_state(live), RES_LIVE_RUNNING);
    assert_int_equal(res_live_run(live, 0)->writer, pid);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_true(look(live));
    assert_int_equal(res_live_state(live), RES_LIVE_STALE);
    /* It goes on: somebody resumes it. */
    struct fl_error err;
    struct res_store *store;
    assert_ok(res_store_create(dir, RES_RESUME, &store, &err), &err);
    assert_true(look(live));
    assert_int_equal(res_live_state(live), RES_LIVE_RUNNING);
    res_store_destroy(store);
    assert_true(look(live));
    assert_int_equal(res_live_state(live), RES_LIVE_STOPPED);
    res_live_destroy(live);
    (void)close(fd);
    fl_free(dir);
    syn_remove(folder);
}

static void test_a_writer_that_lets_go_has_stopped(void **state)
{
    (void)state;
    char *folder = syn_folder(), *dir = syn_path(folder, "a");
    int fd;
    pid_t pid = start_writer(dir, true, &fd);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    struct res_live *live = open_live(dir);
    (void)look(live);
    assert_int_equal(res_live_state(live), RES_LIVE_STOPPED);
    res_live_destroy(live);
    (void)close(fd);
    fl_free(dir);
    syn_remove(folder);
}

static void test_tables_without_a_run_are_not_begun(void **state)
{
    (void)state;
    char *folder = syn_folder(), *dir = syn_path(folder, "a");
    struct res_store *store;
    struct fl_error err;
    assert_ok(res_store_create(dir, RES_CREATE, &store, &err), &err);
    res_store_destroy(store); /* its writer died young */
    struct res_live *live = open_live(dir);
    (void)look(live);
    assert_int_equal(res_live_state(live), RES_LIVE_LEFT);
    assert_int_equal(res_live_run(live, 0)->n_arms, 0);
    store = create(dir); /* another takes it over */
    assert_true(look(live));
    assert_int_equal(res_live_state(live), RES_LIVE_RUNNING);
    assert_int_equal(res_live_run(live, 0)->n_arms, 3);
    res_live_destroy(live);
    res_store_destroy(store);
    fl_free(dir);
    syn_remove(folder);
}

static void test_what_is_no_run_is_refused(void **state)
{
    (void)state;
    char *folder = syn_folder();
    struct res_live *live;
    struct fl_error err;
    assert_int_equal(res_live_create(folder, &live, &err), FL_E_STATE);
    assert_non_null(strstr(err.text, "run.sqlite"));
    assert_non_null(strstr(err.text, "points.csv"));
    syn_remove(folder);
}

static void test_other_versions_and_damage_are_said(void **state)
{
    (void)state;
    char *folder = syn_folder(), *dir = syn_run(folder, "a", true);
    syn_tamper(dir, "PRAGMA user_version = 99");
    struct res_live *live = open_live(dir);
    (void)look(live);
    assert_int_equal(res_live_state(live), RES_LIVE_FAILED);
    assert_non_null(strstr(res_live_run(live, 0)->problem, "schema 99"));
    assert_false(look(live)); /* said once */
    syn_tamper(dir, "PRAGMA user_version = 2");
    assert_true(look(live));
    assert_int_equal(res_live_state(live), RES_LIVE_FINISHED);
    res_live_destroy(live);
    fl_free(dir);
    syn_remove(folder);
}

static void write_file(const char *folder, const char *name, const char *text)
{
    struct fl_error err;
    char *path = syn_path(folder, name);
    assert_ok(fl_file_write(path, text, strlen(text), &err), &err);
    fl_free(path);
}

static void test_a_sweep_shows_its_points_and_their_runs(void **state)
{
    (void)state;
    char *folder = syn_folder();
    write_file(folder, "points.csv",
               "point,directory,data.clients,\"a,b\"\n"
               "1,0123456789ab,10,\"{x: \"\"y\"\"}\"\n"
               "2,ba9876543210,20,2\n"
               "3,0123456789ab,10,3\n"
               "4,ffffffffffff,40,4\n");
    write_file(folder, "ba9876543210.log",
               "info: hello\nerror: the coordinator says no\n"
               "warn error: data: no such folder\n");
    fl_free(syn_run(folder, "0123456789ab", true));
    struct res_live *live = open_live(folder);
    (void)look(live);
    assert_true(res_live_is_sweep(live));
    assert_int_equal(res_live_n_points(live), 4);
    assert_int_equal(res_live_n_runs(live), 3);
    assert_int_equal(res_live_n_keys(live), 2);
    assert_string_equal(res_live_key(live, 1), "a,b");
    assert_string_equal(res_live_point(live, 0)->values[1], "{x: \"y\"}");
    assert_int_equal(res_live_point(live, 2)->run, 0);
    assert_int_equal(res_live_run(live, 0)->state, RES_LIVE_FINISHED);
    assert_int_equal(res_live_run(live, 1)->state, RES_LIVE_FAILED);
    assert_string_equal(res_live_run(live, 1)->problem, "data: no such folder");
    assert_int_equal(res_live_run(live, 2)->state, RES_LIVE_LEFT);
    assert_int_equal(res_live_state(live), RES_LIVE_FAILED);
    /* Sums of a finished run come without its rows; the rest when wanted. */
    const struct res_live_run *run = res_live_run(live, 0);
    assert_false(run->has_detail);
    assert_true(run->arms[0].gco2e > 0);
    assert_true(isnan(run->arms[1].equal_ratio) != 0);
    double gco2e = run->arms[1].gco2e;
    res_live_want(live, 0);
    assert_true(look(live));
    run = res_live_run(live, 0);
    assert_true(run->has_detail);
    assert_true(isfinite(run->arms[1].equal_ratio) != 0);
    assert_near(run->arms[1].gco2e, gco2e, SUM_RTOL, 0);
    res_live_destroy(live);
    syn_remove(folder);
}

static void test_points_that_lead_elsewhere_are_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "point\n",
                                      "a,b\n1,0123456789ab\n",
                                      "point,directory\n1,../../etc\n",
                                      "point,directory\n1,0123456789AB\n",
                                      "point,directory\n1,0123456789ab,2\n",
                                      "point,directory\n1,\"0123456789ab\n",
                                      "point,directory\n1,\"a\"b\n",
                                      "point,directory\n1,0123456789abc\n"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct live_points points;
        struct fl_error err;
        assert_int_equal(live_points_parse("points.csv", bad[i], &points, &err),
                         FL_E_FORMAT);
        assert_non_null(strstr(err.text, "points.csv"));
    }
}

static void test_memory_that_fails_is_said_and_leaves_nothing(void **state)
{
    (void)state;
    char *folder = syn_folder(), *dir = syn_run(folder, "a", true);
    bool is_done = false;
    for (long nth = 1; !is_done; nth++) {
        struct res_live *live = NULL;
        struct fl_error err = {FL_OK, ""};
        bool has_changed;
        char *json = NULL;
        (void)fl_alloc_fail_at(nth);
        enum fl_status status = res_live_create(dir, &live, &err);
        if (status == FL_OK)
            status = res_live_look(live, &has_changed, NULL, &err);
        if (status == FL_OK)
            status = res_live_json(live, &json, &err);
        for (size_t i = 0; res_live_charts[i] && status == FL_OK; i++) {
            fl_free(json);
            json = NULL;
            status =
                res_live_chart_json(live, 0, res_live_charts[i], &json, &err);
        }
        is_done = fl_alloc_fail_at(0) < nth;
        if (status != FL_OK)
            assert_int_equal(status, FL_E_NOMEM);
        fl_free(json);
        res_live_destroy(live);
    }
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
        cmocka_unit_test(test_a_run_that_finishes_is_seen_to),
        cmocka_unit_test(test_a_dying_writer_is_told_from_a_living_one),
        cmocka_unit_test(test_a_writer_that_lets_go_has_stopped),
        cmocka_unit_test(test_tables_without_a_run_are_not_begun),
        cmocka_unit_test(test_what_is_no_run_is_refused),
        cmocka_unit_test(test_other_versions_and_damage_are_said),
        cmocka_unit_test(test_a_sweep_shows_its_points_and_their_runs),
        cmocka_unit_test(test_points_that_lead_elsewhere_are_refused),
        cmocka_unit_test(test_memory_that_fails_is_said_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
