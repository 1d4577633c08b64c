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
 * Valid for role client, phases init, broadcast and upload.
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

static enum fl_status energy(const struct carbon_preset *preset,
                             const struct carbon_activity *activity,
                             double it_energy_j,
                             double *ret_energy_j,
                             enum carbon_evidence *ret_evidence,
                             struct fl_error *err)
{
    (void)it_energy_j;
    if (preset->router_w.source != NULL || preset->router_w.is_off)
        return carbon_energy_over_time(activity, &preset->router_w,
                                       preset->name, "router_w", ret_energy_j,
                                       ret_evidence, err);
    const struct carbon_link *link;
    FL_TRY(carbon_need_link(activity, &link, err));
    return carbon_energy_over_time(activity, &link->router_w, link->name,
                                   "router_w", ret_energy_j, ret_evidence, err);
}

const struct carbon_term carbon_term_access_router = {
    .name = "access_router",
    .group = "network",
    .doc = "access point while a transfer lasts: router_w (t1 - t0)",
    .source = "Qiu et al. 2023, JMLR 24, e_router in E_comm",
    .applies = carbon_is_transfer,
    .energy = energy,
};
