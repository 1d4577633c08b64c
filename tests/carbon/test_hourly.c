/* Real traces against an independent reader and a naive integral.
 *
 * Needs $FEDCARBON_TEST_DATA with b_em_hourly_ci_lca_2022_123zones.csv.gz and
 * the files beside it (Electricity Maps); skipped, with the reason, without. */
#include "carbon_fixture.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/rng.h"

#include <math.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

enum { SKIPPED = 77, HOURS = 8760, MAX_BYTES = 64 * 1024 * 1024 };

static const char *data_dir;
static double naive[HOURS]; /* of the zone last read */

static const char *data_path(const char *name, char ret[512])
{
    assert_true(snprintf(ret, 512, "%s/%s", data_dir, name) < 512);
    return ret;
}

/* The simple reader: counts commas, believes everything. */
static void read_column(const char *path, const char *zone, int skip_rows)
{
    uint8_t *bytes = NULL;
    size_t n_bytes;
    struct fl_error err = {0};
    assert_ok(fl_file_read(path, MAX_BYTES, &bytes, &n_bytes, &err), &err);
    char *line = (char *)bytes, *end_of_all = line + n_bytes;
    int column = -1, n = 0, row = 0;
    while (*line && n < HOURS) {
        /* not strchr, all of whose string a sanitizer looks at each time */
        char *end = memchr(line, '\n', (size_t)(end_of_all - line));
        if (end)
            *end = '\0';
        char *cell = line;
        for (int i = 0; cell; i++) {
            char *comma = strchr(cell, ',');
            if (comma)
                *comma = '\0';
            if (row == 0 && strcmp(cell, zone) == 0)
                column = i;
            if (row > skip_rows && i == column)
                /* check: allow BANNEDFUNC: shares nothing with our reader */
                naive[n++] = strtod(cell, NULL);
            cell = comma ? comma + 1 : NULL;
        }
        row++;
        line = end ? end + 1 : line + strlen(line);
    }
    fl_free(bytes);
    assert_int_equal(n, HOURS);
}

static double naive_grams(double t0_s, double t1_s, double energy_j)
{
    long double sum = 0;
    for (int i = 0; i < HOURS; i++) {
        double lo = fmax(t0_s, i * 3600.0), hi = fmin(t1_s, (i + 1) * 3600.0);
        if (hi > lo)
            sum += (long double)naive[i] * ((long double)hi - (long double)lo);
    }
    return (double)(sum / ((long double)t1_s - (long double)t0_s) *
                    (long double)energy_j / 3.6e6L);
}

static int64_t utc(const char *text)
{
    int64_t epoch_s;
    struct fl_error err = {0};
    assert_ok(fl_parse_utc(text, &epoch_s, &err), &err);
    return epoch_s;
}

static void
compare(const struct carbon_grid *grid, int32_t zone, int n, struct fl_rng *rng)
{
    struct fl_error err = {0};
    enum carbon_evidence evidence;
    for (int k = 0; k < n; k++) {
        double t0_s = fl_rng_uniform(rng) * (HOURS * 3600.0 - 1);
        double left_s = HOURS * 3600.0 - t0_s;
        double u = fl_rng_uniform(rng);
        double t1_s = t0_s + left_s * u * u * u; /* mostly short */
        if (k % 5 == 0)
            t0_s = floor(t0_s / 3600) * 3600;
        if (k % 7 == 0)
            t1_s = ceil(t1_s / 3600) * 3600;
        double gco2e = -1, energy_j = 1e6 * fl_rng_uniform(rng) + 1;
        assert_ok(carbon_grid_emissions(grid, zone, t0_s, t1_s, energy_j,
                                        &gco2e, &evidence, &err),
                  &err);
        /* both sides: a handful of roundings; t1 - t0 of a short interval
         * late in the year is the same double on both sides */
        assert_near(gco2e, naive_grams(t0_s, t1_s, energy_j), 1e-14, 0);
    }
}

