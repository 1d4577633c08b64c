/* Storage: disks that keep data in a data centre.
 *
 *     E = storage_w_per_byte storage_copies stored_bytes (t1 - t0)       [J]
 *
 *     storage_w_per_byte  power of a disk over what it holds     [W/byte]
 *     storage_copies      of each byte, for safety                    [1]
 *     stored_bytes        the data                                [bytes]
 *     t1 - t0             how long they are kept                      [s]
 *
 *     disk                 W/byte     copies  bytes   t1 - t0      E
 *     HDD, 0.65 Wh/TBh     6.5e-13    2       1e12    3,600 s      4,680 J
 *     SSD, 1.2 Wh/TBh      1.2e-12    2       1e12    3,600 s      8,640 J
 *     HDD, 0.65 Wh/TBh     6.5e-13    2       1.5e8   86,400 s     16.848 J
 *
 * Valid for roles server and datacentre, phase store. IT energy: overhead is a
 * component of its own. Disks are bought by the byte, so none of it is called
 * idle.
 *
 * How accurate is this? Within a factor of 2 for disks; the servers around
 * them, snapshots and backups are not in it. For data sets of some gigabytes it
 * is nothing beside training on them.
 *
 * Source Cloud Carbon Footprint, methodology (HDD 0.65, SSD 1.2 Wh/TBh). */
#include "carbon/term.h"
#include "carbon/fact_priv.h"
#include "carbon/term_priv.h"

static bool applies(const struct carbon_activity *activity)
{
    return activity->role != CARBON_CLIENT && activity->phase == CARBON_STORE;
}

static enum fl_status charge(const struct carbon_case *c,
                             struct carbon_charge *ret,
                             struct fl_error *err)
{
    const struct carbon_preset *preset = c->preset;
    const struct carbon_activity *activity = c->activity;
    double w_per_byte, copies;
    FL_TRY(carbon_fact_use(&preset->storage_w_per_byte, preset->name,
                           "storage_w_per_byte", &w_per_byte, err));
    FL_TRY(carbon_fact_use(&preset->storage_copies, preset->name,
                           "storage_copies", &copies, err));
    ret->energy_j = w_per_byte * copies * activity->stored_bytes *
                    (activity->t1_s - activity->t0_s);
    carbon_charge_use(ret, &preset->storage_w_per_byte, 0, 1);
    carbon_charge_use(ret, &preset->storage_copies, 0, 1);
    return FL_OK;
}

const struct carbon_term carbon_term_storage = {
    .name = "storage",
    .group = "server",
    .doc = "data kept in a data centre: storage_w_per_byte x copies x "
           "stored_bytes x (t1 - t0)",
    .source = "Cloud Carbon Footprint, methodology, storage",
    .in_datacentre = true,
    .applies = applies,
    .charge = charge,
};
