/* One activity at a time: which terms apply, what they cost, what is refused.
 */
#include "carbon_fixture.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Products of two or three exact inputs: one or two roundings. */
static const double rtol = 4e-16;

struct accounted {
    struct carbon_entry entries[CARBON_MAX_TERMS];
    size_t n;
};

static const struct carbon_preset *full(void)
{
    const struct carbon_preset *preset = NULL;
    struct fl_error err = {0};
    assert_ok(carbon_preset_find("full", &preset, &err), &err);
    return preset;
}

static struct accounted account(const struct carbon_preset *preset,
                                struct carbon_activity activity)
{
    struct carbon_grid *grid = fixture_grid();
    struct accounted got = {.n = 99};
    struct fl_error err = {0};
    assert_ok(
        carbon_account(preset, grid, &activity, got.entries, &got.n, &err),
        &err);
    carbon_grid_destroy(grid);
    return got;
}

static const struct carbon_entry *entry_named(const struct accounted *got,
                                              const char *component)
{
    for (size_t i = 0; i < got->n; i++) {
        if (!strcmp(carbon_terms[got->entries[i].component]->name, component))
            return &got->entries[i];
    }
    return NULL;
}

static double joules(const struct accounted *got, const char *component)
{
    const struct carbon_entry *entry = entry_named(got, component);
    if (entry == NULL)
        fail_msg("no entry of %s", component);
    return entry->energy_j;
}

static struct carbon_activity transfer(enum carbon_phase phase, bool is_upload)
{
    return (struct carbon_activity){.arm = 3,
                                    .round = 5,
                                    .role = CARBON_CLIENT,
                                    .entity = 7,
                                    .phase = phase,
                                    .zone = FIXTURE_US,
                                    .t0_s = 100,
                                    .t1_s = 104,
                                    .bytes = 1e6,
                                    .is_upload = is_upload,
                                    .is_wasted = true,
                                    .device = &fixture_board,
                                    .link = &fixture_link};
}

static void test_a_download_is_charged_by_every_transfer_term(void **state)
{
    (void)state;
    struct accounted got = account(full(), transfer(CARBON_BROADCAST, false));
    assert_int_equal(got.n, 7);
    pencil("client_memory", "1.5 W x 4 s", joules(&got, "client_memory"), 6.0,
           rtol);
    pencil("client_embodied, g", "60,000 x 4 / (4 x 31,536,000 x 0.5)",
           entry_named(&got, "client_embodied")->emitted_gco2e,
           240000.0 / 63072000.0, rtol);
    pencil("client_transfer", "2 W x 4 s", joules(&got, "client_transfer"), 8.0,
           rtol);
    pencil("client_radio", "1 W x 4 s", joules(&got, "client_radio"), 4.0,
           rtol);
    pencil("access_router", "5 W x 4 s", joules(&got, "access_router"), 20.0,
           rtol);
    pencil("access_per_byte", "1e-4 J/byte x 1e6",
           joules(&got, "access_per_byte"), 100.0, rtol);
    pencil("core_network", "8 x 255.7 nJ/bit x 1e6 bytes",
           joules(&got, "core_network"), 2.0456, rtol);
}

static void test_an_upload_uses_the_sending_figures(void **state)
{
    (void)state;
    struct accounted got = account(full(), transfer(CARBON_UPLOAD, true));
    pencil("client_radio", "1.3 W x 4 s", joules(&got, "client_radio"), 5.2,
           rtol);
    pencil("access_per_byte", "2e-5 J/byte x 1e6",
           joules(&got, "access_per_byte"), 20.0, rtol);
}

