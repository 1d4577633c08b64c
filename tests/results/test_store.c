/* The run store: what is kept, what is refused, who may write. */
#include "synthetic.h"

#include "base/alloc.h"
#include "base/file.h"
#include "results/store/store_priv.h"
#include "support/assert_near.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct fixture {
    char *folder, *dir;
    struct res_store *store;
    struct fl_error err;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){.folder = syn_folder()};
    fixture.dir = syn_path(fixture.folder, "run");
    assert_ok(
        res_store_create(fixture.dir, RES_CREATE, &fixture.store, &fixture.err),
        &fixture.err);
    syn_begin(fixture.store);
    assert_ok(res_store_commit(fixture.store, &fixture.err), &fixture.err);
    *state = &fixture;
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

static void reopen(struct fixture *f, enum res_mode mode)
{
    res_store_destroy(f->store);
    f->store = NULL;
    assert_ok(res_store_create(f->dir, mode, &f->store, &f->err), &f->err);
}

/* Opening must fail with this code and a text that names the run. */
static void refuse(struct fixture *f,
                   enum res_mode mode,
                   enum fl_status code,
                   const char *text)
{
    struct res_store *store = NULL;
    enum fl_status status = res_store_create(f->dir, mode, &store, &f->err);
    if (status != code || !strstr(f->err.text, text) ||
        !strstr(f->err.text, f->dir))
        fail_msg("found %s: %s", fl_status_name(status), f->err.text);
    assert_null(store);
}

static bool exists(const char *dir, const char *name)
{
    struct stat info;
    char *path = syn_path(dir, name);
    bool is_there = stat(path, &info) == 0;
    fl_free(path);
    return is_there;
}

static void test_texts_come_back_and_are_replaced(void **state)
{
    struct fixture *f = *state;
    char *value = NULL;
    assert_ok(res_store_set(f->store, "cpu", "old", &f->err), &f->err);
    assert_ok(res_store_set(f->store, "cpu", "new \xc3\xa9", &f->err), &f->err);
    assert_ok(res_store_get(f->store, "cpu", &value, &f->err), &f->err);
    assert_string_equal(value, "new \xc3\xa9");
    fl_free(value);
    assert_ok(res_store_get(f->store, "nothing", &value, &f->err), &f->err);
    assert_null(value);
}

static void test_a_folder_holds_one_run(void **state)
{
    struct fixture *f = *state;
    res_store_destroy(f->store);
    f->store = NULL;
    refuse(f, RES_CREATE, FL_E_STATE, "holds a run already");
    assert_false(exists(f->dir, "run.lock"));
}

static void test_there_is_no_run_to_resume_or_read(void **state)
{
    struct fixture *f = *state;
    char *run = f->dir;
    f->dir = syn_path(f->folder, "nowhere");
    refuse(f, RES_RESUME, FL_E_STATE, "there is no run");
    refuse(f, RES_READ, FL_E_STATE, "there is no run");
    fl_free(f->dir);
    f->dir = run;
}

static void test_numbering_goes_on_after_a_resume(void **state)
{
    struct fixture *f = *state;
    struct carbon_entry entries[3] = {syn_entry(1, 0, 1), syn_entry(1, 1, 2),
                                      syn_entry(2, 0, 3)};
    assert_ok(res_store_add_entries(f->store, entries, 2, &f->err), &f->err);
    assert_ok(res_store_commit(f->store, &f->err), &f->err);
    reopen(f, RES_RESUME);
    assert_ok(res_store_add_entries(f->store, &entries[2], 1, &f->err),
              &f->err);
    assert_ok(res_store_commit(f->store, &f->err), &f->err);
    assert_near(syn_sql(f->dir, "SELECT max(seq) FROM ledger"), 2, 0, 0);
    assert_near(syn_sql(f->dir, "SELECT energy_j FROM ledger WHERE seq = 2"), 3,
                0, 0); /* the same double comes back */
}

