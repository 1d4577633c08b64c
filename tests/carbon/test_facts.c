/* Every figure of every table has a source, a year and a kind, and lies in
 * physical bounds; every name is unique and found. */
#include "carbon_fixture.h"

#include "carbon/mode.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static void check_fact(const char *owner,
                       const char *member,
                       const struct carbon_fact *fact,
                       double min,
                       double max)
{
    if (fact->source == NULL && fact->value == 0 && fact->year == 0 &&
        !fact->is_off)
        return; /* nobody knows: left out, and an error where it is needed */
    if (fact->source == NULL || strlen(fact->source) < 8)
        fail_msg("%s.%s: no source", owner, member);
    if (fact->is_off) { /* says why; counts as nothing */
        assert_true(fact->value == 0);
        return;
    }
    if ((unsigned)fact->evidence >= CARBON_EVIDENCE_LAST_)
        fail_msg("%s.%s: evidence %d", owner, member, (int)fact->evidence);
    if (fact->year < 1990 || fact->year > 2026)
        fail_msg("%s.%s: year %d", owner, member, fact->year);
    if (!(fact->value >= min && fact->value <= max))
        fail_msg("%s.%s = %g, allowed [%g, %g]", owner, member, fact->value,
                 min, max);
    /* an assumption says so, and a figure that says so is one */
    if (strstr(fact->source, "our assumption") &&
        fact->evidence != CARBON_ASSUMED)
        fail_msg("%s.%s: calls itself an assumption and '%s'", owner, member,
                 carbon_evidence_name(fact->evidence));
}

static void check_name(const char *name, const char *doc)
{
    assert_non_null(doc);
    assert_true(strlen(doc) >= 3);
    assert_true(strlen(name) >= 2 && strlen(name) < 32);
    for (const char *c = name; *c; c++) {
        if (!isalnum((unsigned char)*c) && *c != '_' && *c != '-' && *c != ':')
            fail_msg("name '%s' has a '%c'", name, *c);
    }
}

/* A fact of a built-in device is known, assumed or off: never missing, or a
 * preset could not price it. */
static void need_fact(const char *owner,
                      const char *member,
                      const struct carbon_fact *fact,
                      double min,
                      double max)
{
    if (!fact->source)
        fail_msg("%s.%s is missing: a figure with its source, or off with the "
                 "reason",
                 owner, member);
    check_fact(owner, member, fact, min, max);
}

static void check_life(const struct carbon_device *d)
{
    need_fact(d->name, "step_overhead_s", &d->step_overhead_s, 1e-6, 0.1);
    need_fact(d->name, "memory_w", &d->memory_w, 0, 1000);
    need_fact(d->name, "embodied_kgco2e", &d->embodied_kgco2e, 1, 20000);
    need_fact(d->name, "lifetime_years", &d->lifetime_years, 0.5, 20);
    need_fact(d->name, "use_share", &d->use_share, 0.001, 1);
    /* one without the others is no share of anything */
    assert_true(d->embodied_kgco2e.is_off ||
                (!d->lifetime_years.is_off && !d->use_share.is_off));
}

static void check_modes(const struct carbon_device *d)
{
    for (const struct carbon_mode *m = d->modes; m && m->name; m++) {
        char owner[80];
        (void)snprintf(owner, sizeof(owner), "%s in mode %s", d->name, m->name);
        check_name(m->name, m->doc);
        need_fact(owner, "train_w", &m->train_w, 0.1, 20000);
        need_fact(owner, "train_flop_per_s", &m->train_flop_per_s, 1e8, 1e16);
        assert_false(m->train_w.is_off || m->train_flop_per_s.is_off);
        struct carbon_device found;
        struct fl_error err = {0};
        assert_ok(carbon_device_in_mode(d, m->name, &found, &err), &err);
        assert_ptr_equal(found.train_w.source, m->train_w.source);
        assert_ptr_equal(found.idle_w.source, m->idle_w.source
                                                  ? m->idle_w.source
                                                  : d->idle_w.source);
        check_fact(owner, "idle_w", &found.idle_w, 0, 20000);
        if (found.idle_w.value > found.train_w.value)
            fail_msg("%s: idle %g W above training %g W", owner,
                     found.idle_w.value, found.train_w.value);
    }
}

