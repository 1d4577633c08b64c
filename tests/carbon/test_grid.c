/* Intensity over simulated time: constants and piecewise-constant traces,
 * integrated exactly, with nothing beyond their ends. argv[1]: data folder. */
#include "carbon_fixture.h"

#include "base/alloc.h"
#include "base/parse.h"
#include "base/rng.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *data_dir;

static const char *data_path(const char *name, char ret[512])
{
    assert_true(snprintf(ret, 512, "%s/%s", data_dir, name) < 512);
    return ret;
}

static int64_t utc(const char *text)
{
    int64_t epoch_s;
    struct fl_error err = {0};
    assert_ok(fl_parse_utc(text, &epoch_s, &err), &err);
    return epoch_s;
}

/* Simulated time starts at `start`; zone 0 is STEP: 100, 200, 400, 0, 300.5
 * from 2022-01-01T00:00Z, hour by hour. */
static struct carbon_grid *steps_from(const char *start)
{
    char path[512];
    struct fl_error err = {0};
    struct carbon_grid *grid = NULL;
    int32_t zone = -1;
    assert_ok(carbon_grid_create(utc(start), &grid, &err), &err);
    assert_ok(carbon_grid_add_trace(grid, "STEP", data_path("steps.csv", path),
                                    &zone, &err),
              &err);
    assert_int_equal(zone, 0);
    return grid;
}

/* Grams of 1 kWh drawn evenly = the mean intensity. */
static double grams(const struct carbon_grid *grid, double t0_s, double t1_s)
{
    double gco2e = -1;
    enum carbon_evidence evidence = CARBON_MEASURED;
    struct fl_error err = {0};
    assert_ok(carbon_grid_emissions(grid, 0, t0_s, t1_s, 3.6e6, &gco2e,
                                    &evidence, &err),
              &err);
    assert_int_equal(evidence, CARBON_DERIVED);
    return gco2e;
}

static enum fl_status
status_at(const struct carbon_grid *grid, double t0_s, double t1_s)
{
    double gco2e = 42;
    enum carbon_evidence evidence = CARBON_MEASURED;
    struct fl_error err = {0};
    enum fl_status status = carbon_grid_emissions(grid, 0, t0_s, t1_s, 3.6e6,
                                                  &gco2e, &evidence, &err);
    assert_true((status == FL_OK) == (gco2e != 42));
    assert_true((status == FL_OK) == (err.text[0] == '\0'));
    return status;
}

static void test_means_over_hours_by_hand(void **state)
{
    (void)state;
    struct carbon_grid *grid = steps_from("2022-01-01T00:00Z");
    /* small integers and halves: exact but for one division */
    const double rtol = 4e-16;
    print_message("STEP: 100, 200, 400, 0, 300.5 g/kWh hour by hour; 1 kWh\n");
    pencil("0 h .. 1 h", "100", grams(grid, 0, 3600), 100.0, rtol);
    pencil("0 h .. 2 h", "(100 + 200) / 2", grams(grid, 0, 7200), 150.0, rtol);
    pencil("0.5 h .. 1.5 h", "(50 + 100) / 1", grams(grid, 1800, 5400), 150.0,
           rtol);
    pencil("0.75 h .. 2.25 h", "(25 + 200 + 100) / 1.5",
           grams(grid, 2700, 8100), 325 / 1.5, rtol);
    pencil("3 h .. 4 h", "0", grams(grid, 10800, 14400), 0.0, rtol);
    pencil("0 h .. 5 h", "1000.5 / 5", grams(grid, 0, 18000), 200.1, rtol);
    pencil("2.5 h .. 5 h", "(200 + 0 + 300.5) / 2.5", grams(grid, 9000, 18000),
           200.2, rtol);
    carbon_grid_destroy(grid);
}

static void test_boundaries_belong_to_the_hour_they_open(void **state)
{
    (void)state;
    struct carbon_grid *grid = steps_from("2022-01-01T00:00Z");
    assert_true(grams(grid, 0, 0) == 100);
    assert_true(grams(grid, 3600, 3600) == 200);
    assert_true(grams(grid, nextafter(3600, 0), nextafter(3600, 0)) == 100);
    assert_true(grams(grid, 14400, 14400) == 300.5);
    assert_true(grams(grid, nextafter(18000, 0), nextafter(18000, 0)) == 300.5);
    /* an interval that ends on a boundary holds nothing of the next hour */
    assert_true(grams(grid, 3599, 3600) == 100);
    assert_true(grams(grid, 3600, 7200) == 200);
    carbon_grid_destroy(grid);
}

