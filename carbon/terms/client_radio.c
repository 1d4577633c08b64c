/* Client radio: what the client's network interface draws on top of the
 * device's idle power while it receives or sends.
 *
 *     E = rx_w (t1 - t0)  when receiving                                 [J]
 *     E = tx_w (t1 - t0)  when sending                                   [J]
 *
 *     rx_w, tx_w  power of the interface, from the link's profile     [W]
 *     t1 - t0     duration of the transfer                            [s]
 *
 *     link      power       t1 - t0    E
 *     Wi-Fi     0.316 W     40 s       12.64 J
 *     LTE       0.705 W     40 s       28.2 J
 *     wired     off         40 s       0 J
 *
 * Valid for role client, phases init, provision, broadcast and upload. The
 * interface is taken to be active for the whole transfer, at constant power.
 *
 * How accurate is this? Phone makers' power profiles are averages over signal
 * strengths; real radios differ by a factor of 2 to 3 with distance to the
 * access point, and cellular ones stay awake for seconds afterwards (tail
 * energy, not modelled).
 *
 * Source Yousefpour et al. 2023, Green Federated Learning, for the formula;
 * powers in carbon/facts/links.inc. */
#include "carbon/term.h"
#include "carbon/term_priv.h"

static enum fl_status charge(const struct carbon_case *c,
                             struct carbon_charge *ret,
                             struct fl_error *err)
{
    const struct carbon_link *link;
    FL_TRY(carbon_need_link(c, &link, err));
    bool is_upload = c->activity->is_upload;
    return carbon_charge_power(c, is_upload ? &link->tx_w : &link->rx_w,
                               link->name, is_upload ? "tx_w" : "rx_w", ret,
                               err);
}

const struct carbon_term carbon_term_client_radio = {
    .name = "client_radio",
    .group = "client",
    .doc = "clients' radio on top of idle: rx_w or tx_w (t1 - t0)",
    .source = "Yousefpour et al. 2023, Green Federated Learning",
    .applies = carbon_is_transfer,
    .charge = charge,
};