static void test_devices_are_sourced_and_physical(void **state)
{
    (void)state;
    int n = 0;
    for (const struct carbon_device *d = carbon_devices; d->name; d++, n++) {
        print_message("  device %s: %s\n", d->name, d->doc);
        check_name(d->name, d->doc);
        check_fact(d->name, "train_w", &d->train_w, 0.1, 20000);
        check_fact(d->name, "idle_w", &d->idle_w, 0, 20000);
        check_fact(d->name, "train_flop_per_s", &d->train_flop_per_s, 1e8,
                   1e16);
        check_life(d);
        check_modes(d);
        if (d->idle_w.value > d->train_w.value)
            fail_msg("%s: idle %g W above training %g W", d->name,
                     d->idle_w.value, d->train_w.value);
        const struct carbon_device *found = NULL;
        struct fl_error err = {0};
        assert_ok(carbon_device_find(d->name, &found, &err), &err);
        assert_ptr_equal(found, d); /* no name twice */
        if (n > 0 && strcmp(d[-1].name, d->name) >= 0)
            fail_msg("%s is not sorted", d->name);
    }
    assert_true(n >= 12);
}

/* More clock, more speed and more power; the device's own figures are those of
 * one of its modes. */
static void test_modes_trade_power_for_speed(void **state)
{
    (void)state;
    int with_modes = 0;
    for (const struct carbon_device *d = carbon_devices; d->name; d++) {
        bool has_own = d->modes == NULL;
        with_modes += d->modes != NULL;
        for (const struct carbon_mode *m = d->modes; m && m->name; m++) {
            has_own |=
                fabs(m->train_w.value / d->train_w.value - 1) < 0.01 &&
                fabs(m->train_flop_per_s.value / d->train_flop_per_s.value -
                     1) < 0.01;
            for (const struct carbon_mode *o = d->modes; o->name; o++)
                assert_true(
                    (o->train_w.value > m->train_w.value) ==
                    (o->train_flop_per_s.value > m->train_flop_per_s.value));
        }
        if (!has_own)
            fail_msg("%s: its own power and speed are of no mode", d->name);
    }
    assert_true(with_modes >= 4);
}

static void test_an_unknown_mode_gets_the_nearest(void **state)
{
    (void)state;
    const struct carbon_device *nano = NULL, *laptop = NULL;
    struct carbon_device found;
    struct fl_error err = {0};
    assert_ok(carbon_device_find("jetson_nano", &nano, &err), &err);
    assert_int_equal(carbon_device_in_mode(nano, "5W", &found, &err),
                     FL_E_CONFIG);
    assert_non_null(strstr(err.text, "unknown mode '5W', nearest '5w', "
                                     "allowed: 10w, 5w"));
    assert_ok(carbon_device_find("laptop", &laptop, &err), &err);
    assert_int_equal(carbon_device_in_mode(laptop, "turbo", &found, &err),
                     FL_E_CONFIG);
    assert_non_null(strstr(err.text, "laptop has no modes"));
}

static void test_switching_power_is_c_v_squared_f(void **state)
{
    (void)state;
    pencil("1 nF, 1 GHz, 1 V", "0.5 + 1e-9 x 1e9 x 1^2",
           carbon_switching_power_w(0.5, 1e-9, 1e9, 1), 1.5, 1e-15);
    pencil("1 nF, 2 GHz, 1.2 V", "0.5 + 1e-9 x 2e9 x 1.2^2",
           carbon_switching_power_w(0.5, 1e-9, 2e9, 1.2), 3.38, 1e-15);
    pencil("no clock", "static power",
           carbon_switching_power_w(0.5, 1e-9, 0, 1), 0.5, 0);
    /* half the clock at the same voltage is half the dynamic energy rate, and
     * the same energy for a cycle */
    double fast = carbon_switching_power_w(0, 1e-9, 2e9, 1.1) / 2e9;
    double slow = carbon_switching_power_w(0, 1e-9, 1e9, 1.1) / 1e9;
    pencil("J per cycle", "C V^2", slow, fast, 1e-15);
}

