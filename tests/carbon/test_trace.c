/* Hostile CSV files: each is refused with its line, what was found and what
 * is allowed. argv[1]: data folder. */
#include "carbon_fixture.h"

#include "carbon/trace_priv.h"

#include <stdio.h>
#include <string.h>

static const char *data_dir;

#define HEADER "datetime_utc,AA,BB\n"
#define H0     "2022-01-01T00:00:00Z,1,10\n"
#define H1     "2022-01-01T01:00:00Z,2,20\n"
#define H2     "2022-01-01T02:00:00Z,3,30\n"

static void
accept(const char *zone, const char *text, size_t n, const double *values)
{
    struct carbon_trace trace;
    struct fl_error err = {0};
    const struct carbon_trace_want want = {.zone = zone};
    assert_ok(
        carbon_trace_init_csv(&trace, &want, "t.csv", text, strlen(text), &err),
        &err);
    assert_int_equal(trace.n, n);
    for (size_t i = 0; i < n; i++)
        assert_true(trace.gco2e_per_kwh[i] == values[i]);
    assert_int_equal(trace.start_epoch_s, 1640995200);
    assert_int_equal(trace.step_s, 3600);
    carbon_trace_fini(&trace);
}

static void refuse_bytes(const char *zone,
                         const char *text,
                         size_t n_bytes,
                         enum fl_status status,
                         const char *part)
{
    struct carbon_trace trace;
    struct fl_error err = {0};
    const struct carbon_trace_want want = {.zone = zone};
    enum fl_status got =
        carbon_trace_init_csv(&trace, &want, "t.csv", text, n_bytes, &err);
    if (got != status)
        fail_msg("%s, expected %s: %s", fl_status_name(got),
                 fl_status_name(status), err.text);
    if (strstr(err.text, part) == NULL)
        fail_msg("'%s' is not in '%s'", part, err.text);
    assert_null(trace.gco2e_per_kwh);
}

static void refuse(const char *text, const char *part)
{
    refuse_bytes("BB", text, strlen(text), FL_E_FORMAT, part);
}

static void test_a_column_per_zone_is_read(void **state)
{
    (void)state;
    accept("AA", HEADER H0 H1 H2, 3, (double[]){1, 2, 3});
    accept("BB", HEADER H0 H1 H2, 3, (double[]){10, 20, 30});
}

static void test_line_ends_and_byte_order_marks_do_not_matter(void **state)
{
    (void)state;
    accept("BB", "\xef\xbb\xbf" HEADER H0 H1, 2, (double[]){10, 20});
    accept("BB",
           "datetime_utc,AA,BB\r\n2022-01-01T00:00:00Z,1,10\r\n"
           "2022-01-01T01:00:00Z,2,20\r\n",
           2, (double[]){10, 20});
    accept("BB", HEADER H0 "2022-01-01T01:00:00Z,2,20", 2, (double[]){10, 20});
    accept("BB", HEADER "2022-01-01T00:00Z,1,10\n2022-01-01T01:00Z,2,2.5e1\n",
           2, (double[]){10, 25});
}

static void test_the_long_layout_is_read_by_zone(void **state)
{
    (void)state;
    static const char text[] =
        "datetime_utc,zone_id,ci_direct_g_per_kwh,ci_lca_g_per_kwh\n"
        "2022-01-01T00:00:00Z,ES,1,100\n"
        "2022-01-01T00:00:00Z,PT,2,200\n"
        "2022-01-01T01:00:00Z,ES,3,110\n"
        "2022-01-01T01:00:00Z,PT,4,210\n";
    accept("ES", text, 2, (double[]){100, 110});
    accept("PT", text, 2, (double[]){200, 210});
}

