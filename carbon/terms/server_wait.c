/* Server waiting: what the federated server draws while it sends, receives or
 * waits for its clients.
 *
 *     E = idle_w (t1 - t0)                                               [J]
 *
 *     idle_w   power of the server (or its share) doing nothing       [W]
 *     t1 - t0  duration                                               [s]
 *
 *     idle_w    t1 - t0     E
 *     3.07 W    3,600 s     11,052 J = 0.00307 kWh
 *     45 W      3,600 s     162,000 J = 0.045 kWh, machines 2: 0.09 kWh
 *
 * Valid for role server, phases init, broadcast, upload and wait. IT energy:
 * overhead is a component of its own. A shared server pays its part: the
 * site's `machines` (0.05 of one, 2 of a pair) multiplies the power; cloud_cpu
 * is a few virtual cores of a shared machine already.
 *
 * How accurate is this? A federated server mostly waits, so for long runs
 * this is larger than server_compute. Whether a shared server's idle power
 * belongs to the job is a convention; Qiu 2023 leaves the server out.
 *
 * Source Yousefpour et al. 2023 (server power over wall time);
 * docs/carbon-model.md, row 7. */
#include "carbon/term.h"
#include "carbon/term_priv.h"

static bool applies(const struct carbon_activity *activity)
{
    return activity->role == CARBON_SERVER &&
           (activity->phase == CARBON_WAIT || activity->phase == CARBON_INIT ||
            activity->phase == CARBON_BROADCAST ||
            activity->phase == CARBON_UPLOAD);
}

static enum fl_status charge(const struct carbon_case *c,
                             struct carbon_charge *ret,
                             struct fl_error *err)
{
    const struct carbon_device *device;
    FL_TRY(carbon_need_device(c, &device, err));
    return carbon_charge_idle(c, device, ret, err);
}

const struct carbon_term carbon_term_server_wait = {
    .name = "server_wait",
    .group = "server",
    .doc = "the server waiting for clients: idle_w (t1 - t0)",
    .source = "Yousefpour et al. 2023, Green Federated Learning",
    .in_datacentre = true,
    .applies = applies,
    .charge = charge,
};
