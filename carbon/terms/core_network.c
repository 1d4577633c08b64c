/* Edge and core network, per byte: switches and routers between the access
 * network and the data centre.
 *
 *     E = core_network_j_per_byte bytes                                  [J]
 *     core_network_j_per_byte = 8 (E_as + E_bng + n_e E_e + n_c E_c + E_ds)
 *
 *     E_as   access Ethernet switch        31.7 nJ/bit
 *     E_bng  broadband network gateway     18.3 nJ/bit
 *     E_e    edge router, n_e = 3          37   nJ/bit
 *     E_c    core router, n_c = 5          12.6 nJ/bit
 *     E_ds   data-centre Ethernet switch   31.7 nJ/bit
 *     sum    31.7 + 18.3 + 111 + 63 + 31.7 = 255.7 nJ/bit = 2.0456e-6 J/byte
 *
 *     bytes      E
 *     1e6        2.0456 J
 *     1e9        2,045.6 J = 0.000568 kWh
 *     43.7e6     89.39272 J
 *
 * Valid for role client, phases init, provision, broadcast and upload;
 * independent of speed and duration. Charged in the client's zone.
 *
 * How accurate is this? Published values for moving a gigabyte span 0.0002 to
 * 0.14 kWh, a factor of 1,000: this constant often decides a comparison. It
 * is near the lower end, since it counts equipment and not buildings. The
 * hop counts, the BNG and the data-centre switch are assumptions.
 *
 * Source Yousefpour et al. 2023, Green Federated Learning, for the path;
 * Vishwanath et al. 2015 for the equipment; docs/carbon-model.md. */
#include "carbon/term.h"
#include "carbon/term_priv.h"

static enum fl_status charge(const struct carbon_case *c,
                             struct carbon_charge *ret,
                             struct fl_error *err)
{
    return carbon_charge_bytes(c, &c->preset->core_network_j_per_byte,
                               c->preset->name, "core_network_j_per_byte", ret,
                               err);
}

const struct carbon_term carbon_term_core_network = {
    .name = "core_network",
    .group = "network",
    .doc = "edge and core routers: core_network_j_per_byte x bytes",
    .source = "Yousefpour et al. 2023; Vishwanath et al. 2015",
    .applies = carbon_is_transfer,
    .charge = charge,
};
