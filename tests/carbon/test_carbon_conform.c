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
                                  .charges_data_upload = true,
                                  .charges_evaluation = true};
}

static struct carbon_activity activity_of(int role, int phase)
{
    return (struct carbon_activity){.role = (enum carbon_role)role,
                                    .phase = (enum carbon_phase)phase,
                                    .t0_s = 10,
                                    .t1_s = 74,
                                    .bytes = role == CARBON_CLIENT ? 1024 : 0,
                                    .is_upload = phase == CARBON_UPLOAD,
                                    .zone = FIXTURE_US,
                                    .device = &fixture_board,
                                    .link = &fixture_link,
                                    .pue = &fixture_pue};
}

static double energy_of(const struct carbon_term *term,
                        const struct carbon_preset *preset,
                        const struct carbon_activity *activity,
                        double it_j)
{
    double energy_j = -1;
    enum carbon_evidence evidence = CARBON_EVIDENCE_LAST_;
    struct fl_error err = {0};
    assert_ok(term->energy(preset, activity, it_j, &energy_j, &evidence, &err),
              &err);
    assert_true((unsigned)evidence < CARBON_EVIDENCE_LAST_);
    return energy_j;
}

static void check_law(const struct carbon_term *term,
                      const struct carbon_activity *a)
{
    const char *const terms[] = {term->name, NULL};
    struct carbon_preset preset = only(terms);
    double whole_j = energy_of(term, &preset, a, 100);
    assert_true(isfinite(whole_j) && whole_j >= 0);
    assert_true(energy_of(term, &preset, a, 100) == whole_j); /* pure */

    /* powers of two: split in quarters and back without rounding */
    struct carbon_activity part = *a;
    part.t1_s = a->t0_s + (a->t1_s - a->t0_s) / 4;
    part.bytes = a->bytes / 4;
    double part_j = energy_of(term, &preset, &part, 25);
    part.t0_s = part.t1_s;
    part.t1_s = a->t1_s;
    part.bytes = a->bytes - a->bytes / 4;
    double rest_j = energy_of(term, &preset, &part, 75);
    assert_near(part_j + rest_j, whole_j, 4e-16 /* one addition */, 0);

    /* nothing costs nothing */
    part.t0_s = part.t1_s;
    part.bytes = 0;
    assert_true(energy_of(term, &preset, &part, 0) == 0);

    /* twice the IT energy is twice the overhead, and nothing to others */
    double more_j = energy_of(term, &preset, a, 200);
    assert_true(term->is_overhead ? more_j == 2 * whole_j : more_j == whole_j);
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
                if (term->in_datacentre || term->is_overhead)
                    assert_int_not_equal(role, CARBON_CLIENT);
            }
        }
        print_message("  term %s: %d kinds of activity\n", term->name, applied);
        if (applied == 0)
            fail_msg("term %s applies to nothing", term->name);
        assert_false(term->in_datacentre && term->is_overhead);
    }
}

static void test_terms_are_documented_and_named_once(void **state)
{
    (void)state;
    static const char *const groups[] = {"client", "network", "server",
                                         "overhead"};
    size_t n = 0;
    for (; carbon_terms[n]; n++) {
        const struct carbon_term *term = carbon_terms[n];
        assert_true(strlen(term->name) > 0 && strlen(term->name) < 32);
        assert_true(strlen(term->doc) > 10);
        assert_true(strlen(term->source) > 10);
        bool is_known = false;
        for (size_t g = 0; g < 4; g++)
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
                double energy_j = -1;
                enum carbon_evidence evidence;
                struct fl_error err = {0};
                assert_int_equal(
                    term->energy(&blank, &a, 100, &energy_j, &evidence, &err),
                    FL_E_CONFIG);
                assert_non_null(strstr(err.text, "is missing"));
                assert_true(energy_j == -1);
            }
        }
    }
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
        const struct carbon_fact *core = &preset->core_network_j_per_byte;
        if (carbon_preset_has(preset, "core_network")) {
            assert_non_null(core->source);
            /* 0.0001 to 1 kWh/GB */
            assert_true(core->value > 3.6e-7 && core->value < 3.6e-3);
            assert_true(core->year > 1990);
        }
    }
    assert_true(n >= 2);
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
            assert_true(entries[i - 1].component < entries[i].component);
    }
}

/* Every device, link and preset of the tables together: finite, no missing
 * fact, entries in the order of the term table. */
static void test_every_profile_can_be_priced_under_every_preset(void **state)
{
    (void)state;
    struct carbon_grid *grid = fixture_grid();
    for (size_t p = 0; carbon_presets[p]; p++) {
        for (const struct carbon_device *d = carbon_devices; d->name; d++) {
            if (!d->train_w.source || !d->idle_w.source)
                continue; /* a fact that nobody knows: nothing to price */
            for (const struct carbon_link *l = carbon_links; l->name; l++) {
                for (int k = 0; k < CARBON_ROLE_LAST_ * CARBON_PHASE_LAST_;
                     k++) {
                    struct carbon_activity a = activity_of(
                        k / CARBON_PHASE_LAST_, k % CARBON_PHASE_LAST_);
                    a.device = d;
                    a.link = l;
                    struct carbon_entry entries[CARBON_MAX_TERMS];
                    size_t n = 0;
                    struct fl_error err = {0};
                    assert_ok(carbon_account(carbon_presets[p], grid, &a,
                                             entries, &n, &err),
                              &err);
                    check_entries(entries, n);
                }
            }
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
        cmocka_unit_test(test_every_profile_can_be_priced_under_every_preset),
    };
    return cmocka_run_group_tests_name("carbon.conform", tests, NULL, NULL);
}
