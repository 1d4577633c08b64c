/* CodeCarbon where no meter can be read, tracking its own process; load is that
 * of the process, as a share of all CPUs:
 *
 *     CPU = TDP load
 *
 * The 100 W machine of codecarbon.c at a load of 0.5, for 10 h in Germany:
 *     50 W; 0.5 kWh x 380.95 = 190.475 g */
#include "carbon/estimator_priv.h"

#include <math.h>

static void estimate(const struct carbon_observed *o,
                     struct carbon_estimate *ret)
{
    if (isnan(o->tdp_w) || isnan(o->load_ratio)) {
        ret->cannot = "the processors' TDP and load are not known";
        return;
    }
    double load = o->load_ratio;
    carbon_codecarbon_finish(o, carbon_busy_j(o, o->tdp_w * load), ret);
}

const struct carbon_estimator carbon_estimator_codecarbon_process = {
    .name = "codecarbon_process",
    .tool = "CodeCarbon, CPU modelled, process",
    .doc = "a tracker on every machine that computes, which reads no meter and "
           "models the CPU's share",
    .source = "github.com/mlco2/codecarbon at b05965e4: external/hardware.py",
    .formula = "PUE (TDP load + memory) x country's intensity",
    .sees = "TDP and load of CPUs, memory's size",
    .ignores = "what CPUs really draw; network; clients waiting and "
               "transferring; PUE unless told; hour of the day; embodied "
               "carbon",
    .intensities = carbon_owid_intensities,
    .intensity_source = "CodeCarbon, global_energy_mix.json (Our World in "
                        "Data, mostly 2022-2023)",
    .world_gco2e_per_kwh = 475,
    .estimate = estimate,
};
