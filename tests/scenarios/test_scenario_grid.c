/* Grids of scenarios: zones by any of their names, typical days, and what the
 * figures of a trace count. */
#include "scenario_fixture.h"

#include "base/alloc.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static double mean_at(const struct scn_scenario *s, int32_t zone, double t_s)
{
    double gco2e_per_kwh = -1;
    enum carbon_evidence evidence;
    struct fl_error err = {0};
    assert_ok(carbon_grid_mean(s->grid, zone, t_s, t_s, &gco2e_per_kwh,
                               &evidence, &err),
              &err);
    return gco2e_per_kwh;
}

static void assert_is_same_again(const struct scn_scenario *s, double at_s)
{
    char *text = scn_emit_text(s);
    struct scn_scenario *again = NULL;
    struct fl_error err = {0};
    assert_ok(
        scn_scenario_parse("again", text, strlen(text), stderr, &again, &err),
        &err);
    assert_string_equal(again->sha256, s->sha256);
    assert_ok(scn_scenario_open_grid(again, &err), &err);
    assert_int_equal(carbon_grid_n_zones(again->grid),
                     carbon_grid_n_zones(s->grid));
    for (int32_t i = 0; i < (int32_t)carbon_grid_n_zones(s->grid); i++) {
        assert_string_equal(carbon_grid_zone_name(again->grid, i),
                            carbon_grid_zone_name(s->grid, i));
        assert_true(mean_at(again, i, at_s) == mean_at(s, i, at_s));
    }
    scn_scenario_destroy(again);
    fl_free(text);
}

static void test_a_zone_goes_by_any_of_its_names(void **state)
{
    (void)state;
    static const char *const sets[] = {"fleet.0.zone=france",
                                       "fleet.1.zone=DEU", "server.zone=de"};
    struct scn_scenario *s = scn_load_good(scn_good, sets, 3);
    assert_string_equal(s->fleet[0].zone_name, "FR");
    assert_string_equal(s->fleet[1].zone_name, "DE");
    assert_string_equal(s->server.zone_name, "DE");
    assert_int_equal(s->server.zone, s->fleet[1].zone);
    assert_string_equal(carbon_grid_zone_name(s->grid, s->fleet[1].zone), "DE");
    assert_near(mean_at(s, s->fleet[1].zone, 0), 380.95, 0, 0); /* the row's */
    assert_is_same_again(s, 0);
    scn_scenario_destroy(s);
}

static void test_own_figures_go_by_any_name_too(void **state)
{
    (void)state;
    static const char *const sets[] = {"carbon.grid.zones={France: 57}",
                                       "fleet.1.zone=FRA"};
    struct scn_scenario *s = scn_load_good(scn_good, sets, 2);
    assert_int_equal(s->fleet[0].zone, s->fleet[1].zone);
    assert_near(mean_at(s, s->fleet[0].zone, 0), 57, 0, 0); /* as given */
    assert_is_same_again(s, 0);
    scn_scenario_destroy(s);
    assert_set_problem("carbon.grid.zones={France: 57, FR: 58}",
                       "carbon.grid.zones.FR: the same zone as France");
    static const char *const mine[] = {"carbon.grid.zones={my-roof: 40}",
                                       "fleet.1.zone=my-roof"};
    s = scn_load_good(scn_good, mine, 2);
    assert_string_equal(s->fleet[1].zone_name, "my-roof");
    scn_scenario_destroy(s);
}

static void test_a_cloud_region_is_a_zone(void **state)
{
    (void)state;
    static const char *const sets[] = {"server.zone=aws:eu-central-1"};
    struct scn_scenario *s = scn_load_good(scn_good, sets, 1);
    assert_string_equal(s->server.zone_name, "aws:eu-central-1");
    assert_near(mean_at(s, s->server.zone, 0), 338, 0, 0); /* the row's */
    assert_is_same_again(s, 0);
    scn_scenario_destroy(s);
}

