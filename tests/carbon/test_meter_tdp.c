/* The TDP model, the table of processors, and memory. */
#include "meter_fixture.h"

#include "carbon/meter_priv.h"

#include "base/units.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define STAT_HEAD "cpu  1000 0 500 90000 300 20 30 999 7 0\n"
#define STAT_CPUS "cpu0 1 1 1 1\ncpu1 1 1 1 1\nintr 1 2 3\nctxt 5\n"

static void put_machine(const struct fake *fake, const char *cpu)
{
    char text[300];
    (void)snprintf(text, sizeof text,
                   "processor\t: 0\nvendor_id\t: x\nmodel\t\t: 85\n"
                   "model name\t: %s\nflags\t\t: fpu\n",
                   cpu);
    fake_put(fake, "proc/cpuinfo", text);
    fake_put(fake, "proc/stat", STAT_HEAD STAT_CPUS);
    fake_put(fake, "proc/meminfo", "MemTotal:        7812500 kB\nMemFree: 1\n");
}

/* 100 ticks a second: 5,600 and 560 ticks of user and nice more. */
static void pass_61_6_cpu_s(const struct fake *fake)
{
    fake_put(fake, "proc/stat",
             "cpu  6600 560 500 190000 900 20 30 9999 7 0\n" STAT_CPUS);
}

static void test_busy_time_costs_its_share_of_a_given_tdp(void **state)
{
    (void)state;
    struct fake fake;
    struct carbon_meter_reading reading;
    fake_init(&fake);
    put_machine(&fake, "Intel(R) Xeon(R) Processor");
    fake.opts.tdp_w = 20;
    fake.opts.memory_per_gb_w = 0.375;
    struct carbon_meter *meter = fake_open(&fake, "tdp");
    assert_true(fake_read(meter, 100, NULL) == 0);
    pass_61_6_cpu_s(&fake);
    double total_j = fake_read(meter, 160, &reading);
    /* ticks divided by 100, twice */
    assert_near(fake_rail(&reading, "processors")->energy_j, 616, 1e-14, 0);
    assert_near(fake_rail(&reading, "memory")->energy_j, 180, 1e-14, 0);
    assert_near(total_j, 796, 1e-14, 0);
    assert_non_null(
        strstr(carbon_meter_detail(meter), "given 20 W over 2 threads"));
    assert_non_null(
        strstr(carbon_meter_detail(meter), "memory 8 GB at 0.375 W/GB"));
    assert_int_equal(carbon_meter_type(meter)->evidence, CARBON_ASSUMED);
    carbon_meter_destroy(meter);
    fake_fini(&fake);
}

static void test_a_known_processor_needs_nothing(void **state)
{
    (void)state;
    struct fake fake;
    struct carbon_meter_reading reading;
    fake_init(&fake);
    put_machine(&fake, "Intel(R) Core(TM) i7-8700 CPU @ 3.20GHz");
    struct carbon_meter *meter = fake_open(&fake, "tdp");
    pass_61_6_cpu_s(&fake);
    /* 65 W / 12 threads, however many of them this machine shows */
    assert_near(fake_read(meter, 160, &reading), 61.6 * 65 / 12, 1e-14, 0);
    assert_int_equal(reading.n_rails, 1); /* memory was left out */
    assert_string_equal(carbon_meter_detail(meter),
                        "Intel Core i7-8700, 65 W over 12 threads, busy time");
    carbon_meter_destroy(meter);
    fake_fini(&fake);
}

static void test_an_unknown_processor_is_an_error_that_helps(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    put_machine(&fake, "Intel(R) Xeon(R) Processor");
    fake_refuse(&fake, "tdp", FL_E_CONFIG, "'Intel(R) Xeon(R) Processor'");
    fake_refuse(&fake, "tdp", FL_E_CONFIG, "--tdp-w W");
    put_machine(&fake, "Intel Core i7-870"); /* near is not good enough */
    fake_refuse(&fake, "tdp", FL_E_CONFIG, "not in the table");
    fake_fini(&fake);
}

static void test_impossible_options_are_refused(void **state)
{
    (void)state;
    static const double wrong[] = {-1, (double)NAN, (double)INFINITY};
    struct fake fake;
    fake_init(&fake);
    put_machine(&fake, "x");
    for (size_t i = 0; i < 3; i++) {
        fake.opts =
            (struct carbon_meter_opts){.root = fake.root, .tdp_w = wrong[i]};
        fake_refuse(&fake, "tdp", FL_E_CONFIG, "tdp_w");
        fake.opts = (struct carbon_meter_opts){
            .root = fake.root, .tdp_w = 5, .memory_per_gb_w = wrong[i]};
        fake_refuse(&fake, "tdp", FL_E_CONFIG, "memory");
    }
    fake.opts = (struct carbon_meter_opts){.root = fake.root, .tdp_w = 1e6};
    fake_refuse(&fake, "tdp", FL_E_CONFIG, "tdp_w");
    fake_fini(&fake);
}

