/* codecarbon: the columns of CodeCarbon's emissions.csv, in its order, one row
 * per arm, so that what reads that file reads runs.
 *
 * Units are the tool's: seconds (simulated), kg, kg/s, kWh with PUE in it. Not
 * filled, since a run does not know or the column is about something else:
 * power and energy by processor, water, the machine (that of the simulator is
 * not that of the devices), where the tool looked for its position. `pue`
 * only where all of the arm's energy has it: the centralized arm. */
#include "results/exporter_priv.h"

#include "base/alloc.h"
#include "base/units.h"

#include <string.h>

/* The tool's dataclass at b05965e4, which tests/test_data/
 * emissions_valid_headers.csv of it repeats. */
static const char *const columns[] = {
    "timestamp",
    "project_name",
    "run_id",
    "experiment_id",
    "duration",
    "emissions",
    "emissions_rate",
    "cpu_power",
    "gpu_power",
    "ram_power",
    "cpu_energy",
    "gpu_energy",
    "ram_energy",
    "energy_consumed",
    "water_consumed",
    "country_name",
    "country_iso_code",
    "region",
    "cloud_provider",
    "cloud_region",
    "os",
    "python_version",
    "codecarbon_version",
    "cpu_count",
    "cpu_model",
    "gpu_count",
    "gpu_model",
    "longitude",
    "latitude",
    "ram_total_size",
    "tracking_mode",
    "cpu_utilization_percent",
    "gpu_utilization_percent",
    "ram_utilization_percent",
    "ram_used_gb",
    "on_cloud",
    "pue",
    "wue",
};
#define N_COLUMNS (sizeof columns / sizeof columns[0])
_Static_assert(N_COLUMNS == 38, "CodeCarbon's columns");

static void put_number(double value, struct res_text *cell)
{
    res_text_real(cell, value); /* nothing for NaN */
}

/* The value of a column, as plain text; nothing where there is none. */
static void put_value(const char *column,
                      const struct res_exporting *x,
                      const struct res_row *row,
                      const char *ended_utc,
                      const char *zone,
                      double pue,
                      struct res_text *cell)
{
    double kg = row->gco2e / FL_G_PER_KG;
    if (strcmp(column, "timestamp") == 0)
        res_text_put(cell, ended_utc);
    else if (strcmp(column, "project_name") == 0)
        res_text_put(cell, x->run->name);
    else if (strcmp(column, "run_id") == 0)
        res_text_put(cell, x->run->label);
    else if (strcmp(column, "experiment_id") == 0)
        res_put_arm(row, cell);
    else if (strcmp(column, "duration") == 0)
        put_number(row->sim_time_s, cell);
    else if (strcmp(column, "emissions") == 0)
        put_number(kg, cell);
    else if (strcmp(column, "emissions_rate") == 0 && row->sim_time_s > 0)
        put_number(kg / row->sim_time_s, cell);
    else if (strcmp(column, "energy_consumed") == 0)
        put_number(row->energy_j / FL_J_PER_KWH, cell);
    else if (strcmp(column, "region") == 0)
        res_text_put(cell, zone);
    else if (strcmp(column, "pue") == 0)
        put_number(pue, cell);
}

static enum fl_status put_row(const struct res_exporting *x,
                              const struct res_row *row,
                              const char *ended_utc,
                              struct res_text *cell,
                              struct res_text *out,
                              struct fl_error *err)
{
    char *zone = NULL;
    double pue;
    FL_TRY(res_arm_number(x,
                          "SELECT value FROM fact WHERE name ="
                          " 'centralized.pue' AND (SELECT name FROM arm WHERE"
                          " arm = ?1) = 'centralized'",
                          row->number, &pue, err));
    FL_TRY(res_arm_text(x, res_only_zone_sql, row->number, &zone, err));
    for (size_t i = 0; i < N_COLUMNS; i++) {
        res_text_clear(cell);
        put_value(columns[i], x, row, ended_utc, zone, pue, cell);
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
    char *ended_utc = NULL;
    struct res_text cell = {0};
    FL_TRY(res_meta_text(x, "ended_utc", &ended_utc, err));
    for (size_t i = 0; i < N_COLUMNS; i++)
        res_text_add(out, "%s%s", i > 0 ? "," : "", columns[i]);
    res_text_put(out, "\n");
    enum fl_status status = FL_OK;
    for (size_t i = 0; i < x->run->n_rows && status == FL_OK; i++)
        status = put_row(x, &x->run->rows[i], ended_utc, &cell, out, err);
    res_text_fini(&cell);
    fl_free(ended_utc);
    return status;
}

const struct res_exporter res_export_as_codecarbon = {
    .name = "codecarbon",
    .doc = "CodeCarbon's emissions.csv, 38 columns, one row per arm",
    .source = "github.com/mlco2/codecarbon at b05965e4: output.py, "
              "tests/test_data/emissions_valid_headers.csv",
    .write = write,
};
