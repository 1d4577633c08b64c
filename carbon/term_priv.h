/* What terms share: power over time, energy per byte, a share of a device's
 * making, and which activities are what. For carbon/terms/ only. */
#ifndef CARBON_TERM_PRIV_H
#define CARBON_TERM_PRIV_H

#include "base/status.h"
#include "carbon/fact.h"
#include "carbon/term.h"

#include <stdbool.h>

/* A client moves bytes over its link: model or software down, update or data
 * up. The far end of the same transfer is not an activity of its own. */
static inline bool carbon_is_transfer(const struct carbon_activity *activity)
{
    return activity->role == CARBON_CLIENT &&
           (activity->phase == CARBON_INIT ||
            activity->phase == CARBON_BROADCAST ||
            activity->phase == CARBON_UPLOAD ||
            activity->phase == CARBON_PROVISION);
}

/* The entity computes: training, evaluating or answering requests. */
static inline bool carbon_is_compute(const struct carbon_activity *activity)
{
    return activity->phase == CARBON_TRAIN ||
           activity->phase == CARBON_EVALUATE ||
           activity->phase == CARBON_SERVE;
}

/* The entity's machine is kept, whatever it does; storing data is the disks'
 * affair. */
static inline bool carbon_is_kept(const struct carbon_activity *activity)
{
    return activity->phase != CARBON_STORE;
}

/* A machine's time, t1 - t0, is that of every machine that the activity keeps:
 * what follows is multiplied by activity->machines where that is given. */

/* energy = power_w (t1 - t0). owner and member name the fact in errors. */
enum fl_status carbon_charge_power(const struct carbon_case *c,
                                   const struct carbon_fact *power_w,
                                   const char *owner,
                                   const char *member,
                                   struct carbon_charge *ret,
                                   struct fl_error *err) FL_NODISCARD;

/* energy = train_w (t1 - t0), of which idle_w (t1 - t0) is idle. Where idle_w
 * is not known, none is; marginal attribution then fails FL_E_CONFIG. */
enum fl_status carbon_charge_busy(const struct carbon_case *c,
                                  const struct carbon_device *device,
                                  struct carbon_charge *ret,
                                  struct fl_error *err) FL_NODISCARD;

/* energy = idle_w (t1 - t0), all of it idle. */
enum fl_status carbon_charge_idle(const struct carbon_case *c,
                                  const struct carbon_device *device,
                                  struct carbon_charge *ret,
                                  struct fl_error *err) FL_NODISCARD;

/* energy = j_per_byte bytes, of which network_idle_share is idle where the
 * preset gives it; marginal attribution needs it. */
enum fl_status carbon_charge_bytes(const struct carbon_case *c,
                                   const struct carbon_fact *j_per_byte,
                                   const char *owner,
                                   const char *member,
                                   struct carbon_charge *ret,
                                   struct fl_error *err) FL_NODISCARD;

/* embodied = embodied_kgco2e (t1 - t0) / (lifetime_years use_share); nothing
 * where embodied_kgco2e is off. */
enum fl_status carbon_charge_embodied(const struct carbon_case *c,
                                      const struct carbon_device *device,
                                      struct carbon_charge *ret,
                                      struct fl_error *err) FL_NODISCARD;

/* The charge rests on this fact, too: its evidence and its uncertainty; on
 * none that is off. */
void carbon_charge_use(struct carbon_charge *charge,
                       const struct carbon_fact *fact,
                       double zero_value,
                       int32_t sign);

/* The activity's device or link. Fails FL_E_ARG: the activity has none. */
enum fl_status carbon_need_device(const struct carbon_case *c,
                                  const struct carbon_device **ret,
                                  struct fl_error *err) FL_NODISCARD;
enum fl_status carbon_need_link(const struct carbon_case *c,
                                const struct carbon_link **ret,
                                struct fl_error *err) FL_NODISCARD;

#endif