static void test_what_was_not_committed_is_dropped(void **state)
{
    struct fixture *f = *state;
    struct carbon_entry entry = syn_entry(1, 0, 1);
    assert_ok(res_store_add_entries(f->store, &entry, 1, &f->err), &f->err);
    reopen(f, RES_RESUME);
    assert_near(syn_sql(f->dir, "SELECT count(*) FROM ledger"), 0, 0, 0);
}

static void test_a_reader_sees_commits_of_a_running_run(void **state)
{
    struct fixture *f = *state;
    struct res_store *reader;
    struct carbon_entry entry = syn_entry(1, 0, 5);
    double energy_j, gco2e;
    assert_ok(res_store_create(f->dir, RES_READ, &reader, &f->err), &f->err);
    assert_ok(res_store_add_entries(f->store, &entry, 1, &f->err), &f->err);
    assert_ok(res_store_arm_total(reader, 0, &energy_j, &gco2e, &f->err),
              &f->err);
    assert_near(energy_j, 0, 0, 0); /* nothing committed: exactly nothing */
    assert_ok(res_store_commit(f->store, &f->err), &f->err);
    assert_ok(res_store_arm_total(reader, 0, &energy_j, &gco2e, &f->err),
              &f->err);
    assert_near(energy_j, 5, 0, 0); /* one row: no rounding */
    assert_int_equal(res_store_set(reader, "a", "b", &f->err), FL_E_STATE);
    res_store_destroy(reader);
}

static void test_a_finished_run_is_one_file_and_takes_no_more(void **state)
{
    struct fixture *f = *state;
    syn_fill(f->store);
    uint8_t state_bytes[50000] = {7};
    assert_ok(res_store_put_checkpoint(f->store, SYN_FEDERATED, state_bytes,
                                       sizeof state_bytes, &f->err),
              &f->err);
    assert_ok(res_store_commit(f->store, &f->err), &f->err);
    assert_ok(res_store_finish(f->store, &f->err), &f->err);
    assert_int_equal(res_store_set(f->store, "a", "b", &f->err), FL_E_STATE);
    assert_int_equal(res_store_finish(f->store, &f->err), FL_E_STATE);
    reopen(f, RES_READ);
    assert_false(exists(f->dir, "run.sqlite-wal"));
    assert_false(exists(f->dir, "run.sqlite-shm"));
    assert_false(exists(f->dir, "run.lock"));
    assert_near(syn_sql(f->dir, "SELECT count(*) FROM checkpoint"), 0, 0, 0);
    assert_near(syn_sql(f->dir, "PRAGMA freelist_count"), 0, 0, 0);
    char *mode = syn_sql_text(f->dir, "PRAGMA journal_mode");
    assert_string_equal(mode, "delete");
    fl_free(mode);
    refuse(f, RES_RESUME, FL_E_STATE, "finished");
}

static void
test_finishing_beside_an_idle_reader_still_folds_the_log(void **state)
{
    struct fixture *f = *state;
    struct res_store *reader;
    assert_ok(res_store_create(f->dir, RES_READ, &reader, &f->err), &f->err);
    syn_fill(f->store);
    assert_ok(res_store_finish(f->store, &f->err), &f->err);
    char *wal = syn_path(f->dir, "run.sqlite-wal");
    struct stat info;
    assert_true(stat(wal, &info) != 0 || info.st_size == 0);
    fl_free(wal);
    res_store_destroy(reader);
}

static void test_there_is_one_writer(void **state)
{
    struct fixture *f = *state;
    refuse(f, RES_RESUME, FL_E_STATE, "is writing this run");
    refuse(f, RES_CREATE, FL_E_STATE, "is writing this run");
    pid_t child = fork();
    if (child == 0) {
        struct res_store *store;
        enum fl_status status =
            res_store_create(f->dir, RES_RESUME, &store, &f->err);
        _exit(status == FL_E_STATE ? 0 : 1);
    }
    int how;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
    reopen(f, RES_RESUME); /* and the lock goes with its holder */
}

