/* Laws that hold for any ledger, over random ones; and failing memory. */
#include "carbon_fixture.h"

#include "base/alloc.h"
#include "base/rng.h"

#include <stdio.h>
#include <string.h>

enum { N_ACTIVITIES = 400, N_SEEDS = 8, N_CLIENTS = 9, N_ROUNDS = 6 };

/* Both sides are compensated sums of the same entries in different groups:
 * each is right to its last bit or two. */
static const double sum_rtol = 1e-14;

static const struct carbon_preset *preset_named(const char *name)
{
    struct fl_error err = {0};
    const struct carbon_preset *preset = NULL;
    assert_ok(carbon_preset_find(name, &preset, &err), &err);
    return preset;
}

/* Every preset under every attribution. */
static void under_every_rule(void (*law)(const struct carbon_preset *preset))
{
    for (size_t i = 0; carbon_presets[i]; i++) {
        for (int k = 0; k < CARBON_ATTRIBUTION_LAST_; k++) {
            struct carbon_preset preset = *carbon_presets[i];
            preset.attribution = (enum carbon_attribution)k;
            print_message("  %s, %s\n", preset.name,
                          carbon_attribution_name(preset.attribution));
            law(&preset);
        }
    }
}

static const struct carbon_fact shared = FACT(0.3);

static struct carbon_activity random_activity(struct fl_rng *rng)
{
    double t0_s = fl_rng_uniform(rng) * 1e5;
    struct carbon_activity a = {
        .arm = (int32_t)fl_rng_below(rng, 3),
        .round = (int64_t)fl_rng_below(rng, N_ROUNDS),
        .role = (enum carbon_role)fl_rng_below(rng, CARBON_ROLE_LAST_),
        .entity = (int64_t)fl_rng_below(rng, N_CLIENTS),
        .phase = (enum carbon_phase)fl_rng_below(rng, CARBON_PHASE_LAST_),
        .stage = (enum carbon_stage)fl_rng_below(rng, CARBON_STAGE_LAST_),
        .zone = (int32_t)fl_rng_below(rng, FIXTURE_ZONES),
        .t0_s = t0_s,
        .t1_s = t0_s + fl_rng_uniform(rng) * 1000,
        .is_upload = fl_rng_below(rng, 2) == 1,
        .is_wasted = fl_rng_below(rng, 5) == 0,
        .duration_evidence =
            (enum carbon_evidence)fl_rng_below(rng, CARBON_EVIDENCE_LAST_),
        .device = &fixture_board,
        .link = &fixture_link,
        .pue = &fixture_pue,
    };
    if (a.role == CARBON_CLIENT)
        a.bytes = fl_rng_uniform(rng) * 1e8;
    else if (fl_rng_below(rng, 2) == 1)
        a.machines = &shared;
    if (a.phase == CARBON_STORE)
        a.stored_bytes = fl_rng_uniform(rng) * 1e12;
    return a;
}

static struct carbon_ledger *random_ledger(const struct carbon_grid *grid,
                                           const struct carbon_preset *preset,
                                           uint64_t seed)
{
    struct fl_error err = {0};
    struct carbon_ledger *ledger = NULL;
    assert_ok(carbon_ledger_create(preset, grid, &ledger, &err), &err);
    struct fl_rng rng = fl_rng_stream(seed, FL_RNG_TEST, 0, 0);
    for (int i = 0; i < N_ACTIVITIES; i++) {
        struct carbon_activity a = random_activity(&rng);
        assert_ok(carbon_ledger_add(ledger, &a, &err), &err);
    }
    return ledger;
}

/* What to keep: a field of the entry and its value. */
struct key {
    int64_t (*field)(const struct carbon_entry *entry);
    int64_t value;
};

static bool has_key(const struct carbon_entry *entry, void *arg)
{
    const struct key *key = arg;
    return key->field(entry) == key->value;
}

static int64_t component_of(const struct carbon_entry *e)
{
    return e->component;
}
static int64_t zone_of(const struct carbon_entry *e)
{
    return e->zone;
}
static int64_t round_of(const struct carbon_entry *e)
{
    return e->round;
}
static int64_t entity_of(const struct carbon_entry *e)
{
    return e->entity;
}
static int64_t arm_of(const struct carbon_entry *e)
{
    return e->arm;
}
static int64_t phase_of(const struct carbon_entry *e)
{
    return e->phase;
}
static int64_t role_of(const struct carbon_entry *e)
{
    return e->role;
}
static int64_t stage_of(const struct carbon_entry *e)
{
    return e->stage;
}
static int64_t wasted_of(const struct carbon_entry *e)
{
    return e->is_wasted;
}

