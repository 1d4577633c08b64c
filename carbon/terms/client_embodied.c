/* Client, embodied: the part of making a client's device that its time for the
 * training stands for.
 *
 *     C = 1000 embodied_kgco2e (t1 - t0) / (lifetime_years y use_share)   [g]
 *
 *     embodied_kgco2e  making, carrying and disposing of the device  [kgCO2e]
 *     lifetime_years   until it is replaced                          [years]
 *     y                a year of 365 days                        [s / year]
 *     use_share        of its life in which somebody uses it              [1]
 *     t1 - t0          whatever it does for the training, waits included  [s]
 *
 *     device   kg    years   share   t1 - t0    C
 *     phone    60    3       0.3     600 s      1.268392 g
 *     board    60    4       0.5     3,600 s    3.424658 g
 *
 * Valid for role client, every phase but store. Grams without energy: no grid
 * and no PUE enter.
 *
 * How accurate is this? Makers' declarations state errors of 16 to 37 % (the
 * middle 80 % of 965 in Boavizta's collection). The share of its life in which
 * a device is used is a guess, and the result is in inverse proportion to it.
 * Whether a phone that trains while it charges at night wears out sooner for
 * that is a convention: charging by time says yes.
 *
 * Source SCI specification 1.1.0 (M = TE TR / EL); Luccioni et al. 2022, BLOOM,
 * for use_share; Wu et al. 2022: making is 74 % of client devices' footprint.
 */
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
    return carbon_charge_embodied(c, device, ret, err);
}

const struct carbon_term carbon_term_client_embodied = {
    .name = "client_embodied",
    .group = "embodied",
    .doc = "clients' devices, embodied: embodied_kgco2e (t1 - t0) / (lifetime "
           "x use_share)",
    .source = "SCI specification 1.1.0; Luccioni et al. 2022",
    .is_embodied = true,
    .applies = applies,
    .charge = charge,
};
