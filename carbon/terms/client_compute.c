/* Client compute: what a client's whole device draws while it trains or
 * evaluates.
 *
 *     E = train_w (t1 - t0)                                              [J]
 *
 *     train_w  power of the whole device while training              [W]
 *     t1 - t0  duration of the step on that device                   [s]
 *
 *     device            train_w    t1 - t0    E
 *     phone             3 W        60 s       180 J
 *     board             10 W       40 s       400 J
 *     500 rounds x 10 clients x 40 s x 10 W   2,000,000 J = 0.5556 kWh
 *
 * Valid for roles client, phases train and evaluate; any duration. Idle power
 * is inside train_w: the whole device is charged to the work (average, not
 * marginal, attribution).
 *
 * How accurate is this? The formula is exact for constant power. train_w is
 * the weak point: published values for phones span 1 to 6 W, boards follow
 * their power mode, and power falls when a device throttles (not modelled).
 *
 * Source Qiu et al. 2023, JMLR 24 (E_train); Wu et al. 2022 with 3 W. */
#include "carbon/term.h"
#include "carbon/term_priv.h"

static bool applies(const struct carbon_activity *activity)
{
    return activity->role == CARBON_CLIENT && carbon_is_compute(activity);
}

static enum fl_status charge(const struct carbon_case *c,
                             struct carbon_charge *ret,
                             struct fl_error *err)
{
    const struct carbon_device *device;
    FL_TRY(carbon_need_device(c, &device, err));
    return carbon_charge_busy(c, device, ret, err);
}

const struct carbon_term carbon_term_client_compute = {
    .name = "client_compute",
    .group = "client",
    .doc = "clients training and evaluating: train_w (t1 - t0)",
    .source = "Qiu et al. 2023, JMLR 24, E_train",
    .applies = applies,
    .charge = charge,
};
