/* greenfl2023: the energy model of Yousefpour et al., "Green Federated
 * Learning", 2023, for a production system on phones:
 *
 *     client   P_cpu t_compute + P_rx t_down + P_tx t_up, dropped work included
 *     network  (E_a + E_as + E_bng + n_e E_e + n_c E_c + E_ds) bits
 *     server   45 W of an aggregator at 1 % load, the same for a selector, over
 *              wall time, x PUE 1.09
 *
 * Formulas, 45 W and 1.09 are quoted. The energies per bit are not printed in
 * the paper: ours stand in for them. The server is the device `aggregator`
 * with `machines: 2` and `pue: 1.09` of the scenario. */
#include "carbon/preset.h"

#include "carbon/facts/spreads.h"

#include <stddef.h>

static const char *const terms[] = {
    "client_compute", "client_radio", "access_per_byte",     "core_network",
    "server_compute", "server_wait",  "datacentre_overhead", NULL,
};

const struct carbon_preset carbon_preset_greenfl2023 = {
    .name = "greenfl2023",
    .doc = "clients' compute and radio, network per byte, servers over wall "
           "time with PUE; the paper's server: device aggregator, machines 2, "
           "pue 1.09",
    .source = "Yousefpour et al. 2023, Green Federated Learning",
    .terms = terms,
    .leaves_out = "centralized training; the Wi-Fi access point's energy per "
                  "bit, which the paper counts and does not print; clients' "
                  "idle power and waiting; evaluations; embodied carbon",
    .core_network_j_per_byte =
        {.value = 2.0456e-6,
         .evidence = CARBON_ASSUMED,
         .year = 2015,
         .source = "8 x (31.7 switch + 18.3 BNG + 3 x 37 edge + 5 x 12.6 core "
                   "+ 31.7 switch) = 8 x 255.7 nJ/bit; path of the paper, "
                   "equipment of Vishwanath et al. 2015; hop counts, BNG and "
                   "data-centre switch are our assumption",
         .spread = CARBON_SPREAD_OF_NETWORK},
    .network_idle_share =
        {.value = 0.9,
         .evidence = CARBON_ASSUMED,
         .year = 2023,
         .source = "our assumption, for marginal attribution alone: the paper "
                   "has no such share"},
};
