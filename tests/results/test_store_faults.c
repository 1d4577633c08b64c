/* The run store when the world breaks: no disk, no memory, no permission,
 * killed writers. */
#include "synthetic.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "results/report.h"
#include "results/store/store_priv.h"
#include "support/assert_near.h"

#include <fcntl.h>
#include <jansson.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* SQLite's memory with a switch like fl_alloc_fail_at: the nth request from
 * now fails. jansson's comes from fl_calloc. */
static long asked, fail_at;

static bool is_refused(void)
{
    return ++asked == fail_at;
}

static sqlite3_mem_methods plain;

static void *sqlite_malloc(int n)
{
    return is_refused() ? NULL : plain.xMalloc(n);
}

static void *sqlite_realloc(void *old, int n)
{
    return is_refused() ? NULL : plain.xRealloc(old, n);
}

static void *json_alloc(size_t n)
{
    return fl_calloc(n, 1);
}

/* In memory where there is such a place: the sweeps sync thousands of times. */
static char *fast_folder(void)
{
    char name[] = "/dev/shm/results-test-XXXXXX";
    return mkdtemp(name) ? fl_strdup(name) : syn_folder();
}

static int wait_for(pid_t child)
{
    int how;
    assert_int_equal(waitpid(child, &how, 0), child);
    return how;
}

static void run_child(void (*body)(const char *dir), const char *dir)
{
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        body(dir);
        _exit(0);
    }
    int how = wait_for(child);
    if (!WIFEXITED(how) || WEXITSTATUS(how) != 0)
        fail_msg("the child ended with %#x", (unsigned)how);
}

/* One round as a coordinator writes it; the checkpoint names the round. */
static enum fl_status
write_round(struct res_store *store, int64_t round, struct fl_error *err)
{
    struct carbon_entry entries[20];
    for (int64_t i = 0; i < 20; i++)
        entries[i] = syn_entry(round, i, 1);
    struct res_round done = {
        .arm = SYN_FEDERATED, .round = round, .accuracy = 0.5};
    uint8_t state[3000];
    memset(state, (int)(round & 0xff), sizeof state);
    memcpy(state, &round, sizeof round);
    FL_TRY(res_store_add_entries(store, entries, 20, err));
    FL_TRY(res_store_add_round(store, &done, err));
    FL_TRY(res_store_put_checkpoint(store, SYN_FEDERATED, state, sizeof state,
                                    err));
    return res_store_commit(store, err);
}

/* What is there is whole rounds, and the checkpoint is of the last of them. */
static int64_t check_moment(const char *dir)
{
    struct fl_error err;
    struct res_store *store;
    assert_ok(res_store_create(dir, RES_RESUME, &store, &err), &err);
    uint8_t *state;
    size_t n;
    assert_ok(res_store_get_checkpoint(store, SYN_FEDERATED, &state, &n, &err),
              &err);
    int64_t round = 0;
    if (state)
        memcpy(&round, state, sizeof round);
    fl_free(state);
    res_store_destroy(store);
    double last = syn_sql(dir, "SELECT coalesce(max(round), 0) FROM ledger");
    assert_near(last, (double)round, 0, 0);
    assert_near(syn_sql(dir, "SELECT coalesce(max(round), 0) FROM round"),
                (double)round, 0, 0);
    assert_near(syn_sql(dir, "SELECT count(*) FROM ledger"),
                20.0 * (double)round, 0, 0);
    assert_near(syn_sql(dir, "SELECT coalesce(max(seq), -1) FROM ledger"),
                20.0 * (double)round - 1, 0, 0);
    return round;
}

static void begin(const char *dir)
{
    struct fl_error err;
    struct res_store *store;
    assert_ok(res_store_create(dir, RES_CREATE, &store, &err), &err);
    syn_begin(store);
    assert_ok(res_store_commit(store, &err), &err);
    res_store_destroy(store);
}

/* Disk full */