static void test_nothing_is_extrapolated(void **state)
{
    (void)state;
    struct carbon_grid *grid = steps_from("2022-01-01T00:00Z");
    assert_int_equal(status_at(grid, 0, 18000), FL_OK);
    assert_int_equal(status_at(grid, nextafter(0, -1), 1), FL_E_RANGE);
    assert_int_equal(status_at(grid, 1, nextafter(18000, 1e9)), FL_E_RANGE);
    assert_int_equal(status_at(grid, 18000, 18000), FL_E_RANGE);
    assert_int_equal(status_at(grid, -1e18, 1e18), FL_E_RANGE);
    assert_int_equal(status_at(grid, 1e300, 1e300), FL_E_RANGE);
    struct fl_error err = {0};
    double gco2e;
    enum carbon_evidence evidence;
    assert_int_equal(carbon_grid_emissions(grid, 0, 17999, 18001, 1, &gco2e,
                                           &evidence, &err),
                     FL_E_RANGE);
    assert_non_null(strstr(err.text, "steps.csv: zone STEP"));
    assert_non_null(strstr(err.text, "allowed 2022-01-01T00:00:00Z to "
                                     "2022-01-01T05:00:00Z"));
    carbon_grid_destroy(grid);
}

static void test_simulated_time_starts_where_the_grid_says(void **state)
{
    (void)state;
    struct carbon_grid *grid = steps_from("2022-01-01T02:30Z");
    assert_true(grams(grid, 0, 0) == 400);
    assert_true(grams(grid, 1800, 1800) == 0);
    assert_true(grams(grid, -9000, -9000) == 100);
    assert_int_equal(status_at(grid, -9001, -9000), FL_E_RANGE);
    assert_int_equal(status_at(grid, 0, 9000), FL_OK);
    assert_int_equal(status_at(grid, 0, 9001), FL_E_RANGE);
    carbon_grid_destroy(grid);
}

static void test_bad_questions_are_refused(void **state)
{
    (void)state;
    struct carbon_grid *grid = steps_from("2022-01-01T00:00Z");
    const double nan = (double)NAN;
    assert_int_equal(status_at(grid, nan, 1), FL_E_NUMERIC);
    assert_int_equal(status_at(grid, 0, (double)INFINITY), FL_E_NUMERIC);
    assert_int_equal(status_at(grid, 2, 1), FL_E_ARG);
    double gco2e = 42;
    enum carbon_evidence evidence;
    struct fl_error err = {0};
    assert_int_equal(
        carbon_grid_emissions(grid, 0, 0, 1, nan, &gco2e, &evidence, &err),
        FL_E_NUMERIC);
    assert_int_equal(
        carbon_grid_emissions(grid, 1, 0, 1, 1, &gco2e, &evidence, &err),
        FL_E_ARG);
    assert_int_equal(
        carbon_grid_emissions(grid, -1, 0, 1, 1, &gco2e, &evidence, &err),
        FL_E_ARG);
    assert_true(gco2e == 42);
    assert_int_equal(carbon_grid_create(INT64_MAX, &grid, &err), FL_E_ARG);
    assert_int_equal(carbon_grid_create(INT64_MIN, &grid, &err), FL_E_ARG);
    carbon_grid_destroy(grid);
    carbon_grid_destroy(NULL);
}

static void test_grams_that_overflow_are_an_error(void **state)
{
    (void)state;
    struct carbon_grid *grid = fixture_grid();
    double gco2e = 42;
    enum carbon_evidence evidence;
    struct fl_error err = {0};
    assert_int_equal(carbon_grid_emissions(grid, FIXTURE_CN, 0, 1, 1e308,
                                           &gco2e, &evidence, &err),
                     FL_OK);
    struct carbon_fact huge = fact_of(1e300);
    int32_t zone;
    assert_ok(carbon_grid_add_annual(grid, "HUGE", &huge, &zone, &err), &err);
    gco2e = 42;
    assert_int_equal(
        carbon_grid_emissions(grid, zone, 0, 1, 1e300, &gco2e, &evidence, &err),
        FL_E_NUMERIC);
    assert_true(gco2e == 42);
    carbon_grid_destroy(grid);
}

