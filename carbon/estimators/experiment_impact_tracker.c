/* experiment-impact-tracker (Henderson et al. 2020): attributable power of
 * CPU, memory and GPU, with PUE 1.58.
 *
 *     kWh = PUE sum(dt_h (W_rapl + W_nvidia)) / 1000, PUE 1.58 or
 *     $OVERRIDE_PUE
 *     share of a process = its share of what is used of CPU, memory, GPU; a
 *     machine that trains and does nothing else has all of it
 *
 *     100 W for 10 h at 481.454 g/kWh: 1 x 1.58 x 481.454 = 760.698 g
 *     888 kWh / (235 x 5 runs) = 0.7557 kWh; 8.021 kg / 24.344 kWh = 0.32949
 *     with PUE 1.11 instead of 1.58: x 1.11 / 1.58 = x 0.70253 */
#include "carbon/estimator_priv.h"

#include <math.h>
#include <stddef.h>

static const struct carbon_intensity intensities[] = {
    {"US-CAL", 250.73, 0, "California"},
    {0},
};

static void estimate(const struct carbon_observed *o,
                     struct carbon_estimate *ret)
{
    ret->pue = carbon_pue_or(o, 1.58);
    ret->energy_j = ret->pue * o->energy_j;
}

const struct carbon_estimator carbon_estimator_experiment_impact_tracker = {
    .name = "experiment_impact_tracker",
    .tool = "experiment-impact-tracker",
    .doc = "a tracker on every machine that computes, alone on it",
    .source = "Henderson et al. 2020, JMLR 21(248); "
              "github.com/Breakend/experiment-impact-tracker: "
              "emissions/constants.py, utils.py",
    .formula = "1.58 (or OVERRIDE_PUE) x attributable energy x zone's "
               "intensity",
    .sees = "CPUs, memory and GPUs, the share of the tracked process",
    .ignores = "network; clients waiting and transferring; the real PUE; "
               "embodied carbon",
    .intensities = intensities,
    .intensity_source = "experiment-impact-tracker, README (California)",
    .world_gco2e_per_kwh = (double)NAN,
    .estimate = estimate,
};