static void
refuse_entry(struct fixture *f, struct carbon_entry bad, enum fl_status code)
{
    struct carbon_entry entries[2] = {syn_entry(1, 0, 1), bad};
    assert_int_equal(res_store_add_entries(f->store, entries, 2, &f->err),
                     code);
    assert_ok(res_store_commit(f->store, &f->err), &f->err);
    assert_near(syn_sql(f->dir, "SELECT count(*) FROM ledger"), 0, 0, 0);
}

static void test_impossible_entries_are_refused_whole(void **state)
{
    struct fixture *f = *state;
    const double bad[] = {-1, (double)NAN, (double)INFINITY};
    for (size_t i = 0; i < 3; i++) {
        struct carbon_entry e = syn_entry(1, 0, 1);
        e.energy_j = bad[i];
        refuse_entry(f, e, FL_E_NUMERIC);
        e = syn_entry(1, 0, 1);
        e.emitted_gco2e = bad[i];
        refuse_entry(f, e, FL_E_NUMERIC);
        e = syn_entry(1, 0, 1);
        e.bytes = bad[i];
        refuse_entry(f, e, FL_E_NUMERIC);
        e = syn_entry(1, 0, 1);
        e.t1_s = bad[i] > 0 ? (double)NAN : bad[i];
        refuse_entry(f, e, FL_E_NUMERIC);
    }
    struct carbon_entry e = syn_entry(1, 0, 1);
    e.zone = 2;
    refuse_entry(f, e, FL_E_ARG);
    e.zone = -1;
    refuse_entry(f, e, FL_E_ARG);
    e = syn_entry(1, 0, 1);
    e.arm = 3;
    refuse_entry(f, e, FL_E_ARG);
    e = syn_entry(1, 0, 1);
    e.component = 1000;
    refuse_entry(f, e, FL_E_ARG);
    e = syn_entry(1, 0, 1);
    e.phase = CARBON_PHASE_LAST_;
    refuse_entry(f, e, FL_E_ARG);
}

static void test_constraints_catch_what_code_would_let_through(void **state)
{
    struct fixture *f = *state;
    static const char *const bad[] = {
        "INSERT INTO ledger VALUES "
        "(0,0,0,0,0,0,0,0,0,2.0,1.0,1.0,0.0,0.0,0,0,0,0.0)",
        "INSERT INTO ledger VALUES "
        "(0,0,0,0,0,0,0,0,0,0.0,1.0,-1.0,0.0,0.0,0,0,0,0.0)",
        "INSERT INTO ledger VALUES "
        "(0,0,0,0,0,0,0,0,0,0.0,1.0,NULL,0.0,0.0,0,0,0,0.0)",
        "INSERT INTO ledger VALUES "
        "(0,0,0,0,0,0,0,0,0,0.0,1.0,'a',0.0,0.0,0,0,0,0.0)",
        "INSERT INTO ledger VALUES "
        "(0,0,0,0,0,0,0,0,0,0.0,1.0,1.0,1.5,0.0,0,0,0,0.0)",
        "INSERT INTO ledger VALUES "
        "(9,0,0,0,0,0,0,0,0,0.0,1.0,1.0,0.0,0.0,0,0,0,0.0)",
        "INSERT INTO round VALUES (0, 1, 1.0, 1.5, 0.0, 0.0, 0, 0)",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int rc = sqlite3_exec(f->store->db, bad[i], NULL, NULL, NULL);
        assert_int_equal(rc & 0xff, SQLITE_CONSTRAINT);
    }
}

static void
test_a_round_is_stored_once_and_a_refusal_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct res_round round = {.arm = 0,
                              .round = 1,
                              .accuracy = (double)NAN,
                              .loss = (double)NAN,
                              .train_loss = (double)NAN};
    assert_ok(res_store_add_round(f->store, &round, &f->err), &f->err);
    assert_int_equal(res_store_add_round(f->store, &round, &f->err), FL_E_ARG);
    round.round = 2;
    round.accuracy = 2;
    assert_int_equal(res_store_add_round(f->store, &round, &f->err), FL_E_ARG);
    round.arm = 17;
    assert_int_equal(res_store_add_round(f->store, &round, &f->err), FL_E_ARG);
    assert_ok(res_store_commit(f->store, &f->err), &f->err);
    assert_near(syn_sql(f->dir, "SELECT count(*) FROM round WHERE accuracy IS "
                                "NULL"),
                1, 0, 0);
}

