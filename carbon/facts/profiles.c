#include "carbon/zone.h"

const char carbon_typical_source[] =
    "typical days: derived from Electricity Maps data 2022, ODbL 1.0";

const struct carbon_typical carbon_typicals[] = {
#include "carbon/facts/profiles.inc"
    {.zone = NULL},
};
