/* What a launcher adds to a run that its coordinator has closed. */
#include "support/assert_near.h"

#include "base/alloc.h"
#include "results/amend.h"
#include "results/report.h"
#include "synthetic.h"

#include <string.h>
#include <unistd.h>

struct fixture {
    char *folder;
    struct fl_error err;
};

static int setup(void **state)
{
    struct fixture *f = fl_calloc(1, sizeof *f);
    f->folder = syn_folder();
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    syn_remove(f->folder);
    fl_free(f);
    return 0;
}

static const struct res_amendment known[] = {
    {"simulation_energy_j", "12.5"},
    {"simulation_energy", "{\"meter\": \"x\"}"}};

static char *get(const char *dir, const char *key)
{
    struct res_store *store = NULL;
    struct fl_error err = {0};
    char *value = NULL;
    assert_ok(res_store_create(dir, RES_READ, &store, &err), &err);
    assert_ok(res_store_get(store, key, &value, &err), &err);
    res_store_destroy(store);
    return value;
}

static void assert_manifest(const char *dir, const char *words)
{
    char *path = syn_path(dir, "manifest.json");
    char *text = syn_read(path, NULL);
    if (!strstr(text, words))
        fail_msg("%s lacks %s", path, words);
    fl_free(text);
    fl_free(path);
}

static void test_a_finished_run_is_told_in_its_manifest(void **state)
{
    struct fixture *f = *state;
    char *dir = syn_run(f->folder, "done", true);
    char before[65], after[65];
    assert_ok(res_export(dir, &f->err), &f->err);
    assert_manifest(dir, "\"simulation_energy_j\": null");
    assert_ok(res_ledger_sha256(dir, "federated", before, &f->err), &f->err);
    assert_ok(res_amend(dir, known, 2, &f->err), &f->err);
    assert_manifest(dir, "\"simulation_energy_j\": 12.5");
    assert_manifest(dir, "\"meter\": \"x\"");
    assert_ok(res_ledger_sha256(dir, "federated", after, &f->err), &f->err);
    assert_string_equal(before, after);
    /* it is one file still, and may be told otherwise */
    char *journal = syn_path(dir, "run.sqlite-wal");
    assert_int_not_equal(access(journal, F_OK), 0);
    const struct res_amendment none = {"simulation_energy_j", NULL};
    assert_ok(res_amend(dir, &none, 1, &f->err), &f->err);
    assert_manifest(dir, "\"simulation_energy_j\": null");
    fl_free(journal);
    fl_free(dir);
}

static void test_a_run_that_was_stopped_goes_on_with_it(void **state)
{
    struct fixture *f = *state;
    char *dir = syn_run(f->folder, "stopped", false);
    assert_ok(res_amend(dir, known, 2, &f->err), &f->err);
    char *path = syn_path(dir, "manifest.json");
    assert_int_not_equal(access(path, F_OK), 0); /* not finished: none */
    struct res_store *store = NULL;
    assert_ok(res_store_create(dir, RES_RESUME, &store, &f->err), &f->err);
    /* while somebody writes the run, nobody else does */
    assert_int_equal(res_amend(dir, known, 2, &f->err), FL_E_STATE);
    res_store_destroy(store);
    char *value = get(dir, "simulation_energy_j");
    assert_string_equal(value, "12.5");
    fl_free(value);
    fl_free(path);
    fl_free(dir);
}

static void test_results_cannot_be_amended(void **state)
{
    struct fixture *f = *state;
    char *dir = syn_run(f->folder, "done", true);
    const struct res_amendment wrong[] = {{"simulation_energy_j", "1"},
                                          {"seed", "2"}};
    assert_int_equal(res_amend(dir, wrong, 2, &f->err), FL_E_ARG);
    assert_non_null(strstr(f->err.text, "seed"));
    assert_null(get(dir, "simulation_energy_j")); /* all or nothing */
    assert_int_equal(res_amend(f->folder, known, 2, &f->err), FL_E_STATE);
    fl_free(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_a_finished_run_is_told_in_its_manifest, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_a_run_that_was_stopped_goes_on_with_it, setup, teardown),
        cmocka_unit_test_setup_teardown(test_results_cannot_be_amended, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
