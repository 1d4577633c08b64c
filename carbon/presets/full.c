/* full: everything that this version models: every row of terms.def, so that
 * a new term is in it without further work. Of the alternatives for the network
 * it takes access and core network, so whole_network is not in it. */
#include "carbon/preset.h"

#include "carbon/facts/spreads.h"

#include <stddef.h>

#define CARBON_WITHOUT_ALTERNATIVES
#define CARBON_TERM(n) #n,
static const char *const terms[] = {
#include "carbon/terms/terms.def"
    NULL,
};
#undef CARBON_TERM

const struct carbon_preset carbon_preset_full = {
    .name = "full",
    .doc = "every term: clients, access and core network, server, data centre, "
           "data upload and storage, making the devices",
    .source = "docs/carbon-model.md",
    .terms = terms,
    .leaves_out = "making and standing power of shared network equipment; "
                  "tail energy of radios; retransmissions and protocol "
                  "overhead; throttling and batteries; buildings",
    .core_network_j_per_byte =
        {.value = 2.0456e-6,
         .evidence = CARBON_ASSUMED,
         .year = 2015,
         .source =
             "8 x (31.7 switch + 18.3 BNG + 3 x 37 edge + 5 x 12.6 core "
             "+ 31.7 switch) = 8 x 255.7 nJ/bit; equipment of Vishwanath "
             "et al. 2015, path of Green FL (Yousefpour et al. 2023); hop "
             "counts, BNG and data-centre switch are our assumption",
         .spread = CARBON_SPREAD_OF_NETWORK},
    .network_idle_share =
        {.value = 0.9,
         .evidence = CARBON_ASSUMED,
         .year = 2023,
         .source = "our assumption: routers and base stations draw nearly the "
                   "same without traffic, so only a tenth of their average "
                   "energy per byte follows it"},
    .peer_j_per_byte = {.value = 4e-5,
                        .evidence = CARBON_ASSUMED,
                        .year = 2021,
                        .source =
                            "8 / 200 kbit/J, the mesh of Savazzi et al., arXiv "
                            "2103.10346, abstract"},
    .storage_w_per_byte =
        {.value = 6.5e-13,
         .evidence = CARBON_DERIVED,
         .year = 2021,
         .source = "Cloud Carbon Footprint, methodology: HDD 0.65 Wh/TBh = "
                   "0.65 W / 1e12 bytes"},
    .storage_copies = {.value = 2,
                       .evidence = CARBON_ASSUMED,
                       .year = 2021,
                       .source = "our assumption: each byte is kept twice"},
    .charges_data_upload = true,
    .charges_software = true,
    .charges_evaluation = true,
};
