/* Embodied carbon of chips by the tables of ACT. */
#include "carbon/act.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>

#define MM2_PER_CM2             100.0
#define MATERIALS_GCO2E_PER_CM2 500.0
#define PACKAGING_GCO2E_PER_IC  150.0

/* The figures of ACT, Gupta et al., "ACT: designing sustainable computer
 * systems with an architectural carbon modeling tool", ISCA 2022,
 * doi 10.1145/3470496.3527408; published by its authors under the MIT licence
 * (facebookresearch/ACT). */
const struct carbon_act_node carbon_act_nodes[] = {
    {28, 0.900, 175, 100}, {20, 1.200, 190, 110}, {14, 1.200, 200, 125},
    {10, 1.475, 240, 150}, {8, 1.520, 240, 150},  {7, 2.150, 350, 200},
    {5, 2.750, 430, 225},  {3, 3.250, 470, 275},  {0, 0, 0, 0},
};

/* Rows come from the longest down: the first of two as near is the older. */
static const struct carbon_act_node *nearest(double node_nm)
{
    const struct carbon_act_node *best = &carbon_act_nodes[0];
    for (size_t i = 1; carbon_act_nodes[i].node_nm > 0; i++)
        if (fabs(carbon_act_nodes[i].node_nm - node_nm) <
            fabs(best->node_nm - node_nm))
            best = &carbon_act_nodes[i];
    return best;
}

enum fl_status carbon_act_chip(const struct carbon_act_chip *chip,
                               struct carbon_act_made *ret,
                               struct fl_error *err)
{
    assert(chip && ret);
    if (!isfinite(chip->area_mm2) || !isfinite(chip->node_nm) ||
        !isfinite(chip->fab_gco2e_per_kwh) || !isfinite(chip->yield_ratio))
        return fl_fail(err, FL_E_NUMERIC,
                       "chip: %g mm2, %g nm, %g gCO2e/kWh, yield %g, allowed "
                       "finite numbers",
                       chip->area_mm2, chip->node_nm, chip->fab_gco2e_per_kwh,
                       chip->yield_ratio);
    if (chip->area_mm2 < 0 || chip->node_nm <= 0 ||
        chip->fab_gco2e_per_kwh < 0 || chip->yield_ratio <= 0 ||
        chip->yield_ratio > 1 || chip->ics < 0)
        return fl_fail(err, FL_E_CONFIG,
                       "chip: %g mm2, %g nm, %g gCO2e/kWh, yield %g, %lld ICs, "
                       "allowed an area >= 0, a process > 0, an intensity >= "
                       "0, a yield > 0 and <= 1, ICs >= 0",
                       chip->area_mm2, chip->node_nm, chip->fab_gco2e_per_kwh,
                       chip->yield_ratio, (long long)chip->ics);
    const struct carbon_act_node *node = nearest(chip->node_nm);
    double gas = chip->is_abated_99 ? node->gas_99_gco2e_per_cm2
                                    : node->gas_95_gco2e_per_cm2;
    double per_cm2 = (chip->fab_gco2e_per_kwh * node->fab_kwh_per_cm2 + gas +
                      MATERIALS_GCO2E_PER_CM2) /
                     chip->yield_ratio;
    *ret = (struct carbon_act_made){
        .gco2e = (double)chip->ics * PACKAGING_GCO2E_PER_IC +
                 chip->area_mm2 / MM2_PER_CM2 * per_cm2,
        .node = node};
    return FL_OK;
}
