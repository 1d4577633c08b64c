/* What published tools say about known work, each figure worked by hand beside
 * it and in docs/validation.md. */
#include "carbon/estimator.h"
#include "carbon/estimator_priv.h"

#include "base/units.h"
#include "support/assert_near.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Single products of a few doubles. */
static const double exact = 1e-14;
/* Figures that were printed to six digits. */
static const double printed = 1e-6;

static struct carbon_estimate ask(const char *name,
                                  const struct carbon_observed *o)
{
    struct fl_error err = {0};
    const struct carbon_estimator *tool = NULL;
    assert_ok(carbon_estimator_find(name, &tool, &err), &err);
    return carbon_estimator_apply(tool, o);
}

/* 100 W for 10 h in a German data centre: 1 kWh. */
static struct carbon_observed hundred_watts(void)
{
    struct carbon_observed o = carbon_observed_nothing();
    o.role = CARBON_DATACENTRE;
    o.zone = "DE";
    o.busy_s = 10 * FL_S_PER_HOUR;
    o.energy_j = 100 * o.busy_s;
    return o;
}

static void expect(const char *name,
                   const struct carbon_observed *o,
                   const char *arithmetic,
                   double expected_g,
                   double rtol)
{
    struct carbon_estimate e = ask(name, o);
    (void)printf("%-26s %-52s %.6g g, expected %.6g\n", name, arithmetic,
                 e.emitted_gco2e, expected_g);
    assert_null(e.cannot);
    assert_false(e.is_substituted);
    assert_near(e.emitted_gco2e, expected_g, rtol, 0);
}

static void test_the_same_kilowatt_hour_by_every_tool(void **state)
{
    (void)state;
    struct carbon_observed o = hundred_watts();
    /* the tool's J to kWh is 8e-7 too large */
    expect("codecarbon", &o, "1 kWh x PUE 1 x 380.95", 380.95, printed);
    expect("carbontracker", &o, "1 x 1.58 x 380.95047", 601.9017426, exact);
    expect("green_algorithms", &o, "1 x 1.56 x 338.66", 528.3096, exact);
    expect("eco2ai", &o, "1 x 1 x 332.495", 332.495, exact);
    expect("mlco2", &o, "toFixed2(1 x toFixed2(0.615)) = 0.61 kg", 610, exact);
    expect("cloud_carbon_footprint", &o, "1 x 1.135 x 338", 383.63, exact);
    expect("boavizta", &o, "1 x 422", 422, exact);
    expect("strubell2019", &o, "1 x 1.58 x 0.954 lb x 453.59237",
           1.58 * 0.954 * 453.59237, exact);
    o.role = CARBON_CLIENT;
    expect("green_algorithms", &o, "personal computer: 1 x 1 x 338.66", 338.66,
           exact);
    o.zone = NULL;
    expect("carbontracker", &o, "no geolocation: 1 x 1.58 x 481", 759.98,
           exact);
}

static void test_a_modelled_cpu_is_not_a_measured_one(void **state)
{
    (void)state;
    struct carbon_observed o = hundred_watts();
    o.energy_j = (double)NAN;
    o.tdp_w = 100;
    o.load_ratio = 0.5;
    expect("codecarbon_machine", &o, "100 (0.1 + 0.9 x 0.5^3) = 21.25 W",
           80.951875, exact);
    expect("codecarbon_process", &o, "100 x 0.5 = 50 W", 190.475, exact);
    expect("carbontracker", &o, "TDP / 2 = 50 W: 0.5 x 1.58 x 380.95047",
           300.9508713, exact);
    expect("eco2ai", &o, "TDP x load = 50 W", 332.495 / 2, exact);
    expect("green_algorithms", &o, "TDP x usage = 50 W", 528.3096 / 2, exact);
    expect("boavizta", &o, "0.75 of TDP at 50 %: 75 W", 0.75 * 422, exact);
    o.vcpus = 10;
    expect("cloud_carbon_footprint", &o,
           "10 vCPU x (0.74 + 0.5 x 2.76) W = 21.2 W", 0.212 * 1.135 * 338,
           exact);
    o.tdp_w = (double)NAN;
    expect("eco2ai", &o, "unknown CPU: 100.1 W x 0.5", 332.495 * 0.5005, exact);
}

