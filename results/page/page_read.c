/* What a report shows of each run besides its figures: named texts, facts and
 * what the answer hangs on. */
#include "results/page/page_priv.h"

#include "base/alloc.h"
#include "results/uncertain/influences.h"
#include "results/uncertain/intervals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    FACT_NAME,
    FACT_UNIT,
    FACT_VALUE,
    FACT_IS_OFF,
    FACT_EVIDENCE_NUMBER,
    FACT_EVIDENCE,
    FACT_YEAR,
    FACT_SOURCE,
    FACT_SPREAD,
    FACT_LOW,
    FACT_HIGH,
    FACT_SD,
    FACT_GSD
};
static const char facts_sql[] =
    "SELECT f.name, f.unit, f.value, f.is_off, f.evidence, e.name, f.year,"
    " f.source, f.spread, f.low, f.high, f.sd, f.gsd"
    " FROM fact f JOIN evidence e USING (evidence) ORDER BY f.name";

static size_t count_keys(void)
{
    size_t n = 0;
    while (res_meta_keys[n].key)
        n++;
    return n;
}

const char *res_page_meta(const struct res_page_run *run, const char *key)
{
    for (size_t i = 0; res_meta_keys[i].key; i++)
        if (strcmp(res_meta_keys[i].key, key) == 0)
            return run->meta && run->meta[i] ? run->meta[i] : "";
    return "";
}

/* "uniform 66.3 to 1325", "lognormal, x or / 5", "by evidence". */
static void put_spread(sqlite3_stmt *stmt, double shown, struct res_text *out)
{
    const char *kind = res_column_text(stmt, FACT_SPREAD);
    const double low = sqlite3_column_double(stmt, FACT_LOW) * shown;
    const double high = sqlite3_column_double(stmt, FACT_HIGH) * shown;
    const double sd = sqlite3_column_double(stmt, FACT_SD) * shown;
    const double gsd = sqlite3_column_double(stmt, FACT_GSD);
    if (strcmp(kind, "none") == 0) {
        res_text_put(out, "by evidence");
        return;
    }
    res_text_put(out, kind);
    if (high > low) {
        res_text_put(out, " ");
        res_text_figure(out, low, 3);
        res_text_put(out, " to ");
        res_text_figure(out, high, 3);
    } else if (gsd > 0) {
        res_text_put(out, ", times or divided by ");
        res_text_figure(out, gsd, 3);
    } else if (sd > 0) {
        res_text_put(out, ", standard deviation ");
        res_text_figure(out, sd, 3);
    }
}

static void fact_fini(struct res_page_fact *fact)
{
    fl_free(fact->name);
    fl_free(fact->unit);
    fl_free(fact->evidence);
    fl_free(fact->source);
    fl_free(fact->spread);
    fl_free(fact->runs);
}

static enum fl_status
take_fact(sqlite3_stmt *stmt, struct res_page_fact *ret, struct fl_error *err)
{
    double shown = 1;
    struct res_text spread = {0};
    bool is_off = sqlite3_column_int(stmt, FACT_IS_OFF) != 0;
    struct res_page_fact fact = {
        .name = fl_strdup(res_column_text(stmt, FACT_NAME)),
        .unit = res_handy_unit(res_column_text(stmt, FACT_UNIT), &shown),
        .evidence =
            fl_strdup(is_off ? "off" : res_column_text(stmt, FACT_EVIDENCE)),
        .source = fl_strdup(res_column_text(stmt, FACT_SOURCE)),
        .evidence_number =
            is_off ? -1 : sqlite3_column_int64(stmt, FACT_EVIDENCE_NUMBER),
        .year = sqlite3_column_int64(stmt, FACT_YEAR),
        .n_runs = 1,
    };
    if (fact.year == 0)
        fact.year = -1; /* none */
    fact.value =
        is_off ? (double)NAN : sqlite3_column_double(stmt, FACT_VALUE) * shown;
    if (!is_off)
        put_spread(stmt, shown, &spread);
    fact.spread = fl_strdup(res_text_get(&spread));
    enum fl_status status = res_text_check(&spread, err);
    res_text_fini(&spread);
    if (status == FL_OK && (!fact.name || !fact.unit || !fact.evidence ||
                            !fact.source || !fact.spread))
        status = fl_fail(err, FL_E_NOMEM, "out of memory: facts");
    if (status == FL_OK)
        *ret = fact;
    else
        fact_fini(&fact);
    return status;
}

static int by_name(const void *a, const void *b)
{
    const struct res_page_fact *x = a, *y = b;
    const int texts[] = {strcmp(x->name, y->name),
                         strcmp(x->evidence, y->evidence),
                         strcmp(x->unit, y->unit), strcmp(x->spread, y->spread),
                         strcmp(x->source, y->source)};
    if (texts[0])
        return texts[0];
    bool is_off = isnan(x->value), is_other_off = isnan(y->value);
    if (is_off != is_other_off)
        return is_off ? 1 : -1;
    if (x->value < y->value || x->value > y->value)
        return x->value < y->value ? -1 : 1;
    if (x->year != y->year)
        return x->year < y->year ? -1 : 1;
    for (size_t i = 1; i < sizeof texts / sizeof texts[0]; i++)
        if (texts[i])
            return texts[i];
    return 0;
}

