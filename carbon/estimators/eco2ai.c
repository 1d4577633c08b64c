/* eco2AI (Budennyy et al. 2023).
 *
 *     CPU = TDP x load, TDP 100.1 W where the model is unknown; or RAPL
 *     memory = 3/8 W per GB of the process
 *     kg = PUE x kWh x intensity[kg/MWh] / 1000, PUE 1 unless told
 *
 *     100 W for 10 h in Germany: 1 kWh x 332.495 = 332.495 g
 *     1.37 kWh x 240.56 = 329.57 g, printed 0.33 kg; 24.50 kWh: 5.89 kg
 *     1.37 kWh in no region: x 436.529 = 598.04 g
 *     8 GB for 1 h: 8 x 0.375 Wh = 0.003 kWh */
#include "carbon/estimator_priv.h"

#include <math.h>
#include <stddef.h>

static const struct carbon_intensity intensities[] = {
    {"CN", 549.534, 0, "China"},
    {"DE", 332.495, 0, "Germany"},
    {"FR", 67.53, 0, "France"},
    {"JP", 472.57, 0, "Japan"},
    {"RU-MOS", 240.56, 0, "Moscow region"},
    {"RU", 347.451, 0, "Russia"},
    {0},
};

static void estimate(const struct carbon_observed *o,
                     struct carbon_estimate *ret)
{
    double it_j = o->energy_j;
    if (isnan(it_j)) {
        double tdp_w = isnan(o->tdp_w) ? 100.1 : o->tdp_w;
        it_j = carbon_busy_j(o, tdp_w * o->load_ratio);
    }
    ret->pue = carbon_pue_or(o, 1);
    ret->energy_j = ret->pue * (it_j + carbon_memory_j(o, 3.0 / 8.0));
}

const struct carbon_estimator carbon_estimator_eco2ai = {
    .name = "eco2ai",
    .tool = "eco2AI",
    .doc = "a tracker on every machine that computes",
    .source = "Budennyy et al. 2023, Doklady Mathematics; "
              "github.com/sb-ai-lab/Eco2AI",
    .formula = "PUE (CPU + GPU + 0.375 W/GB memory) x region's intensity; PUE "
               "1 unless told",
    .sees = "CPUs, GPUs, and memory of Python processes",
    .ignores = "network; clients waiting and transferring; PUE unless told; "
               "hour of the day; embodied carbon",
    .intensities = intensities,
    .intensity_source = "eco2AI's table of countries and regions",
    .world_gco2e_per_kwh = 436.529,
    .estimate = estimate,
};
