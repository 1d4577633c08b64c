/* Data-centre overhead: cooling, power conversion and the rest that a data
 * centre draws on top of its computers.
 *
 *     E = (PUE - 1) E_it                                                 [J]
 *
 *     PUE   power usage effectiveness: total energy / IT energy       [1]
 *     E_it  what the terms in the data centre drew for the activity   [J]
 *
 *     PUE     E_it                    E
 *     1.67    900,000 J (0.25 kWh)    603,000 J (0.1675 kWh)
 *     1.09    324,000 J               29,160 J
 *     1.00    any                     0 J
 *
 * Valid for roles server and datacentre; PUE >= 1. Clients' homes have no
 * PUE: this term never touches what a client or the network draws.
 *
 * How accurate is this? PUE is a yearly mean of a site; it varies by season
 * and load by about 0.1. Providers' fleet means (1.1 to 1.2) are about half a
 * unit below the industry's (1.56 to 1.67).
 *
 * Source ISO/IEC 30134-2:2016 (definition); Qiu et al. 2023 for its use. */
#include "carbon/term.h"
#include "carbon/fact_priv.h"
#include "carbon/term_priv.h"

#include <stddef.h>

static bool applies(const struct carbon_activity *activity)
{
    return activity->role == CARBON_SERVER ||
           activity->role == CARBON_DATACENTRE;
}

static enum fl_status charge(const struct carbon_case *c,
                             struct carbon_charge *ret,
                             struct fl_error *err)
{
    const char *owner = carbon_role_name(c->activity->role);
    const struct carbon_fact *fact = c->activity->pue;
    if (fact == NULL)
        return fl_fail(err, FL_E_CONFIG,
                       "%s: fact pue is missing, allowed a number >= 1 with "
                       "its source, or off",
                       owner);
    double pue;
    FL_TRY(carbon_fact_use(fact, owner, "pue", &pue, err));
    if (fact->is_off)
        pue = 1;
    if (pue < 1)
        return fl_fail(err, FL_E_CONFIG, "%s: pue = %g, allowed >= 1", owner,
                       pue);
    *ret = *c->it;
    ret->energy_j = (pue - 1) * c->it->energy_j;
    ret->idle_j = (pue - 1) * c->it->idle_j;
    carbon_charge_use(ret, fact, 1, 1);
    return FL_OK;
}

const struct carbon_term carbon_term_datacentre_overhead = {
    .name = "datacentre_overhead",
    .group = "overhead",
    .doc = "cooling and power conversion: (PUE - 1) x IT energy",
    .source = "ISO/IEC 30134-2:2016; Qiu et al. 2023",
    .is_overhead = true,
    .applies = applies,
    .charge = charge,
};
