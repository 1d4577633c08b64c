/* carbontracker: mean power of an epoch times its length, with one constant
 * PUE for every run, on laptops too.
 *
 *     E = 1.58 x J                 (constants.py: PUE_2023, always used)
 *     CPU without a meter: TDP / 2                       (generic.py)
 *     world 481 g/kWh where it cannot locate itself
 *
 *     100 W for 10 h in Germany: 1 kWh x 1.58 x 380.95047 = 601.902 g
 *
 * Its table is Our World in Data's. Germany's row is the tool's; other zones
 * take CodeCarbon's copy of the same data, which is rounded to 0.001 g. */
#include "carbon/estimator_priv.h"

#include <stddef.h>

static const struct carbon_intensity intensities[] = {
    {"DE", 380.95047, 2023, "Germany"},
    {0},
};

static void estimate(const struct carbon_observed *o,
                     struct carbon_estimate *ret)
{
    if (ret->is_substituted) {
        const struct carbon_intensity *row =
            carbon_intensity_find(carbon_owid_intensities, o->zone);
        if (row) {
            ret->gco2e_per_kwh = row->gco2e_per_kwh;
            ret->intensity_source =
                "Our World in Data, CodeCarbon's copy of the tool's source";
        }
    }
    ret->pue = 1.58;
    ret->energy_j = ret->pue * carbon_energy_or_tdp(o, 0.5);
}

const struct carbon_estimator carbon_estimator_carbontracker = {
    .name = "carbontracker",
    .tool = "carbontracker",
    .doc = "around the epochs of every machine that computes",
    .source = "github.com/saintslab/carbontracker: constants.py, tracker.py, "
              "component.py, generic.py",
    .formula = "1.58 x mean power x time x country's intensity",
    .sees = "CPUs and GPUs of machines during epochs",
    .ignores = "memory; network; time between epochs; the real PUE; embodied "
               "carbon",
    .intensities = intensities,
    .intensity_source = "carbontracker (Our World in Data, 2023)",
    .world_gco2e_per_kwh = 481,
    .estimate = estimate,
};
