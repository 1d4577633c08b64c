/* Nodes made of parts, chips made in factories, and where to answer requests:
 * figures that are worked by hand in docs/validation.md. */
#include "carbon_fixture.h"

#include "carbon/act.h"
#include "carbon/crossover.h"
#include "carbon/node.h"

#include <math.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Sums and products of a handful of decimals: a few 2^-53. */
static const double rtol = 1e-14;

static struct carbon_fact given(double value, enum carbon_evidence evidence)
{
    return (struct carbon_fact){
        .value = value, .evidence = evidence, .year = 2022, .source = "test"};
}

/* Base 200 W, 2 CPUs of 50/200 W, n_gpus of 60/400 W. */
static size_t parts_of(int64_t busy_cpus,
                       int64_t n_gpus,
                       int64_t busy_gpus,
                       struct carbon_part ret[3])
{
    ret[0] = (struct carbon_part){.kind = CARBON_PART_OTHER,
                                  .n = 1,
                                  .busy = 1,
                                  .busy_w = given(200, CARBON_MEASURED),
                                  .idle_w = given(200, CARBON_MEASURED)};
    ret[1] = (struct carbon_part){.kind = CARBON_PART_CPU,
                                  .n = 2,
                                  .busy = busy_cpus,
                                  .busy_w = given(200, CARBON_DATASHEET),
                                  .idle_w = given(50, CARBON_MEASURED)};
    ret[2] = (struct carbon_part){.kind = CARBON_PART_GPU,
                                  .n = n_gpus,
                                  .busy = busy_gpus,
                                  .busy_w = given(400, CARBON_ASSUMED),
                                  .idle_w = given(60, CARBON_MEASURED)};
    return n_gpus > 0 ? 3 : 2;
}

static char text[900];

static struct carbon_device compose(const struct carbon_part *parts, size_t n)
{
    struct carbon_device device = {.name = "node"};
    struct fl_error err = {0};
    assert_ok(carbon_node_compose(parts, n, text, sizeof text, &device, &err),
              &err);
    return device;
}

/* Finding 1 of Caspart et al. 2022: energy is not time x a constant, the node
 * matters. */
static void test_a_job_pays_the_idle_power_of_what_it_does_not_use(void **state)
{
    (void)state;
    struct carbon_part parts[3];
    double mixed_w = compose(parts, parts_of(2, 4, 0, parts)).train_w.value;
    double cpus_w = compose(parts, parts_of(2, 0, 0, parts)).train_w.value;
    double gpus_w = compose(parts, parts_of(0, 4, 4, parts)).train_w.value;
    double tdp_w = compose(&parts[1], 1).idle_w.value; /* both CPUs idle */
    assert_near(mixed_w * 10, 8400, rtol, 0);          /* Wh of 10 h: 8.4 kWh */
    assert_near(cpus_w * 10, 6000, rtol, 0);

    assert_true(mixed_w > cpus_w && cpus_w > 2 * 200);
    assert_near(gpus_w, 200 + 2 * 50 + 4 * 400, rtol, 0);
    assert_near(tdp_w, 100, rtol, 0);
}

/* Finding 2: each accelerator left idle costs, and does nothing. */
static void test_idle_accelerators_cost_in_proportion(void **state)
{
    (void)state;
    struct carbon_part parts[3];
    double without_w = compose(parts, parts_of(2, 0, 0, parts)).train_w.value;
    for (int64_t n = 1; n <= 8; n++) {
        struct carbon_device d = compose(parts, parts_of(2, n, 0, parts));
        assert_near(d.train_w.value - without_w, 60 * (double)n, rtol, 0);
        assert_near(d.idle_w.value, 200 + 100 + 60 * (double)n, rtol, 0);
    }
}

/* Finding 3: GPUs win training by more than they win single answers. */
static void test_shipped_cpus_come_closer_in_answering(void **state)
{
    (void)state;
    const struct carbon_device *cpu = NULL, *gpu = NULL;
    struct fl_error err = {0};
    assert_ok(carbon_device_find("cpu_server", &cpu, &err), &err);
    assert_ok(carbon_device_find("a100_node", &gpu, &err), &err);
    const double flop = 2 * 416520.0; /* of one sample, LeNet-5 */
    const double batch_flop = 3 * 256 * flop;
    double train[2], answer[2];
    const struct carbon_device *devices[] = {cpu, gpu};
    for (int i = 0; i < 2; i++) {
        const struct carbon_device *d = devices[i];
        double overhead_s = d->step_overhead_s.value;
        double speed = d->train_flop_per_s.value;
        train[i] = d->train_w.value * (batch_flop / speed + overhead_s);
        answer[i] = d->train_w.value * (flop / speed + overhead_s);
    }
    assert_true(answer[0] / answer[1] < train[0] / train[1]);
}

