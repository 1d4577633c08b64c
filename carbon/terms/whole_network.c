/* Whole network, per byte: one figure for everything between a client and the
 * data centre, in place of access and core network.
 *
 *     E = whole_network_j_per_byte bytes                                 [J]
 *
 *     whole_network_j_per_byte  the preset's; 3.6e6 x kWh/GB / 1e9,
 *                               or 8 / (bit per joule)          [J/byte]
 *     bytes                     moved in this transfer           [bytes]
 *
 *     figure             J/byte        bytes           E
 *     0.01 kWh/GiB       3.35276e-5    43.7 x 2^20     1,536.328 J
 *     0.06 kWh/GB        2.16e-4       1e9             216,000 J = 0.06 kWh
 *     50 kbit/J          1.6e-4        1e6             160 J
 *
 * Valid for role client, phases init, provision, broadcast and upload;
 * independent of speed and duration. Charged in the client's zone. An
 * alternative to access_router, access_per_byte and core_network: a preset that
 * names both would pay twice, and the tests refuse it.
 *
 * How accurate is this? Published figures for a gigabyte span 0.001 to 0.14
 * kWh, fixed lines alone a factor of 50, halving about every two years: this
 * one number often decides a comparison.
 *
 * Source Tapp et al. 2026, arXiv 2602.00343 (0.01 kWh/GB, fixed); Savazzi et
 * al. 2022 (bit per joule); docs/carbon-model.md on the spread. */
#include "carbon/term.h"
#include "carbon/term_priv.h"

static enum fl_status charge(const struct carbon_case *c,
                             struct carbon_charge *ret,
                             struct fl_error *err)
{
    return carbon_charge_bytes(c, &c->preset->whole_network_j_per_byte,
                               c->preset->name, "whole_network_j_per_byte", ret,
                               err);
}

const struct carbon_term carbon_term_whole_network = {
    .name = "whole_network",
    .group = "network",
    .doc = "the whole network by one figure: whole_network_j_per_byte x bytes",
    .source = "Tapp et al. 2026, arXiv 2602.00343; Savazzi et al. 2022",
    .applies = carbon_is_transfer,
    .charge = charge,
};