static void test_electricity_maps_own_names_are_read(void **state)
{
    (void)state;
    accept("FR",
           "Datetime (UTC),Country,Zone Name,Zone Id,"
           "Carbon Intensity gCO\xe2\x82\x82"
           "eq/kWh (direct),Carbon Intensity gCO\xe2\x82\x82"
           "eq/kWh (LCA),Low Carbon Percentage,Renewable Percentage,"
           "Data Source,Data Estimated,Data Estimation Method\n"
           "2022-01-01 00:00:00,France,France,FR,30,50.5,95,30,x,false,\n"
           "2022-01-01 01:00:00,France,France,FR,30,52,95,30,x,true,y\n",
           2, (double[]){50.5, 52});
}

/* Electricity Maps' header as published, fields quoted where CSV wants it. */
#define MAPS_HEADER                                                            \
    "Datetime (UTC),Country,Zone Name,Zone Id,Carbon Intensity "               \
    "gCO\xe2\x82\x82"                                                          \
    "eq/kWh (direct),Carbon Intensity gCO\xe2\x82\x82"                         \
    "eq/kWh (LCA),Low Carbon Percentage,Renewable Percentage,Data "            \
    "Source,Data Estimated,Data Estimation Method\n"

static const char maps[] = MAPS_HEADER
    "2022-01-01 00:00:00,\"France\",\"France, \"\"metropole\"\"\",\"FR\",30,"
    "\"50.5\",95,30,\"a, b\",false,\n"
    "2022-01-01 01:00:00,France,France,FR,31,52,95,30,x,true,\"\"\r\n";

static void accept_as(enum carbon_extent extent,
                      enum carbon_signal signal,
                      const char *zone,
                      const char *text,
                      const double values[2])
{
    const struct carbon_trace_want want = {
        .zone = zone, .method = {.extent = extent, .signal = signal}};
    struct carbon_trace trace;
    struct fl_error err = {0};
    assert_ok(
        carbon_trace_init_csv(&trace, &want, "t.csv", text, strlen(text), &err),
        &err);
    assert_int_equal(trace.n, 2);
    assert_true(trace.gco2e_per_kwh[0] == values[0]);
    assert_true(trace.gco2e_per_kwh[1] == values[1]);
    carbon_trace_fini(&trace);
}

static void test_quoted_fields_are_read(void **state)
{
    (void)state;
    accept("FR", maps, 2, (double[]){50.5, 52});
    accept("B,C",
           "\"datetime_utc\",\"B,C\"\n2022-01-01T00:00:00Z,\"1\"\n"
           "\"2022-01-01T01:00:00Z\",\"2\"",
           2, (double[]){1, 2});
    refuse("datetime_utc,\"BB\n" H0 H1,
           "t.csv:1: quotes of column 2, allowed \"...\" around a whole field");
    refuse(HEADER H0 "2022-01-01T01:00:00Z,\"2\"x,20\n",
           "t.csv:3: quotes of column 2");
    refuse(HEADER H0 "2022-01-01T01:00:00Z,2,\"20\n",
           "t.csv:3: quotes of column 3");
    refuse(HEADER H0 "2022-01-01T01:00:00Z,2,\"20\"\"\n",
           "t.csv:3: quotes of column 3");
    refuse(HEADER H0 "2022-01-01T01:00:00Z,2,\"", "quotes of column 3");
    refuse(HEADER H0 "2022-01-01T01:00:00Z,2,\"\"\n", "intensity ''");
    refuse(HEADER H0 "2022-01-01T01:00:00Z,2,2\"\"0\n", "intensity '2\"\"0'");
}

