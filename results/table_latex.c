/* LaTeX for a paper: a table* with booktabs rules whose caption states what a
 * reader needs to judge the figures: target accuracy, carbon boundary, grid,
 * network constants. Needs \usepackage{booktabs}; text in UTF-8. */
#include "results/report_priv.h"

#include <string.h>

static const struct {
    char plain;
    const char *latex;
} escapes[] = {
    {'\\', "\\textbackslash{}"},
    {'&', "\\&"},
    {'%', "\\%"},
    {'$', "\\$"},
    {'#', "\\#"},
    {'_', "\\_"},
    {'{', "\\{"},
    {'}', "\\}"},
    {'~', "\\textasciitilde{}"},
    {'^', "\\textasciicircum{}"},
    {'<', "\\textless{}"},
    {'>', "\\textgreater{}"},
    {'|', "\\textbar{}"},
    {'"', "\\textquotedbl{}"},
    {'\'', "{\\textquotesingle}"},
    {'`', "\\textasciigrave{}"},
    {'[', "{[}"}, /* after a row's end it would open an argument */
    {'*', "{*}"}, /* likewise a star */
    {'\n', " "},
    {'\r', " "},
};

void res_latex_text(struct res_text *out, const char *plain)
{
    for (const char *p = plain; *p; p++) {
        const char *latex = NULL;
        for (size_t i = 0; i < sizeof escapes / sizeof escapes[0]; i++)
            if (escapes[i].plain == *p)
                latex = escapes[i].latex;
        if (latex)
            res_text_put(out, latex);
        else if (*p == '-' && p[1] == '-')
            res_text_put(out, "-{}"); /* an option, not a dash */
        else
            res_text_add(out, "%c", *p);
    }
}

static void put_heads(const struct res_table *table, struct res_text *out)
{
    res_text_put(out, "\\resizebox{\\linewidth}{!}{%\n\\begin{tabular}{");
    for (const struct res_shown *c = res_shown_columns; c->head; c++)
        if (res_is_shown(table, c))
            res_text_put(out, c->is_left ? "l" : "r");
    res_text_put(out, "}\n\\toprule\n");
    for (int line = 0; line < 2; line++) {
        const char *sign = "";
        for (const struct res_shown *c = res_shown_columns; c->head; c++) {
            if (!res_is_shown(table, c))
                continue;
            const char *unit = res_shown_unit(table, c);
            res_text_put(out, sign);
            if (line == 0 || unit[0] != '\0')
                res_latex_text(out, line == 0 ? c->head : unit);
            sign = " & ";
        }
        res_text_put(out, " \\\\\n");
    }
    res_text_put(out, "\\midrule\n");
}

static void put_rows(const struct res_table *table,
                     struct res_text *plain,
                     struct res_text *out)
{
    for (size_t r = 0; r < table->n_runs; r++) {
        if (r > 0)
            res_text_put(out, "\\addlinespace\n");
        for (size_t a = 0; a < table->runs[r].n_rows; a++) {
            const char *sign = "";
            for (const struct res_shown *c = res_shown_columns; c->head; c++) {
                if (!res_is_shown(table, c))
                    continue;
                res_text_clear(plain);
                c->put(table, &table->runs[r], &table->runs[r].rows[a], plain);
                res_text_put(out, sign);
                res_latex_text(out, res_text_get(plain));
                sign = " & ";
            }
            res_text_put(out, " \\\\\n");
        }
    }
    res_text_put(out, "\\bottomrule\n\\end{tabular}}\n");
}

/* Sentences of the caption; a command is set in a typewriter face. */
static void put_caption(const struct res_table *table,
                        struct res_text *plain,
                        struct res_text *out)
{
    res_text_put(out, "\\caption{Training compared by arm. Carbon boundary: "
                      "operational emissions, location-based intensity.");
    for (size_t r = 0; r < table->n_runs; r++) {
        const struct res_run *run = &table->runs[r];
        res_text_put(out, "\n  ");
        res_text_clear(plain);
        if (table->n_runs > 1)
            res_text_add(plain, "[%s] ", run->label);
        res_put_title(run, plain);
        res_text_put(plain, "; ");
        res_put_setting(run, plain);
        res_latex_text(out, res_text_get(plain));
        res_text_put(out, ".");
        for (int note = 0; note < RES_NOTE_LAST_; note++) {
            res_text_clear(plain);
            res_put_note(table, run, (enum res_note)note, plain);
            if (plain->n == 0)
                continue;
            res_text_add(out, "\n  %c%s: ", res_note_heads[note][0] - 'a' + 'A',
                         res_note_heads[note] + 1);
            if (note == RES_NOTE_COMMAND)
                res_text_put(out, "\\texttt{");
            res_latex_text(out, res_text_get(plain));
            res_text_put(out, note == RES_NOTE_COMMAND ? "}." : ".");
        }
    }
    res_text_put(out, "}\n");
}

enum fl_status res_table_latex(const struct res_table *table,
                               struct res_text *out,
                               struct fl_error *err)
{
    struct res_text plain = {0};
    res_text_put(out, "% needs \\usepackage[T1]{fontenc}, "
                      "\\usepackage{textcomp}, \\usepackage{booktabs}, "
                      "\\usepackage{graphicx}\n"
                      "\\begin{table*}\n\\centering\n\\footnotesize\n");
    put_caption(table, &plain, out);
    res_text_put(out, "\\label{tab:fedcarbon}\n");
    put_heads(table, out);
    put_rows(table, &plain, out);
    res_text_put(out, "\\end{table*}\n");
    enum fl_status status = res_text_check(&plain, err);
    res_text_fini(&plain);
    return status != FL_OK ? status : res_text_check(out, err);
}
