/* Slurm's energy: what its programs print, and a fake of them. */
#include "meter_fixture.h"

#include "carbon/meter_priv.h"

#include <stdio.h>
#include <string.h>

static double energy(const char *text, const char *job)
{
    double energy_j = -1;
    struct fl_error err = {0};
    assert_ok(carbon_parse_slurm(text, job, &energy_j, &err), &err);
    return energy_j;
}

static void
assert_none(const char *text, const char *job, enum fl_status expected)
{
    double energy_j = -1;
    struct fl_error err = {0};
    assert_int_equal(carbon_parse_slurm(text, job, &energy_j, &err), expected);
    assert_true(energy_j == -1);
    assert_non_null(strstr(err.text, "job 12"));
}

static void test_the_row_of_the_job_is_taken_before_its_steps(void **state)
{
    (void)state;
    assert_true(energy("12|4567\n12.batch|4000\n12.0|560\n", "12") == 4567);
    assert_true(energy("12.batch|4000\n12.extern|4000\n12.0|560\n12.1|40\n",
                       "12") == 600);
    assert_true(energy("12.extern|10\n12.batch|4000\n", "12") == 4010);
    assert_true(energy("12.0|560\n12.1|40\n", "12.1") == 40);
    assert_true(energy("12|0\n12.0|560", "12") == 560);
    assert_true(energy("12||\n12.0|560|\n", "12") == 560);
    assert_true(energy("121|9\n1|9\n12.0|560\n", "12") == 560);
}

static void test_what_scontrol_prints_is_read_too(void **state)
{
    (void)state;
    assert_true(energy("JobId=12 JobName=x\n   ConsumedEnergy=4567 y=1\n",
                       "12") == 4567);
    assert_true(
        energy("StepId=12.0 State=RUNNING ConsumedEnergy=7\n", "12.0") == 7);
    assert_none("JobId=13 ConsumedEnergy=4567\n", "12", FL_E_FORMAT);
    assert_none("JobId=12 ConsumedEnergy=0\n", "12", FL_E_IO);
    assert_none("JobId=12\n", "12", FL_E_FORMAT);
    assert_none("ConsumedEnergy=5\n", "12", FL_E_FORMAT);
}

static void test_abbreviated_energies_are_read(void **state)
{
    (void)state;
    /* decimal fractions times a power of ten: one rounding */
    assert_near(energy("12|4.57K\n", "12"), 4570, 1e-15, 0);
    assert_near(energy("12|1.2M\n", "12"), 1.2e6, 1e-15, 0);
    assert_near(energy("12|3G\n", "12"), 3e9, 1e-15, 0);
    assert_near(energy("12|0.5T\r\n", "12"), 5e11, 1e-15, 0);
}

static void test_nothing_is_an_error_and_no_zero(void **state)
{
    (void)state;
    static const char *const unknown[] = {
        "12|0\n",         "12|\n",
        "12|0\n12.0|0\n", "12.0|18446744073709551614\n",
        "12|-5\n",        "12|x\n",
        "12|nan\n",       "12|K\n",
        "12|9999999T\n",  "12| \n"};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        assert_none(unknown[i], "12", FL_E_IO);
    static const char *const foreign[] = {
        "", "\n", "13|5\n", "slurm: error\n", "12 5\n", "|5\n"};
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
        assert_none(foreign[i], "12", FL_E_FORMAT);
    char many[300];
    memset(many, '1', sizeof many);
    many[299] = '\0';
    assert_none(many, "12", FL_E_FORMAT);
}

/* A cluster: what each program prints, NULL where it fails. */
struct cluster {
    const char *sstat;
    const char *sacct;
    int n_asked;
};

static enum fl_status answer(void *arg,
                             const char *const *argv,
                             char *ret_text,
                             size_t size,
                             struct fl_error *err)
{
    struct cluster *cluster = arg;
    bool is_sstat = strcmp(argv[0], "sstat") == 0;
    const char *text = is_sstat ? cluster->sstat : cluster->sacct;
    cluster->n_asked++;
    size_t n = 0;
    while (argv[n])
        n++;
    assert_string_equal(argv[n - 1], "12");
    if (!text)
        return fl_fail(err, FL_E_IO, "%s: not found", argv[0]);
    assert_true(strlen(text) < size);
    memcpy(ret_text, text, strlen(text) + 1);
    return FL_OK;
}

static void test_a_job_counts_from_its_first_reading(void **state)
{
    (void)state;
    struct cluster cluster = {.sstat = "12.0|1000\n"};
    struct fake fake = {
        .opts = {
            .root = "", .slurm_job = "12", .run = answer, .run_arg = &cluster}};
    struct carbon_meter *meter = fake_open(&fake, "slurm");
    assert_true(fake_read(meter, 100, NULL) == 0);
    cluster.sstat = "12.0|1750\n";
    assert_true(fake_read(meter, 5000, NULL) == 750);
    cluster.sstat = NULL; /* the steps have ended: accounting knows */
    cluster.sacct = "12|2000\n";
    assert_true(fake_read(meter, 5001, NULL) == 1000);
    cluster.sacct = "12|1999\n";
    fake_read_fails(meter, 5002, FL_E_FORMAT, "fell from 2000 J");
    cluster.sacct = "12|0\n";
    fake_read_fails(meter, 5002, FL_E_IO, "sstat: not found; Slurm, job 12");
    assert_int_equal(carbon_meter_type(meter)->scope, CARBON_METER_JOB);
    assert_true(carbon_meter_longest_gap_wall_s(meter) == 0);
    carbon_meter_destroy(meter);
    cluster.sstat = "12.0|0\n";
    fake_refuse(&fake, "slurm", FL_E_IO, "does not measure it");
    cluster.sstat = "12.0|1000\n";
    fake_sweep_memory(&fake, "slurm");
}

static void test_outside_of_a_job_there_is_none(void **state)
{
    (void)state;
    struct fake fake = {.opts = {.root = ""}};
    fake_refuse(&fake, "slurm", FL_E_CONFIG, "$SLURM_JOB_ID is not set");
    fake.opts.slurm_job = "";
    fake_refuse(&fake, "slurm", FL_E_CONFIG, "$SLURM_JOB_ID is not set");
    fake.opts.slurm_job = "12; rm";
    fake_refuse(&fake, "slurm", FL_E_CONFIG, "allowed a number");
    fake.opts.slurm_job = "11111111111111111111111111111111111111111111111";
    fake_refuse(&fake, "slurm", FL_E_CONFIG, "allowed a number");
    fake.opts.slurm_job = "12";
    fake_refuse(&fake, "slurm", FL_E_CONFIG, "no way to run");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_row_of_the_job_is_taken_before_its_steps),
        cmocka_unit_test(test_what_scontrol_prints_is_read_too),
        cmocka_unit_test(test_abbreviated_energies_are_read),
        cmocka_unit_test(test_nothing_is_an_error_and_no_zero),
        cmocka_unit_test(test_a_job_counts_from_its_first_reading),
        cmocka_unit_test(test_outside_of_a_job_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
