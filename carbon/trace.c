/* Reads a zone's trace out of a CSV file, in one pass over the bytes. */
#include "carbon/trace_priv.h"

#include "base/alloc.h"
#include "base/parse.h"
#include "carbon/profile_priv.h"
#include "carbon/zone_priv.h"

#include <stdio.h>
#include <string.h>

/* No grid emits more; a larger figure is a wrong unit or a wrong column. */
static const double max_gco2e_per_kwh = 5000;

enum { MAX_COLUMNS = 4096, MAX_CELL_BYTES = 64, MAX_LISTED_ZONES = 256 };

/* Electricity Maps names its columns so; the first of each list is what our
 * own files use. The newest of its names for the life-cycle column comes
 * last. */
static const char *const time_names[] = {"datetime_utc", "Datetime (UTC)",
                                         NULL};
static const char *const zone_names[] = {"zone_id", "Zone Id", "Zone id", NULL};
#define CI_OLD                                                                 \
    "Carbon Intensity gCO\xe2\x82\x82"                                         \
    "eq/kWh "
#define CI_NEW                                                                 \
    "Carbon intensity gCO\xe2\x82\x82"                                         \
    "eq/kWh "
static const char *const lca_names[] = {"ci_lca_g_per_kwh", CI_OLD "(LCA)",
                                        CI_NEW "(Life cycle)", NULL};
static const char *const direct_names[] = {
    "ci_direct_g_per_kwh", CI_OLD "(direct)", CI_NEW "(direct)", NULL};
static const char *const fossil_names[] = {"ci_fossil_g_per_kwh", NULL};
static const char *const marginal_names[] = {"ci_marginal_g_per_kwh", NULL};
static const char *const estimated_names[] = {
    "data_estimated", "Data Estimated", "Data estimated", NULL};

struct cell {
    const char *text;
    size_t n;
};

struct reader {
    const char *origin;
    const struct carbon_trace_want *want;
    const char *const *value_names; /* of the column that is wanted */
    const char *at, *end;           /* what is still unread */
    size_t line;                    /* of the row last read, 1-based */
    struct fl_error *err;
    size_t n_columns;
    /* column of each thing, or -1 */
    long zone_column, value_column, estimated_column;
    /* of the row last read */
    struct cell time, row_zone, value, estimated;
    size_t capacity, estimated_capacity;
};

static bool cell_is(struct cell cell, const char *name)
{
    return strlen(name) == cell.n && memcmp(cell.text, name, cell.n) == 0;
}

static bool cell_is_any(struct cell cell, const char *const *names)
{
    for (; *names != NULL; names++) {
        if (cell_is(cell, *names))
            return true;
    }
    return false;
}

/* As much of a cell as an error message shows, without control characters. */
static const char *show(struct cell cell, char ret[40])
{
    size_t n = cell.n < 36 ? cell.n : 36;
    for (size_t i = 0; i < n; i++) {
        char c = cell.text[i];
        ret[i] = c >= ' ' && c <= '~' ? c : '?';
    }
    memcpy(ret + n, cell.n > n ? "..." : "", cell.n > n ? 4 : 1);
    return ret;
}

static bool is_wanted_zone(const struct reader *reader, struct cell cell)
{
    const char *zone = reader->want->zone;
    return reader->want->ignores_case
               ? carbon_same_name(zone, cell.text, cell.n)
               : cell_is(cell, zone);
}

/* A field in quotes, in which a quote is written twice; *at: behind the first
 * quote. False: it does not end, or something follows its end. */
static bool quoted_cell(const char **at, const char *end, struct cell *ret)
{
    const char *quote = *at;
    while ((quote = memchr(quote, '"', (size_t)(end - quote))) != NULL &&
           quote + 1 < end && quote[1] == '"')
        quote += 2;
    if (quote == NULL || (quote + 1 < end && quote[1] != ','))
        return false;
    *ret = (struct cell){*at, (size_t)(quote - *at)};
    *at = quote + 1 < end ? quote + 2 : NULL;
    return true;
}

/* The next field of a row; *at = NULL behind the last one. */
static bool next_cell(const char **at, const char *end, struct cell *ret)
{
    if (*at < end && **at == '"') {
        ++*at;
        return quoted_cell(at, end, ret);
    }
    const char *comma = memchr(*at, ',', (size_t)(end - *at));
    *ret = (struct cell){*at, (size_t)((comma ? comma : end) - *at)};
    *at = comma ? comma + 1 : NULL;
    return true;
}

static enum fl_status bad_quotes(const struct reader *reader, size_t n_before)
{
    return fl_fail(reader->err, FL_E_FORMAT,
                   "%s:%zu: quotes of column %zu, allowed \"...\" around a "
                   "whole field",
                   reader->origin, reader->line, n_before + 1);
}

