/* Power sensors on fake machines: which rails count, areas under samples. */
#include "meter_fixture.h"

#include "carbon/meter_priv.h"

#include <stdio.h>
#include <string.h>

#define HWMON "sys/class/hwmon/"

static void
put(const struct fake *fake, int chip, const char *name, const char *text)
{
    char path[200];
    (void)snprintf(path, sizeof path, HWMON "hwmon%d/%s", chip, name);
    fake_put(fake, path, text);
}

static void
put_channel(const struct fake *fake, int channel, const char *label, int ma)
{
    char name[40], value[40];
    (void)snprintf(name, sizeof name, "in%d_label", channel);
    put(fake, 1, name, label);
    (void)snprintf(name, sizeof name, "in%d_input", channel);
    put(fake, 1, name, "5000\n");
    (void)snprintf(name, sizeof name, "curr%d_input", channel);
    (void)snprintf(value, sizeof value, "%d\n", ma);
    put(fake, 1, name, value);
}

/* A Jetson: 10 W in all, of which 4 W and 2 W go to two parts. */
static void put_jetson(const struct fake *fake)
{
    put(fake, 0, "name", "coretemp\n");
    put(fake, 0, "power1_input", "99000000\n");
    put(fake, 1, "name", "ina3221\n");
    put_channel(fake, 1, "VDD_IN\n", 2000);
    put_channel(fake, 2, "VDD_CPU_GPU_CV\n", 800);
    put_channel(fake, 3, "VDD_SOC\n", 400);
    put(fake, 1, "in4_input", "12\n"); /* a shunt's voltage */
    put(fake, 1, "curr4_input", "3200\n");
}

static void test_a_total_is_not_added_to_its_parts(void **state)
{
    (void)state;
    struct fake fake;
    struct carbon_meter_reading reading;
    fake_init(&fake);
    put_jetson(&fake);
    struct carbon_meter *meter = fake_open(&fake, "hwmon");
    /* whole watts and seconds: exact */
    assert_true(fake_read(meter, 110, &reading) == 100);
    assert_int_equal(reading.n_rails, 3);
    assert_true(fake_rail(&reading, "VDD_CPU_GPU_CV")->energy_j == 40);
    assert_false(fake_rail(&reading, "VDD_CPU_GPU_CV")->is_counted);
    assert_true(fake_rail(&reading, "VDD_SOC")->energy_j == 20);
    assert_string_equal(carbon_meter_detail(meter), "VDD_IN (ina3221)");
    assert_true(carbon_meter_period_wall_s(meter) == 1);
    carbon_meter_destroy(meter);
    fake_fini(&fake);
}

static void test_rails_beside_each_other_add_up(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    put_jetson(&fake);
    put(&fake, 1, "in1_label", "VDD_GPU_SOC\n");
    struct carbon_meter *meter = fake_open(&fake, "hwmon");
    assert_true(fake_read(meter, 110, NULL) == 160);
    carbon_meter_destroy(meter);
    fake_fini(&fake);
}

static void test_channels_without_anything_are_left_out(void **state)
{
    (void)state;
    struct fake fake;
    struct carbon_meter_reading reading;
    fake_init(&fake);
    put_jetson(&fake);
    put(&fake, 1, "in2_label", "NC\n");
    put(&fake, 1, "in3_enable", "0\n");
    put(&fake, 1, "in1_enable", "1\n");
    struct carbon_meter *meter = fake_open(&fake, "hwmon");
    (void)fake_read(meter, 110, &reading);
    assert_int_equal(reading.n_rails, 1);
    carbon_meter_destroy(meter);
    put(&fake, 1, "in1_enable", "perhaps\n");
    fake_refuse(&fake, "hwmon", FL_E_FORMAT, "in1_enable");
    fake_fini(&fake);
}

static void test_power_in_microwatts_is_read_with_and_without_labels(void **s)
{
    (void)s;
    struct fake fake;
    struct carbon_meter_reading reading;
    fake_init(&fake);
    put(&fake, 3, "name", "ina226\n");
    put(&fake, 3, "power1_input", "2500000\n");
    put(&fake, 3, "power2_input", "500000\n");
    put(&fake, 3, "power2_label", "fan\n");
    struct carbon_meter *meter = fake_open(&fake, "hwmon");
    assert_true(fake_read(meter, 102, &reading) == 6);
    assert_true(fake_rail(&reading, "power1")->energy_j == 5);
    assert_true(fake_rail(&reading, "fan")->energy_j == 1);
    carbon_meter_destroy(meter);
    /* a meter of the whole machine beside it is the whole */
    put(&fake, 12, "name", "power_meter\n");
    put(&fake, 12, "power1_average", "40000000\n");
    meter = fake_open(&fake, "hwmon");
    assert_true(fake_read(meter, 102, &reading) == 80);
    assert_int_equal(reading.n_rails, 3);
    assert_false(fake_rail(&reading, "fan")->is_counted);
    carbon_meter_destroy(meter);
    fake_fini(&fake);
}

static void test_totals_of_two_drivers_count_once(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    put_jetson(&fake); /* 10 W */
    put(&fake, 5, "name", "corsairpsu\n");
    put(&fake, 5, "power1_input", "15000000\n");
    put(&fake, 5, "power1_label", "power total\n");
    struct carbon_meter *meter = fake_open(&fake, "hwmon");
    assert_true(fake_read(meter, 101, NULL) == 10);
    carbon_meter_destroy(meter);
    fake_fini(&fake);
}