/* Exits 0 when the write that meets the limit fails FL_E_IO with the path, and
 * everything after it FL_E_STATE. */
static void fill_the_disk(const char *dir)
{
    struct fl_error err;
    struct res_store *store;
    (void)signal(SIGXFSZ, SIG_IGN);
    if (res_store_create(dir, RES_RESUME, &store, &err) != FL_OK)
        _exit(10);
    int64_t round = 1;
    enum fl_status status = FL_OK;
    for (; round < 20 && status == FL_OK; round++)
        status = write_round(store, round, &err);
    if (status != FL_OK)
        _exit(11);
    struct rlimit limit = {256 * 1024, 256 * 1024};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        _exit(12);
    for (; round < 3000 && status == FL_OK; round++)
        status = write_round(store, round, &err);
    if (status != FL_E_IO || !strstr(err.text, "run.sqlite"))
        _exit(13);
    if (write_round(store, round, &err) != FL_E_STATE ||
        res_store_commit(store, &err) != FL_E_STATE ||
        res_store_finish(store, &err) != FL_E_STATE)
        _exit(14);
    res_store_destroy(store);
}

static void test_a_full_disk_keeps_what_was_committed(void **state)
{
    char *folder = syn_folder();
    char *dir = syn_path(folder, "run");
    (void)state;
    begin(dir);
    run_child(fill_the_disk, dir);
    assert_true(check_moment(dir) >= 19);
    fl_free(dir);
    syn_remove(folder);
}

static void create_on_a_full_disk(const char *dir)
{
    struct fl_error err;
    struct res_store *store;
    (void)signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {4096, 4096};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        _exit(12);
    if (res_store_create(dir, RES_CREATE, &store, &err) != FL_E_IO)
        _exit(13);
}

static void test_a_run_that_could_not_be_created_leaves_no_file(void **state)
{
    char *folder = syn_folder();
    char *dir = syn_path(folder, "run");
    (void)state;
    run_child(create_on_a_full_disk, dir);
    char *path = syn_path(dir, "run.sqlite");
    struct stat info;
    assert_int_not_equal(stat(path, &info), 0);
    begin(dir); /* and the next try finds nothing in its way */
    fl_free(path);
    fl_free(dir);
    syn_remove(folder);
}

static void export_into_a_full_disk(const char *dir)
{
    struct fl_error err;
    (void)signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {16, 16};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        _exit(12);
    if (res_export(dir, &err) != FL_E_IO)
        _exit(13);
}

static void test_an_export_that_fails_leaves_the_old_files(void **state)
{
    char *folder = syn_folder();
    struct fl_error err;
    (void)state;
    char *dir = syn_run(folder, "run", true);
    assert_ok(res_export(dir, &err), &err);
    char *path = syn_path(dir, "rounds.csv");
    char *before = syn_read(path, NULL);
    run_child(export_into_a_full_disk, dir);
    char *after = syn_read(path, NULL);
    assert_string_equal(before, after);
    fl_free(before);
    fl_free(after);
    fl_free(path);
    fl_free(dir);
    syn_remove(folder);
}

/* Permissions */

static void create_without_permission(const char *dir)
{
    struct fl_error err;
    struct res_store *store;
    if (geteuid() == 0) { /* permission bits do not bind root */
        const struct passwd *nobody = getpwnam("nobody");
        if (!nobody || setgid(nobody->pw_gid) != 0 ||
            setuid(nobody->pw_uid) != 0)
            _exit(20);
    }
    enum fl_status status = res_store_create(dir, RES_CREATE, &store, &err);
    if (status != FL_E_IO || !strstr(err.text, dir))
        _exit(21);
    char inside[4200];
    (void)snprintf(inside, sizeof inside, "%s/deeper", dir);
    if (res_store_create(inside, RES_CREATE, &store, &err) != FL_E_IO)
        _exit(22);
}

