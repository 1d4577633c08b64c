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
    for (size_t i = 0; i < table->n_fields; i++) {
        res_text_put(out, i > 0 ? "," : "");
        res_csv_field(out, table->fields[i].name);
    }
    res_text_put(out, "\n");
    for (size_t l = 0; l < table->n_lines; l++) {
        for (size_t i = 0; i < table->n_fields; i++) {
            res_text_put(out, i > 0 ? "," : "");
            res_field_csv(&table->fields[i], &table->lines[l], out);
        }
        res_text_put(out, "\n");
    }
    return res_text_check(out, err);
}