static void test_arms_and_zones_keep_their_names(void **state)
{
    struct fixture *f = *state;
    struct res_arm arm = {0, "other", 1, 1, 0};
    assert_int_equal(res_store_add_arm(f->store, &arm, &f->err), FL_E_STATE);
    arm.name = "federated"; /* again, e.g. after a resume */
    assert_ok(res_store_add_arm(f->store, &arm, &f->err), &f->err);
    assert_int_equal(res_store_add_zone(f->store, 0, "DE", &f->err),
                     FL_E_STATE);
    assert_ok(res_store_add_zone(f->store, 0, "FR", &f->err), &f->err);
    assert_int_equal(res_store_add_zone(f->store, 5, "FR", &f->err), FL_E_ARG);
}

static void test_a_fact_needs_a_source_unless_it_is_off(void **state)
{
    struct fixture *f = *state;
    struct carbon_fact fact = {.value = 1};
    assert_int_equal(res_store_add_fact(f->store, "a.b", "W", &fact, &f->err),
                     FL_E_ARG);
    fact = (struct carbon_fact){.is_off = true};
    assert_ok(res_store_add_fact(f->store, "a.b", "W", &fact, &f->err),
              &f->err);
}

static void test_checkpoints_come_back_whole(void **state)
{
    struct fixture *f = *state;
    uint8_t *bytes = (uint8_t *)1;
    size_t n = 1;
    assert_ok(res_store_get_checkpoint(f->store, 0, &bytes, &n, &f->err),
              &f->err);
    assert_null(bytes); /* there is none */
    assert_ok(res_store_put_checkpoint(f->store, 0, "first", 5, &f->err),
              &f->err);
    assert_ok(res_store_put_checkpoint(f->store, 0, "second\0!", 8, &f->err),
              &f->err);
    assert_ok(res_store_put_checkpoint(f->store, 1, NULL, 0, &f->err), &f->err);
    assert_ok(res_store_commit(f->store, &f->err), &f->err);
    reopen(f, RES_RESUME);
    assert_ok(res_store_get_checkpoint(f->store, 0, &bytes, &n, &f->err),
              &f->err);
    assert_int_equal(n, 8);
    assert_memory_equal(bytes, "second\0!", 8);
    fl_free(bytes);
    assert_ok(res_store_get_checkpoint(f->store, 1, &bytes, &n, &f->err),
              &f->err);
    assert_non_null(bytes); /* one of no bytes is not none */
    assert_int_equal(n, 0);
    fl_free(bytes);
}

static void test_a_flipped_bit_in_a_checkpoint_is_noticed(void **state)
{
    struct fixture *f = *state;
    assert_ok(res_store_put_checkpoint(f->store, 0, "\x01\x02\x03", 3, &f->err),
              &f->err);
    assert_ok(res_store_commit(f->store, &f->err), &f->err);
    res_store_destroy(f->store);
    f->store = NULL;
    syn_tamper(f->dir, "UPDATE checkpoint SET bytes = x'010203' WHERE arm = 0");
    reopen(f, RES_RESUME);
    uint8_t *bytes;
    size_t n;
    assert_ok(res_store_get_checkpoint(f->store, 0, &bytes, &n, &f->err),
              &f->err);
    fl_free(bytes);
    bytes = NULL;
    res_store_destroy(f->store);
    f->store = NULL;
    syn_tamper(f->dir, "UPDATE checkpoint SET bytes = x'010303' WHERE arm = 0");
    reopen(f, RES_RESUME);
    assert_int_equal(res_store_get_checkpoint(f->store, 0, &bytes, &n, &f->err),
                     FL_E_FORMAT);
    assert_non_null(strstr(f->err.text, "CRC-32"));
    assert_null(bytes);
}