/* The area under a line does not depend on where it is cut. */
static double energy_of(double period_wall_s, bool is_rising)
{
    struct carbon_power_sum sum = {.at_wall_s = 0, .power_w = 7.3};
    int n = (int)(3600 / period_wall_s);
    for (int i = 1; i <= n; i++) {
        double at_wall_s = i * period_wall_s;
        double power_w = 7.3 + (is_rising ? 0.01 * at_wall_s : 0);
        carbon_power_add(&sum, at_wall_s, power_w);
    }
    return sum.sum_j;
}

static void test_the_period_of_polling_changes_nothing(void **state)
{
    (void)state;
    static const double periods[] = {3600, 60, 10, 1, 0.5, 0.125};
    for (size_t i = 0; i < sizeof periods / sizeof periods[0]; i++) {
        /* up to 28,800 additions, each wrong by half an ulp at most */
        assert_near(energy_of(periods[i], false), 7.3 * 3600, 4e-12, 0);
        assert_near(energy_of(periods[i], true),
                    7.3 * 3600 + 0.01 * 3600 * 3600 / 2, 4e-12, 0);
    }
}

static void test_power_that_changes_is_a_trapezoid(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    put_jetson(&fake);
    struct carbon_meter *meter = fake_open(&fake, "hwmon");
    put(&fake, 1, "curr1_input", "4000\n"); /* 20 W */
    assert_true(fake_read(meter, 102, NULL) == 30);
    put(&fake, 1, "curr1_input", "-20\n"); /* offset: 0 W */
    assert_true(fake_read(meter, 104, NULL) == 50);
    fake_read_fails(meter, 165, FL_E_RANGE, "without a reading");
    assert_true(fake_read(meter, 164, NULL) == 50);
    carbon_meter_destroy(meter);
    fake_fini(&fake);
}

static void test_what_cannot_be_read_is_an_error_with_its_path(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    put_jetson(&fake);
    struct carbon_meter *meter = fake_open(&fake, "hwmon");
    put(&fake, 1, "curr1_input", "-101\n");
    fake_read_fails(meter, 101, FL_E_FORMAT, "hwmon1/curr1_input");
    put(&fake, 1, "curr1_input", "2000\n");
    put(&fake, 1, "in3_input", "-5\n");
    fake_read_fails(meter, 101, FL_E_FORMAT, "hwmon1/in3_input");
    fake_remove(&fake, HWMON "hwmon1/in3_input");
    fake_read_fails(meter, 101, FL_E_IO, "hwmon1/in3_input");
    put(&fake, 1, "in3_input", "5000\n");
    assert_true(fake_read(meter, 101, NULL) == 10); /* nothing was lost */
    carbon_meter_destroy(meter);
    fake_block(&fake, HWMON "hwmon1/curr2_input");
    fake_refuse(&fake, "hwmon", FL_E_IO, "hwmon1/curr2_input");
    fake_block(&fake, HWMON "hwmon1/in2_label");
    fake_refuse(&fake, "hwmon", FL_E_IO, "hwmon1/in2_label");
    put(&fake, 2, "name", "ina219\n");
    put(&fake, 2, "power1_input", "-1\n");
    fake_remove(&fake, HWMON "hwmon1");
    fake_refuse(&fake, "hwmon", FL_E_FORMAT, "hwmon2/power1_input");
    fake_fini(&fake);
}

static void test_machines_without_such_sensors_are_refused(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    fake_refuse(&fake, "hwmon", FL_E_IO, "cannot open");
    fake_put(&fake, HWMON "README", "x");
    fake_put(&fake, HWMON "hwmon1:2", "x");
    fake_refuse(&fake, "hwmon", FL_E_IO, "(found: nothing)");
    put(&fake, 0, "name", "amdgpu\n");
    put(&fake, 0, "power1_average", "30000000\n");
    put(&fake, 1, "name", "BAT0\n");
    fake_refuse(&fake, "hwmon", FL_E_IO, "(found: amdgpu, BAT0)");
    fake_remove(&fake, HWMON "hwmon1/name");
    fake_refuse(&fake, "hwmon", FL_E_IO, "hwmon1/name");
    char name[40];
    fake_remove(&fake, HWMON "hwmon1");
    for (int chip = 1; chip <= 5; chip++) {
        put(&fake, chip, "name", "ina260\n");
        for (int channel = 1; channel <= 16; channel++) {
            (void)snprintf(name, sizeof name, "power%d_input", channel);
            put(&fake, chip, name, "1\n");
        }
    }
    fake_refuse(&fake, "hwmon", FL_E_FORMAT, "more than 64 rails");
    fake_remove(&fake, HWMON "hwmon5"); /* 64: their names are cut, not lost */
    struct carbon_meter *meter = fake_open(&fake, "hwmon");
    assert_int_equal(strlen(carbon_meter_detail(meter)), 255);
    carbon_meter_destroy(meter);
    fake_fini(&fake);
}

static void test_memory_that_runs_out_is_told(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    put_jetson(&fake);
    fake_sweep_memory(&fake, "hwmon");
    fake_fini(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_total_is_not_added_to_its_parts),
        cmocka_unit_test(test_rails_beside_each_other_add_up),
        cmocka_unit_test(test_channels_without_anything_are_left_out),
        cmocka_unit_test(
            test_power_in_microwatts_is_read_with_and_without_labels),
        cmocka_unit_test(test_totals_of_two_drivers_count_once),
        cmocka_unit_test(test_the_period_of_polling_changes_nothing),
        cmocka_unit_test(test_power_that_changes_is_a_trapezoid),
        cmocka_unit_test(test_what_cannot_be_read_is_an_error_with_its_path),
        cmocka_unit_test(test_machines_without_such_sensors_are_refused),
        cmocka_unit_test(test_memory_that_runs_out_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