static void test_memory_is_modelled_from_its_size(void **state)
{
    static const double sizes[][2] = {
        {2, 10},   {16, 10},  {32, 20},  {64, 20},   {65, 38},
        {128, 38}, {129, 42}, {256, 38}, {1024, 38}, {2048, 70}};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        assert_near(carbon_codecarbon_memory_w(sizes[i][0] * 1e9), sizes[i][1],
                    exact, 0);
    struct carbon_observed o = hundred_watts();
    o.memory_bytes = 64e9;
    expect("green_algorithms", &o, "(100 + 64 x 0.3725) W: 1.2384 kWh x 1.56",
           654.25861, printed);
    expect("codecarbon", &o, "(100 + 20) W", 1.2 * 380.95, printed);
    expect("boavizta", &o, "(100 + 64 x 0.284) W", 1.18176 * 422, exact);
    expect("cloud_carbon_footprint", &o, "(100 + 64 x 0.392) W",
           1.25088 * 1.135 * 338, exact);
    o = hundred_watts();
    o.energy_j = 0;
    o.busy_s = FL_S_PER_HOUR;
    o.memory_bytes = 8e9;
    struct carbon_estimate e = ask("eco2ai", &o);
    assert_near(e.energy_j / FL_J_PER_KWH, 0.003, exact, 0);
    /* The worked example's memory alone: 10 W, 0.1 kWh. */
    o.memory_bytes = 16e9;
    o.busy_s = 10 * FL_S_PER_HOUR;
    expect("codecarbon", &o, "memory alone: 10 W", 38.095, exact);
}

static void test_a_joule_meter_reads_a_little_too_much(void **state)
{
    (void)state;
    struct carbon_observed o = hundred_watts();
    struct carbon_estimate e = ask("codecarbon", &o);
    assert_near(e.energy_j / FL_J_PER_KWH, 1.0000008, exact, 0);
}

static double price_of(const struct carbon_observed *o, double per_gpu_hour)
{
    return carbon_gpus_busy_s(o) / FL_S_PER_HOUR * per_gpu_hour;
}

struct strubell_row {
    const char *name;
    double power_w;
    int64_t gpus;
    double hours;
    double kwh, lb; /* as printed, to whole numbers */
    double usd_low, usd_high, low, high;
};

static void test_strubells_table_to_the_printed_rounding(void **state)
{
    /* BERT's hours are printed as 79; the text says 79.2. */
    static const struct strubell_row rows[] = {
        {"Transformer base, 8 P100", 1415.78, 8, 12, 27, 26, 0.43, 1.46, 41,
         140},
        {"Transformer big, 8 P100", 1515.43, 8, 84, 201, 192, 0.43, 1.46, 289,
         981},
        {"ELMo, 3 P100", 517.66, 3, 336, 275, 262, 0.43, 1.46, 433, 1472},
        {"BERT base, 64 V100", 12041.51, 64, 79.2, 1507, 1438, 0.74, 2.48, 3751,
         12571},
        {"NAS, 8 P100", 1515.43, 8, 274120, 656347, 626155, 0.43, 1.46, 942973,
         3201722},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct strubell_row *row = &rows[i];
        struct carbon_observed o = carbon_observed_nothing();
        o.role = CARBON_DATACENTRE;
        o.zone = "US";
        o.busy_s = row->hours * FL_S_PER_HOUR;
        o.energy_j = row->power_w * o.busy_s;
        o.gpus = row->gpus;
        struct carbon_estimate e = ask("strubell2019", &o);
        double kwh = e.energy_j / FL_J_PER_KWH;
        double lb = e.emitted_gco2e / CARBON_G_PER_LB;
        (void)printf("%-26s %.4f kWh (%g), %.4f lb (%g), $%.2f-%.2f\n",
                     row->name, kwh, row->kwh, lb, row->lb,
                     price_of(&o, row->usd_low), price_of(&o, row->usd_high));
        assert_near(round(kwh), row->kwh, 0, 0);
        assert_near(round(lb), row->lb, 0, 0);
        assert_near(round(price_of(&o, row->usd_low)), row->low, 0, 0);
        assert_near(round(price_of(&o, row->usd_high)), row->high, 0, 0);
    }
}

/* TPU rows have prices and no power. The hours of the second are printed as
 * 32,623; the prices are those of 979 M / 300 k x 10 = 32,633 h. */
