/* JSON: an array with one object per run and arm, keys as the CSV's columns. */
#include "results/report_priv.h"

#include "base/units.h"

json_t *res_column_json(const struct res_column *column, const void *base)
{
    const char *place = (const char *)base + column->offset;
    switch (column->kind) {
    case RES_COLUMN_TEXT: {
        const char *text = *(const char *const *)(const void *)place;
        return text[0] ? json_string(text) : json_null();
    }
    case RES_COLUMN_INT: {
        int64_t value = *(const int64_t *)(const void *)place;
        return value >= 0 ? json_integer(value) : json_null();
    }
    case RES_COLUMN_KWH:
        return res_json_real(*(const double *)(const void *)place /
                             FL_J_PER_KWH);
    case RES_COLUMN_BOOL:
        return json_boolean(*(const bool *)(const void *)place);
    case RES_COLUMN_REAL:
    default:
        return res_json_real(*(const double *)(const void *)place);
    }
}

static enum fl_status add_row(const struct res_table *table,
                              const struct res_line *line,
                              json_t *array,
                              struct fl_error *err)
{
    json_t *object = json_object();
    if (!object || json_array_append_new(array, object) != 0)
        return fl_fail(err, FL_E_NOMEM, "JSON: out of memory");
    for (size_t i = 0; i < table->n_fields; i++)
        FL_TRY(res_json_set(object, table->fields[i].name,
                            res_field_json(&table->fields[i], line), err));
    return FL_OK;
}

enum fl_status res_table_json(const struct res_table *table,
                              struct res_text *out,
                              struct fl_error *err)
{
    json_t *array = json_array();
    if (!array)
        return fl_fail(err, FL_E_NOMEM, "JSON: out of memory");
    enum fl_status status = FL_OK;
    for (size_t l = 0; l < table->n_lines && status == FL_OK; l++)
        status = add_row(table, &table->lines[l], array, err);
    if (status == FL_OK)
        status = res_json_write(array, out, err);
    json_decref(array);
    return status;
}
