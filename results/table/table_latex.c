/* LaTeX for a paper: a table* with booktabs rules whose caption states what a
 * reader needs to judge the figures: target accuracy, carbon boundary, grid,
 * network constants. Needs \usepackage{booktabs}; text in UTF-8. */
#include "results/table/table_say.h"

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

/* A mean and its error: "1.5 +- 0.1". plain is cut up. */
static void put_cell(struct res_text *out, char *plain)
{
    static const char sign[] = " +- ";
    for (char *at; (at = strstr(plain, sign)); plain = at + sizeof sign - 1) {
        *at = '\0';
        res_latex_text(out, plain);
        res_text_put(out, " $\\pm$ ");
    }
    res_latex_text(out, plain);
}

/* One line of cells: the heads, their units, or a row. */
static void put_line(const struct res_table *table,
                     const struct res_line *line,
                     bool is_units,
                     struct res_text *plain,
                     struct res_text *out)
{
    const char *sign = "";
    for (size_t i = 0; i < table->n_fields; i++) {
        const struct res_field *field = &table->fields[i];
        if (field->is_constant)
            continue;
        res_text_clear(plain);
        if (line)
            res_field_cell(table, field, line, plain);
        else if (is_units)
            res_text_put(plain, res_field_unit(table, field));
        else
            res_field_head(table, field, plain);
        res_text_put(out, sign);
        if (plain->n > 0 && !plain->has_failed)
            put_cell(out, plain->bytes);
        sign = " & ";
    }
    res_text_put(out, " \\\\\n");
}

static size_t put_alignment(const struct res_table *table, struct res_text *out)
{
    size_t n = 0;
    for (size_t i = 0; i < table->n_fields; i++) {
        if (table->fields[i].is_constant)
            continue;
        res_text_put(out, res_field_is_left(&table->fields[i]) ? "l" : "r");
        n++;
    }
    res_text_put(out, "}\n");
    return n;
}

static void put_heads(const struct res_table *table,
                      struct res_text *plain,
                      struct res_text *out)
{
    res_text_put(out, "\\toprule\n");
    put_line(table, NULL, false, plain, out);
    put_line(table, NULL, true, plain, out);
    res_text_put(out, "\\midrule\n");
}

static void put_lines(const struct res_table *table,
                      struct res_text *plain,
                      struct res_text *out)
{
    for (size_t l = 0; l < table->n_lines; l++) {
        if (l > 0 && !table->is_sorted &&
            table->lines[l].run != table->lines[l - 1].run)
            res_text_put(out, "\\addlinespace\n");
        put_line(table, &table->lines[l], false, plain, out);
    }
}

/* A sentence; a command is set in a typewriter face. */
static void put_note(const struct res_said *said,
                     enum res_note note,
                     bool is_code,
                     struct res_text *out)
{
    const char *head = res_note_heads[note];
    res_text_put(out, "\n  ");
    if (said->who[0]) {
        res_text_put(out, "{[}");
        res_latex_text(out, said->who);
        res_text_put(out, "] ");
    }
    res_text_add(out, "%c%s: ", head[0] - 'a' + 'A', head + 1);
    res_text_put(out, is_code ? "\\texttt{" : "");
    if (is_code)
        res_latex_text(out, said->text);
    else
        put_cell(out, said->text);
    res_text_put(out, is_code ? "}." : ".");
}

/* Of several runs the caption says what judging the figures needs; the rest
 * is comments above the table. */
static bool is_in_caption(const struct res_table *table, enum res_note note)
{
    switch (note) {
    case RES_NOTE_LOCAL:
    case RES_NOTE_OFF:
    case RES_NOTE_MODELLED:
    case RES_NOTE_INFLUENCES:
    case RES_NOTE_COMMAND:
        return table->n_runs < 2;
    default:
        return true;
    }
}

static enum fl_status put_notes(const struct res_table *table,
                                struct res_text *out,
                                struct fl_error *err)
{
    enum { FEW = 2 };
    for (int note = 0; note < RES_NOTE_LAST_; note++) {
        if (!is_in_caption(table, (enum res_note)note))
            continue;
        struct res_sayings said;
        FL_TRY(res_say_note(table, (enum res_note)note, FEW, &said, err));
        for (size_t i = 0; i < said.n; i++)
            if (!said.is_cut || note == RES_NOTE_NETWORK ||
                note == RES_NOTE_BOUNDARY)
                put_note(&said.all[i], (enum res_note)note,
                         note == RES_NOTE_COMMAND, out);
        res_sayings_fini(&said);
    }
    return FL_OK;
}

static enum fl_status put_caption(const struct res_table *table,
                                  struct res_text *plain,
                                  struct res_text *out,
                                  struct fl_error *err)
{
    res_text_put(out, "\\caption{Training compared by arm. Location-based "
                      "intensity of electricity.");
    struct res_sayings titles;
    FL_TRY(res_say_titles(table, &titles, err));
    for (size_t i = 0; i + 1 < titles.n; i += 2) {
        res_text_clear(plain);
        if (titles.all[i].who[0])
            res_text_add(plain, "[%s] ", titles.all[i].who);
        res_text_add(plain, "%s; %s", titles.all[i].text,
                     titles.all[i + 1].text);
        res_text_put(out, "\n  ");
        res_latex_text(out, res_text_get(plain));
        res_text_put(out, ".");
    }
    res_sayings_fini(&titles);
    res_text_clear(plain);
    res_put_constants(table, plain);
    if (plain->n > 0) {
        res_text_put(out, "\n  In all rows: ");
        res_latex_text(out, res_text_get(plain));
        res_text_put(out, ".");
    }
    FL_TRY(put_notes(table, out, err));
    res_text_put(out, "}");
    return FL_OK;
}

