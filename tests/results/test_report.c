/* Reports: every figure is arithmetic over the ledger's rows. */
#include "synthetic.h"

#include "base/alloc.h"
#include "base/sha256.h"
#include "results/report_priv.h"
#include "support/assert_near.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fixture {
    const char *docs; /* docs/results.md */
    char *folder, *dir;
    struct fl_error err;
};

static int set_up(void **state)
{
    struct fixture *f = *state;
    f->folder = syn_folder();
    f->dir = syn_run(f->folder, "run", true);
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    fl_free(f->dir);
    syn_remove(f->folder);
    return 0;
}

static char *table_of(struct fixture *f,
                      const char *const *dirs,
                      size_t n_dirs,
                      enum res_format format)
{
    char *path = syn_path(f->folder, "table");
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_ok(res_compare(dirs, n_dirs, format, out, &f->err), &f->err);
    assert_int_equal(fclose(out), 0);
    char *text = syn_read(path, NULL);
    fl_free(path);
    return text;
}

static json_t *json_table(struct fixture *f)
{
    const char *dirs[] = {f->dir};
    char *text = table_of(f, dirs, 1, RES_JSON);
    json_error_t why;
    json_t *json = json_loads(text, 0, &why);
    if (!json)
        fail_msg("%s", why.text);
    fl_free(text);
    return json;
}

static json_t *summary_of(struct fixture *f)
{
    assert_ok(res_export(f->dir, &f->err), &f->err);
    char *path = syn_path(f->dir, "summary.json");
    json_t *json = json_load_file(path, 0, NULL);
    assert_non_null(json);
    fl_free(path);
    return json;
}

/* The object of a table or of a summary's arms with this arm's name. */
static json_t *arm_of(json_t *array, const char *key, const char *arm)
{
    size_t i;
    json_t *row;
    json_array_foreach(array, i, row)
    {
        if (strcmp(json_string_value(json_object_get(row, key)), arm) == 0)
            return row;
    }
    fail_msg("no arm %s", arm);
    return NULL;
}

static double number(json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);
    if (!json_is_number(value))
        fail_msg("%s is no number", key);
    return json_number_value(value);
}

static double sql_of_arm(struct fixture *f, const char *what, int arm)
{
    char sql[300];
    (void)snprintf(sql, sizeof sql,
                   "SELECT %s FROM ledger l JOIN component c USING (component)"
                   " WHERE arm = %d",
                   what, arm);
    return syn_sql(f->dir, sql);
}

/* The same sum in another order of additions: a few roundings of 2^-53 on a
 * handful of rows. */
#define SUM_RTOL 1e-14

static void check_arm(struct fixture *f, json_t *row, int arm, double clients)
{
    static const struct {
        const char *key, *sql;
        double unit;
    } figures[] = {
        {"energy_kwh", "total(energy_j)", 3.6e6},
        {"client_kwh", "total(energy_j * (term_group = 'client'))", 3.6e6},
        {"network_kwh", "total(energy_j * (term_group = 'network'))", 3.6e6},
        {"server_kwh", "total(energy_j * (term_group = 'server'))", 3.6e6},
        {"overhead_kwh", "total(energy_j * (term_group = 'overhead'))", 3.6e6},
        {"emitted_gco2e", "total(emitted_gco2e)", 1},
        {"client_gco2e", "total(emitted_gco2e * (term_group = 'client'))", 1},
        {"network_gco2e", "total(emitted_gco2e * (term_group = 'network'))", 1},
        {"server_gco2e", "total(emitted_gco2e * (term_group = 'server'))", 1},
        {"overhead_gco2e", "total(emitted_gco2e * (term_group = 'overhead'))",
         1},
        {"bytes", "total(l.bytes)", 1},
    };
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++)
        assert_near(number(row, figures[i].key),
                    sql_of_arm(f, figures[i].sql, arm) / figures[i].unit /
                        clients,
                    SUM_RTOL, 0);
    assert_near(number(row, "assumed_ratio"),
                sql_of_arm(f,
                           "total(emitted_gco2e * (evidence = 3)) / "
                           "total(emitted_gco2e)",
                           arm),
                SUM_RTOL, 0);
    assert_near(number(row, "wasted_ratio"),
                sql_of_arm(f,
                           "total(emitted_gco2e * wasted) / "
                           "total(emitted_gco2e)",
                           arm),
                SUM_RTOL, 0);
}

