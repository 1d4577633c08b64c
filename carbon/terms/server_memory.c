/* Server memory: what the memory of machines in a data centre draws where
 * train_w and idle_w were measured without it.
 *
 *     E = memory_w (t1 - t0)                                             [J]
 *
 *     memory_w  power of the memory of one machine                   [W]
 *     t1 - t0   duration of whatever it does, times `machines` where
 *               the site gives that                                  [s]
 *
 *     memory                      memory_w    t1 - t0    E
 *     64 GB at 0.392 W/GB (CCF)   25.088 W    3,600 s    90,316.8 J
 *     off (node at the plug)      -           any        0 J
 *
 * Valid for roles server and datacentre, every phase but store. IT energy:
 * overhead is a component of its own. All of it is idle.
 *
 * How accurate is this? As client_memory: constants in use differ by a third,
 * and meters have seen a quarter of them.
 *
 * Source Cloud Carbon Footprint, methodology (0.000392 kWh/GBh); CodeCarbon 3
 * (5 W per DIMM). */
#include "carbon/term.h"
#include "carbon/term_priv.h"

static bool applies(const struct carbon_activity *activity)
{
    return activity->role != CARBON_CLIENT && carbon_is_kept(activity);
}

static enum fl_status charge(const struct carbon_case *c,
                             struct carbon_charge *ret,
                             struct fl_error *err)
{
    const struct carbon_device *device;
    FL_TRY(carbon_need_device(c, &device, err));
    FL_TRY(carbon_charge_power(c, &device->memory_w, device->name, "memory_w",
                               ret, err));
    ret->idle_j = ret->energy_j;
    return FL_OK;
}

const struct carbon_term carbon_term_server_memory = {
    .name = "server_memory",
    .group = "server",
    .doc = "servers' memory where train_w lacks it: memory_w (t1 - t0)",
    .source = "Cloud Carbon Footprint, methodology, memory",
    .in_datacentre = true,
    .applies = applies,
    .charge = charge,
};
