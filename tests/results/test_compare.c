/* Tables of several runs: keys, seeds, targets, baselines, and what is said
 * when something cannot be had. Figures are checked against SQL over the
 * ledger and against arithmetic by hand. */
#include "synthetic.h"

#include "base/alloc.h"
#include "base/file.h"
#include "results/report_priv.h"
#include "support/assert_near.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The same sum in another order of additions: a few roundings of 2^-53. */
#define SUM_RTOL 1e-14

enum { RUNS = 4 };

struct fixture {
    char *folder;
    char *dirs[RUNS]; /* seeds 1, 2, 3 of 10 clients; seed 1 of 20 */
    struct fl_error err;
};

/* Another seed, and every figure k times as large. */
static void make_run(struct fixture *f, int i, int seed, int clients, double k)
{
    char name[16], sql[1200];
    (void)snprintf(name, sizeof name, "run%d", i);
    f->dirs[i] = syn_run(f->folder, name, true);
    (void)snprintf(
        sql, sizeof sql,
        "UPDATE meta SET value = 'name: s  # a.yaml:1:7' || char(10) || "
        "'seed: %d  # %s' || char(10) || 'data:' || char(10) || "
        "'  clients: %d  # a.yaml:3:9' || char(10) || "
        "'  partition:' || char(10) || '    alpha: 0.1  # default' || char(10) "
        "|| '    kind: dirichlet  # default' || char(10) || "
        "'train:' || char(10) || '  arms:' || char(10) || "
        "'    - federated  # default' || char(10) || "
        "'    - centralized  # default' || char(10) || "
        "'  watts:' || char(10) || '    value: 3  # x' || char(10) || "
        "'    source: \"a  # b\"  # x' || char(10) WHERE key = 'scenario';"
        "UPDATE meta SET value = '%d' WHERE key = 'seed';"
        "UPDATE ledger_sum SET emitted_gco2e = emitted_gco2e * %g,"
        " energy_j = energy_j * %g;"
        "UPDATE ledger SET emitted_gco2e = emitted_gco2e * %g,"
        " energy_j = energy_j * %g;"
        "UPDATE outcome SET reached = 1, accuracy = 0.8 + 0.02 * %d;"
        "UPDATE round SET accuracy = 0.7 WHERE arm = 0 AND round = 1",
        seed, i % 2 ? "--set" : "a.yaml:2:7", clients, seed, k, k, k, k, seed);
    syn_tamper(f->dirs[i], sql);
}

static int set_up(void **state)
{
    struct fixture *f = *state;
    f->folder = syn_folder();
    for (int i = 0; i < 3; i++)
        make_run(f, i, i + 1, 10, i + 1);
    make_run(f, 3, 1, 20, 10);
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < RUNS; i++)
        fl_free(f->dirs[i]);
    syn_remove(f->folder);
    return 0;
}

/* A table's text, and what was said about it in ret_said (may be NULL). */
static char *table_of(struct fixture *f,
                      size_t n_dirs,
                      struct res_compare_opts opts,
                      enum res_format format,
                      enum fl_status wanted,
                      char **ret_said)
{
    char *path = syn_path(f->folder, "table");
    char *said_path = syn_path(f->folder, "said");
    FILE *out = fopen(path, "w"), *said = fopen(said_path, "w");
    assert_true(out && said);
    opts.problems = ret_said ? said : NULL;
    enum fl_status status = res_compare_with(
        (const char *const *)f->dirs, n_dirs, &opts, format, out, &f->err);
    if (status != wanted)
        fail_msg("%s: %s", fl_status_name(status), f->err.text);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(fclose(said), 0);
    if (ret_said)
        *ret_said = syn_read(said_path, NULL);
    char *text = syn_read(path, NULL);
    fl_free(path);
    fl_free(said_path);
    return text;
}

static json_t *
json_of(struct fixture *f, size_t n_dirs, struct res_compare_opts opts)
{
    char *text = table_of(f, n_dirs, opts, RES_JSON, FL_OK, NULL);
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    fl_free(text);
    return json;
}

/* The nth row of an arm. */
static json_t *row_of(json_t *table, const char *arm, int nth)
{
    size_t i;
    json_t *row;
    json_array_foreach(table, i, row)
    {
        const char *name = json_string_value(json_object_get(row, "arm"));
        if (strcmp(name, arm) == 0 && nth-- == 0)
            return row;
    }
    fail_msg("no such row of arm %s", arm);
    return NULL;
}

