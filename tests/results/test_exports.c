/* Runs in other programs' formats: headers as those programs have them, the
 * figures by hand, and all of it letter by letter. Run with the golden folder
 * as argument; with --update behind it the files are rewritten, for review by
 * git diff. */
#include "golden.h"
#include "synthetic.h"

#include "base/alloc.h"
#include "base/parse.h"
#include "base/units.h"
#include "results/exporter.h"
#include "results/exporter_priv.h"
#include "support/assert_near.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct res_exporter_opts plain = {.unit = "run"};

/* What the export writes into a file; free: fl_free. */
static char *export_to(const struct golden_run *f,
                       const char *format,
                       const struct res_exporter_opts *opts)
{
    struct fl_error err = {0};
    char *path = syn_path(f->folder, "export");
    assert_ok(res_export_as(f->run, format, opts, path, NULL, &err), &err);
    char *found = syn_read(path, NULL);
    fl_free(path);
    return found;
}

static void check(const struct golden_run *f,
                  const char *format,
                  const struct res_exporter_opts *opts,
                  const char *name)
{
    char *found = export_to(f, format, opts);
    golden_check(&f->golden, name, found);
    fl_free(found);
}

static void test_every_format_letter_by_letter(void **state)
{
    struct golden_run *f = *state;
    struct res_exporter_opts opts = plain;
    check(f, "codecarbon", &opts, "export_codecarbon.csv");
    check(f, "eco2ai", &opts, "export_eco2ai.csv");
    check(f, "boavizta", &opts, "export_boavizta.json");
    check(f, "ghg", &opts, "export_ghg_server.csv");
    check(f, "sci", &opts, "export_sci_run.csv");
    check(f, "prometheus", &opts, "export_prometheus.prom");
    check(f, "statement", &opts, "export_statement.md");
    check(f, "statement_latex", &opts, "export_statement.tex");
    opts.perspective = RES_OF_CLIENTS;
    check(f, "ghg", &opts, "export_ghg_clients.csv");
    opts.unit = "accuracy_point";
    check(f, "sci", &opts, "export_sci_accuracy_point.csv");
    opts.has_equivalents = true;
    check(f, "statement", &opts, "export_statement_equivalents.md");
}

/* As the tools' own files begin. */
static const char codecarbon_header[] =
    "timestamp,project_name,run_id,experiment_id,duration,emissions,"
    "emissions_rate,cpu_power,gpu_power,ram_power,cpu_energy,gpu_energy,"
    "ram_energy,energy_consumed,water_consumed,country_name,country_iso_code,"
    "region,cloud_provider,cloud_region,os,python_version,codecarbon_version,"
    "cpu_count,cpu_model,gpu_count,gpu_model,longitude,latitude,ram_total_size,"
    "tracking_mode,cpu_utilization_percent,gpu_utilization_percent,"
    "ram_utilization_percent,ram_used_gb,on_cloud,pue,wue\n";
static const char eco2ai_header[] =
    "id,project_name,experiment_description,epoch,start_time,duration(s),"
    "power_consumption(kWh),CO2_emissions(kg),CPU_name,GPU_name,OS,"
    "region/country,cost\n";

static void test_headers_are_the_tools_own(void **state)
{
    struct golden_run *f = *state;
    char *found = export_to(f, "codecarbon", &plain);
    assert_memory_equal(found, codecarbon_header, strlen(codecarbon_header));
    fl_free(found);
    found = export_to(f, "eco2ai", &plain);
    assert_memory_equal(found, eco2ai_header, strlen(eco2ai_header));
    fl_free(found);
}

#define MAX_FIELDS 64

/* Field `column` of line `line` (0: the header) of a CSV without line breaks
 * in fields; free: fl_free. Counts fields too. */
static char *field(const char *csv, int line, const char *column, int *ret_n)
{
    char *row = NULL;
    int want = -1;
    for (int l = 0; l <= line; l++) {
        size_t length = strcspn(csv, "\n");
        fl_free(row);
        row = fl_calloc(length + 1, 1);
        memcpy(row, csv, length);
        csv += length + 1;
        char *fields[MAX_FIELDS], *from = row;
        int n = 0;
        for (bool is_more = true; is_more && n < MAX_FIELDS; n++) {
            char *to = from;
            fields[n] = from;
            if (*from == '"') {
                for (from++; *from != '"' || from[1] == '"'; from++) {
                    from += *from == '"';
                    *to++ = *from;
                }
                from++;
            } else
                to = from += strcspn(from, ",");
            is_more = *from++ == ',';
            *to = '\0';
            if (l == 0 && strcmp(fields[n], column) == 0)
                want = n;
        }
        *ret_n = n;
        if (l == line && want >= 0 && want < n) {
            char *copy = fl_strdup(fields[want]);
            fl_free(row);
            return copy;
        }
    }
    fl_free(row);
    return NULL;
}

