/* Server compute: what the federated server draws while it aggregates updates
 * or evaluates the model.
 *
 *     E = train_w (t1 - t0)                                              [J]
 *
 *     train_w  power of the server (or its share) while busy          [W]
 *     t1 - t0  duration                                               [s]
 *
 *     train_w    t1 - t0    E
 *     45 W       3,600 s    162,000 J = 0.045 kWh, 0.04905 kWh at PUE 1.09
 *     16 W       0.5 s      8 J
 *
 * Valid for role server, phases train, evaluate and aggregate. IT energy: the
 * data centre's overhead is a component of its own (datacentre_overhead).
 *
 * How accurate is this? Aggregation is short and a small part of any total
 * (1-2 % in Yousefpour et al. 2023); a wrong power here changes little.
 *
 * Source Yousefpour et al. 2023, Green Federated Learning (45 W at 1 %
 * utilisation, PUE 1.09). */
#include "carbon/term.h"
#include "carbon/term_priv.h"

static bool applies(const struct carbon_activity *activity)
{
    return activity->role == CARBON_SERVER &&
           (carbon_is_compute(activity) || activity->phase == CARBON_AGGREGATE);
}

static enum fl_status charge(const struct carbon_case *c,
                             struct carbon_charge *ret,
                             struct fl_error *err)
{
    const struct carbon_device *device;
    FL_TRY(carbon_need_device(c, &device, err));
    return carbon_charge_busy(c, device, ret, err);
}

const struct carbon_term carbon_term_server_compute = {
    .name = "server_compute",
    .group = "server",
    .doc = "the server aggregating and evaluating: train_w (t1 - t0)",
    .source = "Yousefpour et al. 2023, Green Federated Learning",
    .in_datacentre = true,
    .applies = applies,
    .charge = charge,
};
