/* CSV (RFC 4180, LF): one header, one row per run and arm, full precision. */
#include "results/report_priv.h"

#include "base/units.h"

void res_column_csv(const struct res_column *column,
                    const void *base,
                    struct res_text *out)
{
    const char *place = (const char *)base + column->offset;
    switch (column->kind) {
    case RES_COLUMN_TEXT:
        res_csv_field(out, *(const char *const *)(const void *)place);
        break;
    case RES_COLUMN_INT: {
        int64_t value = *(const int64_t *)(const void *)place;
        if (value >= 0)
            res_text_add(out, "%lld", (long long)value);
        break;
    }
    case RES_COLUMN_REAL:
        res_text_real(out, *(const double *)(const void *)place);
        break;
    case RES_COLUMN_KWH:
        res_text_real(out, *(const double *)(const void *)place / FL_J_PER_KWH);
        break;
    case RES_COLUMN_BOOL:
        res_text_put(out,
                     *(const bool *)(const void *)place ? "true" : "false");
        break;
    }
}

enum fl_status res_table_csv(const struct res_table *table,
                             struct res_text *out,
                             struct fl_error *err)
{
    for (int i = 0; res_table_columns[i].name; i++)
        res_text_add(out, "%s%s", i > 0 ? "," : "", res_table_columns[i].name);
    res_text_put(out, "\n");
    for (size_t r = 0; r < table->n_runs; r++) {
        const struct res_run *run = &table->runs[r];
        for (size_t a = 0; a < run->n_rows; a++) {
            for (int i = 0; res_table_columns[i].name; i++) {
                const struct res_column *column = &res_table_columns[i];
                if (i > 0)
                    res_text_put(out, ",");
                res_column_csv(column,
                               column->is_of_run ? (const void *)run
                                                 : (const void *)&run->rows[a],
                               out);
            }
            res_text_put(out, "\n");
        }
    }
    return res_text_check(out, err);
}
