/* Cloud Carbon Footprint: from a cloud's bill, here that of AWS.
 *
 *     W per vCPU = min + load (max - min) = 0.74 + load x 2.76, load 0.5
 *     where unknown; memory 0.000392 kWh per GB and h; networking 0.001 kWh
 *     per GB between data centres; all times PUE 1.135
 *
 *     1 kWh in eu-central-1: 1 x 1.135 x 338 = 383.63 g
 *     1 GB between data centres at 481.454 g: 0.001 x 1.135 x 481.454
 *     = 0.546 g
 *
 * Where vCPUs are not known, the energy drawn is taken for what the bill's
 * machine-hours would come to. Its embodied part needs the instance type. */
#include "carbon/estimator_priv.h"

#include "base/units.h"

#include <math.h>
#include <stddef.h>

static const struct carbon_intensity intensities[] = {
#include "carbon/estimators/cloud_carbon_footprint.inc"
    {0},
};

static void estimate(const struct carbon_observed *o,
                     struct carbon_estimate *ret)
{
    if (o->role == CARBON_CLIENT) {
        ret->cannot = "a cloud's bill does not list other people's devices";
        return;
    }
    double load = isnan(o->load_ratio) ? 0.5 : o->load_ratio;
    double it_j =
        o->vcpus == 0
            ? o->energy_j
            : carbon_busy_j(o, (double)o->vcpus * (0.74 + load * (3.5 - 0.74)));
    const double memory_w_per_gb = 0.392;
    const double network_kwh_per_gb = 0.001;
    it_j += carbon_memory_j(o, memory_w_per_gb);
    it_j += o->between_datacentres_bytes / FL_BYTES_PER_GB *
            network_kwh_per_gb * FL_J_PER_KWH;
    ret->pue = 1.135;
    ret->energy_j = ret->pue * it_j;
}

const struct carbon_estimator carbon_estimator_cloud_carbon_footprint = {
    .name = "cloud_carbon_footprint",
    .tool = "Cloud Carbon Footprint",
    .doc = "on the bill of the data centre's machines, as AWS's",
    .source = "github.com/cloud-carbon-footprint: "
              "AwsFootprintEstimationConstants.ts; ccf-coefficients at "
              "b0032d92",
    .formula = "1.135 (vCPU h (0.74 + load x 2.76 W) + 0.392 W/GB memory + "
               "0.001 kWh/GB between data centres) x region's intensity",
    .sees = "machines of the data centre, from machine-hours",
    .ignores = "clients; the network to them; what was really drawn; hour of "
               "the day",
    .intensities = intensities,
    .intensity_source = "Cloud Carbon Footprint, AWS regions",
    .world_gco2e_per_kwh = (double)NAN,
    .estimate = estimate,
};