static void test_gzip_is_read_like_plain_text(void **state)
{
    (void)state;
    char path[512];
    struct fl_error err = {0};
    struct carbon_grid *plain = steps_from("2022-01-01T00:00Z"), *gz = NULL;
    int32_t zone;
    assert_ok(carbon_grid_create(utc("2022-01-01T00:00Z"), &gz, &err), &err);
    assert_ok(carbon_grid_add_trace(gz, "STEP", data_path("steps.csv.gz", path),
                                    &zone, &err),
              &err);
    assert_true(grams(plain, 10, 17000) == grams(gz, 10, 17000));
    carbon_grid_destroy(plain);
    carbon_grid_destroy(gz);
}

static void test_an_estimated_hour_is_assumed(void **state)
{
    (void)state;
    char path[512];
    struct fl_error err = {0};
    struct carbon_grid *grid = NULL;
    int32_t zone = -1;
    double mean;
    assert_ok(carbon_grid_create(utc("2022-01-01T00:00Z"), &grid, &err), &err);
    assert_ok(carbon_grid_add_trace(grid, "ES", data_path("long.csv", path),
                                    &zone, &err),
              &err);
    static const struct {
        double t0_s, t1_s, mean;
        enum carbon_evidence evidence;
    } cases[] = {{0, 3600, 100, CARBON_DERIVED},
                 {0, 3601, 360200.0 / 3601, CARBON_ASSUMED},
                 {3600, 7200, 200, CARBON_ASSUMED},
                 {7200, 10800, 300, CARBON_DERIVED},
                 {0, 10800, 200, CARBON_ASSUMED}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum carbon_evidence evidence = CARBON_MEASURED;
        assert_ok(carbon_grid_mean(grid, zone, cases[i].t0_s, cases[i].t1_s,
                                   &mean, &evidence, &err),
                  &err);
        assert_near(mean, cases[i].mean, 4e-16 /* one division */, 0);
        assert_int_equal(evidence, cases[i].evidence);
    }
    carbon_grid_destroy(grid);
}

static void test_an_estimated_hour_after_the_end_does_not_count(void **state)
{
    (void)state;
    static const char text[] =
        "datetime_utc,zone_id,ci_lca_g_per_kwh,data_estimated\n"
        "2022-01-01T00:00:00Z,ES,1,false\n"
        "2022-01-01T01:00:00Z,ES,3,false\n"
        "2022-01-01T02:00:00Z,ES,5,true\n";
    struct carbon_grid *grid = NULL;
    struct fl_error err = {0};
    int32_t zone;
    double mean;
    enum carbon_evidence evidence = CARBON_MEASURED;
    assert_ok(carbon_grid_create(utc("2022-01-01T00:00Z"), &grid, &err), &err);
    assert_ok(carbon_grid_add_trace_text(grid, "ES", "text", text,
                                         sizeof(text) - 1, &zone, &err),
              &err);
    assert_ok(carbon_grid_mean(grid, zone, 0, 7200, &mean, &evidence, &err),
              &err);
    assert_true(mean == 2);
    assert_int_equal(evidence, CARBON_DERIVED);
    carbon_grid_destroy(grid);
}

static void test_adding_a_zone_again_gives_the_same_index(void **state)
{
    (void)state;
    char path[512], other[512];
    data_path("steps.csv", path);
    data_path("steps.csv.gz", other);
    struct carbon_grid *grid = steps_from("2022-01-01T00:00Z");
    struct fl_error err = {0};
    int32_t zone = -1;
    assert_ok(carbon_grid_add_trace(grid, "STEP", path, &zone, &err), &err);
    assert_int_equal(zone, 0);
    assert_ok(carbon_grid_add_trace(grid, "FLAT", path, &zone, &err), &err);
    assert_int_equal(zone, 1);
    struct carbon_fact fact = fact_of(5);
    assert_ok(carbon_grid_add_annual(grid, "X", &fact, &zone, &err), &err);
    assert_ok(carbon_grid_add_annual(grid, "X", &fact, &zone, &err), &err);
    assert_int_equal(zone, 2);
    assert_int_equal(carbon_grid_n_zones(grid), 3);
    assert_string_equal(carbon_grid_zone_name(grid, 1), "FLAT");
    assert_string_equal(carbon_grid_zone_name(grid, 3), "unknown");
    assert_string_equal(carbon_grid_zone_name(grid, -1), "unknown");

    /* but not with other data */
    zone = 77;
    fact.value = 6;
    assert_int_equal(carbon_grid_add_annual(grid, "X", &fact, &zone, &err),
                     FL_E_STATE);
    assert_int_equal(carbon_grid_add_annual(grid, "STEP", &fact, &zone, &err),
                     FL_E_STATE);
    assert_int_equal(carbon_grid_add_trace(grid, "X", path, &zone, &err),
                     FL_E_STATE);
    assert_int_equal(carbon_grid_add_trace(grid, "STEP", other, &zone, &err),
                     FL_E_STATE);
    assert_int_equal(zone, 77);
    carbon_grid_destroy(grid);
}

