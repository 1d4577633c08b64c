/* Plain text: a title per run, aligned columns, notes below. ASCII. */
#include "results/table/table_say.h"

#include "base/alloc.h"

#include <string.h>

static void widen(size_t *width, const char *text)
{
    size_t length = strlen(text);
    if (length > *width)
        *width = length;
}

static size_t width_of(const struct res_table *table,
                       const struct res_field *field,
                       struct res_text *cell)
{
    size_t width = 0;
    res_text_clear(cell);
    res_field_head(table, field, cell);
    widen(&width, res_text_get(cell));
    widen(&width, res_field_unit(table, field));
    for (size_t l = 0; l < table->n_lines; l++) {
        res_text_clear(cell);
        res_field_cell(table, field, &table->lines[l], cell);
        widen(&width, res_text_get(cell));
    }
    return width;
}

struct layout {
    const struct res_table *table;
    size_t *widths;
    struct res_text cell; /* scratch */
};

enum which { LINE_HEADS, LINE_UNITS, LINE_ROW };

static void put_line(struct layout *layout,
                     enum which which,
                     const struct res_line *line,
                     struct res_text *out)
{
    const struct res_table *table = layout->table;
    const char *sign = "";
    for (size_t i = 0; i < table->n_fields; i++) {
        const struct res_field *field = &table->fields[i];
        if (field->is_constant)
            continue;
        res_text_clear(&layout->cell);
        if (which == LINE_HEADS)
            res_field_head(table, field, &layout->cell);
        else if (which == LINE_UNITS)
            res_text_put(&layout->cell, res_field_unit(table, field));
        else
            res_field_cell(table, field, line, &layout->cell);
        res_text_put(out, sign);
        res_text_pad(out, res_text_get(&layout->cell), layout->widths[i],
                     res_field_is_left(field));
        sign = "  ";
    }
    while (out->n > 0 && out->bytes[out->n - 1] == ' ')
        out->bytes[--out->n] = '\0';
    res_text_put(out, "\n");
}

static enum fl_status
put_titles(struct layout *layout, struct res_text *out, struct fl_error *err)
{
    struct res_sayings titles;
    FL_TRY(res_say_titles(layout->table, &titles, err));
    for (size_t i = 0; i + 1 < titles.n; i += 2) {
        bool has_who = titles.all[i].who[0] != '\0';
        if (has_who)
            res_text_add(out, "[%s] ", titles.all[i].who);
        res_text_add(out, "%s\n%s%s\n", titles.all[i].text,
                     has_who ? "    " : "", titles.all[i + 1].text);
    }
    res_sayings_fini(&titles);
    res_text_clear(&layout->cell);
    res_put_constants(layout->table, &layout->cell);
    if (layout->cell.n > 0)
        res_text_add(out, "in all rows: %s\n", res_text_get(&layout->cell));
    res_text_put(out, "\n");
    return FL_OK;
}

static enum fl_status put_notes(const struct res_table *table,
                                struct res_text *out,
                                struct fl_error *err)
{
    res_text_put(out, "\n");
    for (int note = 0; note < RES_NOTE_LAST_; note++) {
        if (note == RES_NOTE_MODELLED)
            continue; /* the columns and the ledger show it */
        struct res_sayings said;
        FL_TRY(res_say_note(table, (enum res_note)note, RES_MAX_TEXTS, &said,
                            err));
        for (size_t i = 0; i < said.n; i++) {
            if (said.all[i].who[0])
                res_text_add(out, "[%s] ", said.all[i].who);
            res_text_add(out, "%s: %s\n", res_note_heads[note],
                         said.all[i].text);
        }
        res_sayings_fini(&said);
    }
    return FL_OK;
}

enum fl_status res_table_text(const struct res_table *table,
                              struct res_text *out,
                              struct fl_error *err)
{
    struct layout layout = {.table = table};
    layout.widths = fl_calloc(table->n_fields + 1, sizeof layout.widths[0]);
    if (!layout.widths)
        return fl_fail(err, FL_E_NOMEM, "out of memory: columns");
    for (size_t i = 0; i < table->n_fields; i++)
        layout.widths[i] = width_of(table, &table->fields[i], &layout.cell);
    enum fl_status status = put_titles(&layout, out, err);
    put_line(&layout, LINE_HEADS, NULL, out);
    put_line(&layout, LINE_UNITS, NULL, out);
    for (size_t l = 0; l < table->n_lines; l++)
        put_line(&layout, LINE_ROW, &table->lines[l], out);
    if (status == FL_OK)
        status = put_notes(table, out, err);
    if (status == FL_OK)
        status = res_text_check(&layout.cell, err);
    res_text_fini(&layout.cell);
    fl_free(layout.widths);
    return status != FL_OK ? status : res_text_check(out, err);
}
