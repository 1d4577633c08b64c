/* wu2022: how Wu et al., "Sustainable AI: Environmental Implications,
 * Challenges and Opportunities", MLSys 2022, estimate two production systems of
 * federated learning from logs (section IV and appendix B):
 *
 *     E = t_compute 3 W + (t_up + t_down) 7.5 W
 *
 * Quoted: "We assumed a device power of 3W and a router power of 7.5W". The 3 W
 * are train_w of the device `phone`: a fleet of phones follows the paper, other
 * devices follow its method with their own power. */
#include "carbon/preset.h"

#include "carbon/facts/spreads.h"

#include <stddef.h>

static const char *const terms[] = {"client_compute", "access_router", NULL};

const struct carbon_preset carbon_preset_wu2022 = {
    .name = "wu2022",
    .doc = "clients' compute, and a router while they transfer; with the "
           "device `phone` the paper's 3 W",
    .source = "Wu et al. 2022, Sustainable AI, MLSys, arXiv 2111.00364, "
              "section IV and appendix B",
    .terms = terms,
    .leaves_out = "everything but compute and routers: servers and data "
                  "centres, edge and core network, clients' radio, transfers "
                  "and waiting, evaluations; embodied carbon (which the paper "
                  "puts at 74 % of client devices' footprint)",
    .router_w = {.value = 7.5,
                 .evidence = CARBON_ASSUMED,
                 .year = 2022,
                 .source = "Wu et al. 2022, Sustainable AI, appendix B: \"a "
                           "router power of 7.5W\"",
                 .spread = CARBON_SPREAD_OF_ROUTER(7.5)},
};