static void test_every_figure_is_a_sum_of_ledger_rows(void **state)
{
    struct fixture *f = *state;
    json_t *table = json_table(f);
    check_arm(f, arm_of(table, "arm", "federated"), SYN_FEDERATED, 1);
    check_arm(f, arm_of(table, "arm", "centralized"), SYN_CENTRALIZED, 1);
    check_arm(f, arm_of(table, "arm", "local"), SYN_LOCAL, 2);
    json_decref(table);
}

/* By hand: centralized 540 kJ at 250 g/kWh = 37.5 g; federated 24 kJ... see
 * synthetic.h: 20 kJ at 50 and 12 kJ at 250 = 1.1111 g; local 54 kJ per client
 * at 50 = 0.75 g, four of them 3 g. */
static void test_ratios_agree_with_a_pencil(void **state)
{
    struct fixture *f = *state;
    syn_tamper(f->dir, "UPDATE outcome SET reached = 1"); /* all equally good */
    json_t *table = json_table(f);
    json_t *federated = arm_of(table, "arm", "federated");
    json_t *local = arm_of(table, "arm", "local");
    double gco2e = 20e3 / 3.6e6 * 50 + 12e3 / 3.6e6 * 250;
    assert_near(number(federated, "emitted_gco2e"), gco2e, SUM_RTOL, 0);
    assert_near(number(federated, "x_centralized"), gco2e / 37.5, SUM_RTOL, 0);
    assert_near(number(federated, "all_clients_x_centralized"), gco2e / 37.5,
                SUM_RTOL, 0);
    assert_near(number(local, "x_centralized"), 0.02, SUM_RTOL, 0);
    assert_near(number(local, "all_clients_gco2e"), 3, SUM_RTOL, 0);
    assert_near(number(local, "all_clients_x_centralized"), 0.08, SUM_RTOL, 0);
    assert_near(number(local, "accuracy"), 0.45, SUM_RTOL, 0);
    assert_near(number(local, "sim_time_s"), 5400, 0, 0); /* (1 h + 2 h) / 2 */
    assert_near(number(local, "reached"), 1, 0, 0); /* 0.6 did, 0.3 did not */
    assert_string_equal(json_string_value(json_object_get(local, "per")),
                        "client");
    json_decref(table);
}

static void test_the_summary_holds_the_whole_arm_split_every_way(void **state)
{
    struct fixture *f = *state;
    json_t *summary = summary_of(f);
    json_t *arms = json_object_get(summary, "arms");
    static const char *const names[] = {"federated", "centralized", "local"};
    static const char *const energy_splits[] = {
        "energy_j_by_component", "energy_j_by_group", "energy_j_by_phase"};
    for (int arm = 0; arm < 3; arm++) {
        json_t *o = arm_of(arms, "name", names[arm]);
        double energy_j = sql_of_arm(f, "total(energy_j)", arm);
        double gco2e = sql_of_arm(f, "total(emitted_gco2e)", arm);
        assert_near(number(o, "energy_j"), energy_j, SUM_RTOL, 0);
        assert_near(number(o, "emitted_gco2e"), gco2e, SUM_RTOL, 0);
        for (size_t i = 0; i < 3; i++) {
            double sum_j = 0;
            const char *key;
            json_t *value, *split = json_object_get(o, energy_splits[i]);
            json_object_foreach(split, key, value) sum_j +=
                json_number_value(value);
            assert_near(sum_j, energy_j, SUM_RTOL, 0);
        }
        double sum_g = 0;
        const char *key;
        json_t *value,
            *split = json_object_get(o, "emitted_gco2e_by_component");
        json_object_foreach(split, key, value) sum_g +=
            json_number_value(value);
        assert_near(sum_g, gco2e, SUM_RTOL, 0);
    }
    json_t *phases =
        json_object_get(arm_of(arms, "name", "federated"), "bytes_by_phase");
    assert_near(number(phases, "broadcast"), 8e6, 0, 0); /* whole numbers */
    assert_near(number(phases, "upload"), 8e6, 0, 0);
    assert_near(number(summary, "wall_s"), 12.5, 0, 0); /* 12.5 is exact */
    json_decref(summary);
}

/* docs/results.md, "The ledger's hash", written down a second time. */
static void hash_u64(struct fl_sha256 *sha, uint64_t value)
{
    for (int i = 0; i < 8; i++) {
        unsigned char byte = (unsigned char)(value & 0xff);
        fl_sha256_add(sha, &byte, 1);
        value >>= 8;
    }
}