static void check_parts(const struct carbon_ledger *ledger,
                        int64_t (*field)(const struct carbon_entry *),
                        int64_t n)
{
    struct carbon_sum total = carbon_ledger_sum(ledger, NULL, NULL);
    struct carbon_sum parts = {0};
    for (int64_t i = 0; i < n; i++) {
        struct key key = {field, i};
        struct carbon_sum part = carbon_ledger_sum(ledger, has_key, &key);
        parts.energy_j += part.energy_j;
        parts.idle_j += part.idle_j;
        parts.embodied_gco2e += part.embodied_gco2e;
        parts.emitted_gco2e += part.emitted_gco2e;
        parts.assumed_gco2e += part.assumed_gco2e;
        parts.bytes += part.bytes;
    }
    assert_true(total.energy_j > 0 && total.emitted_gco2e > 0);
    assert_near(parts.energy_j, total.energy_j, sum_rtol, 0);
    assert_near(parts.idle_j, total.idle_j, sum_rtol, 0);
    assert_near(parts.embodied_gco2e, total.embodied_gco2e, sum_rtol, 0);
    assert_near(parts.emitted_gco2e, total.emitted_gco2e, sum_rtol, 0);
    assert_near(parts.assumed_gco2e, total.assumed_gco2e, sum_rtol, 0);
    assert_near(parts.bytes, total.bytes, sum_rtol, 0);
}

static void parts_add_up(const struct carbon_preset *preset)
{
    struct carbon_grid *grid = fixture_grid();
    for (uint64_t seed = 1; seed <= N_SEEDS; seed++) {
        struct carbon_ledger *ledger = random_ledger(grid, preset, seed);
        check_parts(ledger, component_of, CARBON_MAX_TERMS);
        check_parts(ledger, zone_of, FIXTURE_ZONES);
        check_parts(ledger, round_of, N_ROUNDS);
        check_parts(ledger, entity_of, N_CLIENTS);
        check_parts(ledger, arm_of, 3);
        check_parts(ledger, phase_of, CARBON_PHASE_LAST_);
        check_parts(ledger, role_of, CARBON_ROLE_LAST_);
        check_parts(ledger, stage_of, CARBON_STAGE_LAST_);
        check_parts(ledger, wasted_of, 2);
        carbon_ledger_destroy(ledger);
    }
    carbon_grid_destroy(grid);
}

static void test_the_total_is_the_sum_of_its_parts_however_cut(void **state)
{
    (void)state;
    under_every_rule(parts_add_up);
}

/* The same activities, each cut at a random place. */
static struct carbon_ledger *cut_ledger(const struct carbon_grid *grid,
                                        const struct carbon_preset *preset,
                                        uint64_t seed)
{
    struct fl_error err = {0};
    struct carbon_ledger *split = NULL;
    assert_ok(carbon_ledger_create(preset, grid, &split, &err), &err);
    struct fl_rng rng = fl_rng_stream(seed, FL_RNG_TEST, 0, 0);
    struct fl_rng cut = fl_rng_stream(seed, FL_RNG_TEST, 1, 0);
    for (int i = 0; i < N_ACTIVITIES; i++) {
        struct carbon_activity a = random_activity(&rng), b = a;
        double share = fl_rng_uniform(&cut);
        a.t1_s = a.t0_s + share * (b.t1_s - b.t0_s);
        b.t0_s = a.t1_s;
        a.bytes = share * b.bytes;
        b.bytes -= a.bytes;
        assert_ok(carbon_ledger_add(split, &a, &err), &err);
        assert_ok(carbon_ledger_add(split, &b, &err), &err);
    }
    return split;
}

static void splitting_is_additive(const struct carbon_preset *preset)
{
    struct carbon_grid *grid = fixture_grid();
    for (uint64_t seed = 1; seed <= N_SEEDS; seed++) {
        struct carbon_ledger *whole = random_ledger(grid, preset, seed);
        struct carbon_ledger *split = cut_ledger(grid, preset, seed);
        struct carbon_sum one = carbon_ledger_sum(whole, NULL, NULL);
        struct carbon_sum two = carbon_ledger_sum(split, NULL, NULL);
        /* cutting 1e5 s at a random place rounds each part by 1e-11 s */
        assert_near(two.energy_j, one.energy_j, 1e-12, 0);
        assert_near(two.idle_j, one.idle_j, 1e-12, 0);
        assert_near(two.emitted_gco2e, one.emitted_gco2e, 1e-12, 0);
        assert_near(two.embodied_gco2e, one.embodied_gco2e, 1e-12, 0);
        assert_near(two.bytes, one.bytes, 1e-12, 0);
        carbon_ledger_destroy(whole);
        carbon_ledger_destroy(split);
    }
    carbon_grid_destroy(grid);
}