static void test_an_intensity_is_a_fact_with_a_source(void **state)
{
    (void)state;
    struct carbon_grid *grid = fixture_grid();
    struct fl_error err = {0};
    int32_t zone = 77;
    struct carbon_fact fact = {.value = 100};
    assert_int_equal(carbon_grid_add_annual(grid, "X", &fact, &zone, &err),
                     FL_E_CONFIG);
    assert_non_null(strstr(err.text, "missing"));
    fact = (struct carbon_fact){.is_off = true, .source = "test"};
    assert_int_equal(carbon_grid_add_annual(grid, "X", &fact, &zone, &err),
                     FL_E_CONFIG);
    assert_non_null(strstr(err.text, "off"));
    fact = fact_of(-1);
    assert_int_equal(carbon_grid_add_annual(grid, "X", &fact, &zone, &err),
                     FL_E_CONFIG);
    fact = fact_of((double)NAN);
    assert_int_equal(carbon_grid_add_annual(grid, "X", &fact, &zone, &err),
                     FL_E_CONFIG);
    assert_int_equal(zone, 77);
    carbon_grid_destroy(grid);
}

static double first_value(const char *zone, const char *text)
{
    struct carbon_grid *grid = NULL;
    struct fl_error err = {0};
    int32_t index;
    double mean = -1;
    enum carbon_evidence evidence;
    assert_ok(carbon_grid_create(utc("2022-01-01T00:00Z"), &grid, &err), &err);
    assert_ok(carbon_grid_add_trace_text(grid, zone, "text", text, strlen(text),
                                         &index, &err),
              &err);
    assert_string_equal(carbon_grid_zone_name(grid, index), zone);
    assert_ok(carbon_grid_mean(grid, index, 0, 0, &mean, &evidence, &err),
              &err);
    carbon_grid_destroy(grid);
    return mean;
}

#define ROWS "\n2022-01-01T00:00:00Z,1,2,3\n2022-01-01T01:00:00Z,4,5,6\n"

static void test_a_file_may_use_other_names_of_a_zone(void **state)
{
    (void)state;
    assert_true(first_value("FR", "datetime_utc,DE,France,GB" ROWS) == 2);
    assert_true(first_value("FR", "datetime_utc,deu,fra,gbr" ROWS) == 2);
    assert_true(first_value("FR", "datetime_utc,DE,fr,GB" ROWS) == 2);
    /* its own name comes first */
    assert_true(first_value("FR", "datetime_utc,France,fra,FR" ROWS) == 3);
    /* names that nobody knows are themselves only */
    assert_true(first_value("roof", "datetime_utc,Roof,roof,DE" ROWS) == 2);
    struct carbon_grid *grid = NULL;
    struct fl_error err = {0};
    int32_t zone = 77;
    assert_ok(carbon_grid_create(0, &grid, &err), &err);
    static const struct {
        const char *zone, *text, *part;
        enum fl_status status;
    } bad[] = {
        {"FR", "datetime_utc,Frankreich,DE,GB" ROWS,
         "text: zone 'FR', allowed: Frankreich, DE, GB", FL_E_CONFIG},
        {"roof", "datetime_utc,Roof,DE,GB" ROWS, "zone 'roof', nearest 'Roof'",
         FL_E_CONFIG},
        {"FR", "datetime_utc,France\n2022-01-01T00:00:00Z,1\n",
         "1 rows of zone France", FL_E_FORMAT},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(
            carbon_grid_add_trace_text(grid, bad[i].zone, "text", bad[i].text,
                                       strlen(bad[i].text), &zone, &err),
            bad[i].status);
        if (!strstr(err.text, bad[i].part))
            fail_msg("no '%s' in '%s'", bad[i].part, err.text);
    }
    assert_int_equal(zone, 77);
    carbon_grid_destroy(grid);
}

