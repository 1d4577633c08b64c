/* The run store: what is kept, what is refused, who may write. */
#include "store_fixture.h"

#include "base/alloc.h"
#include "support/assert_near.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

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
    struct store_fixture *f = *state;
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
    struct store_fixture *f = *state;
    res_store_destroy(f->store);
    f->store = NULL;
    store_refuse(f, RES_CREATE, FL_E_STATE, "holds a run already");
    assert_false(exists(f->dir, "run.lock"));
}

static void test_there_is_no_run_to_resume_or_read(void **state)
{
    struct store_fixture *f = *state;
    char *run = f->dir;
    f->dir = syn_path(f->folder, "nowhere");
    store_refuse(f, RES_RESUME, FL_E_STATE, "there is no run");
    store_refuse(f, RES_READ, FL_E_STATE, "there is no run");
    fl_free(f->dir);
    f->dir = run;
}

static void test_numbering_goes_on_after_a_resume(void **state)
{
    struct store_fixture *f = *state;
    struct carbon_entry entries[3] = {syn_entry(1, 0, 1), syn_entry(1, 1, 2),
                                      syn_entry(2, 0, 3)};
    assert_ok(res_store_add_entries(f->store, entries, 2, &f->err), &f->err);
    assert_ok(res_store_commit(f->store, &f->err), &f->err);
    store_reopen(f, RES_RESUME);
    assert_ok(res_store_add_entries(f->store, &entries[2], 1, &f->err),
              &f->err);
    assert_ok(res_store_commit(f->store, &f->err), &f->err);
    assert_near(syn_sql(f->dir, "SELECT max(seq) FROM ledger"), 2, 0, 0);
    assert_near(syn_sql(f->dir, "SELECT energy_j FROM ledger WHERE seq = 2"), 3,
                0, 0); /* the same double comes back */
}

static void test_what_was_not_committed_is_dropped(void **state)
{
    struct store_fixture *f = *state;
    struct carbon_entry entry = syn_entry(1, 0, 1);
    assert_ok(res_store_add_entries(f->store, &entry, 1, &f->err), &f->err);
    store_reopen(f, RES_RESUME);
    assert_near(syn_sql(f->dir, "SELECT count(*) FROM ledger"), 0, 0, 0);
}

static void test_a_reader_sees_commits_of_a_running_run(void **state)
{
    struct store_fixture *f = *state;
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
    struct store_fixture *f = *state;
    syn_fill(f->store);
    uint8_t state_bytes[50000] = {7};
    assert_ok(res_store_put_checkpoint(f->store, SYN_FEDERATED, state_bytes,
                                       sizeof state_bytes, &f->err),
              &f->err);
    assert_ok(res_store_commit(f->store, &f->err), &f->err);
    assert_ok(res_store_finish(f->store, &f->err), &f->err);
    assert_int_equal(res_store_set(f->store, "a", "b", &f->err), FL_E_STATE);
    assert_int_equal(res_store_finish(f->store, &f->err), FL_E_STATE);
    store_reopen(f, RES_READ);
    assert_false(exists(f->dir, "run.sqlite-wal"));
    assert_false(exists(f->dir, "run.sqlite-shm"));
    assert_false(exists(f->dir, "run.lock"));
    assert_near(syn_sql(f->dir, "SELECT count(*) FROM checkpoint"), 0, 0, 0);
    assert_near(syn_sql(f->dir, "PRAGMA freelist_count"), 0, 0, 0);
    char *mode = syn_sql_text(f->dir, "PRAGMA journal_mode");
    assert_string_equal(mode, "delete");
    fl_free(mode);
    store_refuse(f, RES_RESUME, FL_E_STATE, "finished");
}

static void
test_finishing_beside_an_idle_reader_still_folds_the_log(void **state)
{
    struct store_fixture *f = *state;
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
    struct store_fixture *f = *state;
    store_refuse(f, RES_RESUME, FL_E_STATE, "is writing this run");
    store_refuse(f, RES_CREATE, FL_E_STATE, "is writing this run");
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
    store_reopen(f, RES_RESUME); /* and the lock goes with its holder */
}

static void refuse_entry(struct store_fixture *f,
                         struct carbon_entry bad,
                         enum fl_status code)
{
    struct carbon_entry entries[2] = {syn_entry(1, 0, 1), bad};
    assert_int_equal(res_store_add_entries(f->store, entries, 2, &f->err),
                     code);
    assert_ok(res_store_commit(f->store, &f->err), &f->err);
    assert_near(syn_sql(f->dir, "SELECT count(*) FROM ledger"), 0, 0, 0);
}

static void test_impossible_entries_are_refused_whole(void **state)
{
    struct store_fixture *f = *state;
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
    struct store_fixture *f = *state;
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
    struct store_fixture *f = *state;
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
    struct store_fixture *f = *state;
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
    struct store_fixture *f = *state;
    struct carbon_fact fact = {.value = 1};
    assert_int_equal(res_store_add_fact(f->store, "a.b", "W", &fact, &f->err),
                     FL_E_ARG);
    fact = (struct carbon_fact){.is_off = true};
    assert_ok(res_store_add_fact(f->store, "a.b", "W", &fact, &f->err),
              &f->err);
}

static void test_checkpoints_come_back_whole(void **state)
{
    struct store_fixture *f = *state;
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
    store_reopen(f, RES_RESUME);
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

static void test_progress_sums_are_the_ledgers(void **state)
{
    struct store_fixture *f = *state;
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
    struct store_fixture *f = *state;
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

#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, store_set_up, store_tear_down)

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
        T(test_progress_sums_are_the_ledgers),
        T(test_views_show_names),
        T(test_every_term_belongs_to_a_group_of_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