static void test_splitting_an_interval_changes_nothing(void **state)
{
    (void)state;
    under_every_rule(splitting_is_additive);
}

static struct carbon_grid *scaled_grid(double by)
{
    struct fl_error err = {0};
    struct carbon_grid *grid = NULL;
    assert_ok(carbon_grid_create(0, &grid, &err), &err);
    for (int z = 0; z < FIXTURE_ZONES; z++) {
        char name[] = {(char)('A' + z), '\0'};
        struct carbon_fact fact = fact_of(fixture_gco2e_per_kwh[z] * by);
        int32_t zone;
        assert_ok(carbon_grid_add_annual(grid, name, &fact, &zone, &err), &err);
    }
    return grid;
}

/* Making a device has been emitted already: no grid changes that. */
static void carbon_is_linear(const struct carbon_preset *preset)
{
    struct carbon_sum sums[2];
    for (int i = 0; i < 2; i++) {
        struct carbon_grid *grid = scaled_grid(i ? 3.5 : 1);
        struct carbon_ledger *ledger = random_ledger(grid, preset, 1);
        sums[i] = carbon_ledger_sum(ledger, NULL, NULL);
        carbon_ledger_destroy(ledger);
        carbon_grid_destroy(grid);
    }
    assert_true(sums[0].energy_j == sums[1].energy_j);
    assert_true(sums[0].embodied_gco2e == sums[1].embodied_gco2e);
    /* each entry rounds once more, taking the embodied part away once again */
    assert_near(sums[1].emitted_gco2e - sums[1].embodied_gco2e,
                3.5 * (sums[0].emitted_gco2e - sums[0].embodied_gco2e), 1e-12,
                0);
}

static void test_carbon_is_linear_in_intensity(void **state)
{
    (void)state;
    under_every_rule(carbon_is_linear);
}

/* Marginal energy is what average attribution calls not idle, and no more. */
static void marginal_leaves_idle_out(const struct carbon_preset *preset)
{
    struct carbon_grid *grid = fixture_grid();
    struct carbon_preset average = *preset;
    average.attribution = CARBON_AVERAGE;
    struct carbon_ledger *l0 = random_ledger(grid, &average, 9);
    struct carbon_ledger *l1 = random_ledger(grid, preset, 9);
    struct carbon_sum s0 = carbon_ledger_sum(l0, NULL, NULL);
    struct carbon_sum s1 = carbon_ledger_sum(l1, NULL, NULL);
    if (preset->attribution == CARBON_MARGINAL)
        assert_true(s1.idle_j == 0);
    /* one subtraction more or less per entry */
    assert_near(s1.energy_j - s1.idle_j, s0.energy_j - s0.idle_j, 1e-12, 0);
    assert_true(s1.embodied_gco2e == s0.embodied_gco2e);
    carbon_ledger_destroy(l0);
    carbon_ledger_destroy(l1);
    carbon_grid_destroy(grid);
}

static void test_marginal_energy_is_average_energy_less_idle(void **state)
{
    (void)state;
    under_every_rule(marginal_leaves_idle_out);
}

static void names_do_not_matter(const struct carbon_preset *preset)
{
    struct carbon_grid *grids[2] = {fixture_grid(), scaled_grid(1)};
    struct carbon_sum sums[2];
    for (int i = 0; i < 2; i++) {
        struct carbon_ledger *ledger = random_ledger(grids[i], preset, 2);
        sums[i] = carbon_ledger_sum(ledger, NULL, NULL);
        carbon_ledger_destroy(ledger);
        carbon_grid_destroy(grids[i]);
    }
    assert_true(sums[0].emitted_gco2e == sums[1].emitted_gco2e);
}

static void test_renaming_zones_changes_nothing(void **state)
{
    (void)state;
    under_every_rule(names_do_not_matter);
}

static void nothing_costs_nothing(const struct carbon_preset *preset)
{
    struct carbon_grid *grid = fixture_grid();
    struct fl_error err = {0};
    struct carbon_ledger *ledger = NULL;
    assert_ok(carbon_ledger_create(preset, grid, &ledger, &err), &err);
    struct fl_rng rng = fl_rng_stream(3, FL_RNG_TEST, 0, 0);
    for (int i = 0; i < N_ACTIVITIES; i++) {
        struct carbon_activity a = random_activity(&rng);
        a.t1_s = a.t0_s;
        a.bytes = 0;
        assert_ok(carbon_ledger_add(ledger, &a, &err), &err);
    }
    size_t n;
    carbon_ledger_entries(ledger, &n);
    assert_true(n > 0);
    struct carbon_sum sum = carbon_ledger_sum(ledger, NULL, NULL);
    assert_true(sum.energy_j == 0 && sum.emitted_gco2e == 0);
    carbon_ledger_destroy(ledger);
    carbon_grid_destroy(grid);
}

