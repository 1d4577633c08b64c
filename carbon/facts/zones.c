#include "carbon/zone.h"

const struct carbon_zone carbon_zones[] = {
#include "carbon/facts/zones.inc"
/* names of cloud regions begin with a small letter: still sorted */
#include "carbon/facts/cloud_regions.inc"
    {.name = NULL},
};

const struct carbon_zone_alias carbon_zone_aliases[] = {
#include "carbon/facts/zone_aliases.inc"
    {.alias = NULL},
};

/* Cloud Carbon Footprint's methodology (Apache-2.0). Providers publish single
 * years and data centres since; newer figures can be given as `pue`. */
const struct carbon_provider carbon_providers[] = {
    {.name = "aws",
     .doc = "Amazon Web Services",
     .pue = {.value = 1.135,
             .evidence = CARBON_ASSUMED,
             .year = 2021,
             .source = "Cloud Carbon Footprint, methodology: PUE of AWS, an "
                       "assumption from its public statements"}},
    {.name = "azure",
     .doc = "Microsoft Azure",
     .pue = {.value = 1.185,
             .evidence = CARBON_ASSUMED,
             .year = 2021,
             .source = "Cloud Carbon Footprint, methodology: PUE of Azure; its "
                       "table has 1.125"}},
    {.name = "gcp",
     .doc = "Google Cloud",
     .pue = {.value = 1.1,
             .evidence = CARBON_DATASHEET,
             .year = 2021,
             .source = "Google, data centre efficiency, by way of Cloud Carbon "
                       "Footprint, methodology"}},
    {.name = NULL},
};