static void test_entries_carry_who_when_where(void **state)
{
    (void)state;
    struct accounted got = account(full(), transfer(CARBON_UPLOAD, true));
    double bytes = 0;
    for (size_t i = 0; i < got.n; i++) {
        const struct carbon_entry *e = &got.entries[i];
        assert_int_equal(e->arm, 3);
        assert_int_equal(e->round, 5);
        assert_int_equal(e->role, CARBON_CLIENT);
        assert_int_equal(e->entity, 7);
        assert_int_equal(e->phase, CARBON_UPLOAD);
        assert_int_equal(e->zone, FIXTURE_US);
        assert_true(e->t0_s == 100 && e->t1_s == 104);
        assert_true(e->is_wasted);
        if (carbon_terms[e->component]->is_embodied)
            assert_true(e->energy_j == 0 && e->emitted_gco2e > 0);
        else
            assert_near(e->emitted_gco2e,
                        e->energy_j / 3.6e6 * fixture_gco2e_per_kwh[FIXTURE_US],
                        rtol, 0);
        bytes += e->bytes;
    }
    assert_true(bytes == 1e6); /* on one entry only: counted once */
}

static void test_compute_and_wait_of_a_client(void **state)
{
    (void)state;
    struct carbon_activity a = {
        .phase = CARBON_TRAIN, .t1_s = 40, .device = &fixture_board};
    struct accounted got = account(full(), a);
    assert_int_equal(got.n, 3); /* and memory, embodied */
    pencil("train", "10 W x 40 s", joules(&got, "client_compute"), 400.0, rtol);
    a.phase = CARBON_EVALUATE;
    got = account(full(), a);
    pencil("evaluate", "10 W x 40 s", joules(&got, "client_compute"), 400.0,
           rtol);
    a.phase = CARBON_WAIT;
    got = account(full(), a);
    assert_int_equal(got.n, 3);
    pencil("wait", "2 W x 40 s", joules(&got, "client_wait"), 80.0, rtol);
}

static void test_a_server_pays_compute_wait_and_overhead(void **state)
{
    (void)state;
    struct carbon_activity a = {.role = CARBON_SERVER,
                                .phase = CARBON_AGGREGATE,
                                .t1_s = 10,
                                .device = &fixture_board,
                                .pue = &fixture_pue};
    struct accounted got = account(full(), a);
    assert_int_equal(got.n, 5);
    pencil("aggregate", "10 W x 10 s", joules(&got, "server_compute"), 100.0,
           rtol);
    pencil("memory", "1.5 W x 10 s", joules(&got, "server_memory"), 15.0, rtol);
    pencil("overhead", "0.67 x 100 J", joules(&got, "datacentre_overhead"),
           67.0, 1e-15 /* 1.67 - 1 rounds once more */);
    pencil("overhead of the memory", "0.67 x 15 J", got.entries[4].energy_j,
           10.05, 1e-15);
    pencil("server_embodied, g", "60,000 x 10 / (4 x 31,536,000 x 0.5)",
           entry_named(&got, "server_embodied")->emitted_gco2e,
           600000.0 / 63072000.0, rtol);
    a.phase = CARBON_WAIT;
    got = account(full(), a);
    pencil("wait", "2 W x 10 s", joules(&got, "server_wait"), 20.0, rtol);
    pencil("overhead", "0.67 x 20 J", joules(&got, "datacentre_overhead"), 13.4,
           1e-15 /* 1.67 - 1 rounds once more */);
}

static void test_qiu2023_leaves_the_server_and_the_core_out(void **state)
{
    (void)state;
    const struct carbon_preset *qiu = NULL;
    struct fl_error err = {0};
    assert_ok(carbon_preset_find("qiu2023", &qiu, &err), &err);
    struct carbon_activity a = {.role = CARBON_SERVER,
                                .phase = CARBON_AGGREGATE,
                                .t1_s = 10,
                                .device = &fixture_board};
    struct accounted got = account(qiu, a); /* no PUE asked for either */
    assert_int_equal(got.n, 0);
    got = account(qiu, transfer(CARBON_BROADCAST, false));
    assert_int_equal(got.n, 2);
    pencil("router of the preset", "7.5 W x 4 s", joules(&got, "access_router"),
           30.0, rtol);
    got = account(qiu, transfer(CARBON_INIT, true));
    assert_int_equal(got.n, 0); /* data upload is not charged */
    got = account(full(), transfer(CARBON_INIT, true));
    assert_int_equal(got.n, 7);
}

