/* What every row of the term and preset tables must obey; a new row is tested
 * by being in the table. */
#include "carbon_fixture.h"

#include <math.h>
#include <string.h>

/* A preset of one term with every constant given. */
static struct carbon_preset only(const char *const *terms)
{
    return (struct carbon_preset){.name = "only",
                                  .terms = terms,
                                  .core_network_j_per_byte = FACT(2e-6),
                                  .network_idle_share = FACT(0.5),
                                  .whole_network_j_per_byte = FACT(3e-5),
                                  .peer_j_per_byte = FACT(4e-5),
                                  .storage_w_per_byte = FACT(1e-12),
                                  .storage_copies = FACT(2),
                                  .charges_data_upload = true,
                                  .charges_software = true,
                                  .charges_evaluation = true};
}

static const struct carbon_fact machines = FACT(0.25);

static struct carbon_activity activity_of(int role, int phase)
{
    return (struct carbon_activity){
        .role = (enum carbon_role)role,
        .phase = (enum carbon_phase)phase,
        .t0_s = 10,
        .t1_s = 74,
        .bytes = role == CARBON_CLIENT ? 1024 : 0,
        .stored_bytes = phase == CARBON_STORE ? 4096 : 0,
        .is_upload = phase == CARBON_UPLOAD,
        .zone = FIXTURE_US,
        .device = &fixture_board,
        .link = &fixture_link,
        .pue = &fixture_pue,
        .machines = role == CARBON_CLIENT ? NULL : &machines};
}

/* What a term charges; of terms that are embodied, the grams. */
static double amount_of(const struct carbon_term *term,
                        const struct carbon_preset *preset,
                        const struct carbon_activity *activity,
                        double it_j)
{
    const struct carbon_charge it = {.energy_j = it_j, .idle_j = it_j / 2};
    const struct carbon_case c = {.preset = preset,
                                  .activity = activity,
                                  .it = term->is_overhead ? &it : NULL};
    struct carbon_charge charge = {0};
    struct fl_error err = {0};
    assert_ok(term->charge(&c, &charge, &err), &err);
    assert_true((unsigned)charge.evidence < CARBON_EVIDENCE_LAST_);
    assert_true(charge.idle_j >= 0 && charge.idle_j <= charge.energy_j);
    assert_true(term->is_embodied ? charge.energy_j == 0
                                  : charge.embodied_gco2e == 0);
    assert_in_range(charge.n_uses, 0, CARBON_MAX_USES);
    for (int32_t i = 0; i < charge.n_uses; i++) {
        const struct carbon_use *use = &charge.uses[i];
        assert_true(use->sign == 1 || use->sign == -1);
        assert_true(use->fact->source && use->fact->value > use->zero_value);
    }
    return term->is_embodied ? charge.embodied_gco2e : charge.energy_j;
}

static void check_law(const struct carbon_term *term,
                      const struct carbon_activity *a)
{
    const char *const terms[] = {term->name, NULL};
    struct carbon_preset preset = only(terms);
    double whole = amount_of(term, &preset, a, 100);
    assert_true(isfinite(whole) && whole > 0);
    assert_true(amount_of(term, &preset, a, 100) == whole); /* pure */

    /* powers of two: split in quarters and back without rounding */
    struct carbon_activity part = *a;
    part.t1_s = a->t0_s + (a->t1_s - a->t0_s) / 4;
    part.bytes = a->bytes / 4;
    double first = amount_of(term, &preset, &part, 25);
    part.t0_s = part.t1_s;
    part.t1_s = a->t1_s;
    part.bytes = a->bytes - a->bytes / 4;
    double rest = amount_of(term, &preset, &part, 75);
    assert_near(first + rest, whole, 4e-16 /* one addition */, 0);

    /* nothing costs nothing */
    part.t0_s = part.t1_s;
    part.bytes = 0;
    assert_true(amount_of(term, &preset, &part, 0) == 0);

    /* twice the IT energy is twice the overhead, and nothing to others */
    double more = amount_of(term, &preset, a, 200);
    assert_true(term->is_overhead ? more == 2 * whole : more == whole);
}

/* An entry is in proportion to what its term says that it uses: with every
 * fact doubled above its offset, by 2 to the power of the sign. */
static void check_uses(const struct carbon_term *term,
                       const struct carbon_activity *a)
{
    const char *const terms[] = {term->name, NULL};
    struct carbon_preset preset = only(terms);
    struct carbon_device device = *a->device;
    struct carbon_link link = *a->link;
    struct carbon_fact pue = *a->pue, shared = machines;
    struct carbon_activity own = *a;
    own.device = &device;
    own.link = &link;
    own.pue = &pue;
    own.machines = a->machines ? &shared : NULL;
    const struct carbon_charge it = {.energy_j = 100, .idle_j = 50};
    const struct carbon_case c = {.preset = &preset,
                                  .activity = &own,
                                  .it = term->is_overhead ? &it : NULL};
    struct carbon_charge was = {0}, is;
    struct fl_error err = {0};
    assert_ok(term->charge(&c, &was, &err), &err);
    for (int32_t i = 0; i < was.n_uses; i++) {
        const struct carbon_use *use = &was.uses[i];
        /* The facts are ours: copies that this test made. */
        struct carbon_fact *fact = (struct carbon_fact *)(uintptr_t)use->fact;
        double value = fact->value;
        fact->value = use->zero_value + 2 * (value - use->zero_value);
        is = (struct carbon_charge){0};
        assert_ok(term->charge(&c, &is, &err), &err);
        fact->value = value;
        double by = use->sign > 0 ? 2 : 0.5;
        assert_near(is.energy_j, by * was.energy_j, 4e-16 /* rounding */, 0);
        assert_near(is.embodied_gco2e, by * was.embodied_gco2e, 4e-16, 0);
    }
}