static double number(const char *csv, int line, const char *column)
{
    int n = 0;
    char *text = field(csv, line, column, &n);
    assert_non_null(text);
    double value = (double)NAN;
    struct fl_error err = {0};
    if (text[0])
        assert_ok(fl_parse_double(text, -1e300, 1e300, &value, &err), &err);
    fl_free(text);
    return value;
}

static const double rtol = 1e-14; /* sums of a few products */

static void test_codecarbon_has_its_units_and_nothing_invented(void **state)
{
    struct golden_run *f = *state;
    char *csv = export_to(f, "codecarbon", &plain);
    /* line 1 is the centralized arm: 540 kJ at 250 g/kWh in 5,400 s */
    assert_near(number(csv, 1, "energy_consumed"), 0.15, rtol, 0);
    assert_near(number(csv, 1, "emissions"), 0.0375, rtol, 0);
    assert_near(number(csv, 1, "duration"), 5400, 0, 0);
    assert_near(number(csv, 1, "emissions_rate"), 0.0375 / 5400, rtol, 0);
    static const char *const empty[] = {
        "cpu_power", "gpu_energy", "water_consumed", "country_iso_code", "os",
        "cpu_model", "longitude",  "on_cloud",       "ram_total_size",   "wue"};
    for (size_t i = 0; i < sizeof empty / sizeof empty[0]; i++)
        assert_true(isnan(number(csv, 1, empty[i])));
    for (int line = 0; line <= 3; line++) {
        int n = 0;
        char *text = field(csv, line, "region", &n);
        assert_int_equal(n, 38);
        if (line > 0) /* federated: two zones, so none */
            assert_string_equal(text, line == 1   ? "US-CAL-CISO"
                                      : line == 2 ? ""
                                                  : "FR");
        fl_free(text);
    }
    fl_free(csv);
}

static void test_fields_with_commas_and_quotes_survive(void **state)
{
    struct golden_run *f = *state;
    syn_tamper(f->run, "UPDATE meta SET value = 'a \"b\", c'"
                       " WHERE key = 'scenario_name'");
    char *csv = export_to(f, "codecarbon", &plain);
    int n = 0;
    char *name = field(csv, 1, "project_name", &n);
    assert_string_equal(name, "a \"b\", c");
    assert_int_equal(n, 38);
    fl_free(name);
    fl_free(csv);
}

/* The scopes of an arm add up to the arm, whoever looks. */
static void test_scopes_add_up(void **state)
{
    struct golden_run *f = *state;
    static const char *const arms[] = {"centralized", "federated", "local"};
    for (int of = 0; of < RES_PERSPECTIVE_LAST_; of++) {
        struct res_exporter_opts opts = {.perspective =
                                             (enum res_perspective)of};
        char *csv = export_to(f, "ghg", &opts);
        for (int a = 0; a < 3; a++) {
            double kg = 0, kwh = 0, scope_2 = 0;
            for (int line = 1 + 5 * a; line <= 5 + 5 * a; line++) {
                int n = 0;
                char *arm = field(csv, line, "arm", &n);
                assert_string_equal(arm, arms[a]);
                fl_free(arm);
                kg += number(csv, line, "emitted_kgco2e");
                kwh += number(csv, line, "energy_kwh");
                if (number(csv, line, "scope") < 1.5)
                    assert_near(kg, 0, 0, 0);
                else if (number(csv, line, "scope") < 2.5)
                    scope_2 += number(csv, line, "energy_kwh");
            }
            char sql[160];
            (void)snprintf(sql, sizeof sql,
                           "SELECT emitted_gco2e FROM arm_total WHERE"
                           " arm = '%s'",
                           arms[a]);
            assert_near(kg, syn_sql(f->run, sql) / 1000, rtol, 0);
            (void)snprintf(sql, sizeof sql,
                           "SELECT energy_j FROM arm_total WHERE arm = '%s'",
                           arms[a]);
            assert_near(kwh, syn_sql(f->run, sql) / FL_J_PER_KWH, rtol, 0);
            /* federated: the server's 12 kJ, or the clients' 4 kJ */
            if (a == 1)
                assert_near(scope_2,
                            (of == RES_OF_SERVER ? 12000 : 4000) / FL_J_PER_KWH,
                            rtol, 0);
        }
        fl_free(csv);
    }
}

