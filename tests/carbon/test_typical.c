/* Typical days: closed forms by hand, against the plainest sum over hours, and
 * the laws of pricing on grids of any kind. */
#include "carbon_fixture.h"

#include "base/alloc.h"
#include "base/parse.h"
#include "base/rng.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Month m (from 0) and hour h: 1000 (m + 1) + 10 h of 10,000. */
static const struct carbon_typical *stairs(void)
{
    static struct carbon_typical made = {.zone = "STAIRS"};
    for (int m = 0; m < 12; m++)
        for (int h = 0; h < 24; h++)
            made.factor[m][h] = (uint16_t)(1000 * (m + 1) + 10 * h);
    return &made;
}

static int64_t utc(const char *text)
{
    int64_t epoch_s;
    struct fl_error err = {0};
    assert_ok(fl_parse_utc(text, &epoch_s, &err), &err);
    return epoch_s;
}

static struct carbon_grid *stairs_from(int64_t epoch_s)
{
    struct carbon_grid *grid = NULL;
    struct fl_error err = {0};
    int32_t zone = -1;
    struct carbon_fact annual = fact_of(1000);
    assert_ok(carbon_grid_create(epoch_s, &grid, &err), &err);
    assert_ok(
        carbon_grid_add_typical(grid, "STAIRS", stairs(), &annual, &zone, &err),
        &err);
    assert_int_equal(zone, 0);
    return grid;
}

static double
mean_of(const struct carbon_grid *grid, int32_t zone, double t0_s, double t1_s)
{
    double mean = -1;
    enum carbon_evidence evidence = CARBON_ASSUMED;
    struct fl_error err = {0};
    assert_ok(carbon_grid_mean(grid, zone, t0_s, t1_s, &mean, &evidence, &err),
              &err);
    assert_int_equal(evidence, CARBON_DERIVED);
    return mean;
}

static void test_days_and_months_by_hand(void **state)
{
    (void)state;
    struct carbon_grid *grid = stairs_from(utc("2023-01-31T22:30Z"));
    const double hour = 3600, day = 86400;
    /* sums of whole numbers and one division */
    const double rtol = 4e-16;
    print_message("month m, hour h: 100 (m + 1) + h g/kWh, from January 31st "
                  "2023, 22:30\n");
    pencil("at the start", "100 + 22", mean_of(grid, 0, 0, 0), 122.0, rtol);
    pencil("half an hour", "122", mean_of(grid, 0, 0, 1800), 122.0, rtol);
    pencil("one hour", "(122 + 123) / 2", mean_of(grid, 0, 0, hour), 122.5,
           rtol);
    pencil("two hours, into February", "(0.5 122 + 123 + 0.5 200) / 2",
           mean_of(grid, 0, 0, 2 * hour), 142.0, rtol);
    double midnight = 1.5 * hour;
    pencil("February 1st", "200 + 11.5",
           mean_of(grid, 0, midnight, midnight + day), 211.5, rtol);
    pencil("February", "200 + 11.5",
           mean_of(grid, 0, midnight, midnight + 28 * day), 211.5, rtol);
    pencil("March 1st, first hour", "300",
           mean_of(grid, 0, midnight + 28 * day, midnight + 28 * day + hour),
           300.0, rtol);
    double year = 0;
    static const int days[12] = {31, 28, 31, 30, 31, 30,
                                 31, 31, 30, 31, 30, 31};
    for (int m = 0; m < 12; m++)
        year += days[m] * (100.0 * (m + 1) + 11.5);
    pencil("a year from February on", "sum over months / 365",
           mean_of(grid, 0, midnight, midnight + 365 * day), year / 365, rtol);
    carbon_grid_destroy(grid);
}

