/* Scenario files: what is right resolves, what is wrong comes with its place
 * and all at once. */
#include "scenario_fixture.h"

#include "base/alloc.h"
#include "nn/dataset_type.h"
#include "nn/model_type.h"
#include "nn/registry.h"

#include <string.h>

/* Resolving */

static void test_sections_become_the_scenario(void **state)
{
    (void)state;
    struct scn_scenario *s = scn_load_good(scn_good, NULL, 0);
    assert_string_equal(s->name, "t");
    assert_int_equal(s->seed, 3);
    assert_string_equal(s->dataset, "glyphs");
    assert_non_null(s->dataset_options);
    assert_int_equal(s->clients, 8);
    assert_int_equal(s->normalize, NN_NORMALIZE_STANDARD);
    for (int arm = 0; arm < SCN_ARM_LAST_; arm++)
        assert_true(s->has_arm[arm]);
    assert_int_equal(s->rounds, 100);
    assert_int_equal(s->evaluate_every, 1);
    assert_null(s->strategy);
    assert_int_equal(s->n_fleet, 2);
    assert_string_equal(s->fleet[0].device.name, "pixel_xl");
    assert_string_equal(s->fleet[1].link.name, "home_wifi");
    assert_string_equal(s->fleet[0].zone_name, "FR");
    assert_string_equal(carbon_grid_zone_name(s->grid, s->fleet[0].zone), "FR");
    assert_int_equal(s->server.zone, s->fleet[1].zone);
    assert_near(s->server.pue.value, 1.2, 0, 0); /* the same decimal */
    assert_true(s->datacentre.pue.is_off);
    assert_string_equal(s->preset.name, "full");
    assert_false(s->uploads_data);
    assert_int_equal(strlen(s->sha256), 64);
    scn_scenario_destroy(s);
}

static void test_arms_take_what_they_leave_open_from_local(void **state)
{
    (void)state;
    struct scn_scenario *s = scn_load_good(scn_good, NULL, 0);
    const struct nn_optimizer_opts *central = &s->centralized.optimizer;
    assert_int_equal(s->local.epochs, 2);
    assert_int_equal(s->centralized.epochs, 7);
    assert_int_equal(s->centralized.batch, 5);
    /* here and below: the same decimals */
    assert_near(central->lr, 0.2, 0, 0);
    assert_near(central->momentum, 0.5, 0, 0);
    assert_near(s->centralized.stop_accuracy, 0.9, 0, 0);
    assert_int_equal(s->alone.epochs, 10);
    assert_near(s->alone.optimizer.lr, 0.1, 0, 0);
    assert_near(s->alone.stop_accuracy, 0.8, 0, 0);
    assert_near(s->stop_accuracy, 0.8, 0, 0);
    scn_scenario_destroy(s);
    static const char *const never[] = {"train.centralized.stop.accuracy=0"};
    s = scn_load_good(scn_good, never, 1);
    assert_near(s->centralized.stop_accuracy, 0, 0, 0); /* given: never */
    scn_scenario_destroy(s);
}

/* Every decimal as it is written here. */
static void test_optimisers_have_their_own_defaults(void **state)
{
    (void)state;
    static const char *const sets[] = {
        "train.local={optimizer: adamw, beta1: 0.8, clip_norm: 5}",
        "train.centralized={epochs: 7}", "train.alone={optimizer: sgd}"};
    struct scn_scenario *s = scn_load_good(scn_good, sets, 3);
    const struct nn_optimizer_opts *o = &s->local.optimizer;
    assert_int_equal(o->kind, NN_ADAMW);
    assert_near(o->lr, 0.001, 0, 0);
    assert_near(o->beta1, 0.8, 0, 0);
    assert_near(o->beta2, 0.999, 0, 0);
    assert_near(o->eps, 1e-8, 0, 0);
    assert_near(o->weight_decay, 0.01, 0, 0);
    assert_memory_equal(&s->centralized.optimizer, o, sizeof *o);
    o = &s->alone.optimizer; /* another one: nothing of local's holds */
    assert_int_equal(o->kind, NN_SGD);
    assert_near(o->lr, 0.05, 0, 0);
    assert_near(o->momentum, 0, 0, 0);
    assert_near(o->weight_decay, 0, 0, 0);
    assert_near(o->clip_norm, 0, 0, 0);
    char *text = scn_emit_text(s);
    assert_non_null(strstr(text, "\n    optimizer: adamw"));
    assert_null(strstr(text, "momentum: 0.5"));
    struct scn_scenario *again = NULL;
    struct fl_error err = {0};
    assert_ok(
        scn_scenario_parse("again", text, strlen(text), stderr, &again, &err),
        &err);
    assert_string_equal(again->sha256, s->sha256);
    assert_memory_equal(&again->alone.optimizer, o, sizeof *o);
    scn_scenario_destroy(again);
    fl_free(text);
    scn_scenario_destroy(s);
}