static void hash_text(struct fl_sha256 *sha, const char *text)
{
    hash_u64(sha, strlen(text));
    fl_sha256_add(sha, text, strlen(text));
}

static void hash_real(struct fl_sha256 *sha, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    hash_u64(sha, bits);
}

static void hash_entry(struct fl_sha256 *sha,
                       const struct carbon_entry *e,
                       const char *zone)
{
    hash_u64(sha, (uint64_t)e->round);
    hash_text(sha, carbon_role_name(e->role));
    hash_u64(sha, (uint64_t)e->entity);
    hash_text(sha, zone);
    hash_text(sha, carbon_terms[e->component]->name);
    hash_text(sha, carbon_phase_name(e->phase));
    hash_text(sha, carbon_stage_name(e->stage));
    hash_real(sha, e->t0_s);
    hash_real(sha, e->t1_s);
    hash_real(sha, e->energy_j);
    hash_real(sha, e->idle_j);
    hash_real(sha, e->bytes);
    hash_u64(sha, e->is_wasted);
    hash_text(sha, carbon_evidence_name(e->evidence));
    hash_real(sha, e->emitted_gco2e);
}

static void test_the_ledger_hash_is_the_documented_encoding(void **state)
{
    struct fixture *f = *state;
    char wanted[65], found[65];
    struct fl_sha256 sha;
    fl_sha256_init(&sha);
    fl_sha256_add(&sha, "fedcarbon ledger 2\n", 19);
    for (int64_t client = 1; client <= 3; client += 2) {
        double share = client == 1 ? 1 : 2;
        struct carbon_entry e = syn_entry(client, client, 36000 * share);
        e.t0_s = 0;
        e.t1_s = 3600 * share;
        hash_entry(&sha, &e, "FR");
    }
    fl_sha256_hex(&sha, wanted);
    assert_ok(res_ledger_sha256(f->dir, "local", found, &f->err), &f->err);
    assert_string_equal(found, wanted);
}

static void test_the_hash_sees_every_column_but_not_the_layout(void **state)
{
    struct fixture *f = *state;
    char first[65], again[65];
    static const char *const changes[] = {
        "round = 2",      "role = 1",     "entity = 9",         "zone = 1",
        "component = 1",  "phase = 0",    "t0_s = 0.5",         "t1_s = 9999.0",
        "energy_j = 1.0", "stage = 1",    "idle_j = 1.0",       "bytes = 1.0",
        "wasted = 1",     "evidence = 0", "emitted_gco2e = 1.0"};
    assert_ok(res_ledger_sha256(f->dir, "local", first, &f->err), &f->err);
    syn_tamper(f->dir, "VACUUM");
    assert_ok(res_ledger_sha256(f->dir, "local", again, &f->err), &f->err);
    assert_string_equal(first, again);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        char sql[160];
        (void)snprintf(sql, sizeof sql,
                       "CREATE TABLE kept AS SELECT * FROM ledger;"
                       "UPDATE ledger SET %s WHERE arm = 2 AND seq = 0",
                       changes[i]);
        syn_tamper(f->dir, sql);
        assert_ok(res_ledger_sha256(f->dir, "local", again, &f->err), &f->err);
        assert_string_not_equal(first, again);
        syn_tamper(f->dir, "DELETE FROM ledger; INSERT INTO ledger SELECT *"
                           " FROM kept; DROP TABLE kept");
    }
    assert_ok(res_ledger_sha256(f->dir, "local", again, &f->err), &f->err);
    assert_string_equal(first, again);
}

static void test_a_missing_ledger_row_has_no_hash(void **state)
{
    struct fixture *f = *state;
    char hex[65];
    syn_tamper(f->dir, "DELETE FROM ledger WHERE arm = 0 AND seq = 3");
    assert_int_equal(res_ledger_sha256(f->dir, "federated", hex, &f->err),
                     FL_E_FORMAT);
    syn_tamper(f->dir, "UPDATE ledger SET zone = 77 WHERE arm = 2");
    assert_int_equal(res_ledger_sha256(f->dir, "local", hex, &f->err),
                     FL_E_FORMAT);
    assert_int_equal(res_ledger_sha256(f->dir, "elsewhere", hex, &f->err),
                     FL_E_CONFIG);
}