/* Software goes to clients where the preset charges it, over the same links. */
static void test_software_costs_as_a_download(void **state)
{
    (void)state;
    struct accounted model = account(full(), transfer(CARBON_BROADCAST, false));
    struct accounted app = account(full(), transfer(CARBON_PROVISION, false));
    assert_int_equal(app.n, model.n);
    for (size_t i = 0; i < app.n; i++) {
        assert_int_equal(app.entries[i].phase, CARBON_PROVISION);
        assert_true(app.entries[i].energy_j == model.entries[i].energy_j);
    }
    struct carbon_preset without = *full();
    without.charges_software = false;
    app = account(&without, transfer(CARBON_PROVISION, false));
    assert_int_equal(app.n, 0);
}

static void test_a_share_of_a_server_pays_its_share(void **state)
{
    (void)state;
    struct carbon_fact quarter = fact_of(0.25),
                       off = {.is_off = true, .source = "none"};
    struct carbon_activity a = {.role = CARBON_SERVER,
                                .phase = CARBON_WAIT,
                                .t1_s = 10,
                                .device = &fixture_board,
                                .pue = &fixture_pue};
    struct accounted whole = account(full(), a);
    a.machines = &quarter;
    struct accounted got = account(full(), a);
    assert_int_equal(got.n, whole.n);
    for (size_t i = 0; i < got.n; i++) { /* a quarter is a power of two */
        assert_true(got.entries[i].energy_j == whole.entries[i].energy_j / 4);
        assert_true(got.entries[i].emitted_gco2e ==
                    whole.entries[i].emitted_gco2e / 4);
    }
    pencil("wait", "0.25 x 2 W x 10 s", joules(&got, "server_wait"), 5.0, rtol);
    a.machines = &off;
    got = account(full(), a);
    for (size_t i = 0; i < got.n; i++)
        assert_true(got.entries[i].emitted_gco2e == 0);
}

/* What a duration rests on is told, and changes no sum. */
static void test_entries_rest_on_the_duration_s_facts(void **state)
{
    (void)state;
    struct carbon_fact overhead_s = fact_of(0.001);
    struct carbon_activity a = {
        .phase = CARBON_TRAIN, .t1_s = 40, .device = &fixture_board};
    double plain_j = account(full(), a).entries[0].energy_j;
    for (int i = 0; i < 2; i++) {
        a.speed_fact = i ? NULL : &fixture_board.train_flop_per_s;
        a.duration_fact = i ? &overhead_s : NULL;
        struct accounted got = account(full(), a);
        assert_int_equal(got.n, 3);
        assert_true(got.entries[0].energy_j == plain_j);
        for (size_t k = 0; k < got.n; k++) {
            int32_t n = got.entries[k].n_uses;
            const struct carbon_use *last = &got.entries[k].uses[n - 1];
            assert_ptr_equal(last->fact, i ? a.duration_fact : a.speed_fact);
            assert_int_equal(last->sign, i ? 1 : -1);
        }
    }
}

static void test_off_costs_nothing_and_missing_is_an_error(void **state)
{
    (void)state;
    struct carbon_link link = fixture_link;
    link.router_w = (struct carbon_fact){.is_off = true};
    struct carbon_activity a = transfer(CARBON_BROADCAST, false);
    a.link = &link;
    struct accounted got = account(full(), a);
    assert_true(joules(&got, "access_router") == 0);

    link.router_w = (struct carbon_fact){0};
    struct carbon_grid *grid = fixture_grid();
    struct fl_error err = {0};
    got.n = 99;
    assert_int_equal(
        carbon_account(full(), grid, &a, got.entries, &got.n, &err),
        FL_E_CONFIG);
    assert_int_equal(got.n, 99); /* outputs only on FL_OK */
    assert_non_null(strstr(err.text, "line: fact router_w is missing"));
    carbon_grid_destroy(grid);
}

