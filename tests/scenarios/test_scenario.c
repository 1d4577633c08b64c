/* Scenario files: what is wrong comes with its place and all at once, what is
 * right resolves to one set of values with one hash. argv[1]: the repository's
 * folder of scenarios. */
#include "support/assert_near.h"

#include "base/alloc.h"
#include "scenarios/scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *shipped_dir;

/* A scenario that is right; %s: more lines at the end. */
static const char good[] =
    "name: t\n"                                                       /* 1 */
    "seed: 3\n"                                                       /* 2 */
    "data:\n"                                                         /* 3 */
    "  dataset: {kind: glyphs, writers: 8, samples_per_writer: 10}\n" /* 4 */
    "  clients: 8\n"                                                  /* 5 */
    "  partition: natural\n"                                          /* 6 */
    "model: logreg\n"                                                 /* 7 */
    "train:\n"                                                        /* 8 */
    "  arms: [federated, centralized, local]\n"                       /* 9 */
    "  clients_per_round: 4\n"                                        /* 10 */
    "  stop: {accuracy: 0.8}\n"                                       /* 11 */
    "  local: {epochs: 2, batch: 5, lr: 0.1, momentum: 0.5}\n"        /* 12 */
    "  centralized: {epochs: 7, lr: 0.2, stop: {accuracy: 0.9}}\n"    /* 13 */
    "fleet:\n"                                                        /* 14 */
    "  - {device: pixel_xl, share: 0.75, zone: FR, link: lte}\n"      /* 15 */
    "  - {device: laptop, share: 0.25, zone: DE, link: home_wifi}\n"  /* 16 */
    "server: {device: cloud_cpu, zone: DE, pue: 1.2}\n"               /* 17 */
    "centralized: {device: v100_node, zone: SE, pue: off}\n"          /* 18 */
    "carbon: {preset: full, grid: {kind: annual}}\n";                 /* 19 */

/* Loads text; problems (heap, free) are what was printed. */
static enum fl_status load(const char *text,
                           const char *const *sets,
                           size_t n_sets,
                           struct scn_scenario **ret,
                           char **ret_problems)
{
    char path[] = "test_scenario_XXXXXX.yaml";
    int fd = mkstemps(path, 5);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(close(fd), 0);
    size_t n = 0;
    FILE *out = open_memstream(ret_problems, &n);
    assert_non_null(out);
    struct fl_error err = {0};
    enum fl_status status =
        scn_scenario_create(path, sets, n_sets, out, ret, &err);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(unlink(path), 0);
    /* the file's name is different each time */
    for (char *p = strstr(*ret_problems, path); p; p = strstr(p, path)) {
        memmove(p, "F", 1);
        memmove(p + 1, p + strlen(path), strlen(p + strlen(path)) + 1);
    }
    return status;
}

static struct scn_scenario *
load_good(const char *text, const char *const *sets, size_t n_sets)
{
    struct scn_scenario *scenario = NULL;
    char *problems = NULL;
    if (load(text, sets, n_sets, &scenario, &problems) != FL_OK)
        fail_msg("%s", problems);
    assert_string_equal(problems, "");
    free(problems);
    return scenario;
}

static void assert_problems(const char *text,
                            const char *const *sets,
                            size_t n_sets,
                            const char *expected)
{
    struct scn_scenario *scenario = NULL;
    char *problems = NULL;
    assert_int_equal(load(text, sets, n_sets, &scenario, &problems),
                     FL_E_CONFIG);
    assert_null(scenario);
    assert_string_equal(problems, expected);
    free(problems);
}

/* One --set on the good scenario gives this problem. */
static void assert_set_problem(const char *set, const char *expected)
{
    struct scn_scenario *scenario = NULL;
    char *problems = NULL;
    assert_int_equal(load(good, &set, 1, &scenario, &problems), FL_E_CONFIG);
    if (!strstr(problems, expected))
        fail_msg("%s: found '%s', expected '%s'", set, problems, expected);
    free(problems);
}

/* Resolving */

