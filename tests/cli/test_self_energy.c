/* The launcher's metering on machines made of files: when it wants to be read,
 * whose energy it is, and what it says. */
#include "carbon/meter_fixture.h"

#include "cli/energy/self_energy.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#define HWMON "sys/class/hwmon/hwmon0/"
#define STAT  "cpu  %d 0 0 0 0 0 0 0 0 0\ncpu0 0 0 0 0\n"

static void put_busy(const struct fake *fake, int ticks)
{
    char text[100];
    (void)snprintf(text, sizeof text, STAT, ticks);
    fake_put(fake, "proc/stat", text);
}

/* A board of 100 W. */
static void put_board(const struct fake *fake)
{
    fake_put(fake, HWMON "name", "power_meter\n");
    fake_put(fake, HWMON "power1_average", "100000000\n");
    put_busy(fake, 1000);
}

static struct cli_energy *create(const struct fake *fake, const char *meter)
{
    const struct cli_energy_opts opts = {
        .meter = meter, .meter_opts = fake->opts, .here = "DE"};
    struct cli_energy *energy = NULL;
    struct fl_error err = {0};
    assert_ok(cli_energy_create(&opts, 2, &energy, &err), &err);
    return energy;
}

/* What the line says, into ret. */
static const char *line_of(const struct cli_energy *energy, char ret[400])
{
    FILE *out = fmemopen(ret, 400, "w");
    assert_non_null(out);
    cli_energy_print(energy, out);
    assert_int_equal(fclose(out), 0);
    return ret;
}

static void assert_says(const struct cli_energy *energy, const char *words)
{
    char line[400] = "";
    if (!strstr(line_of(energy, line), words))
        fail_msg("'%s' does not say '%s'", line, words);
}

static void finish(struct cli_energy *energy, const struct fake *fake)
{
    struct fl_error err = {0};
    assert_ok(cli_energy_finish(energy, fake->root, &err), &err);
}

static void test_a_sampled_meter_wants_to_be_read_each_second(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    put_board(&fake);
    struct cli_energy *energy = create(&fake, NULL);
    int wait_ms = cli_energy_timeout_ms(energy);
    assert_true(wait_ms > 0 && wait_ms <= 1001);
    cli_energy_tick(energy); /* too early: nothing */
    assert_true(cli_energy_timeout_ms(energy) <= wait_ms);
    while ((wait_ms = cli_energy_timeout_ms(energy)) > 0)
        (void)poll(NULL, 0, wait_ms);
    cli_energy_tick(energy);
    assert_true(cli_energy_timeout_ms(energy) > 0);
    /* 4 s of the machine's time, of which the processes had at most half */
    put_busy(&fake, 1400);
    cli_energy_spent(energy, CLI_ENERGY_COORDINATOR, 0.5);
    cli_energy_spent(energy, CLI_ENERGY_CLIENTS + 1, 1.0);
    cli_energy_spent(energy, CLI_ENERGY_CLIENTS + 2, 1000); /* nobody */
    finish(energy, &fake);
    assert_says(energy, "this simulation itself took ");
    assert_says(energy, "(hwmon, measured), ");
    assert_says(energy, " gCO2e in DE");
    cli_energy_destroy(energy);
    fake_fini(&fake);
}

static void test_a_meter_that_fails_at_the_end_says_why(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    put_board(&fake);
    struct cli_energy *energy = create(&fake, NULL);
    fake_block(&fake, HWMON "power1_average");
    finish(energy, &fake);
    assert_says(energy, "energy is not known: ");
    assert_says(energy, HWMON "power1_average");
    cli_energy_destroy(energy);
    fake_fini(&fake);
}

static void test_energy_that_cannot_be_attributed_is_not_told(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    put_board(&fake);
    fake_remove(&fake, "proc/stat");
    struct cli_energy *energy = create(&fake, NULL);
    assert_int_equal(cli_energy_timeout_ms(energy), -1);
    cli_energy_tick(energy);
    finish(energy, &fake);
    assert_says(energy, "/proc/stat");
    cli_energy_destroy(energy);
    fake_fini(&fake);
}

static void test_a_machine_without_meters_says_what_would_help(void **state)
{
    (void)state;
    struct fake fake;
    fake_init(&fake);
    put_busy(&fake, 1);
    fake_put(&fake, "proc/cpuinfo", "model name : Wonder 9000\n");
    struct cli_energy *energy = create(&fake, NULL);
    finish(energy, &fake);
    assert_says(energy, "'Wonder 9000' is not in the table");
    cli_energy_destroy(energy);
    energy = create(&fake, CLI_METER_NONE);
    finish(energy, &fake);
    assert_says(energy, "--meter none");
    cli_energy_destroy(energy);
    fake_fini(&fake);
}

static void test_no_metering_at_all_is_fine(void **state)
{
    (void)state;
    char line[400] = "";
    struct fl_error err = {0};
    assert_int_equal(cli_energy_timeout_ms(NULL), -1);
    cli_energy_tick(NULL);
    cli_energy_spent(NULL, 0, 1);
    assert_ok(cli_energy_finish(NULL, "nowhere", &err), &err);
    assert_string_equal(line_of(NULL, line), "");
    cli_energy_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_sampled_meter_wants_to_be_read_each_second),
        cmocka_unit_test(test_a_meter_that_fails_at_the_end_says_why),
        cmocka_unit_test(test_energy_that_cannot_be_attributed_is_not_told),
        cmocka_unit_test(test_a_machine_without_meters_says_what_would_help),
        cmocka_unit_test(test_no_metering_at_all_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