static void test_a_folder_without_permission_is_an_io_error(void **state)
{
    /* Under the current folder "nobody" may not even search. */
    char folder[] = "/tmp/results-test-XXXXXX";
    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chmod(folder, 0555), 0);
    run_child(create_without_permission, folder);
    assert_int_equal(rmdir(folder), 0);
}

static void read_without_permission(const char *dir)
{
    struct fl_error err;
    const char *dirs[] = {dir};
    if (geteuid() == 0) {
        const struct passwd *nobody = getpwnam("nobody");
        if (!nobody || setgid(nobody->pw_gid) != 0 ||
            setuid(nobody->pw_uid) != 0)
            _exit(20);
    }
    FILE *out = tmpfile();
    if (!out || res_compare(dirs, 1, RES_TEXT, out, &err) != FL_OK)
        _exit(21);
    (void)fclose(out);
    if (res_export(dir, &err) != FL_E_IO)
        _exit(22);
}

static void
test_a_finished_run_in_a_read_only_folder_can_be_compared(void **state)
{
    char folder[] = "/tmp/results-test-XXXXXX";
    (void)state;
    assert_non_null(mkdtemp(folder));
    char *dir = syn_run(folder, "run", true);
    assert_int_equal(chmod(dir, 0555), 0);
    assert_int_equal(chmod(folder, 0555), 0);
    run_child(read_without_permission, dir);
    assert_int_equal(chmod(dir, 0755), 0);
    assert_int_equal(chmod(folder, 0755), 0);
    fl_free(dir);
    syn_remove(fl_strdup(folder));
}

/* Death */

/* Says by a byte on told_fd that its first round is committed. */
static void write_for_ever(const char *dir, int told_fd)
{
    struct fl_error err;
    struct res_store *store;
    if (res_store_create(dir, RES_RESUME, &store, &err) != FL_OK)
        _exit(10);
    for (int64_t round = (int64_t)syn_sql(dir, "SELECT coalesce(max(round), 0)"
                                               " FROM round") +
                         1;
         ; round++) {
        if (write_round(store, round, &err) != FL_OK)
            _exit(11);
        if (told_fd >= 0 && write(told_fd, "", 1) != 1)
            _exit(12);
        told_fd = -1;
    }
}

static void test_a_killed_writer_leaves_a_whole_moment(void **state)
{
    char *folder = syn_folder();
    char *dir = syn_path(folder, "run");
    int64_t before = 0;
    (void)state;
    begin(dir);
    for (long i = 0; i < 25; i++) {
        int told[2];
        char byte;
        assert_int_equal(pipe(told), 0);
        (void)fflush(NULL);
        pid_t child = fork();
        if (child == 0)
            write_for_ever(dir, told[1]);
        (void)close(told[1]);
        assert_int_equal(read(told[0], &byte, 1), 1); /* it has committed */
        (void)close(told[0]);
        /* Spread over moments of a round, which takes well under 1 ms. */
        struct timespec pause = {0, (i * 7919 % 97) * 101000};
        (void)nanosleep(&pause, NULL);
        assert_int_equal(kill(child, SIGKILL), 0);
        int how = wait_for(child);
        assert_true(WIFSIGNALED(how)); /* it was busy to the end */
        int64_t round = check_moment(dir);
        assert_true(round >= before);
        before = round;
    }
    assert_true(before > 0);
    fl_free(dir);
    syn_remove(folder);
}

static void create_and_stop(const char *dir)
{
    struct fl_error err;
    struct res_store *store;
    if (res_store_create(dir, RES_CREATE, &store, &err) == FL_OK)
        (void)pause();
}