static void put_comment(const char *who,
                        const char *head,
                        const char *text,
                        struct res_text *out)
{
    const char *const parts[] = {"% ", who,  who[0] ? ", " : "",
                                 head, ": ", text};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        for (const char *p = parts[i]; *p; p++)
            res_text_add(out, "%c", *p == '\n' || *p == '\r' ? ' ' : *p);
    res_text_put(out, "\n");
}

/* What the caption leaves out, and every run's command. */
static enum fl_status put_comments(const struct res_table *table,
                                   struct res_text *out,
                                   struct fl_error *err)
{
    for (int note = 0; note < RES_NOTE_LAST_; note++) {
        if (is_in_caption(table, (enum res_note)note))
            continue;
        struct res_sayings said;
        FL_TRY(res_say_note(table, (enum res_note)note,
                            note == RES_NOTE_COMMAND ? table->n_runs
                                                     : RES_MAX_TEXTS,
                            &said, err));
        for (size_t i = 0; i < said.n; i++)
            put_comment(said.all[i].who, res_note_heads[note], said.all[i].text,
                        out);
        res_sayings_fini(&said);
    }
    return FL_OK;
}

/* Characters of the widest cells of all columns. */
static size_t measure(const struct res_table *table, struct res_text *plain)
{
    size_t sum = 0;
    for (size_t i = 0; i < table->n_fields; i++) {
        const struct res_field *field = &table->fields[i];
        if (field->is_constant)
            continue;
        res_text_clear(plain);
        res_field_head(table, field, plain);
        size_t most = plain->n, unit = strlen(res_field_unit(table, field));
        most = unit > most ? unit : most;
        for (size_t l = 0; l < table->n_lines; l++) {
            res_text_clear(plain);
            res_field_cell(table, field, &table->lines[l], plain);
            most = plain->n > most ? plain->n : most;
        }
        sum += most + 2;
    }
    return sum;
}

/* What fits a page, scaled to its width; a wide one lies on its side, as
 * nobody could read it otherwise. */
static enum fl_status put_float(const struct res_table *table,
                                bool is_wide,
                                struct res_text *plain,
                                struct res_text *out,
                                struct fl_error *err)
{
    const char *kind = is_wide ? "sidewaystable*" : "table*";
    res_text_add(out, "\\begin{%s}\n\\centering\n\\footnotesize\n", kind);
    FL_TRY(put_caption(table, plain, out, err));
    res_text_put(out, "\n\\label{tab:fedcarbon}\n"
                      "\\resizebox{\\linewidth}{!}{%\n\\begin{tabular}{");
    (void)put_alignment(table, out);
    put_heads(table, plain, out);
    put_lines(table, plain, out);
    res_text_add(out, "\\bottomrule\n\\end{tabular}}\n\\end{%s}\n", kind);
    return FL_OK;
}

/* Heads on every page; longtable cannot be scaled, so it is set small. */
static enum fl_status put_long(const struct res_table *table,
                               bool is_wide,
                               struct res_text *plain,
                               struct res_text *out,
                               struct fl_error *err)
{
    res_text_add(out,
                 "\\begingroup\n\\%s\n\\setlength{\\tabcolsep}{2pt}\n"
                 "\\setlength{\\LTcapwidth}{\\linewidth}\n"
                 "\\begin{longtable}{",
                 is_wide ? "tiny" : "scriptsize");
    size_t n = put_alignment(table, out);
    FL_TRY(put_caption(table, plain, out, err));
    res_text_put(out, "\\label{tab:fedcarbon}\\\\\n");
    put_heads(table, plain, out);
    res_text_put(out, "\\endfirsthead\n");
    put_heads(table, plain, out);
    res_text_add(out,
                 "\\endhead\n\\midrule\n\\multicolumn{%zu}{r}"
                 "{continues on the next page} \\\\\n"
                 "\\endfoot\n\\bottomrule\n\\endlastfoot\n",
                 n);
    put_lines(table, plain, out);
    res_text_put(out, "\\end{longtable}\n\\endgroup\n");
    return FL_OK;
}

enum fl_status res_table_latex(const struct res_table *table,
                               struct res_text *out,
                               struct fl_error *err)
{
    enum { PAGE_LINES = 45, PAGE_CHARACTERS = 200 };
    struct res_text plain = {0};
    bool is_long = table->n_lines > PAGE_LINES;
    bool is_wide = measure(table, &plain) > PAGE_CHARACTERS;
    res_text_add(out,
                 "%% needs \\usepackage[T1]{fontenc}, \\usepackage{textcomp}, "
                 "\\usepackage{booktabs}, \\usepackage{%s}\n",
                 is_long   ? "longtable"
                 : is_wide ? "graphicx}, \\usepackage{rotating"
                           : "graphicx");
    if (is_long)
        res_text_add(out, "%% a longtable: only where text has one column%s\n",
                     is_wide ? "; wide: put \\begin{landscape} of pdflscape "
                               "around it"
                             : "");
    if (is_wide)
        res_text_put(out, "% wide: --columns chooses fewer\n");
    enum fl_status status = put_comments(table, out, err);
    if (status == FL_OK)
        status = is_long ? put_long(table, is_wide, &plain, out, err)
                         : put_float(table, is_wide, &plain, out, err);
    if (status == FL_OK)
        status = res_text_check(&plain, err);
    res_text_fini(&plain);
    return status != FL_OK ? status : res_text_check(out, err);
}