/* The next line without its end; false at the end of the file. */
static bool next_line(struct reader *reader, struct cell *ret)
{
    if (reader->at >= reader->end)
        return false;
    size_t left = (size_t)(reader->end - reader->at);
    const char *newline = memchr(reader->at, '\n', left);
    size_t n = newline ? (size_t)(newline - reader->at) : left;
    *ret = (struct cell){reader->at, n};
    reader->at += newline ? n + 1 : n;
    if (ret->n > 0 && ret->text[ret->n - 1] == '\r')
        ret->n--;
    reader->line++;
    return true;
}

/* NUL-terminates a cell for base/parse.h. */
static bool cell_text(struct cell cell, char ret[MAX_CELL_BYTES])
{
    if (cell.n >= MAX_CELL_BYTES || memchr(cell.text, '\0', cell.n) != NULL)
        return false;
    memcpy(ret, cell.text, cell.n);
    ret[cell.n] = '\0';
    return true;
}

/* ---- header ------------------------------------------------------------- */

/* FL_E_CONFIG with the zones that the file does have. */
static enum fl_status
no_such_zone(struct reader *reader, const struct cell *zones, size_t n)
{
    const char **names = fl_calloc(n + 1, sizeof(*names));
    char *text = fl_calloc(n + 1, MAX_CELL_BYTES);
    enum fl_status status;
    if (names == NULL || text == NULL) {
        status = fl_fail(reader->err, FL_E_NOMEM, "%s: out of memory",
                         reader->origin);
        goto out;
    }
    size_t n_names = 0;
    for (size_t i = 0; i < n; i++) {
        char *copy = text + i * MAX_CELL_BYTES;
        if (cell_text(zones[i], copy))
            names[n_names++] = copy;
    }
    char kind[400];
    char shown[300];
    size_t n_origin = strlen(reader->origin);
    size_t skip = n_origin < sizeof(shown) ? 0 : n_origin - sizeof(shown) + 1;
    memcpy(shown, reader->origin + skip, n_origin - skip + 1);
    int used = snprintf(kind, sizeof(kind), "%s: zone", shown);
    (void)used; /* cannot be cut: 300 + 7 < 400 */
    status = carbon_unknown_name(kind, reader->want->zone, names, n_names,
                                 reader->err);
out:
    fl_free(names);
    fl_free(text);
    return status;
}

static enum fl_status
header_columns(struct reader *reader, struct cell line, struct cell *columns)
{
    const char *at = line.text, *end = line.text + line.n;
    while (at != NULL) {
        if (reader->n_columns == MAX_COLUMNS)
            return fl_fail(reader->err, FL_E_FORMAT,
                           "%s:1: more than %d columns, allowed up to %d",
                           reader->origin, MAX_COLUMNS, MAX_COLUMNS);
        if (!next_cell(&at, end, &columns[reader->n_columns]))
            return bad_quotes(reader, reader->n_columns);
        reader->n_columns++;
    }
    return FL_OK;
}

static enum fl_status
choose(struct reader *reader, long *column, size_t i, struct cell cell)
{
    char shown[40];
    if (*column >= 0)
        return fl_fail(reader->err, FL_E_FORMAT,
                       "%s:1: column '%s' twice (%ld and %zu), allowed once",
                       reader->origin, show(cell, shown), *column + 1, i + 1);
    *column = (long)i;
    return FL_OK;
}

static enum fl_status find_columns(struct reader *reader,
                                   const struct cell *columns)
{
    char shown[40];
    if (!cell_is_any(columns[0], time_names))
        return fl_fail(reader->err, FL_E_FORMAT,
                       "%s:1: first column '%s', allowed 'datetime_utc' or "
                       "'Datetime (UTC)'",
                       reader->origin, show(columns[0], shown));
    for (size_t i = 1; i < reader->n_columns; i++) {
        if (cell_is_any(columns[i], zone_names))
            FL_TRY(choose(reader, &reader->zone_column, i, columns[i]));
    }
    for (size_t i = 1; i < reader->n_columns; i++) {
        if (reader->zone_column < 0) { /* a column per zone */
            if (is_wanted_zone(reader, columns[i]))
                FL_TRY(choose(reader, &reader->value_column, i, columns[i]));
        } else if (cell_is_any(columns[i], reader->value_names)) {
            FL_TRY(choose(reader, &reader->value_column, i, columns[i]));
        } else if (cell_is_any(columns[i], estimated_names)) {
            FL_TRY(choose(reader, &reader->estimated_column, i, columns[i]));
        }
    }
    if (reader->value_column >= 0)
        return FL_OK;
    if (reader->zone_column >= 0)
        return fl_fail(reader->err, FL_E_FORMAT,
                       "%s:1: no column '%s' (nor Electricity Maps' own name "
                       "for it): found no %s, %s intensity",
                       reader->origin, reader->value_names[0],
                       carbon_extent_name(reader->want->method.extent),
                       carbon_signal_name(reader->want->method.signal));
    return no_such_zone(reader, columns + 1, reader->n_columns - 1);
}

