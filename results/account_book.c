#include "results/account_book.h"

#include "base/alloc.h"
#include "base/units.h"
#include "carbon/crossover.h"
#include "results/report_priv.h"
#include "results/store/store_seal.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#define DIGITS    6
#define S_PER_DAY 86400.0
#define KEY       "account"

/* Writing */

static enum fl_status
add_row(json_t *list, const struct res_book_row *row, struct fl_error *err)
{
    json_t *o = json_object();
    if (!o || json_array_append_new(list, o) != 0)
        return fl_fail(err, FL_E_NOMEM, "account: out of memory");
    FL_TRY(res_json_set(o, "name", json_string(row->name), err));
    FL_TRY(res_json_set(o, "arm", json_string(row->arm), err));
    FL_TRY(res_json_set(o, "round", json_integer(row->round), err));
    if (!row->placement)
        return FL_OK;
    FL_TRY(res_json_set(o, "placement", json_string(row->placement), err));
    FL_TRY(res_json_set(o, "requests", res_json_real(row->requests), err));
    FL_TRY(res_json_set(o, "served_s", res_json_real(row->served_s), err));
    return res_json_set(o, "bytes", res_json_real(row->bytes), err);
}

enum fl_status res_book_put(struct res_store *store,
                            const struct res_book_row *rows,
                            size_t n,
                            struct fl_error *err)
{
    json_t *list = json_array();
    struct res_text text = {0};
    enum fl_status status =
        list ? FL_OK : fl_fail(err, FL_E_NOMEM, "account: out of memory");
    for (size_t i = 0; i < n && status == FL_OK; i++)
        status = add_row(list, &rows[i], err);
    if (status == FL_OK)
        status = res_json_write(list, &text, err);
    if (status == FL_OK)
        status = res_store_set(store, KEY, res_text_get(&text), err);
    res_text_fini(&text);
    json_decref(list);
    return status;
}

/* Reading */

/* Sums of ledger rows l: energy, idle energy, grams of energy that is not
 * idle, of idle energy, of making devices. */
#define SUMS                                                                   \
    " total(l.energy_j), total(l.idle_j),"                                     \
    " total(CASE WHEN l.energy_j > 0"                                          \
    "  THEN l.emitted_gco2e * (1 - l.idle_j / l.energy_j) END),"               \
    " total(CASE WHEN l.energy_j > 0"                                          \
    "  THEN l.emitted_gco2e * (l.idle_j / l.energy_j) END),"                   \
    " total(CASE l.term_group WHEN 'embodied' THEN l.emitted_gco2e END)"

struct sums {
    double energy_j, idle_j, dynamic_gco2e, idle_gco2e, embodied_gco2e;
};

static struct sums sums_of(sqlite3_stmt *stmt, int first)
{
    return (struct sums){
        .energy_j = sqlite3_column_double(stmt, first),
        .idle_j = sqlite3_column_double(stmt, first + 1),
        .dynamic_gco2e = sqlite3_column_double(stmt, first + 2),
        .idle_gco2e = sqlite3_column_double(stmt, first + 3),
        .embodied_gco2e = sqlite3_column_double(stmt, first + 4)};
}

static double total_gco2e(const struct sums *s)
{
    return s->dynamic_gco2e + s->idle_gco2e + s->embodied_gco2e;
}

#define BOOK                                                                   \
    "WITH book AS (SELECT key AS number, value ->> 'name' AS name,"            \
    " value ->> 'arm' AS arm, value ->> 'round' AS round,"                     \
    " value ->> 'placement' AS placement, value ->> 'requests' AS requests,"   \
    " value ->> 'served_s' AS served_s, value ->> 'bytes' AS bytes"            \
    " FROM json_each((SELECT value FROM meta WHERE key = '" KEY "'))) "

/* Tables: cells between tabs, rows between line ends, then aligned. */

#define MAX_COLUMNS 16

static size_t cell_length(const char *cell)
{
    return strcspn(cell, "\t\n");
}

static void measure(const char *text, size_t widths[MAX_COLUMNS])
{
    size_t column = 0;
    memset(widths, 0, MAX_COLUMNS * sizeof widths[0]);
    while (*text) {
        size_t n = cell_length(text);
        if (column < MAX_COLUMNS && n > widths[column])
            widths[column] = n;
        column = text[n] == '\t' ? column + 1 : 0;
        text += n + (text[n] != '\0');
    }
}