static void test_links_are_sourced_and_physical(void **state)
{
    (void)state;
    int n = 0;
    for (const struct carbon_link *l = carbon_links; l->name; l++, n++) {
        check_name(l->name, l->doc);
        check_fact(l->name, "down_bps", &l->down_bps, 1e4, 1e11);
        check_fact(l->name, "up_bps", &l->up_bps, 1e4, 1e11);
        assert_true(l->down_bps.source && l->up_bps.source);
        assert_false(l->down_bps.is_off || l->up_bps.is_off);
        check_fact(l->name, "rx_w", &l->rx_w, 0, 10);
        check_fact(l->name, "tx_w", &l->tx_w, 0, 10);
        check_fact(l->name, "router_w", &l->router_w, 0, 50);
        /* 1e-2 J/byte would be 2.8 kWh/GB, beyond anything published */
        check_fact(l->name, "access_down_j_per_byte",
                   &l->access_down_j_per_byte, 0, 1e-2);
        check_fact(l->name, "access_up_j_per_byte", &l->access_up_j_per_byte, 0,
                   1e-2);
        const struct carbon_link *found = NULL;
        struct fl_error err = {0};
        assert_ok(carbon_link_find(l->name, &found, &err), &err);
        assert_ptr_equal(found, l);
    }
    assert_true(n >= 6);
}

static void test_zones_are_sourced_and_physical(void **state)
{
    (void)state;
    int n = 0;
    for (const struct carbon_zone *z = carbon_zones; z->name; z++, n++) {
        check_name(z->name, z->doc);
        check_fact(z->name, "annual_gco2e_per_kwh", &z->annual_gco2e_per_kwh, 1,
                   1500);
        assert_non_null(z->annual_gco2e_per_kwh.source);
        assert_false(z->annual_gco2e_per_kwh.is_off);
        const struct carbon_zone *found = NULL;
        struct fl_error err = {0};
        assert_ok(carbon_zone_find(z->name, &found, &err), &err);
        assert_ptr_equal(found, z);
        if (n > 0 && strcmp(z[-1].name, z->name) >= 0)
            fail_msg("%s is not sorted", z->name);
    }
    assert_true(n >= 40);
}

static void test_an_unknown_name_gets_the_nearest(void **state)
{
    (void)state;
    struct fl_error err = {0};
    const struct carbon_device *device = NULL;
    assert_int_equal(carbon_device_find("pixel_lx", &device, &err),
                     FL_E_CONFIG);
    assert_non_null(strstr(err.text, "unknown device 'pixel_lx', nearest "
                                     "'pixel_xl'"));
    assert_null(device);
    const struct carbon_link *link = NULL;
    assert_int_equal(carbon_link_find("home_wif", &link, &err), FL_E_CONFIG);
    assert_non_null(strstr(err.text, "nearest 'home_wifi', allowed: "));
    const struct carbon_zone *zone = NULL;
    assert_int_equal(carbon_zone_find("US-CAL-CSIO", &zone, &err), FL_E_CONFIG);
    assert_non_null(strstr(err.text, "nearest 'US-CAL-CISO'"));
    assert_non_null(strstr(err.text, "..."));
    const struct carbon_preset *preset = NULL;
    assert_int_equal(carbon_preset_find("qiu2032", &preset, &err), FL_E_CONFIG);
    assert_non_null(strstr(err.text, "nearest 'qiu2023'"));
    assert_int_equal(carbon_preset_find("", &preset, &err), FL_E_CONFIG);
    assert_non_null(strstr(err.text, "allowed: full, qiu2023, wu2022"));
    assert_null(preset);
}

static void test_the_countries_of_the_golden_vectors_are_there(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double gco2e_per_kwh;
    } golden[] = {{"FR", 56.039}, {"US", 369.473}, {"CN", 582.317}};
    for (int i = 0; i < 3; i++) {
        const struct carbon_zone *zone = NULL;
        struct fl_error err = {0};
        assert_ok(carbon_zone_find(golden[i].name, &zone, &err), &err);
        assert_true(zone->annual_gco2e_per_kwh.value ==
                    golden[i].gco2e_per_kwh);
        assert_int_equal(zone->annual_gco2e_per_kwh.year, 2023);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_devices_are_sourced_and_physical),
        cmocka_unit_test(test_modes_trade_power_for_speed),
        cmocka_unit_test(test_an_unknown_mode_gets_the_nearest),
        cmocka_unit_test(test_switching_power_is_c_v_squared_f),
        cmocka_unit_test(test_links_are_sourced_and_physical),
        cmocka_unit_test(test_zones_are_sourced_and_physical),
        cmocka_unit_test(test_an_unknown_name_gets_the_nearest),
        cmocka_unit_test(test_the_countries_of_the_golden_vectors_are_there),
    };
    return cmocka_run_group_tests_name("carbon.facts", tests, NULL, NULL);
}
