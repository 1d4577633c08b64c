#include "carbon/meter.h"

#define CARBON_METER(n) extern const struct carbon_meter_type carbon_meter_##n;
#include "carbon/meters/meters.def"
#undef CARBON_METER

#define CARBON_METER(n) &carbon_meter_##n,
const struct carbon_meter_type *const carbon_meters[] = {
#include "carbon/meters/meters.def"
    NULL,
};
#undef CARBON_METER

_Static_assert(sizeof(carbon_meters) / sizeof(carbon_meters[0]) - 1 <=
                   CARBON_MAX_METERS,
               "raise CARBON_MAX_METERS: it is the size of callers' arrays");