/* Marginal attribution: what would be drawn anyway is not charged. */
static void test_marginal_attribution_leaves_idle_power_out(void **state)
{
    (void)state;
    struct carbon_preset preset = *full();
    struct carbon_grid *grid = fixture_grid();
    struct carbon_activity a = {.phase = CARBON_TRAIN,
                                .zone = FIXTURE_ONE,
                                .t1_s = 360,
                                .device = &fixture_board,
                                .link = &fixture_link};
    struct accounted got = {.n = 0};
    struct fl_error err = {0};
    assert_ok(carbon_account(&preset, grid, &a, got.entries, &got.n, &err),
              &err);
    pencil("average", "10 W x 360 s", got.entries[0].energy_j, 3600.0, 1e-15);
    pencil("of it idle", "2 W x 360 s", got.entries[0].idle_j, 720.0, 1e-15);
    preset.attribution = CARBON_MARGINAL;
    assert_ok(carbon_account(&preset, grid, &a, got.entries, &got.n, &err),
              &err);
    pencil("marginal", "(10 - 2) W x 360 s", got.entries[0].energy_j, 2880.0,
           1e-15);
    assert_true(got.entries[0].idle_j == 0);
    assert_true(got.entries[0].uses[0].zero_value == 2);
    a.phase = CARBON_WAIT;
    assert_ok(carbon_account(&preset, grid, &a, got.entries, &got.n, &err),
              &err);
    for (size_t i = 0; i < got.n; i++)
        assert_true(got.entries[i].energy_j == 0); /* waiting is idle */
    /* a device of which nobody knows what it draws idle cannot be split */
    struct carbon_device device = fixture_board;
    device.idle_w = (struct carbon_fact){.source = NULL};
    a.phase = CARBON_TRAIN;
    a.device = &device;
    assert_int_equal(
        carbon_account(&preset, grid, &a, got.entries, &got.n, &err),
        FL_E_CONFIG);
    assert_non_null(strstr(err.text, "idle_w is missing"));
    preset.attribution = CARBON_AVERAGE;
    assert_ok(carbon_account(&preset, grid, &a, got.entries, &got.n, &err),
              &err);
    assert_true(got.entries[0].idle_j == 0);
    carbon_grid_destroy(grid);
}

static void
expect(struct carbon_activity a, enum fl_status status, const char *part)
{
    struct carbon_grid *grid = fixture_grid();
    struct accounted got = {.n = 99};
    struct fl_error err = {0};
    assert_int_equal(
        carbon_account(full(), grid, &a, got.entries, &got.n, &err), status);
    if (strstr(err.text, part) == NULL)
        fail_msg("'%s' is not in '%s'", part, err.text);
    assert_int_equal(got.n, 99);
    carbon_grid_destroy(grid);
}

static void test_impossible_activities_are_refused(void **state)
{
    (void)state;
    struct carbon_activity good = transfer(CARBON_UPLOAD, true), a;
    a = good, a.t1_s = 99;
    expect(a, FL_E_ARG, "allowed t1 >= t0");
    a = good, a.bytes = -1;
    expect(a, FL_E_ARG, "bytes >= 0");
    a = good, a.t1_s = (double)NAN;
    expect(a, FL_E_NUMERIC, "round 5");
    a = good, a.bytes = (double)INFINITY;
    expect(a, FL_E_NUMERIC, "finite");
    a = good, a.zone = FIXTURE_ZONES;
    expect(a, FL_E_ARG, "zone 4");
    a = good, a.zone = -1;
    expect(a, FL_E_ARG, "zone -1");
    a = good, a.device = NULL;
    expect(a, FL_E_ARG, "without a device");
    a = good, a.link = NULL;
    expect(a, FL_E_ARG, "without a link");
    a = good, a.phase = CARBON_PHASE_LAST_;
    expect(a, FL_E_ARG, "phase 11");
    a = good, a.role = CARBON_ROLE_LAST_;
    expect(a, FL_E_ARG, "role 3");
    a = good, a.duration_evidence = CARBON_EVIDENCE_LAST_;
    expect(a, FL_E_ARG, "evidence 4");
    a = good, a.t1_s = 1e308, a.t0_s = -1e308;
    expect(a, FL_E_NUMERIC, "client_transfer");
}

