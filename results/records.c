#include "results/records.h"

#include "base/units.h"
#include "base/utf8.h"

#include <assert.h>
#include <string.h>

static const void *row_at(const struct res_records *records, size_t i)
{
    return (const char *)records->rows + i * records->stride;
}

void res_records_csv(const struct res_records *records, struct res_text *out)
{
    const struct res_column *columns = records->columns;
    for (size_t c = 0; columns[c].name; c++)
        res_text_add(out, "%s%s", c > 0 ? "," : "", columns[c].name);
    res_text_put(out, "\n");
    for (size_t i = 0; i < records->n; i++) {
        for (size_t c = 0; columns[c].name; c++) {
            if (c > 0)
                res_text_put(out, ",");
            res_column_csv(&columns[c], row_at(records, i), out);
        }
        res_text_put(out, "\n");
    }
}

static enum fl_status add_object(const struct res_records *records,
                                 size_t i,
                                 json_t *array,
                                 struct fl_error *err)
{
    json_t *object = json_object();
    if (!object || json_array_append_new(array, object) != 0)
        return fl_fail(err, FL_E_NOMEM, "JSON: out of memory");
    for (const struct res_column *c = records->columns; c->name; c++)
        FL_TRY(res_json_set(object, c->name,
                            res_column_json(c, row_at(records, i)), err));
    return FL_OK;
}

enum fl_status res_records_json(const struct res_records *records,
                                json_t **ret,
                                struct fl_error *err)
{
    json_t *array = json_array();
    if (!array)
        return fl_fail(err, FL_E_NOMEM, "JSON: out of memory");
    enum fl_status status = FL_OK;
    for (size_t i = 0; i < records->n && status == FL_OK; i++)
        status = add_object(records, i, array, err);
    if (status == FL_OK)
        *ret = array;
    else
        json_decref(array);
    return status;
}

const struct res_column *res_records_column(const struct res_records *records,
                                            const char *name)
{
    const struct res_column *column = records->columns;
    while (column->name && strcmp(column->name, name) != 0)
        column++;
    assert(column->name);
    return column;
}

bool res_column_is_number(const struct res_column *column)
{
    return column->kind != RES_COLUMN_TEXT && column->kind != RES_COLUMN_BOOL;
}

void res_record_cell(const struct res_column *column,
                     const struct res_shown_record *shown,
                     const void *row,
                     struct res_text *cell)
{
    const char *place = (const char *)row + column->offset;
    res_text_clear(cell);
    if (column->kind == RES_COLUMN_REAL)
        res_text_figure(cell, *(const double *)(const void *)place,
                        shown->digits);
    else if (column->kind == RES_COLUMN_KWH)
        res_text_figure(cell,
                        *(const double *)(const void *)place / FL_J_PER_KWH,
                        shown->digits);
    else if (column->kind == RES_COLUMN_TEXT)
        res_text_put(cell, *(const char *const *)(const void *)place);
    else
        res_column_csv(column, row, cell);
    if (cell->n == 0)
        res_text_put(cell, "-");
}

static size_t width_of(const struct res_records *records,
                       const struct res_shown_record *shown,
                       struct res_text *cell)
{
    const struct res_column *column =
        res_records_column(records, shown->column);
    size_t width = fl_utf8_characters(shown->head);
    for (size_t i = 0; i < records->n; i++) {
        res_record_cell(column, shown, row_at(records, i), cell);
        size_t n = fl_utf8_characters(res_text_get(cell));
        width = n > width ? n : width;
    }
    return width;
}

#define MAX_SHOWN 24

enum fl_status res_records_text(const struct res_records *records,
                                struct res_text *out,
                                struct fl_error *err)
{
    size_t widths[MAX_SHOWN] = {0};
    struct res_text cell = {0};
    for (size_t s = 0; records->shown[s].column; s++) {
        assert(s < MAX_SHOWN);
        widths[s] = width_of(records, &records->shown[s], &cell);
    }
    for (size_t i = 0; i <= records->n; i++) { /* 0: the heads */
        for (size_t s = 0; records->shown[s].column; s++) {
            const struct res_shown_record *shown = &records->shown[s];
            const struct res_column *column =
                res_records_column(records, shown->column);
            if (i > 0)
                res_record_cell(column, shown, row_at(records, i - 1), &cell);
            bool is_last = !records->shown[s + 1].column;
            bool is_left = !res_column_is_number(column);
            res_text_put(out, s > 0 ? "  " : "");
            res_text_pad(out, i > 0 ? res_text_get(&cell) : shown->head,
                         is_last && is_left ? 0 : widths[s], is_left);
        }
        res_text_put(out, "\n");
    }
    enum fl_status status = res_text_check(&cell, err);
    res_text_fini(&cell);
    return status != FL_OK ? status : res_text_check(out, err);
}

enum fl_status res_records_md(const struct res_records *records,
                              struct res_text *out,
                              struct fl_error *err)
{
    struct res_text cell = {0};
    const struct res_shown_record *shown = records->shown;
    for (size_t s = 0; shown[s].column; s++)
        res_text_add(out, "| %s ", shown[s].head);
    res_text_put(out, "|\n");
    for (size_t s = 0; shown[s].column; s++)
        res_text_put(out, res_column_is_number(
                              res_records_column(records, shown[s].column))
                              ? "|---:"
                              : "|:---");
    res_text_put(out, "|\n");
    for (size_t i = 0; i < records->n; i++) {
        for (size_t s = 0; shown[s].column; s++) {
            res_record_cell(res_records_column(records, shown[s].column),
                            &shown[s], row_at(records, i), &cell);
            res_text_put(out, "| ");
            res_md_text(out, res_text_get(&cell));
            res_text_put(out, " ");
        }
        res_text_put(out, "|\n");
    }
    enum fl_status status = res_text_check(&cell, err);
    res_text_fini(&cell);
    return status != FL_OK ? status : res_text_check(out, err);
}