static void test_the_method_chooses_the_column(void **state)
{
    (void)state;
    static const char own[] =
        "datetime_utc,zone_id,ci_direct_g_per_kwh,ci_lca_g_per_kwh,"
        "ci_fossil_g_per_kwh,ci_marginal_g_per_kwh\n"
        "2022-01-01T00:00:00Z,FR,1,2,3,4\n2022-01-01T01:00:00Z,FR,5,6,7,8\n";
    const enum carbon_signal average = CARBON_SIGNAL_AVERAGE;
    accept_as(CARBON_DIRECT, average, "FR", maps, (double[]){30, 31});
    accept_as(CARBON_DIRECT, average, "FR", own, (double[]){1, 5});
    accept_as(CARBON_LIFE_CYCLE, average, "FR", own, (double[]){2, 6});
    accept_as(CARBON_FOSSIL_ONLY, average, "FR", own, (double[]){3, 7});
    accept_as(CARBON_LIFE_CYCLE, CARBON_SIGNAL_MARGINAL, "FR", own,
              (double[]){4, 8});
    /* a column per zone holds whatever the caller says it holds */
    accept_as(CARBON_DIRECT, CARBON_SIGNAL_MARGINAL, "BB", HEADER H0 H1,
              (double[]){10, 20});
    const struct carbon_trace_want want = {
        .zone = "FR", .method = {.signal = CARBON_SIGNAL_MARGINAL}};
    struct carbon_trace trace;
    struct fl_error err = {0};
    assert_int_equal(
        carbon_trace_init_csv(&trace, &want, "t.csv", maps, strlen(maps), &err),
        FL_E_FORMAT);
    assert_non_null(strstr(err.text, "t.csv:1: no column "
                                     "'ci_marginal_g_per_kwh'"));
    assert_non_null(strstr(err.text, "no life_cycle, marginal intensity"));
}

static void test_case_is_ignored_on_demand(void **state)
{
    (void)state;
    static const char text[] = "datetime_utc,fr,FR\n"
                               "2022-01-01T00:00:00Z,1,2\n"
                               "2022-01-01T01:00:00Z,3,4\n";
    struct carbon_trace trace;
    struct fl_error err = {0};
    struct carbon_trace_want want = {.zone = "FR", .ignores_case = true};
    assert_int_equal(carbon_trace_init_csv(&trace, &want, "t.csv", text,
                                           sizeof(text) - 1, &err),
                     FL_E_FORMAT); /* which of them? */
    assert_non_null(strstr(err.text, "column 'FR' twice (2 and 3)"));
    accept("fr", text, 2, (double[]){1, 3});
}

static void test_times_must_follow_each_other_in_equal_steps(void **state)
{
    (void)state;
    refuse(HEADER H0 H1 "2022-01-01T03:00:00Z,3,30\n",
           "t.csv:4: time 2022-01-01T03:00:00Z is 7200 s after the row "
           "before, allowed 3600 s");
    refuse(HEADER H0 H2 H1, "t.csv:4: time 2022-01-01T01:00:00Z out of order");
    refuse(HEADER H1 H0, "t.csv:3: time 2022-01-01T00:00:00Z out of order");
    refuse(HEADER H0 H0, "t.csv:3: time 2022-01-01T00:00:00Z twice");
    refuse(HEADER H0 H1 H1, "t.csv:4: time 2022-01-01T01:00:00Z twice");
    refuse(HEADER H0 H1 "2022-01-01T01:30:00Z,3,30\n", "is 1800 s after");
    refuse(HEADER H0 "2024-01-01T00:00:00Z,3,30\n", "allowed up to a year");
}

static void test_values_must_be_plausible_numbers(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",     "nan",  "NaN", "inf",    "-1",   "-0.001", "1,5", "12x",
        "0x10", " 3",   "3 ",  "5001",   "1e99", "--3",    "1e",  "\"3",
        "none", "1e-x", "+",   "12\v34", "1_0",  "٣",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char text[256];
        snprintf(text, sizeof(text), HEADER H0 "2022-01-01T01:00:00Z,2,%s\n",
                 bad[i]);
        refuse(text, "t.csv:3: ");
    }
    refuse(HEADER H0 "2022-01-01T01:00:00Z,2,-5\n",
           "t.csv:3: zone BB: intensity '-5', allowed a number in [0, 5000]");
    refuse(HEADER H0 "2022-01-01T01:00:00Z,2,"
                     "1111111111111111111111111111111111111111111111111111111"
                     "11111111111111\n",
           "111...'");
    static const char with_nul[] = HEADER H0 "2022-01-01T01:00:00Z,2,2\0"
                                             "0\n";
    refuse_bytes("BB", with_nul, sizeof(with_nul) - 1, FL_E_FORMAT,
                 "t.csv:3: zone BB: intensity '2?0'");
    accept("BB",
           HEADER "2022-01-01T00:00:00Z,,0\n2022-01-01T01:00:00Z,x,5000\n", 2,
           (double[]){0, 5000}); /* other zones' cells are not ours */
}