static void test_a_trace_is_a_fact_that_says_what_it_counts(void **state)
{
    (void)state;
    static const char one_year[] = "datetime_utc,FR,DE,GB" ROWS;
    static const char two_years[] = "datetime_utc,FR\n2021-12-31T23:00:00Z,1\n"
                                    "2022-01-01T00:00:00Z,3\n";
    struct carbon_grid *grid = NULL;
    struct fl_error err = {0};
    int32_t zone;
    struct carbon_fact fact;
    assert_ok(carbon_grid_create(0, &grid, &err), &err);
    assert_ok(carbon_grid_add_trace_text(grid, "FR", "two", two_years,
                                         sizeof(two_years) - 1, &zone, &err),
              &err);
    assert_ok(carbon_grid_fact(grid, zone, &fact, &err), &err);
    assert_string_equal(fact.source, "two (life_cycle, average)");
    assert_int_equal(fact.year, 0); /* of no single year */
    assert_true(fact.value == 2);
    static const struct carbon_method method = {
        .extent = CARBON_DIRECT, .signal = CARBON_SIGNAL_MARGINAL};
    assert_ok(carbon_grid_set_method(grid, &method, &err), &err);
    assert_ok(carbon_grid_add_trace_text(grid, "GB", "one", one_year,
                                         sizeof(one_year) - 1, &zone, &err),
              &err);
    assert_ok(carbon_grid_fact(grid, zone, &fact, &err), &err);
    assert_string_equal(fact.source, "one (direct, marginal)");
    assert_int_equal(fact.year, 2022);
    int32_t again = -1;
    assert_ok(carbon_grid_add_trace_text(grid, "GB", "one", one_year,
                                         sizeof(one_year) - 1, &again, &err),
              &err);
    assert_int_equal(again, zone);
    assert_int_equal(carbon_grid_add_trace_text(grid, "GB", "two", one_year,
                                                sizeof(one_year) - 1, &again,
                                                &err),
                     FL_E_STATE);
    static const struct carbon_method bad[] = {{.extent = CARBON_EXTENT_LAST_},
                                               {.signal = CARBON_SIGNAL_LAST_}};
    for (int i = 0; i < 2; i++)
        assert_int_equal(carbon_grid_set_method(grid, &bad[i], &err), FL_E_ARG);
    assert_int_equal(carbon_grid_fact(grid, -1, &fact, &err), FL_E_ARG);
    carbon_grid_destroy(grid);
}

static void test_hours_far_away_are_named_by_their_seconds(void **state)
{
    (void)state;
    struct carbon_grid *grid = steps_from("2022-01-01T00:00Z");
    double mean = 42;
    enum carbon_evidence evidence;
    struct fl_error err = {0};
    assert_int_equal(
        carbon_grid_mean(grid, 0, 1e300, 1e300, &mean, &evidence, &err),
        FL_E_RANGE);
    assert_non_null(strstr(err.text, "asked from 1e+300 s to 1e+300 s"));
    assert_true(mean == 42);
    carbon_grid_destroy(grid);
}

/* Quotients that round up to the next edge, where the step is no power of 2. */
static void test_the_last_instant_before_an_edge_is_before_it(void **state)
{
    (void)state;
    struct carbon_grid *grid = steps_from("2021-06-01T00:00Z");
    double start_s =
        (double)(utc("2022-01-01T00:00Z") - utc("2021-06-01T00:00Z"));
    static const double steps[] = {100, 200, 400, 0, 300.5};
    for (int i = 0; i < 5; i++) {
        double edge = start_s + 3600 * (i + 1);
        assert_true(grams(grid, nextafter(edge, 0), nextafter(edge, 0)) ==
                    steps[i]);
        assert_true(grams(grid, nextafter(edge, 0), edge) == steps[i]);
    }
    carbon_grid_destroy(grid);
}

