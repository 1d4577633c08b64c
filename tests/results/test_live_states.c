/* Runs that end, stop, die, are damaged or have not begun, and sweeps of them.
 */
#include "live_fixture.h"

#include "base/alloc.h"
#include "base/file.h"
#include "results/amend.h"
#include "support/assert_near.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_a_run_that_finishes_is_seen_to(void **state)
{
    (void)state;
    char *folder = syn_folder(), *dir = syn_path(folder, "a");
    struct fl_error err;
    struct res_store *store = live_create(dir);
    struct res_live *live = live_open(dir);
    (void)live_look(live);
    syn_fill(store);
    assert_ok(res_store_finish(store, &err), &err);
    (void)live_look(live); /* between the last word and the end of its writer */
    res_store_destroy(store);
    assert_true(live_look(live));
    assert_int_equal(res_live_state(live), RES_LIVE_FINISHED);
    assert_near(live_arm(live, "federated")->energy_j,
                live_sum(dir, "energy_j", SYN_FEDERATED), SUM_RTOL, 0);
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
    struct res_live *live = live_open(dir);
    (void)live_look(live);
    assert_int_equal(res_live_state(live), RES_LIVE_RUNNING);
    assert_int_equal(res_live_run(live, 0)->writer, pid);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_true(live_look(live));
    assert_int_equal(res_live_state(live), RES_LIVE_STALE);
    /* Its launcher adds what it measured: the writer is as dead as before. */
    struct fl_error err;
    const struct res_amendment energy = {"simulation_energy_j", "12.5"};
    assert_ok(res_amend(dir, &energy, 1, &err), &err);
    (void)live_look(live);
    assert_int_equal(res_live_state(live), RES_LIVE_STALE);
    /* It goes on: somebody resumes it. */
    struct res_store *store;
    assert_ok(res_store_create(dir, RES_RESUME, &store, &err), &err);
    assert_true(live_look(live));
    assert_int_equal(res_live_state(live), RES_LIVE_RUNNING);
    res_store_destroy(store);
    assert_true(live_look(live));
    assert_int_equal(res_live_state(live), RES_LIVE_STOPPED);
    res_live_destroy(live);
    (void)close(fd);
    fl_free(dir);
    syn_remove(folder);
}

/* Its store is not opened meanwhile: SQLite's log is for one host. */
static void test_a_writer_on_another_host_is_left_alone(void **state)
{
    (void)state;
    char *folder = syn_folder(), *dir = syn_run(folder, "a", false);
    char *lock = syn_path(dir, "run.lock");
    struct fl_error err;
    assert_ok(fl_file_write(lock, "12\nelsewhere\n", 13, &err), &err);
    struct res_live *live = live_open(dir);
    (void)live_look(live);
    assert_int_equal(res_live_state(live), RES_LIVE_RUNNING);
    assert_int_equal(res_live_run(live, 0)->n_arms, 0);
    assert_non_null(strstr(res_live_run(live, 0)->problem, "another host"));
    assert_int_equal(unlink(lock), 0);
    assert_true(live_look(live));
    assert_int_equal(res_live_state(live), RES_LIVE_STOPPED);
    assert_int_equal(res_live_run(live, 0)->n_arms, 3);
    assert_string_equal(res_live_run(live, 0)->problem, "");
    res_live_destroy(live);
    fl_free(lock);
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
    struct res_live *live = live_open(dir);
    (void)live_look(live);
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
    struct res_live *live = live_open(dir);
    (void)live_look(live);
    assert_int_equal(res_live_state(live), RES_LIVE_LEFT);
    assert_int_equal(res_live_run(live, 0)->n_arms, 0);
    store = live_create(dir); /* another takes it over */
    assert_true(live_look(live));
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
    struct res_live *live = live_open(dir);
    (void)live_look(live);
    assert_int_equal(res_live_state(live), RES_LIVE_FAILED);
    assert_non_null(strstr(res_live_run(live, 0)->problem, "schema 99"));
    assert_false(live_look(live)); /* said once */
    syn_tamper(dir, "PRAGMA user_version = 2");
    assert_true(live_look(live));
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

static void test_an_empty_or_cut_list_of_points_is_refused(void **state)
{
    static const char *const texts[] = {"", "point,directory\n",
                                        "point,directory,seed\n1,01234"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char *folder = syn_folder();
        struct res_live *live = NULL;
        struct fl_error err = {FL_OK, ""};
        write_file(folder, "points.csv", texts[i]);
        assert_int_equal(res_live_create(folder, &live, &err), FL_E_FORMAT);
        assert_non_null(strstr(err.text, "points.csv"));
        syn_remove(folder);
    }
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
    struct res_live *live = live_open(folder);
    (void)live_look(live);
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
    assert_true(live_look(live));
    run = res_live_run(live, 0);
    assert_true(run->has_detail);
    assert_true(isfinite(run->arms[1].equal_ratio) != 0);
    assert_near(run->arms[1].gco2e, gco2e, SUM_RTOL, 0);
    res_live_destroy(live);
    syn_remove(folder);
}

static void assert_reason(const char *folder, const char *log, const char *why)
{
    char text[256], *path = syn_path(folder, "a.log");
    write_file(folder, "a.log", log);
    res_live_reason(path, text, sizeof text);
    assert_string_equal(text, why);
    fl_free(path);
}

static void test_a_reason_is_the_first_error_or_the_bad_option(void **state)
{
    (void)state;
    char *folder = syn_folder();
    assert_reason(folder, "", "");
    assert_reason(folder, "hello\nkilled\n\n", "killed");
    assert_reason(folder,
                  "warning\nfedcarbon run: more than 256 --set\n"
                  "Try `fedcarbon run --help' or `fedcarbon run --usage' for "
                  "more\ninformation.\n",
                  "fedcarbon run: more than 256 --set");
    assert_reason(folder, "a: error: first\na: error: second\nend\n", "first");
    assert_reason(folder, "Try `this'", "");
    syn_remove(folder);
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
        cmocka_unit_test(test_a_run_that_finishes_is_seen_to),
        cmocka_unit_test(test_a_dying_writer_is_told_from_a_living_one),
        cmocka_unit_test(test_a_writer_on_another_host_is_left_alone),
        cmocka_unit_test(test_a_writer_that_lets_go_has_stopped),
        cmocka_unit_test(test_tables_without_a_run_are_not_begun),
        cmocka_unit_test(test_what_is_no_run_is_refused),
        cmocka_unit_test(test_other_versions_and_damage_are_said),
        cmocka_unit_test(test_an_empty_or_cut_list_of_points_is_refused),
        cmocka_unit_test(test_a_sweep_shows_its_points_and_their_runs),
        cmocka_unit_test(test_a_reason_is_the_first_error_or_the_bad_option),
        cmocka_unit_test(test_memory_that_fails_is_said_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
