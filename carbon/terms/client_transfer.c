/* Client transferring: what the client's device draws besides its radio while
 * it sends or receives: its idle power.
 *
 *     E = idle_w (t1 - t0)                                               [J]
 *
 *     idle_w   power of the whole device, awake and doing nothing     [W]
 *     t1 - t0  duration of the transfer, bytes / speed                [s]
 *
 *     idle_w    transfer                            t1 - t0    E
 *     2 W       43.7 MB down at 50 Mbit/s           6.992 s    13.984 J
 *     2 W       43.7 MB up at 10 Mbit/s             34.96 s    69.92 J
 *
 * Valid for role client, phases init, provision, broadcast and upload.
 *
 * How accurate is this? As good as idle_w and the link's speed. Protocol
 * work (encryption, copying) is not in it.
 *
 * Source Qiu et al. 2023, JMLR 24: e_idle in E_comm = S (1/D + 1/U)
 * (e_router + e_idle). */
#include "carbon/term.h"
#include "carbon/term_priv.h"

static enum fl_status charge(const struct carbon_case *c,
                             struct carbon_charge *ret,
                             struct fl_error *err)
{
    const struct carbon_device *device;
    FL_TRY(carbon_need_device(c, &device, err));
    return carbon_charge_idle(c, device, ret, err);
}

const struct carbon_term carbon_term_client_transfer = {
    .name = "client_transfer",
    .group = "client",
    .doc = "clients' idle power while they send or receive: idle_w (t1 - t0)",
    .source = "Qiu et al. 2023, JMLR 24, e_idle in E_comm",
    .applies = carbon_is_transfer,
    .charge = charge,
};
