#include "carbon/estimator.h"

#include <stddef.h>

#define CARBON_ESTIMATOR(n)                                                    \
    extern const struct carbon_estimator carbon_estimator_##n;
#include "carbon/estimators/estimators.def"
#undef CARBON_ESTIMATOR

#define CARBON_ESTIMATOR(n) &carbon_estimator_##n,
const struct carbon_estimator *const carbon_estimators[] = {
#include "carbon/estimators/estimators.def"
    NULL,
};
#undef CARBON_ESTIMATOR