static double number(json_t *row, const char *key)
{
    json_t *value = json_object_get(row, key);
    if (!json_is_number(value))
        fail_msg("%s is no number", key);
    return json_number_value(value);
}

static bool is_empty(json_t *row, const char *key)
{
    json_t *value = json_object_get(row, key);
    assert_non_null(value);
    return json_is_null(value);
}

static const char *text_of(json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text ? text : "";
}

/* By hand: k = 1, 2, 3 times g, so mean 2 g and standard error g / sqrt(3). */
static void test_runs_that_differ_in_seed_alone_are_one_row(void **state)
{
    struct fixture *f = *state;
    json_t *table = json_of(f, 3, (struct res_compare_opts){.by = NULL});
    assert_int_equal(json_array_size(table), 3); /* one per arm */
    json_t *row = row_of(table, "federated", 0);
    double g = 20e3 / 3.6e6 * 50 + 12e3 / 3.6e6 * 250;
    assert_near(number(row, "emitted_gco2e"), 2 * g, SUM_RTOL, 0);
    assert_near(number(row, "emitted_se_gco2e"), g / sqrt(3), SUM_RTOL, 0);
    assert_near(number(row, "network_gco2e"), 2 * 16e3 / 3.6e6 * 50, SUM_RTOL,
                0);
    assert_near(number(row, "energy_se_kwh"), 32e3 / 3.6e6 / sqrt(3), SUM_RTOL,
                0);
    assert_near(number(row, "accuracy"), 0.84, SUM_RTOL, 0);
    /* A difference of numbers near 0.8: their last digits are what is left. */
    assert_near(number(row, "accuracy_se"), 0.02 / sqrt(3), 1e-13, 0);
    assert_near(number(row, "seeds"), 3, 0, 0); /* counts are exact */
    assert_near(number(row, "reached"), 3, 0, 0);
    assert_string_equal(text_of(row, "seed"), "1, 2, 3");
    /* All arms grew alike: the ratio is the same for each seed. */
    assert_near(number(row, "x_baseline"), g / 37.5, SUM_RTOL, 0);
    assert_near(number(row, "x_baseline_se"), 0, 0, 0); /* no 9e-16 */
    assert_true(is_empty(row, "model_sha256"));
    assert_true(is_empty(row, "scenario_sha256"));
    json_decref(table);
}

/* Their intervals were drawn when the run was finished: those of run 0 are
 * as they were, those of others were made 3 and 5 higher here. */
static void test_intervals_of_seeds_are_averaged_end_by_end(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 3; i++) {
        char sql[200];
        (void)snprintf(sql, sizeof sql,
                       "INSERT OR REPLACE INTO meta VALUES ('intervals',"
                       " '0 %d %d 0.5 2 0.25' || char(10) || 'why')",
                       1 + i, 10 + 3 * i);
        syn_tamper(f->dirs[i], sql);
    }
    json_t *table = json_of(f, 3, (struct res_compare_opts){.by = NULL});
    json_t *row = row_of(table, "federated", 0);
    assert_near(number(row, "emitted_p5_gco2e"), 2, SUM_RTOL, 0);
    assert_near(number(row, "emitted_p95_gco2e"), 13, SUM_RTOL, 0);
    assert_near(number(row, "x_centralized_p95"), 2, SUM_RTOL, 0);
    assert_near(number(row, "below_centralized_share"), 0.25, SUM_RTOL, 0);
    json_decref(table);
}

static void test_other_settings_and_a_seed_again_are_rows(void **state)
{
    struct fixture *f = *state;
    json_t *table = json_of(f, 4, (struct res_compare_opts){.by = NULL});
    assert_int_equal(json_array_size(table), 6); /* 10 and 20 clients */
    json_decref(table);
    table = json_of(f, 3, (struct res_compare_opts){.per_seed = true});
    assert_int_equal(json_array_size(table), 9);
    json_decref(table);
    syn_tamper(f->dirs[2], "UPDATE meta SET value = '1' WHERE key = 'seed'");
    table = json_of(f, 3, (struct res_compare_opts){.by = NULL});
    assert_int_equal(json_array_size(table), 6); /* 1 + 2, and 1 again */
    json_decref(table);
    syn_tamper(f->dirs[1], "DELETE FROM meta WHERE key = 'finished'");
    table = json_of(f, 2, (struct res_compare_opts){.by = NULL});
    assert_int_equal(json_array_size(table), 6); /* not with an unfinished */
    json_decref(table);
}