/* Against the plainest sum there is, on random traces and intervals. */
static void test_means_agree_with_a_naive_sum(void **state)
{
    (void)state;
    enum { N = 500, STEP = 900 };
    struct fl_rng rng = fl_rng_stream(1, FL_RNG_TEST, 0, 0);
    static char text[N * 48];
    double value[N];
    size_t used = (size_t)snprintf(text, sizeof(text), "datetime_utc,Z\n");
    for (int i = 0; i < N; i++) {
        value[i] = (double)fl_rng_below(&rng, 10000000000) / 1e7;
        long minute = i * 15L;
        used += (size_t)snprintf(text + used, sizeof(text) - used,
                                 "2022-01-%02ldT%02ld:%02ld:00Z,%.7f\n",
                                 minute / 1440 + 1, minute / 60 % 24,
                                 minute % 60, value[i]);
    }
    struct carbon_grid *grid = NULL;
    struct fl_error err = {0};
    int32_t zone;
    assert_ok(carbon_grid_create(utc("2022-01-01T00:00Z"), &grid, &err), &err);
    assert_ok(carbon_grid_add_trace_text(grid, "Z", "random", text, used, &zone,
                                         &err),
              &err);
    for (int k = 0; k < 2000; k++) {
        double a = fl_rng_uniform(&rng) * N * STEP;
        double b = k % 4 ? fl_rng_uniform(&rng) * N * STEP
                         : a + fl_rng_uniform(&rng) * 10;
        double t0 = fmin(a, b), t1 = fmin(fmax(a, b), (double)N * STEP);
        if (k % 8 == 1) /* ends on boundaries too */
            t0 = floor(t0 / STEP) * STEP, t1 = ceil(t1 / STEP) * STEP;
        long double sum = 0;
        for (int i = 0; i < N; i++) {
            double lo = fmax(t0, (double)i * STEP);
            double hi = fmin(t1, (double)(i + 1) * STEP);
            if (hi > lo)
                sum +=
                    (long double)value[i] * ((long double)hi - (long double)lo);
        }
        double expected = (double)(sum / ((long double)t1 - (long double)t0));
        /* three products and a division, and t1 - t0 itself rounds */
        assert_near(grams(grid, t0, t1), expected, 4e-15, 0);
    }
    carbon_grid_destroy(grid);
}

static void test_every_failing_allocation_is_reported(void **state)
{
    (void)state;
    char path[512];
    data_path("long.csv", path);
    enum fl_status status = FL_E_NOMEM;
    long nth = 0;
    while (status != FL_OK) {
        struct carbon_grid *grid = NULL;
        struct fl_error err = {0};
        int32_t zone = 77;
        fl_alloc_fail_at(++nth);
        status = carbon_grid_create(0, &grid, &err);
        struct carbon_fact fact = fact_of(5);
        if (status == FL_OK)
            status = carbon_grid_add_annual(grid, "X", &fact, &zone, &err);
        if (status == FL_OK)
            status = carbon_grid_add_trace(grid, "ES", path, &zone, &err);
        fl_alloc_fail_at(0);
        assert_true(status == FL_OK || status == FL_E_NOMEM);
        assert_true(status == FL_OK || zone != 1);
        carbon_grid_destroy(grid);
        assert_true(nth < 100);
    }
    assert_true(nth > 8);
    /* looking for a zone that is not there, too */
    for (nth = 1; status != FL_E_CONFIG; nth++) {
        struct carbon_grid *grid = NULL;
        struct fl_error err = {0};
        int32_t zone = 77;
        assert_ok(carbon_grid_create(0, &grid, &err), &err);
        fl_alloc_fail_at(nth);
        status = carbon_grid_add_trace(grid, "SE", path, &zone, &err);
        fl_alloc_fail_at(0);
        assert_true(status == FL_E_CONFIG || status == FL_E_NOMEM);
        carbon_grid_destroy(grid);
    }
    assert_true(nth > 3);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    data_dir = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_means_over_hours_by_hand),
        cmocka_unit_test(test_boundaries_belong_to_the_hour_they_open),
        cmocka_unit_test(test_nothing_is_extrapolated),
        cmocka_unit_test(test_simulated_time_starts_where_the_grid_says),
        cmocka_unit_test(test_bad_questions_are_refused),
        cmocka_unit_test(test_grams_that_overflow_are_an_error),
        cmocka_unit_test(test_gzip_is_read_like_plain_text),
        cmocka_unit_test(test_an_estimated_hour_is_assumed),
        cmocka_unit_test(test_an_estimated_hour_after_the_end_does_not_count),
        cmocka_unit_test(test_adding_a_zone_again_gives_the_same_index),
        cmocka_unit_test(test_an_intensity_is_a_fact_with_a_source),
        cmocka_unit_test(test_a_file_may_use_other_names_of_a_zone),
        cmocka_unit_test(test_a_trace_is_a_fact_that_says_what_it_counts),
        cmocka_unit_test(test_hours_far_away_are_named_by_their_seconds),
        cmocka_unit_test(test_the_last_instant_before_an_edge_is_before_it),
        cmocka_unit_test(test_means_agree_with_a_naive_sum),
        cmocka_unit_test(test_every_failing_allocation_is_reported),
    };
    return cmocka_run_group_tests_name("carbon.grid", tests, NULL, NULL);
}
