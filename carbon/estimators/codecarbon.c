/* CodeCarbon where it reads meters (RAPL, NVML), and what its three rows
 * share.
 *
 *     kWh = J x 2.77778e-7                (core/units.py: 1.0000008 per kWh)
 *     memory: so many DIMMs are guessed from the size, at 5 W each, with a
 *     discount from the fifth on, at least 10 W     (external/ram.py, x86)
 *     energy = PUE x (processors + memory), PUE 1 unless told
 *
 *     100 W for 10 h in Germany, table of 2023: 1 kWh x 380.95 = 380.95 g
 *     16 GB: 2 DIMMs = 10 W; 64 GB: 4 = 20 W; 128 GB: 4 x 5 + 4 x 4.5 = 38 W;
 *     2048 GB: 16 of 128 GB = 20 + 18 + 8 x 4 = 70 W
 *
 * The tool works out memory's power however processors are measured. Where a
 * machine's power is that of the whole device, memory is in it already: the
 * size is then not passed.
 *
 * A country's row is used also for its parts, as
 * OfflineEmissionsTracker(country_iso_code) does; the tool located by address
 * has other figures for US states (2016) and Canadian provinces. */
#include "carbon/estimator_priv.h"

#include "base/units.h"

#include <math.h>
#include <stddef.h>

const struct carbon_intensity carbon_owid_intensities[] = {
#include "carbon/estimators/codecarbon.inc"
    {0},
};

/* How many modules the tool believes there are. */
static double guess_dimms(double memory_gb)
{
    if (memory_gb <= 2)
        return 1;
    if (memory_gb <= 16)
        return 2;
    if (memory_gb <= 64)
        return 4;
    if (memory_gb <= 128)
        return 8;
    double size_gb = 16; /* largest of 16, 32, 64, 128 up to an eighth */
    while (size_gb < 128 && size_gb * 2 <= memory_gb / 8)
        size_gb *= 2;
    return fmin(ceil(memory_gb / size_gb), 32);
}

double carbon_codecarbon_memory_w(double memory_bytes)
{
    static const struct {
        double up_to, w_each;
    } steps[] = {{4, 5}, {8, 4.5}, {16, 4}, {32, 3.5}};
    double dimms = guess_dimms(memory_bytes / FL_BYTES_PER_GB), from = 0,
           sum_w = 0;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (dimms > from)
            sum_w += (fmin(dimms, steps[i].up_to) - from) * steps[i].w_each;
        from = steps[i].up_to;
    }
    return fmax(sum_w, 10);
}

void carbon_codecarbon_finish(const struct carbon_observed *o,
                              double it_j,
                              struct carbon_estimate *ret)
{
    if (!isnan(o->memory_bytes))
        it_j += carbon_busy_j(o, carbon_codecarbon_memory_w(o->memory_bytes));
    ret->pue = carbon_pue_or(o, 1);
    ret->energy_j = ret->pue * it_j;
}

static void estimate(const struct carbon_observed *o,
                     struct carbon_estimate *ret)
{
    const double j_to_kwh = 2.77778e-7;
    carbon_codecarbon_finish(o, o->energy_j * j_to_kwh * FL_J_PER_KWH, ret);
}

const struct carbon_estimator carbon_estimator_codecarbon = {
    .name = "codecarbon",
    .tool = "CodeCarbon",
    .doc = "a tracker on every machine that computes, which reads its power",
    .source = "github.com/mlco2/codecarbon at b05965e4: core/units.py, "
              "emissions_tracker.py, external/ram.py",
    .formula = "PUE (J x 2.77778e-7 + memory) x country's intensity; PUE 1 "
               "unless told",
    .sees = "processors, accelerators and memory of machines while they run "
            "tracked code",
    .ignores = "network; clients waiting and transferring; PUE unless told; "
               "hour of the day; embodied carbon",
    .intensities = carbon_owid_intensities,
    .intensity_source = "CodeCarbon, global_energy_mix.json (Our World in "
                        "Data, mostly 2022-2023)",
    .world_gco2e_per_kwh = 475,
    .estimate = estimate,
};