static void test_seeds_that_missed_the_target_are_not_in_the_mean(void **state)
{
    struct fixture *f = *state;
    syn_tamper(f->dirs[0], "UPDATE outcome SET reached = 0 WHERE arm = 0");
    json_t *table = json_of(f, 3, (struct res_compare_opts){.by = NULL});
    json_t *row = row_of(table, "federated", 0);
    double g = 20e3 / 3.6e6 * 50 + 12e3 / 3.6e6 * 250;
    assert_near(number(row, "emitted_gco2e"), 2.5 * g, SUM_RTOL, 0);
    assert_near(number(row, "emitted_se_gco2e"), 0.5 * g, SUM_RTOL, 0);
    assert_near(number(row, "reached"), 2, 0, 0);
    assert_near(number(row, "counted"), 3, 0, 0);
    json_decref(table);
    for (int i = 1; i < 3; i++)
        syn_tamper(f->dirs[i], "UPDATE outcome SET reached = 0 WHERE arm = 0");
    table = json_of(f, 3, (struct res_compare_opts){.by = NULL});
    row = row_of(table, "federated", 0);
    assert_near(number(row, "emitted_gco2e"), 2 * g, SUM_RTOL, 0); /* spent */
    assert_true(is_empty(row, "x_baseline"));
    assert_true(is_empty(row, "x_centralized"));
    json_decref(table);
}

static double ledger(const char *dir, const char *what, const char *where)
{
    char sql[300];
    (void)snprintf(sql, sizeof sql,
                   "SELECT total(%s) FROM ledger l JOIN component c USING"
                   " (component) WHERE arm = 0 AND %s",
                   what, where);
    return syn_sql(dir, sql);
}

static void test_a_cut_ends_with_the_round_that_reached_the_target(void **state)
{
    struct fixture *f = *state;
    const char *dir = f->dirs[1];
    json_t *table = json_of(
        f, 2,
        (struct res_compare_opts){.target_accuracy = 0.65, .per_seed = true});
    json_t *row = row_of(table, "federated", 1);
    assert_near(number(row, "rounds"), 1, 0, 0);
    assert_near(number(row, "accuracy"), 0.7, 0, 0); /* the same double */
    assert_near(number(row, "sim_time_s"), 100, 0, 0);
    assert_near(number(row, "energy_kwh") * 3.6e6,
                ledger(dir, "energy_j", "round <= 1"), SUM_RTOL, 0);
    assert_near(
        number(row, "network_kwh") * 3.6e6,
        ledger(dir, "energy_j * (term_group = 'network')", "round <= 1"),
        SUM_RTOL, 0);
    assert_near(number(row, "emitted_gco2e"),
                ledger(dir, "emitted_gco2e", "round <= 1"), SUM_RTOL, 0);
    assert_near(
        number(row, "server_gco2e"),
        ledger(dir, "emitted_gco2e * (term_group = 'server')", "round <= 1"),
        SUM_RTOL, 0);
    assert_near(number(row, "bytes"), ledger(dir, "bytes", "round <= 1"), 0, 0);
    assert_near(number(row, "assumed_ratio"),
                ledger(dir, "emitted_gco2e * (evidence = 3)", "round <= 1") /
                    ledger(dir, "emitted_gco2e", "round <= 1"),
                SUM_RTOL, 0);
    assert_near(number(row, "x_baseline"),
                ledger(dir, "emitted_gco2e", "round <= 1") / 75, SUM_RTOL, 0);
    assert_true(json_is_true(json_object_get(row, "cut")));
    assert_true(is_empty(row, "emitted_p5_gco2e"));
    /* It had but one epoch: nothing is cut off. */
    assert_true(
        json_is_false(json_object_get(row_of(table, "centralized", 1), "cut")));
    json_decref(table);
}

static void test_a_cut_at_the_end_or_never_reached_is_the_whole(void **state)
{
    struct fixture *f = *state;
    json_t *table =
        json_of(f, 1, (struct res_compare_opts){.target_accuracy = 0.8});
    json_t *row = row_of(table, "federated", 0);
    assert_near(number(row, "rounds"), 2, 0, 0);
    assert_near(number(row, "energy_kwh") * 3.6e6,
                ledger(f->dirs[0], "energy_j", "1"), SUM_RTOL, 0);
    assert_false(is_empty(row, "emitted_p5_gco2e"));
    assert_false(is_empty(row, "x_baseline"));
    json_decref(table);
    table = json_of(f, 1, (struct res_compare_opts){.target_accuracy = 0.9});
    row = row_of(table, "federated", 0);
    assert_near(number(row, "reached"), 0, 0, 0);
    assert_true(is_empty(row, "x_baseline"));
    json_decref(table);
    char *text =
        table_of(f, 1, (struct res_compare_opts){.target_accuracy = 0.9},
                 RES_TEXT, FL_OK, NULL);
    assert_non_null(strstr(text, "the target was not reached by centralized, "
                                 "federated"));
    fl_free(text);
}

