/* eco2ai: the 13 columns of eco2AI's emission.csv, one row per arm. Durations
 * are simulated seconds; `epoch` is rounds, for the centralized and local arms
 * epochs; `cost` where the run has a price per kWh. The tool's device columns
 * are about the machine that runs it and stay empty. */
#include "results/exporter_priv.h"

#include "base/alloc.h"
#include "base/units.h"

#include <string.h>

static const char *const columns[] = {
    "id",
    "project_name",
    "experiment_description",
    "epoch",
    "start_time",
    "duration(s)",
    "power_consumption(kWh)",
    "CO2_emissions(kg)",
    "CPU_name",
    "GPU_name",
    "OS",
    "region/country",
    "cost",
};
#define N_COLUMNS (sizeof columns / sizeof columns[0])
_Static_assert(N_COLUMNS == 13, "eco2AI's columns");

static void put_value(const char *column,
                      const struct res_exporting *x,
                      const struct res_row *row,
                      const char *zone,
                      double per_kwh_value,
                      struct res_text *cell)
{
    double kwh = row->energy_j / FL_J_PER_KWH;
    if (strcmp(column, "id") == 0)
        res_text_add(cell, "%s/%s", x->run->label, row->arm);
    else if (strcmp(column, "project_name") == 0)
        res_text_put(cell, x->run->name);
    else if (strcmp(column, "experiment_description") == 0)
        res_put_arm(row, cell);
    else if (strcmp(column, "epoch") == 0)
        res_text_add(cell, "%lld", (long long)row->rounds);
    else if (strcmp(column, "duration(s)") == 0)
        res_text_real(cell, row->sim_time_s);
    else if (strcmp(column, "power_consumption(kWh)") == 0)
        res_text_real(cell, kwh);
    else if (strcmp(column, "CO2_emissions(kg)") == 0)
        res_text_real(cell, row->gco2e / FL_G_PER_KG);
    else if (strcmp(column, "region/country") == 0)
        res_text_put(cell, zone);
    else if (strcmp(column, "cost") == 0)
        res_text_real(cell, kwh * per_kwh_value);
}

static enum fl_status put_row(const struct res_exporting *x,
                              const struct res_row *row,
                              struct res_text *cell,
                              struct res_text *out,
                              struct fl_error *err)
{
    char *zone = NULL;
    double price;
    FL_TRY(res_arm_number(x,
                          "SELECT value FROM fact WHERE name = 'price.kwh'"
                          " AND ?1 IS NOT NULL",
                          row->number, &price, err));
    FL_TRY(res_arm_text(x, res_only_zone_sql, row->number, &zone, err));
    for (size_t i = 0; i < N_COLUMNS; i++) {
        res_text_clear(cell);
        put_value(columns[i], x, row, zone, price, cell);
        res_text_put(out, i > 0 ? "," : "");
        res_csv_field(out, res_text_get(cell));
    }
    res_text_put(out, "\n");
    fl_free(zone);
    return res_text_check(cell, err);
}

static enum fl_status
write(const struct res_exporting *x, struct res_text *out, struct fl_error *err)
{
    struct res_text cell = {0};
    for (size_t i = 0; i < N_COLUMNS; i++)
        res_text_add(out, "%s%s", i > 0 ? "," : "", columns[i]);
    res_text_put(out, "\n");
    enum fl_status status = FL_OK;
    for (size_t i = 0; i < x->run->n_rows && status == FL_OK; i++)
        status = put_row(x, &x->run->rows[i], &cell, out, err);
    res_text_fini(&cell);
    return status;
}

const struct res_exporter res_export_as_eco2ai = {
    .name = "eco2ai",
    .doc = "eco2AI's emission.csv, 13 columns, one row per arm",
    .source = "github.com/sb-ai-lab/Eco2AI, emission.csv",
    .write = write,
};