static void test_bad_facts_are_refused(void **state)
{
    (void)state;
    struct carbon_device device = fixture_board;
    struct carbon_activity a = {
        .phase = CARBON_TRAIN, .t1_s = 1, .device = &device};
    device.train_w.value = -1;
    expect(a, FL_E_NUMERIC, "train_w = -1");
    device.train_w.value = (double)NAN;
    expect(a, FL_E_NUMERIC, "board: fact train_w");
    device = fixture_board;
    device.use_share.value = 1.5;
    expect(a, FL_E_CONFIG, "use_share = 1.5");
    device = fixture_board;
    device.lifetime_years.value = 0;
    expect(a, FL_E_CONFIG, "lifetime_years = 0");
    a = (struct carbon_activity){.role = CARBON_DATACENTRE,
                                 .phase = CARBON_TRAIN,
                                 .t1_s = 1,
                                 .device = &fixture_board};
    expect(a, FL_E_CONFIG, "datacentre: fact pue is missing");
    struct carbon_fact pue = fact_of(0.9);
    a.pue = &pue;
    expect(a, FL_E_CONFIG, "pue = 0.9, allowed >= 1");
}

/* A device whose idle power was put above its busy one: all of it is idle, and
 * marginal attribution charges nothing, never less. */
static void test_idle_power_is_at_most_all_of_it(void **state)
{
    (void)state;
    struct carbon_device device = fixture_board;
    device.idle_w.value = 50;
    struct carbon_activity a = {
        .phase = CARBON_TRAIN, .t1_s = 1, .device = &device};
    struct accounted got = account(full(), a);
    assert_true(got.entries[0].energy_j == 10 && got.entries[0].idle_j == 10);
}

static void test_a_share_of_the_network_is_at_most_one(void **state)
{
    (void)state;
    struct carbon_preset preset = *full();
    struct carbon_activity a = transfer(CARBON_UPLOAD, true);
    struct accounted got = {.n = 0};
    struct fl_error err = {0};
    struct carbon_grid *grid = fixture_grid();
    preset.network_idle_share.value = 1.5;
    assert_int_equal(
        carbon_account(&preset, grid, &a, got.entries, &got.n, &err),
        FL_E_CONFIG);
    assert_non_null(strstr(err.text, "network_idle_share = 1.5"));
    carbon_grid_destroy(grid);
}

static void test_pue_off_means_one(void **state)
{
    (void)state;
    struct carbon_fact off = {.is_off = true};
    struct accounted got =
        account(full(), (struct carbon_activity){.role = CARBON_DATACENTRE,
                                                 .phase = CARBON_TRAIN,
                                                 .t1_s = 10,
                                                 .device = &fixture_board,
                                                 .pue = &off});
    assert_true(joules(&got, "datacentre_overhead") == 0);
    assert_true(joules(&got, "central_compute") == 100);
}