static enum fl_status read_header(struct reader *reader)
{
    struct cell line;
    if (reader->end - reader->at >= 3 &&
        memcmp(reader->at, "\xef\xbb\xbf", 3) == 0)
        reader->at += 3; /* byte-order mark */
    if (!next_line(reader, &line))
        return fl_fail(reader->err, FL_E_FORMAT,
                       "%s:1: empty file, allowed a header "
                       "'datetime_utc,ZONE,...' and rows",
                       reader->origin);
    struct cell *columns = fl_calloc(MAX_COLUMNS, sizeof(*columns));
    if (columns == NULL)
        return fl_fail(reader->err, FL_E_NOMEM, "%s: out of memory",
                       reader->origin);
    enum fl_status status = header_columns(reader, line, columns);
    if (status == FL_OK)
        status = find_columns(reader, columns);
    fl_free(columns);
    return status;
}

/* ---- rows --------------------------------------------------------------- */

/* Splits a line into the cells that matter and counts its columns. */
static enum fl_status split_row(struct reader *reader, struct cell line)
{
    const char *at = line.text, *end = line.text + line.n;
    size_t n = 0;
    for (; at != NULL; n++) {
        struct cell cell;
        if (!next_cell(&at, end, &cell))
            return bad_quotes(reader, n);
        if (n == 0)
            reader->time = cell;
        if ((long)n == reader->zone_column)
            reader->row_zone = cell;
        if ((long)n == reader->value_column)
            reader->value = cell;
        if ((long)n == reader->estimated_column)
            reader->estimated = cell;
    }
    if (n != reader->n_columns)
        return fl_fail(reader->err, FL_E_FORMAT,
                       "%s:%zu: %zu columns, allowed %zu as in the header",
                       reader->origin, reader->line, n, reader->n_columns);
    return FL_OK;
}

/* "2022-01-01T00:00:00Z", or as Electricity Maps writes it in a column that
 * says UTC: "2022-01-01 00:00:00". */
static enum fl_status parse_time(struct reader *reader, int64_t *ret_epoch_s)
{
    char text[MAX_CELL_BYTES], shown[40];
    bool is_text =
        reader->time.n < MAX_CELL_BYTES - 1 && cell_text(reader->time, text);
    if (is_text && reader->time.n > 10 && text[10] == ' ') {
        text[10] = 'T';
        memcpy(text + reader->time.n, "Z", 2);
    }
    if (!is_text || fl_parse_utc(text, ret_epoch_s, NULL) != FL_OK)
        return fl_fail(reader->err, FL_E_FORMAT,
                       "%s:%zu: time '%s', allowed UTC like "
                       "2022-01-01T00:00:00Z",
                       reader->origin, reader->line, show(reader->time, shown));
    return FL_OK;
}

static enum fl_status parse_value(struct reader *reader, double *ret)
{
    char text[MAX_CELL_BYTES], shown[40];
    if (!cell_text(reader->value, text) ||
        fl_parse_double(text, 0, max_gco2e_per_kwh, ret, NULL) != FL_OK)
        return fl_fail(reader->err, FL_E_FORMAT,
                       "%s:%zu: zone %s: intensity '%s', allowed a number in "
                       "[0, %g] gCO2e/kWh",
                       reader->origin, reader->line, reader->want->zone,
                       show(reader->value, shown), max_gco2e_per_kwh);
    return FL_OK;
}

static enum fl_status parse_estimated(struct reader *reader, bool *ret)
{
    char shown[40];
    bool is_true = cell_is(reader->estimated, "true") ||
                   cell_is(reader->estimated, "True");
    bool is_false = cell_is(reader->estimated, "false") ||
                    cell_is(reader->estimated, "False");
    if (!is_true && !is_false)
        return fl_fail(reader->err, FL_E_FORMAT,
                       "%s:%zu: data_estimated '%s', allowed true or false",
                       reader->origin, reader->line,
                       show(reader->estimated, shown));
    *ret = is_true;
    return FL_OK;
}

