/* Markdown: a pipe table with the setting above and the notes below it. */
#include "results/table/table_say.h"

#include <string.h>

void res_md_text(struct res_text *out, const char *plain)
{
    for (const char *p = plain; *p; p++) {
        if (*p == '\n' || *p == '\r')
            res_text_put(out, " ");
        else
            res_text_add(out, strchr("\\`*_{}[]<>#|~$&", *p) ? "\\%c" : "%c",
                         *p);
    }
}

/* Code: one fence longer than the longest run of back ticks inside. */
static void put_code(struct res_text *out, const char *plain)
{
    int longest = 0, length = 0;
    for (const char *p = plain; *p; p++) {
        length = *p == '`' ? length + 1 : 0;
        longest = length > longest ? length : longest;
    }
    const char *blank = longest > 0 ? " " : "";
    for (int i = 0; i <= longest; i++)
        res_text_put(out, "`");
    res_text_put(out, blank);
    for (const char *p = plain; *p; p++)
        res_text_add(out, "%c", *p == '\n' || *p == '\r' ? ' ' : *p);
    res_text_put(out, blank);
    for (int i = 0; i <= longest; i++)
        res_text_put(out, "`");
}

static void put_heads(const struct res_table *table,
                      struct res_text *plain,
                      struct res_text *out)
{
    for (size_t i = 0; i < table->n_fields; i++) {
        const struct res_field *field = &table->fields[i];
        if (field->is_constant)
            continue;
        const char *unit = res_field_unit(table, field);
        res_text_clear(plain);
        res_field_head(table, field, plain);
        res_text_put(out, "| ");
        res_md_text(out, res_text_get(plain));
        res_text_add(out, unit[0] ? " (%s) " : "%s ", unit);
    }
    res_text_put(out, "|\n");
    for (size_t i = 0; i < table->n_fields; i++)
        if (!table->fields[i].is_constant)
            res_text_put(out, res_field_is_left(&table->fields[i]) ? "|:---"
                                                                   : "|---:");
    res_text_put(out, "|\n");
}

static void put_rows(const struct res_table *table,
                     struct res_text *plain,
                     struct res_text *out)
{
    for (size_t l = 0; l < table->n_lines; l++) {
        for (size_t i = 0; i < table->n_fields; i++) {
            if (table->fields[i].is_constant)
                continue;
            res_text_clear(plain);
            res_field_cell(table, &table->fields[i], &table->lines[l], plain);
            res_text_put(out, "| ");
            res_md_text(out, res_text_get(plain));
            res_text_put(out, " ");
        }
        res_text_put(out, "|\n");
    }
}

static enum fl_status put_titles(const struct res_table *table,
                                 struct res_text *plain,
                                 struct res_text *out,
                                 struct fl_error *err)
{
    struct res_sayings titles;
    FL_TRY(res_say_titles(table, &titles, err));
    for (size_t i = 0; i + 1 < titles.n; i += 2) {
        res_text_clear(plain);
        if (titles.all[i].who[0])
            res_text_add(plain, "%s - ", titles.all[i].who);
        res_text_put(plain, titles.all[i].text);
        res_text_put(out, "**");
        res_md_text(out, res_text_get(plain));
        res_text_put(out, "** ");
        res_md_text(out, titles.all[i + 1].text);
        res_text_put(out, "\n\n");
    }
    res_sayings_fini(&titles);
    res_text_clear(plain);
    res_put_constants(table, plain);
    if (plain->n > 0) {
        res_text_put(out, "In all rows: ");
        res_md_text(out, res_text_get(plain));
        res_text_put(out, ".\n\n");
    }
    return FL_OK;
}

static enum fl_status put_notes(const struct res_table *table,
                                struct res_text *out,
                                struct fl_error *err)
{
    for (int note = 0; note < RES_NOTE_LAST_; note++) {
        struct res_sayings said;
        FL_TRY(res_say_note(table, (enum res_note)note, RES_MAX_TEXTS, &said,
                            err));
        for (size_t i = 0; i < said.n; i++) {
            res_text_put(out, "- ");
            res_md_text(out, said.all[i].who);
            res_text_add(out, "%s%s: ", said.all[i].who[0] ? ", " : "",
                         res_note_heads[note]);
            if (note == RES_NOTE_COMMAND && !said.is_cut)
                put_code(out, said.all[i].text);
            else
                res_md_text(out, said.all[i].text);
            res_text_put(out, "\n");
        }
        res_sayings_fini(&said);
    }
    return FL_OK;
}

enum fl_status res_table_md(const struct res_table *table,
                            struct res_text *out,
                            struct fl_error *err)
{
    struct res_text plain = {0};
    enum fl_status status = put_titles(table, &plain, out, err);
    put_heads(table, &plain, out);
    put_rows(table, &plain, out);
    res_text_put(out, "\n");
    if (status == FL_OK)
        status = put_notes(table, out, err);
    if (status == FL_OK)
        status = res_text_check(&plain, err);
    res_text_fini(&plain);
    return status != FL_OK ? status : res_text_check(out, err);
}