/* By another connection, while the store is open: it reads what is there. */
static void assert_checkpoint_is_refused(struct fixture *f, const char *sql)
{
    uint8_t *bytes = NULL;
    size_t n;
    syn_tamper(f->dir, sql);
    assert_int_equal(res_store_get_checkpoint(f->store, 0, &bytes, &n, &f->err),
                     FL_E_FORMAT);
    assert_non_null(strstr(f->err.text, "checkpoint of arm 0 or its rows"));
    assert_null(bytes);
}

static void test_every_changed_byte_and_every_cut_is_noticed(void **state)
{
    struct fixture *f = *state;
    enum { BYTES = 120 };
    uint8_t whole[BYTES];
    char hex[2 * BYTES + 1], sql[2 * BYTES + 100];
    for (size_t i = 0; i < BYTES; i++)
        whole[i] = (uint8_t)(i * 37 % 251);
    assert_ok(res_store_put_checkpoint(f->store, 0, whole, BYTES, &f->err),
              &f->err);
    assert_ok(res_store_commit(f->store, &f->err), &f->err);
    reopen(f, RES_RESUME);
    for (size_t at = 0; at < BYTES; at++) {
        whole[at] ^= (uint8_t)(1u << at % 8);
        for (size_t i = 0; i < BYTES; i++)
            (void)snprintf(hex + 2 * i, 3, "%02x", whole[i]);
        whole[at] ^= (uint8_t)(1u << at % 8);
        (void)snprintf(sql, sizeof sql,
                       "UPDATE checkpoint SET bytes = x'%s' WHERE arm = 0",
                       hex);
        assert_checkpoint_is_refused(f, sql);
        for (size_t i = 0; i < at; i++)
            (void)snprintf(hex + 2 * i, 3, "%02x", whole[i]);
        hex[2 * at] = '\0';
        (void)snprintf(sql, sizeof sql,
                       "UPDATE checkpoint SET bytes = x'%s' WHERE arm = 0",
                       hex);
        assert_checkpoint_is_refused(f, sql);
    }
}

static void test_a_changed_row_is_noticed_when_a_run_goes_on(void **state)
{
    static const char *const changes[] = {
        "UPDATE ledger SET t1_s = t1_s * (1 + 1e-15) WHERE arm + seq = 1",
        "UPDATE ledger SET idle_j = energy_j WHERE arm = 0 AND seq = 2",
        "UPDATE ledger SET entity = entity + 1 WHERE arm = 0 AND seq = 0",
        "UPDATE ledger SET evidence = 1 - evidence WHERE arm = 0 AND seq = 0",
        "DELETE FROM ledger WHERE arm = 0 AND seq = 1",
        "UPDATE round SET loss = 0.125 WHERE arm = 0 AND round = 1",
        "UPDATE round SET accuracy = NULL WHERE arm = 0 AND round = 2",
        "DELETE FROM round WHERE arm = 0 AND round = 1",
        "UPDATE outcome SET rounds = rounds + 1 WHERE arm = 0",
    };
    struct fixture *f = *state;
    uint8_t *bytes = NULL;
    size_t n;
    syn_fill(f->store);
    assert_ok(res_store_put_checkpoint(f->store, 0, "abc", 3, &f->err),
              &f->err);
    struct carbon_entry later =
        syn_entry(3, 0, 1); /* put before, vouched for */
    assert_ok(res_store_add_entries(f->store, &later, 1, &f->err), &f->err);
    assert_ok(res_store_commit(f->store, &f->err), &f->err);
    reopen(f, RES_RESUME);
    assert_ok(res_store_get_checkpoint(f->store, 0, &bytes, &n, &f->err),
              &f->err);
    fl_free(bytes);
    char *path = syn_path(f->dir, "run.sqlite");
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        size_t size;
        res_store_destroy(f->store);
        f->store = NULL;
        syn_tamper(f->dir, "PRAGMA journal_mode = DELETE");
        char *whole = syn_read(path, &size);
        syn_tamper(f->dir, changes[i]);
        reopen(f, RES_RESUME);
        bytes = NULL;
        if (res_store_get_checkpoint(f->store, 0, &bytes, &n, &f->err) !=
            FL_E_FORMAT)
            fail_msg("not noticed: %s", changes[i]);
        assert_null(bytes);
        res_store_destroy(f->store);
        f->store = NULL;
        syn_tamper(f->dir, "PRAGMA journal_mode = DELETE");
        assert_ok(fl_file_write(path, whole, size, &f->err), &f->err);
        fl_free(whole);
        reopen(f, RES_RESUME);
        assert_ok(res_store_get_checkpoint(f->store, 0, &bytes, &n, &f->err),
                  &f->err);
        fl_free(bytes);
    }
    fl_free(path);
}

