#include "carbon/profile.h"

#include "carbon/facts/spreads.h"

const struct carbon_device carbon_devices[] = {
#include "carbon_devices.inc" /* carbon/facts/devices, sorted */
    {.name = NULL},
};
