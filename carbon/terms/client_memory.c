/* Client memory: what a client's memory draws where train_w and idle_w were
 * measured without it (a processor's counters, say, not a wall plug).
 *
 *     E = memory_w (t1 - t0)                                             [J]
 *
 *     memory_w  power of the memory; off where train_w is the whole
 *               device's                                             [W]
 *     t1 - t0   duration of whatever it does                         [s]
 *
 *     memory                          memory_w    t1 - t0    E
 *     8 GB at 0.392 W/GB (CCF)        3.136 W     60 s       188.16 J
 *     two modules at 5 W (CodeCarbon) 10 W        60 s       600 J
 *     off (phones, boards)            -           any        0 J
 *
 * Valid for role client, every phase but store. All of it is idle: memory draws
 * it whatever is done.
 *
 * How accurate is this? Constants in use differ: 0.284 W/GB (BoaviztAPI),
 * 0.3725 (Green Algorithms), 0.375 (eco2AI), 0.392 (CCF), 5 W per module
 * (CodeCarbon); meters at a wall plug have seen less than 0.1 W/GB.
 *
 * Source Cloud Carbon Footprint, methodology (0.000392 kWh/GBh); CodeCarbon 3
 * (5 W per DIMM). */
#include "carbon/term.h"
#include "carbon/term_priv.h"

static bool applies(const struct carbon_activity *activity)
{
    return activity->role == CARBON_CLIENT && carbon_is_kept(activity);
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

const struct carbon_term carbon_term_client_memory = {
    .name = "client_memory",
    .group = "client",
    .doc = "clients' memory where train_w lacks it: memory_w (t1 - t0)",
    .source = "Cloud Carbon Footprint, methodology, memory",
    .applies = applies,
    .charge = charge,
};
