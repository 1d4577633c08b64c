/* The run store: whatever was changed behind its back is noticed. */
#include "store_fixture.h"

#include "base/alloc.h"
#include "base/file.h"
#include "support/assert_near.h"

#include <stdio.h>
#include <string.h>

static void test_a_flipped_bit_in_a_checkpoint_is_noticed(void **state)
{
    struct store_fixture *f = *state;
    assert_ok(res_store_put_checkpoint(f->store, 0, "\x01\x02\x03", 3, &f->err),
              &f->err);
    assert_ok(res_store_commit(f->store, &f->err), &f->err);
    res_store_destroy(f->store);
    f->store = NULL;
    syn_tamper(f->dir, "UPDATE checkpoint SET bytes = x'010203' WHERE arm = 0");
    store_reopen(f, RES_RESUME);
    uint8_t *bytes;
    size_t n;
    assert_ok(res_store_get_checkpoint(f->store, 0, &bytes, &n, &f->err),
              &f->err);
    fl_free(bytes);
    bytes = NULL;
    res_store_destroy(f->store);
    f->store = NULL;
    syn_tamper(f->dir, "UPDATE checkpoint SET bytes = x'010303' WHERE arm = 0");
    store_reopen(f, RES_RESUME);
    assert_int_equal(res_store_get_checkpoint(f->store, 0, &bytes, &n, &f->err),
                     FL_E_FORMAT);
    assert_non_null(strstr(f->err.text, "CRC-32"));
    assert_null(bytes);
}

/* By another connection, while the store is open: it reads what is there. */
static void assert_checkpoint_is_refused(struct store_fixture *f,
                                         const char *sql)
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
    struct store_fixture *f = *state;
    enum { BYTES = 120 };
    uint8_t whole[BYTES];
    char hex[2 * BYTES + 1], sql[2 * BYTES + 100];
    for (size_t i = 0; i < BYTES; i++)
        whole[i] = (uint8_t)(i * 37 % 251);
    assert_ok(res_store_put_checkpoint(f->store, 0, whole, BYTES, &f->err),
              &f->err);
    assert_ok(res_store_commit(f->store, &f->err), &f->err);
    store_reopen(f, RES_RESUME);
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
    struct store_fixture *f = *state;
    uint8_t *bytes = NULL;
    size_t n;
    syn_fill(f->store);
    assert_ok(res_store_put_checkpoint(f->store, 0, "abc", 3, &f->err),
              &f->err);
    struct carbon_entry later =
        syn_entry(3, 0, 1); /* put before, vouched for */
    assert_ok(res_store_add_entries(f->store, &later, 1, &f->err), &f->err);
    assert_ok(res_store_commit(f->store, &f->err), &f->err);
    store_reopen(f, RES_RESUME);
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
        store_reopen(f, RES_RESUME);
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
        store_reopen(f, RES_RESUME);
        assert_ok(res_store_get_checkpoint(f->store, 0, &bytes, &n, &f->err),
                  &f->err);
        fl_free(bytes);
    }
    fl_free(path);
}

static void close_and_tamper(struct store_fixture *f, const char *sql)
{
    res_store_destroy(f->store);
    f->store = NULL;
    syn_tamper(f->dir, sql);
}

static void test_other_files_are_not_taken_for_a_run(void **state)
{
    struct store_fixture *f = *state;
    close_and_tamper(f, "PRAGMA application_id = 7");
    store_refuse(f, RES_READ, FL_E_FORMAT, "not a run store");
    store_refuse(f, RES_RESUME, FL_E_FORMAT, "not a run store");
    syn_tamper(f->dir, "PRAGMA application_id = 1179403074;"
                       "PRAGMA user_version = 99");
    store_refuse(f, RES_READ, FL_E_FORMAT, "found schema 99, allowed 2");
    syn_tamper(f->dir, "PRAGMA user_version = 2; DROP VIEW arm_total;"
                       "CREATE VIEW arm_total AS SELECT 1 AS energy_j");
    store_refuse(f, RES_READ, FL_E_FORMAT, "arm_total");
}

static void test_a_run_with_other_terms_is_not_gone_on_with(void **state)
{
    struct store_fixture *f = *state;
    close_and_tamper(f, "UPDATE component SET name = 'x' WHERE component = 1");
    store_refuse(f, RES_RESUME, FL_E_STATE, "other carbon terms");
    store_reopen(f, RES_READ); /* its own names read on */
    close_and_tamper(f, "DELETE FROM component WHERE component > 0;"
                        "UPDATE component SET name = name");
    store_refuse(f, RES_RESUME, FL_E_STATE, "other carbon terms");
}

static void
write_store_file(struct store_fixture *f, const char *bytes, size_t n)
{
    char *path = syn_path(f->dir, "run.sqlite");
    assert_ok(fl_file_write(path, bytes, n, &f->err), &f->err);
    fl_free(path);
}

static void test_garbage_and_truncated_files_are_damaged(void **state)
{
    struct store_fixture *f = *state;
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
        store_refuse(f, modes[i], FL_E_FORMAT, "not a run store");
        write_store_file(f, whole, n / 2);
        store_refuse(f, modes[i], FL_E_FORMAT, "damaged");
        write_store_file(f, whole, n - 100);
        store_refuse(f, modes[i], FL_E_FORMAT, "damaged");
        write_store_file(f, whole, 0);
        store_refuse(f, modes[i], FL_E_STATE, "empty");
    }
    write_store_file(f, "a text", 6);
    store_refuse(f, RES_CREATE, FL_E_FORMAT, "not a run store");
    memset(whole + n / 2, 0xff, 5000); /* a page or two in the middle */
    write_store_file(f, whole, n);
    store_refuse(f, RES_RESUME, FL_E_FORMAT, "damaged");
    fl_free(whole);
    fl_free(path);
}

#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, store_set_up, store_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_a_flipped_bit_in_a_checkpoint_is_noticed),
        T(test_every_changed_byte_and_every_cut_is_noticed),
        T(test_a_changed_row_is_noticed_when_a_run_goes_on),
        T(test_other_files_are_not_taken_for_a_run),
        T(test_a_run_with_other_terms_is_not_gone_on_with),
        T(test_garbage_and_truncated_files_are_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