static void test_terms_obey_the_laws_wherever_they_apply(void **state)
{
    (void)state;
    for (size_t i = 0; carbon_terms[i]; i++) {
        const struct carbon_term *term = carbon_terms[i];
        int applied = 0;
        for (int role = 0; role < CARBON_ROLE_LAST_; role++) {
            for (int phase = 0; phase < CARBON_PHASE_LAST_; phase++) {
                struct carbon_activity a = activity_of(role, phase);
                if (!term->applies(&a))
                    continue;
                applied++;
                check_law(term, &a);
                check_uses(term, &a);
                if (term->in_datacentre || term->is_overhead)
                    assert_int_not_equal(role, CARBON_CLIENT);
                assert_int_equal(term->is_embodied,
                                 strcmp(term->group, "embodied") == 0);
            }
        }
        print_message("  term %s: %d kinds of activity\n", term->name, applied);
        if (applied == 0)
            fail_msg("term %s applies to nothing", term->name);
        assert_false(term->in_datacentre && term->is_overhead);
        assert_false(term->is_embodied &&
                     (term->is_overhead || term->in_datacentre));
    }
}

static void test_terms_are_documented_and_named_once(void **state)
{
    (void)state;
    static const char *const groups[] = {"client", "network", "server",
                                         "overhead", "embodied"};
    size_t n = 0;
    for (; carbon_terms[n]; n++) {
        const struct carbon_term *term = carbon_terms[n];
        assert_true(strlen(term->name) > 0 && strlen(term->name) < 32);
        assert_true(strlen(term->doc) > 10);
        assert_true(strlen(term->source) > 10);
        bool is_known = false;
        for (size_t g = 0; g < 5; g++)
            is_known |= strcmp(term->group, groups[g]) == 0;
        if (!is_known)
            fail_msg("term %s: group '%s'", term->name, term->group);
        for (size_t k = 0; k < n; k++)
            assert_string_not_equal(term->name, carbon_terms[k]->name);
    }
    assert_true(n <= CARBON_MAX_TERMS);
}

/* Take a fact away: the terms that used it must say so, none may go on. */
static void test_a_missing_fact_is_an_error_in_every_term(void **state)
{
    (void)state;
    static const struct carbon_device no_device = {.name = "blank"};
    static const struct carbon_link no_link = {.name = "blank"};
    for (size_t i = 0; carbon_terms[i]; i++) {
        const struct carbon_term *term = carbon_terms[i];
        const char *const terms[] = {term->name, NULL};
        struct carbon_preset blank = {.name = "blank", .terms = terms};
        for (int role = 0; role < CARBON_ROLE_LAST_; role++) {
            for (int phase = 0; phase < CARBON_PHASE_LAST_; phase++) {
                struct carbon_activity a = activity_of(role, phase);
                if (!term->applies(&a))
                    continue;
                a.device = &no_device;
                a.link = &no_link;
                a.pue = NULL;
                const struct carbon_charge it = {.energy_j = 100};
                const struct carbon_case c = {.preset = &blank,
                                              .activity = &a,
                                              .it = term->is_overhead ? &it
                                                                      : NULL};
                struct carbon_charge charge = {0};
                struct fl_error err = {0};
                assert_int_equal(term->charge(&c, &charge, &err), FL_E_CONFIG);
                assert_non_null(strstr(err.text, "is missing"));
                assert_true(charge.energy_j == 0);
            }
        }
    }
}

/* A constant is there if and only if one of the preset's terms is. */
static void check_constant(const struct carbon_preset *preset,
                           const char *term,
                           const char *member,
                           const struct carbon_fact *fact,
                           double least,
                           double most)
{
    bool is_given = fact->source != NULL;
    if (is_given != carbon_preset_has(preset, term))
        fail_msg("preset %s: %s and %s %s", preset->name, term, member,
                 is_given ? "without it" : "is missing");
    if (!is_given || fact->is_off)
        return;
    assert_true(fact->value >= least && fact->value <= most);
    assert_true(fact->year > 1990 && fact->year <= 2026);
    assert_true(strlen(fact->source) > 8);
}

