#include "carbon/ledger.h"

#include "carbon/preset.h"
#include "carbon/term.h"
#include "carbon/term_priv.h"
#include "carbon/fact_priv.h"

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
    [CARBON_WAIT] = "wait",
};
_Static_assert(sizeof(phase_names) / sizeof(phase_names[0]) ==
                   CARBON_PHASE_LAST_,
               "every phase needs a name");

const char *carbon_role_name(enum carbon_role role)
{
    return (unsigned)role < CARBON_ROLE_LAST_ ? role_names[role] : "unknown";
}

const char *carbon_phase_name(enum carbon_phase phase)
{
    return (unsigned)phase < CARBON_PHASE_LAST_ ? phase_names[phase]
                                                : "unknown";
}

enum fl_status carbon_need_device(const struct carbon_activity *activity,
                                  const struct carbon_device **ret,
                                  struct fl_error *err)
{
    if (activity->device == NULL)
        return fl_fail(err, FL_E_ARG, "%s %lld, %s: activity without a device",
                       carbon_role_name(activity->role),
                       (long long)activity->entity,
                       carbon_phase_name(activity->phase));
    *ret = activity->device;
    return FL_OK;
}

enum fl_status carbon_need_link(const struct carbon_activity *activity,
                                const struct carbon_link **ret,
                                struct fl_error *err)
{
    if (activity->link == NULL)
        return fl_fail(err, FL_E_ARG, "%s %lld, %s: transfer without a link",
                       carbon_role_name(activity->role),
                       (long long)activity->entity,
                       carbon_phase_name(activity->phase));
    *ret = activity->link;
    return FL_OK;
}

enum fl_status carbon_energy_over_time(const struct carbon_activity *activity,
                                       const struct carbon_fact *power_w,
                                       const char *owner,
                                       const char *member,
                                       double *ret_energy_j,
                                       enum carbon_evidence *ret_evidence,
                                       struct fl_error *err)
{
    double used_w;
    FL_TRY(carbon_fact_use(power_w, owner, member, &used_w, ret_evidence, err));
    *ret_energy_j = used_w * (activity->t1_s - activity->t0_s);
    return FL_OK;
}

enum fl_status carbon_energy_per_byte(const struct carbon_activity *activity,
                                      const struct carbon_fact *j_per_byte,
                                      const char *owner,
                                      const char *member,
                                      double *ret_energy_j,
                                      enum carbon_evidence *ret_evidence,
                                      struct fl_error *err)
{
    double used_j_per_byte;
    FL_TRY(carbon_fact_use(j_per_byte, owner, member, &used_j_per_byte,
                           ret_evidence, err));
    *ret_energy_j = used_j_per_byte * activity->bytes;
    return FL_OK;
}

static enum fl_status check_activity(const struct carbon_activity *activity,
                                     struct fl_error *err)
{
    const char *phase = carbon_phase_name(activity->phase);
    if ((unsigned)activity->role >= CARBON_ROLE_LAST_ ||
        (unsigned)activity->phase >= CARBON_PHASE_LAST_ ||
        (unsigned)activity->duration_evidence >= CARBON_EVIDENCE_LAST_)
        return fl_fail(err, FL_E_ARG,
                       "activity: role %d, phase %d, evidence %d, allowed "
                       "the members of their enums",
                       (int)activity->role, (int)activity->phase,
                       (int)activity->duration_evidence);
    if (!isfinite(activity->t0_s) || !isfinite(activity->t1_s) ||
        !isfinite(activity->bytes))
        return fl_fail(err, FL_E_NUMERIC,
                       "%s %lld, round %lld, %s: from %g s to %g s, %g bytes, "
                       "allowed finite numbers",
                       carbon_role_name(activity->role),
                       (long long)activity->entity, (long long)activity->round,
                       phase, activity->t0_s, activity->t1_s, activity->bytes);
    if (activity->t1_s < activity->t0_s || activity->bytes < 0)
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
        .t0_s = activity->t0_s,
        .t1_s = activity->t1_s,
        .is_wasted = activity->is_wasted,
    };
}

/* One entry: the term's joules, the grid's grams, the weakest evidence. */
static enum fl_status charge(const struct carbon_term *term,
                             const struct carbon_preset *preset,
                             const struct carbon_grid *grid,
                             const struct carbon_activity *activity,
                             double it_energy_j,
                             struct carbon_entry *entry,
                             struct fl_error *err)
{
    enum carbon_evidence energy_evidence, grid_evidence;
    FL_TRY(term->energy(preset, activity, it_energy_j, &entry->energy_j,
                        &energy_evidence, err));
    if (!isfinite(entry->energy_j) || entry->energy_j < 0)
        return fl_fail(err, FL_E_NUMERIC,
                       "term %s: %s %lld, round %lld, %s: %g J, allowed a "
                       "finite number >= 0",
                       term->name, carbon_role_name(activity->role),
                       (long long)activity->entity, (long long)activity->round,
                       carbon_phase_name(activity->phase), entry->energy_j);
    FL_TRY(carbon_grid_emissions(grid, activity->zone, activity->t0_s,
                                 activity->t1_s, entry->energy_j,
                                 &entry->emitted_gco2e, &grid_evidence, err));
    entry->evidence = carbon_evidence_weaker(
        carbon_evidence_weaker(energy_evidence, activity->duration_evidence),
        grid_evidence);
    return FL_OK;
}

/* What has been charged so far for one activity. */
struct account {
    struct carbon_entry entries[CARBON_MAX_TERMS];
    size_t n;
    double it_energy_j; /* of the in_datacentre terms */
    bool has_it;
    enum carbon_evidence it_evidence;
};

/* The terms that are overhead, or those that are not, in table order. */
static enum fl_status charge_all(const struct carbon_preset *preset,
                                 const struct carbon_grid *grid,
                                 const struct carbon_activity *activity,
                                 bool is_overhead,
                                 struct account *account,
                                 struct fl_error *err)
{
    for (int32_t i = 0; carbon_terms[i]; i++) {
        const struct carbon_term *term = carbon_terms[i];
        if (term->is_overhead != is_overhead || !term->applies(activity) ||
            !carbon_preset_has(preset, term->name))
            continue;
        assert(account->n < CARBON_MAX_TERMS);
        struct carbon_entry entry = entry_of(activity, i);
        FL_TRY(charge(term, preset, grid, activity, account->it_energy_j,
                      &entry, err));
        if (is_overhead) {
            entry.evidence =
                carbon_evidence_weaker(entry.evidence, account->it_evidence);
        } else if (term->in_datacentre) {
            account->it_energy_j += entry.energy_j;
            account->it_evidence =
                carbon_evidence_weaker(account->it_evidence, entry.evidence);
            account->has_it = true;
        }
        /* The bytes moved are counted once per activity. */
        entry.bytes = account->n == 0 ? activity->bytes : 0;
        account->entries[account->n++] = entry;
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
    account.it_energy_j = 0;
    account.has_it = false;
    account.it_evidence = CARBON_MEASURED;
    bool is_data_upload =
        carbon_is_transfer(activity) && activity->phase == CARBON_INIT;
    bool is_left_out =
        (is_data_upload && !preset->charges_data_upload) ||
        (activity->phase == CARBON_EVALUATE && !preset->charges_evaluation);
    if (!is_left_out)
        FL_TRY(charge_all(preset, grid, activity, false, &account, err));
    if (account.has_it)
        FL_TRY(charge_all(preset, grid, activity, true, &account, err));
    memcpy(ret_entries, account.entries,
           account.n * sizeof(account.entries[0]));
    *ret_n = account.n;
    return FL_OK;
}