static void test_sci_is_emissions_per_unit(void **state)
{
    struct golden_run *f = *state;
    static const struct {
        const char *unit;
        double centralized, federated; /* how many */
    } units[] = {
        {"run", 1, 1},
        {"round", 1, 2},
        {"accuracy_point", 80, 86},
        {"client", 4, 4},
        {"request", (double)NAN, (double)NAN},
    };
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        struct res_exporter_opts opts = {.unit = units[i].unit};
        char *csv = export_to(f, "sci", &opts);
        if (isnan(units[i].federated)) {
            assert_true(isnan(number(csv, 2, "SCI_gco2e_per_unit")));
            assert_true(isnan(number(csv, 2, "R")));
        } else {
            assert_near(number(csv, 1, "SCI_gco2e_per_unit"),
                        37.5 / units[i].centralized, rtol, 0);
            double o = number(csv, 2, "O_gco2e");
            assert_near(number(csv, 2, "E_kwh") *
                            number(csv, 2, "I_gco2e_per_kwh"),
                        o, rtol, 0);
            assert_near(number(csv, 2, "SCI_gco2e_per_unit"),
                        o / units[i].federated, rtol, 0);
        }
        assert_true(isnan(number(csv, 1, "M_gco2e"))); /* not modelled */
        fl_free(csv);
    }
}

/* Two clients alone: one drew 72 kJ at 50 g/kWh, of the other's making 100 g
 * are charged. */
static char *embodied_run(const char *folder)
{
    struct fl_error err = {0};
    struct res_store *store;
    char *dir = syn_path(folder, "embodied");
    assert_ok(res_store_create(dir, RES_CREATE, &store, &err), &err);
    syn_begin(store);
    struct carbon_entry entries[] = {syn_entry(1, 1, 72000),
                                     syn_entry(3, 3, 0)};
    entries[1].component = syn_term("client_embodied");
    entries[1].emitted_gco2e = 100;
    for (size_t i = 0; i < 2; i++) {
        entries[i].arm = SYN_LOCAL;
        const struct res_round last = {.arm = SYN_LOCAL,
                                       .round = entries[i].round,
                                       .sim_time_s = 100,
                                       .accuracy = 0.5,
                                       .updates = 1};
        assert_ok(res_store_add_round(store, &last, &err), &err);
    }
    assert_ok(res_store_add_entries(store, entries, 2, &err), &err);
    assert_ok(res_store_finish(store, &err), &err);
    res_store_destroy(store);
    return dir;
}

static void test_embodied_emissions_have_their_own_place(void **state)
{
    struct golden_run *f = *state;
    struct golden_run of_embodied = {.folder = f->folder,
                                     .run = embodied_run(f->folder)};
    f = &of_embodied;
    char *csv = export_to(f, "sci", &plain);
    /* means of two clients */
    assert_near(number(csv, 3, "M_gco2e"), 50, rtol, 0);
    assert_near(number(csv, 3, "O_gco2e"), 0.5, rtol, 0);
    assert_near(number(csv, 3, "SCI_gco2e_per_unit"), 50.5, rtol, 0);
    fl_free(csv);
    csv = export_to(f, "ghg", &plain);
    assert_near(number(csv, 15, "emitted_kgco2e"), 0.1, rtol, 0);
    fl_free(csv);
    char *text = export_to(f, "boavizta", &plain);
    json_t *root = json_loads(text, 0, NULL);
    assert_non_null(root);
    double embedded = 0, use = 0;
    assert_int_equal(json_unpack(root, "{s:{s:{s:{s:{s:F},s:{s:F}}}}}", "local",
                                 "impacts", "gwp", "embedded", "value",
                                 &embedded, "use", "value", &use),
                     0);
    assert_near(embedded, 0.05, rtol, 0);
    assert_near(use, 0.0005, rtol, 0);
    json_decref(root);
    fl_free(text);
    fl_free(of_embodied.run);
}