/* The first n_left columns to the left, the others to the right. */
static void put_aligned(const char *text, size_t n_left, struct res_text *out)
{
    size_t widths[MAX_COLUMNS];
    size_t column = 0;
    measure(text, widths);
    while (*text && column < MAX_COLUMNS) {
        int n = (int)cell_length(text);
        int blanks = (int)widths[column] - n;
        bool is_left = column < n_left, is_last = text[n] != '\t';
        res_text_add(out, "%s%*s%.*s%*s", column > 0 ? "  " : "",
                     is_left ? 0 : blanks, "", n, text,
                     is_left && !is_last ? blanks : 0, "");
        if (is_last)
            res_text_put(out, "\n");
        column = is_last ? 0 : column + 1;
        text += n + (text[n] != '\0');
    }
}

static void put_figure(struct res_text *out, double value)
{
    res_text_put(out, "\t");
    res_text_figure(out, value, DIGITS);
}

static void put_kg(struct res_text *out, double gco2e)
{
    put_figure(out, gco2e / FL_G_PER_KG);
}

static void put_sums(struct res_text *out, const struct sums *s)
{
    put_figure(out, s->energy_j / FL_J_PER_KWH);
    put_figure(out, s->idle_j / FL_J_PER_KWH);
    put_kg(out, s->dynamic_gco2e);
    put_kg(out, s->idle_gco2e);
    put_kg(out, s->embodied_gco2e);
    put_kg(out, total_gco2e(s));
    res_text_put(out, "\n");
}

/* One question, one table: n_left names, then SUMS. */
static enum fl_status put_table(struct res_store *store,
                                const char *heads,
                                const char *units,
                                const char *sql,
                                int n_left,
                                struct res_text *out,
                                struct fl_error *err)
{
    sqlite3_stmt *stmt;
    struct res_text rows = {0};
    bool has_row = false;
    enum fl_status status;
    FL_TRY(res_prepare(store, sql, &stmt, err));
    res_text_add(&rows,
                 "%s\tenergy\tof it idle\tdynamic\tidle\tembodied\ttotal\n"
                 "%s\tkWh\tkWh\tkgCO2e\tkgCO2e\tkgCO2e\tkgCO2e\n",
                 heads, units);
    while ((status = res_step(store, stmt, &has_row, err)) == FL_OK &&
           has_row) {
        struct sums sums = sums_of(stmt, n_left);
        for (int i = 0; i < n_left; i++)
            res_text_add(&rows, "%s%s", i > 0 ? "\t" : "",
                         res_column_text(stmt, i));
        put_sums(&rows, &sums);
    }
    sqlite3_finalize(stmt);
    if (status == FL_OK)
        status = res_text_check(&rows, err);
    if (status == FL_OK)
        put_aligned(res_text_get(&rows), (size_t)n_left, out);
    res_text_fini(&rows);
    return status;
}

static enum fl_status
put_rows(struct res_store *store, struct res_text *out, struct fl_error *err)
{
    return put_table(store, "item\tarm\tstage", "\t\t",
                     BOOK "SELECT b.name, b.arm, coalesce(l.stage, '-')," SUMS
                          " FROM book b LEFT JOIN ledger_named l"
                          " ON l.arm = b.arm AND l.round = b.round"
                          " GROUP BY b.number, l.stage ORDER BY b.number",
                     3, out, err);
}

static enum fl_status
put_stages(struct res_store *store, struct res_text *out, struct fl_error *err)
{
    res_text_put(out, "\n");
    return put_table(store, "arm\tstage", "\t",
                     "SELECT l.arm, l.stage," SUMS
                     " FROM ledger_named l JOIN arm a ON a.name = l.arm"
                     " JOIN stage s ON s.name = l.stage"
                     " GROUP BY a.arm, s.stage ORDER BY a.arm, s.stage",
                     2, out, err);
}