static void test_random_intervals_agree_with_a_naive_integral(void **state)
{
    (void)state;
    static const char *const zones[] = {"FR", "DE", "US-CAL-CISO", "SE-SE1",
                                        "ZA"};
    char path[512];
    data_path("b_em_hourly_ci_lca_2022_123zones.csv.gz", path);
    struct fl_rng rng = fl_rng_stream(1, FL_RNG_TEST, 0, 0);
    for (size_t z = 0; z < sizeof(zones) / sizeof(zones[0]); z++) {
        struct carbon_grid *grid = NULL;
        struct fl_error err = {0};
        int32_t zone;
        assert_ok(carbon_grid_create(utc("2022-01-01T00:00Z"), &grid, &err),
                  &err);
        double start_wall_s = fl_clock_wall_s();
        assert_ok(carbon_grid_add_trace(grid, zones[z], path, &zone, &err),
                  &err);
        print_message("  %-12s loaded in %.3f s\n", zones[z],
                      fl_clock_wall_s() - start_wall_s);
        read_column(path, zones[z], 0);
        compare(grid, zone, 400, &rng);
        double mean = -1, sum = 0;
        enum carbon_evidence evidence;
        assert_ok(carbon_grid_mean(grid, zone, 0, HOURS * 3600.0, &mean,
                                   &evidence, &err),
                  &err);
        for (int i = 0; i < HOURS; i++)
            sum += naive[i];
        /* the naive sum of 8,760 values rounds each time */
        pencil(zones[z], "mean of 8,760 hours", mean, sum / HOURS, 1e-12);
        carbon_grid_destroy(grid);
    }
}

static void test_a_day_by_hand(void **state)
{
    (void)state;
    char path[512];
    struct carbon_grid *grid = NULL;
    struct fl_error err = {0};
    int32_t zone;
    double gco2e = -1;
    enum carbon_evidence evidence;
    assert_ok(carbon_grid_create(utc("2022-01-01T00:00Z"), &grid, &err), &err);
    assert_ok(carbon_grid_add_trace(
                  grid, "DE",
                  data_path("b_em_hourly_ci_lca_2022_16zones_int.csv.gz", path),
                  &zone, &err),
              &err);
    /* the file's first two hours are 217 and 221 g/kWh */
    assert_ok(carbon_grid_emissions(grid, zone, 1800, 5400, 7.2e6, &gco2e,
                                    &evidence, &err),
              &err);
    pencil("DE, 00:30 to 01:30, 2 kWh", "1 kWh x 217 + 1 kWh x 221", gco2e,
           438.0, 1e-15);
    assert_int_equal(
        carbon_grid_emissions(grid, zone, -1, 0, 1, &gco2e, &evidence, &err),
        FL_E_RANGE);
    assert_int_equal(carbon_grid_emissions(grid, zone, HOURS * 3600.0,
                                           HOURS * 3600.0 + 1, 1, &gco2e,
                                           &evidence, &err),
                     FL_E_RANGE);
    carbon_grid_destroy(grid);
}

/* 100 W for 10 h is 1 kWh: what it costs depends on when. */
static void test_a_kilowatt_hour_in_germany_by_hand(void **state)
{
    (void)state;
    static const struct {
        const char *start, *form;
        double gco2e;
    } cases[] = {
        {"2022-01-01T00:00Z", "0.1 x (216.56 + 220.88 + ... + 268.60)",
         248.920},
        {"2022-01-01T00:30Z", "half hours at both ends", 251.4405},
        {"2022-01-02T11:00Z", "the best ten hours of the year", 177.649},
        {"2022-09-21T19:00Z", "the worst ten hours of the year", 749.466}};
    char path[512];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct carbon_grid *grid = NULL;
        struct fl_error err = {0};
        int32_t zone;
        double gco2e = -1;
        enum carbon_evidence evidence;
        assert_ok(carbon_grid_create(utc(cases[i].start), &grid, &err), &err);
        assert_ok(
            carbon_grid_add_trace(
                grid, "DE",
                data_path("b_em_hourly_ci_lca_2022_123zones.csv.gz", path),
                &zone, &err),
            &err);
        assert_ok(carbon_grid_emissions(grid, zone, 0, 36000, 100 * 36000,
                                        &gco2e, &evidence, &err),
                  &err);
        /* exact but for a dozen roundings */
        pencil(cases[i].start, cases[i].form, gco2e, cases[i].gco2e, 4e-15);
        carbon_grid_destroy(grid);
    }
}

