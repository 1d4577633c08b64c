/* Which columns a table has, in which order its lines stand. */
#include "results/table/compare_priv.h"

#include "base/alloc.h"
#include "base/parse.h"
#include "base/units.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct res_column *find_column(const char *name)
{
    for (const struct res_column *c = res_table_columns; c->name; c++)
        if (strcmp(c->name, name) == 0)
            return c;
    return NULL;
}

static const struct res_shown *find_shown(const char *name)
{
    static const struct res_shown *const tables[] = {res_shown_columns,
                                                     res_shown_on_request};
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        for (const struct res_shown *c = tables[i]; c->column; c++)
            if (strcmp(c->column, name) == 0 ||
                (c->head && !strcmp(c->head, name)))
                return c;
    return NULL;
}

static enum fl_status add_field(struct res_table *table,
                                const struct res_field *field,
                                struct fl_error *err)
{
    for (size_t i = 0; i < table->n_fields; i++)
        if (strcmp(table->fields[i].name, field->name) == 0)
            return FL_OK;
    FL_TRY(fl_grow(&table->fields, &table->fields_capacity, table->n_fields + 1,
                   sizeof table->fields[0], err));
    table->fields[table->n_fields++] = *field;
    return FL_OK;
}

/* A key, or a column by the name of the dictionary or of what is shown. */
static bool find_field(const struct res_table *table,
                       const char *name,
                       struct res_field *ret)
{
    *ret = (struct res_field){.name = name};
    for (size_t k = 0; k < table->n_keys; k++) {
        if (strcmp(table->keys[k], name) == 0) {
            ret->key = k;
            return true;
        }
    }
    ret->shown = find_shown(name);
    ret->name = ret->shown ? ret->shown->column : name;
    ret->column = find_column(ret->name);
    return ret->column || ret->shown;
}

static enum fl_status add_keys(struct res_table *table, struct fl_error *err)
{
    for (size_t k = 0; k < table->n_keys; k++) {
        const struct res_field field = {.name = table->keys[k], .key = k};
        FL_TRY(add_field(table, &field, err));
    }
    return FL_OK;
}

static enum fl_status unknown_column(const char *option,
                                     const char *name,
                                     struct res_problems *problems)
{
    const char *names[128];
    size_t n = 0;
    for (const struct res_column *c = res_table_columns; c->name && n < 128;
         c++)
        names[n++] = c->name;
    const char *near = fl_nearest_name(name, names, n);
    return res_problem(problems, FL_E_CONFIG, "%s: no column '%s'; %s%s%s",
                       option, name,
                       near ? "did you mean '" : "docs/results.md lists them",
                       near ? near : "", near ? "'?" : "");
}

/* The interval is one column for people and two for programs. */
static enum fl_status add_named(struct res_table *table,
                                const char *name,
                                bool is_for_programs,
                                struct res_problems *problems,
                                struct fl_error *err)
{
    static const char *const ends[] = {"emitted_p5_gco2e", "emitted_p95_gco2e"};
    struct res_field field;
    if (find_field(table, name, &field)) {
        if (field.column || !field.shown || !is_for_programs)
            return add_field(table, &field, err);
        for (size_t i = 0; i < 2; i++) {
            field = (struct res_field){.name = ends[i],
                                       .column = find_column(ends[i])};
            FL_TRY(add_field(table, &field, err));
        }
        return FL_OK;
    }
    return unknown_column("--columns", name, problems);
}

static bool is_for_many(const struct res_table *table)
{
    for (size_t i = 0; i < table->n_lines; i++)
        if (table->lines[i].row->n_seeds > 1)
            return true;
    return false;
}

bool res_has_ambiguous_keys(const struct res_table *table)
{
    if (table->n_keys == 0)
        return table->n_runs > 1;
    for (size_t a = 0; a < table->n_runs; a++)
        for (size_t b = a + 1; b < table->n_runs; b++) {
            size_t k = 0;
            while (k < table->n_keys &&
                   strcmp(table->runs[a].keys[k], table->runs[b].keys[k]) == 0)
                k++;
            if (k == table->n_keys)
                return true;
        }
    return false;
}

