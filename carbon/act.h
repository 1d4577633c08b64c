/* What making a chip emitted, from its area, as ACT does it (Gupta et al.,
 * ISCA 2022):
 *
 *   C = ics packaging + area (ci_fab EPA + GPA + MPA) / yield      [gCO2e]
 *
 *     EPA  energy of the factory per area, of the process      [kWh/cm2]
 *     GPA  gases of the process per area, abated by 95 or 99 %   [g/cm2]
 *     MPA  materials per area, 500                                [g/cm2]
 *
 *     struct carbon_act_chip chip = {.area_mm2 = 145, .node_nm = 10,
 *         .fab_gco2e_per_kwh = 583, .yield_ratio = 0.943543, .ics = 1};
 *     FL_TRY(carbon_act_chip(&chip, &made, err));   made.gco2e = 2608.702
 *
 * Processes are the rows of a table; a process that is not in it takes the
 * nearest row by its length, of two as near the older (longer) one, and the
 * result says which row that was.
 */
#ifndef CARBON_ACT_H
#define CARBON_ACT_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

/* A process; the table ends with a row of node_nm 0. */
struct carbon_act_node {
    double node_nm;
    double fab_kwh_per_cm2;
    double gas_95_gco2e_per_cm2;
    double gas_99_gco2e_per_cm2;
};
extern const struct carbon_act_node carbon_act_nodes[];

struct carbon_act_chip {
    double area_mm2;
    double node_nm;
    double fab_gco2e_per_kwh; /* intensity of the factory's electricity */
    double yield_ratio;       /* of good dies, > 0 to 1 */
    int64_t ics;              /* packages */
    bool is_abated_99;        /* gases abated by 99 % in place of 95 % */
};

struct carbon_act_made {
    double gco2e;
    const struct carbon_act_node *node; /* the row that was taken */
};

/* Pure. Fails FL_E_CONFIG: area < 0, node or yield not > 0, yield > 1,
 * intensity < 0, ics < 0; FL_E_NUMERIC not finite. */
enum fl_status carbon_act_chip(const struct carbon_act_chip *chip,
                               struct carbon_act_made *ret,
                               struct fl_error *err) FL_NODISCARD;

#endif