/* The sum of each boundary, that of the headline with a star. */
static enum fl_status put_boundaries(struct res_store *store,
                                     struct res_text *out,
                                     struct fl_error *err)
{
    static const char *const names[] = {"dynamic", "operational", "lifecycle"};
    sqlite3_stmt *stmt;
    char *headline = NULL;
    bool has_row = false;
    FL_TRY(res_store_get(store, "boundary", &headline, err));
    enum fl_status status =
        res_prepare(store,
                    "SELECT l.arm," SUMS " FROM ledger_named l JOIN arm a"
                    " ON a.name = l.arm GROUP BY a.arm ORDER BY a.arm",
                    &stmt, err);
    if (status != FL_OK) {
        fl_free(headline);
        return status;
    }
    res_text_put(out, "\n");
    while ((status = res_step(store, stmt, &has_row, err)) == FL_OK &&
           has_row) {
        struct sums s = sums_of(stmt, 1);
        const double sums[] = {s.dynamic_gco2e, s.dynamic_gco2e + s.idle_gco2e,
                               total_gco2e(&s)};
        res_text_add(out, "%s:", res_column_text(stmt, 0));
        for (int i = 0; i < 3; i++) {
            bool is_headline = headline && strcmp(headline, names[i]) == 0;
            res_text_add(out, "%s %s ", i > 0 ? "," : "", names[i]);
            res_text_figure(out, sums[i] / FL_G_PER_KG, DIGITS);
            res_text_add(out, " kgCO2e%s", is_headline ? " (boundary)" : "");
        }
        res_text_put(out, "\n");
    }
    sqlite3_finalize(stmt);
    fl_free(headline);
    return status;
}

/* Servings */

struct serving {
    char *name, *arm, *placement;
    double requests, served_s, bytes;
    struct sums all;
    double moved_j;  /* by transfers */
    double server_j; /* by requests, overhead included */
    double ready_j;  /* idle power of servers that are kept ready */
};

#define MAX_SERVINGS 256

struct servings {
    struct serving all[MAX_SERVINGS];
    size_t n;
};

static const char servings_sql[] = BOOK
    "SELECT b.name, b.arm, b.placement, b.requests, b.served_s, b.bytes," SUMS
    ","
    " total(CASE WHEN l.phase IN ('upload', 'broadcast')"
    "  THEN l.energy_j END),"
    " total(CASE l.role WHEN 'server' THEN l.energy_j END),"
    " total(CASE l.role WHEN 'server' THEN l.idle_j END),"
    " max(CASE l.role WHEN 'server' THEN l.phase = 'wait' END)"
    " FROM book b JOIN ledger_named l ON l.arm = b.arm AND l.round = b.round"
    " WHERE b.placement IS NOT NULL GROUP BY b.number ORDER BY b.number";

static enum fl_status
take_serving(sqlite3_stmt *stmt, struct serving *ret, struct fl_error *err)
{
    *ret = (struct serving){.name = fl_strdup(res_column_text(stmt, 0)),
                            .arm = fl_strdup(res_column_text(stmt, 1)),
                            .placement = fl_strdup(res_column_text(stmt, 2)),
                            .requests = sqlite3_column_double(stmt, 3),
                            .served_s = sqlite3_column_double(stmt, 4),
                            .bytes = sqlite3_column_double(stmt, 5),
                            .all = sums_of(stmt, 6),
                            .moved_j = sqlite3_column_double(stmt, 11),
                            .server_j = sqlite3_column_double(stmt, 12)};
    /* Without replicas nobody waits: a machine's idle power while it computes
     * is then the request's, like the rest. */
    if (sqlite3_column_int(stmt, 14))
        ret->ready_j = sqlite3_column_double(stmt, 13);
    ret->server_j -= ret->ready_j;
    return ret->name && ret->arm && ret->placement
               ? FL_OK
               : fl_fail(err, FL_E_NOMEM, "servings: out of memory");
}

static void servings_fini(struct servings *servings)
{
    for (size_t i = 0; i < servings->n; i++) {
        fl_free(servings->all[i].name);
        fl_free(servings->all[i].arm);
        fl_free(servings->all[i].placement);
    }
}

static void put_servings(const struct servings *servings, struct res_text *out)
{
    struct res_text rows = {0};
    res_text_put(&rows,
                 "serving\tarm\tplacement\trequests\tenergy per request\t"
                 "carbon per request\tper day\tkept ready\n"
                 "\t\t\t\tWh\tgCO2e\tkgCO2e\t% of energy\n");
    for (size_t i = 0; i < servings->n; i++) {
        const struct serving *s = &servings->all[i];
        double gco2e = total_gco2e(&s->all);
        res_text_add(&rows, "%s\t%s\t%s", s->name, s->arm, s->placement);
        put_figure(&rows, s->requests);
        put_figure(&rows, s->all.energy_j / s->requests / FL_J_PER_WH);
        put_figure(&rows, gco2e / s->requests);
        put_kg(&rows, gco2e / (s->served_s / S_PER_DAY));
        put_figure(&rows, s->ready_j > 0 ? 100 * s->ready_j / s->all.energy_j
                                         : (double)NAN);
        res_text_put(&rows, "\n");
    }
    res_text_put(out, "\n");
    put_aligned(res_text_get(&rows), 3, out);
    out->has_failed = out->has_failed || rows.has_failed;
    res_text_fini(&rows);
}

