#include "carbon/ledger.h"

#include "carbon/preset.h"
#include "carbon/term.h"
#include "carbon/term_priv.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static const char *const role_names[] = {
    [CARBON_CLIENT] = "client",
    [CARBON_SERVER] = "server",
    [CARBON_DATACENTRE] = "datacentre",
};
_Static_assert(sizeof(role_names) / sizeof(role_names[0]) == CARBON_ROLE_LAST_,
               "every role needs a name");

static const char *const phase_names[] = {
    [CARBON_INIT] = "init",     [CARBON_BROADCAST] = "broadcast",
    [CARBON_TRAIN] = "train",   [CARBON_EVALUATE] = "evaluate",
    [CARBON_UPLOAD] = "upload", [CARBON_AGGREGATE] = "aggregate",
    [CARBON_WAIT] = "wait",     [CARBON_PROVISION] = "provision",
    [CARBON_STORE] = "store",   [CARBON_PEER] = "peer",
    [CARBON_SERVE] = "serve",
};
_Static_assert(sizeof(phase_names) / sizeof(phase_names[0]) ==
                   CARBON_PHASE_LAST_,
               "every phase needs a name");

static const char *const stage_names[] = {
    [CARBON_TRAINING] = "training",
    [CARBON_DATA] = "data",
    [CARBON_SEARCH] = "search",
    [CARBON_SERVING] = "serving",
};
_Static_assert(sizeof(stage_names) / sizeof(stage_names[0]) ==
                   CARBON_STAGE_LAST_,
               "every stage needs a name");

const char *carbon_role_name(enum carbon_role role)
{
    return (unsigned)role < CARBON_ROLE_LAST_ ? role_names[role] : "unknown";
}

const char *carbon_phase_name(enum carbon_phase phase)
{
    return (unsigned)phase < CARBON_PHASE_LAST_ ? phase_names[phase]
                                                : "unknown";
}

const char *carbon_stage_name(enum carbon_stage stage)
{
    return (unsigned)stage < CARBON_STAGE_LAST_ ? stage_names[stage]
                                                : "unknown";
}

const char *carbon_attribution_name(enum carbon_attribution attribution)
{
    static const char *const names[] = {
        [CARBON_AVERAGE] = "average",
        [CARBON_MARGINAL] = "marginal",
    };
    return (unsigned)attribution < CARBON_ATTRIBUTION_LAST_ ? names[attribution]
                                                            : "unknown";
}

static enum fl_status check_activity(const struct carbon_activity *activity,
                                     struct fl_error *err)
{
    const char *phase = carbon_phase_name(activity->phase);
    if ((unsigned)activity->role >= CARBON_ROLE_LAST_ ||
        (unsigned)activity->phase >= CARBON_PHASE_LAST_ ||
        (unsigned)activity->stage >= CARBON_STAGE_LAST_ ||
        (unsigned)activity->duration_evidence >= CARBON_EVIDENCE_LAST_)
        return fl_fail(err, FL_E_ARG,
                       "activity: role %d, phase %d, stage %d, evidence %d, "
                       "allowed the members of their enums",
                       (int)activity->role, (int)activity->phase,
                       (int)activity->stage, (int)activity->duration_evidence);
    if (!isfinite(activity->t0_s) || !isfinite(activity->t1_s) ||
        !isfinite(activity->bytes) || !isfinite(activity->stored_bytes))
        return fl_fail(err, FL_E_NUMERIC,
                       "%s %lld, round %lld, %s: from %g s to %g s, %g bytes, "
                       "allowed finite numbers",
                       carbon_role_name(activity->role),
                       (long long)activity->entity, (long long)activity->round,
                       phase, activity->t0_s, activity->t1_s, activity->bytes);
    if (activity->t1_s < activity->t0_s || activity->bytes < 0 ||
        activity->stored_bytes < 0)
        return fl_fail(err, FL_E_ARG,
                       "%s %lld, round %lld, %s: from %g s to %g s, %g bytes, "
                       "allowed t1 >= t0 and bytes >= 0",
                       carbon_role_name(activity->role),
                       (long long)activity->entity, (long long)activity->round,
                       phase, activity->t0_s, activity->t1_s, activity->bytes);
    return FL_OK;
}

static struct carbon_entry entry_of(const struct carbon_activity *activity,
                                    int32_t component)
{
    return (struct carbon_entry){
        .arm = activity->arm,
        .round = activity->round,
        .role = activity->role,
        .entity = activity->entity,
        .zone = activity->zone,
        .component = component,
        .phase = activity->phase,
        .stage = activity->stage,
        .t0_s = activity->t0_s,
        .t1_s = activity->t1_s,
        .is_wasted = activity->is_wasted,
    };
}

static enum fl_status refuse_charge(const struct carbon_term *term,
                                    const struct carbon_activity *activity,
                                    const struct carbon_charge *charge,
                                    struct fl_error *err)
{
    return fl_fail(err, FL_E_NUMERIC,
                   "term %s: %s %lld, round %lld, %s: %g J, %g J idle, %g g "
                   "embodied, allowed finite numbers >= 0, idle at most all",
                   term->name, carbon_role_name(activity->role),
                   (long long)activity->entity, (long long)activity->round,
                   carbon_phase_name(activity->phase), charge->energy_j,
                   charge->idle_j, charge->embodied_gco2e);
}

