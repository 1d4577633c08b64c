/* qiu2023: the energy model of Qiu et al., "A First Look into the Carbon
 * Footprint of Federated Learning", JMLR 24 (2023):
 *
 *     E_train = sum over rounds and chosen clients of t e_client
 *     E_comm  = the same sum of S (1/D + 1/U) (e_router + e_idle)
 *     E_central = PUE t e_gpu
 *
 * The structure is corroborated by later papers and code; its constants were
 * not all recovered. Router power is the 7.5 W that Wu et al. 2022 cite for
 * the same model. */
#include "carbon/preset.h"

#include "carbon/facts/spreads.h"

#include <stddef.h>

static const char *const terms[] = {
    "client_compute",  "client_transfer",     "access_router",
    "central_compute", "datacentre_overhead", NULL,
};

const struct carbon_preset carbon_preset_qiu2023 = {
    .name = "qiu2023",
    .doc = "clients' compute, router and idle power during transfers; "
           "centralized training with PUE",
    .source = "Qiu et al. 2023, A First Look into the Carbon Footprint of "
              "Federated Learning, JMLR 24, arXiv 2102.07627",
    .terms = terms,
    .leaves_out = "the federated server; edge and core network; clients' "
                  "radio; clients waiting; upload of the data for centralized "
                  "training; evaluations; embodied carbon",
    .router_w = {.value = 7.5,
                 .evidence = CARBON_ASSUMED,
                 .year = 2022,
                 .source = "Wu et al. 2022, Sustainable AI, appendix B: \"a "
                           "router power of 7.5W\", after Qiu et al.",
                 .spread = CARBON_SPREAD_OF_ROUTER(7.5)},
    .charges_data_upload = false,
    .charges_evaluation = false,
};
