/* RAPL on fake machines: which counters count, wraps, and everything that must
 * be an error and not a zero. */
#include "meter_fixture.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RAPL     "sys/class/powercap/"
#define RANGE_UJ 262143328850LL

static void put_zone(const struct fake *fake,
                     const char *zone,
                     const char *name,
                     long long range_uj,
                     long long energy_uj)
{
    char path[200];
    (void)snprintf(path, sizeof path, RAPL "%s/name", zone);
    fake_put(fake, path, name);
    (void)snprintf(path, sizeof path, RAPL "%s/max_energy_range_uj", zone);
    fake_put_number(fake, path, range_uj);
    (void)snprintf(path, sizeof path, RAPL "%s/energy_uj", zone);
    fake_put_number(fake, path, energy_uj);
}

static void set(const struct fake *fake, const char *zone, long long energy_uj)
{
    char path[200];
    (void)snprintf(path, sizeof path, RAPL "%s/energy_uj", zone);
    fake_put_number(fake, path, energy_uj);
}

/* Two sockets with memory, one with a part of itself, and the whole board. */
static void put_server(const struct fake *fake)
{
    put_zone(fake, "intel-rapl:0", "package-0\n", RANGE_UJ, 5000000);
    put_zone(fake, "intel-rapl:0:0", "core\n", RANGE_UJ, 1000000);
    put_zone(fake, "intel-rapl:0:1", "dram\n", 65712999613LL, 2000000);
    put_zone(fake, "intel-rapl:1", "package-1\n", RANGE_UJ, 900000000);
    put_zone(fake, "intel-rapl:1:0", "dram\n", 65712999613LL, 3000000);
    put_zone(fake, "intel-rapl:2", "psys\n", RANGE_UJ, 7000000);
    put_zone(fake, "intel-rapl-mmio:0", "package-0\n", RANGE_UJ, 5000000);
}

static void test_packages_and_memory_count_parts_and_board_do_not(void **state)
{
    (void)state;
    struct fake fake;
    struct carbon_meter_reading reading;
    fake_init(&fake);
    put_server(&fake);
    struct carbon_meter *meter = fake_open(&fake, "rapl");
    assert_true(fake_read(meter, 100, NULL) == 0);
    set(&fake, "intel-rapl:0", 5000000 + 30000000);
    set(&fake, "intel-rapl:0:0", 1000000 + 20000000);
    set(&fake, "intel-rapl:0:1", 2000000 + 4000000);
    set(&fake, "intel-rapl:1", 900000000 + 50000000);
    set(&fake, "intel-rapl:1:0", 3000000 + 6000000);
    set(&fake, "intel-rapl:2", 7000000 + 120000000);
    /* microjoules are whole numbers: these sums are exact */
    assert_true(fake_read(meter, 101, &reading) == 30 + 4 + 50 + 6);
    assert_int_equal(reading.n_rails, 6);
    assert_true(fake_rail(&reading, "package-0/dram")->is_counted);
    assert_true(fake_rail(&reading, "package-1/dram")->energy_j == 6);
    assert_true(fake_rail(&reading, "package-0/core")->energy_j == 20);
    assert_false(fake_rail(&reading, "package-0/core")->is_counted);
    assert_true(fake_rail(&reading, "psys")->energy_j == 120);
    assert_false(fake_rail(&reading, "psys")->is_counted);
    assert_non_null(strstr(carbon_meter_detail(meter), "2 packages with mem"));
    carbon_meter_destroy(meter);
    fake_fini(&fake);
}

static void test_a_counter_that_starts_again_has_wrapped_once(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    put_zone(&fake, "intel-rapl:0", "package-0\n", RANGE_UJ,
             RANGE_UJ - 10000000);
    struct carbon_meter *meter = fake_open(&fake, "rapl");
    set(&fake, "intel-rapl:0", 5000000);
    assert_true(fake_read(meter, 110, NULL) == 15);
    set(&fake, "intel-rapl:0", RANGE_UJ - 1000000);
    /* one division by 1e6 */
    assert_near(fake_read(meter, 120, NULL), 262143.328850 - 1 + 10, 1e-15, 0);
    set(&fake, "intel-rapl:0", 0);
    assert_near(fake_read(meter, 130, NULL), 262143.328850 + 10, 1e-15, 0);
    carbon_meter_destroy(meter);
    fake_fini(&fake);
}