static void check_constants(const struct carbon_preset *preset)
{
    /* per byte: 0.0001 to 1 kWh/GB */
    check_constant(preset, "core_network", "core_network_j_per_byte",
                   &preset->core_network_j_per_byte, 3.6e-7, 3.6e-3);
    check_constant(preset, "whole_network", "whole_network_j_per_byte",
                   &preset->whole_network_j_per_byte, 3.6e-7, 3.6e-3);
    check_constant(preset, "peer_link", "peer_j_per_byte",
                   &preset->peer_j_per_byte, 3.6e-7, 3.6e-3);
    check_constant(preset, "storage", "storage_w_per_byte",
                   &preset->storage_w_per_byte, 1e-13, 1e-11);
    check_constant(preset, "storage", "storage_copies", &preset->storage_copies,
                   1, 10);
    if (carbon_preset_has(preset, "core_network") ||
        carbon_preset_has(preset, "whole_network"))
        assert_non_null(preset->network_idle_share.source);
}

static void test_presets_name_terms_and_what_they_leave_out(void **state)
{
    (void)state;
    size_t n = 0;
    for (; carbon_presets[n]; n++) {
        const struct carbon_preset *preset = carbon_presets[n];
        assert_true(strlen(preset->name) > 0 && strlen(preset->name) < 32);
        assert_true(strlen(preset->doc) > 10);
        assert_true(strlen(preset->source) > 10);
        assert_true(strlen(preset->leaves_out) > 10);
        size_t n_terms = 0;
        for (; preset->terms[n_terms]; n_terms++) {
            bool is_term = false;
            for (size_t i = 0; carbon_terms[i]; i++)
                is_term |=
                    !strcmp(carbon_terms[i]->name, preset->terms[n_terms]);
            if (!is_term)
                fail_msg("preset %s: no term '%s'", preset->name,
                         preset->terms[n_terms]);
            for (size_t k = 0; k < n_terms; k++)
                assert_string_not_equal(preset->terms[k],
                                        preset->terms[n_terms]);
        }
        assert_true(n_terms > 0);
        assert_false(carbon_preset_has(preset, "no such term"));
        check_constants(preset);
    }
    assert_true(n >= 7);
}

/* A transfer is paid for once: by one figure for the whole network, or by its
 * parts. */
static void test_presets_charge_no_network_twice(void **state)
{
    (void)state;
    for (size_t n = 0; carbon_presets[n]; n++) {
        const struct carbon_preset *preset = carbon_presets[n];
        if (!carbon_preset_has(preset, "whole_network"))
            continue;
        assert_false(carbon_preset_has(preset, "core_network"));
        assert_false(carbon_preset_has(preset, "access_per_byte"));
        assert_false(carbon_preset_has(preset, "access_router"));
    }
}

static void check_entries(const struct carbon_entry *entries, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert_true(isfinite(entries[i].emitted_gco2e));
        if (i == 0)
            continue;
        bool is_overhead = carbon_terms[entries[i].component]->is_overhead;
        bool was_overhead = carbon_terms[entries[i - 1].component]->is_overhead;
        assert_true(is_overhead >= was_overhead);
        if (is_overhead == was_overhead)
            assert_true(entries[i - 1].component < entries[i].component ||
                        is_overhead);
    }
}

/* Whatever a device and a link can do, under one preset. */
static void price_all(const struct carbon_preset *preset,
                      const struct carbon_grid *grid,
                      const struct carbon_device *device,
                      const struct carbon_link *link)
{
    for (int k = 0; k < CARBON_ROLE_LAST_ * CARBON_PHASE_LAST_; k++) {
        struct carbon_activity a =
            activity_of(k / CARBON_PHASE_LAST_, k % CARBON_PHASE_LAST_);
        a.device = device;
        a.link = link;
        struct carbon_entry entries[CARBON_MAX_TERMS];
        size_t n = 0;
        struct fl_error err = {0};
        assert_ok(carbon_account(preset, grid, &a, entries, &n, &err), &err);
        check_entries(entries, n);
    }
}

/* Every device, link, preset and attribution of the tables together: finite,
 * no missing fact, entries in the order of the term table. */
static void test_every_profile_can_be_priced_under_every_preset(void **state)
{
    (void)state;
    struct carbon_grid *grid = fixture_grid();
    for (size_t p = 0; carbon_presets[p]; p++) {
        for (int i = 0; i < CARBON_ATTRIBUTION_LAST_; i++) {
            struct carbon_preset preset = *carbon_presets[p];
            preset.attribution = (enum carbon_attribution)i;
            for (const struct carbon_device *d = carbon_devices; d->name; d++)
                for (const struct carbon_link *l = carbon_links; l->name; l++)
                    price_all(&preset, grid, d, l);
        }
    }
    carbon_grid_destroy(grid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_terms_obey_the_laws_wherever_they_apply),
        cmocka_unit_test(test_terms_are_documented_and_named_once),
        cmocka_unit_test(test_a_missing_fact_is_an_error_in_every_term),
        cmocka_unit_test(test_presets_name_terms_and_what_they_leave_out),
        cmocka_unit_test(test_presets_charge_no_network_twice),
        cmocka_unit_test(test_every_profile_can_be_priced_under_every_preset),
    };
    return cmocka_run_group_tests_name("carbon.conform", tests, NULL, NULL);
}