static void test_sections_become_the_scenario(void **state)
{
    (void)state;
    struct scn_scenario *s = load_good(good, NULL, 0);
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
    struct scn_scenario *s = load_good(good, NULL, 0);
    assert_int_equal(s->local.epochs, 2);
    assert_int_equal(s->centralized.epochs, 7);
    assert_int_equal(s->centralized.batch, 5);
    assert_near(s->centralized.sgd.lr, 0.2, 0, 0);        /* same decimal */
    assert_near(s->centralized.sgd.momentum, 0.5, 0, 0);  /* same decimal */
    assert_near(s->centralized.stop_accuracy, 0.9, 0, 0); /* same decimal */
    assert_int_equal(s->alone.epochs, 10);
    assert_near(s->alone.sgd.lr, 0.1, 0, 0);        /* same decimal */
    assert_near(s->alone.stop_accuracy, 0.8, 0, 0); /* same decimal */
    assert_near(s->stop_accuracy, 0.8, 0, 0);       /* same decimal */
    scn_scenario_destroy(s);
    static const char *const never[] = {"train.centralized.stop.accuracy=0"};
    s = load_good(good, never, 1);
    assert_near(s->centralized.stop_accuracy, 0, 0, 0); /* given: never */
    scn_scenario_destroy(s);
}

static void test_a_fact_in_place_overrides_the_profile(void **state)
{
    (void)state;
    static const char *const sets[] = {
        "fleet.0.train_w=12",
        "fleet.0.rx_w={value: 2, evidence: measured, source: my meter, "
        "year: 2024}",
        "fleet.1.idle_w=off",
        "carbon.router_w=9.5",
        "carbon.grid.zones={FR: 56}",
    };
    struct scn_scenario *s = load_good(good, sets, 5);
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
    assert_near(s->preset.router_w.value, 9.5, 0, 0); /* same decimal */
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
        "1, idle_w: off, train_flop_per_s: 3}"};
    struct scn_scenario *s = load_good(good, sets, 1);
    assert_string_equal(s->fleet[1].device.name, "abacus");
    assert_near(s->fleet[1].device.train_flop_per_s.value, 3, 0, 0); /* same */
    scn_scenario_destroy(s);
    assert_set_problem("fleet.1={device: abacus, share: 0.25, zone: DE, link: "
                       "lte, train_w: 1, idle_w: off}",
                       "--set: fleet.1.device = abacus, allowed a device: ");
}