/* The built-in days are the means of these hours. */
static void test_typical_days_are_those_of_the_hours(void **state)
{
    (void)state;
    static const char *const zones[] = {"DE", "FR", "US-CAL-CISO", "AU-NSW"};
    char path[512];
    data_path("b_em_hourly_ci_lca_2022_123zones.csv.gz", path);
    for (size_t z = 0; z < sizeof(zones) / sizeof(zones[0]); z++) {
        const struct carbon_typical *typical = NULL;
        struct fl_error err = {0};
        double sum[12][24] = {{0}}, year = 0;
        int n[12][24] = {{0}};
        assert_ok(carbon_typical_find(zones[z], &typical, &err), &err);
        read_column(path, zones[z], 0);
        for (int i = 0; i < HOURS; i++) {
            char text[32];
            int64_t month = 0;
            fl_format_utc(utc("2022-01-01T00:00Z") + i * 3600, text);
            text[7] = '\0';
            assert_ok(
                fl_parse_int(text + 5 + (text[5] == '0'), 1, 12, &month, &err),
                &err);
            sum[month - 1][i % 24] += naive[i];
            n[month - 1][i % 24]++;
            year += naive[i] / HOURS;
        }
        for (int m = 0; m < 12; m++)
            for (int h = 0; h < 24; h++)
                /* the table is rounded to whole numbers */
                assert_near(typical->factor[m][h],
                            CARBON_TYPICAL_ONE * sum[m][h] / n[m][h] / year, 0,
                            0.5 + 1e-9);
    }
}

static void test_three_years_of_the_long_layout_agree_too(void **state)
{
    (void)state;
    char path[512];
    data_path("b_em_hourly_US-CAL-CISO_2021_2023.csv.gz", path);
    struct carbon_grid *grid = NULL;
    struct fl_error err = {0};
    int32_t zone;
    assert_ok(carbon_grid_create(utc("2022-01-01T00:00Z"), &grid, &err), &err);
    assert_ok(carbon_grid_add_trace(grid, "US-CAL-CISO", path, &zone, &err),
              &err);
    read_column(path, "ci_lca_g_per_kwh", 8760); /* 2021 has 8,760 rows */
    struct fl_rng rng = fl_rng_stream(2, FL_RNG_TEST, 0, 0);
    compare(grid, zone, 400, &rng);
    carbon_grid_destroy(grid);
}

/* Our table of annual means is the mean of these hours, to its rounding. */
static void test_annual_means_of_the_table_are_those_of_the_hours(void **state)
{
    (void)state;
    char path[512];
    data_path("b_em_hourly_ci_lca_2022_123zones.csv.gz", path);
    struct carbon_grid *grid = NULL;
    struct fl_error err = {0};
    assert_ok(carbon_grid_create(utc("2022-01-01T00:00Z"), &grid, &err), &err);
    int n = 0;
    for (const struct carbon_zone *z = carbon_zones; z->name && n < 12; z++) {
        if (!strstr(z->annual_gco2e_per_kwh.source, "Electricity Maps"))
            continue;
        int32_t zone;
        double mean = -1;
        enum carbon_evidence evidence;
        assert_ok(carbon_grid_add_trace(grid, z->name, path, &zone, &err),
                  &err);
        assert_ok(carbon_grid_mean(grid, zone, 0, HOURS * 3600.0, &mean,
                                   &evidence, &err),
                  &err);
        assert_near(mean, z->annual_gco2e_per_kwh.value, 0, 0.0501);
        n++;
    }
    assert_int_equal(n, 12);
    carbon_grid_destroy(grid);
}

int main(void)
{
    data_dir = getenv("FEDCARBON_TEST_DATA");
    if (data_dir == NULL || *data_dir == '\0') {
        print_message("skipped: FEDCARBON_TEST_DATA is not set (folder with "
                      "b_em_hourly_ci_lca_2022_123zones.csv.gz)\n");
        return SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_intervals_agree_with_a_naive_integral),
        cmocka_unit_test(test_a_day_by_hand),
        cmocka_unit_test(test_a_kilowatt_hour_in_germany_by_hand),
        cmocka_unit_test(test_typical_days_are_those_of_the_hours),
        cmocka_unit_test(test_three_years_of_the_long_layout_agree_too),
        cmocka_unit_test(test_annual_means_of_the_table_are_those_of_the_hours),
    };
    return cmocka_run_group_tests_name("carbon.hourly", tests, NULL, NULL);
}
