/* BoaviztAPI, its use phase: mean power times hours times the country's
 * factor.
 *
 *     CPU from TDP: 0.12, 0.32, 0.75, 1.02 of it at a load of 0, 10, 50,
 *     100 %, fitted; here straight lines between these points
 *     memory 0.284 W/GB; no PUE
 *
 *     100 W for 10 h in Germany: 1 kWh x 422 = 422 g
 *
 * Its embodied figures (ADEME, NegaOctet) may not be passed on: that part is
 * left out here and is the ledger's own business. */
#include "carbon/estimator_priv.h"

#include <math.h>
#include <stddef.h>

static const struct carbon_intensity intensities[] = {
    {"DE", 422, 2019, "DEU"},
    {"FR", 98, 0, "FRA"},
    {"US", 370, 0, "USA"},
    {0},
};

static double share_of_tdp(double load)
{
    static const double at[][2] = {
        {0, 0.12}, {0.1, 0.32}, {0.5, 0.75}, {1, 1.02}};
    for (size_t i = 1; i < sizeof at / sizeof at[0]; i++)
        if (load <= at[i][0])
            return at[i - 1][1] + (load - at[i - 1][0]) *
                                      (at[i][1] - at[i - 1][1]) /
                                      (at[i][0] - at[i - 1][0]);
    return isnan(load) ? (double)NAN : 1.02;
}

static void estimate(const struct carbon_observed *o,
                     struct carbon_estimate *ret)
{
    ret->energy_j = carbon_energy_or_tdp(o, share_of_tdp(o->load_ratio)) +
                    carbon_memory_j(o, 0.284);
}

const struct carbon_estimator carbon_estimator_boavizta = {
    .name = "boavizta",
    .tool = "BoaviztAPI, use",
    .doc = "asked for every machine that computes, with its hours and mean "
           "power",
    .source = "github.com/Boavizta/boaviztapi at 15878f04",
    .formula = "power x hours x country's intensity; memory 0.284 W/GB",
    .sees = "machines while they compute",
    .ignores = "network; PUE; waiting; hour of the day; its embodied part "
               "(figures that may not be passed on)",
    .intensities = intensities,
    .intensity_source = "BoaviztAPI's factors of countries",
    .world_gco2e_per_kwh = 390,
    .estimate = estimate,
};
