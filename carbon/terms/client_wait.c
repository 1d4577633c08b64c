/* Client waiting: what a client's device draws, awake, between the end of its
 * own work and the end of the round.
 *
 *     E = idle_w (t1 - t0)                                               [J]
 *
 *     idle_w   power of the whole device, awake and doing nothing     [W]
 *     t1 - t0  from when it is done until it is released              [s]
 *
 *     device     idle_w    t1 - t0    E
 *     board      3 W       100 s      300 J
 *     phone      0.02 W    100 s      2 J
 *
 * Valid for role client, phase wait.
 *
 * How accurate is this? Right for devices that are on because of the training
 * (boards, gateways, silo servers). For a phone that would be on the charger
 * anyway it is an upper bound; Qiu 2023 and Yousefpour 2023 leave it out.
 *
 * Source AutoFL, MICRO 2021, arXiv 2107.08147 (participants pay idle power for
 * the rest of the round); docs/carbon-model.md. */
#include "carbon/term.h"
#include "carbon/term_priv.h"

static bool applies(const struct carbon_activity *activity)
{
    return activity->role == CARBON_CLIENT && activity->phase == CARBON_WAIT;
}

static enum fl_status charge(const struct carbon_case *c,
                             struct carbon_charge *ret,
                             struct fl_error *err)
{
    const struct carbon_device *device;
    FL_TRY(carbon_need_device(c, &device, err));
    return carbon_charge_idle(c, device, ret, err);
}

const struct carbon_term carbon_term_client_wait = {
    .name = "client_wait",
    .group = "client",
    .doc = "clients waiting for the round's end: idle_w (t1 - t0)",
    .source = "AutoFL, MICRO 2021, arXiv 2107.08147",
    .applies = applies,
    .charge = charge,
};
