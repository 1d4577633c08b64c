/* What figures rest on: evidence, what the answer hangs on, every fact. */
#include "results/page/page_priv.h"

#include "base/alloc.h"
#include "base/parse.h"
#include "results/uncertain/influences.h"
#include "results/uncertain/intervals.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#define OF(member) false, offsetof(struct res_page_fact, member)
#define ONE        "does not add up"
#define SLIGHT     0.01 /* of the variance: facts below are folded away */

static const struct res_column fact_columns[] = {
    {"fact", "-", "name of the fact", "names the row", RES_COLUMN_TEXT,
     OF(name)},
    {"value", "unit", "its value", ONE, RES_COLUMN_REAL, OF(value)},
    {"unit", "-", "of the value", ONE, RES_COLUMN_TEXT, OF(unit)},
    {"evidence", "-", "where it comes from", ONE, RES_COLUMN_TEXT,
     OF(evidence)},
    {"spread", "-", "how far it may be off", ONE, RES_COLUMN_TEXT, OF(spread)},
    {"year", "year", "of the source", ONE, RES_COLUMN_INT, OF(year)},
    {"source", "-", "who says so", ONE, RES_COLUMN_TEXT, OF(source)},
    {"runs", "-", "that have it so", ONE, RES_COLUMN_TEXT, OF(runs)},
    {0},
};
/* Of one run, all facts are its own. */
static const struct res_shown_record shown_of_many[] = {
    {"fact", "fact", 0},         {"value", "value", 4},   {"unit", "unit", 0},
    {"evidence", "evidence", 0}, {"spread", "spread", 0}, {"year", "year", 0},
    {"source", "source", 0},     {"runs", "runs", 0},     {0},
};
static const struct res_shown_record shown_of_one[] = {
    {"fact", "fact", 0},     {"value", "value", 4},
    {"unit", "unit", 0},     {"evidence", "evidence", 0},
    {"spread", "spread", 0}, {"year", "year", 0},
    {"source", "source", 0}, {0},
};

/* The cell of the table's column. */
static void put_share(const struct res_table *table,
                      const struct res_row *row,
                      struct res_text *cell)
{
    const struct res_shown *shown = res_shown_columns;
    while (strcmp(shown->column, "assumed_ratio") != 0)
        shown++;
    res_text_clear(cell);
    shown->put(table, &table->runs[0], row, cell);
}

/* The rows of an arm that rest on assumed facts least and most. */
static void find_shares(const struct res_table *table,
                        const char *arm,
                        const struct res_row **ret_least,
                        const struct res_row **ret_most)
{
    *ret_least = *ret_most = NULL;
    for (size_t r = 0; r < table->n_runs; r++)
        for (size_t i = 0; i < table->runs[r].n_rows; i++) {
            const struct res_row *row = &table->runs[r].rows[i];
            if (strcmp(row->arm, arm) != 0 || isnan(row->assumed_ratio))
                continue;
            if (!*ret_least || row->assumed_ratio < (*ret_least)->assumed_ratio)
                *ret_least = row;
            if (!*ret_most || row->assumed_ratio > (*ret_most)->assumed_ratio)
                *ret_most = row;
        }
}

/* "...: federated >99 %, centralized 12 % to 40 %." */
static enum fl_status put_shares(const struct res_table *table,
                                 struct res_text *out,
                                 struct fl_error *err)
{
    static const char *const arms[] = {RES_ARM_FEDERATED, RES_ARM_CENTRALIZED,
                                       RES_ARM_LOCAL};
    struct res_text low = {0}, high = {0};
    const char *sign = "<p>Share of the emissions that rests on at least one "
                       "assumed fact: ";
    for (size_t a = 0; a < sizeof arms / sizeof arms[0]; a++) {
        const struct res_row *least, *most;
        find_shares(table, arms[a], &least, &most);
        if (!least)
            continue;
        put_share(table, least, &low);
        put_share(table, most, &high);
        res_text_add(out, "%s%s ", sign, arms[a]);
        res_html_prose(out, res_text_get(&low));
        if (strcmp(res_text_get(&low), res_text_get(&high)) != 0) {
            res_text_put(out, " to ");
            res_html_prose(out, res_text_get(&high));
        }
        sign = ", ";
    }
    if (sign[0] == ',')
        res_text_put(out, ". It says where figures come from, not how far "
                          "they may be off.</p>\n");
    enum fl_status status = res_text_check(&low, err);
    if (status == FL_OK)
        status = res_text_check(&high, err);
    res_text_fini(&low);
    res_text_fini(&high);
    return status;
}

/* "1.1", where res_text_figure says "1.100". */
static void put_plainly(double value, struct res_text *out)
{
    if (isnan(value))
        res_text_put(out, "-");
    else
        res_text_add(out, "%.6g", value);
}

/* "measured 1.05, datasheet 1.1 ...", as the first run has them. */
static void put_defaults(const struct res_page *page, struct res_text *out)
{
    static const char *const kinds[] = {"measured", "datasheet", "derived",
                                        "assumed"};
    struct res_text text = {0};
    res_text_put(&text, "Spread \"by evidence\": lognormal; two times out of "
                        "three a fact is at most so much larger or smaller: ");
    for (int e = 0; e < 4; e++) {
        char key[32];
        (void)snprintf(key, sizeof key, "gsd_%s", kinds[e]);
        const char *own = res_page_meta(&page->runs[0], key);
        res_text_add(&text, "%s%s ", e > 0 ? ", " : "", kinds[e]);
        double gsd = res_default_gsd.gsd[e];
        if (own[0] && fl_parse_double(own, 1, 1e300, &gsd, NULL) != FL_OK)
            gsd = (double)NAN;
        put_plainly(gsd, &text);
        res_text_put(&text, " times");
    }
    res_text_put(&text, ".");
    res_text_put(out, "<p class=\"small\">");
    res_html_prose(out, res_text_get(&text));
    res_text_put(out, "</p>\n");
    out->has_failed = out->has_failed || text.has_failed;
    res_text_fini(&text);
}

