/* mlco2/impact (Lacoste et al. 2019): a form that multiplies a device's power
 * by hours and rounds at every step to two decimals.
 *
 *     kWh = toFixed2(W h / 1000); kg/kWh = toFixed2(impact / 1000)
 *     kg = toFixed2(kWh x kg/kWh)                          (js/grayscale.js)
 *
 *     100 W for 10 h in Frankfurt (615 g): toFixed2(0.615) = 0.61; 0.61 kg
 *
 * Under 5 Wh, or 5 g, it says 0. The form is taken as filled in once for the
 * machines of a role in a zone, with the sum of their hours. The region is
 * that of a cloud in the zone's country. Its data has PUEs that the page does
 * not read. */
#include "carbon/estimator_priv.h"

#include "base/units.h"

#include <math.h>
#include <stddef.h>

static const struct carbon_intensity intensities[] = {
#include "carbon/estimators/mlco2.inc"
    {0},
};

/* JavaScript's Number.toFixed(2): the nearest hundredth of the number as it
 * is stored; of two as near, the larger. fma keeps the sign of what is left.
 */
static double to_fixed_2(double x)
{
    double n = floor(x * 100);
    if (fma(x, 100, -n) < 0)
        n -= 1;
    if (fma(x, 100, -(n + 0.5)) >= 0)
        n += 1;
    return n / 100;
}

static void estimate(const struct carbon_observed *o,
                     struct carbon_estimate *ret)
{

    double it_j = carbon_energy_or_tdp(o, 1);
    if (isnan(it_j))
        return;
    double kwh = to_fixed_2(it_j / FL_J_PER_KWH);
    double kg_per_kwh = to_fixed_2(ret->gco2e_per_kwh / FL_G_PER_KG);
    ret->energy_j = kwh * FL_J_PER_KWH;
    ret->gco2e_per_kwh = kg_per_kwh * FL_G_PER_KG;
    ret->emitted_gco2e = to_fixed_2(kwh * kg_per_kwh) * FL_G_PER_KG;
}

const struct carbon_estimator carbon_estimator_mlco2 = {
    .name = "mlco2",
    .tool = "ML CO2 impact",
    .doc = "the form filled in for each role and zone, with the hours and mean "
           "power of its machines",
    .source = "github.com/mlco2/impact at d0d3ee5a: js/grayscale.js",
    .formula = "power x hours x region's intensity, each rounded to 0.01 (kWh, "
               "kg/kWh, kg)",
    .sees = "hours and power of one kind of device",
    .ignores = "everything else; what rounds to 0.00 kWh or kg; PUE; hour of "
               "the day",
    .intensities = intensities,
    .intensity_source = "mlco2/impact, impact.csv (about 2019)",
    .world_gco2e_per_kwh = (double)NAN,
    .estimate = estimate,
};