static void test_times_must_be_utc(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "2022-13-01T00:00:00Z",
        "2022-01-01T00:00:00",
        "2022-01-01T00:00:00+01:00",
        "2022-02-30T00:00:00Z",
        "2022-01-01T25:00:00Z",
        "",
        "0",
        "2022-01-01",
        "2022-01-01X00:00:00Z",
        "1640995200",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char text[256];
        snprintf(text, sizeof(text), HEADER "%s,1,1\n" H1, bad[i]);
        refuse(text, "t.csv:2: time '");
    }
    refuse(HEADER "2022-01-01T00:00:00Zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"
                  "zzzzzzzzzzzzzzzzzzzzzz,1,1\n",
           "t.csv:2: time '2022");
}

static void test_rows_must_have_the_headers_columns(void **state)
{
    (void)state;
    refuse(HEADER H0 "2022-01-01T01:00:00Z,2\n",
           "t.csv:3: 2 columns, allowed 3");
    refuse(HEADER H0 "2022-01-01T01:00:00Z,2,3,4\n", "4 columns, allowed 3");
    refuse(HEADER H0 H1 "\n", "t.csv:4: 1 columns");
    refuse(HEADER H0 "\n" H1, "t.csv:3: 1 columns");
    refuse(HEADER H0 H1 "2022-01-01T02:00", "t.csv:4: 1 columns"); /* cut */
}

static void test_files_that_hold_no_trace_are_refused(void **state)
{
    (void)state;
    refuse("", "t.csv:1: empty file");
    refuse("\xef\xbb\xbf", "t.csv:1: empty file");
    refuse(HEADER, "0 rows of zone BB, allowed at least 2");
    refuse(HEADER H0, "1 rows of zone BB, allowed at least 2");
    refuse("time,AA,BB\n" H0 H1, "t.csv:1: first column 'time'");
    refuse("\n\n\n", "t.csv:1: first column ''");
    refuse("\x1f\x8b\x08\x01\x02,", "t.csv:1: first column '");
    refuse("datetime_utc,BB,BB\n" H0 H1,
           "t.csv:1: column 'BB' twice (2 and 3)");
    refuse("datetime_utc,zone_id,x\n" H0 H1, "no column 'ci_lca_g_per_kwh'");
    refuse("datetime_utc,zone_id,zone_id\n" H0 H1, "column 'zone_id' twice");
    refuse_bytes("ES",
                 "datetime_utc,zone_id,ci_lca_g_per_kwh,data_estimated\n"
                 "2022-01-01T00:00:00Z,ES,1,maybe\n",
                 84, FL_E_FORMAT,
                 "t.csv:2: data_estimated 'maybe', allowed true or false");
}

static void test_a_missing_zone_names_its_neighbours(void **state)
{
    (void)state;
    static const char wide[] = "datetime_utc,SE-SE1,SE-SE3,FR\n";
    refuse_bytes("SE-SE4", wide, sizeof(wide) - 1, FL_E_CONFIG,
                 "t.csv: zone 'SE-SE4', nearest 'SE-SE");
    refuse_bytes("XXXX", wide, sizeof(wide) - 1, FL_E_CONFIG,
                 "allowed: SE-SE1, SE-SE3, FR");
    static const char narrow[] = "datetime_utc,zone_id,ci_lca_g_per_kwh\n"
                                 "2022-01-01T00:00:00Z,SE-SE1,1\n"
                                 "2022-01-01T01:00:00Z,SE-SE1,1\n"
                                 "2022-01-01T00:00:00Z,FR,1\n";
    refuse_bytes("SE-SE2", narrow, sizeof(narrow) - 1, FL_E_CONFIG,
                 "nearest 'SE-SE1', allowed: SE-SE1, FR");
}

