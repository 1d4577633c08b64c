/* Strubell et al. 2019: power sampled for a while, scaled by the hours that a
 * training is said to take, PUE 1.58 and the mean of the United States.
 *
 *     p_t = 1.58 t (p_c + p_r + g p_g) / 1000                         [kWh]
 *     CO2e = 0.954 p_t                                                 [lb]
 *
 *     Transformer base 12 h x 1415.78 W: 26.8432 kWh, 25.6084 lb
 *     NAS 274,120 h x 1515.43 W: 656,347 kWh, 626,155 lb = 284.02 t
 *
 * 1 lb = 0.45359237 kg. */
#include "carbon/estimator_priv.h"

#include <stddef.h>

static void estimate(const struct carbon_observed *o,
                     struct carbon_estimate *ret)
{
    const double lb_per_kwh = 0.954;
    ret->gco2e_per_kwh = lb_per_kwh * CARBON_G_PER_LB;
    ret->is_substituted = false;
    ret->intensity_source = "0.954 lb/kWh, mean of the United States (EPA), "
                            "wherever the machine stands";
    ret->pue = 1.58;
    ret->energy_j = ret->pue * o->energy_j;
}

const struct carbon_estimator carbon_estimator_strubell2019 = {
    .name = "strubell2019",
    .tool = "Strubell et al. 2019",
    .doc = "the formula, over all machines that compute",
    .source = "Strubell, Ganesh, McCallum 2019, Energy and Policy "
              "Considerations for Deep Learning in NLP, ACL, equation 1",
    .formula = "1.58 x hours x (CPU + DRAM + GPUs) x 0.954 lb/kWh",
    .sees = "CPU, memory and GPUs, as many hours as are said",
    .ignores = "network; waiting; where the machine stands; the real PUE; "
               "embodied carbon",
    .intensities = NULL,
    .intensity_source = "0.954 lb/kWh",
    .world_gco2e_per_kwh = 0.954 * CARBON_G_PER_LB,
    .estimate = estimate,
};