/* The term's charge, less what marginal attribution leaves out. */
static enum fl_status charge_of(const struct carbon_term *term,
                                const struct carbon_case *c,
                                struct carbon_charge *ret,
                                struct fl_error *err)
{
    struct carbon_charge charge = {.energy_j = 0};
    FL_TRY(term->charge(c, &charge, err));
    if (!isfinite(charge.energy_j) || charge.energy_j < 0 ||
        !(charge.idle_j >= 0) || charge.idle_j > charge.energy_j ||
        !isfinite(charge.embodied_gco2e) || charge.embodied_gco2e < 0)
        return refuse_charge(term, c->activity, &charge, err);
    if (c->preset->attribution == CARBON_MARGINAL) {
        charge.energy_j -= charge.idle_j;
        charge.idle_j = 0;
    }
    *ret = charge;
    return FL_OK;
}

/* One entry: the term's joules, the grid's grams, the weakest evidence. */
static enum fl_status enter(const struct carbon_term *term,
                            const struct carbon_grid *grid,
                            const struct carbon_activity *activity,
                            const struct carbon_charge *charge,
                            struct carbon_entry *entry,
                            struct fl_error *err)
{
    enum carbon_evidence grid_evidence = CARBON_MEASURED;
    if (term->is_embodied)
        entry->emitted_gco2e = charge->embodied_gco2e;
    else
        FL_TRY(carbon_grid_emissions(
            grid, activity->zone, activity->t0_s, activity->t1_s,
            charge->energy_j, &entry->emitted_gco2e, &grid_evidence, err));
    entry->energy_j = charge->energy_j;
    entry->idle_j = charge->idle_j;
    entry->evidence = carbon_evidence_weaker(
        carbon_evidence_weaker(charge->evidence, activity->duration_evidence),
        grid_evidence);
    entry->n_uses = charge->n_uses;
    memcpy(entry->uses, charge->uses,
           (size_t)charge->n_uses * sizeof(charge->uses[0]));
    return FL_OK;
}

/* What has been charged so far for one activity. */
struct account {
    struct carbon_entry entries[CARBON_MAX_TERMS];
    size_t n;
    struct carbon_charge it[CARBON_MAX_TERMS]; /* of the terms in_datacentre */
    size_t n_it;
};

static enum fl_status add(const struct carbon_term *term,
                          int32_t component,
                          const struct carbon_grid *grid,
                          const struct carbon_case *c,
                          struct account *account,
                          struct fl_error *err)
{
    struct carbon_charge charge;
    struct carbon_entry entry = entry_of(c->activity, component);
    FL_TRY(charge_of(term, c, &charge, err));
    FL_TRY(enter(term, grid, c->activity, &charge, &entry, err));
    if (term->in_datacentre) {
        charge.evidence = entry.evidence;
        account->it[account->n_it++] = charge;
    }
    /* The bytes moved are counted once per activity. */
    entry.bytes = account->n == 0 ? c->activity->bytes : 0;
    assert(account->n < CARBON_MAX_TERMS);
    account->entries[account->n++] = entry;
    return FL_OK;
}

/* The terms that are overhead, or those that are not, in table order. */
static enum fl_status charge_all(const struct carbon_preset *preset,
                                 const struct carbon_grid *grid,
                                 const struct carbon_activity *activity,
                                 bool is_overhead,
                                 struct account *account,
                                 struct fl_error *err)
{
    struct carbon_case c = {.preset = preset, .activity = activity};
    for (int32_t i = 0; carbon_terms[i]; i++) {
        const struct carbon_term *term = carbon_terms[i];
        if (term->is_overhead != is_overhead || !term->applies(activity) ||
            !carbon_preset_has(preset, term->name))
            continue;
        for (size_t k = 0; k < (is_overhead ? account->n_it : 1); k++) {
            c.it = is_overhead ? &account->it[k] : NULL;
            FL_TRY(add(term, i, grid, &c, account, err));
        }
    }
    return FL_OK;
}

enum fl_status carbon_account(const struct carbon_preset *preset,
                              const struct carbon_grid *grid,
                              const struct carbon_activity *activity,
                              struct carbon_entry *ret_entries,
                              size_t *ret_n,
                              struct fl_error *err)
{
    assert(preset && grid && activity && ret_entries && ret_n);
    FL_TRY(check_activity(activity, err));
    struct account account;
    account.n = 0;
    account.n_it = 0;
    bool is_data_upload =
        carbon_is_transfer(activity) && activity->phase == CARBON_INIT;
    bool is_left_out =
        (is_data_upload && !preset->charges_data_upload) ||
        (activity->phase == CARBON_PROVISION && !preset->charges_software) ||
        (activity->phase == CARBON_EVALUATE && !preset->charges_evaluation);
    if (!is_left_out) {
        FL_TRY(charge_all(preset, grid, activity, false, &account, err));
        FL_TRY(charge_all(preset, grid, activity, true, &account, err));
    }
    memcpy(ret_entries, account.entries,
           account.n * sizeof(account.entries[0]));
    *ret_n = account.n;
    return FL_OK;
}
