/* sci: Software Carbon Intensity, ISO/IEC 21031:
 *
 *     SCI = (O + M) per R;  O = E I, location-based;  M embodied
 *
 * E is all energy of the arm, provisioned machines, idle time, devices and
 * networks included; I what it emits on average. M is the ledger's share of
 * devices' making. R by --unit:
 *
 *     run             1
 *     round           rounds; centralized, local: epochs
 *     client          clients that trained; local, a mean per client: 1
 *     accuracy_point  hundredths of test accuracy
 *     request         requests answered; O and M are then those of serving
 *
 * Where an arm has no such unit, R and SCI are empty. Where nothing embodied
 * was modelled, M is empty and `note` says so: SCI asks for it. */
#include "results/exporter_priv.h"

#include "base/alloc.h"
#include "base/parse.h"
#include "base/units.h"
#include "results/records.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

struct sci_row {
    const char *run, *arm, *unit, *note;
    double count_value, energy_j, gco2e_per_kwh, operational_gco2e,
        embodied_gco2e, sci_gco2e;
};

#define OF(member) false, offsetof(struct sci_row, member)

static const struct res_column columns[] = {
    {"run", "-", "", "", RES_COLUMN_TEXT, OF(run)},
    {"arm", "-", "", "", RES_COLUMN_TEXT, OF(arm)},
    {"unit", "-", "", "", RES_COLUMN_TEXT, OF(unit)},
    {"R", "units", "", "", RES_COLUMN_REAL, OF(count_value)},
    {"E_kwh", "kWh", "", "", RES_COLUMN_KWH, OF(energy_j)},
    {"I_gco2e_per_kwh", "gCO2e/kWh", "", "", RES_COLUMN_REAL,
     OF(gco2e_per_kwh)},
    {"O_gco2e", "gCO2e", "", "", RES_COLUMN_REAL, OF(operational_gco2e)},
    {"M_gco2e", "gCO2e", "", "", RES_COLUMN_REAL, OF(embodied_gco2e)},
    {"SCI_gco2e_per_unit", "gCO2e", "", "", RES_COLUMN_REAL, OF(sci_gco2e)},
    {"note", "-", "", "", RES_COLUMN_TEXT, OF(note)},
    {0},
};

enum unit { RUN, ROUND, CLIENT, POINT, REQUEST, UNIT_LAST_ };
static const char *const units[] = {
    [RUN] = "run",         [ROUND] = "round",
    [CLIENT] = "client",   [POINT] = "accuracy_point",
    [REQUEST] = "request",
};

static enum fl_status
find_unit(const char *name, enum unit *ret, struct fl_error *err)
{
    for (int i = 0; i < UNIT_LAST_; i++) {
        if (name && strcmp(units[i], name) == 0) {
            *ret = (enum unit)i;
            return FL_OK;
        }
    }
    const char *near = name ? fl_nearest_name(name, units, UNIT_LAST_) : NULL;
    return fl_fail(err, FL_E_CONFIG,
                   "--unit: found %s%s%s%s%s%s, allowed run, round, client, "
                   "accuracy_point, request",
                   name ? "'" : "nothing", name ? name : "", name ? "'" : "",
                   near ? " (" : "", near ? near : "", near ? "?)" : "");
}

static double count_of(const struct res_row *row, enum unit unit)
{
    switch (unit) {
    case RUN:
        return 1;
    case ROUND:
        return (double)row->rounds;
    case CLIENT:
        return row->is_per_client ? 1 : (double)row->participants;
    case POINT:
        return 100 * row->accuracy;
    case REQUEST:
    case UNIT_LAST_:
    default:
        return 0;
    }
}

/* Requests that were answered, and what serving cost. */
static enum fl_status take_serving(const struct res_exporting *x,
                                   int32_t arm,
                                   struct sci_row *ret,
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
}

static enum fl_status fill_row(const struct res_exporting *x,
                               const struct res_row *row,
                               enum unit unit,
                               struct sci_row *ret,
                               struct fl_error *err)
{
    *ret = (struct sci_row){
        .run = x->run->label,
        .arm = row->arm,
        .unit = units[unit],
        .note = row->is_per_client ? "mean per client" : "",
        .count_value = count_of(row, unit),
        .energy_j = row->energy_j,
        .operational_gco2e = row->dynamic_gco2e + row->idle_gco2e,
        .embodied_gco2e = row->embodied_gco2e,
    };
    if (unit == REQUEST)
        FL_TRY(take_serving(x, row->number, ret, err));
    ret->gco2e_per_kwh =
        ret->operational_gco2e / (ret->energy_j / FL_J_PER_KWH);
    double sum_gco2e = ret->operational_gco2e + ret->embodied_gco2e;
    if (!(ret->count_value > 0)) {
        ret->count_value = (double)NAN;
        ret->note = "no such unit in this arm";
    }
    ret->sci_gco2e = sum_gco2e / ret->count_value;
    if (!(ret->embodied_gco2e > 0)) {
        ret->embodied_gco2e = (double)NAN;
        if (ret->count_value > 0)
            ret->note = row->is_per_client
                            ? "mean per client; M not modelled: O per R alone"
                            : "M not modelled: O per R alone";
    }
    return FL_OK;
}

static enum fl_status
write(const struct res_exporting *x, struct res_text *out, struct fl_error *err)
{
    enum unit unit = RUN;
    FL_TRY(find_unit(x->opts->unit, &unit, err));
    size_t n = x->run->n_rows;
    struct sci_row *rows = fl_calloc(n, sizeof rows[0]);
    if (!rows)
        return fl_fail(err, FL_E_NOMEM, "out of memory");
    enum fl_status status = FL_OK;
    for (size_t i = 0; i < n && status == FL_OK; i++)
        status = fill_row(x, &x->run->rows[i], unit, &rows[i], err);
    const struct res_records records = {
        .columns = columns, .rows = rows, .stride = sizeof rows[0], .n = n};
    if (status == FL_OK)
        res_records_csv(&records, out);
    fl_free(rows);
    return status;
}

const struct res_exporter res_export_as_sci = {
    .name = "sci",
    .doc = "Software Carbon Intensity (ISO/IEC 21031), CSV, per --unit",
    .source = "Green Software Foundation, SCI specification 1.1.0; ISO/IEC "
              "21031:2024",
    .write = write,
};
