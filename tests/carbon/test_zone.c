/* Zones: every other name means exactly one zone, whatever its case; each
 * figure says what it counts; typical days are means of a year. */
#include "carbon_fixture.h"

#include "carbon/typical_priv.h"
#include "carbon/zone_priv.h"

#include "base/alloc.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

static const struct carbon_zone *found(const char *name)
{
    const struct carbon_zone *zone = NULL;
    struct fl_error err = {0};
    assert_ok(carbon_zone_find(name, &zone, &err), &err);
    return zone;
}

static void test_names_are_compared_without_their_case(void **state)
{
    (void)state;
    assert_true(carbon_same_name("US-CAL", "us-cal...", 6));
    assert_false(carbon_same_name("US-CAL", "us-cal...", 7));
    assert_false(carbon_same_name("US-CAL", "us-ca", 5));
    assert_false(carbon_same_name("[", "{", 1)); /* no letters */
    assert_true(carbon_same_name("", "x", 0));
}

static void test_every_alias_is_another_name_of_one_zone(void **state)
{
    (void)state;
    int n = 0;
    for (const struct carbon_zone_alias *a = carbon_zone_aliases; a->alias;
         a++, n++) {
        char upper[64] = "";
        size_t length = strlen(a->alias);
        assert_true(length >= 2 && length < sizeof(upper));
        for (size_t i = 0; i < length; i++)
            upper[i] = (char)toupper((unsigned char)a->alias[i]);
        if (strcmp(found(a->alias)->name, a->zone) != 0 ||
            strcmp(found(upper)->name, a->zone) != 0)
            fail_msg("%s is not %s", a->alias, a->zone);
        for (const struct carbon_zone_alias *b = a + 1; b->alias; b++)
            if (carbon_same_name(a->alias, b->alias, strlen(b->alias)))
                fail_msg("%s twice", a->alias);
        for (const struct carbon_zone *z = carbon_zones; z->name; z++)
            if (carbon_same_name(a->alias, z->name, strlen(z->name)))
                fail_msg("%s is a zone", a->alias);
    }
    assert_true(n > 250);
}

static void test_well_known_names_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *name, *zone;
    } names[] = {{"France", "FR"},
                 {"fra", "FR"},
                 {"uk", "GB"},
                 {"gbr", "GB"},
                 {"United Kingdom", "GB"},
                 {"germany", "DE"},
                 {"USA", "US"},
                 {"united states", "US"},
                 {"south korea", "KR"},
                 {"Czech Republic", "CZ"},
                 {"SE3", "SE-SE3"},
                 {"ercot", "US-TEX-ERCO"},
                 {"us-cal-ciso", "US-CAL-CISO"},
                 {"US-CA", "US-CA"},
                 {"AWS:EU-Central-1", "aws:eu-central-1"},
                 {"no", "NO"}};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_string_equal(found(names[i].name)->name, names[i].zone);
    /* the state is not its grid operator's zone, nor the country */
    assert_ptr_not_equal(found("US-CA"), found("CAISO"));
    assert_ptr_not_equal(found("GA"), found("US-GA"));
}

static void test_an_unknown_zone_is_told_of_other_names_too(void **state)
{
    (void)state;
    const struct carbon_zone *zone = NULL;
    struct fl_error err = {0};
    assert_int_equal(carbon_zone_find("Germny", &zone, &err), FL_E_CONFIG);
    assert_non_null(strstr(err.text, "unknown zone 'Germny', nearest "
                                     "'Germany', allowed: AE, "));
    assert_int_equal(carbon_zone_find("", &zone, &err), FL_E_CONFIG);
    assert_null(zone);
    fl_alloc_fail_at(1);
    enum fl_status status = carbon_zone_find("Germny", &zone, &err);
    fl_alloc_fail_at(0);
    assert_int_equal(status, FL_E_NOMEM);
}

/* Pencil: shares of generation in 2023 times the factors in zones.inc. */
static void test_provinces_are_life_cycle_by_hand(void **state)
{
    (void)state;
    const double on = (0.1 * 650 + 8.6 * 490 + 50.1 * 12 + 23.4 * 24 +
                       11.7 * 11 + 5.2 * 45 + 1.0 * 230) /
                      100.1;
    const double qc =
        (0.3 * 650 + 0.2 * 490 + 92.1 * 24 + 6.7 * 11 + 0.01 * 45 + 0.7 * 230) /
        100.01;
    /* half of the table's last digit */
    assert_near(found("CA-ON")->annual_gco2e_per_kwh.value, on, 0, 0.05);
    assert_near(found("CA-QC")->annual_gco2e_per_kwh.value, qc, 0, 0.05);
    /* Electricity Maps' means of 2022, another method, are 59.1 and 28.5 */
    assert_near(on, 59.1, 0.03, 0);
    assert_near(qc, 28.5, 0.05, 0);
}