static void test_an_upload_link_is_a_name_or_a_section(void **state)
{
    (void)state;
    static const char *const sets[] = {"centralized.upload_data=true",
                                       "centralized.upload_link=fibre"};
    struct scn_scenario *s = load_good(good, sets, 1);
    assert_true(s->uploads_data);
    assert_null(s->upload_link.name); /* each client's own */
    scn_scenario_destroy(s);
    s = load_good(good, sets, 2);
    assert_string_equal(s->upload_link.name, "fibre");
    scn_scenario_destroy(s);
    static const char *const own[] = {
        "centralized.upload_link={link: fibre, up_bps: 1e6}"};
    s = load_good(good, own, 1);
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
    struct scn_scenario *s = load_good(good, sets, 2);
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

static void test_everything_wrong_comes_at_once_with_its_place(void **state)
{
    (void)state;
    assert_problems(
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
        NULL, 0,
        "F:1:7: name = a/b, allowed up to 64 letters, digits, '-', '_', '.', "
        "the first a letter or digit\n"
        "F:2:1: sede: unknown key, allowed name, seed, data, model, train, "
        "fleet, server, centralized, carbon; did you mean 'seed'?\n"
        "F:3:17: data.dataset = mnst, allowed cifar10, fashion_mnist, fsdd, "
        "glyphs, mnist, pneumonia_mnist; did you mean 'mnist'?\n"
        "F:3:71: data.partition.alpha = 0, allowed a number in (0, "
        "1000000000]\n"
        "F:3:86: data.normalize = unti, allowed standard, unit; did you mean "
        "'unit'?\n"
        "F:4:8: model = cnn3, allowed cnn2, lenet5, logreg, mlp, simple_cnn; "
        "did you mean 'cnn2'?\n"
        "F:6:10: train.arms.0 = federatd, allowed federated, centralized, "
        "local; did you mean 'federated'?\n"
        "F:7:11: train.rounds = 1e3, allowed a whole number in [1, 1000000]\n"
        "F:8:15: train.local.lr = 0.1x, allowed a number in (0, 10]\n"
        "F:10:3: fleet: shares add up to 0.9, allowed 1\n"
        "F:10:66: fleet.0.train_w = -1, allowed a number in [0, 1000000] W, or "
        "off\n"
        "F:12:9: server.pue is missing: Power usage effectiveness of the data "
        "centre; off: none of its overhead is counted.\n"
        "F:13:18: carbon.preset = ful, allowed full, qiu2023; did you mean "
        "'full'?\n"
        "F:13:36: carbon.grid.kind = anual, allowed annual, hourly, constant; "
        "did you mean 'annual'?\n");
}

static void test_more_clients_per_round_than_clients_is_refused(void **state)
{
    (void)state;
    static const char *const sets[] = {"train.clients_per_round=9"};
    assert_problems(good, sets, 1,
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
    assert_set_problem("fleet.0.zone=FRANCE", "--set: fleet.0.zone = FRANCE, "
                                              "allowed a zone, or one of "
                                              "carbon.grid.zones:");
    assert_set_problem("fleet.0.train_flop_per_s=off",
                       "--set: fleet.0.train_flop_per_s of pixel_xl is off, "
                       "allowed a number: simulated time needs it");
    assert_set_problem("fleet.0.up_bps=off", "simulated time needs it");
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
    assert_problems(good, sets, 1,
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

/* Traces */

static const char trace[] = "datetime_utc,FR,DE,SE\n"
                            "2022-06-01T00:00Z,50,400,20\n"
                            "2022-06-01T01:00Z,60,300,21\n";

static void write_file(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_int_equal(fputs(text, out) >= 0, 1);
    assert_int_equal(fclose(out), 0);
}

static char *emit(const struct scn_scenario *s)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    assert_non_null(out);
    scn_scenario_emit(s, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void test_a_trace_is_pinned_and_a_client_needs_no_file(void **state)
{
    (void)state;
    write_file("test_trace.csv", trace);
    static const char *const sets[] = {
        "carbon.grid={kind: hourly, trace: test_trace.csv}",
        "carbon.start=2022-06-01T00:30Z"};
    struct scn_scenario *s = load_good(good, sets, 2);
    assert_non_null(s->grid);
    char *text = emit(s);
    assert_non_null(strstr(text, "\n    trace: /"));
    assert_non_null(strstr(text, "\n    trace_sha256: "));
    /* on a host without the file */
    write_file("test_trace.csv", "something else\n");
    struct scn_scenario *client = NULL;
    struct fl_error err = {0};
    assert_ok(
        scn_scenario_parse("message", text, strlen(text), NULL, &client, &err),
        &err);
    assert_null(client->grid);
    assert_string_equal(client->sha256, s->sha256);
    assert_int_equal(client->start_epoch_s, s->start_epoch_s);
    assert_int_equal(scn_scenario_open_grid(client, &err), FL_E_FORMAT);
    scn_scenario_destroy(client);
    /* resumed with another file under the same name */
    char *problems = NULL;
    assert_int_equal(load(text, NULL, 0, &client, &problems), FL_E_CONFIG);
    assert_non_null(strstr(problems, "carbon.grid.trace_sha256 = "));
    free(problems);
    write_file("test_trace.csv", trace);
    assert_ok(
        scn_scenario_parse("message", text, strlen(text), NULL, &client, &err),
        &err);
    assert_ok(scn_scenario_open_grid(client, &err), &err);
    assert_ok(scn_scenario_open_grid(client, &err), &err); /* once is enough */
    scn_scenario_destroy(client);
    free(text);
    scn_scenario_destroy(s);
    assert_int_equal(unlink("test_trace.csv"), 0);
}

static void test_a_start_outside_the_trace_is_the_starts_problem(void **state)
{
    (void)state;
    write_file("test_trace.csv", trace);
    static const char *const late[] = {
        "carbon.grid={kind: hourly, trace: test_trace.csv}",
        "carbon.start=2023-06-01T00:30Z"};
    struct scn_scenario *s = NULL;
    char *problems = NULL;
    assert_int_equal(load(good, late, 2, &s, &problems), FL_E_CONFIG);
    assert_non_null(strstr(problems, "--set: carbon.start: "));
    free(problems);
    static const char *const elsewhere[] = {
        "carbon.grid={kind: hourly, trace: test_trace.csv}",
        "carbon.start=2022-06-01T00:30Z", "fleet.0.zone=PL"};
    assert_int_equal(load(good, elsewhere, 3, &s, &problems), FL_E_CONFIG);
    assert_non_null(strstr(problems, "--set: fleet.0.zone: "));
    assert_null(strstr(problems, "DE'"));
    free(problems);
    assert_int_equal(unlink("test_trace.csv"), 0);
}

/* Identity */

static void test_what_is_emitted_is_the_same_scenario(void **state)
{
    (void)state;
    static const char *const sets[] = {"fleet.0.train_w=12",
                                       "centralized.upload_data=true",
                                       "centralized.upload_link=lte"};
    struct scn_scenario *s = load_good(good, sets, 3);
    char *text = emit(s);
    struct scn_scenario *again = NULL;
    struct fl_error err = {0};
    assert_ok(
        scn_scenario_parse("again", text, strlen(text), stderr, &again, &err),
        &err);
    assert_string_equal(again->sha256, s->sha256);
    assert_non_null(again->grid);
    assert_int_equal(again->fleet[0].device.train_w.evidence, CARBON_ASSUMED);
    assert_true(again->fleet[0].link.router_w.is_off);
    assert_string_equal(again->fleet[0].link.router_w.source,
                        s->fleet[0].link.router_w.source);
    assert_near(again->fleet[0].device.idle_w.value,
                s->fleet[0].device.idle_w.value, 0, 0); /* the same bits */
    assert_int_equal(again->fleet[0].device.idle_w.evidence,
                     s->fleet[0].device.idle_w.evidence);
    char *text_again = emit(again);
    struct scn_scenario *third = NULL;
    assert_ok(scn_scenario_parse("third", text_again, strlen(text_again),
                                 stderr, &third, &err),
              &err);
    assert_string_equal(third->sha256, s->sha256);
    free(text);
    free(text_again);
    scn_scenario_destroy(s);
    scn_scenario_destroy(again);
    scn_scenario_destroy(third);
}

static void test_the_hash_is_of_values_not_of_their_writing(void **state)
{
    (void)state;
    struct scn_scenario *s = load_good(good, NULL, 0);
    static const char *const same[] = {
        "train.local.lr=1e-1", "train.rounds=100", "data.root=/elsewhere",
        "seed=3",
        "data.dataset={samples_per_writer: 10, writers: 8, kind: "
        "glyphs}"};
    struct scn_scenario *t = load_good(good, same, 5);
    assert_string_equal(s->sha256, t->sha256);
    assert_string_equal(t->data_root, "/elsewhere");
    scn_scenario_destroy(t);
    static const char *const others[] = {
        "seed=4", "train.local.lr=0.11", "fleet.0.train_w=1.8901",
        "data.dataset.writers=9", "train.strategy=fedprox"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        t = load_good(good, &others[i], 1);
        assert_string_not_equal(s->sha256, t->sha256);
        scn_scenario_destroy(t);
    }
    scn_scenario_destroy(s);
}

/* Fleet */

static void test_shares_become_clients_by_largest_remainder(void **state)
{
    (void)state;
    static const char *const sets[] = {
        "fleet=[{device: pixel_xl, share: 0.5, zone: FR, link: lte}, {device: "
        "laptop, share: 0.3, zone: DE, link: lte}, {device: laptop, share: "
        "0.2, zone: SE, link: lte}]"};
    struct scn_scenario *s = load_good(good, sets, 1);
    static const struct {
        int64_t clients, rows[3];
    } cases[] = {{10, {5, 3, 2}}, {1, {1, 0, 0}},   {2, {1, 1, 0}},
                 {7, {4, 2, 1}},  {30, {15, 9, 6}}, {101, {51, 30, 20}}};
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        int32_t row[101];
        int64_t found[3] = {0};
        scn_fleet_assign(s, cases[c].clients, row);
        for (int64_t i = 0; i < cases[c].clients; i++)
            found[row[i]]++;
        for (int r = 0; r < 3; r++)
            assert_int_equal(found[r], cases[c].rows[r]);
    }
    int32_t first[100], second[100];
    scn_fleet_assign(s, 100, first);
    scn_fleet_assign(s, 100, second);
    assert_memory_equal(first, second, sizeof first);
    s->seed = 4;
    scn_fleet_assign(s, 100, second);
    assert_memory_not_equal(first, second, sizeof first);
    scn_scenario_destroy(s);
}

/* Task */

static enum fl_status
open_task(struct scn_scenario *s, char **ret_problems, struct fl_error *err)
{
    size_t n = 0;
    FILE *out = open_memstream(ret_problems, &n);
    assert_non_null(out);
    struct scn_task task = {0};
    enum fl_status status =
        scn_task_init(&task, s, NULL, "test_scenario_cache", out, err);
    assert_int_equal(fclose(out), 0);
    if (status == FL_OK) {
        assert_int_equal(task.partition.clients, 8);
        assert_int_equal(nn_model_classes(task.model), 10);
        assert_int_equal(nn_dataset_train(task.dataset)->n, 80);
        assert_int_equal(nn_model_n_params(task.model), 7850);
    }
    scn_task_fini(&task);
    return status;
}

static void test_a_task_is_data_model_and_partition(void **state)
{
    (void)state;
    struct scn_scenario *s = load_good(good, NULL, 0);
    char *problems = NULL;
    struct fl_error err = {0};
    assert_ok(open_task(s, &problems, &err), &err);
    free(problems);
    assert_string_equal(scn_data_root(s, NULL), "data");
    assert_string_equal(scn_data_root(s, ""), "data");
    assert_string_equal(scn_data_root(s, "/env"), "/env");
    scn_scenario_destroy(s);
    static const char *const root[] = {"data.root=/own"};
    s = load_good(good, root, 1);
    assert_string_equal(scn_data_root(s, "/env"), "/own");
    scn_scenario_destroy(s);
}

static void test_problems_of_model_and_counts_come_together(void **state)
{
    (void)state;
    static const char *const sets[] = {
        "data.clients=0", "train.clients_per_round=20",
        "model=[{kind: conv2d, kernal: 3}, flatten]"};
    struct scn_scenario *s = load_good(good, sets, 3);
    char *problems = NULL;
    struct fl_error err = {0};
    assert_int_equal(open_task(s, &problems, &err), FL_E_CONFIG);
    assert_non_null(strstr(problems, "--set: train.clients_per_round = 20, "
                                     "allowed at most 8: the clients of the "
                                     "partition\n"));
    assert_non_null(strstr(problems, "did you mean 'kernel'?"));
    assert_non_null(strstr(err.text, "kernel"));
    free(problems);
    scn_scenario_destroy(s);
}

static void test_a_missing_data_set_is_an_io_error(void **state)
{
    (void)state;
    static const char *const sets[] = {"data={dataset: mnist, clients: 8, "
                                       "root: /nonexistent}"};
    struct scn_scenario *s = load_good(good, sets, 1);
    char *problems = NULL;
    struct fl_error err = {0};
    assert_int_equal(open_task(s, &problems, &err), FL_E_IO);
    assert_non_null(strstr(err.text, "/nonexistent"));
    free(problems);
    scn_scenario_destroy(s);
}

/* Shipped files */

static void test_shipped_scenarios_are_right(void **state)
{
    (void)state;
    static const char *const names[] = {"quickstart", "fashion-mnist",
                                        "mnist-writers", "flute-lr-mnist"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[1024];
        assert_true(snprintf(path, sizeof path, "%s/%s.yaml", shipped_dir,
                             names[i]) < (int)sizeof path);
        struct scn_scenario *s = NULL;
        struct fl_error err = {0};
        assert_ok(scn_scenario_create(path, NULL, 0, stderr, &s, &err), &err);
        assert_string_equal(s->name, names[i]);
        scn_scenario_destroy(s);
    }
}

/* Faults */

static enum fl_status whole_life(struct fl_error *err)
{
    struct scn_scenario *s = NULL;
    FL_TRY(scn_scenario_parse("t", good, sizeof good - 1, NULL, &s, err));
    scn_scenario_destroy(s);
    return FL_OK;
}

static void test_every_failed_allocation_is_reported(void **state)
{
    (void)state;
    struct fl_error err = {0};
    (void)fl_alloc_fail_at(0);
    assert_ok(whole_life(&err), &err);
    long n = fl_alloc_fail_at(0);
    assert_true(n >= 5);
    for (long i = 1; i <= n; i++) {
        (void)fl_alloc_fail_at(i);
        enum fl_status status = whole_life(&err);
        (void)fl_alloc_fail_at(0);
        if (status != FL_E_NOMEM)
            fail_msg("allocation %ld of %ld: found %s: %s", i, n,
                     fl_status_name(status), err.text);
    }
}

int main(int argc, char **argv)
{
    shipped_dir = argc > 1 ? argv[1] : "scenarios";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sections_become_the_scenario),
        cmocka_unit_test(test_arms_take_what_they_leave_open_from_local),
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
        cmocka_unit_test(test_a_trace_is_pinned_and_a_client_needs_no_file),
        cmocka_unit_test(test_a_start_outside_the_trace_is_the_starts_problem),
        cmocka_unit_test(test_what_is_emitted_is_the_same_scenario),
        cmocka_unit_test(test_the_hash_is_of_values_not_of_their_writing),
        cmocka_unit_test(test_shares_become_clients_by_largest_remainder),
        cmocka_unit_test(test_a_task_is_data_model_and_partition),
        cmocka_unit_test(test_problems_of_model_and_counts_come_together),
        cmocka_unit_test(test_a_missing_data_set_is_an_io_error),
        cmocka_unit_test(test_shipped_scenarios_are_right),
        cmocka_unit_test(test_every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