static void test_options_of_other_optimisers_are_refused(void **state)
{
    (void)state;
    assert_set_problem("train.local={optimizer: adam, momentum: 0.9}",
                       "--set: train.local.momentum: not an option of "
                       "optimizer adam");
    assert_set_problem("train.local.beta1=0.9",
                       "train.local.beta1: not an option of optimizer sgd");
    assert_set_problem("train.local.optimizer=adm", "did you mean 'adam'?");
    assert_set_problem("train.local={optimizer: adamw, nesterov: true}",
                       "train.local.nesterov: not an option of optimizer "
                       "adamw");
    assert_set_problem("train.local={nesterov: true}",
                       "train.local.nesterov: nesterov allowed with momentum");
    assert_set_problem("train.local={nesterov: true, momentum: 0.9, "
                       "dampening: 0.1}",
                       "without dampening");
    assert_set_problem("train.centralized={optimizer: adam, dampening: 0}",
                       "train.centralized.dampening: not an option");
}

static void test_schedules_are_each_arms_own(void **state)
{
    (void)state;
    static const char *const sets[] = {
        "train.local.schedule={kind: cosine, warmup: 5}",
        "train.alone.schedule={kind: step, every: 3, gamma: 0.5}"};
    struct scn_scenario *s = scn_load_good(scn_good, sets, 2);
    assert_int_equal(s->local.schedule.kind, NN_SCHEDULE_COSINE);
    assert_int_equal(s->local.schedule.warmup, 5);
    assert_near(s->local.schedule.warmup_start, 1.0 / 3, 0, 0); /* same */
    assert_int_equal(s->centralized.schedule.kind, NN_SCHEDULE_CONSTANT);
    assert_int_equal(s->alone.schedule.every, 3);
    assert_near(s->alone.schedule.gamma, 0.5, 0, 0); /* same decimal */
    scn_scenario_destroy(s);
    assert_set_problem("train.local.schedule={kind: step, gamma: 0.1}",
                       "train.local.schedule.every is missing: a schedule of "
                       "kind step needs it");
    assert_set_problem("train.local.schedule={kind: cosine, gamma: 0.1}",
                       "train.local.schedule.gamma: not an option of kind "
                       "cosine");
    assert_set_problem("train.local.schedule={warmup_start: 0.1}",
                       "allowed with warmup only");
}

static void test_an_initial_model_has_to_be_there(void **state)
{
    (void)state;
    struct scn_scenario *s = scn_load_good(scn_good, NULL, 0);
    assert_null(s->initial_model);
    scn_scenario_destroy(s);
    assert_set_problem("train.initial_model=nowhere.safetensors",
                       "--set: train.initial_model = nowhere.safetensors, "
                       "allowed a file that can be read");
    assert_set_problem("train.initial_model_sha256=00",
                       "train.initial_model_sha256: allowed with "
                       "initial_model only");
}