static void test_a_leap_day_is_a_day_of_february(void **state)
{
    (void)state;
    static const struct {
        const char *start;
        double third_day; /* after February 27th */
    } cases[] = {{"2024-02-27T00:00Z", 211.5},
                 {"2023-02-27T00:00Z", 311.5},
                 {"2000-02-27T00:00Z", 211.5},
                 {"2100-02-27T00:00Z", 311.5}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct carbon_grid *grid = stairs_from(utc(cases[i].start));
        const double day = 86400;
        assert_near(mean_of(grid, 0, 0, 2 * day), 211.5, 4e-16, 0);
        assert_near(mean_of(grid, 0, 2 * day, 3 * day), cases[i].third_day,
                    4e-16 /* one division */, 0);
        carbon_grid_destroy(grid);
    }
}

static void test_years_repeat(void **state)
{
    (void)state;
    struct carbon_grid *grid = stairs_from(utc("2001-01-01T00:00Z"));
    const double four = (4 * 365 + 1) * 86400.0;
    for (int k = 1; k < 24; k++) { /* up to 2097: no century in between */
        assert_true(mean_of(grid, 0, 1e7, 2e7) ==
                    mean_of(grid, 0, 1e7 + k * four, 2e7 + k * four));
    }
    /* 400 years are the same again, and an hour of them is exact */
    const double era = 146097 * 86400.0;
    assert_true(mean_of(grid, 0, 5e7, 5e7 + 3600) ==
                mean_of(grid, 0, 5e7 + era, 5e7 + era + 3600));
    carbon_grid_destroy(grid);
}

/* Every hour's factor by the C library's calendar. */
static void test_means_agree_with_a_naive_sum_over_hours(void **state)
{
    (void)state;
    struct fl_rng rng = fl_rng_stream(3, FL_RNG_TEST, 0, 0);
    for (int k = 0; k < 200; k++) {
        int64_t epoch_s = (int64_t)fl_rng_below(&rng, 6000000000u);
        struct carbon_grid *grid = stairs_from(epoch_s);
        double t0_s = (fl_rng_uniform(&rng) - 0.5) * 1e8;
        double long_s = k % 3 ? 2e5 : 4e7;
        double t1_s = t0_s + fl_rng_uniform(&rng) * long_s;
        if (k % 5 == 0) /* on edges of hours */
            t0_s = floor(t0_s / 3600) * 3600 - (double)(epoch_s % 3600);
        long double sum = 0;
        double at = t0_s;
        while (at < t1_s) {
            double next =
                (floor((at + (double)(epoch_s % 3600)) / 3600) + 1) * 3600 -
                (double)(epoch_s % 3600);
            double to = fmin(next, t1_s);
            time_t instant = (time_t)(epoch_s + (int64_t)floor((at + to) / 2));
            struct tm parts;
            assert_non_null(gmtime_r(&instant, &parts));
            sum += (long double)(to - at) *
                   stairs()->factor[parts.tm_mon][parts.tm_hour];
            at = to;
        }
        double expected = (double)(sum / (long double)(t1_s - t0_s) / 10);
        /* three products, a division, and head and tail round */
        assert_near(mean_of(grid, 0, t0_s, t1_s), expected, 4e-15, 0);
        carbon_grid_destroy(grid);
    }
}

static void test_years_without_a_calendar_are_refused(void **state)
{
    (void)state;
    struct carbon_grid *grid = stairs_from(0);
    double mean = 42;
    enum carbon_evidence evidence;
    struct fl_error err = {0};
    static const double bad[][2] = {
        {-6.3e10, 0}, {0, 2.6e11}, {-1e300, 1e300}, {1e17, 1e17}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(carbon_grid_mean(grid, 0, bad[i][0], bad[i][1], &mean,
                                          &evidence, &err),
                         FL_E_RANGE);
        assert_non_null(strstr(err.text, "allowed the years 1 to 9999"));
    }
    assert_true(mean == 42);
    /* from one end to the other */
    assert_true(mean_of(grid, 0, -62135596800.0, 253402300799.0) > 0);
    carbon_grid_destroy(grid);
}