static void test_files_that_are_missing_or_wrong_are_errors(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    fake_refuse(&fake, "tdp", FL_E_IO, "/proc/stat");
    put_machine(&fake, "x");
    fake_block(&fake, "proc/cpuinfo");
    fake_refuse(&fake, "tdp", FL_E_IO, "/proc/cpuinfo");
    fake_remove(&fake, "proc/cpuinfo");
    fake_put(&fake, "proc/cpuinfo", "model name\t: \n");
    fake_refuse(&fake, "tdp", FL_E_FORMAT, "'model name'");
    fake.opts.tdp_w = 20;
    fake.opts.memory_per_gb_w = 0.3;
    fake_put(&fake, "proc/meminfo", "MemTotal: lots\n");
    fake_refuse(&fake, "tdp", FL_E_FORMAT, "MemTotal");
    fake_remove(&fake, "proc/meminfo");
    fake_refuse(&fake, "tdp", FL_E_IO, "/proc/meminfo");
    fake_put(&fake, "proc/meminfo", "MemTotal: 1 kB\n");
    struct carbon_meter *meter = fake_open(&fake, "tdp");
    fake_put(&fake, "proc/stat", "cpu  1 0 0 0\n" STAT_CPUS);
    fake_read_fails(meter, 101, FL_E_FORMAT, "busy time fell");
    fake_remove(&fake, "proc/stat");
    fake_read_fails(meter, 101, FL_E_IO, "/proc/stat");
    fake_put(&fake, "proc/stat", STAT_HEAD STAT_CPUS);
    assert_near(fake_read(meter, 101, NULL), 1.024e-6 * 0.3, 1e-14, 0);
    carbon_meter_destroy(meter);
    fake_fini(&fake);
}

static void test_memory_is_counted_by_its_size(void **state)
{
    (void)state;
    /* 3 W per 8 GB: 8 GB for an hour are 0.003 kWh, three roundings */
    assert_near(carbon_meter_memory_j(8e9, 0.375, 3600) / FL_J_PER_KWH, 0.003,
                4e-16, 0);
    assert_near(carbon_meter_memory_j(64e9, 0.3725, 1), 23.84, 4e-16, 0);
    assert_true(carbon_meter_memory_j(8e9, 0.375, 0) == 0);
}

static void assert_normal(const char *name, const char *expected)
{
    char found[128];
    carbon_cpu_normalise(name, found, sizeof found);
    assert_string_equal(found, expected);
}

static void test_names_are_compared_without_decoration(void **state)
{
    (void)state;
    assert_normal("Intel(R) Core(TM) i7-8700 CPU @ 3.20GHz",
                  "intel core i7-8700");
    assert_normal("11th Gen Intel(R) Core(TM) i7-1165G7 @ 2.80GHz",
                  "intel core i7-1165g7");
    assert_normal("AMD EPYC 7742 64-Core Processor", "amd epyc 7742");
    assert_normal("AMD Ryzen 7 4800H with Radeon Graphics",
                  "amd ryzen 7 4800h");
    assert_normal("AMD Ryzen 5 3600 6-Core Processor              ",
                  "amd ryzen 5 3600");
    assert_normal("Intel(R) Xeon(R) CPU E5-2680 v4 @ 2.40GHz",
                  "intel xeon e5-2680 v4");
    assert_normal("Raspberry Pi 4 Model B Rev 1.4", "raspberry pi 4 model b");
    assert_normal("", "");
    assert_normal("CPU", "");
    char small[10];
    carbon_cpu_normalise("AMD EPYC 7742", small, sizeof small);
    assert_string_equal(small, "amd epyc");
    char big[400];
    memset(big, 'A', sizeof big);
    big[399] = '\0';
    carbon_cpu_normalise(big, small, sizeof small);
    assert_string_equal(small, "");
    assert_null(carbon_cpu_find(big));
}

static void test_every_row_of_the_table_is_found_by_its_name(void **state)
{
    (void)state;
    size_t n = 0;
    for (const struct carbon_cpu *cpu = carbon_cpus; cpu->name; cpu++, n++) {
        assert_ptr_equal(carbon_cpu_find(cpu->name), cpu); /* and but once */
        assert_true(cpu->tdp_w >= 5 && cpu->tdp_w <= 500);
        assert_true(cpu->n_threads >= 4 && cpu->n_threads <= 256);
        assert_true(cpu->tdp_w / cpu->n_threads < 20);
    }
    assert_true(n > 80);
    assert_non_null(strstr(carbon_cpus_source, "CodeCarbon"));
    assert_ptr_equal(carbon_cpu_find("AMD EPYC 7763 64-Core Processor"),
                     carbon_cpu_find("AMD EPYC 7763"));
}

static void test_memory_that_runs_out_is_told(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    put_machine(&fake, "AMD EPYC 7742");
    fake.opts.memory_per_gb_w = 0.3;
    fake_sweep_memory(&fake, "tdp");
    fake_fini(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_busy_time_costs_its_share_of_a_given_tdp),
        cmocka_unit_test(test_a_known_processor_needs_nothing),
        cmocka_unit_test(test_an_unknown_processor_is_an_error_that_helps),
        cmocka_unit_test(test_impossible_options_are_refused),
        cmocka_unit_test(test_files_that_are_missing_or_wrong_are_errors),
        cmocka_unit_test(test_memory_is_counted_by_its_size),
        cmocka_unit_test(test_names_are_compared_without_decoration),
        cmocka_unit_test(test_every_row_of_the_table_is_found_by_its_name),
        cmocka_unit_test(test_memory_that_runs_out_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