static void test_strubells_prices_without_power(void **state)
{
    static const double rows[][4] = {
        /* chips, hours, low and high as printed */
        {16, 96, 2074, 6912},
        {32, 168, 12902, 43008},
        {1, 32633, 44055, 146848},
    };
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        bool is_v3 = i == 1;
        struct carbon_observed o = carbon_observed_nothing();
        o.gpus = (int64_t)rows[i][0];
        o.busy_s = rows[i][1] * FL_S_PER_HOUR;
        /* whole dollars were printed */
        assert_near(price_of(&o, is_v3 ? 2.4 : 1.35), rows[i][2], 0, 0.5);
        assert_near(price_of(&o, is_v3 ? 8 : 4.5), rows[i][3], 0, 0.5);
        assert_non_null(ask("strubell2019", &o).cannot);
    }
}

static void test_eco2ai_prints_what_its_paper_prints(void **state)
{
    (void)state;
    struct carbon_observed o = carbon_observed_nothing();
    o.zone = "RU-MOS";
    o.busy_s = 4 * FL_S_PER_HOUR + 19 * 60;
    o.energy_j = 1.37 * FL_J_PER_KWH;
    expect("eco2ai", &o, "Malevich: 1.37 x 240.56", 329.5672, exact);
    o.energy_j = 24.50 * FL_J_PER_KWH;
    expect("eco2ai", &o, "Kandinsky: 24.50 x 240.56", 5893.72, exact);
    o.energy_j = 1.37 * FL_J_PER_KWH;
    o.zone = NULL;
    expect("eco2ai", &o, "no region: 1.37 x 436.529", 598.04473, exact);
    o.zone = "RU-XYZ";
    expect("eco2ai", &o, "a region of a known country: x 347.451", 476.00787,
           exact);
}

static void test_carbontracker_predicts_from_epochs(void **state)
{
    const double epochs[] = {10, 20, 30, 40, 50};
    const double kwh = 2.800010;
    (void)state;
    assert_near(carbon_epochs_total(epochs, 5, 10), 300, 0, 0);
    assert_near(carbon_epochs_total(&kwh, 1, 5), 14.00005, exact, 0);
}

static void test_hendersons_statement(void **state)
{
    (void)state;
    struct carbon_observed o = hundred_watts();
    o.zone = "US-CAL-CISO";
    expect("experiment_impact_tracker", &o, "1 x 1.58 x 250.73", 396.1534,
           exact);
    double own = ask("experiment_impact_tracker", &o).energy_j;
    o.pue = 1.11;
    double told = ask("experiment_impact_tracker", &o).energy_j;
    /* The tool's own test of OVERRIDE_PUE, to its five digits. */
    assert_near(told / own, 0.70253, 0, 5e-6);
    assert_near(888.0 / (235 * 5), 0.7557, 0, 5e-5);
    /* The statement's 24.344 kWh and 8.021 kg: at its intensity per kWh, PUE
     * included, the energy gives back the emissions. */
    o = hundred_watts();
    o.zone = "XX";
    o.zone_gco2e_per_kwh = 329.49;
    o.pue = 1;
    o.energy_j = 24.344 * FL_J_PER_KWH;
    struct carbon_estimate e = ask("experiment_impact_tracker", &o);
    assert_true(e.is_substituted);
    assert_near(e.emitted_gco2e / FL_G_PER_KG, 8.021, 0, 5e-4);
}

static void test_traffic_between_data_centres_is_in_the_bill(void **state)
{
    (void)state;
    struct carbon_observed o = hundred_watts();
    o.energy_j = 0;
    o.zone = "XX";
    o.zone_gco2e_per_kwh = 481.454;
    o.between_datacentres_bytes = 1e9;
    struct carbon_estimate e = ask("cloud_carbon_footprint", &o);
    assert_true(e.is_substituted);
    assert_near(e.emitted_gco2e, 0.001 * 1.135 * 481.454, exact, 0);
}

static void test_what_a_tool_cannot_say_it_does_not(void **state)
{
    (void)state;
    struct carbon_observed o = hundred_watts();
    assert_non_null(ask("codecarbon_machine", &o).cannot);
    assert_non_null(ask("codecarbon_process", &o).cannot);
    o.role = CARBON_CLIENT;
    assert_non_null(ask("cloud_carbon_footprint", &o).cannot);
    o.zone = "XX"; /* nobody's figure, nor ours */
    assert_non_null(ask("codecarbon", &o).cannot);
    o = hundred_watts();
    o.energy_j = (double)NAN;
    assert_non_null(ask("codecarbon", &o).cannot);
    assert_non_null(ask("mlco2", &o).cannot);
    o = hundred_watts();
    o.zone = NULL; /* the form wants a region */
    assert_non_null(ask("mlco2", &o).cannot);
}