static void test_readings_too_far_apart_are_refused(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    put_zone(&fake, "intel-rapl:0", "package-0\n", 65536000000LL, 1);
    put_zone(&fake, "intel-rapl:1", "package-1\n", RANGE_UJ, 1);
    struct carbon_meter *meter = fake_open(&fake, "rapl");
    /* at 1000 W the smaller counter needs 65.536 s */
    assert_near(carbon_meter_longest_gap_wall_s(meter), 65.536, 1e-15, 0);
    assert_true(carbon_meter_period_wall_s(meter) == 30);
    (void)fake_read(meter, 165, NULL);
    fake_read_fails(meter, 231, FL_E_RANGE, "66 s without a reading");
    fake_read_fails(meter, 164, FL_E_ARG, "read at 164 s");
    (void)fake_read(meter, 230, NULL);
    carbon_meter_destroy(meter);

    put_zone(&fake, "intel-rapl:1", "package-1\n", 20000000000LL, 1);
    meter = fake_open(&fake, "rapl");
    assert_true(carbon_meter_period_wall_s(meter) == 10);
    carbon_meter_destroy(meter);
    fake_fini(&fake);
}

static void test_two_sights_of_one_counter_count_once(void **state)
{
    (void)state;
    struct fake fake;
    struct carbon_meter_reading reading;
    fake_init(&fake);
    /* dies of a first-generation Threadripper: the socket's counter, twice */
    put_zone(&fake, "intel-rapl:0", "package-0-die-0\n", RANGE_UJ, 77000000);
    put_zone(&fake, "intel-rapl:0:0", "dram\n", RANGE_UJ, 1);
    put_zone(&fake, "intel-rapl:1", "package-0-die-1\n", RANGE_UJ, 77000400);
    put_zone(&fake, "intel-rapl:1:0", "dram\n", RANGE_UJ, 1);
    /* dies with counters of their own, and another package near them */
    put_zone(&fake, "intel-rapl:2", "package-1-die-0\n", RANGE_UJ, 77000500);
    put_zone(&fake, "intel-rapl:3", "package-1-die-1\n", RANGE_UJ, 12000000);
    /* one name twice */
    put_zone(&fake, "intel-rapl:4", "package-2\n", RANGE_UJ, 5);
    put_zone(&fake, "intel-rapl:5", "package-2\n", RANGE_UJ, 500000000);
    struct carbon_meter *meter = fake_open(&fake, "rapl");
    (void)fake_read(meter, 100, &reading);
    static const bool counted[] = {true, true, false, false,
                                   true, true, true,  false};
    assert_int_equal(reading.n_rails, 8);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(reading.rails[i].is_counted, counted[i]);
    carbon_meter_destroy(meter);
    fake_fini(&fake);
}

static void test_dies_that_both_stand_at_zero_are_two(void **state)
{
    (void)state;
    struct fake fake;
    struct carbon_meter_reading reading;
    fake_init(&fake);
    put_zone(&fake, "intel-rapl:0", "package-0-die-0", RANGE_UJ, 0);
    put_zone(&fake, "intel-rapl:1", "package-0-die-1", RANGE_UJ, 0);
    put_zone(&fake, "intel-rapl:2", "package-0-die-2", RANGE_UJ, 900000000);
    struct carbon_meter *meter = fake_open(&fake, "rapl");
    (void)fake_read(meter, 100, &reading);
    for (size_t i = 0; i < 3; i++)
        assert_true(reading.rails[i].is_counted);
    carbon_meter_destroy(meter);
    fake_fini(&fake);
}

static void test_a_failed_reading_changes_nothing(void **state)
{
    (void)state;
    struct fake fake;
    char path[FAKE_PATH];
    fake_init(&fake);
    put_server(&fake);
    struct carbon_meter *meter = fake_open(&fake, "rapl");
    set(&fake, "intel-rapl:0", 5000000 + 8000000);
    fake_block(&fake, RAPL "intel-rapl:1/energy_uj");
    fake_read_fails(meter, 101, FL_E_IO,
                    fake_path(&fake, RAPL "intel-rapl:1/energy_uj", path));
    fake_remove(&fake, RAPL "intel-rapl:1/energy_uj");
    fake_read_fails(meter, 102, FL_E_IO, path); /* it has vanished */
    set(&fake, "intel-rapl:1", 900000000 + 1000000);
    /* neither lost, nor counted twice, nor taken for a wrap */
    assert_true(fake_read(meter, 103, NULL) == 9);
    carbon_meter_destroy(meter);
    fake_fini(&fake);
}

static void test_what_is_no_number_is_an_error(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "\n",
                                        "12x\n",
                                        "-1\n",
                                        "1e6\n",
                                        "0x10\n",
                                        " 12\n",
                                        "12 \n",
                                        "1\n2",
                                        "nan\n",
                                        "1.5\n",
                                        "262143328851\n", /* over its range */
                                        "99999999999999999999999999\n"};
    struct fake fake;
    fake_init(&fake);
    put_server(&fake);
    struct carbon_meter *meter = fake_open(&fake, "rapl");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        fake_put(&fake, RAPL "intel-rapl:0/energy_uj", wrong[i]);
        fake_read_fails(meter, 100, FL_E_FORMAT, "intel-rapl:0/energy_uj");
        fake_refuse(&fake, "rapl", FL_E_FORMAT, "intel-rapl:0/energy_uj");
    }
    char absurd[5000];
    memset(absurd, '1', sizeof absurd - 1);
    absurd[sizeof absurd - 1] = '\0';
    fake_put(&fake, RAPL "intel-rapl:0/energy_uj", absurd);
    fake_read_fails(meter, 100, FL_E_FORMAT, "too long");
    fake_put(&fake, RAPL "intel-rapl:0/energy_uj", "5000000"); /* no \n: fine */
    assert_true(fake_read(meter, 100, NULL) == 0);
    carbon_meter_destroy(meter);
    fake_fini(&fake);
}