static void test_typical_days_scale_the_annual_mean(void **state)
{
    (void)state;
    static const char days[] =
        "carbon={preset: full, grid: {kind: typical, zones: {FR: 100}}, "
        "start: 2031-07-31T23:00Z}";
    static const char *const sets[] = {days, "server.zone=gcp:europe-west3",
                                       "fleet.1.zone=US-CAL-CISO",
                                       "centralized.zone=Spain"};
    struct scn_scenario *s = scn_load_good(scn_good, sets, 4);
    const struct carbon_typical *fr = NULL, *de = NULL, *us = NULL;
    struct fl_error err = {0};
    assert_ok(carbon_typical_find("FR", &fr, &err), &err);
    assert_ok(carbon_typical_find("DE", &de, &err), &err);
    assert_ok(carbon_typical_find("CAISO", &us, &err), &err);
    /* one product of a ratio of small whole numbers */
    const double rtol = 4e-16;
    assert_near(mean_at(s, s->fleet[0].zone, 0), 100 * fr->factor[6][23] / 1e4,
                rtol, 0);
    assert_near(mean_at(s, s->fleet[0].zone, 3600),
                100 * fr->factor[7][0] / 1e4, rtol, 0);
    assert_near(mean_at(s, s->fleet[1].zone, 86400),
                264.2 * us->factor[7][23] / 1e4, rtol, 0);
    /* a cloud region: its own annual figure, the days of where it stands */
    assert_near(mean_at(s, s->server.zone, 3600), 345 * de->factor[7][0] / 1e4,
                rtol, 0);
    struct carbon_fact fact;
    assert_ok(carbon_grid_fact(s->grid, s->datacentre.zone, &fact, &err), &err);
    assert_string_equal(carbon_grid_zone_name(s->grid, s->datacentre.zone),
                        "ES");
    assert_near(fact.value, 174.05, 0, 0); /* the row's */
    assert_non_null(strstr(fact.source, "Our World in Data"));
    assert_non_null(strstr(fact.source, "; typical days: derived from "
                                        "Electricity Maps data 2022, ODbL"));
    assert_is_same_again(s, 5e8);
    scn_scenario_destroy(s);
}

static void
test_typical_days_need_a_start_and_a_zone_that_has_them(void **state)
{
    (void)state;
    assert_set_problem("carbon.grid={kind: typical}",
                       "carbon.start is missing: typical grids need the "
                       "instant");
    static const char days[] =
        "carbon={preset: full, grid: {kind: typical, zones: {my-roof: 3}}, "
        "start: 2022-06-01T00:00Z}";
    static const char *const sets[] = {days, "fleet.0.zone=my-roof",
                                       "fleet.1.zone=Kenya", "server.zone=DEE",
                                       "centralized.zone=DE"};
    struct scn_scenario *s = NULL;
    char *problems = NULL;
    assert_int_equal(scn_load_text(scn_good, sets, 5, &s, &problems),
                     FL_E_CONFIG);
    static const char *const expected[] = {
        "fleet.0.zone = my-roof, allowed a zone with typical days: AT, AU-NSW",
        "fleet.1.zone = Kenya, allowed a zone with typical days: AT",
        "server.zone = DEE, allowed a zone with typical days: AT, AU-NSW",
        "did you mean 'DE'?"};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        if (!strstr(problems, expected[i]))
            fail_msg("no '%s' in '%s'", expected[i], problems);
    assert_null(strstr(problems, "centralized"));
    fl_free(problems);
}

static void test_only_traces_have_an_extent_and_a_signal(void **state)
{
    (void)state;
    assert_set_problem("carbon.grid={kind: annual, extent: direct}",
                       "carbon.grid.extent: allowed with kind: hourly only");
    assert_set_problem("carbon.grid={kind: annual, signal: marginal}",
                       "carbon.grid.signal: allowed with kind: hourly only");
    assert_set_problem("carbon.grid.extent=directly",
                       "allowed life_cycle, direct, fossil_only; did you mean "
                       "'direct'?");
    assert_set_problem("carbon.grid.signal=mean", "allowed average, marginal");
    assert_set_problem("carbon.grid={kind: typical, trace: x.csv}",
                       "carbon.grid.trace: allowed with kind: hourly only");
}