static enum fl_status
read_facts(struct res_store *store, struct res_page *page, struct fl_error *err)
{
    sqlite3_stmt *stmt;
    FL_TRY(res_prepare(store, facts_sql, &stmt, err));
    bool has_row = false;
    enum fl_status status;
    while ((status = res_step(store, stmt, &has_row, err)) == FL_OK &&
           has_row) {
        status = fl_grow(&page->facts, &page->facts_capacity, page->n_facts + 1,
                         sizeof page->facts[0], err);
        if (status == FL_OK)
            status = take_fact(stmt, &page->facts[page->n_facts], err);
        if (status != FL_OK)
            break;
        page->n_facts++;
    }
    sqlite3_finalize(stmt);
    return status;
}

/* Those of all runs so far that are the same become one. */
static void join_facts(struct res_page *page)
{
    size_t n = 0;
    if (page->n_facts == 0)
        return;
    qsort(page->facts, page->n_facts, sizeof page->facts[0], by_name);
    for (size_t i = 0; i < page->n_facts; i++) {
        if (n > 0 && by_name(&page->facts[n - 1], &page->facts[i]) == 0) {
            page->facts[n - 1].n_runs += page->facts[i].n_runs;
            fact_fini(&page->facts[i]);
        } else {
            page->facts[n++] = page->facts[i];
        }
    }
    page->n_facts = n;
}

/* The weakest evidence first, what is switched off last. */
static int by_evidence(const void *a, const void *b)
{
    const struct res_page_fact *x = a, *y = b;
    if (x->evidence_number != y->evidence_number)
        return x->evidence_number > y->evidence_number ? -1 : 1;
    return by_name(a, b);
}

enum fl_status res_page_close_facts(struct res_page *page, struct fl_error *err)
{
    if (page->n_facts > 0)
        qsort(page->facts, page->n_facts, sizeof page->facts[0], by_evidence);
    for (size_t i = 0; i < page->n_facts; i++) {
        struct res_page_fact *fact = &page->facts[i];
        struct res_text text = {0};
        if (fact->n_runs == page->n_runs)
            res_text_put(&text, "all");
        else
            res_text_add(&text, "%zu of %zu", fact->n_runs, page->n_runs);
        fact->runs = fl_strdup(res_text_get(&text));
        res_text_fini(&text);
        if (!fact->runs)
            return fl_fail(err, FL_E_NOMEM, "out of memory: facts");
    }
    return FL_OK;
}

static enum fl_status read_meta(struct res_store *store,
                                struct res_page_run *run,
                                struct fl_error *err)
{
    run->meta = fl_calloc(count_keys() + 1, sizeof run->meta[0]);
    if (!run->meta)
        return fl_fail(err, FL_E_NOMEM, "out of memory: report");
    for (size_t i = 0; res_meta_keys[i].key; i++)
        FL_TRY(res_store_get(store, res_meta_keys[i].key, &run->meta[i], err));
    return FL_OK;
}

static enum fl_status read_all(struct res_page *page,
                               struct res_store *store,
                               bool with_influences,
                               struct res_page_run *run,
                               struct fl_error *err)
{
    /* One transaction: all of it is of the same moment. */
    FL_TRY(res_exec(store, "BEGIN", "read the run", err));
    FL_TRY(res_gather(store, &run->run, err));
    FL_TRY(read_meta(store, run, err));
    if (with_influences) {
        FL_TRY(
            res_uncertain(store, RES_TABLE_DRAWS, true, &run->uncertain, err));
        run->has_influences = true;
    }
    return read_facts(store, page, err);
}

static void run_fini(struct res_page_run *run)
{
    for (size_t i = 0; run->meta && res_meta_keys[i].key; i++)
        fl_free(run->meta[i]);
    fl_free(run->meta);
    res_uncertain_fini(&run->uncertain);
    res_run_fini(&run->run);
}

enum fl_status res_page_read_run(struct res_page *page,
                                 const char *dir,
                                 bool with_influences,
                                 struct fl_error *err)
{
    struct res_store *store;
    struct res_page_run run = {.meta = NULL};
    size_t n_facts = page->n_facts;
    FL_TRY(res_store_create(dir, RES_READ, &store, err));
    enum fl_status status = read_all(page, store, with_influences, &run, err);
    res_store_destroy(store);
    if (status != FL_OK) {
        while (page->n_facts > n_facts)
            fact_fini(&page->facts[--page->n_facts]);
        run_fini(&run);
        return status;
    }
    join_facts(page);
    page->dirs[page->n_runs] = dir;
    page->runs[page->n_runs++] = run;
    return FL_OK;
}

void res_page_fini(struct res_page *page)
{
    for (size_t i = 0; i < page->n_runs; i++)
        run_fini(&page->runs[i]);
    for (size_t i = 0; i < page->n_facts; i++)
        fact_fini(&page->facts[i]);
    if (page->gallery)
        res_gallery_fini(page->gallery);
    fl_free(page->gallery);
    res_run_dirs_fini(&page->asked);
    fl_free(page->runs);
    fl_free(page->facts);
    fl_free(page->dirs);
    res_text_fini(&page->problems);
    res_text_fini(&page->out);
}