/* Rows behind the last round stand for items beside the training. */
static void test_items_beside_the_training_are_not_cut_off(void **state)
{
    struct fixture *f = *state;
    syn_tamper(f->dirs[0], "UPDATE ledger SET round = 9 WHERE arm = 0 AND seq ="
                           " (SELECT max(seq) FROM ledger WHERE arm = 0)");
    json_t *table =
        json_of(f, 1, (struct res_compare_opts){.target_accuracy = 0.65});
    assert_near(number(row_of(table, "federated", 0), "emitted_gco2e"),
                ledger(f->dirs[0], "emitted_gco2e", "round IN (1, 9)"),
                SUM_RTOL, 0);
    json_decref(table);
}

static void test_any_arm_or_run_can_be_the_baseline(void **state)
{
    struct fixture *f = *state;
    double g = 20e3 / 3.6e6 * 50 + 12e3 / 3.6e6 * 250;
    json_t *table =
        json_of(f, 4, (struct res_compare_opts){.baseline = "federated"});
    assert_near(number(row_of(table, "centralized", 0), "x_baseline"), 37.5 / g,
                SUM_RTOL, 0);
    assert_near(number(row_of(table, "centralized", 0), "x_centralized"), 1, 0,
                0);
    json_decref(table);
    /* A run stands for its seeds, whose mean is 2 g; the other has 10 g. */
    table = json_of(f, 4, (struct res_compare_opts){.baseline = f->dirs[0]});
    json_t *row = row_of(table, "federated", 1);
    assert_near(number(row, "x_baseline"), 5, SUM_RTOL, 0);
    assert_string_equal(text_of(row, "baseline"), f->dirs[0]);
    row = row_of(table, "federated", 0);
    assert_near(number(row, "x_baseline"), 1, SUM_RTOL, 0);
    assert_near(number(row, "x_baseline_se"), 0.5 / sqrt(3), SUM_RTOL, 0);
    json_decref(table);
    /* It need not be in the table. */
    table = json_of(f, 1, (struct res_compare_opts){.baseline = f->dirs[3]});
    assert_int_equal(json_array_size(table), 3);
    assert_near(number(row_of(table, "federated", 0), "x_baseline"), 0.1,
                SUM_RTOL, 0);
    json_decref(table);
}

static void test_keys_are_values_of_the_resolved_scenario(void **state)
{
    struct fixture *f = *state;
    static const char *const keys[] = {"data.clients", "data.partition",
                                       "train.arms", "train.arms.1",
                                       "train.watts"};
    json_t *table =
        json_of(f, 4, (struct res_compare_opts){.by = keys, .n_by = 5});
    json_t *row = row_of(table, "local", 1);
    assert_near(number(row, "data.clients"), 20, 0, 0);
    assert_string_equal(text_of(row, "data.partition"), "dirichlet alpha=0.1");
    assert_string_equal(text_of(row, "train.arms"), "federated,centralized");
    assert_string_equal(text_of(row, "train.arms.1"), "centralized");
    assert_near(number(row, "train.watts"), 3, 0, 0);
    json_decref(table);
    static const char *const seed[] = {"seed"};
    table = json_of(f, 3, (struct res_compare_opts){.by = seed, .n_by = 1});
    assert_int_equal(json_array_size(table), 9); /* told apart by it */
    json_decref(table);
}

static void test_columns_and_rows_come_as_asked(void **state)
{
    struct fixture *f = *state;
    static const char *const columns[] = {"arm", "carbon", "interval",
                                          "data.clients"};
    static const char *const keys[] = {"data.clients"};
    char *text = table_of(f, 4,
                          (struct res_compare_opts){.by = keys,
                                                    .n_by = 1,
                                                    .columns = columns,
                                                    .n_columns = 4,
                                                    .sort = "-emitted_gco2e"},
                          RES_CSV, FL_OK, NULL);
    assert_int_equal(strncmp(text,
                             "arm,emitted_gco2e,emitted_p5_gco2e,"
                             "emitted_p95_gco2e,data.clients\n"
                             "centralized,375,",
                             82),
                     0);
    assert_non_null(strstr(text, "\nlocal,1.5,"));
    fl_free(text);
}