/* Those from the nth on, folded away. */
static enum fl_status put_slight(struct res_page *page,
                                 const struct res_page_run *run,
                                 size_t n,
                                 size_t number,
                                 struct fl_error *err)
{
    struct res_records records = res_influence_records(&run->uncertain);
    struct res_text caption = {0};
    char id[48];
    records.rows = run->uncertain.influences + n;
    records.n = run->uncertain.n_influences - n;
    (void)snprintf(id, sizeof id, "slight-%zu", number);
    res_text_add(&caption, "Facts of little influence in %s.", run->run.label);
    res_text_add(&page->out,
                 "<details><summary>%zu more that move it by less than 1 "
                 "%%</summary>\n",
                 records.n);
    enum fl_status status = res_text_check(&caption, err);
    if (status == FL_OK)
        status = res_html_records(&page->out, &records, id,
                                  res_text_get(&caption), err);
    res_text_put(&page->out, "</details>\n");
    res_text_fini(&caption);
    return status;
}

static enum fl_status put_influences(struct res_page *page,
                                     const struct res_page_run *run,
                                     size_t number,
                                     struct fl_error *err)
{
    const struct res_uncertain *u = &run->uncertain;
    char id[48];
    struct res_text caption = {0};
    if (!run->has_influences)
        return FL_OK;
    if (u->n_influences == 0) {
        res_text_put(&page->out, "<p>No fact of it is unsure.</p>\n");
        return FL_OK;
    }
    (void)snprintf(id, sizeof id, "influences-%zu", number);
    struct res_records records = res_influence_records(u);
    size_t n = 1;
    while (n < u->n_influences && u->influences[n].total >= SLIGHT)
        n++;
    records.n = n;
    res_text_add(&caption,
                 "Facts behind the variance of the %s of %s: their 5-95 %% "
                 "range, and their share of it alone and in all (Sobol "
                 "indices).",
                 u->is_of_ratio ? "ratio to the centralized arm" : "total",
                 run->run.label);
    enum fl_status status = res_text_check(&caption, err);
    if (status == FL_OK)
        status = res_html_records(&page->out, &records, id,
                                  res_text_get(&caption), err);
    if (status == FL_OK && n < u->n_influences)
        status = put_slight(page, run, n, number, err);
    res_text_fini(&caption);
    return status;
}

/* Of many runs, what was kept when each was finished: the strongest. */
static enum fl_status put_all_influences(struct res_page *page,
                                         struct fl_error *err)
{
    if (page->n_runs == 1)
        return put_influences(page, &page->runs[0], 0, err);
    for (size_t i = 0; i < page->n_runs && i < RES_PAGE_FULL_RUNS; i++) {
        const struct res_page_run *run = &page->runs[i];
        if (!run->has_influences && !run->run.influences[0])
            continue;
        res_text_put(&page->out, "<details class=\"run\">");
        res_page_put_summary(run, &page->out);
        if (run->has_influences) {
            FL_TRY(put_influences(page, run, i, err));
        } else {
            res_text_put(&page->out, "<p>");
            res_html_prose(&page->out, run->run.influences);
            res_text_put(&page->out, "</p>\n");
        }
        res_text_put(&page->out, "</details>\n");
    }
    return FL_OK;
}

static enum fl_status put_facts(struct res_page *page, struct fl_error *err)
{
    size_t counts[CARBON_EVIDENCE_LAST_] = {0}, n_off = 0;
    struct res_text *out = &page->out;
    for (size_t i = 0; i < page->n_facts; i++) {
        int64_t number = page->facts[i].evidence_number;
        if (number >= 0 && number < CARBON_EVIDENCE_LAST_)
            counts[number]++;
        else
            n_off++;
    }
    const struct res_records records = {
        .columns = fact_columns,
        .rows = page->facts,
        .stride = sizeof page->facts[0],
        .n = page->n_facts,
        .shown = page->n_runs > 1 ? shown_of_many : shown_of_one,
    };
    res_text_add(out,
                 "<h3>Every fact</h3>\n<details><summary>%zu "
                 "facts: %zu assumed, %zu derived, %zu from data sheets, %zu "
                 "measured, %zu switched off</summary>\n",
                 page->n_facts, counts[CARBON_ASSUMED], counts[CARBON_DERIVED],
                 counts[CARBON_DATASHEET], counts[CARBON_MEASURED], n_off);
    if (page->n_facts > 0)
        FL_TRY(res_html_records(out, &records, "facts",
                                "The facts, the weakest evidence first.", err));
    put_defaults(page, out);
    res_text_put(out, "</details>\n");
    return res_text_check(out, err);
}

enum fl_status res_page_put_assumed(struct res_page *page, struct fl_error *err)
{
    static const enum res_note notes[] = {
        RES_NOTE_INFLUENCES, RES_NOTE_LEAVES_OUT, RES_NOTE_OFF,
        RES_NOTE_BOUNDARY,   RES_NOTE_NETWORK,    RES_NOTE_MODELLED,
    };
    FL_TRY(put_shares(page->table, &page->out, err));
    FL_TRY(
        res_page_put_notes(page, notes, sizeof notes / sizeof notes[0], err));
    if (page->runs[0].has_influences || page->runs[0].run.influences[0])
        res_text_put(&page->out, "<h3>What the answer hangs on</h3>\n");
    FL_TRY(put_all_influences(page, err));
    return put_facts(page, err);
}
