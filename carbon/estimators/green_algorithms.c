/* Green Algorithms (Lannelongue et al. 2021): a form to fill in.
 *
 *     P = PUE (processors x usage + 0.3725 W/GB x memory)
 *     kWh = hours x P x PSF / 1000; PSF (repetitions) is 1 here
 *     PUE 1 for personal computers, 1.56 for an unknown data centre
 *
 *     100 W for 10 h in Germany, data centre: 1.56 x 338.66 = 528.310 g
 *     personal computer: 338.66 g
 *     and 64 GB: (100 + 23.84) x 10 / 1000 x 1.56 x 338.66 = 654.259 g */
#include "carbon/estimator_priv.h"

#include <math.h>
#include <stddef.h>

static const struct carbon_intensity intensities[] = {
#include "carbon/estimators/green_algorithms.inc"
    {0},
};

static void estimate(const struct carbon_observed *o,
                     struct carbon_estimate *ret)
{
    double usage = isnan(o->load_ratio) ? 1 : o->load_ratio;
    double it_j = carbon_energy_or_tdp(o, usage) + carbon_memory_j(o, 0.3725);
    ret->pue = carbon_pue_or(o, o->role == CARBON_CLIENT ? 1 : 1.56);
    ret->energy_j = ret->pue * it_j;
}

const struct carbon_estimator carbon_estimator_green_algorithms = {
    .name = "green_algorithms",
    .tool = "Green Algorithms",
    .doc = "the form filled in for every machine that computes, with its "
           "hours and mean power; clients as personal computers",
    .source = "github.com/GreenAlgorithms/green-algorithms-tool at 30df2fee: "
              "blueprints/form/form_blueprint.py, data/latest",
    .formula = "hours x PUE (power + 0.3725 W/GB memory) x country's "
               "intensity; PUE 1 or 1.56",
    .sees = "hours, processors, memory",
    .ignores = "network; waiting; idle power; hour of the day; embodied carbon",
    .intensities = intensities,
    .intensity_source = "Green Algorithms, CI_aggregated.csv (2019-2022)",
    .world_gco2e_per_kwh = 475,
    .estimate = estimate,
};
