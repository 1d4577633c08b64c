/* The seal of a finished run: what its tables say is what it ended with. */
#include "synthetic.h"

#include "base/alloc.h"
#include "base/file.h"
#include "results/amend.h"
#include "results/exporter.h"
#include "results/report.h"
#include "support/assert_near.h"

#include <stdio.h>
#include <string.h>

struct seal_fixture {
    char *folder, *dir;
};

static int set_up(void **state)
{
    struct seal_fixture *f = fl_calloc(1, sizeof *f);
    assert_non_null(f);
    f->folder = syn_folder();
    f->dir = syn_run(f->folder, "run", true);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct seal_fixture *f = *state;
    fl_free(f->dir);
    syn_remove(f->folder);
    fl_free(f);
    return 0;
}

static enum fl_status
read_arm(const char *dir, double ret_totals[2], struct fl_error *err)
{
    struct res_store *store = NULL;
    FL_TRY(res_store_create(dir, RES_READ, &store, err));
    enum fl_status status = res_store_arm_total(
        store, SYN_FEDERATED, &ret_totals[0], &ret_totals[1], err);
    res_store_destroy(store);
    return status;
}

static void assert_whole(const struct seal_fixture *f)
{
    struct fl_error err = {FL_OK, ""};
    double totals[2];
    assert_ok(read_arm(f->dir, totals, &err), &err);
}

static void test_a_changed_number_or_text_is_refused(void **state)
{
    static const char *const changes[] = {
        "UPDATE ledger_sum SET idle_j = idle_j + 1e-9 WHERE rowid = 1",
        "UPDATE ledger_sum SET arm = 1 WHERE rowid = 1",
        "DELETE FROM ledger_sum WHERE rowid = 2",
        "UPDATE round SET accuracy = 0.5 WHERE arm = 0 AND round = 1",
        "UPDATE outcome SET loss = NULL WHERE arm = 0",
        "UPDATE arm SET name = 'centralizel' WHERE arm = 1",
        "UPDATE fact SET gsd = 1.5 WHERE rowid = 1",
        "UPDATE zone SET name = 'FR' || name WHERE zone = 0",
        "UPDATE component SET term_group = 'embodied' WHERE component = 0",
        "UPDATE meta SET value = value || ' ' WHERE key = 'scenario'",
        "INSERT INTO meta VALUES ('seed2', '8')",
    };
    const struct seal_fixture *f = *state;
    char *path = syn_path(f->dir, "run.sqlite");
    syn_damage(f->dir, "PRAGMA journal_mode = DELETE");
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct fl_error err = {FL_OK, ""};
        double totals[2];
        size_t n;
        char *whole = syn_read(path, &n);
        syn_damage(f->dir, changes[i]);
        if (read_arm(f->dir, totals, &err) != FL_E_FORMAT)
            fail_msg("not noticed: %s", changes[i]);
        assert_non_null(strstr(err.text, "run.sqlite: damaged or changed"));
        assert_ok(fl_file_write(path, whole, n, &err), &err);
        fl_free(whole);
        assert_whole(f);
    }
    fl_free(path);
}

/* Readers of totals need no rows; who reads rows looks at all of them. */
static void
test_a_changed_row_of_the_ledger_is_refused_by_its_readers(void **state)
{
    static const char *const changes[] = {
        "UPDATE ledger SET t1_s = t1_s * (1 + 1e-15) WHERE arm + seq = 1",
        "UPDATE ledger SET zone = 1 - zone WHERE arm = 0 AND seq = 2",
        "UPDATE ledger SET round = 0 WHERE arm = 0",
        "DELETE FROM ledger WHERE arm = 0 AND seq = 1",
    };
    const struct seal_fixture *f = *state;
    const struct res_exporter_opts opts = {.unit = "run"};
    struct fl_error err = {FL_OK, ""};
    size_t n;
    char *path = syn_path(f->dir, "run.sqlite");
    char *out = syn_path(f->folder, "ghg");
    syn_damage(f->dir, "PRAGMA journal_mode = DELETE");
    char *whole = syn_read(path, &n);
    assert_ok(res_export_as(f->dir, "ghg", &opts, out, NULL, &err), &err);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        syn_damage(f->dir, changes[i]);
        assert_whole(f);
        if (res_export_as(f->dir, "ghg", &opts, out, NULL, &err) != FL_E_FORMAT)
            fail_msg("not noticed: %s", changes[i]);
        assert_non_null(strstr(err.text, "checksum of its ledger"));
        assert_ok(fl_file_write(path, whole, n, &err), &err);
    }
    fl_free(whole);
    fl_free(out);
    fl_free(path);
}

/* What a disk does to a bit: the run is refused, or its totals are the same.
 * The bits are all over the file: 193 is prime to the size of a page. */
static void test_no_flipped_bit_changes_a_total(void **state)
{
    const struct seal_fixture *f = *state;
    struct fl_error err = {FL_OK, ""};
    double totals[2], found[2];
    size_t n, n_refused = 0;
    char *path = syn_path(f->dir, "run.sqlite");
    syn_damage(f->dir, "PRAGMA journal_mode = DELETE");
    assert_ok(read_arm(f->dir, totals, &err), &err);
    char *bytes = syn_read(path, &n);
    for (size_t at = 100; at < n; at += 193) {
        bytes[at] ^= (char)(1u << at % 8);
        assert_ok(fl_file_write_unsynced(path, bytes, n, &err), &err);
        bytes[at] ^= (char)(1u << at % 8);
        if (read_arm(f->dir, found, &err) != FL_OK)
            n_refused++;
        else if (found[0] != totals[0] || found[1] != totals[1])
            fail_msg("byte %zu: %.17g J, not %.17g", at, found[0], totals[0]);
    }
    assert_true(n_refused > 10); /* some of them hit what is read */
    fl_free(bytes);
    fl_free(path);
}

static void test_what_is_allowed_after_the_end_keeps_the_seal(void **state)
{
    const struct seal_fixture *f = *state;
    struct fl_error err = {FL_OK, ""};
    const struct res_amendment amendment = {.key = "simulation_energy_j",
                                            .value = "12.5"};
    assert_ok(res_amend(f->dir, &amendment, 1, &err), &err);
    assert_whole(f);
    syn_damage(f->dir, "VACUUM"); /* the same rows on other pages */
    assert_whole(f);
    syn_damage(f->dir, "REINDEX; PRAGMA journal_mode = WAL");
    assert_whole(f);
}

static void test_a_run_of_an_older_program_has_no_seal(void **state)
{
    const struct seal_fixture *f = *state;
    syn_damage(f->dir, "DELETE FROM meta WHERE key = 'seal'");
    assert_whole(f);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_a_changed_number_or_text_is_refused),
        T(test_a_changed_row_of_the_ledger_is_refused_by_its_readers),
        T(test_no_flipped_bit_changes_a_total),
        T(test_what_is_allowed_after_the_end_keeps_the_seal),
        T(test_a_run_of_an_older_program_has_no_seal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