static void test_a_ranking_puts_what_missed_the_target_last(void **state)
{
    struct fixture *f = *state;
    const struct res_compare_opts opts = {.per_seed = true,
                                          .is_ranking = true,
                                          .arm = "federated",
                                          .sort = "emitted_gco2e"};
    syn_tamper(f->dirs[0], "UPDATE outcome SET reached = 0 WHERE arm = 0");
    json_t *table = json_of(f, 4, opts);
    static const char *const order[] = {"run1", "run2", "run3", "run0"};
    assert_int_equal(json_array_size(table), 4); /* no other arms */
    for (size_t i = 0; i < 4; i++) {
        json_t *row = json_array_get(table, i);
        assert_string_equal(text_of(row, "run"), order[i]);
        if (i < 3)
            assert_near(number(row, "rank"), (double)i + 1, 0, 0);
        else
            assert_true(is_empty(row, "rank"));
    }
    json_decref(table);
}

static void expect(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("'%s' is not in:\n%s", part, text);
}

static void test_runs_that_cannot_be_read_are_named(void **state)
{
    struct fixture *f = *state;
    char *said, *path = syn_path(f->dirs[2], "run.sqlite");
    syn_tamper(f->dirs[1], "PRAGMA user_version = 1");
    assert_ok(fl_file_write(path, "not a run", 9, &f->err), &f->err);
    fl_free(path);
    char *text = table_of(f, 4, (struct res_compare_opts){.by = NULL}, RES_CSV,
                          FL_E_FORMAT, &said);
    expect(said, "run1");
    expect(said, "written by another version: found schema 1");
    expect(said, "run2");
    expect(text, "\nrun0,");
    expect(text, "\nrun3,");
    assert_null(strstr(text, "\nrun1,"));
    fl_free(text);
    fl_free(said);
    /* Nobody to tell: it ends there, without a table. */
    text = table_of(f, 4, (struct res_compare_opts){.by = NULL}, RES_CSV,
                    FL_E_FORMAT, NULL);
    assert_string_equal(text, "");
    expect(f->err.text, "run1");
    fl_free(text);
}

static void test_unknown_names_are_said_and_the_rest_is_shown(void **state)
{
    struct fixture *f = *state;
    static const char *const keys[] = {"data.cleints", "train.partition",
                                       "data.clients"};
    static const char *const columns[] = {"arm", "emited_gco2e", "run"};
    char *said;
    char *text = table_of(f, 4,
                          (struct res_compare_opts){.by = keys,
                                                    .n_by = 3,
                                                    .columns = columns,
                                                    .n_columns = 3,
                                                    .sort = "nothing",
                                                    .baseline = "nobody"},
                          RES_CSV, FL_E_CONFIG, &said);
    expect(said, "'data.cleints'; did you mean 'data.clients'?");
    expect(said, "'train.partition'; did you mean 'data.partition'?");
    expect(said, "'emited_gco2e'; did you mean 'emitted_gco2e'?");
    expect(said, "--sort: no column 'nothing'");
    expect(said, "--baseline: 'nobody' is neither an arm of these runs nor");
    assert_int_equal(strncmp(text, "arm,run\ncentralized,", 20), 0);
    fl_free(text);
    fl_free(said);
    syn_tamper(f->dirs[0], "UPDATE arm SET name = 'other' WHERE arm = 1");
    text = table_of(f, 4, (struct res_compare_opts){.baseline = "centralized"},
                    RES_CSV, FL_E_CONFIG, &said);
    expect(said, "run0 has no arm 'centralized': no ratio");
    fl_free(text);
    fl_free(said);
}

static void test_targets_may_differ_between_data_sets(void **state)
{
    struct fixture *f = *state;
    char *said;
    syn_tamper(f->dirs[0], "UPDATE arm SET target_accuracy = 0.7");
    syn_tamper(f->dirs[0],
               "UPDATE meta SET value = 'mnist' WHERE key = 'dataset'");
    char *text = table_of(f, 2, (struct res_compare_opts){.by = NULL}, RES_TEXT,
                          FL_OK, &said);
    assert_string_equal(said, "");
    fl_free(text);
    fl_free(said);
}

