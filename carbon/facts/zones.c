#include "carbon/profile.h"

const struct carbon_zone carbon_zones[] = {
#include "carbon/facts/zones.inc"
    {.name = NULL},
};