static void test_unknown_accuracies_are_never_numbers(void **state)
{
    struct fixture *f = *state;
    syn_tamper(f->dir, "UPDATE round SET accuracy = NULL, loss = NULL;"
                       "UPDATE outcome SET accuracy = NULL, loss = NULL");
    json_t *table = json_table(f);
    json_t *federated = arm_of(table, "arm", "federated");
    assert_true(json_is_null(json_object_get(federated, "accuracy")));
    json_t *local = arm_of(table, "arm", "local");
    assert_true(json_is_null(json_object_get(local, "loss")));
    json_decref(table);
    const char *dirs[] = {f->dir};
    for (int format = 0; format < RES_FORMAT_LAST_; format++) {
        char *text = table_of(f, dirs, 1, (enum res_format)format);
        assert_null(strstr(text, "nan"));
        assert_null(strstr(text, "inf"));
        fl_free(text);
    }
}

static void test_without_a_centralized_arm_there_is_no_ratio(void **state)
{
    struct fixture *f = *state;
    syn_tamper(f->dir, "UPDATE arm SET name = 'other' WHERE arm = 1");
    json_t *table = json_table(f);
    json_t *federated = arm_of(table, "arm", "federated");
    assert_true(json_is_null(json_object_get(federated, "x_centralized")));
    json_decref(table);
}

static void test_an_unfinished_centralized_arm_is_no_measure(void **state)
{
    struct fixture *f = *state;
    syn_tamper(f->dir, "DELETE FROM outcome WHERE arm = 1;"
                       "DELETE FROM meta WHERE key = 'finished'");
    json_t *table = json_table(f);
    json_t *federated = arm_of(table, "arm", "federated");
    json_t *base = arm_of(table, "arm", "centralized");
    assert_true(json_is_null(json_object_get(federated, "x_centralized")));
    assert_true(json_is_true(json_object_get(federated, "arm_finished")));
    assert_true(json_is_false(json_object_get(federated, "run_finished")));
    assert_true(json_is_false(json_object_get(base, "arm_finished")));
    assert_near(number(base, "accuracy"), 0.8, 0, 0); /* its last round's */
    json_decref(table);
}

/* Every row "| `name` | unit | meaning | aggregates |" of the dictionary is in
 * the page, and the header of the real file has those names in that order. */
static void check_dictionary(struct fixture *f,
                             const struct res_column *columns,
                             const char *header)
{
    char *page = syn_read(f->docs, NULL);
    struct res_text names = {0};
    for (const struct res_column *c = columns; c->name; c++) {
        struct res_text row = {0};
        res_text_add(&row, "| `%s` | %s | %s | %s |", c->name, c->unit,
                     c->meaning, c->aggregates);
        if (!strstr(page, res_text_get(&row)))
            fail_msg("%s lacks the row:\n%s", f->docs, res_text_get(&row));
        res_text_fini(&row);
        res_text_add(&names, "%s%s", c == columns ? "" : ",", c->name);
    }
    res_text_put(&names, "\n");
    assert_int_equal(strncmp(header, res_text_get(&names), names.n), 0);
    res_text_fini(&names);
    fl_free(page);
}

static void test_the_columns_are_those_of_the_documentation(void **state)
{
    struct fixture *f = *state;
    const char *dirs[] = {f->dir};
    char *csv = table_of(f, dirs, 1, RES_CSV);
    check_dictionary(f, res_table_columns, csv);
    fl_free(csv);
    assert_ok(res_export(f->dir, &f->err), &f->err);
    char *path = syn_path(f->dir, "rounds.csv");
    char *rounds = syn_read(path, NULL);
    check_dictionary(f, res_rounds_columns, rounds);
    fl_free(rounds);
    fl_free(path);
    char *page = syn_read(f->docs, NULL);
    for (const struct res_meta_key *key = res_meta_keys; key->key; key++) {
        struct res_text row = {0};
        res_text_add(&row, "| `%s` | ", key->key);
        if (!strstr(page, res_text_get(&row)) || !strstr(page, key->doc))
            fail_msg("%s lacks named text %s: %s", f->docs, key->key, key->doc);
        res_text_fini(&row);
    }
    for (size_t i = 0; res_schema[i].name; i++)
        if (!strstr(page, res_schema[i].name))
            fail_msg("%s lacks table %s", f->docs, res_schema[i].name);
    fl_free(page);
}

static void test_fields_of_csv_are_quoted(void **state)
{
    (void)state;
    struct res_text out = {0};
    res_csv_field(&out, "plain");
    res_csv_field(&out, "|a,b|");
    res_csv_field(&out, "say \"no\"\nand go");
    assert_string_equal(res_text_get(&out),
                        "plain\"|a,b|\"\"say \"\"no\"\"\nand go\"");
    res_text_fini(&out);
}