static void test_typical_zones_keep_their_data(void **state)
{
    (void)state;
    struct carbon_grid *grid = stairs_from(0);
    struct carbon_fact annual = fact_of(1000);
    struct fl_error err = {0};
    int32_t zone = 77;
    assert_ok(
        carbon_grid_add_typical(grid, "STAIRS", stairs(), &annual, &zone, &err),
        &err);
    assert_int_equal(zone, 0);
    zone = 77;
    assert_int_equal(carbon_grid_add_typical(grid, "STAIRS", carbon_typicals,
                                             &annual, &zone, &err),
                     FL_E_STATE);
    assert_non_null(strstr(err.text, "already has the typical days of STAIRS"));
    assert_int_equal(
        carbon_grid_add_annual(grid, "STAIRS", &annual, &zone, &err),
        FL_E_STATE);
    assert_non_null(strstr(err.text, "already has typical days, found an "
                                     "annual mean"));
    annual.value = 3;
    assert_int_equal(
        carbon_grid_add_typical(grid, "STAIRS", stairs(), &annual, &zone, &err),
        FL_E_STATE);
    annual.value = -3;
    assert_int_equal(
        carbon_grid_add_typical(grid, "NEW", stairs(), &annual, &zone, &err),
        FL_E_CONFIG);
    assert_int_equal(zone, 77);
    struct carbon_fact fact;
    assert_ok(carbon_grid_fact(grid, 0, &fact, &err), &err);
    assert_true(fact.value == 1000 && fact.year == 2020);
    assert_int_equal(fact.evidence, CARBON_DERIVED); /* of a measured mean */
    assert_non_null(strstr(fact.source, "test; typical days: derived from "));
    assert_int_equal(carbon_grid_fact(grid, 1, &fact, &err), FL_E_ARG);
    for (long nth = 1; nth < 5; nth++) { /* zone, source, name, list */
        fl_alloc_fail_at(nth);
        annual.value = 5;
        enum fl_status status = carbon_grid_add_typical(grid, "NEW", stairs(),
                                                        &annual, &zone, &err);
        fl_alloc_fail_at(0);
        assert_int_equal(status, nth < 4 ? FL_E_NOMEM : FL_OK);
    }
    carbon_grid_destroy(grid);
}

/* Laws */

enum { ANNUAL, TYPICAL, HOURLY, N_KINDS, N_HOURS = 2000 };

/* One zone of each kind, with random figures, times `scale`. */
static struct carbon_grid *
random_grid(uint64_t seed, double scale, const char *const names[N_KINDS])
{
    static struct carbon_typical days;
    static char text[N_HOURS * 48];
    struct fl_rng rng = fl_rng_stream(seed, FL_RNG_TEST, 0, 0);
    struct carbon_grid *grid = NULL;
    struct fl_error err = {0};
    int32_t zone;
    struct carbon_fact annual =
        fact_of(scale * (1 + (double)fl_rng_below(&rng, 900)));
    for (int i = 0; i < 288; i++)
        days.factor[i / 24][i % 24] = (uint16_t)fl_rng_below(&rng, 30000);
    assert_ok(carbon_grid_create(utc("2022-01-10T11:17Z"), &grid, &err), &err);
    assert_ok(carbon_grid_add_annual(grid, names[ANNUAL], &annual, &zone, &err),
              &err);
    assert_ok(carbon_grid_add_typical(grid, names[TYPICAL], &days, &annual,
                                      &zone, &err),
              &err);
    size_t used = (size_t)snprintf(text, sizeof(text), "datetime_utc,%s\n",
                                   names[HOURLY]);
    for (int i = 0; i < N_HOURS; i++) {
        char time[32];
        fl_format_utc(utc("2022-01-01T00:00Z") + i * 3600, time);
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s,%.17g\n",
                                 time, scale * fl_rng_uniform(&rng) * 1000);
    }
    assert_ok(carbon_grid_add_trace_text(grid, names[HOURLY], "random", text,
                                         used, &zone, &err),
              &err);
    return grid;
}

static double
grams(const struct carbon_grid *grid, int32_t zone, double t0_s, double t1_s)
{
    double gco2e = -1;
    enum carbon_evidence evidence;
    struct fl_error err = {0};
    /* energy in proportion to time: 1 kW */
    assert_ok(carbon_grid_emissions(grid, zone, t0_s, t1_s,
                                    1000 * (t1_s - t0_s), &gco2e, &evidence,
                                    &err),
              &err);
    return gco2e;
}

