/* Access network per byte: base stations (cellular) or the provider's access
 * equipment (DSL, fibre), by the bytes that cross it.
 *
 *     E = access_down_j_per_byte bytes  when receiving                   [J]
 *     E = access_up_j_per_byte bytes    when sending                     [J]
 *
 *     access_..._j_per_byte  from the link's profile, 8 x J/bit  [J/byte]
 *     bytes                  moved in this transfer              [bytes]
 *
 *     link    direction    J/byte         bytes     E
 *     LTE     down         6.6256e-4      1e6       662.56 J
 *     LTE     up           9.92e-5        1e6       99.2 J
 *     LTE     down         6.6256e-4      1e9       662,560 J = 0.184 kWh
 *
 * Valid for role client, phases init, provision, broadcast and upload;
 * independent of speed and duration.
 *
 * How accurate is this? It spreads the yearly energy of a network over its
 * yearly traffic (average attribution). Base stations draw most of their
 * power without any traffic, and newer generations move ten times more bytes
 * with it: within a factor of 10 either way.
 *
 * Source docs/carbon-model.md, cellular access; values in
 * carbon/facts/links.inc. */
#include "carbon/term.h"
#include "carbon/term_priv.h"

static enum fl_status charge(const struct carbon_case *c,
                             struct carbon_charge *ret,
                             struct fl_error *err)
{
    const struct carbon_link *link;
    FL_TRY(carbon_need_link(c, &link, err));
    if (c->activity->is_upload)
        return carbon_charge_bytes(c, &link->access_up_j_per_byte, link->name,
                                   "access_up_j_per_byte", ret, err);
    return carbon_charge_bytes(c, &link->access_down_j_per_byte, link->name,
                               "access_down_j_per_byte", ret, err);
}

const struct carbon_term carbon_term_access_per_byte = {
    .name = "access_per_byte",
    .group = "network",
    .doc = "base station or DSLAM: access_down or access_up_j_per_byte x bytes",
    .source = "Vishwanath et al. 2015, per-bit access energy",
    .applies = carbon_is_transfer,
    .charge = charge,
};
