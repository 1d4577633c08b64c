/* libcarbon: what a device's day, a transfer or a training run costs in joules
 * and gCO2e. This is the header for other programs; see docs/carbon-model.md.
 */
#ifndef CARBON_CARBON_H
#define CARBON_CARBON_H

#include "carbon/estimator.h"
#include "carbon/fact.h"
#include "carbon/grid.h"
#include "carbon/ledger.h"
#include "carbon/meter.h"
#include "carbon/preset.h"
#include "carbon/profile.h"
#include "carbon/term.h"
#include "carbon/uncertainty.h"
#include "carbon/zone.h"

#endif
