/* Meters in general: the table, the choice, what the kernel prints, and whose
 * energy it is. */
#include "meter_fixture.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "carbon/meter_priv.h"

#include <math.h>
#include <string.h>

static void test_every_type_says_what_it_is(void **state)
{
    (void)state;
    size_t n = 0;
    for (; carbon_meters[n]; n++) {
        const struct carbon_meter_type *type = carbon_meters[n];
        assert_true(strlen(type->name) > 0 && strlen(type->doc) > 10);
        assert_true(strlen(type->source) > 10);
        assert_true(type->open && type->read && type->close);
        assert_true(type->evidence == CARBON_MEASURED ||
                    type->evidence == CARBON_ASSUMED);
        assert_true((unsigned)type->scope < CARBON_METER_SCOPE_LAST_);
        for (size_t i = 0; i < n; i++) {
            assert_string_not_equal(carbon_meters[i]->name, type->name);
            /* what is assumed comes after everything that measures */
            assert_true(carbon_meters[i]->evidence <= type->evidence);
        }
    }
    assert_int_equal(n, 5);
}

static void test_every_type_refuses_an_empty_machine_with_a_reason(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    fake.opts.library = "/no/libnvml.so";
    for (size_t i = 0; carbon_meters[i]; i++) {
        struct carbon_meter *meter = NULL;
        struct fl_error err = {0};
        enum fl_status status = carbon_meter_create(
            carbon_meters[i]->name, &fake.opts, 0, &meter, &err);
        assert_true(status == FL_E_IO || status == FL_E_CONFIG);
        assert_null(meter);
        assert_true(strlen(err.text) > 10);
    }
    fake_fini(&fake);
}

static void test_unknown_meters_are_refused_with_the_nearest(void **state)
{
    (void)state;
    struct fake fake = {.opts.root = ""};
    fake_refuse(&fake, "rpal", FL_E_CONFIG, "did you mean 'rapl'?");
    fake_refuse(&fake, "wattmeter of mine", FL_E_CONFIG, "unknown (");
    carbon_meter_destroy(NULL);
}

static void put_tdp(const struct fake *fake)
{
    fake_put(fake, "proc/stat", "cpu  0 0 0 0\ncpu0 0 0 0 0\n");
}

static void test_the_best_that_opens_is_chosen_and_the_better_are_told(void **s)
{
    (void)s;
    struct fake fake;
    struct carbon_meter *meter = NULL;
    struct carbon_meter_refusal refusals[CARBON_MAX_METERS];
    struct fl_error err = {0};
    size_t n = 99;
    fake_init(&fake);
    assert_int_equal(
        carbon_meter_choose(&fake.opts, 0, &meter, refusals, &n, &err),
        FL_E_STATE);
    assert_int_equal(n, 4); /* graphics processors are no machine */
    assert_non_null(strstr(err.text, "list meters"));
    put_tdp(&fake);
    fake.opts.tdp_w = 10;
    assert_ok(carbon_meter_choose(&fake.opts, 0, &meter, refusals, &n, &err),
              &err);
    assert_string_equal(carbon_meter_type(meter)->name, "tdp");
    assert_int_equal(n, 3);
    assert_string_equal(refusals[0].type->name, "rapl");
    assert_non_null(strstr(refusals[0].why, "/sys/class/powercap"));
    assert_string_equal(refusals[1].type->name, "hwmon");
    assert_string_equal(refusals[2].type->name, "slurm");
    carbon_meter_destroy(meter);
    (void)fl_alloc_fail_at(1);
    assert_int_equal(
        carbon_meter_choose(&fake.opts, 0, &meter, refusals, &n, &err),
        FL_E_NOMEM);
    (void)fl_alloc_fail_at(0);
    fake_put(&fake, "sys/class/hwmon/hwmon0/name", "power_meter\n");
    fake_put(&fake, "sys/class/hwmon/hwmon0/power1_average", "1000000\n");
    assert_ok(carbon_meter_choose(&fake.opts, 0, &meter, refusals, &n, &err),
              &err);
    assert_string_equal(carbon_meter_type(meter)->name, "hwmon");
    assert_int_equal(n, 1);
    carbon_meter_destroy(meter);
    fake_fini(&fake);
}

static double stat_busy_cpu_s(const char *text)
{
    struct carbon_proc_stat stat = {.busy_cpu_s = -1};
    struct fl_error err = {0};
    assert_ok(carbon_parse_proc_stat(text, 100, &stat, &err), &err);
    return stat.busy_cpu_s;
}

