/* savazzi2022: the energy model of Savazzi, Rampa, Kianoush, Bennis, "An
 * Energy and Carbon Footprint Analysis of Distributed and Federated Learning",
 * IEEE TGCN 2022:
 *
 *     central    PUE n E_0 + sum of b(data) / EE
 *     federated  PUE n b E_0 + sum of E_k + b(model) sums of 1 / EE
 *     consensus  sum of E_k + b(model) 1 / EE for each neighbour
 *
 * The abstracts were read: 50 kbit/J, below which federated learning saves 30
 * to 40 %, and 200 kbit/J in mesh networks. The formulas are recalled from the
 * body and stand as structure; the paper's powers are not used. */
#include "carbon/preset.h"

#include "carbon/facts/spreads.h"

#include <stddef.h>

static const char *const terms[] = {
    "client_compute",  "whole_network",       "peer_link", "server_compute",
    "central_compute", "datacentre_overhead", NULL,
};

const struct carbon_preset carbon_preset_savazzi2022 = {
    .name = "savazzi2022",
    .doc =
        "compute of clients, server and data centre; links by bit per joule, "
        "between neighbours too; the data's upload",
    .source = "Savazzi et al. 2022, IEEE TGCN, arXiv 2206.10380 and 2103.10346",
    .terms = terms,
    .leaves_out = "idle power and waiting; PUE on what the server sends; "
                  "storage; evaluations; embodied carbon",
    .whole_network_j_per_byte =
        {.value = 1.6e-4,
         .evidence = CARBON_ASSUMED,
         .year = 2021,
         .source = "8 / 50 kbit/J, the abstract's figure below which federated "
                   "learning saves energy (arXiv 2103.10346)",
         .spread = CARBON_SPREAD_OF_NETWORK},
    .network_idle_share = {.is_off = true,
                           .source = "a link's efficiency is energy of "
                                     "sending: none of it is drawn without"},
    .peer_j_per_byte =
        {.value = 4e-5,
         .evidence = CARBON_ASSUMED,
         .year = 2021,
         .source = "8 / 200 kbit/J, the abstract's mesh (arXiv 2103.10346)"},
    .charges_data_upload = true,
};
