/* NVML, against a library of our own that has its functions: argv[1]; argv[2]
 * is a library that has none of them. */
#include "meter_fixture.h"

#include <stdlib.h>
#include <string.h>

static const char *library, *other_library;

static int forget(void **state)
{
    static const char *const names[] = {
        "FAKE_NVML_BROKEN", "FAKE_NVML_COUNT",    "FAKE_NVML_MJ",
        "FAKE_NVML_MW",     "FAKE_NVML_NO_POWER", "FAKE_NVML_SPEECHLESS"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_int_equal(unsetenv(names[i]), 0);
    return 0;
}

static void say(const char *name, const char *value)
{
    assert_int_equal(setenv(name, value, 1), 0);
}

static struct fake machine(void)
{
    return (struct fake){.opts = {.root = "", .library = library}};
}

static void test_energy_counters_are_read_per_gpu(void **state)
{
    (void)state;
    struct fake fake = machine();
    struct carbon_meter_reading reading;
    say("FAKE_NVML_MJ", "5000");
    struct carbon_meter *meter = fake_open(&fake, "nvml");
    assert_string_equal(carbon_meter_detail(meter), "2 GPUs, energy counters");
    assert_true(carbon_meter_longest_gap_wall_s(meter) == 0);
    say("FAKE_NVML_MJ", "7500");
    assert_true(fake_read(meter, 1000, &reading) == 5);
    assert_true(fake_rail(&reading, "gpu1 Fake T")->energy_j == 2.5);
    say("FAKE_NVML_MJ", "7499");
    fake_read_fails(meter, 1001, FL_E_IO, "fell from 7500 to 7499 mJ");
    say("FAKE_NVML_BROKEN", "energy");
    fake_read_fails(meter, 1001, FL_E_IO, "gpu0 Fake T: Not Supported");
    carbon_meter_destroy(meter);
}

static void test_power_is_sampled_where_nothing_counts(void **state)
{
    (void)state;
    struct fake fake = machine();
    say("FAKE_NVML_BROKEN", "energy");
    say("FAKE_NVML_COUNT", "1");
    say("FAKE_NVML_MW", "50000");
    struct carbon_meter *meter = fake_open(&fake, "nvml");
    assert_string_equal(carbon_meter_detail(meter), "1 GPU, power sampled");
    assert_true(carbon_meter_period_wall_s(meter) == 1);
    say("FAKE_NVML_MW", "150000");
    assert_true(fake_read(meter, 102, NULL) == 200);
    say("FAKE_NVML_NO_POWER", "1");
    fake_read_fails(meter, 103, FL_E_IO, "Not Supported");
    fake_read_fails(meter, 163, FL_E_RANGE, "without a reading");
    carbon_meter_destroy(meter);
}

static void test_everything_that_fails_is_told(void **state)
{
    (void)state;
    static const char *const calls[][2] = {{"init", "cannot start"},
                                           {"count", "cannot count"},
                                           {"handle", "GPU 0"},
                                           {"name", "GPU 0"}};
    struct fake fake = machine();
    for (size_t i = 0; i < 4; i++) {
        say("FAKE_NVML_BROKEN", calls[i][0]);
        fake_refuse(&fake, "nvml", FL_E_IO, calls[i][1]);
    }
    say("FAKE_NVML_SPEECHLESS", "1");
    fake_refuse(&fake, "nvml", FL_E_IO, "unknown error");
    say("FAKE_NVML_BROKEN", "energy");
    say("FAKE_NVML_NO_POWER", "1");
    fake_refuse(&fake, "nvml", FL_E_IO, "GPU 0");
    say("FAKE_NVML_BROKEN", "");
    say("FAKE_NVML_COUNT", "0");
    fake_refuse(&fake, "nvml", FL_E_IO, "found 0 GPUs");
    say("FAKE_NVML_COUNT", "65");
    fake_refuse(&fake, "nvml", FL_E_IO, "found 65 GPUs");
}

static void test_machines_without_the_library_say_so(void **state)
{
    (void)state;
    struct fake fake = {.opts = {.root = "", .library = "/no/libnvml.so"}};
    fake_refuse(&fake, "nvml", FL_E_IO, "no NVIDIA driver here");
    fake.opts.library = other_library;
    fake_refuse(&fake, "nvml", FL_E_FORMAT, "no function nvml");
}

static void test_memory_that_runs_out_is_told(void **state)
{
    (void)state;
    struct fake fake = machine();
    fake_sweep_memory(&fake, "nvml");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_energy_counters_are_read_per_gpu, forget),
        cmocka_unit_test_setup(test_power_is_sampled_where_nothing_counts,
                               forget),
        cmocka_unit_test_setup(test_everything_that_fails_is_told, forget),
        cmocka_unit_test_setup(test_machines_without_the_library_say_so,
                               forget),
        cmocka_unit_test_setup(test_memory_that_runs_out_is_told, forget),
    };
    if (argc < 3)
        return 1;
    library = argv[1];
    other_library = argv[2];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