static void test_busy_time_is_all_but_idle_waiting_and_stolen(void **state)
{
    (void)state;
    /* user nice system idle iowait irq softirq steal guest guest_nice */
    assert_true(stat_busy_cpu_s("cpu  100 200 400 9 9 800 1600 9 50 50\n"
                                "cpu0 1\n") == 31);
    assert_true(stat_busy_cpu_s("cpu 100 0 0 0\ncpu0 1\n") == 1);
    assert_true(stat_busy_cpu_s("cpu\t100 0 0 0 0\ncpu12 1\n") == 1);
    struct carbon_proc_stat stat;
    struct fl_error err = {0};
    assert_ok(carbon_parse_proc_stat("cpu  1 2 3 4\ncpu0 1\ncpu11 1\nintr 5\n",
                                     100, &stat, &err),
              &err);
    assert_int_equal(stat.n_threads, 2);
}

#define DIGITS_80                                                              \
    "11111111111111111111111111111111111111111111111111111111111111111111111"  \
    "111111111"
static const char long_stat[] = "cpu  1 2 3 4" DIGITS_80 "\n";
static const char long_memory[] = "MemTotal: " DIGITS_80 " kB\n";

static void test_a_damaged_stat_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "cpu",
        "cpu \n",
        "cpu  1 2 3\ncpu0 1\n",
        "cpu  1 2 x 4\ncpu0 1\n",
        "cpu  1 -2 3 4\ncpu0 1\n",
        "cpu  1 2 3 4 5 6 99999999999999999999\ncpu0 1\n",
        "cpu  1 2 3 4\n",
        "cpu0 1 2 3 4\n",
        long_stat,
        "cpufreq 5\n"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct carbon_proc_stat stat = {.busy_cpu_s = -1};
        struct fl_error err = {0};
        assert_int_equal(carbon_parse_proc_stat(wrong[i], 100, &stat, &err),
                         FL_E_FORMAT);
        assert_true(stat.busy_cpu_s == -1);
        assert_non_null(strstr(err.text, "/proc/stat"));
    }
}

static void test_this_machine_was_busy(void **state)
{
    (void)state;
    double busy_cpu_s = -1;
    struct fl_error err = {0};
    assert_ok(carbon_machine_busy("", &busy_cpu_s, &err), &err);
    assert_true(busy_cpu_s > 0);
    assert_int_equal(carbon_machine_busy("/nowhere", &busy_cpu_s, &err),
                     FL_E_IO);
}

static void assert_cpu(const char *text, const char *expected)
{
    char name[128] = "untouched";
    struct fl_error err = {0};
    enum fl_status status = carbon_parse_cpuinfo(text, name, &err);
    assert_int_equal(status, expected ? FL_OK : FL_E_FORMAT);
    assert_string_equal(name, expected ? expected : "untouched");
}

static void test_the_processor_is_found_by_name_or_by_board(void **state)
{
    (void)state;
    assert_cpu("processor : 0\nmodel : 85\nmodel name\t: A B  \n", "A B");
    assert_cpu("processor : 0\nModel\t\t: Raspberry Pi 4\n", "Raspberry Pi 4");
    assert_cpu("Model : Board\nmodel name : Chip", "Chip");
    assert_cpu("model name : \nmodel name : X\x01\xffY\n", "XY");
    assert_cpu("model name\n", NULL);
    assert_cpu("", NULL);
    char many[400] = "model name : ";
    memset(many + 13, 'x', sizeof many - 13);
    many[399] = '\0';
    char name[128];
    struct fl_error err = {0};
    assert_ok(carbon_parse_cpuinfo(many, name, &err), &err);
    assert_int_equal(strlen(name), 127);
}

static void test_memory_is_found_in_kibibytes(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "MemTotal\n",
                                        "MemTotal: x kB\n",
                                        "MemTotal: 0 kB\n",
                                        "MemFree: 5 kB\n",
                                        long_memory};
    double memory_bytes = -1;
    struct fl_error err = {0};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(carbon_parse_meminfo(wrong[i], &memory_bytes, &err),
                         FL_E_FORMAT);
    assert_true(memory_bytes == -1);
    assert_ok(carbon_parse_meminfo("MemFree: 5 kB\nMemTotal:  1000 kB\n",
                                   &memory_bytes, &err),
              &err);
    assert_true(memory_bytes == 1024000);
}

/* The shares of one split; their sum. */
static double split(double total_j,
                    const double *cpu_s,
                    size_t n,
                    double busy_cpu_s,
                    double *ret_j)
{
    double sum_j = 0;
    struct fl_error err = {0};
    assert_ok(
        carbon_meter_attribute(total_j, cpu_s, n, busy_cpu_s, ret_j, &err),
        &err);
    for (size_t i = 0; i < n; i++) {
        assert_true(ret_j[i] >= 0);
        sum_j += ret_j[i];
    }
    return sum_j;
}

