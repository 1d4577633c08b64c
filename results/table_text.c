/* Plain text: a title per run, aligned columns, notes below. ASCII. */
#include "results/report_priv.h"

#include <string.h>

static void widen(size_t *width, const char *text)
{
    size_t length = strlen(text);
    if (length > *width)
        *width = length;
}

static size_t width_of(const struct res_table *table,
                       const struct res_shown *column,
                       struct res_text *cell)
{
    size_t width = 0;
    widen(&width, column->head);
    widen(&width, res_shown_unit(table, column));
    for (size_t r = 0; r < table->n_runs; r++)
        for (size_t a = 0; a < table->runs[r].n_rows; a++) {
            res_text_clear(cell);
            column->put(table, &table->runs[r], &table->runs[r].rows[a], cell);
            widen(&width, res_text_get(cell));
        }
    return width;
}

#define MAX_COLUMNS 32

struct layout {
    const struct res_table *table;
    const struct res_shown *columns[MAX_COLUMNS];
    size_t widths[MAX_COLUMNS];
    size_t n;
    struct res_text cell; /* scratch */
};

enum line { LINE_HEADS, LINE_UNITS, LINE_ROW };

static void put_line(struct layout *layout,
                     enum line line,
                     const struct res_run *run,
                     const struct res_row *row,
                     struct res_text *out)
{
    for (size_t i = 0; i < layout->n; i++) {
        const struct res_shown *column = layout->columns[i];
        res_text_clear(&layout->cell);
        if (line == LINE_HEADS)
            res_text_put(&layout->cell, column->head);
        else if (line == LINE_UNITS)
            res_text_put(&layout->cell, res_shown_unit(layout->table, column));
        else
            column->put(layout->table, run, row, &layout->cell);
        if (i > 0)
            res_text_put(out, "  ");
        res_text_pad(out, res_text_get(&layout->cell), layout->widths[i],
                     column->is_left);
    }
    while (out->n > 0 && out->bytes[out->n - 1] == ' ')
        out->bytes[--out->n] = '\0';
    res_text_put(out, "\n");
}

static void put_titles(const struct res_table *table, struct res_text *out)
{
    for (size_t r = 0; r < table->n_runs; r++) {
        const struct res_run *run = &table->runs[r];
        if (table->n_runs > 1)
            res_text_add(out, "[%s] ", run->label);
        res_put_title(run, out);
        res_text_put(out, "\n");
        if (table->n_runs > 1)
            res_text_put(out, "    ");
        res_put_setting(run, out);
        res_text_put(out, "\n");
    }
    res_text_put(out, "\n");
}

static void put_notes(struct layout *layout, struct res_text *out)
{
    const struct res_table *table = layout->table;
    for (size_t r = 0; r < table->n_runs; r++) {
        res_text_put(out, "\n");
        if (table->n_runs > 1)
            res_text_add(out, "[%s]\n", table->runs[r].label);
        for (int note = 0; note < RES_NOTE_LAST_; note++) {
            if (note == RES_NOTE_MODELLED)
                continue; /* the columns and the ledger show it */
            res_text_clear(&layout->cell);
            res_put_note(table, &table->runs[r], (enum res_note)note,
                         &layout->cell);
            if (layout->cell.n > 0)
                res_text_add(out, "%s: %s\n", res_note_heads[note],
                             res_text_get(&layout->cell));
        }
    }
}

enum fl_status res_table_text(const struct res_table *table,
                              struct res_text *out,
                              struct fl_error *err)
{
    struct layout layout = {.table = table};
    for (const struct res_shown *c = res_shown_columns;
         c->head && layout.n < MAX_COLUMNS; c++) {
        if (!res_is_shown(table, c))
            continue;
        layout.widths[layout.n] = width_of(table, c, &layout.cell);
        layout.columns[layout.n++] = c;
    }
    put_titles(table, out);
    put_line(&layout, LINE_HEADS, NULL, NULL, out);
    put_line(&layout, LINE_UNITS, NULL, NULL, out);
    for (size_t r = 0; r < table->n_runs; r++)
        for (size_t a = 0; a < table->runs[r].n_rows; a++)
            put_line(&layout, LINE_ROW, &table->runs[r],
                     &table->runs[r].rows[a], out);
    put_notes(&layout, out);
    enum fl_status status = res_text_check(&layout.cell, err);
    res_text_fini(&layout.cell);
    return status != FL_OK ? status : res_text_check(out, err);
}
