/* What a phone's day costs in France: ten minutes of training, then waiting. */
#include "carbon/carbon.h"

#include <stdio.h>

static enum fl_status price(struct carbon_grid *grid,
                            struct carbon_ledger **ledger,
                            struct fl_error *err)
{
    const struct carbon_preset *preset;
    const struct carbon_zone *zone;
    struct carbon_activity a = {.phase = CARBON_TRAIN, .t1_s = 600};
    FL_TRY(carbon_preset_find("full", &preset, err));
    FL_TRY(carbon_device_find("pixel_xl", &a.device, err));
    FL_TRY(carbon_zone_find("FR", &zone, err));
    FL_TRY(carbon_grid_add_annual(grid, "FR", &zone->annual_gco2e_per_kwh,
                                  &a.zone, err));
    FL_TRY(carbon_ledger_create(preset, grid, ledger, err));
    FL_TRY(carbon_ledger_add(*ledger, &a, err));
    a.phase = CARBON_WAIT;
    a.t0_s = a.t1_s;
    a.t1_s = 86400;
    return carbon_ledger_add(*ledger, &a, err);
}

int main(void)
{
    struct carbon_grid *grid = NULL;
    struct carbon_ledger *ledger = NULL;
    struct fl_error err = {0};
    if (carbon_grid_create(0, &grid, &err) || price(grid, &ledger, &err))
        return fprintf(stderr, "%s\n", err.text), 1;
    struct carbon_sum sum = carbon_ledger_sum(ledger, NULL, NULL);
    printf("%.1f J, %.4f gCO2e; making it: %.1f gCO2e\n", sum.energy_j,
           sum.emitted_gco2e - sum.embodied_gco2e, sum.embodied_gco2e);
    carbon_ledger_destroy(ledger);
    carbon_grid_destroy(grid);
}