static void test_targets_that_differ_give_no_ratio(void **state)
{
    struct fixture *f = *state;
    char *said;
    syn_tamper(f->dirs[0],
               "UPDATE arm SET target_accuracy = 0.7 WHERE arm = 0");
    /* of one run: its scenario's choice, said below the table alone */
    char *text = table_of(f, 1, (struct res_compare_opts){.by = NULL}, RES_TEXT,
                          FL_OK, &said);
    assert_string_equal(said, "");
    expect(text, "the arms' targets differ");
    fl_free(text);
    fl_free(said);
    text = table_of(f, 2, (struct res_compare_opts){.by = NULL}, RES_TEXT,
                    FL_E_CONFIG, &said);
    expect(said, "target accuracies differ: found 0.7 to 0.85");
    expect(said, "--target 0.7 cuts");
    expect(text, "the arms' targets differ");
    fl_free(text);
    fl_free(said);
    json_t *table = json_of(f, 1, (struct res_compare_opts){.by = NULL});
    assert_true(is_empty(row_of(table, "federated", 0), "x_baseline"));
    json_decref(table);
    table = json_of(f, 1, (struct res_compare_opts){.target_accuracy = 0.7});
    assert_false(is_empty(row_of(table, "federated", 0), "x_baseline"));
    json_decref(table);
}

static void test_a_baseline_without_the_arm_says_so(void **state)
{
    struct fixture *f = *state;
    char *said;
    syn_tamper(f->dirs[3], "UPDATE arm SET name = 'other' WHERE arm = 0");
    char *text =
        table_of(f, 4, (struct res_compare_opts){.baseline = f->dirs[3]},
                 RES_TEXT, FL_E_CONFIG, &said);
    expect(said, "has no arm 'federated'");
    expect(said, "no ratio");
    fl_free(text);
    fl_free(said);
}

static void test_impossible_options_are_refused(void **state)
{
    struct fixture *f = *state;
    fl_free(table_of(f, 1, (struct res_compare_opts){.target_accuracy = 2},
                     RES_CSV, FL_E_ARG, NULL));
    fl_free(table_of(f, 0, (struct res_compare_opts){.by = NULL}, RES_CSV,
                     FL_E_ARG, NULL));
}

/* Whichever allocation fails, it says so and nothing leaks (ASan looks). */
static void test_without_memory_it_fails(void **state)
{
    struct fixture *f = *state;
    static const char *const keys[] = {"data.clients", "train.arms"};
    const struct res_compare_opts opts = {.by = keys,
                                          .n_by = 2,
                                          .sort = "data.clients",
                                          .target_accuracy = 0.65,
                                          .baseline = f->dirs[3]};
    for (int format = 0; format < RES_FORMAT_LAST_; format++) {
        long n = 0;
        for (enum fl_status status = FL_E_NOMEM; status != FL_OK; n += 7) {
            FILE *out = fopen("/dev/null", "w");
            assert_non_null(out);
            (void)fl_alloc_fail_at(n + 1);
            status = res_compare_with((const char *const *)f->dirs, 4, &opts,
                                      (enum res_format)format, out, &f->err);
            (void)fl_alloc_fail_at(0);
            (void)fclose(out);
            if (status != FL_OK)
                assert_int_equal(status, FL_E_NOMEM);
        }
        assert_true(n > 100);
    }
}

#define T(name)                                                                \
    cmocka_unit_test_prestate_setup_teardown(name, set_up, tear_down, &fixture)

int main(void)
{
    struct fixture fixture = {.folder = NULL};
    const struct CMUnitTest tests[] = {
        T(test_runs_that_differ_in_seed_alone_are_one_row),
        T(test_intervals_of_seeds_are_averaged_end_by_end),
        T(test_other_settings_and_a_seed_again_are_rows),
        T(test_seeds_that_missed_the_target_are_not_in_the_mean),
        T(test_a_cut_ends_with_the_round_that_reached_the_target),
        T(test_a_cut_at_the_end_or_never_reached_is_the_whole),
        T(test_items_beside_the_training_are_not_cut_off),
        T(test_any_arm_or_run_can_be_the_baseline),
        T(test_keys_are_values_of_the_resolved_scenario),
        T(test_columns_and_rows_come_as_asked),
        T(test_a_ranking_puts_what_missed_the_target_last),
        T(test_runs_that_cannot_be_read_are_named),
        T(test_unknown_names_are_said_and_the_rest_is_shown),
        T(test_targets_may_differ_between_data_sets),
        T(test_targets_that_differ_give_no_ratio),
        T(test_a_baseline_without_the_arm_says_so),
        T(test_impossible_options_are_refused),
        T(test_without_memory_it_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