static void test_a_fact_in_place_overrides_the_profile(void **state)
{
    (void)state;
    static const char *const sets[] = {
        "fleet.0.train_w=12",
        ("fleet.0.rx_w={value: 2, evidence: measured, source: my meter, "
         "year: 2024}"),
        "fleet.1.idle_w=off",
        "carbon.router_w=9.5",
        "carbon.grid.zones={FR: 56}",
    };
    struct scn_scenario *s = scn_load_good(scn_good, sets, 5);
    const struct carbon_device *phone = &s->fleet[0].device;
    assert_near(phone->train_w.value, 12, 0, 0); /* same decimal */
    assert_int_equal(phone->train_w.evidence, CARBON_ASSUMED);
    assert_non_null(strstr(phone->train_w.source, "--set"));
    assert_int_equal(phone->train_flop_per_s.year, 2016); /* the profile's */
    const struct carbon_fact *rx = &s->fleet[0].link.rx_w;
    assert_int_equal(rx->evidence, CARBON_MEASURED);
    assert_string_equal(rx->source, "my meter");
    assert_int_equal(rx->year, 2024);
    assert_true(s->fleet[1].device.idle_w.is_off);
    /* of every link, so the preset has none left */
    assert_near(s->fleet[0].link.router_w.value, 9.5, 0, 0); /* same decimal */
    assert_near(s->fleet[1].link.router_w.value, 9.5, 0, 0);
    assert_null(s->preset.router_w.source);
    double gco2e_per_kwh = 0;
    enum carbon_evidence evidence;
    struct fl_error err = {0};
    assert_ok(carbon_grid_mean(s->grid, s->fleet[0].zone, 0, 1, &gco2e_per_kwh,
                               &evidence, &err),
              &err);
    assert_near(gco2e_per_kwh, 56, 1e-12, 0); /* a mean over one value */
    assert_int_equal(evidence, CARBON_ASSUMED);
    scn_scenario_destroy(s);
}

static void test_a_device_of_ones_own_needs_every_fact(void **state)
{
    (void)state;
    static const char *const sets[] = {
        "fleet.1={device: abacus, share: 0.25, zone: DE, link: lte, train_w: "
        "1, idle_w: off, train_flop_per_s: 3, step_overhead_s: off, memory_w: "
        "off, embodied_kgco2e: 3, lifetime_years: 2, use_share: 0.5}"};
    struct scn_scenario *s = scn_load_good(scn_good, sets, 1);
    assert_string_equal(s->fleet[1].device.name, "abacus");
    assert_near(s->fleet[1].device.train_flop_per_s.value, 3, 0, 0); /* same */
    scn_scenario_destroy(s);
    assert_set_problem("fleet.1={device: abacus, share: 0.25, zone: DE, link: "
                       "lte, train_w: 1, idle_w: off}",
                       "--set: fleet.1.device = abacus, allowed a device: ");
    assert_set_problem("fleet.1={device: abacus, share: 0.25, zone: DE, link: "
                       "lte, train_w: 1, idle_w: off, train_flop_per_s: 3}",
                       "fleet.1.step_overhead_s of abacus is missing, allowed "
                       "seconds, or off: simulated time needs it");
    assert_set_problem("fleet.1={device: abacus, share: 0.25, zone: DE, link: "
                       "lte, train_w: 1, idle_w: off, train_flop_per_s: 3, "
                       "step_overhead_s: off, memory_w: off}",
                       "abacus: fact embodied_kgco2e is missing");
}

static void test_an_upload_link_is_a_name_or_a_section(void **state)
{
    (void)state;
    static const char *const sets[] = {"centralized.upload_data=true",
                                       "centralized.upload_link=fibre"};
    struct scn_scenario *s = scn_load_good(scn_good, sets, 1);
    assert_true(s->uploads_data);
    assert_null(s->upload_link.name); /* each client's own */
    scn_scenario_destroy(s);
    s = scn_load_good(scn_good, sets, 2);
    assert_string_equal(s->upload_link.name, "fibre");
    scn_scenario_destroy(s);
    static const char *const own[] = {
        "centralized.upload_link={link: fibre, up_bps: 1e6}"};
    s = scn_load_good(scn_good, own, 1);
    assert_near(s->upload_link.up_bps.value, 1e6, 0, 0); /* same decimal */
    scn_scenario_destroy(s);
    assert_set_problem("centralized.upload_link=fiber",
                       "did you mean 'fibre'?");
}