static void test_a_creator_killed_at_any_moment_blocks_nobody(void **state)
{
    (void)state;
    for (long i = 0; i < 10; i++) {
        char *folder = syn_folder();
        char *dir = syn_path(folder, "run");
        struct fl_error err;
        struct res_store *store;
        (void)fflush(NULL);
        pid_t child = fork();
        if (child == 0)
            create_and_stop(dir);
        struct timespec wait = {0, i * 1500000};
        (void)nanosleep(&wait, NULL);
        assert_int_equal(kill(child, SIGKILL), 0);
        (void)wait_for(child);
        /* Either there is a run, or there is room for one. */
        enum fl_status status = res_store_create(dir, RES_CREATE, &store, &err);
        if (status == FL_E_STATE)
            status = res_store_create(dir, RES_RESUME, &store, &err);
        assert_ok(status, &err);
        res_store_destroy(store);
        fl_free(dir);
        syn_remove(folder);
    }
}

/* Memory */

/* A life of a run; every failure must be told. */
static enum fl_status live(const char *dir, struct fl_error *err)
{
    struct res_store *store = NULL;
    struct res_arm arm = {SYN_FEDERATED, "federated", 20, 20, 0};
    struct carbon_fact fact = {1, CARBON_ASSUMED, 2020, false, "source", {0}};
    struct res_outcome outcome = {.arm = SYN_FEDERATED, .rounds = 1};
    char *value = NULL;
    uint8_t *bytes = NULL;
    size_t n;
    double energy_j, gco2e;
    enum fl_status status = res_store_create(dir, RES_CREATE, &store, err);
#define STEP(call)                                                             \
    do {                                                                       \
        if (status == FL_OK)                                                   \
            status = (call);                                                   \
    } while (0)
    STEP(res_store_add_arm(store, &arm, err));
    STEP(res_store_add_zone(store, 0, "FR", err));
    STEP(res_store_set(store, "cpu", "a", err));
    STEP(res_store_get(store, "cpu", &value, err));
    STEP(res_store_add_fact(store, "x", "W", &fact, err));
    STEP(write_round(store, 1, err));
    STEP(res_store_arm_total(store, SYN_FEDERATED, &energy_j, &gco2e, err));
    STEP(res_store_get_checkpoint(store, SYN_FEDERATED, &bytes, &n, err));
    STEP(res_store_set_outcome(store, &outcome, err));
    STEP(res_store_commit(store, err));
    res_store_destroy(store);
    store = NULL;
    STEP(res_store_create(dir, RES_RESUME, &store, err));
    STEP(res_store_finish(store, err));
    res_store_destroy(store);
    fl_free(value);
    fl_free(bytes);
    return status;
}

/* Thousands of requests, many alike: all of the first, then a sample whose
 * stride shares no rhythm with the rows. */
static long stride(long nth)
{
    return nth < 150 ? 1 : 101;
}

static bool was_memory(enum fl_status status)
{
    return status == FL_E_NOMEM;
}

static void remove_run(const char *dir)
{
    static const char *const names[] = {"run.sqlite", "run.sqlite-wal",
                                        "run.sqlite-shm", "run.sqlite-journal",
                                        "run.lock"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *path = syn_path(dir, names[i]);
        (void)unlink(path);
        fl_free(path);
    }
}

static void test_each_failed_allocation_of_ours_is_told(void **state)
{
    char *folder = fast_folder();
    char *dir = syn_path(folder, "run");
    (void)state;
    int told = 0;
    for (long nth = 1;; nth++) {
        struct fl_error err = {FL_OK, ""};
        (void)fl_alloc_fail_at(nth);
        enum fl_status status = live(dir, &err);
        long used = fl_alloc_fail_at(0);
        remove_run(dir);
        if (used < nth) {
            assert_ok(status, &err);
            break;
        }
        if (!was_memory(status))
            fail_msg("allocation %ld: %s: %s", nth, fl_status_name(status),
                     err.text);
        told++;
    }
    assert_true(told >= 8);
    fl_free(dir);
    syn_remove(folder);
}

/* SQLite works round some failures (a smaller cache), and we leave what is
 * only for people (the log's folding): no failure may pass for damage. */