static const char *const some_names[] = {"A", "B", "C"};

static void random_interval(struct fl_rng *rng, double ret[3])
{
    double span_s = (N_HOURS - 300) * 3600.0;
    ret[0] = fl_rng_uniform(rng) * span_s;
    ret[2] = ret[0] + fl_rng_uniform(rng) *
                          (fl_rng_below(rng, 2) ? span_s - ret[0] : 7200);
    ret[1] = ret[0] + fl_rng_uniform(rng) * (ret[2] - ret[0]);
    if (fl_rng_below(rng, 3) == 0) /* cut on an hour */
        ret[1] = fmin(fmax(floor(ret[1] / 3600) * 3600 - 1020, ret[0]), ret[2]);
}

static void test_an_interval_is_the_sum_of_its_parts(void **state)
{
    (void)state;
    struct fl_rng rng = fl_rng_stream(4, FL_RNG_TEST, 0, 0);
    for (uint64_t seed = 0; seed < 8; seed++) {
        struct carbon_grid *grid = random_grid(seed, 1, some_names);
        for (int k = 0; k < 500; k++) {
            double t[3];
            random_interval(&rng, t);
            int32_t zone = k % N_KINDS;
            double parts =
                grams(grid, zone, t[0], t[1]) + grams(grid, zone, t[1], t[2]);
            /* an edge at 7e6 s is off by 1e-9 s; so is a part of a second */
            assert_near(parts, grams(grid, zone, t[0], t[2]), 1e-12, 1e-9);
        }
        carbon_grid_destroy(grid);
    }
}

static void test_grams_are_linear_in_intensity(void **state)
{
    (void)state;
    struct fl_rng rng = fl_rng_stream(5, FL_RNG_TEST, 0, 0);
    for (uint64_t seed = 0; seed < 4; seed++) {
        struct carbon_grid *once = random_grid(seed, 1, some_names);
        struct carbon_grid *thrice = random_grid(seed, 3, some_names);
        for (int k = 0; k < 200; k++) {
            double t[3];
            random_interval(&rng, t);
            int32_t zone = k % N_KINDS;
            /* 3x rounds in each value of the trace */
            assert_near(grams(thrice, zone, t[0], t[2]),
                        3 * grams(once, zone, t[0], t[2]), 2e-15, 0);
        }
        carbon_grid_destroy(once);
        carbon_grid_destroy(thrice);
    }
}

static void test_names_do_not_matter(void **state)
{
    (void)state;
    static const char *const other_names[] = {"DE", "FR", "us-va"};
    struct fl_rng rng = fl_rng_stream(6, FL_RNG_TEST, 0, 0);
    struct carbon_grid *one = random_grid(9, 1, some_names);
    struct carbon_grid *other = random_grid(9, 1, other_names);
    for (int k = 0; k < 200; k++) {
        double t[3];
        random_interval(&rng, t);
        assert_true(grams(one, k % N_KINDS, t[0], t[2]) ==
                    grams(other, k % N_KINDS, t[0], t[2]));
    }
    carbon_grid_destroy(one);
    carbon_grid_destroy(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_days_and_months_by_hand),
        cmocka_unit_test(test_a_leap_day_is_a_day_of_february),
        cmocka_unit_test(test_years_repeat),
        cmocka_unit_test(test_means_agree_with_a_naive_sum_over_hours),
        cmocka_unit_test(test_years_without_a_calendar_are_refused),
        cmocka_unit_test(test_typical_zones_keep_their_data),
        cmocka_unit_test(test_an_interval_is_the_sum_of_its_parts),
        cmocka_unit_test(test_grams_are_linear_in_intensity),
        cmocka_unit_test(test_names_do_not_matter),
    };
    return cmocka_run_group_tests_name("carbon.typical", tests, NULL, NULL);
}
