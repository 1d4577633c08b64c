#include "cli/list_meters.h"

#include "base/clock.h"
#include "cli/energy/self_energy.h"

#include <stdio.h>

void cli_list_meters(const struct cli_surroundings *surroundings)
{
    struct carbon_meter_opts opts = cli_meter_opts(surroundings->slurm.job);
    for (size_t i = 0; carbon_meters[i]; i++) {
        const struct carbon_meter_type *type = carbon_meters[i];
        struct carbon_meter *meter = NULL;
        struct fl_error err = {FL_OK, ""};
        (void)printf("%-10s %-9s %s\n", type->name,
                     carbon_evidence_name(type->evidence), type->doc);
        if (carbon_meter_create(type->name, &opts, fl_clock_wall_s(), &meter,
                                &err) == FL_OK)
            (void)printf("%20s available: %s\n", "",
                         carbon_meter_detail(meter));
        else
            (void)printf("%20s not here: %s\n", "", err.text);
        carbon_meter_destroy(meter);
    }
}