static void test_a_range_of_zero_is_refused(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    put_zone(&fake, "intel-rapl:0", "package-0\n", 0, 0);
    fake_refuse(&fake, "rapl", FL_E_FORMAT, "max_energy_range_uj");
    fake_put(&fake, RAPL "intel-rapl:0/max_energy_range_uj", "much\n");
    fake_refuse(&fake, "rapl", FL_E_FORMAT, "max_energy_range_uj");
    fake_remove(&fake, RAPL "intel-rapl:0/max_energy_range_uj");
    fake_refuse(&fake, "rapl", FL_E_IO, "max_energy_range_uj");
    fake_remove(&fake, RAPL "intel-rapl:0/name");
    fake_refuse(&fake, "rapl", FL_E_IO, "intel-rapl:0/name");
    fake_fini(&fake);
}

static void test_what_may_not_be_read_says_how_to_allow_it(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    put_server(&fake);
    fake_block(&fake, RAPL "intel-rapl:1/energy_uj");
    fake_refuse(&fake, "rapl", FL_E_IO, "sudo chmod a+r");
    fake_fini(&fake);
}

static void test_a_file_of_the_superuser_is_refused(void **state)
{
    (void)state;
    if (geteuid() == 0) /* permissions do not hold for the superuser */
        skip();
    struct fake fake;
    char path[FAKE_PATH];
    fake_init(&fake);
    put_server(&fake);
    assert_int_equal(
        chmod(fake_path(&fake, RAPL "intel-rapl:0/energy_uj", path), 0), 0);
    fake_refuse(&fake, "rapl", FL_E_IO, "Permission denied");
    fake_fini(&fake);
}

static void test_machines_without_packages_are_refused(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    fake_refuse(&fake, "rapl", FL_E_IO, "a virtual machine");
    fake_put(&fake, RAPL "intel-rapl/enabled", "1\n");
    fake_put(&fake, RAPL "intel-rapl:x/enabled", "1\n");
    fake_put(&fake, RAPL "intel-rapl:0:y/enabled", "1\n");
    fake_put(&fake, RAPL "dtpm:0/name", "package-0\n");
    fake_refuse(&fake, "rapl", FL_E_IO, "no intel-rapl zones");
    put_zone(&fake, "intel-rapl:0", "psys\n", RANGE_UJ, 1);
    fake_refuse(&fake, "rapl", FL_E_IO, "no zone named package-N");
    char zone[40];
    for (int i = 1; i <= 64; i++) {
        (void)snprintf(zone, sizeof zone, "intel-rapl:%d", i);
        put_zone(&fake, zone, "package-0\n", RANGE_UJ, 1);
    }
    fake_refuse(&fake, "rapl", FL_E_FORMAT, "more than 64 entries");
    fake_fini(&fake);
}

static void test_memory_that_runs_out_is_told(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    put_server(&fake);
    fake_sweep_memory(&fake, "rapl");
    fake_fini(&fake);
}

static void test_a_root_that_is_too_long_is_refused(void **state)
{
    (void)state;
    char root[600];
    struct fake fake = {.opts.root = root};
    memset(root, 'x', sizeof root);
    root[sizeof root - 1] = '\0';
    fake_refuse(&fake, "rapl", FL_E_ARG, "path too long");
    fake_refuse(&fake, "hwmon", FL_E_ARG, "path too long");
    fake_refuse(&fake, "tdp", FL_E_ARG, "path too long");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packages_and_memory_count_parts_and_board_do_not),
        cmocka_unit_test(test_a_counter_that_starts_again_has_wrapped_once),
        cmocka_unit_test(test_readings_too_far_apart_are_refused),
        cmocka_unit_test(test_two_sights_of_one_counter_count_once),
        cmocka_unit_test(test_dies_that_both_stand_at_zero_are_two),
        cmocka_unit_test(test_a_failed_reading_changes_nothing),
        cmocka_unit_test(test_what_is_no_number_is_an_error),
        cmocka_unit_test(test_a_range_of_zero_is_refused),
        cmocka_unit_test(test_what_may_not_be_read_says_how_to_allow_it),
        cmocka_unit_test(test_a_file_of_the_superuser_is_refused),
        cmocka_unit_test(test_machines_without_packages_are_refused),
        cmocka_unit_test(test_memory_that_runs_out_is_told),
        cmocka_unit_test(test_a_root_that_is_too_long_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