static void test_evidence_is_the_weakest_of_power_time_and_grid(void **state)
{
    (void)state;
    struct carbon_device device = fixture_board;
    struct carbon_activity a = {
        .phase = CARBON_TRAIN, .t1_s = 1, .device = &device};
    assert_int_equal(account(full(), a).entries[0].evidence, CARBON_MEASURED);
    device.train_w.evidence = CARBON_DERIVED;
    assert_int_equal(account(full(), a).entries[0].evidence, CARBON_DERIVED);
    a.duration_evidence = CARBON_ASSUMED;
    assert_int_equal(account(full(), a).entries[0].evidence, CARBON_ASSUMED);
    a.duration_evidence = CARBON_MEASURED;
    device.train_w.evidence = CARBON_MEASURED;
    struct carbon_grid *grid = NULL;
    struct fl_error err = {0};
    assert_ok(carbon_grid_create(0, &grid, &err), &err);
    struct carbon_fact guess = fact_of(100);
    guess.evidence = CARBON_ASSUMED;
    assert_ok(carbon_grid_add_annual(grid, "X", &guess, &a.zone, &err), &err);
    struct accounted got;
    assert_ok(carbon_account(full(), grid, &a, got.entries, &got.n, &err),
              &err);
    assert_int_equal(got.entries[0].evidence, CARBON_ASSUMED);
    carbon_grid_destroy(grid);

    /* overhead rests on the machine's power too */
    device.train_w.evidence = CARBON_DERIVED;
    a = (struct carbon_activity){.role = CARBON_DATACENTRE,
                                 .phase = CARBON_TRAIN,
                                 .t1_s = 10,
                                 .device = &device,
                                 .pue = &fixture_pue};
    got = account(full(), a);
    assert_int_equal(entry_named(&got, "datacentre_overhead")->evidence,
                     CARBON_DERIVED);
}

static void test_names_of_enums_are_total(void **state)
{
    (void)state;
    assert_string_equal(carbon_role_name(CARBON_DATACENTRE), "datacentre");
    assert_string_equal(carbon_role_name(CARBON_ROLE_LAST_), "unknown");
    assert_string_equal(carbon_phase_name(CARBON_WAIT), "wait");
    assert_string_equal(carbon_phase_name(CARBON_PHASE_LAST_), "unknown");
    assert_string_equal(carbon_evidence_name(CARBON_ASSUMED), "assumed");
    assert_string_equal(carbon_evidence_name(CARBON_EVIDENCE_LAST_), "unknown");
    assert_int_equal(carbon_evidence_weaker(CARBON_ASSUMED, CARBON_MEASURED),
                     CARBON_ASSUMED);
    assert_int_equal(carbon_evidence_weaker(CARBON_DATASHEET, CARBON_DERIVED),
                     CARBON_DERIVED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_download_is_charged_by_every_transfer_term),
        cmocka_unit_test(test_an_upload_uses_the_sending_figures),
        cmocka_unit_test(test_entries_carry_who_when_where),
        cmocka_unit_test(test_compute_and_wait_of_a_client),
        cmocka_unit_test(test_a_server_pays_compute_wait_and_overhead),
        cmocka_unit_test(test_qiu2023_leaves_the_server_and_the_core_out),
        cmocka_unit_test(test_software_costs_as_a_download),
        cmocka_unit_test(test_a_share_of_a_server_pays_its_share),
        cmocka_unit_test(test_entries_rest_on_the_duration_s_facts),
        cmocka_unit_test(test_off_costs_nothing_and_missing_is_an_error),
        cmocka_unit_test(test_marginal_attribution_leaves_idle_power_out),
        cmocka_unit_test(test_impossible_activities_are_refused),
        cmocka_unit_test(test_bad_facts_are_refused),
        cmocka_unit_test(test_idle_power_is_at_most_all_of_it),
        cmocka_unit_test(test_a_share_of_the_network_is_at_most_one),
        cmocka_unit_test(test_pue_off_means_one),
        cmocka_unit_test(test_evidence_is_the_weakest_of_power_time_and_grid),
        cmocka_unit_test(test_names_of_enums_are_total),
    };
    return cmocka_run_group_tests_name("carbon.account", tests, NULL, NULL);
}