/* Where a device of `end` and a server of `far` would draw the same. */
static void put_crossover(const struct serving *end,
                          const struct serving *far,
                          struct res_text *out)
{
    double moved_bytes = far->bytes * far->requests;
    const struct carbon_crossover c = {
        .end_j = end->all.energy_j / end->requests,
        .network_j_per_byte = moved_bytes > 0 ? far->moved_j / moved_bytes : 0,
        .bytes = far->bytes,
        .server_j = far->server_j / far->requests,
        .ready_w = far->ready_j / far->served_s,
        .rate_hz = far->requests / far->served_s};
    double same_bytes = carbon_crossover_bytes(&c);
    double same_rate_hz = carbon_crossover_rate_hz(&c);
    res_text_add(out, "%s draws ", end->name);
    res_text_figure(out, c.end_j, DIGITS);
    res_text_add(out, " J per request, %s ", far->name);
    res_text_figure(out, carbon_crossover_server_j(&c), DIGITS);
    res_text_put(out, " J; the same at ");
    if (isnan(same_bytes))
        res_text_put(out, "no size of requests");
    else
        res_text_figure(out, same_bytes, DIGITS);
    res_text_put(out, isnan(same_bytes) ? ", and at "
                                        : " bytes per request, and at ");
    if (isnan(same_rate_hz))
        res_text_put(out, "no rate");
    else
        res_text_figure(out, same_rate_hz, DIGITS);
    res_text_put(out, isnan(same_rate_hz) ? "\n" : " requests per second\n");
}

static void put_crossovers(const struct servings *servings,
                           struct res_text *out)
{
    for (size_t i = 0; i < servings->n; i++)
        for (size_t k = 0; k < servings->n; k++)
            if (strcmp(servings->all[i].placement, "end") == 0 &&
                strcmp(servings->all[k].placement, "end") != 0)
                put_crossover(&servings->all[i], &servings->all[k], out);
}

static enum fl_status put_all_servings(struct res_store *store,
                                       struct servings *servings,
                                       struct res_text *out,
                                       struct fl_error *err)
{
    sqlite3_stmt *stmt;
    bool has_row = false;
    enum fl_status status;
    FL_TRY(res_prepare(store, servings_sql, &stmt, err));
    while ((status = res_step(store, stmt, &has_row, err)) == FL_OK &&
           has_row && servings->n < MAX_SERVINGS) {
        status = take_serving(stmt, &servings->all[servings->n++], err);
        if (status != FL_OK)
            break;
    }
    sqlite3_finalize(stmt);
    if (status == FL_OK && servings->n > 0) {
        put_servings(servings, out);
        put_crossovers(servings, out);
    }
    return status;
}

/* The whole */

/* Stages and boundaries are of the whole run: the comparison table shows them
 * where there is training, which has rounds. */
static enum fl_status
put_book(struct res_store *store, struct res_text *out, struct fl_error *err)
{
    char *book = NULL, *dataset = NULL;
    FL_TRY(res_store_get(store, KEY, &book, err));
    bool has_book = book != NULL;
    fl_free(book);
    if (!has_book)
        return FL_OK;
    FL_TRY(res_store_get(store, "dataset", &dataset, err));
    bool is_trained = dataset != NULL;
    fl_free(dataset);
    FL_TRY(put_rows(store, out, err));
    if (!is_trained) {
        FL_TRY(put_stages(store, out, err));
        FL_TRY(put_boundaries(store, out, err));
    }
    struct servings *servings = fl_calloc(1, sizeof *servings);
    if (!servings)
        return fl_fail(err, FL_E_NOMEM, "servings: out of memory");
    enum fl_status status = put_all_servings(store, servings, out, err);
    servings_fini(servings);
    fl_free(servings);
    return status;
}

enum fl_status res_book_print(const char *dir, FILE *out, struct fl_error *err)
{
    struct res_store *store;
    struct res_text text = {0};
    FL_TRY(res_store_create(dir, RES_READ, &store, err));
    enum fl_status status = res_exec(store, "BEGIN", "read the run", err);
    if (status == FL_OK)
        status = res_seal_check_ledger(store, err);
    if (status == FL_OK)
        status = put_book(store, &text, err);
    if (status == FL_OK)
        status = res_text_check(&text, err);
    if (status == FL_OK && fputs(res_text_get(&text), out) == EOF)
        status = fl_fail_errno(err, FL_E_IO, "cannot print the account");
    res_text_fini(&text);
    res_store_destroy(store);
    return status;
}