static void test_a_statement_names_no_power_that_is_off(void **state)
{
    struct golden_run *f = *state;
    syn_tamper(f->run, "UPDATE fact SET name = replace(name, 'link.router_w',"
                       " 'device.train_w') WHERE is_off");
    char *found = export_to(f, "statement", &plain);
    assert_non_null(strstr(found, "device.train\\_w")); /* switched off */
    assert_null(strstr(found, "while it computes"));
    fl_free(found);
}

static void test_equivalents_are_arithmetic(void **state)
{
    (void)state;
    /* a public log of carbontracker: 299.601022 g, 2.786986 km */
    assert_near(299.601022 / res_equivalents[0].gco2e, 2.786986, 0, 5e-7);
    /* its worked example: 601.902 g, 5.5991 km */
    assert_near(601.902 / res_equivalents[0].gco2e, 5.5991, 0, 5e-5);
    for (size_t i = 0; res_equivalents[i].what; i++)
        assert_true(res_equivalents[i].gco2e > 0 &&
                    res_equivalents[i].source[0]);
}

static void test_unknown_formats_and_units_are_errors(void **state)
{
    struct golden_run *f = *state;
    struct fl_error err = {0};
    assert_int_equal(
        res_export_as(f->run, "codecarbn", &plain, NULL, stdout, &err),
        FL_E_CONFIG);
    assert_non_null(strstr(err.text, "codecarbon?"));
    assert_non_null(strstr(err.text, "statement_latex"));
    struct res_exporter_opts opts = {.unit = "rounds"};
    assert_int_equal(res_export_as(f->run, "sci", &opts, NULL, stdout, &err),
                     FL_E_CONFIG);
    assert_non_null(strstr(err.text,
                           ": found 'rounds' (round?), allowed run, round, "
                           "client, accuracy_point, request"));
    opts.unit = "kilometres";
    assert_int_equal(res_export_as(f->run, "sci", &opts, NULL, stdout, &err),
                     FL_E_CONFIG);
    assert_non_null(strstr(err.text, ": found 'kilometres', allowed run, "));
    opts.unit = NULL;
    assert_int_equal(res_export_as(f->run, "sci", &opts, NULL, stdout, &err),
                     FL_E_CONFIG);
    assert_non_null(strstr(err.text, ": found nothing, allowed run, "));
    assert_true(res_export_as("no-such-run", "sci", &plain, NULL, stdout,
                              &err) != FL_OK);
    assert_int_equal(
        res_export_as(f->run, "sci", &plain, "no/such/file", NULL, &err),
        FL_E_IO);
}

/* Whichever allocation fails, it says so and nothing leaks (ASan looks). */
static void test_without_memory_it_fails(void **state)
{
    struct golden_run *f = *state;
    struct fl_error err = {0};
    struct res_exporter_opts opts = {.unit = "run", .has_equivalents = true};
    char *path = syn_path(f->folder, "export");
    char *tree = syn_path(f->folder, "tree");
    for (size_t i = 0; res_exporter_name(i); i++) {
        assert_true(res_exporter_doc(i)[0] && res_exporters[i]->source[0]);
        const char *where = res_exporters[i]->write ? path : tree;
        long n = 0;
        for (enum fl_status status = FL_E_NOMEM; status != FL_OK;) {
            (void)fl_alloc_fail_at(++n);
            status = res_export_as(f->run, res_exporter_name(i), &opts, where,
                                   NULL, &err);
            (void)fl_alloc_fail_at(0);
            if (status != FL_OK)
                assert_int_equal(status, FL_E_NOMEM);
        }
        assert_true(n > 10);
    }
    fl_free(tree);
    fl_free(path);
}

int main(int argc, char **argv)
{
    struct golden_run fixture = {.run = NULL};
    if (!golden_init(&fixture.golden, argc, argv))
        return 2;
#define TEST(name)                                                             \
    cmocka_unit_test_prestate_setup_teardown(name, golden_run_set_up,          \
                                             golden_run_tear_down, &fixture)
    const struct CMUnitTest tests[] = {
        TEST(test_every_format_letter_by_letter),
        TEST(test_headers_are_the_tools_own),
        TEST(test_codecarbon_has_its_units_and_nothing_invented),
        TEST(test_fields_with_commas_and_quotes_survive),
        TEST(test_scopes_add_up),
        TEST(test_sci_is_emissions_per_unit),
        TEST(test_embodied_emissions_have_their_own_place),
        TEST(test_a_statement_names_no_power_that_is_off),
        TEST(test_equivalents_are_arithmetic),
        TEST(test_unknown_formats_and_units_are_errors),
        TEST(test_without_memory_it_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
