/* The comparison table as HTML, the notes below it, and the question. */
#include "results/page/page_priv.h"

#include "base/alloc.h"

#include <stddef.h>
#include <string.h>

#define MAX_TEXTS 2 /* of one note; more are not said one by one */

enum fl_status res_page_put_notes(struct res_page *page,
                                  const enum res_note *notes,
                                  size_t n_notes,
                                  struct fl_error *err)
{
    struct res_text *out = &page->out;
    bool has_any = false;
    for (size_t i = 0; i < n_notes; i++) {
        struct res_sayings said;
        FL_TRY(res_say_note(page->table, notes[i], MAX_TEXTS, &said, err));
        /* What differs from run to run stands with each. */
        bool is_idle = said.is_cut && (notes[i] == RES_NOTE_INFLUENCES ||
                                       notes[i] == RES_NOTE_UNCERTAIN);
        for (size_t k = 0; k < said.n && !is_idle; k++) {
            res_text_add(out, "%s<div><dt>%s",
                         has_any ? "" : "<dl class=\"notes\">\n",
                         res_note_heads[notes[i]]);
            if (said.all[k].who[0]) {
                res_text_put(out, " <span class=\"who\">");
                res_text_put(out, "- ");
                res_html_text(out, said.all[k].who);
                res_text_put(out, "</span>");
            }
            res_text_put(out, "</dt><dd>");
            res_html_prose(out, said.all[k].text);
            res_text_put(out, "</dd></div>\n");
            has_any = true;
        }
        res_sayings_fini(&said);
    }
    res_text_put(out, has_any ? "</dl>\n" : "");
    return res_text_check(out, err);
}

/* What a column is sorted by: full precision, as in the CSV. */
static void put_value(const struct res_field *field,
                      const struct res_line *line,
                      struct res_text *cell,
                      struct res_text *out)
{
    struct res_field of = *field;
    res_text_clear(cell);
    if (!field->column && field->shown) { /* an interval, by its lower end */
        for (const struct res_column *c = res_table_columns; c->name; c++)
            if (strcmp(c->name, "emitted_p5_gco2e") == 0)
                of.column = c;
    }
    res_field_csv(&of, line, cell);
    res_text_put(out, " data-v=\"");
    res_html_text(out, res_text_get(cell));
    res_text_put(out, "\"");
}

/* Whatever says which row it is. */
static bool is_name(const struct res_field *field)
{
    return (!field->column && !field->shown) ||
           strcmp(field->name, "run") == 0 || strcmp(field->name, "arm") == 0;
}

static void put_cell(const struct res_table *table,
                     const struct res_field *field,
                     const struct res_line *line,
                     struct res_text *cell,
                     struct res_text *out)
{
    bool is_left = res_field_is_left(field), is_head = is_name(field);
    bool is_arm = strcmp(field->name, "arm") == 0;
    res_text_put(out, is_head ? "<th scope=\"row\"" : "<td");
    if (is_arm) {
        static const char *const arms[] = {RES_ARM_FEDERATED,
                                           RES_ARM_CENTRALIZED, RES_ARM_LOCAL};
        for (size_t i = 0; i < sizeof arms / sizeof arms[0]; i++)
            if (strcmp(line->row->arm, arms[i]) == 0)
                res_text_add(out, " class=\"arm %s\"", arms[i]);
    } else if (!is_left) {
        bool is_interval = !field->column && field->shown;
        res_text_put(out, is_interval ? " class=\"n ends\"" : " class=\"n\"");
    }
    if (field->column || field->shown)
        put_value(field, line, cell, out);
    res_text_put(out, ">");
    res_text_clear(cell);
    res_field_cell(table, field, line, cell);
    res_html_prose(out, res_text_get(cell));
    res_text_put(out, is_head ? "</th>" : "</td>");
}

static void put_heads(const struct res_table *table,
                      struct res_text *cell,
                      struct res_text *out)
{
    res_text_put(out, "<thead><tr>");
    for (size_t i = 0; i < table->n_fields; i++) {
        const struct res_field *field = &table->fields[i];
        if (field->is_constant)
            continue;
        res_text_clear(cell);
        res_field_head(table, field, cell);
        res_html_head(out, res_text_get(cell), res_field_unit(table, field),
                      res_field_is_left(field));
    }
    res_text_put(out, "</tr></thead>\n<tbody>\n");
}

static void put_rows(const struct res_table *table,
                     struct res_text *cell,
                     struct res_text *out)
{
    for (size_t l = 0; l < table->n_lines; l++) {
        bool is_new = l > 0 && table->lines[l].run != table->lines[l - 1].run;
        res_text_put(out, is_new ? "<tr class=\"first\">" : "<tr>");
        for (size_t i = 0; i < table->n_fields; i++)
            if (!table->fields[i].is_constant)
                put_cell(table, &table->fields[i], &table->lines[l], cell, out);
        res_text_put(out, "</tr>\n");
    }
}

/* From the column dictionary. */
static void put_meanings(const struct res_table *table,
                         struct res_text *cell,
                         struct res_text *out)
{
    res_text_put(out, "<details><summary>What the columns mean</summary>\n"
                      "<dl class=\"pairs\">\n");
    for (size_t i = 0; i < table->n_fields; i++) {
        const struct res_field *field = &table->fields[i];
        bool is_interval = !field->column && field->shown;
        if (!field->column && !is_interval)
            continue;
        res_text_clear(cell);
        res_field_head(table, field, cell);
        res_text_put(out, "<div><dt>");
        res_html_prose(out, res_text_get(cell));
        res_text_put(out, "</dt><dd>");
        res_html_prose(out, is_interval
                                ? "5 % of the draws of uncertain facts are "
                                  "below the first number, 5 % above the "
                                  "second"
                                : field->column->meaning);
        res_text_put(out, "</dd></div>\n");
    }
    res_text_put(out, "</dl></details>\n");
}

enum fl_status res_page_put_table(struct res_page *page, struct fl_error *err)
{
    static const enum res_note notes[] = {
        RES_NOTE_UNFINISHED, RES_NOTE_SEEDS,   RES_NOTE_MISSED,
        RES_NOTE_CUT,        RES_NOTE_UNEQUAL, RES_NOTE_LOCAL,
    };
    const struct res_table *table = page->table;
    struct res_text cell = {0}, caption = {0}, constants = {0};
    res_put_constants(table, &constants);
    res_text_put(&caption, "A row per arm");
    if (table->n_runs > 1)
        res_text_put(&caption, " of each setting");
    if (constants.n > 0)
        res_text_add(&caption, ". In all rows: %s", res_text_get(&constants));
    res_text_put(&caption, ".");
    if (table->n_runs == 1)
        res_text_put(&page->out, "<div class=\"few\">");
    res_html_region_begin(&page->out, "comparison-table",
                          res_text_get(&caption));
    put_heads(table, &cell, &page->out);
    put_rows(table, &cell, &page->out);
    res_html_region_end(&page->out);
    if (table->n_runs == 1)
        res_text_put(&page->out, "</div>\n");
    enum fl_status status =
        res_page_put_notes(page, notes, sizeof notes / sizeof notes[0], err);
    put_meanings(table, &cell, &page->out);
    struct res_text *const texts[] = {&cell, &caption, &constants};
    for (size_t i = 0; i < 3; i++) {
        if (status == FL_OK)
            status = res_text_check(texts[i], err);
        res_text_fini(texts[i]);
    }
    return status != FL_OK ? status : res_text_check(&page->out, err);
}
