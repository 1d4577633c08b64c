/* Access router: what the access point or home router draws while a client's
 * transfer lasts.
 *
 *     E = router_w (t1 - t0)                                             [J]
 *
 *     router_w  power of the access point: the preset's where it has
 *               one, else the link's                                  [W]
 *     t1 - t0   duration of the transfer                              [s]
 *
 *     router_w    t1 - t0    E
 *     7.5 W       30 s       225 J
 *     7.5 W       41.952 s   314.64 J     (43.7 MB down 50, up 10 Mbit/s)
 *     off         30 s       0 J          (cellular: see access_per_byte)
 *
 * Valid for role client, phases init, provision, broadcast and upload.
 *
 * How accurate is this? It charges the whole router to one client for as long
 * as the transfer lasts. A router that serves others at the same time, or is
 * on anyway, makes this an upper bound (marginal power is near zero). It
 * makes slow links expensive; per-byte models do not. See docs/carbon-model.md
 * on the factor of 1,000 between published network models.
 *
 * Source Qiu et al. 2023 (e_router in E_comm); Wu et al. 2022, Sustainable AI,
 * appendix B: 7.5 W. */
#include "carbon/term.h"
#include "carbon/term_priv.h"

#include <stddef.h>

static enum fl_status charge(const struct carbon_case *c,
                             struct carbon_charge *ret,
                             struct fl_error *err)
{
    const struct carbon_preset *preset = c->preset;
    const struct carbon_fact *router_w = &preset->router_w;
    const char *owner = preset->name;
    if (router_w->source == NULL && !router_w->is_off) {
        const struct carbon_link *link;
        FL_TRY(carbon_need_link(c, &link, err));
        router_w = &link->router_w;
        owner = link->name;
    }
    FL_TRY(carbon_charge_power(c, router_w, owner, "router_w", ret, err));
    ret->idle_j = ret->energy_j; /* it is on anyway */
    return FL_OK;
}

const struct carbon_term carbon_term_access_router = {
    .name = "access_router",
    .group = "network",
    .doc = "access point while a transfer lasts: router_w (t1 - t0)",
    .source = "Qiu et al. 2023, JMLR 24, e_router in E_comm",
    .applies = carbon_is_transfer,
    .charge = charge,
};