static void test_composed_facts_have_the_weakest_evidence(void **state)
{
    (void)state;
    struct carbon_part parts[3];
    struct carbon_device d = compose(parts, parts_of(2, 4, 0, parts));
    assert_int_equal(d.train_w.evidence, CARBON_DERIVED); /* at best */
    assert_int_equal(d.idle_w.evidence, CARBON_DERIVED);
    assert_string_equal(d.train_w.source,
                        "parts: 1 x 200 other busy_w + 2 x 200 cpu busy_w + 4 "
                        "x 60 gpu idle_w");
    assert_null(d.embodied_kgco2e.source); /* no part has one: missing */
    d = compose(parts, parts_of(0, 4, 1, parts));
    assert_int_equal(d.train_w.evidence, CARBON_ASSUMED);
    assert_int_equal(d.train_w.year, 2022);
    parts[2].embodied_kgco2e = given(150, CARBON_ASSUMED);
    d = compose(parts, 3);
    assert_near(d.embodied_kgco2e.value, 600, rtol, 0);
}

static void test_impossible_parts_are_refused(void **state)
{
    (void)state;
    struct carbon_part parts[3] = {0};
    struct carbon_device device = {.name = "node"};
    struct fl_error err = {0};
    assert_int_equal(
        carbon_node_compose(parts, 0, text, sizeof text, &device, &err),
        FL_E_CONFIG);
    size_t n = parts_of(3, 4, 0, parts); /* 3 of 2 */
    assert_int_equal(
        carbon_node_compose(parts, n, text, sizeof text, &device, &err),
        FL_E_CONFIG);
    assert_non_null(strstr(err.text, "3 of 2 busy"));
    n = parts_of(2, 4, 0, parts);
    parts[2].idle_w = (struct carbon_fact){0};
    assert_int_equal(
        carbon_node_compose(parts, n, text, sizeof text, &device, &err),
        FL_E_CONFIG);
    assert_non_null(strstr(err.text, "idle_w"));
    assert_null(device.train_w.source); /* nothing was written */
}

static void test_a_long_source_is_cut_and_the_sum_is_not(void **state)
{
    (void)state;
    struct carbon_part parts[40] = {0};
    struct carbon_device device = {.name = "node"};
    struct fl_error err = {0};
    char little[30];
    struct carbon_part one[3];
    parts_of(2, 1, 1, one);
    for (size_t i = 0; i < COUNT(parts); i++)
        parts[i] = one[1];
    assert_ok(carbon_node_compose(parts, COUNT(parts), little, sizeof little,
                                  &device, &err),
              &err);
    assert_near(device.idle_w.value, 40 * 100, rtol, 0);
    assert_int_equal(strlen(device.train_w.source), 9);
}

/* ACT */

static struct carbon_act_made make(struct carbon_act_chip chip)
{
    struct carbon_act_made made;
    struct fl_error err = {0};
    assert_ok(carbon_act_chip(&chip, &made, &err), &err);
    return made;
}

static void test_act_gives_the_figures_of_its_authors(void **state)
{
    (void)state;
    /* The unit test of facebookresearch/ACT: 2608.702 g, to the last digit
     * that it prints, half of which is allowed. */
    struct carbon_act_made made =
        make((struct carbon_act_chip){.area_mm2 = 145,
                                      .node_nm = 10,
                                      .fab_gco2e_per_kwh = 583,
                                      .yield_ratio = 0.943543,
                                      .ics = 1});
    assert_near(made.gco2e, 2608.702, 0, 5e-4);
    /* 0.3199 cm2 at 28 nm, Taiwan's 524 g/kWh, no package: 0.41920 kg */
    made = make((struct carbon_act_chip){.area_mm2 = 31.99,
                                         .node_nm = 28,
                                         .fab_gco2e_per_kwh = 524,
                                         .yield_ratio = 0.875});
    assert_near(made.gco2e, 419.20, 0, 5e-3); /* its last digit */
}

static void test_a_process_between_rows_takes_the_nearest(void **state)
{
    (void)state;
    struct carbon_act_chip chip = {.area_mm2 = 100,
                                   .node_nm = 22,
                                   .fab_gco2e_per_kwh = 524,
                                   .yield_ratio = 0.875};
    struct carbon_act_made made = make(chip);
    assert_near(made.node->node_nm, 20, 0, 0); /* the row's own number */
    /* (524 x 1.2 + 190 + 500) / 0.875 */
    assert_near(made.gco2e, 1507.2, rtol, 0);
    chip.node_nm = 24; /* as far from 20 as from 28 */
    assert_near(make(chip).node->node_nm, 28, 0, 0);
    chip.node_nm = 65;
    assert_near(make(chip).node->node_nm, 28, 0, 0);
    chip.node_nm = 1;
    assert_near(make(chip).node->node_nm, 3, 0, 0);
}