static void test_no_time_and_no_bytes_cost_nothing(void **state)
{
    (void)state;
    under_every_rule(nothing_costs_nothing);
}

/* PUE = 1 against 1.67, activity by activity: clients and networks are the
 * same to the bit; data-centre energy grows by exactly that factor. */
static void test_pue_touches_only_data_centre_terms(void **state)
{
    (void)state;
    struct carbon_grid *grid = fixture_grid();
    struct fl_error err = {0};
    struct carbon_fact one = fact_of(1);
    struct fl_rng rng = fl_rng_stream(4, FL_RNG_TEST, 0, 0);
    for (int i = 0; i < N_ACTIVITIES; i++) {
        struct carbon_activity a = random_activity(&rng);
        struct carbon_entry with[CARBON_MAX_TERMS], without[CARBON_MAX_TERMS];
        size_t n_with, n_without;
        assert_ok(
            carbon_account(preset_named("full"), grid, &a, with, &n_with, &err),
            &err);
        a.pue = &one;
        assert_ok(carbon_account(preset_named("full"), grid, &a, without,
                                 &n_without, &err),
                  &err);
        assert_int_equal(n_with, n_without);
        double it_j = 0, total_j = 0;
        for (size_t k = 0; k < n_with; k++) {
            const struct carbon_term *term = carbon_terms[with[k].component];
            if (term->is_overhead) {
                assert_true(without[k].energy_j == 0);
                assert_true(a.role != CARBON_CLIENT);
            } else {
                assert_true(with[k].energy_j == without[k].energy_j);
                assert_true(term->is_embodied ||
                            term->in_datacentre == (a.role != CARBON_CLIENT));
                it_j += term->in_datacentre ? with[k].energy_j : 0;
            }
            total_j += with[k].energy_j;
        }
        if (a.role != CARBON_CLIENT)
            assert_near(total_j, 1.67 * it_j, 2e-15 /* a few roundings */, 0);
    }
    carbon_grid_destroy(grid);
}

static void test_the_order_of_activities_does_not_matter(void **state)
{
    (void)state;
    struct carbon_grid *grid = fixture_grid();
    struct fl_error err = {0};
    struct carbon_activity activities[N_ACTIVITIES];
    struct fl_rng rng = fl_rng_stream(5, FL_RNG_TEST, 0, 0);
    for (int i = 0; i < N_ACTIVITIES; i++)
        activities[i] = random_activity(&rng);
    int64_t order[N_ACTIVITIES];
    fl_rng_permutation(&rng, N_ACTIVITIES, order);
    struct carbon_sum sums[2];
    for (int k = 0; k < 2; k++) {
        struct carbon_ledger *ledger = NULL;
        assert_ok(
            carbon_ledger_create(preset_named("full"), grid, &ledger, &err),
            &err);
        for (int i = 0; i < N_ACTIVITIES; i++)
            assert_ok(
                carbon_ledger_add(ledger, &activities[k ? order[i] : i], &err),
                &err);
        sums[k] = carbon_ledger_sum(ledger, NULL, NULL);
        carbon_ledger_destroy(ledger);
    }
    assert_near(sums[1].energy_j, sums[0].energy_j, sum_rtol, 0);
    assert_near(sums[1].emitted_gco2e, sums[0].emitted_gco2e, sum_rtol, 0);
    carbon_grid_destroy(grid);
}

static void test_a_refused_activity_leaves_the_ledger_as_it_was(void **state)
{
    (void)state;
    struct carbon_grid *grid = fixture_grid();
    struct carbon_ledger *ledger = random_ledger(grid, preset_named("full"), 6);
    size_t before, after;
    carbon_ledger_entries(ledger, &before);
    struct carbon_device no_idle = fixture_board;
    no_idle.idle_w = (struct carbon_fact){0};
    struct carbon_link no_core = fixture_link;
    no_core.access_up_j_per_byte = (struct carbon_fact){0};
    struct fl_error err = {0};
    struct carbon_activity a = {.phase = CARBON_UPLOAD,
                                .t1_s = 1,
                                .bytes = 1,
                                .is_upload = true,
                                .device = &fixture_board,
                                .link = &no_core};
    assert_int_equal(carbon_ledger_add(ledger, &a, &err), FL_E_CONFIG);
    assert_non_null(strstr(err.text, "access_up_j_per_byte"));
    a.device = &no_idle;
    assert_int_equal(carbon_ledger_add(ledger, &a, &err), FL_E_CONFIG);
    carbon_ledger_entries(ledger, &after);
    assert_int_equal(before, after);
    carbon_ledger_destroy(ledger);
    carbon_grid_destroy(grid);
}

