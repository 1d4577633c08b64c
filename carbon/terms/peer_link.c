/* Peer link: clients that send each other updates, radio to radio, with no
 * server and no network between them.
 *
 *     E = peer_j_per_byte bytes                                          [J]
 *     peer_j_per_byte = 8 / EE
 *
 *     EE     efficiency of the link, both ends together          [bit/J]
 *     bytes  sent to one neighbour                               [bytes]
 *
 *     EE            J/byte     bytes            E
 *     200 kbit/J    4e-5       1e6              40 J
 *     25 kbit/J     3.2e-4     1e6              320 J
 *     200 kbit/J    4e-5       1e6 x 3          120 J   (three neighbours)
 *
 * Valid for role client, phase peer; one activity for each neighbour and
 * direction, of the client that sends. None of it is drawn without the
 * transfer.
 *
 * How accurate is this? Efficiencies of 25 to 2,000 kbit/J are in use, by
 * distance, interference and radio: a factor of 80. Idle listening is not in
 * it; in low-power meshes that is often the larger part.
 *
 * Source Savazzi, Rampa, Kianoush, Bennis 2022, arXiv 2206.10380 and
 * 2103.10346: energy per bit is 1 / EE. */
#include "carbon/term.h"
#include "carbon/fact_priv.h"
#include "carbon/term_priv.h"

static bool applies(const struct carbon_activity *activity)
{
    return activity->role == CARBON_CLIENT && activity->phase == CARBON_PEER;
}

static enum fl_status charge(const struct carbon_case *c,
                             struct carbon_charge *ret,
                             struct fl_error *err)
{
    const struct carbon_fact *fact = &c->preset->peer_j_per_byte;
    double j_per_byte;
    FL_TRY(carbon_fact_use(fact, c->preset->name, "peer_j_per_byte",
                           &j_per_byte, err));
    ret->energy_j = j_per_byte * c->activity->bytes;
    carbon_charge_use(ret, fact, 0, 1);
    return FL_OK;
}

const struct carbon_term carbon_term_peer_link = {
    .name = "peer_link",
    .group = "network",
    .doc = "updates between neighbours: peer_j_per_byte x bytes",
    .source = "Savazzi et al. 2022, arXiv 2206.10380",
    .applies = applies,
    .charge = charge,
};
