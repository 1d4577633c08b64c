/* tapp2026: the model of Tapp et al. 2026 and its code: clients measured while
 * they train, evaluate, and idle between, and a fixed energy per gigabyte:
 *
 *     E_comm = 2 D_GiB 0.01 kWh/GiB     per client and round, GiB = 2^30 bytes
 *
 * The code multiplies by 475 gCO2e/kWh everywhere: `grid: {kind: constant,
 * intensity: 475}` follows it. */
#include "carbon/preset.h"

#include "carbon/facts/spreads.h"

#include <stddef.h>

static const char *const terms[] = {"client_compute", "client_wait",
                                    "whole_network", NULL};

const struct carbon_preset carbon_preset_tapp2026 = {
    .name = "tapp2026",
    .doc = "clients' compute, evaluations and waiting, and 0.01 kWh for each "
           "GiB moved",
    .source = "Tapp et al. 2026, arXiv 2602.00343, and its code "
              "(Pediatric-Accelerated-Intelligence-Lab/carbon_footprint)",
    .terms = terms,
    .leaves_out = "servers and data centres; clients' power during transfers; "
                  "embodied carbon",
    .whole_network_j_per_byte =
        {.value = 0.01 * 3.6e6 / 1073741824.0,
         .evidence = CARBON_ASSUMED,
         .year = 2026,
         .source = "0.01 kWh per 2^30 bytes, fixed in the paper's code",
         .spread = CARBON_SPREAD_OF_NETWORK},
    .network_idle_share =
        {.value = 0.9,
         .evidence = CARBON_ASSUMED,
         .year = 2023,
         .source = "our assumption, for marginal attribution alone: the paper "
                   "has no such share"},
    .charges_evaluation = true,
};