static void test_assumed_grams_are_those_of_assumed_entries(void **state)
{
    (void)state;
    struct carbon_grid *grid = fixture_grid();
    struct carbon_ledger *ledger = NULL;
    struct fl_error err = {0};
    assert_ok(
        carbon_ledger_create(preset_named("qiu2023"), grid, &ledger, &err),
        &err);
    struct carbon_activity a = {.phase = CARBON_TRAIN,
                                .t1_s = 360000,
                                .zone = FIXTURE_ONE,
                                .device = &fixture_board};
    assert_ok(carbon_ledger_add(ledger, &a, &err), &err);
    a.duration_evidence = CARBON_DERIVED; /* weaker, but no assumption */
    assert_ok(carbon_ledger_add(ledger, &a, &err), &err);
    a.duration_evidence = CARBON_ASSUMED;
    a.t1_s = 720000;
    assert_ok(carbon_ledger_add(ledger, &a, &err), &err);
    struct carbon_sum sum = carbon_ledger_sum(ledger, NULL, NULL);
    pencil("emitted", "(1 + 1 + 2) kWh x 1 g/kWh", sum.emitted_gco2e, 4.0,
           1e-15);
    pencil("of it assumed", "2 kWh x 1 g/kWh", sum.assumed_gco2e, 2.0, 1e-15);
    carbon_ledger_destroy(ledger);
    carbon_grid_destroy(grid);
}

/* The nth allocation fails, for n = 1, 2, ... until none does: every failure
 * is FL_E_NOMEM, nothing leaks (sanitizers see to that). */
static void test_every_failing_allocation_is_reported(void **state)
{
    (void)state;
    struct carbon_grid *grid = fixture_grid();
    enum fl_status status = FL_E_NOMEM;
    long nth = 0;
    while (status != FL_OK) {
        struct fl_error err = {0};
        struct carbon_ledger *ledger = NULL;
        fl_alloc_fail_at(++nth);
        status =
            carbon_ledger_create(preset_named("full"), grid, &ledger, &err);
        struct fl_rng rng = fl_rng_stream(7, FL_RNG_TEST, 0, 0);
        for (int i = 0; status == FL_OK && i < 200; i++) {
            struct carbon_activity a = random_activity(&rng);
            status = carbon_ledger_add(ledger, &a, &err);
        }
        fl_alloc_fail_at(0);
        carbon_ledger_destroy(ledger);
        assert_true(status == FL_OK || status == FL_E_NOMEM);
        assert_true(nth < 100);
    }
    assert_true(nth > 3); /* create, and the list grew more than once */
    carbon_grid_destroy(grid);
}

static void test_a_ledger_needs_a_preset_and_a_grid(void **state)
{
    (void)state;
    struct fl_error err = {0};
    struct carbon_ledger *ledger = NULL;
    assert_int_equal(carbon_ledger_create(NULL, NULL, &ledger, &err), FL_E_ARG);
    assert_null(ledger);
    carbon_ledger_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_total_is_the_sum_of_its_parts_however_cut),
        cmocka_unit_test(test_splitting_an_interval_changes_nothing),
        cmocka_unit_test(test_carbon_is_linear_in_intensity),
        cmocka_unit_test(test_marginal_energy_is_average_energy_less_idle),
        cmocka_unit_test(test_renaming_zones_changes_nothing),
        cmocka_unit_test(test_no_time_and_no_bytes_cost_nothing),
        cmocka_unit_test(test_pue_touches_only_data_centre_terms),
        cmocka_unit_test(test_the_order_of_activities_does_not_matter),
        cmocka_unit_test(test_a_refused_activity_leaves_the_ledger_as_it_was),
        cmocka_unit_test(test_assumed_grams_are_those_of_assumed_entries),
        cmocka_unit_test(test_every_failing_allocation_is_reported),
        cmocka_unit_test(test_a_ledger_needs_a_preset_and_a_grid),
    };
    return cmocka_run_group_tests_name("carbon.ledger", tests, NULL, NULL);
}