static void test_a_quarter_of_the_busy_time_is_a_quarter(void **state)
{
    (void)state;
    double ret_j[2];
    assert_true(split(1000, (double[]){2.5, 7.5}, 2, 10, ret_j) == 1000);
    assert_true(ret_j[0] == 250 && ret_j[1] == 750);
    /* half of the time was somebody else's */
    assert_true(split(1000, (double[]){2.5, 7.5}, 2, 20, ret_j) == 500);
    assert_true(ret_j[0] == 125 && ret_j[1] == 375);
    /* clocks that disagree: never more than there is */
    assert_true(split(1000, (double[]){2.5, 7.5}, 2, 9.9, ret_j) == 1000);
    assert_true(ret_j[0] == 250 && ret_j[1] == 750);
}

static void test_an_idle_machine_is_borne_by_nobody(void **state)
{
    (void)state;
    double ret_j[2];
    assert_true(split(1000, (double[]){0, 0}, 2, 0, ret_j) == 0);
    assert_true(split(1000, (double[]){0, 0}, 2, 5, ret_j) == 0);
    assert_true(split(0, (double[]){1, 2}, 2, 3, ret_j) == 0);
    assert_true(split(1000, NULL, 0, 5, NULL) == 0);
    assert_true(split(1000, (double[]){0, 3}, 2, 0, ret_j) == 1000);
    assert_true(split(5e-324, (double[]){1, 1}, 2, 2, ret_j) == 5e-324);
}

static void test_shares_add_up_to_the_bit_in_any_order(void **state)
{
    (void)state;
    enum { N = 37 };
    struct fl_rng rng = fl_rng_stream(7, FL_RNG_DROPOUT, 0, 0);
    for (int trial = 0; trial < 2000; trial++) {
        double cpu_s[N], ret_j[N], busy_cpu_s = 0;
        size_t n = 1 + (size_t)trial % N;
        for (size_t i = 0; i < n; i++) {
            cpu_s[i] = fl_rng_uniform(&rng) * (i % 3 ? 1 : 1e-6);
            busy_cpu_s += cpu_s[i];
        }
        double total_j = fl_rng_uniform(&rng) * 1e5;
        assert_true(split(total_j, cpu_s, n, busy_cpu_s, ret_j) == total_j);
        double backwards_j = 0;
        for (size_t i = n; i > 0; i--)
            backwards_j += ret_j[i - 1];
        assert_true(backwards_j == total_j);
        for (size_t i = 0; i < n; i++) /* n units in the last place of total */
            assert_near(ret_j[i], total_j * cpu_s[i] / busy_cpu_s, 1e-15,
                        1e-14 * total_j);
    }
}

static void test_impossible_times_are_refused(void **state)
{
    (void)state;
    static const double wrong[] = {-1, (double)NAN, (double)INFINITY};
    double ret_j[1] = {-5};
    struct fl_error err = {0};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(
            carbon_meter_attribute(wrong[i], (double[]){1}, 1, 1, ret_j, &err),
            FL_E_ARG);
        assert_int_equal(
            carbon_meter_attribute(1, &wrong[i], 1, 1, ret_j, &err), FL_E_ARG);
        assert_int_equal(
            carbon_meter_attribute(1, (double[]){1}, 1, wrong[i], ret_j, &err),
            FL_E_ARG);
    }
    assert_true(ret_j[0] == -5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_type_says_what_it_is),
        cmocka_unit_test(
            test_every_type_refuses_an_empty_machine_with_a_reason),
        cmocka_unit_test(test_unknown_meters_are_refused_with_the_nearest),
        cmocka_unit_test(
            test_the_best_that_opens_is_chosen_and_the_better_are_told),
        cmocka_unit_test(test_busy_time_is_all_but_idle_waiting_and_stolen),
        cmocka_unit_test(test_a_damaged_stat_is_refused),
        cmocka_unit_test(test_this_machine_was_busy),
        cmocka_unit_test(test_the_processor_is_found_by_name_or_by_board),
        cmocka_unit_test(test_memory_is_found_in_kibibytes),
        cmocka_unit_test(test_a_quarter_of_the_busy_time_is_a_quarter),
        cmocka_unit_test(test_an_idle_machine_is_borne_by_nobody),
        cmocka_unit_test(test_shares_add_up_to_the_bit_in_any_order),
        cmocka_unit_test(test_impossible_times_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