static void test_each_failed_allocation_of_sqlite_is_survived(void **state)
{
    char *folder = fast_folder();
    char *dir = syn_path(folder, "run");
    (void)state;
    int told = 0;
    for (long nth = 1;; nth += stride(nth)) {
        struct fl_error err = {FL_OK, ""};
        asked = 0;
        fail_at = nth;
        enum fl_status status = live(dir, &err);
        fail_at = 0;
        if (asked < nth) {
            assert_ok(status, &err);
            break;
        }
        if (status != FL_OK && !was_memory(status))
            fail_msg("allocation %ld: %s: %s", nth, fl_status_name(status),
                     err.text);
        told += status != FL_OK;
        remove_run(dir);
    }
    assert_true(told > 80);
    fl_free(dir);
    syn_remove(folder);
}

static enum fl_status report(const char *dir, struct fl_error *err)
{
    const char *dirs[] = {dir, dir};
    FILE *out = tmpfile();
    assert_non_null(out);
    enum fl_status status = res_export(dir, err);
    for (int format = 0; format < RES_FORMAT_LAST_; format++)
        STEP(res_compare(dirs, 2, (enum res_format)format, out, err));
    char hex[65];
    STEP(res_ledger_sha256(dir, "federated", hex, err));
    assert_int_equal(fclose(out), 0);
    return status;
}

static void test_reports_tell_each_failed_allocation(void **state)
{
    char *folder = fast_folder();
    char *dir = syn_run(folder, "run", true);
    (void)state;
    long ours = 0, theirs = 0;
    for (long nth = 1;; nth += stride(nth)) {
        struct fl_error err = {FL_OK, ""};
        (void)fl_alloc_fail_at(nth);
        enum fl_status status = report(dir, &err);
        if (fl_alloc_fail_at(0) < nth) {
            assert_ok(status, &err);
            break;
        }
        /* Inside a text jansson takes a failed request for bad syntax. */
        bool is_syntax =
            status == FL_E_FORMAT && strstr(err.text, "named text");
        if (!was_memory(status) && !is_syntax)
            fail_msg("allocation %ld: %s: %s", nth, fl_status_name(status),
                     err.text);
        ours++;
    }
    for (long nth = 1;; nth += stride(nth)) {
        struct fl_error err = {FL_OK, ""};
        asked = 0;
        fail_at = nth;
        enum fl_status status = report(dir, &err);
        fail_at = 0;
        if (asked < nth) {
            assert_ok(status, &err);
            break;
        }
        if (status != FL_OK && !was_memory(status))
            fail_msg("allocation %ld of SQLite: %s: %s", nth,
                     fl_status_name(status), err.text);
        theirs += status != FL_OK;
    }
    assert_true(ours > 80 && theirs > 80);
    fl_free(dir);
    syn_remove(folder);
}

int main(void)
{
    /* Before SQLite is used for the first time. */
    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &plain) != SQLITE_OK)
        return 2;
    sqlite3_mem_methods failing = plain;
    failing.xMalloc = sqlite_malloc;
    failing.xRealloc = sqlite_realloc;
    if (sqlite3_config(SQLITE_CONFIG_MALLOC, &failing) != SQLITE_OK ||
        sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0) != SQLITE_OK)
        return 2;
    json_set_alloc_funcs(json_alloc, fl_free);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_full_disk_keeps_what_was_committed),
        cmocka_unit_test(test_a_run_that_could_not_be_created_leaves_no_file),
        cmocka_unit_test(test_an_export_that_fails_leaves_the_old_files),
        cmocka_unit_test(test_a_folder_without_permission_is_an_io_error),
        cmocka_unit_test(
            test_a_finished_run_in_a_read_only_folder_can_be_compared),
        cmocka_unit_test(test_a_killed_writer_leaves_a_whole_moment),
        cmocka_unit_test(test_a_creator_killed_at_any_moment_blocks_nobody),
        cmocka_unit_test(test_each_failed_allocation_of_ours_is_told),
        cmocka_unit_test(test_each_failed_allocation_of_sqlite_is_survived),
        cmocka_unit_test(test_reports_tell_each_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