static void test_one_intensity_may_hold_everywhere(void **state)
{
    (void)state;
    static const char *const sets[] = {
        "carbon.grid={kind: constant, intensity: 475}", "fleet.0.zone=Mars"};
    struct scn_scenario *s = scn_load_good(scn_good, sets, 2);
    double gco2e_per_kwh = 0;
    enum carbon_evidence evidence;
    struct fl_error err = {0};
    assert_ok(carbon_grid_mean(s->grid, s->fleet[0].zone, 0, 1, &gco2e_per_kwh,
                               &evidence, &err),
              &err);
    assert_near(gco2e_per_kwh, 475, 1e-12, 0); /* a mean over one value */
    scn_scenario_destroy(s);
    assert_set_problem("carbon.grid={kind: constant}",
                       "carbon.grid.intensity is missing");
    assert_set_problem("carbon.grid={kind: constant, intensity: off}",
                       "carbon.grid.intensity = off, allowed a number");
    assert_set_problem("carbon.grid={kind: annual, intensity: 5}",
                       "carbon.grid.intensity: allowed with kind: constant");
}

/* Problems */

/* "a, b, c": all that is registered. */
static char *list_datasets(void)
{
    char *list = NULL;
    size_t n_bytes = 0;
    FILE *out = open_memstream(&list, &n_bytes);
    assert_non_null(out);
    for (size_t i = 0; nn_datasets[i]; i++)
        (void)fprintf(out, "%s%s", i ? ", " : "", nn_datasets[i]->name);
    assert_int_equal(fclose(out), 0);
    return list;
}

static char *list_models(void)
{
    char *list = NULL;
    size_t n_bytes = 0;
    FILE *out = open_memstream(&list, &n_bytes);
    assert_non_null(out);
    for (size_t i = 0; nn_models[i]; i++)
        (void)fprintf(out, "%s%s", i ? ", " : "", nn_models[i]->name);
    assert_int_equal(fclose(out), 0);
    return list;
}

/* expected with the lists in the places of its two %s. */
static void assert_problems_with_lists(const char *text, const char *expected)
{
    char *datasets = list_datasets(), *models = list_models(), *whole = NULL;
    size_t n_bytes = 0;
    FILE *out = open_memstream(&whole, &n_bytes);
    assert_non_null(out);
    const char *first = strstr(expected, "%s");
    const char *second = strstr(first + 2, "%s");
    (void)fprintf(out, "%.*s%s%.*s%s%s", (int)(first - expected), expected,
                  datasets, (int)(second - first - 2), first + 2, models,
                  second + 2);
    assert_int_equal(fclose(out), 0);
    assert_problems(text, NULL, 0, whole);
    fl_free(whole);
    fl_free(datasets);
    fl_free(models);
}

static void test_everything_wrong_comes_at_once_with_its_place(void **state)
{
    (void)state;
    assert_problems_with_lists(
        "name: a/b\n"
        "sede: 1\n"
        "data: {dataset: mnst, clients: 5, partition: {kind: dirichlet, "
        "alpha: 0}, normalize: unti}\n"
        "model: cnn3\n"
        "train:\n"
        "  arms: [federatd, local]\n"
        "  rounds: 1e3\n"
        "  local: {lr: 0.1x}\n"
        "fleet:\n"
        "  - {device: pixel_xl, share: 0.5, zone: FR, link: lte, train_w: "
        "-1}\n"
        "  - {device: laptop, share: 0.4, zone: DE, link: lte}\n"
        "server: {device: cloud_cpu, zone: DE}\n"
        "carbon: {preset: ful, grid: {kind: anual}}\n",
        "F:1:7: name = a/b, allowed up to 64 letters, digits, '-', '_', '.', "
        "the first a letter or digit\n"
        "F:2:1: sede: unknown key, allowed name, seed, mode, mock, data, "
        "model, train, "
        "fleet, server, centralized, serve, carbon, sweep; did you mean "
        "'seed'?\n"
        "F:3:17: data.dataset = mnst, allowed %s; did you mean 'mnist'?\n"
        "F:3:71: data.partition.alpha = 0, allowed a number in (0, "
        "1000000000]\n"
        "F:3:86: data.normalize = unti, allowed standard, unit; did you mean "
        "'unit'?\n"
        "F:4:8: model = cnn3, allowed %s; did you mean 'cnn2'?\n"
        "F:6:10: train.arms.0 = federatd, allowed federated, centralized, "
        "local; did you mean 'federated'?\n"
        "F:7:11: train.rounds = 1e3, allowed a whole number in [1, 1000000]\n"
        "F:8:15: train.local.lr = 0.1x, allowed a number in (0, 10]\n"
        "F:10:3: fleet: shares add up to 0.9, allowed 1\n"
        "F:10:66: fleet.0.train_w = -1, allowed a number in [0, 1000000] W, or "
        "off\n"
        "F:12:9: server.pue is missing: Power usage effectiveness of the data "
        "centre; off: none of its overhead is counted.\n"
        "F:13:18: carbon.preset = ful, allowed full, qiu2023, wu2022, "
        "greenfl2023, savazzi2022, fedzero2024, tapp2026; did you mean "
        "'full'?\n"
        "F:13:36: carbon.grid.kind = anual, allowed annual, hourly, constant, "
        "typical; did you mean 'annual'?\n");
}

