/* Tables and exports of the synthetic runs, letter by letter. Run with the
 * golden folder as argument; with --update behind it the files are rewritten,
 * for review by git diff. */
#include "golden.h"
#include "synthetic.h"

#include "base/alloc.h"
#include "results/report.h"
#include "support/assert_near.h"

#include <stdio.h>
#include <stdlib.h>

struct fixture {
    struct golden golden;
    char *folder, *run_a, *run_b, *unfinished;
};

static int set_up(void **state)
{
    struct fixture *f = *state;
    f->folder = syn_folder();
    f->run_a = syn_run(f->folder, "run-a", true);
    syn_tamper(f->run_a, "UPDATE outcome SET reached = 1");
    f->run_b = syn_run(f->folder, "run_b", true);
    f->unfinished = syn_run(f->folder, "half", false);
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    fl_free(f->run_a);
    fl_free(f->run_b);
    fl_free(f->unfinished);
    syn_remove(f->folder);
    return 0;
}

static void check_table_with(const struct fixture *f,
                             const char *const *dirs,
                             size_t n_dirs,
                             const struct res_compare_opts *opts,
                             enum res_format format,
                             const char *name)
{
    struct fl_error err;
    char *path = syn_path(f->folder, name);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_ok(res_compare_with(dirs, n_dirs, opts, format, out, &err), &err);
    assert_int_equal(fclose(out), 0);
    char *found = syn_read(path, NULL);
    golden_check(&f->golden, name, found);
    fl_free(found);
    fl_free(path);
}

static void check_table(const struct fixture *f,
                        const char *const *dirs,
                        size_t n_dirs,
                        enum res_format format,
                        const char *name)
{
    const struct res_compare_opts opts = {.by = NULL};
    check_table_with(f, dirs, n_dirs, &opts, format, name);
}

static void test_one_finished_run_in_every_format(void **state)
{
    struct fixture *f = *state;
    const char *dirs[] = {f->run_a};
    check_table(f, dirs, 1, RES_TEXT, "one.txt");
    check_table(f, dirs, 1, RES_CSV, "one.csv");
    check_table(f, dirs, 1, RES_MD, "one.md");
    check_table(f, dirs, 1, RES_LATEX, "one.tex");
    check_table(f, dirs, 1, RES_JSON, "one.json");
}

static void test_several_runs_have_a_leading_run_column(void **state)
{
    struct fixture *f = *state;
    const char *dirs[] = {f->run_a, f->run_b, f->unfinished};
    check_table(f, dirs, 3, RES_TEXT, "several.txt");
    check_table(f, dirs, 3, RES_MD, "several.md");
    check_table(f, dirs, 3, RES_LATEX, "several.tex");
    check_table(f, dirs, 3, RES_CSV, "several.csv");
}

/* Two settings of two seeds each, the second one's federated arm over more
 * carbon and its last seed below the target. */
static void test_seeds_of_varied_keys_are_rows_of_means(void **state)
{
    struct fixture *f = *state;
    static const char *const keys[] = {"data.clients", "data.dataset"};
    static const char *const names[] = {"p1", "p2", "p3", "p4"};
    char *dirs[4];
    for (int i = 0; i < 4; i++) {
        char sql[700];
        dirs[i] = syn_run(f->folder, names[i], true);
        (void)snprintf(
            sql, sizeof sql,
            "UPDATE meta SET value = 'seed: %d' || char(10) || 'data:' ||"
            " char(10) || '  clients: %d' || char(10) || '  dataset: mnist'"
            " WHERE key = 'scenario';"
            "UPDATE meta SET value = '%d' WHERE key = 'seed';"
            "UPDATE meta SET value = '%d' WHERE key = 'clients';"
            "UPDATE ledger_sum SET emitted_gco2e = emitted_gco2e * %d;"
            "UPDATE outcome SET reached = %d OR arm <> 0",
            1 + i % 2, i < 2 ? 4 : 40, 1 + i % 2, i < 2 ? 4 : 40, 1 + i,
            i != 3);
        syn_tamper(dirs[i], sql);
    }
    const struct res_compare_opts opts = {.by = keys, .n_by = 2};
    const char *const all[] = {dirs[0], dirs[1], dirs[2], dirs[3]};
    check_table_with(f, all, 4, &opts, RES_TEXT, "seeds.txt");
    check_table_with(f, all, 4, &opts, RES_CSV, "seeds.csv");
    check_table_with(f, all, 4, &opts, RES_MD, "seeds.md");
    check_table_with(f, all, 4, &opts, RES_LATEX, "seeds.tex");
    for (int i = 0; i < 4; i++)
        fl_free(dirs[i]);
}

static void test_an_unfinished_run_says_so(void **state)
{
    struct fixture *f = *state;
    const char *dirs[] = {f->unfinished};
    check_table(f, dirs, 1, RES_TEXT, "unfinished.txt");
}

static void test_export_writes_the_three_files(void **state)
{
    struct fixture *f = *state;
    struct fl_error err;
    static const char *const names[] = {"summary.json", "rounds.csv",
                                        "manifest.json"};
    assert_ok(res_export(f->run_a, &err), &err);
    for (size_t i = 0; i < 3; i++) {
        char *path = syn_path(f->run_a, names[i]);
        char *found = syn_read(path, NULL);
        golden_check(&f->golden, names[i], found);
        fl_free(found);
        fl_free(path);
    }
}

int main(int argc, char **argv)
{
    struct fixture fixture = {.folder = NULL};
    if (!golden_init(&fixture.golden, argc, argv))
        return 2;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate_setup_teardown(
            test_one_finished_run_in_every_format, set_up, tear_down, &fixture),
        cmocka_unit_test_prestate_setup_teardown(
            test_several_runs_have_a_leading_run_column, set_up, tear_down,
            &fixture),
        cmocka_unit_test_prestate_setup_teardown(
            test_seeds_of_varied_keys_are_rows_of_means, set_up, tear_down,
            &fixture),
        cmocka_unit_test_prestate_setup_teardown(test_an_unfinished_run_says_so,
                                                 set_up, tear_down, &fixture),
        cmocka_unit_test_prestate_setup_teardown(
            test_export_writes_the_three_files, set_up, tear_down, &fixture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
