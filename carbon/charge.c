/* The formulas that terms are made of. */
#include "carbon/term_priv.h"

#include "base/units.h"
#include "carbon/fact_priv.h"

#include <assert.h>

enum fl_status carbon_need_device(const struct carbon_case *c,
                                  const struct carbon_device **ret,
                                  struct fl_error *err)
{
    const struct carbon_activity *activity = c->activity;
    if (activity->device == NULL)
        return fl_fail(err, FL_E_ARG, "%s %lld, %s: activity without a device",
                       carbon_role_name(activity->role),
                       (long long)activity->entity,
                       carbon_phase_name(activity->phase));
    *ret = activity->device;
    return FL_OK;
}

enum fl_status carbon_need_link(const struct carbon_case *c,
                                const struct carbon_link **ret,
                                struct fl_error *err)
{
    const struct carbon_activity *activity = c->activity;
    if (activity->link == NULL)
        return fl_fail(err, FL_E_ARG, "%s %lld, %s: transfer without a link",
                       carbon_role_name(activity->role),
                       (long long)activity->entity,
                       carbon_phase_name(activity->phase));
    *ret = activity->link;
    return FL_OK;
}

void carbon_charge_use(struct carbon_charge *charge,
                       const struct carbon_fact *fact,
                       double zero_value,
                       int32_t sign)
{
    if (fact->is_off)
        return;
    assert(charge->n_uses < CARBON_MAX_USES);
    charge->evidence = carbon_evidence_weaker(charge->evidence, fact->evidence);
    charge->uses[charge->n_uses++] = (struct carbon_use){
        .fact = fact, .zero_value = zero_value, .sign = sign};
}

/* The activity's duration times how many machines it keeps; the charge falls
 * with the speed behind it, grows with the duration's own fact and with the
 * machines. */
static enum fl_status machine_time(const struct carbon_case *c,
                                   struct carbon_charge *charge,
                                   double *ret_time_s,
                                   struct fl_error *err)
{
    const struct carbon_activity *activity = c->activity;
    const struct carbon_fact *machines = activity->machines;
    double n = 1;
    if (machines && (machines->source || machines->is_off)) {
        FL_TRY(carbon_fact_use(machines, carbon_role_name(activity->role),
                               "machines", &n, err));
        carbon_charge_use(charge, machines, 0, 1);
    }
    if (activity->speed_fact)
        carbon_charge_use(charge, activity->speed_fact, 0, -1);
    if (activity->duration_fact)
        carbon_charge_use(charge, activity->duration_fact, 0, 1);
    *ret_time_s = n * (activity->t1_s - activity->t0_s);
    return FL_OK;
}

enum fl_status carbon_charge_power(const struct carbon_case *c,
                                   const struct carbon_fact *power_w,
                                   const char *owner,
                                   const char *member,
                                   struct carbon_charge *ret,
                                   struct fl_error *err)
{
    double used_w, time_s;
    FL_TRY(carbon_fact_use(power_w, owner, member, &used_w, err));
    carbon_charge_use(ret, power_w, 0, 1);
    FL_TRY(machine_time(c, ret, &time_s, err));
    ret->energy_j = used_w * time_s;
    return FL_OK;
}

enum fl_status carbon_charge_busy(const struct carbon_case *c,
                                  const struct carbon_device *device,
                                  struct carbon_charge *ret,
                                  struct fl_error *err)
{
    bool is_marginal = c->preset->attribution == CARBON_MARGINAL;
    bool has_idle = device->idle_w.source || device->idle_w.is_off;
    double train_w, idle_w = 0, time_s;
    FL_TRY(carbon_fact_use(&device->train_w, device->name, "train_w", &train_w,
                           err));
    if (has_idle || is_marginal)
        FL_TRY(carbon_fact_use(&device->idle_w, device->name, "idle_w", &idle_w,
                               err));
    if (idle_w > train_w)
        idle_w = train_w;
    carbon_charge_use(ret, &device->train_w, is_marginal ? idle_w : 0, 1);
    if (is_marginal)
        ret->evidence =
            carbon_evidence_weaker(ret->evidence, device->idle_w.evidence);
    FL_TRY(machine_time(c, ret, &time_s, err));
    ret->energy_j = train_w * time_s;
    ret->idle_j = idle_w * time_s;
    return FL_OK;
}

enum fl_status carbon_charge_idle(const struct carbon_case *c,
                                  const struct carbon_device *device,
                                  struct carbon_charge *ret,
                                  struct fl_error *err)
{
    FL_TRY(carbon_charge_power(c, &device->idle_w, device->name, "idle_w", ret,
                               err));
    ret->idle_j = ret->energy_j;
    return FL_OK;
}

enum fl_status carbon_charge_bytes(const struct carbon_case *c,
                                   const struct carbon_fact *j_per_byte,
                                   const char *owner,
                                   const char *member,
                                   struct carbon_charge *ret,
                                   struct fl_error *err)
{
    const struct carbon_preset *preset = c->preset;
    const struct carbon_fact *idle = &preset->network_idle_share;
    bool is_marginal = preset->attribution == CARBON_MARGINAL;
    double used_j_per_byte, share = 0;
    FL_TRY(carbon_fact_use(j_per_byte, owner, member, &used_j_per_byte, err));
    if (idle->source || idle->is_off || is_marginal)
        FL_TRY(carbon_fact_use(idle, preset->name, "network_idle_share", &share,
                               err));
    if (share > 1)
        return fl_fail(err, FL_E_CONFIG,
                       "%s: fact network_idle_share = %g, allowed 0 to 1",
                       preset->name, share);
    ret->energy_j = used_j_per_byte * c->activity->bytes;
    ret->idle_j = share * ret->energy_j;
    carbon_charge_use(ret, j_per_byte, 0, 1);
    if (is_marginal)
        ret->evidence = carbon_evidence_weaker(ret->evidence, idle->evidence);
    return FL_OK;
}

enum fl_status carbon_charge_embodied(const struct carbon_case *c,
                                      const struct carbon_device *device,
                                      struct carbon_charge *ret,
                                      struct fl_error *err)
{
    double kgco2e, years, share, time_s;
    FL_TRY(carbon_fact_use(&device->embodied_kgco2e, device->name,
                           "embodied_kgco2e", &kgco2e, err));
    if (device->embodied_kgco2e.is_off)
        return FL_OK;
    FL_TRY(carbon_fact_use(&device->lifetime_years, device->name,
                           "lifetime_years", &years, err));
    FL_TRY(carbon_fact_use(&device->use_share, device->name, "use_share",
                           &share, err));
    if (!(years > 0) || !(share > 0) || share > 1)
        return fl_fail(err, FL_E_CONFIG,
                       "%s: lifetime_years = %g, use_share = %g, allowed "
                       "years > 0, a share > 0 and <= 1",
                       device->name, years, share);
    carbon_charge_use(ret, &device->embodied_kgco2e, 0, 1);
    carbon_charge_use(ret, &device->lifetime_years, 0, -1);
    carbon_charge_use(ret, &device->use_share, 0, -1);
    FL_TRY(machine_time(c, ret, &time_s, err));
    ret->embodied_gco2e =
        kgco2e * FL_G_PER_KG * time_s / (years * FL_S_PER_YEAR * share);
    return FL_OK;
}