static void close_and_tamper(struct fixture *f, const char *sql)
{
    res_store_destroy(f->store);
    f->store = NULL;
    syn_tamper(f->dir, sql);
}

static void test_other_files_are_not_taken_for_a_run(void **state)
{
    struct fixture *f = *state;
    close_and_tamper(f, "PRAGMA application_id = 7");
    refuse(f, RES_READ, FL_E_FORMAT, "not a run store");
    refuse(f, RES_RESUME, FL_E_FORMAT, "not a run store");
    syn_tamper(f->dir, "PRAGMA application_id = 1179403074;"
                       "PRAGMA user_version = 99");
    refuse(f, RES_READ, FL_E_FORMAT, "found schema 99, allowed 2");
    syn_tamper(f->dir, "PRAGMA user_version = 2; DROP VIEW arm_total;"
                       "CREATE VIEW arm_total AS SELECT 1 AS energy_j");
    refuse(f, RES_READ, FL_E_FORMAT, "arm_total");
}

static void test_a_run_with_other_terms_is_not_gone_on_with(void **state)
{
    struct fixture *f = *state;
    close_and_tamper(f, "UPDATE component SET name = 'x' WHERE component = 1");
    refuse(f, RES_RESUME, FL_E_STATE, "other carbon terms");
    reopen(f, RES_READ); /* its own names read on */
    close_and_tamper(f, "DELETE FROM component WHERE component > 0;"
                        "UPDATE component SET name = name");
    refuse(f, RES_RESUME, FL_E_STATE, "other carbon terms");
}

static void write_store_file(struct fixture *f, const char *bytes, size_t n)
{
    char *path = syn_path(f->dir, "run.sqlite");
    assert_ok(fl_file_write(path, bytes, n, &f->err), &f->err);
    fl_free(path);
}

static void test_garbage_and_truncated_files_are_damaged(void **state)
{
    struct fixture *f = *state;
    syn_fill(f->store);
    for (int64_t round = 3; round < 500; round++) {
        struct carbon_entry e = syn_entry(round, 0, 1);
        assert_ok(res_store_add_entries(f->store, &e, 1, &f->err), &f->err);
    }
    assert_ok(res_store_commit(f->store, &f->err), &f->err);
    close_and_tamper(f, "PRAGMA journal_mode = DELETE");
    char *path = syn_path(f->dir, "run.sqlite");
    size_t n;
    char *whole = syn_read(path, &n);
    static const enum res_mode modes[] = {RES_RESUME, RES_READ};
    for (int i = 0; i < 2; i++) {
        write_store_file(f, "this is no database, though it is long enough",
                         45);
        refuse(f, modes[i], FL_E_FORMAT, "not a run store");
        write_store_file(f, whole, n / 2);
        refuse(f, modes[i], FL_E_FORMAT, "damaged");
        write_store_file(f, whole, n - 100);
        refuse(f, modes[i], FL_E_FORMAT, "damaged");
        write_store_file(f, whole, 0);
        refuse(f, modes[i], FL_E_STATE, "empty");
    }
    write_store_file(f, "a text", 6);
    refuse(f, RES_CREATE, FL_E_FORMAT, "not a run store");
    memset(whole + n / 2, 0xff, 5000); /* a page or two in the middle */
    write_store_file(f, whole, n);
    refuse(f, RES_RESUME, FL_E_FORMAT, "damaged");
    fl_free(whole);
    fl_free(path);
}

