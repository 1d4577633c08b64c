/* Server, embodied: the part of making the federated server that its time for
 * the training stands for.
 *
 *     C = 1000 embodied_kgco2e (t1 - t0) / (lifetime_years y use_share)   [g]
 *
 *     embodied_kgco2e  making, carrying and disposing of the device  [kgCO2e]
 *     lifetime_years   until it is replaced                          [years]
 *     y                a year of 365 days                        [s / year]
 *     use_share        of its life in which somebody uses it              [1]
 *     t1 - t0          whatever it does for the training, waits included  [s]
 *
 *     server          kg      years   share   machines   t1 - t0    C
 *     BLOOM's         2,500   6       0.85    1          3,600 s    55.958 g
 *     a hundredth     2,500   6       0.85    0.01       3,600 s    0.55958 g
 *
 * Valid for role server, every phase but store; times `machines` where the site
 * gives that. Grams without energy: no grid and no PUE enter. The building and
 * its cooling are not in it.
 *
 * How accurate is this? Of 55 declared servers (Boavizta's collection), the
 * middle 80 % emitted 730 to 1,950 kg before use, the largest 9,200.
 *
 * Source Luccioni et al. 2022, BLOOM, arXiv 2211.02001; SCI specification
 * 1.1.0 (M = TE TR / EL).
 */
#include "carbon/term.h"
#include "carbon/term_priv.h"

static bool applies(const struct carbon_activity *activity)
{
    return activity->role == CARBON_SERVER && carbon_is_kept(activity);
}

static enum fl_status charge(const struct carbon_case *c,
                             struct carbon_charge *ret,
                             struct fl_error *err)
{
    const struct carbon_device *device;
    FL_TRY(carbon_need_device(c, &device, err));
    return carbon_charge_embodied(c, device, ret, err);
}

const struct carbon_term carbon_term_server_embodied = {
    .name = "server_embodied",
    .group = "embodied",
    .doc = "the server, embodied: embodied_kgco2e (t1 - t0) / (lifetime x "
           "use_share)",
    .source = "Luccioni et al. 2022, arXiv 2211.02001",
    .is_embodied = true,
    .applies = applies,
    .charge = charge,
};
