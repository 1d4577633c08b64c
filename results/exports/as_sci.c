/* sci: Software Carbon Intensity by results/sci.h, a row per arm. Where an arm
 * has no such unit, R and SCI are empty. Where nothing embodied was modelled, M
 * is empty and `note` says so: SCI asks for it. */
#include "results/exporter_priv.h"

#include "base/alloc.h"
#include "results/records.h"
#include "results/sci.h"

#include <math.h>
#include <stddef.h>

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

static enum fl_status fill_row(const struct res_exporting *x,
                               const struct res_row *row,
                               enum res_sci_unit unit,
                               struct sci_row *ret,
                               struct fl_error *err)
{
    struct res_sci sci;
    FL_TRY(res_sci_of(x->store, row, unit, &sci, err));
    *ret = (struct sci_row){
        .run = x->run->label,
        .arm = row->arm,
        .unit = res_sci_units[unit],
        .note = row->is_per_client ? "mean per client" : "",
        .count_value = sci.count_value,
        .energy_j = sci.energy_j,
        .gco2e_per_kwh = sci.gco2e_per_kwh,
        .operational_gco2e = sci.operational_gco2e,
        .embodied_gco2e = sci.embodied_gco2e,
        .sci_gco2e = sci.sci_gco2e,
    };
    if (isnan(sci.count_value))
        ret->note = "no such unit in this arm";
    if (!(sci.embodied_gco2e > 0)) {
        ret->embodied_gco2e = (double)NAN;
        if (!isnan(sci.count_value))
            ret->note = row->is_per_client
                            ? "mean per client; M not modelled: O per R alone"
                            : "M not modelled: O per R alone";
    }
    return FL_OK;
}

static enum fl_status
write(const struct res_exporting *x, struct res_text *out, struct fl_error *err)
{
    enum res_sci_unit unit = RES_SCI_RUN;
    FL_TRY(res_sci_find("--unit", x->opts->unit, &unit, err));
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
