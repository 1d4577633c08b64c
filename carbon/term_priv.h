/* What terms share: energy as power times time, energy as bytes times energy
 * per byte, and which activities are transfers. For carbon/terms/ only. */
#ifndef CARBON_TERM_PRIV_H
#define CARBON_TERM_PRIV_H

#include "base/status.h"
#include "carbon/fact.h"
#include "carbon/ledger.h"

#include <stdbool.h>

/* A client moves bytes over its link: model down, update or data up. The far
 * end of the same transfer is not an activity of its own. */
static inline bool carbon_is_transfer(const struct carbon_activity *activity)
{
    return activity->role == CARBON_CLIENT &&
           (activity->phase == CARBON_INIT ||
            activity->phase == CARBON_BROADCAST ||
            activity->phase == CARBON_UPLOAD);
}

/* The entity computes: training or evaluating. */
static inline bool carbon_is_compute(const struct carbon_activity *activity)
{
    return activity->phase == CARBON_TRAIN ||
           activity->phase == CARBON_EVALUATE;
}

/* energy = power_w (t1 - t0). owner and member name the fact in errors. */
enum fl_status carbon_energy_over_time(const struct carbon_activity *activity,
                                       const struct carbon_fact *power_w,
                                       const char *owner,
                                       const char *member,
                                       double *ret_energy_j,
                                       enum carbon_evidence *ret_evidence,
                                       struct fl_error *err) FL_NODISCARD;

/* energy = j_per_byte bytes. */
enum fl_status carbon_energy_per_byte(const struct carbon_activity *activity,
                                      const struct carbon_fact *j_per_byte,
                                      const char *owner,
                                      const char *member,
                                      double *ret_energy_j,
                                      enum carbon_evidence *ret_evidence,
                                      struct fl_error *err) FL_NODISCARD;

/* The activity's device or link. Fails FL_E_ARG: the activity has none. */
enum fl_status carbon_need_device(const struct carbon_activity *activity,
                                  const struct carbon_device **ret,
                                  struct fl_error *err) FL_NODISCARD;
enum fl_status carbon_need_link(const struct carbon_activity *activity,
                                const struct carbon_link **ret,
                                struct fl_error *err) FL_NODISCARD;

#endif