static enum fl_status choose_usual(struct res_table *table,
                                   bool is_for_programs,
                                   struct fl_error *err)
{
    if (is_for_programs) {
        for (const struct res_column *c = res_table_columns; c->name; c++) {
            const struct res_field field = {.name = c->name, .column = c};
            FL_TRY(add_field(table, &field, err));
            if (c == res_table_columns)
                FL_TRY(add_keys(table, err));
        }
        return FL_OK;
    }
    bool has_runs = table->has_labels, has_seeds = is_for_many(table);
    for (const struct res_shown *c = res_shown_columns; c->column; c++) {
        const struct res_field field = {
            .name = c->column, .column = find_column(c->column), .shown = c};
        bool is_run = strcmp(c->column, "run") == 0;
        if (!(is_run && !has_runs) &&
            !(strcmp(c->column, "seeds") == 0 && !has_seeds))
            FL_TRY(add_field(table, &field, err));
        if (is_run)
            FL_TRY(add_keys(table, err));
    }
    return FL_OK;
}

/* Columns without news are said once; whatever names a row stays. */
static enum fl_status mark_constants(struct res_table *table,
                                     struct fl_error *err)
{
    struct res_text first = {0}, other = {0};
    for (size_t i = 0;
         i < table->n_fields && table->n_lines > 1 && table->n_runs > 1; i++) {
        struct res_field *field = &table->fields[i];
        bool is_constant = strcmp(field->name, "run") != 0;
        res_text_clear(&first);
        res_field_cell(table, field, &table->lines[0], &first);
        for (size_t l = 1; l < table->n_lines && is_constant; l++) {
            res_text_clear(&other);
            res_field_cell(table, field, &table->lines[l], &other);
            is_constant =
                strcmp(res_text_get(&first), res_text_get(&other)) == 0;
        }
        field->is_constant = is_constant;
    }
    enum fl_status status = res_text_check(&first, err);
    if (status == FL_OK)
        status = res_text_check(&other, err);
    res_text_fini(&first);
    res_text_fini(&other);
    return status;
}

