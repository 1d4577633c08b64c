/* Markdown: a pipe table with the setting above and the notes below it. */
#include "results/report_priv.h"

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

static void put_heads(const struct res_table *table, struct res_text *out)
{
    for (const struct res_shown *c = res_shown_columns; c->head; c++) {
        if (!res_is_shown(table, c))
            continue;
        const char *unit = res_shown_unit(table, c);
        res_text_add(out, unit[0] ? "| %s (%s) " : "| %s%s ", c->head, unit);
    }
    res_text_put(out, "|\n");
    for (const struct res_shown *c = res_shown_columns; c->head; c++)
        if (res_is_shown(table, c))
            res_text_put(out, c->is_left ? "|:---" : "|---:");
    res_text_put(out, "|\n");
}

static void put_titles(const struct res_table *table,
                       struct res_text *plain,
                       struct res_text *out)
{
    for (size_t r = 0; r < table->n_runs; r++) {
        const struct res_run *run = &table->runs[r];
        res_text_clear(plain);
        if (table->n_runs > 1)
            res_text_add(plain, "%s - ", run->label);
        res_put_title(run, plain);
        res_text_put(out, "**");
        res_md_text(out, res_text_get(plain));
        res_text_put(out, "** ");
        res_text_clear(plain);
        res_put_setting(run, plain);
        res_md_text(out, res_text_get(plain));
        res_text_put(out, "\n\n");
    }
}

static void put_notes(const struct res_table *table,
                      struct res_text *plain,
                      struct res_text *out)
{
    for (size_t r = 0; r < table->n_runs; r++)
        for (int note = 0; note < RES_NOTE_LAST_; note++) {
            res_text_clear(plain);
            res_put_note(table, &table->runs[r], (enum res_note)note, plain);
            if (plain->n == 0)
                continue;
            res_text_put(out, "- ");
            if (table->n_runs > 1) {
                res_md_text(out, table->runs[r].label);
                res_text_put(out, ", ");
            }
            res_text_add(out, "%s: ", res_note_heads[note]);
            if (note == RES_NOTE_COMMAND)
                put_code(out, res_text_get(plain));
            else
                res_md_text(out, res_text_get(plain));
            res_text_put(out, "\n");
        }
}

enum fl_status res_table_md(const struct res_table *table,
                            struct res_text *out,
                            struct fl_error *err)
{
    struct res_text plain = {0};
    put_titles(table, &plain, out);
    put_heads(table, out);
    for (size_t r = 0; r < table->n_runs; r++)
        for (size_t a = 0; a < table->runs[r].n_rows; a++) {
            for (const struct res_shown *c = res_shown_columns; c->head; c++) {
                if (!res_is_shown(table, c))
                    continue;
                res_text_clear(&plain);
                c->put(table, &table->runs[r], &table->runs[r].rows[a], &plain);
                res_text_put(out, "| ");
                res_md_text(out, res_text_get(&plain));
                res_text_put(out, " ");
            }
            res_text_put(out, "|\n");
        }
    res_text_put(out, "\n");
    put_notes(table, &plain, out);
    enum fl_status status = res_text_check(&plain, err);
    res_text_fini(&plain);
    return status != FL_OK ? status : res_text_check(out, err);
}
