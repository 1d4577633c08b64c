/* Central node, embodied: the part of making the data-centre node that its time
 * for the training stands for.
 *
 *     C = 1000 embodied_kgco2e (t1 - t0) / (lifetime_years y use_share)   [g]
 *
 *     embodied_kgco2e  making, carrying and disposing of the device  [kgCO2e]
 *     lifetime_years   until it is replaced                          [years]
 *     y                a year of 365 days                        [s / year]
 *     use_share        of its life in which somebody uses it              [1]
 *     t1 - t0          whatever it does for the training, waits included  [s]
 *
 *     node                     kg      years   share   time        C
 *     1/8 server + one A100    462.5   6       0.85    3,600 s     10.352 g
 *     the same, for BLOOM      462.5   6       0.85    123.63 y    11.21 t
 *
 * Valid for role datacentre, every phase but store; times `machines` where the
 * site gives that. Grams without energy: no grid and no PUE enter. The building
 * and its cooling are not in it.
 *
 * How accurate is this? 150 kg for a GPU is BLOOM's estimate, not a maker's
 * declaration.
 *
 * Source Luccioni et al. 2022, BLOOM, arXiv 2211.02001 (2500 kg a server of
 * eight, 150 kg a GPU, 6 years, 85 %); SCI specification 1.1.0.
 */
#include "carbon/term.h"
#include "carbon/term_priv.h"

static bool applies(const struct carbon_activity *activity)
{
    return activity->role == CARBON_DATACENTRE && carbon_is_kept(activity);
}

static enum fl_status charge(const struct carbon_case *c,
                             struct carbon_charge *ret,
                             struct fl_error *err)
{
    const struct carbon_device *device;
    FL_TRY(carbon_need_device(c, &device, err));
    return carbon_charge_embodied(c, device, ret, err);
}

const struct carbon_term carbon_term_central_embodied = {
    .name = "central_embodied",
    .group = "embodied",
    .doc = "the data-centre node, embodied: embodied_kgco2e (t1 - t0) / "
           "(lifetime x use_share)",
    .source = "Luccioni et al. 2022, arXiv 2211.02001",
    .is_embodied = true,
    .applies = applies,
    .charge = charge,
};