static void test_more_clients_per_round_than_clients_is_refused(void **state)
{
    (void)state;
    static const char *const sets[] = {"train.clients_per_round=9"};
    assert_problems(scn_good, sets, 1,
                    "--set: train.clients_per_round = 9, allowed at most "
                    "data.clients = 8\n");
    assert_set_problem("data.clients=3",
                       "F:10:22: train.clients_per_round = 4, allowed at most "
                       "data.clients = 3\n");
    assert_set_problem("train.alone={clients: 9}",
                       "train.alone.clients = 9, allowed at most "
                       "data.clients = 8\n");
}

static void test_arms_need_their_sections(void **state)
{
    (void)state;
    assert_problems(
        "name: t\ndata: {dataset: glyphs, clients: 20}\nmodel: logreg\n"
        "train: {arms: [federated, centralized]}\n"
        "carbon: {preset: full, grid: {kind: annual}}\n",
        NULL, 0,
        "F:1:1: server is missing: the arm federated needs device, zone and "
        "pue of it\n"
        "F:1:1: centralized is missing: the arm centralized needs device, "
        "zone and pue of it\n"
        "F:1:1: fleet is missing: the arms federated and local need rows of "
        "device, zone and link\n");
    assert_problems("name: t\n", NULL, 0,
                    "F:1:1: data is missing: What is learnt from, and who "
                    "holds it.\n"
                    "F:1:1: model is missing: A name (`fedcarbon list "
                    "models`), or a list of layers.\n"
                    "F:1:1: carbon is missing: How it is costed.\n"
                    "F:1:1: server is missing: the arm federated needs "
                    "device, zone and pue of it\n"
                    "F:1:1: fleet is missing: the arms federated and local "
                    "need rows of device, zone and link\n");
    assert_set_problem("fleet=[]", "fleet is missing");
}

static void test_facts_that_are_missing_or_impossible_are_refused(void **state)
{
    (void)state;
    assert_set_problem("fleet.0.zone=Frannce",
                       "--set: fleet.0.zone = Frannce, allowed a zone, or one "
                       "of carbon.grid.zones:");
    assert_set_problem("fleet.0.zone=Frannce", "did you mean 'France'?");
    assert_set_problem("fleet.0.train_flop_per_s=off",
                       "--set: fleet.0.train_flop_per_s of pixel_xl is off, "
                       "allowed a number: simulated time needs it");
    assert_set_problem("fleet.0.up_bps=off", "simulated time needs it");
    assert_set_problem("fleet.0.train_w=0.03",
                       "--set: fleet.0.idle_w of pixel_xl is 0.04 W, allowed "
                       "at most its train_w, 0.03 W");
    assert_set_problem("fleet.0.idle_w={value: 1, evidence: guessed}",
                       "--set: fleet.0.idle_w.evidence = guessed, allowed "
                       "measured, datasheet, derived, assumed");
    assert_set_problem("server.pue=0.9",
                       "--set: server.pue = 0.9, allowed a number in [1, 10], "
                       "or off");
    assert_set_problem("server.pue=",
                       "--set: server.pue = nothing, allowed a number");
    assert_set_problem("carbon.grid.zones={FR: off}",
                       "carbon.grid.zones.FR = off, allowed a number");
    assert_set_problem("carbon.grid.zones={XX: high}",
                       "carbon.grid.zones.XX = high, allowed a number in [0, "
                       "5000] gCO2e/kWh, or off");
    assert_set_problem("carbon.grid.zones={FR: 1e-}", /* looked at twice */
                       "carbon.grid.zones.FR = 1e-, allowed a number");
    assert_set_problem("carbon.grid.zones=[FR]", "carbon.grid.zones: found no "
                                                 "section");
}

