/* Software Carbon Intensity, ISO/IEC 21031, of an arm:
 *
 *     SCI = (O + M) per R;  O = E I, location-based;  M embodied
 *
 * E is all energy of the arm, provisioned machines, idle time, devices and
 * networks included; I what it emits on average. M is the ledger's share of
 * devices' making. R by unit:
 *
 *     run             1
 *     round           rounds; centralized, local: epochs
 *     client          clients that trained; local, a mean per client: 1
 *     accuracy_point  hundredths of test accuracy
 *     request         requests answered; O and M are then those of serving
 *
 * Source: Green Software Foundation, SCI specification 1.1.0.
 * Private to results/ and its tests.
 */
#ifndef RESULTS_SCI_H
#define RESULTS_SCI_H

#include "results/report_priv.h"

enum res_sci_unit {
    RES_SCI_RUN,
    RES_SCI_ROUND,
    RES_SCI_CLIENT,
    RES_SCI_POINT,
    RES_SCI_REQUEST,
    RES_SCI_LAST_
};
extern const char *const res_sci_units[]; /* NULL-terminated */

struct res_sci {
    double count_value; /* R; NaN: the arm has no such unit */
    double energy_j, gco2e_per_kwh;
    double operational_gco2e, embodied_gco2e;
    double sci_gco2e; /* per R; where M is 0, O per R alone */
};

/* option: what named the unit, for the message. Fails FL_E_CONFIG unknown unit,
 * with the nearest; name NULL is one. */
enum fl_status res_sci_find(const char *option,
                            const char *name,
                            enum res_sci_unit *ret,
                            struct fl_error *err) FL_NODISCARD;
/* Of a row's figures, as they are: of a cut arm, up to there. */
enum fl_status res_sci_of(struct res_store *store,
                          const struct res_row *row,
                          enum res_sci_unit unit,
                          struct res_sci *ret,
                          struct fl_error *err) FL_NODISCARD;

#endif