/* The second row sets the step; every later one must keep it. */
static enum fl_status
check_step(struct reader *reader, struct carbon_trace *trace, int64_t epoch_s)
{
    char shown[40];
    int64_t before_s =
        trace->start_epoch_s + ((int64_t)trace->n - 1) * trace->step_s;
    int64_t gap_s = epoch_s - before_s;
    if (gap_s <= 0)
        return fl_fail(reader->err, FL_E_FORMAT,
                       "%s:%zu: time %s %s, allowed later than the row before",
                       reader->origin, reader->line, show(reader->time, shown),
                       gap_s == 0 ? "twice" : "out of order");
    if (trace->n == 1) {
        if (gap_s > 366 * 86400)
            return fl_fail(reader->err, FL_E_FORMAT,
                           "%s:%zu: a step of %lld s, allowed up to a year",
                           reader->origin, reader->line, (long long)gap_s);
        trace->step_s = gap_s;
    }
    if (gap_s != trace->step_s)
        return fl_fail(reader->err, FL_E_FORMAT,
                       "%s:%zu: time %s is %lld s after the row before, "
                       "allowed %lld s (equal steps, no gaps)",
                       reader->origin, reader->line, show(reader->time, shown),
                       (long long)gap_s, (long long)trace->step_s);
    return FL_OK;
}

static enum fl_status add_row(struct reader *reader, struct carbon_trace *trace)
{
    int64_t epoch_s;
    double gco2e_per_kwh;
    bool is_estimated = false;
    FL_TRY(parse_time(reader, &epoch_s));
    FL_TRY(parse_value(reader, &gco2e_per_kwh));
    if (reader->estimated_column >= 0)
        FL_TRY(parse_estimated(reader, &is_estimated));
    if (trace->n == 0)
        trace->start_epoch_s = epoch_s;
    else
        FL_TRY(check_step(reader, trace, epoch_s));
    FL_TRY(fl_grow(&trace->gco2e_per_kwh, &reader->capacity, trace->n + 1,
                   sizeof(*trace->gco2e_per_kwh), reader->err));
    if (reader->estimated_column >= 0) {
        FL_TRY(fl_grow(&trace->is_estimated, &reader->estimated_capacity,
                       trace->n + 1, sizeof(*trace->is_estimated),
                       reader->err));
        trace->is_estimated[trace->n] = is_estimated;
    }
    trace->gco2e_per_kwh[trace->n++] = gco2e_per_kwh;
    return FL_OK;
}

/* Keeps up to MAX_LISTED_ZONES different names for no_such_zone(). */
static void note_zone(struct cell *zones, size_t *n, struct cell zone)
{
    for (size_t i = *n; i-- > 0;) { /* most rows repeat the last one */
        if (zones[i].n == zone.n &&
            memcmp(zones[i].text, zone.text, zone.n) == 0)
            return;
    }
    if (*n < MAX_LISTED_ZONES)
        zones[(*n)++] = zone;
}

static enum fl_status read_rows(struct reader *reader,
                                struct carbon_trace *trace)
{
    struct cell line;
    struct cell zones[MAX_LISTED_ZONES];
    size_t n_zones = 0;
    while (next_line(reader, &line)) {
        FL_TRY(split_row(reader, line));
        if (reader->zone_column >= 0 &&
            !is_wanted_zone(reader, reader->row_zone)) {
            if (trace->n == 0)
                note_zone(zones, &n_zones, reader->row_zone);
            continue;
        }
        FL_TRY(add_row(reader, trace));
    }
    if (trace->n == 0 && n_zones > 0)
        return no_such_zone(reader, zones, n_zones);
    if (trace->n < 2)
        return fl_fail(reader->err, FL_E_FORMAT,
                       "%s:%zu: %zu rows of zone %s, allowed at least 2 (the "
                       "step is the time between them)",
                       reader->origin, reader->line, trace->n,
                       reader->want->zone);
    return FL_OK;
}

static const char *const *names_of(const struct carbon_method *method)
{
    static const char *const *const of_extent[] = {
        [CARBON_LIFE_CYCLE] = lca_names,
        [CARBON_DIRECT] = direct_names,
        [CARBON_FOSSIL_ONLY] = fossil_names,
    };
    _Static_assert(sizeof(of_extent) / sizeof(of_extent[0]) ==
                       CARBON_EXTENT_LAST_,
                   "every extent needs a column");
    return method->signal == CARBON_SIGNAL_MARGINAL ? marginal_names
                                                    : of_extent[method->extent];
}

enum fl_status carbon_trace_init_csv(struct carbon_trace *trace,
                                     const struct carbon_trace_want *want,
                                     const char *origin,
                                     const char *text,
                                     size_t n_bytes,
                                     struct fl_error *err)
{
    struct reader reader = {
        .origin = origin,
        .want = want,
        .value_names = names_of(&want->method),
        .at = text,
        .end = text + n_bytes,
        .err = err,
        .zone_column = -1,
        .value_column = -1,
        .estimated_column = -1,
    };
    *trace = (struct carbon_trace){0};
    enum fl_status status = read_header(&reader);
    if (status == FL_OK)
        status = read_rows(&reader, trace);
    if (status != FL_OK)
        carbon_trace_fini(trace);
    return status;
}

void carbon_trace_fini(struct carbon_trace *trace)
{
    fl_free(trace->gco2e_per_kwh);
    fl_free(trace->is_estimated);
    *trace = (struct carbon_trace){0};
}
