#include "carbon/profile.h"

#include "carbon/facts/spreads.h"

const struct carbon_link carbon_links[] = {
#include "carbon/facts/links.inc"
    {.name = NULL},
};