static void test_progress_sums_are_the_ledgers(void **state)
{
    struct fixture *f = *state;
    double energy_j = 0, gco2e = 0;
    for (int64_t round = 1; round <= 50; round++) {
        struct carbon_entry e = syn_entry(round, 0, 0.1 * (double)round);
        assert_ok(res_store_add_entries(f->store, &e, 1, &f->err), &f->err);
        if (round % 7 == 0)
            assert_ok(
                res_store_arm_total(f->store, 0, &energy_j, &gco2e, &f->err),
                &f->err);
    }
    assert_ok(res_store_commit(f->store, &f->err), &f->err);
    assert_ok(res_store_arm_total(f->store, 0, &energy_j, &gco2e, &f->err),
              &f->err);
    /* 50 additions in another grouping: some roundings of 2^-53 */
    assert_near(energy_j, 127.5, 1e-14, 0);
    assert_near(gco2e, 127.5 / 3.6e6 * 50, 1e-14, 0);
    assert_int_equal(
        res_store_arm_total(f->store, 9, &energy_j, &gco2e, &f->err), FL_E_ARG);
}

static void test_views_show_names(void **state)
{
    struct fixture *f = *state;
    syn_fill(f->store);
    assert_ok(res_store_commit(f->store, &f->err), &f->err);
    char *row = syn_sql_text(
        f->dir,
        "SELECT arm || ' ' || role || ' ' || zone || ' ' || component || ' ' ||"
        " term_group || ' ' || phase || ' ' || evidence FROM ledger_named"
        " WHERE seq = 2 AND arm = 'federated'");
    assert_string_equal(
        row, "federated client FR core_network network upload assumed");
    fl_free(row);
    assert_near(syn_sql(f->dir, "SELECT count(*) FROM ledger_named"),
                syn_sql(f->dir, "SELECT count(*) FROM ledger"), 0, 0);
}

static void test_every_term_belongs_to_a_group_of_the_table(void **state)
{
    (void)state;
    for (int i = 0; carbon_terms[i]; i++) {
        bool has_group = false;
        for (int g = 0; g < RES_GROUP_LAST_; g++)
            has_group |= !strcmp(carbon_terms[i]->group, res_group_names[g]);
        if (!has_group)
            fail_msg("term %s is of group %s", carbon_terms[i]->name,
                     carbon_terms[i]->group);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_texts_come_back_and_are_replaced),
        T(test_a_folder_holds_one_run),
        T(test_there_is_no_run_to_resume_or_read),
        T(test_numbering_goes_on_after_a_resume),
        T(test_what_was_not_committed_is_dropped),
        T(test_a_reader_sees_commits_of_a_running_run),
        T(test_a_finished_run_is_one_file_and_takes_no_more),
        T(test_finishing_beside_an_idle_reader_still_folds_the_log),
        T(test_there_is_one_writer),
        T(test_impossible_entries_are_refused_whole),
        T(test_constraints_catch_what_code_would_let_through),
        T(test_a_round_is_stored_once_and_a_refusal_changes_nothing),
        T(test_arms_and_zones_keep_their_names),
        T(test_a_fact_needs_a_source_unless_it_is_off),
        T(test_checkpoints_come_back_whole),
        T(test_a_flipped_bit_in_a_checkpoint_is_noticed),
        T(test_every_changed_byte_and_every_cut_is_noticed),
        T(test_a_changed_row_is_noticed_when_a_run_goes_on),
        T(test_other_files_are_not_taken_for_a_run),
        T(test_a_run_with_other_terms_is_not_gone_on_with),
        T(test_garbage_and_truncated_files_are_damaged),
        T(test_progress_sums_are_the_ledgers),
        T(test_views_show_names),
        T(test_every_term_belongs_to_a_group_of_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