static void test_every_figure_says_what_it_counts(void **state)
{
    (void)state;
    int n[CARBON_EXTENT_LAST_] = {0}, n_regions = 0;
    for (const struct carbon_zone *z = carbon_zones; z->name; z++) {
        assert_true((unsigned)z->method.extent < CARBON_EXTENT_LAST_);
        assert_int_equal(z->method.signal, CARBON_SIGNAL_AVERAGE);
        n[z->method.extent]++;
        bool says_direct =
            strstr(z->annual_gco2e_per_kwh.source, "direct") != NULL;
        if (says_direct != (z->method.extent == CARBON_DIRECT))
            fail_msg("%s: %s", z->name, z->annual_gco2e_per_kwh.source);
        bool is_region = strchr(z->name, ':') != NULL;
        n_regions += is_region;
        assert_true(is_region || z->within == NULL);
        if (z->within)
            assert_string_equal(found(z->within)->name, z->within);
    }
    assert_true(n[CARBON_LIFE_CYCLE] >= 200);
    assert_int_equal(n[CARBON_DIRECT], n_regions + 51); /* states and DC */
    assert_int_equal(n[CARBON_FOSSIL_ONLY], 0);
    assert_true(n_regions > 80);
    assert_string_equal(carbon_extent_name(CARBON_FOSSIL_ONLY), "fossil_only");
    assert_string_equal(carbon_extent_name(CARBON_EXTENT_LAST_), "unknown");
    assert_string_equal(carbon_signal_name(CARBON_SIGNAL_MARGINAL), "marginal");
    assert_string_equal(carbon_signal_name(CARBON_SIGNAL_LAST_), "unknown");
}

static void test_cloud_regions_have_their_providers_pue(void **state)
{
    (void)state;
    struct carbon_fact pue = carbon_zone_pue(found("aws:eu-central-1"));
    /* Cloud Carbon Footprint: 1 kWh x 1.135 x 0.000338 t = 383.63 g */
    pencil("1 kWh in aws:eu-central-1", "1.135 x 338",
           pue.value * found("aws:eu-central-1")->annual_gco2e_per_kwh.value,
           383.63, 1e-15);
    for (const struct carbon_zone *z = carbon_zones; z->name; z++) {
        pue = carbon_zone_pue(z);
        if (strchr(z->name, ':') == NULL) {
            assert_null(pue.source);
            continue;
        }
        assert_non_null(pue.source);
        assert_true(pue.value >= 1 && pue.value < 1.5);
        assert_true(pue.year > 2015);
    }
    const struct carbon_zone other = {.name = "cloudy:x"};
    assert_null(carbon_zone_pue(&other).source);
}

static void test_typical_days_average_to_the_year(void **state)
{
    (void)state;
    static const int days[12] = {31, 28, 31, 30, 31, 30,
                                 31, 31, 30, 31, 30, 31};
    int n = 0;
    for (const struct carbon_typical *t = carbon_typicals; t->zone; t++, n++) {
        double sum = 0;
        assert_string_equal(found(t->zone)->name, t->zone);
        for (int m = 0; m < 12; m++) {
            for (int h = 0; h < 24; h++) {
                double factor = (double)t->factor[m][h] / CARBON_TYPICAL_ONE;
                assert_true(factor > 0.05 && factor < 5);
                sum += factor * days[m];
            }
        }
        /* each factor is rounded to 1e-4, at most half of it */
        assert_near(sum / 8760, 1, 0.5 / CARBON_TYPICAL_ONE, 0);
    }
    assert_true(n >= 12);
    assert_non_null(strstr(carbon_typical_source, "Electricity Maps"));
    assert_non_null(strstr(carbon_typical_source, "ODbL 1.0"));
}

static void test_typical_days_are_found_by_any_name(void **state)
{
    (void)state;
    const struct carbon_typical *typical = NULL;
    struct fl_error err = {0};
    assert_ok(carbon_typical_find("germany", &typical, &err), &err);
    assert_string_equal(typical->zone, "DE");
    assert_ok(carbon_typical_find("azure:ukwest", &typical, &err), &err);
    assert_string_equal(typical->zone, "GB");
    typical = NULL;
    assert_int_equal(carbon_typical_find("KE", &typical, &err), FL_E_CONFIG);
    assert_non_null(strstr(err.text, "zone with typical days 'KE'"));
    assert_non_null(strstr(err.text, "allowed: AT, AU-NSW, "));
    assert_int_equal(carbon_typical_find("aws:us-east-1", &typical, &err),
                     FL_E_CONFIG); /* US-VA has none */
    assert_int_equal(carbon_typical_find("SE-SE33", &typical, &err),
                     FL_E_CONFIG);
    assert_non_null(strstr(err.text, "nearest 'SE-SE3'"));
    assert_null(typical);
    fl_alloc_fail_at(1);
    enum fl_status status = carbon_typical_find("KE", &typical, &err);
    fl_alloc_fail_at(0);
    assert_int_equal(status, FL_E_NOMEM);
}

static void test_look_ups_say_when_memory_is_out(void **state)
{
    (void)state;
    const struct carbon_device *device = NULL;
    const struct carbon_link *link = NULL;
    struct fl_error err = {0};
    fl_alloc_fail_at(1);
    enum fl_status status = carbon_device_find("phon", &device, &err);
    fl_alloc_fail_at(1);
    enum fl_status other = carbon_link_find("lt", &link, &err);
    fl_alloc_fail_at(0);
    assert_int_equal(status, FL_E_NOMEM);
    assert_int_equal(other, FL_E_NOMEM);
    assert_true(device == NULL && link == NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_compared_without_their_case),
        cmocka_unit_test(test_every_alias_is_another_name_of_one_zone),
        cmocka_unit_test(test_well_known_names_are_found),
        cmocka_unit_test(test_an_unknown_zone_is_told_of_other_names_too),
        cmocka_unit_test(test_provinces_are_life_cycle_by_hand),
        cmocka_unit_test(test_every_figure_says_what_it_counts),
        cmocka_unit_test(test_cloud_regions_have_their_providers_pue),
        cmocka_unit_test(test_typical_days_average_to_the_year),
        cmocka_unit_test(test_typical_days_are_found_by_any_name),
        cmocka_unit_test(test_look_ups_say_when_memory_is_out),
    };
    return cmocka_run_group_tests_name("carbon.zone", tests, NULL, NULL);
}
