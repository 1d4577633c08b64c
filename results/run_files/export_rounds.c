/* rounds.csv: the learning curve of each arm with its cumulative cost. */
#include "results/report_priv.h"

#include "base/units.h"

static void put_field(const struct res_column *column,
                      sqlite3_stmt *stmt,
                      int i,
                      struct res_text *out)
{
    switch (column->kind) {
    case RES_COLUMN_TEXT:
        res_csv_field(out, res_column_text(stmt, i));
        break;
    case RES_COLUMN_KWH:
        res_text_real(out, res_column_real(stmt, i) / FL_J_PER_KWH);
        break;
    case RES_COLUMN_REAL:
        res_text_real(out, res_column_real(stmt, i));
        break;
    case RES_COLUMN_INT:
    case RES_COLUMN_BOOL:
    default:
        res_text_add(out, "%lld", (long long)sqlite3_column_int64(stmt, i));
        break;
    }
}

static enum fl_status
put_rows(struct res_store *store, struct res_text *out, struct fl_error *err)
{
    for (int i = 0; res_rounds_columns[i].name; i++)
        res_text_add(out, "%s%s", i > 0 ? "," : "", res_rounds_columns[i].name);
    res_text_put(out, "\n");
    sqlite3_stmt *stmt;
    FL_TRY(res_prepare(store, "SELECT * FROM round_cumulative", &stmt, err));
    bool has_row = false;
    enum fl_status status;
    while ((status = res_step(store, stmt, &has_row, err)) == FL_OK &&
           has_row) {
        for (int i = 0; res_rounds_columns[i].name; i++) {
            if (i > 0)
                res_text_put(out, ",");
            put_field(&res_rounds_columns[i], stmt, i, out);
        }
        res_text_put(out, "\n");
    }
    sqlite3_finalize(stmt);
    return status;
}

enum fl_status res_export_rounds(struct res_store *store, struct fl_error *err)
{
    struct res_text out = {0};
    enum fl_status status = put_rows(store, &out, err);
    if (status == FL_OK)
        status = res_export_file(store, "rounds.csv", &out, err);
    res_text_fini(&out);
    return status;
}
