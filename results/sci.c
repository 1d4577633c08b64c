#include "results/sci.h"

#include "base/units.h"
#include "results/exporter_priv.h"
#include "results/store/store_seal.h"

#include <math.h>
#include <string.h>

const char *const res_sci_units[] = {
    [RES_SCI_RUN] = "run",         [RES_SCI_ROUND] = "round",
    [RES_SCI_CLIENT] = "client",   [RES_SCI_POINT] = "accuracy_point",
    [RES_SCI_REQUEST] = "request", [RES_SCI_LAST_] = NULL,
};

enum fl_status res_sci_find(const char *option,
                            const char *name,
                            enum res_sci_unit *ret,
                            struct fl_error *err)
{
    for (int i = 0; i < RES_SCI_LAST_; i++) {
        if (name && strcmp(res_sci_units[i], name) == 0) {
            *ret = (enum res_sci_unit)i;
            return FL_OK;
        }
    }
    return res_unknown_name(option, name, res_sci_units, RES_SCI_LAST_, err);
}

static double count_of(const struct res_row *row, enum res_sci_unit unit)
{
    switch (unit) {
    case RES_SCI_RUN:
        return 1;
    case RES_SCI_ROUND:
        return (double)row->rounds;
    case RES_SCI_CLIENT:
        return row->is_per_client ? 1 : (double)row->participants;
    case RES_SCI_POINT:
        return 100 * row->accuracy;
    case RES_SCI_REQUEST:
    case RES_SCI_LAST_:
    default:
        return 0;
    }
}

/* Requests that were answered, and what serving cost. */
static enum fl_status take_serving(const struct res_exporting *x,
                                   int32_t arm,
                                   struct res_sci *ret,
                                   struct fl_error *err)
{
#define SERVING(sum, more)                                                     \
    "SELECT total(" sum ") FROM ledger l JOIN stage s ON s.stage = l.stage"    \
    " JOIN component c ON c.component = l.component"                           \
    " WHERE l.arm = ?1 AND s.name = 'serving'" more
    FL_TRY(res_arm_number(x,
                          "SELECT total(value ->> 'requests') FROM"
                          " json_each((SELECT value FROM meta"
                          "  WHERE key = 'account'))"
                          " WHERE value ->> 'arm' ="
                          " (SELECT name FROM arm WHERE arm = ?1)",
                          arm, &ret->count_value, err));
    FL_TRY(
        res_arm_number(x, SERVING("l.energy_j", ""), arm, &ret->energy_j, err));
    FL_TRY(res_arm_number(
        x, SERVING("l.emitted_gco2e", " AND c.term_group <> 'embodied'"), arm,
        &ret->operational_gco2e, err));
    return res_arm_number(
        x, SERVING("l.emitted_gco2e", " AND c.term_group = 'embodied'"), arm,
        &ret->embodied_gco2e, err);
#undef SERVING
}

enum fl_status res_sci_of(struct res_store *store,
                          const struct res_row *row,
                          enum res_sci_unit unit,
                          struct res_sci *ret,
                          struct fl_error *err)
{
    struct res_sci sci = {
        .count_value = count_of(row, unit),
        .energy_j = row->energy_j,
        .operational_gco2e = row->dynamic_gco2e + row->idle_gco2e,
        .embodied_gco2e = row->embodied_gco2e,
    };
    const struct res_exporting x = {.store = store};
    if (unit == RES_SCI_REQUEST)
        FL_TRY(res_seal_check_ledger(store, err));
    if (unit == RES_SCI_REQUEST)
        FL_TRY(take_serving(&x, row->number, &sci, err));
    sci.gco2e_per_kwh = sci.operational_gco2e / (sci.energy_j / FL_J_PER_KWH);
    if (!(sci.count_value > 0))
        sci.count_value = (double)NAN;
    sci.sci_gco2e =
        (sci.operational_gco2e + sci.embodied_gco2e) / sci.count_value;
    *ret = sci;
    return FL_OK;
}