static void test_figures_for_people_have_no_exponents(void **state)
{
    static const struct {
        double value;
        int digits;
        const char *text;
    } figures[] = {
        {0, 3, "0"},           {1234567, 3, "1234567"},
        {12.345, 4, "12.35"},  {0.0012345, 3, "0.00123"},
        {999.96, 4, "1000.0"}, {-2.5, 3, "-2.50"},
        {1e-9, 3, "1e-09"},    {3e20, 3, "3e+20"},
        {(double)NAN, 3, "-"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
        struct res_text out = {0};
        res_text_figure(&out, figures[i].value, figures[i].digits);
        assert_string_equal(res_text_get(&out), figures[i].text);
        res_text_fini(&out);
    }
}

static void test_impossible_questions_are_refused(void **state)
{
    struct fixture *f = *state;
    const char *dirs[] = {f->dir, "nowhere"};
    FILE *out = fopen("/dev/full", "w");
    assert_int_equal(res_compare(dirs, 0, RES_TEXT, stdout, &f->err), FL_E_ARG);
    assert_int_equal(res_compare(dirs, 1, RES_FORMAT_LAST_, stdout, &f->err),
                     FL_E_ARG);
    assert_int_equal(res_compare(dirs, 2, RES_TEXT, stdout, &f->err),
                     FL_E_STATE);
    assert_non_null(strstr(f->err.text, "nowhere"));
    assert_int_equal(res_export("nowhere", &f->err), FL_E_STATE);
    assert_non_null(out);
    assert_int_equal(res_compare(dirs, 1, RES_TEXT, out, &f->err), FL_E_IO);
    (void)fclose(out);
    syn_tamper(f->dir, "UPDATE meta SET value = 'x' WHERE key = 'wall_s'");
    assert_int_equal(res_export(f->dir, &f->err), FL_E_FORMAT);
    assert_non_null(strstr(f->err.text, "wall_s"));
}

static void assert_in_table(struct fixture *f, const char *part)
{
    const char *dirs[] = {f->dir};
    char *text = table_of(f, dirs, 1, RES_TEXT);
    if (!strstr(text, part))
        fail_msg("no '%s' in\n%s", part, text);
    fl_free(text);
}

static void test_a_ratio_without_a_target_says_where_arms_ended(void **state)
{
    struct fixture *f = *state;
    syn_tamper(f->dir, "UPDATE arm SET target_accuracy = 0;"
                       "UPDATE outcome SET accuracy = 0.6 + arm / 10.0");
    assert_in_table(f, "unequal accuracy: no target was set: centralized "
                       "ended at 0.7000, federated at 0.6000; the ratio is "
                       "not at equal accuracy");
}

static void test_a_share_of_nearly_all_draws_is_not_one(void **state)
{
    struct fixture *f = *state;
    syn_tamper(f->dir, "UPDATE outcome SET reached = 1;"
                       "INSERT OR REPLACE INTO meta VALUES ('intervals',"
                       " '0 0.5 2 0.25 4 0.999' || char(10) || 'why')");
    assert_in_table(f, "less than centralized with probability 0.9990;");
}

#define T(name)                                                                \
    cmocka_unit_test_prestate_setup_teardown(name, set_up, tear_down, &fixture)

int main(int argc, char **argv)
{
    if (argc < 2) {
        (void)fprintf(stderr, "usage: %s docs/results.md\n", argv[0]);
        return 2;
    }
    struct fixture fixture = {.docs = argv[1]};
    const struct CMUnitTest tests[] = {
        T(test_a_ratio_without_a_target_says_where_arms_ended),
        T(test_a_share_of_nearly_all_draws_is_not_one),
        T(test_every_figure_is_a_sum_of_ledger_rows),
        T(test_ratios_agree_with_a_pencil),
        T(test_the_summary_holds_the_whole_arm_split_every_way),
        T(test_the_ledger_hash_is_the_documented_encoding),
        T(test_the_hash_sees_every_column_but_not_the_layout),
        T(test_a_missing_ledger_row_has_no_hash),
        T(test_unknown_accuracies_are_never_numbers),
        T(test_without_a_centralized_arm_there_is_no_ratio),
        T(test_an_unfinished_centralized_arm_is_no_measure),
        T(test_the_columns_are_those_of_the_documentation),
        T(test_fields_of_csv_are_quoted),
        T(test_figures_for_people_have_no_exponents),
        T(test_impossible_questions_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