static void test_names_of_plug_ins_are_checked_without_data(void **state)
{
    (void)state;
    assert_set_problem("data.dataset={writers: 3}", "data.dataset: found no "
                                                    "kind");
    assert_set_problem("data.dataset={kind: glyphs, writer: 3}",
                       "did you mean 'writers'?");
    assert_set_problem("data.dataset=[glyphs]", "data.dataset: found no kind");
    assert_set_problem("data.partition=dirichelt", "did you mean 'dirichlet'?");
    assert_set_problem("data.partition={kind: dirichlet, alpah: 1}",
                       "did you mean 'alpha'?");
    assert_set_problem("model=~", "model = nothing, allowed a value");
}

static void test_hourly_grids_need_a_trace_and_a_start(void **state)
{
    (void)state;
    static const char *const sets[] = {
        "carbon={preset: full, grid: {kind: hourly}}"};
    assert_problems(scn_good, sets, 1,
                    "--set: carbon.start is missing: hourly grids need the "
                    "instant at which training starts\n"
                    "--set: carbon.grid.trace is missing: hourly grids need a "
                    "CSV file\n");
    assert_set_problem("carbon={preset: full, grid: {kind: hourly, trace: "
                       "nowhere.csv}, start: 2022-06-01T00:00Z}",
                       "nowhere.csv, allowed a file that can be read");
    assert_set_problem("carbon.start=yesterday",
                       "--set: carbon.start: 'yesterday' is not an instant");
}

static void test_empty_and_broken_files_are_refused(void **state)
{
    (void)state;
    assert_problems("", NULL, 0,
                    "F:1:1: found an empty file, allowed keys and values\n");
    assert_problems("name: t\nname: u\n", NULL, 0,
                    "F:2:1: name: duplicate key, first given in line 1\n");
    assert_problems("name: \xff\n", NULL, 0,
                    "F:1:7: found byte 0xff, allowed UTF-8 text\n");
    struct scn_scenario *s = NULL;
    struct fl_error err = {0};
    assert_int_equal(
        scn_scenario_create("no/such.yaml", NULL, 0, NULL, &s, &err), FL_E_IO);
    assert_int_equal(scn_scenario_parse("m", "a", 1, NULL, &s, &err),
                     FL_E_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sections_become_the_scenario),
        cmocka_unit_test(test_arms_take_what_they_leave_open_from_local),
        cmocka_unit_test(test_optimisers_have_their_own_defaults),
        cmocka_unit_test(test_options_of_other_optimisers_are_refused),
        cmocka_unit_test(test_schedules_are_each_arms_own),
        cmocka_unit_test(test_an_initial_model_has_to_be_there),
        cmocka_unit_test(test_a_fact_in_place_overrides_the_profile),
        cmocka_unit_test(test_a_device_of_ones_own_needs_every_fact),
        cmocka_unit_test(test_an_upload_link_is_a_name_or_a_section),
        cmocka_unit_test(test_one_intensity_may_hold_everywhere),
        cmocka_unit_test(test_everything_wrong_comes_at_once_with_its_place),
        cmocka_unit_test(test_more_clients_per_round_than_clients_is_refused),
        cmocka_unit_test(test_arms_need_their_sections),
        cmocka_unit_test(test_facts_that_are_missing_or_impossible_are_refused),
        cmocka_unit_test(test_names_of_plug_ins_are_checked_without_data),
        cmocka_unit_test(test_hourly_grids_need_a_trace_and_a_start),
        cmocka_unit_test(test_empty_and_broken_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