/* Half hundredths that binary has exactly, and some that it has not. */
static void test_rounding_is_javascripts(void **state)
{
    static const double rows[][2] = {
        {0.125, 0.13}, {0.375, 0.38}, {1.005, 1.0}, {0.615, 0.61},
        {0.004, 0},    {8.345, 8.35}, {1e6, 1e6},   {0.625, 0.63}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct carbon_observed o = hundred_watts();
        o.zone = "XX";
        o.zone_gco2e_per_kwh = 1000;
        o.energy_j = rows[i][0] * FL_J_PER_KWH;
        struct carbon_estimate e = ask("mlco2", &o);
        assert_near(e.energy_j / FL_J_PER_KWH, rows[i][1], exact, 0);
    }
}

static void test_a_zone_is_found_by_the_zone_it_is_part_of(void **state)
{
    static const struct carbon_intensity rows[] = {
        {"US-CAL", 2, 0, ""}, {"US", 1, 0, ""}, {"USA", 9, 0, ""}, {0}};
    (void)state;
    assert_near(carbon_intensity_find(rows, "US-CAL-CISO")->gco2e_per_kwh, 2, 0,
                0);
    assert_near(carbon_intensity_find(rows, "US-CA")->gco2e_per_kwh, 1, 0, 0);
    assert_near(carbon_intensity_find(rows, "US")->gco2e_per_kwh, 1, 0, 0);
    assert_null(carbon_intensity_find(rows, "DE"));
    assert_null(carbon_intensity_find(rows, "U"));
    assert_null(carbon_intensity_find(rows, ""));
}

/* Whatever is registered. */
static void test_every_estimator_keeps_the_rules(void **state)
{
    (void)state;
    for (size_t i = 0; carbon_estimators[i]; i++) {
        const struct carbon_estimator *tool = carbon_estimators[i];
        const char *const texts[] = {
            tool->name,    tool->tool, tool->doc,     tool->source,
            tool->formula, tool->sees, tool->ignores, tool->intensity_source};
        for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++)
            assert_true(texts[t] && texts[t][0]);
        const struct carbon_intensity *row = tool->intensities;
        for (; row && row->zone; row++) {
            assert_true(row->gco2e_per_kwh > 0 && row->gco2e_per_kwh < 1500);
            assert_ptr_equal(
                carbon_intensity_find(tool->intensities, row->zone), row);
        }
        /* no work, no emissions; twice the work, about twice (forms round) */
        struct carbon_observed o = hundred_watts();
        o.zone_gco2e_per_kwh = 400;
        o.tdp_w = 100;
        o.load_ratio = 0.5;
        struct carbon_estimate one = carbon_estimator_apply(tool, &o);
        o.busy_s *= 2;
        o.energy_j *= 2;
        struct carbon_estimate two = carbon_estimator_apply(tool, &o);
        assert_null(one.cannot);
        assert_near(two.emitted_gco2e, 2 * one.emitted_gco2e, exact, 0);
        assert_true(one.pue >= 1);
        o.busy_s = 0;
        o.energy_j = 0;
        struct carbon_estimate none = carbon_estimator_apply(tool, &o);
        assert_near(none.emitted_gco2e, 0, 0, 0);
    }
    struct fl_error err = {0};
    const struct carbon_estimator *tool = NULL;
    assert_int_equal(carbon_estimator_find("codecarbom", &tool, &err),
                     FL_E_CONFIG);
    assert_non_null(strstr(err.text, "codecarbon"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_kilowatt_hour_by_every_tool),
        cmocka_unit_test(test_a_modelled_cpu_is_not_a_measured_one),
        cmocka_unit_test(test_memory_is_modelled_from_its_size),
        cmocka_unit_test(test_a_joule_meter_reads_a_little_too_much),
        cmocka_unit_test(test_strubells_table_to_the_printed_rounding),
        cmocka_unit_test(test_strubells_prices_without_power),
        cmocka_unit_test(test_eco2ai_prints_what_its_paper_prints),
        cmocka_unit_test(test_carbontracker_predicts_from_epochs),
        cmocka_unit_test(test_hendersons_statement),
        cmocka_unit_test(test_traffic_between_data_centres_is_in_the_bill),
        cmocka_unit_test(test_what_a_tool_cannot_say_it_does_not),
        cmocka_unit_test(test_rounding_is_javascripts),
        cmocka_unit_test(test_a_zone_is_found_by_the_zone_it_is_part_of),
        cmocka_unit_test(test_every_estimator_keeps_the_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