static const char trace[] =
    "datetime_utc,zone_id,ci_direct_g_per_kwh,ci_lca_g_per_kwh,"
    "ci_marginal_g_per_kwh\n"
    "2022-06-01T00:00:00Z,FR,10,20,30\n2022-06-01T00:00:00Z,Germany,11,21,31\n"
    "2022-06-01T00:00:00Z,SE,12,22,32\n"
    "2022-06-01T01:00:00Z,FR,10,20,30\n2022-06-01T01:00:00Z,Germany,11,21,31\n"
    "2022-06-01T01:00:00Z,SE,12,22,32\n";

static void check_trace(const char *grid, double plus, const char *source)
{
    const char *const sets[] = {grid, "carbon.start=2022-06-01T00:30Z"};
    struct scn_scenario *s = scn_load_good(scn_good, sets, 2);
    assert_true(mean_at(s, s->fleet[0].zone, 60) == plus);
    assert_true(mean_at(s, s->fleet[1].zone, 60) == plus + 1);
    assert_string_equal(carbon_grid_zone_name(s->grid, s->fleet[1].zone), "DE");
    struct carbon_fact fact;
    struct fl_error err = {0};
    assert_ok(carbon_grid_fact(s->grid, s->fleet[0].zone, &fact, &err), &err);
    if (!strstr(fact.source, source))
        fail_msg("no '%s' in '%s'", source, fact.source);
    assert_int_equal(fact.year, 2022);
    assert_is_same_again(s, 60);
    scn_scenario_destroy(s);
}

static void test_a_trace_says_what_it_counts(void **state)
{
    (void)state;
    FILE *out = fopen("grid_trace.csv", "w");
    assert_non_null(out);
    assert_true(fputs(trace, out) >= 0);
    assert_int_equal(fclose(out), 0);
    check_trace("carbon.grid={kind: hourly, trace: grid_trace.csv}", 20,
                "grid_trace.csv (life_cycle, average)");
    check_trace("carbon.grid={kind: hourly, trace: grid_trace.csv, extent: "
                "direct}",
                10, "grid_trace.csv (direct, average)");
    check_trace("carbon.grid={kind: hourly, trace: grid_trace.csv, signal: "
                "marginal}",
                30, "grid_trace.csv (life_cycle, marginal)");
    static const char fossils[] = "carbon.grid={kind: hourly, trace: "
                                  "grid_trace.csv, extent: fossil_only}";
    static const char *const fossil[] = {fossils,
                                         "carbon.start=2022-06-01T00:30Z"};
    struct scn_scenario *s = NULL;
    char *problems = NULL;
    assert_int_equal(scn_load_text(scn_good, fossil, 2, &s, &problems),
                     FL_E_CONFIG);
    assert_non_null(strstr(problems, "no column 'ci_fossil_g_per_kwh'"));
    fl_free(problems);
    assert_int_equal(unlink("grid_trace.csv"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_zone_goes_by_any_of_its_names),
        cmocka_unit_test(test_own_figures_go_by_any_name_too),
        cmocka_unit_test(test_a_cloud_region_is_a_zone),
        cmocka_unit_test(test_typical_days_scale_the_annual_mean),
        cmocka_unit_test(
            test_typical_days_need_a_start_and_a_zone_that_has_them),
        cmocka_unit_test(test_only_traces_have_an_extent_and_a_signal),
        cmocka_unit_test(test_a_trace_says_what_it_counts),
    };
    return cmocka_run_group_tests_name("scenarios.grid", tests, NULL, NULL);
}