static void test_huge_headers_are_refused(void **state)
{
    (void)state;
    static char text[6000];
    memset(text, ',', sizeof(text) - 1);
    memcpy(text, "datetime_utc", 12);
    refuse(text, "more than 4096 columns");
}

static void test_files_are_named_in_errors(void **state)
{
    (void)state;
    struct carbon_grid *grid = NULL;
    struct fl_error err = {0};
    int32_t zone = 77;
    assert_ok(carbon_grid_create(0, &grid, &err), &err);
    assert_int_equal(
        carbon_grid_add_trace(grid, "FR", "no/such/file.csv", &zone, &err),
        FL_E_IO);
    assert_non_null(strstr(err.text, "no/such/file.csv"));
    assert_int_equal(carbon_grid_add_trace(grid, "FR", data_dir, &zone, &err),
                     FL_E_IO);
    char path[512];
    snprintf(path, sizeof(path), "%s/steps.csv", data_dir);
    assert_int_equal(carbon_grid_add_trace(grid, "STEPS", path, &zone, &err),
                     FL_E_CONFIG);
    assert_non_null(
        strstr(err.text, "steps.csv: zone 'STEPS', nearest 'STEP'"));
    assert_int_equal(zone, 77);
    assert_int_equal(carbon_grid_n_zones(grid), 0);
    carbon_grid_destroy(grid);
}

/* Every prefix of a good file is read or refused, never a crash. */
static void test_any_truncation_is_survived(void **state)
{
    (void)state;
    static const char text[] =
        "datetime_utc,zone_id,ci_lca_g_per_kwh,data_estimated\n"
        "2022-01-01T00:00:00Z,ES,1,false\n"
        "2022-01-01T01:00:00Z,ES,1.5,true\n";
    for (size_t n = 0; n < sizeof(text); n++) {
        struct carbon_trace trace;
        struct fl_error err = {0};
        const struct carbon_trace_want want = {.zone = "ES"};
        enum fl_status status =
            carbon_trace_init_csv(&trace, &want, "cut", text, n, &err);
        bool is_whole = n >= sizeof(text) - 2; /* last newline may miss */
        assert_true((status == FL_OK) == (is_whole && n < sizeof(text)));
        carbon_trace_fini(&trace);
    }
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    data_dir = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_column_per_zone_is_read),
        cmocka_unit_test(test_line_ends_and_byte_order_marks_do_not_matter),
        cmocka_unit_test(test_the_long_layout_is_read_by_zone),
        cmocka_unit_test(test_electricity_maps_own_names_are_read),
        cmocka_unit_test(test_quoted_fields_are_read),
        cmocka_unit_test(test_the_method_chooses_the_column),
        cmocka_unit_test(test_case_is_ignored_on_demand),
        cmocka_unit_test(test_times_must_follow_each_other_in_equal_steps),
        cmocka_unit_test(test_values_must_be_plausible_numbers),
        cmocka_unit_test(test_times_must_be_utc),
        cmocka_unit_test(test_rows_must_have_the_headers_columns),
        cmocka_unit_test(test_files_that_hold_no_trace_are_refused),
        cmocka_unit_test(test_a_missing_zone_names_its_neighbours),
        cmocka_unit_test(test_huge_headers_are_refused),
        cmocka_unit_test(test_files_are_named_in_errors),
        cmocka_unit_test(test_any_truncation_is_survived),
    };
    return cmocka_run_group_tests_name("carbon.trace", tests, NULL, NULL);
}