static bool is_one_of(const char *name, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

enum fl_status res_choose_fields(struct res_table *table,
                                 const struct res_compare_opts *opts,
                                 enum res_format format,
                                 struct res_problems *problems,
                                 struct fl_error *err)
{
    bool is_for_programs = format == RES_CSV || format == RES_JSON;
    /* Without what tells them apart nobody knows which row is which. */
    bool has_runs = opts->n_columns == 0 ||
                    is_one_of("run", opts->columns, opts->n_columns);
    for (size_t k = 0; !has_runs && k < table->n_keys; k++) {
        const struct res_field field = {.name = table->keys[k], .key = k};
        if (!is_one_of(field.name, opts->columns, opts->n_columns))
            FL_TRY(add_field(table, &field, err));
    }
    for (size_t i = 0; opts->columns && i < opts->n_columns; i++) {
        /* A ranking has keys instead, where they tell. */
        if (opts->is_ranking && !table->has_labels &&
            strcmp(opts->columns[i], "run") == 0)
            continue;
        if (is_one_of(opts->columns[i], opts->by, opts->n_by) &&
            !is_one_of(opts->columns[i], table->keys, table->n_keys))
            continue; /* a key that no run has: said already */
        FL_TRY(
            add_named(table, opts->columns[i], is_for_programs, problems, err));
    }
    if (table->n_fields > 0)
        return FL_OK;
    FL_TRY(choose_usual(table, is_for_programs, err));
    if (opts->sci_unit) /* asked for */
        FL_TRY(add_named(table, "sci", is_for_programs, problems, err));
    return is_for_programs ? FL_OK : mark_constants(table, err);
}

/* What a line is sorted by: a number where the cell is one. */
struct sort_key {
    bool is_behind; /* in a ranking: it has not reached the target */
    struct res_line line;
    size_t at; /* in the order of the runs */
    bool is_number;
    double number;
    char *text;
    bool is_falling;
};

static int by_key(const void *a, const void *b)
{
    const struct sort_key *x = a, *y = b;
    int order = 0;
    if (x->is_behind != y->is_behind)
        return x->is_behind ? 1 : -1;
    if (!x->text[0] != !y->text[0])
        return x->text[0] ? -1 : 1; /* what is not known comes last */
    if (x->is_number && y->is_number)
        order = (x->number > y->number) - (x->number < y->number);
    else if (x->is_number != y->is_number)
        order = x->is_number ? -1 : 1;
    else
        order = strcmp(x->text, y->text);
    if (order)
        return x->is_falling ? -order : order;
    return (x->at > y->at) - (x->at < y->at);
}

static enum fl_status fill_key(const struct res_field *field,
                               struct sort_key *key,
                               struct fl_error *err)
{
    struct res_text text = {0};
    if (field->column)
        res_field_csv(field, &key->line, &text);
    else
        res_text_put(&text, key->line.run->keys[field->key]);
    enum fl_status status = res_text_check(&text, err);
    key->text = fl_strdup(res_text_get(&text));
    key->is_number = fl_parse_double(res_text_get(&text), -1e300, 1e300,
                                     &key->number, NULL) == FL_OK;
    res_text_fini(&text);
    if (status == FL_OK && !key->text)
        status = fl_fail(err, FL_E_NOMEM, "out of memory: sort");
    return status;
}

static bool has_missed(const struct res_row *row)
{
    return !row->is_finished || (row->target_accuracy > 0 && row->reached <= 0);
}

/* Places of those that reached the target. */
static void set_ranks(struct res_table *table)
{
    int64_t rank = 0;
    for (size_t i = 0; i < table->n_lines; i++) {
        const struct res_line *line = &table->lines[i];
        struct res_run *run = &table->runs[line->run - table->runs];
        if (!has_missed(line->row))
            run->rows[line->row - run->rows].rank = ++rank;
    }
}

static enum fl_status sort_lines(struct res_table *table,
                                 const struct res_field *field,
                                 bool is_falling,
                                 bool is_ranking,
                                 struct fl_error *err)
{
    struct sort_key *keys = fl_calloc(table->n_lines, sizeof *keys);
    if (!keys)
        return fl_fail(err, FL_E_NOMEM, "out of memory: sort");
    enum fl_status status = FL_OK;
    for (size_t i = 0; i < table->n_lines && status == FL_OK; i++) {
        keys[i] = (struct sort_key){
            .is_behind = is_ranking && has_missed(table->lines[i].row),
            .line = table->lines[i],
            .at = i,
            .is_falling = is_falling};
        status = fill_key(field, &keys[i], err);
    }
    if (status == FL_OK)
        qsort(keys, table->n_lines, sizeof *keys, by_key);
    for (size_t i = 0; i < table->n_lines; i++) {
        if (status == FL_OK)
            table->lines[i] = keys[i].line;
        fl_free(keys[i].text);
    }
    fl_free(keys);
    table->is_sorted = status == FL_OK;
    if (is_ranking)
        set_ranks(table);
    return status;
}

enum fl_status res_choose_lines(struct res_table *table,
                                const struct res_compare_opts *opts,
                                struct res_problems *problems,
                                struct fl_error *err)
{
    const char *sort = opts->sort;
    size_t n = 0;
    for (size_t r = 0; r < table->n_runs; r++)
        n += table->runs[r].n_rows;
    table->lines = fl_calloc(n + 1, sizeof table->lines[0]);
    if (!table->lines)
        return fl_fail(err, FL_E_NOMEM, "out of memory: rows");
    for (size_t r = 0; r < table->n_runs; r++)
        for (size_t a = 0; a < table->runs[r].n_rows; a++)
            if (!opts->arm || !strcmp(opts->arm, table->runs[r].rows[a].arm))
                table->lines[table->n_lines++] =
                    (struct res_line){&table->runs[r], &table->runs[r].rows[a]};
    if (opts->arm && table->n_lines == 0)
        FL_TRY(res_problem(problems, FL_E_CONFIG,
                           "--arm: no run has an arm '%s'", opts->arm));
    if (!sort)
        return FL_OK;
    bool is_falling = sort[0] == '-';
    struct res_field field;
    if (find_field(table, sort + is_falling, &field) &&
        (field.column || !field.shown))
        return sort_lines(table, &field, is_falling, opts->is_ranking, err);
    return unknown_column("--sort", sort + is_falling, problems);
}

/* Cells. */

void res_field_head(const struct res_table *table,
                    const struct res_field *field,
                    struct res_text *out)
{
    if (!field->shown)
        res_text_put(out, field->name);
    else if (field->shown->head)
        res_text_put(out, field->shown->head);
    else
        res_text_add(out, "x %s", table->baseline);
}

const char *res_field_unit(const struct res_table *table,
                           const struct res_field *field)
{
    if (!field->shown && field->column)
        return strcmp(field->column->unit, "-") == 0 ? "" : field->column->unit;
    if (!field->shown)
        return "";
    if (field->shown->unit)
        return field->shown->unit;
    if (field->shown->quantity == RES_SCI)
        return table->sci_unit;
    return field->shown->quantity == RES_CARBON ? table->carbon_unit
                                                : table->energy_unit;
}

bool res_field_is_left(const struct res_field *field)
{
    if (field->shown)
        return field->shown->is_left;
    return !field->column || field->column->kind == RES_COLUMN_TEXT ||
           field->column->kind == RES_COLUMN_BOOL;
}

static const void *base_of(const struct res_field *field,
                           const struct res_line *line)
{
    return field->column->is_of_run ? (const void *)line->run
                                    : (const void *)line->row;
}

void res_column_cell(const struct res_column *column,
                     const void *base,
                     struct res_text *out)
{
    enum { DIGITS = 4 };
    const char *place = (const char *)base + column->offset;
    if (column->kind == RES_COLUMN_REAL)
        res_text_figure(out, *(const double *)(const void *)place, DIGITS);
    else if (column->kind == RES_COLUMN_KWH)
        res_text_figure(
            out, *(const double *)(const void *)place / FL_J_PER_KWH, DIGITS);
    else if (column->kind == RES_COLUMN_TEXT)
        res_text_put(out, *(const char *const *)(const void *)place);
    else
        res_column_csv(column, base, out);
}

void res_field_cell(const struct res_table *table,
                    const struct res_field *field,
                    const struct res_line *line,
                    struct res_text *out)
{
    size_t before = out->n;
    if (field->shown)
        field->shown->put(table, line->run, line->row, out);
    else if (field->column)
        res_column_cell(field->column, base_of(field, line), out);
    else
        res_text_put(out, line->run->keys[field->key]);
    if (out->n == before)
        res_text_put(out, "-");
}

void res_field_csv(const struct res_field *field,
                   const struct res_line *line,
                   struct res_text *out)
{
    if (field->column)
        res_column_csv(field->column, base_of(field, line), out);
    else
        res_csv_field(out, line->run->keys[field->key]);
}

json_t *res_field_json(const struct res_field *field,
                       const struct res_line *line)
{
    if (field->column)
        return res_column_json(field->column, base_of(field, line));
    const char *text = line->run->keys[field->key];
    int64_t whole;
    double real;
    if (fl_parse_int(text, INT64_MIN, INT64_MAX, &whole, NULL) == FL_OK)
        return json_integer(whole);
    if (fl_parse_double(text, -1e300, 1e300, &real, NULL) == FL_OK)
        return json_real(real);
    return text[0] ? json_string(text) : json_null();
}

void res_put_constants(const struct res_table *table, struct res_text *out)
{
    for (size_t i = 0; i < table->n_fields; i++) {
        const struct res_field *field = &table->fields[i];
        if (!field->is_constant || table->n_lines == 0)
            continue;
        if (out->n > 0)
            res_text_put(out, ", ");
        res_field_head(table, field, out);
        res_text_put(out, " ");
        size_t before = out->n;
        res_field_cell(table, field, &table->lines[0], out);
        const char *unit = res_field_unit(table, field);
        if (unit[0] && !out->has_failed &&
            strcmp(res_text_get(out) + before, "-") != 0)
            res_text_add(out, " %s", unit);
    }
}
