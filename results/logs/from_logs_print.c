/* The table of `fedcarbon from-logs`: one row per zone, and their sum. */
#include "results/from_logs.h"
#include "results/records.h"

#include "base/alloc.h"
#include "base/units.h"

#include <math.h>
#include <stddef.h>

struct zone_row {
    char *zone;
    double compute_hours_value, transfer_hours_value;
    double energy_j, gco2e;
};

#define OF(member) false, offsetof(struct zone_row, member)

static const struct res_column columns[] = {
    {"zone", "-", "", "", RES_COLUMN_TEXT, OF(zone)},
    {"compute_h", "h", "", "", RES_COLUMN_REAL, OF(compute_hours_value)},
    {"transfer_h", "h", "", "", RES_COLUMN_REAL, OF(transfer_hours_value)},
    {"energy_kwh", "kWh", "", "", RES_COLUMN_KWH, OF(energy_j)},
    {"emitted_gco2e", "gCO2e", "", "", RES_COLUMN_REAL, OF(gco2e)},
    {0},
};

static const struct res_shown_record shown[] = {
    {"zone", "zone", 0},
    {"compute_h", "compute h", 6},
    {"transfer_h", "transfer h", 6},
    {"energy_kwh", "kWh", 6},
    {"emitted_gco2e", "gCO2e", 6},
    {NULL, NULL, 0},
};

/* NULL where nothing in the ledger is a transfer: the preset counts none. */
#define TRANSFER_S                                                             \
    "CASE WHEN EXISTS (SELECT 1 FROM part WHERE NOT is_compute)"               \
    " THEN total(CASE WHEN NOT is_compute THEN time_s END) END"

/* A row of the logs is several in the ledger: its time counts once. */
static const char zones_sql[] =
    "WITH part AS (SELECT z.name AS zone, p.name = 'train' AS is_compute,"
    "  max(l.t1_s - l.t0_s) AS time_s, sum(l.energy_j) AS energy_j,"
    "  sum(l.emitted_gco2e) AS gco2e"
    "  FROM ledger l JOIN zone z ON z.zone = l.zone"
    "  JOIN phase p ON p.phase = l.phase"
    "  GROUP BY l.entity, l.zone, l.phase)"
    " SELECT zone, total(CASE WHEN is_compute THEN time_s END),"
    "  " TRANSFER_S ", sum(energy_j), sum(gco2e) FROM part GROUP BY zone"
    " UNION ALL SELECT * FROM (SELECT 'total',"
    "  total(CASE WHEN is_compute THEN time_s END), " TRANSFER_S ","
    "  total(energy_j), total(gco2e) FROM part)";

struct zone_rows {
    struct zone_row *rows;
    size_t n, capacity;
};

/* NaN: not known. */
static double hours_of(sqlite3_stmt *stmt, int column)
{
    return sqlite3_column_type(stmt, column) == SQLITE_NULL
               ? (double)NAN
               : sqlite3_column_double(stmt, column) / FL_S_PER_HOUR;
}

static enum fl_status
read_rows(struct res_store *store, struct zone_rows *rows, struct fl_error *err)
{
    sqlite3_stmt *stmt;
    FL_TRY(res_prepare(store, zones_sql, &stmt, err));
    bool has_row = false;
    enum fl_status status;
    while ((status = res_step(store, stmt, &has_row, err)) == FL_OK &&
           has_row) {
        status = fl_grow(&rows->rows, &rows->capacity, rows->n + 1,
                         sizeof rows->rows[0], err);
        if (status != FL_OK)
            break;
        struct zone_row *row = &rows->rows[rows->n++];
        *row = (struct zone_row){
            .zone = fl_strdup(res_column_text(stmt, 0)),
            .compute_hours_value = hours_of(stmt, 1),
            .transfer_hours_value = hours_of(stmt, 2),
            .energy_j = sqlite3_column_double(stmt, 3),
            .gco2e = sqlite3_column_double(stmt, 4),
        };
        if (!row->zone)
            status = fl_fail(err, FL_E_NOMEM, "out of memory");
        if (status != FL_OK)
            break;
    }
    sqlite3_finalize(stmt);
    return status;
}

enum fl_status res_logs_print(const char *dir, FILE *out, struct fl_error *err)
{
    struct res_store *store;
    struct zone_rows rows = {0};
    struct res_text text = {0};
    FL_TRY(res_store_create(dir, RES_READ, &store, err));
    enum fl_status status = read_rows(store, &rows, err);
    res_store_destroy(store);
    const struct res_records records = {.columns = columns,
                                        .rows = rows.rows,
                                        .stride = sizeof rows.rows[0],
                                        .n = rows.n,
                                        .shown = shown};
    if (status == FL_OK)
        status = res_records_text(&records, &text, err);
    if (status == FL_OK &&
        fwrite(res_text_get(&text), 1, text.n, out) != text.n)
        status = fl_fail(err, FL_E_IO, "cannot write the table");
    for (size_t i = 0; i < rows.n; i++)
        fl_free(rows.rows[i].zone);
    fl_free(rows.rows);
    res_text_fini(&text);
    return status;
}
