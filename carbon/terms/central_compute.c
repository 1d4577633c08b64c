/* Central compute: what the data-centre node of the centralized arm draws
 * while it trains and evaluates.
 *
 *     E = train_w (t1 - t0)                                              [J]
 *
 *     train_w  power of the node while training (accelerator and host,
 *              as the device's profile says)                          [W]
 *     t1 - t0  duration                                               [s]
 *
 *     train_w    t1 - t0    E                         with PUE 1.67
 *     250 W      3,600 s    900,000 J = 0.25 kWh      0.4175 kWh
 *     406 W      3,600 s    1,461,600 J = 0.406 kWh   0.67802 kWh
 *
 * Valid for role datacentre, phases train and evaluate. IT energy: the data
 * centre's overhead is a component of its own (datacentre_overhead).
 *
 * How accurate is this? Counting the accelerator alone underestimates a node
 * by a factor of 2 to 4 (90 ImageNet epochs: 15 kWh for the GPU, 55 to 90 kWh
 * measured for whole nodes); our V100 and A100 profiles add a host.
 *
 * Source Qiu et al. 2023, JMLR 24: E_central = PUE t e. */
#include "carbon/term.h"
#include "carbon/term_priv.h"

static bool applies(const struct carbon_activity *activity)
{
    return activity->role == CARBON_DATACENTRE && carbon_is_compute(activity);
}

static enum fl_status charge(const struct carbon_case *c,
                             struct carbon_charge *ret,
                             struct fl_error *err)
{
    const struct carbon_device *device;
    FL_TRY(carbon_need_device(c, &device, err));
    return carbon_charge_busy(c, device, ret, err);
}

const struct carbon_term carbon_term_central_compute = {
    .name = "central_compute",
    .group = "server",
    .doc = "the data-centre node training and evaluating: train_w (t1 - t0)",
    .source = "Qiu et al. 2023, JMLR 24, centralized training",
    .in_datacentre = true,
    .applies = applies,
    .charge = charge,
};