static void test_act_grows_with_area_and_falls_with_yield(void **state)
{
    (void)state;
    for (const struct carbon_act_node *node = carbon_act_nodes;
         node->node_nm > 0; node++) {
        struct carbon_act_chip chip = {.area_mm2 = 100,
                                       .node_nm = node->node_nm,
                                       .fab_gco2e_per_kwh = 500,
                                       .yield_ratio = 0.8};
        double once = make(chip).gco2e;
        assert_true(node->gas_99_gco2e_per_cm2 < node->gas_95_gco2e_per_cm2);
        chip.area_mm2 = 200;
        assert_near(make(chip).gco2e, 2 * once, rtol, 0);
        chip.yield_ratio = 0.4;
        assert_near(make(chip).gco2e, 4 * once, rtol, 0);
        chip.is_abated_99 = true;
        assert_true(make(chip).gco2e < 4 * once);
        chip.area_mm2 = 0;
        assert_near(make(chip).gco2e, 0, 0, 0); /* nothing, exactly */
    }
}

static void test_impossible_chips_are_refused(void **state)
{
    (void)state;
    const struct carbon_act_chip good = {.area_mm2 = 100,
                                         .node_nm = 7,
                                         .fab_gco2e_per_kwh = 500,
                                         .yield_ratio = 0.8,
                                         .ics = 1};
    struct carbon_act_chip bad[6];
    for (size_t i = 0; i < COUNT(bad); i++)
        bad[i] = good;
    bad[0].area_mm2 = -1;
    bad[1].node_nm = 0;
    bad[2].fab_gco2e_per_kwh = -1;
    bad[3].yield_ratio = 0;
    bad[4].yield_ratio = 1.01;
    bad[5].ics = -1;
    struct carbon_act_made made;
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(carbon_act_chip(&bad[i], &made, NULL), FL_E_CONFIG);
    bad[0].area_mm2 = (double)NAN;
    assert_int_equal(carbon_act_chip(&bad[0], &made, NULL), FL_E_NUMERIC);
}

/* Crossover */

static void test_a_camera_and_a_server(void **state)
{
    (void)state;
    /* 40 kB x 0.01 kWh/GB; 250 W x 10 ms x 1.1; 3 W x 0.1 s */
    struct carbon_crossover c = {.end_j = 0.3,
                                 .network_j_per_byte = 3.6e-5,
                                 .bytes = 40e3,
                                 .server_j = 2.75,
                                 .rate_hz = 1};
    assert_near(c.bytes * c.network_j_per_byte, 1.44, rtol, 0);
    assert_near(carbon_crossover_server_j(&c), 4.19, rtol, 0);
    assert_true(isnan(carbon_crossover_bytes(&c)));
    assert_true(isnan(carbon_crossover_rate_hz(&c)));
}

static void test_at_the_crossover_both_draw_the_same(void **state)
{
    (void)state;
    struct carbon_crossover c = {.end_j = 5,
                                 .network_j_per_byte = 3.6e-5,
                                 .bytes = 40e3,
                                 .server_j = 1,
                                 .ready_w = 10,
                                 .rate_hz = 20};
    double same_bytes = carbon_crossover_bytes(&c);
    /* (5 - 1 - 10 / 20) / 3.6e-5 */
    assert_near(same_bytes, 3.5 / 3.6e-5, rtol, 0);
    double same_hz = carbon_crossover_rate_hz(&c);
    assert_near(same_hz, 10 / (5 - 1 - 1.44), rtol, 0);
    struct carbon_crossover there = c;
    there.bytes = same_bytes;
    assert_near(carbon_crossover_server_j(&there), c.end_j, rtol, 0);
    there = c;
    there.rate_hz = same_hz;
    assert_near(carbon_crossover_server_j(&there), c.end_j, rtol, 0);
    there.rate_hz = 2 * same_hz; /* servers kept ready want to be used */
    assert_true(carbon_crossover_server_j(&there) < c.end_j);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_a_job_pays_the_idle_power_of_what_it_does_not_use),
        cmocka_unit_test(test_idle_accelerators_cost_in_proportion),
        cmocka_unit_test(test_shipped_cpus_come_closer_in_answering),
        cmocka_unit_test(test_composed_facts_have_the_weakest_evidence),
        cmocka_unit_test(test_impossible_parts_are_refused),
        cmocka_unit_test(test_a_long_source_is_cut_and_the_sum_is_not),
        cmocka_unit_test(test_act_gives_the_figures_of_its_authors),
        cmocka_unit_test(test_a_process_between_rows_takes_the_nearest),
        cmocka_unit_test(test_act_grows_with_area_and_falls_with_yield),
        cmocka_unit_test(test_impossible_chips_are_refused),
        cmocka_unit_test(test_a_camera_and_a_server),
        cmocka_unit_test(test_at_the_crossover_both_draw_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
