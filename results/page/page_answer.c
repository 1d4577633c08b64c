/* The question, and its answer in one sentence. Figures are the cells of the
 * comparison table. */
#include "results/page/page_priv.h"

#include "base/alloc.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

/* How sentences call an arm. */
static const char *words_of(const char *arm)
{
    if (strcmp(arm, RES_ARM_FEDERATED) == 0)
        return "federated learning";
    if (strcmp(arm, RES_ARM_CENTRALIZED) == 0)
        return "centralized training";
    if (strcmp(arm, RES_ARM_LOCAL) == 0)
        return "a client that trains alone";
    return arm;
}

static void put_arm(const char *arm, bool is_first, struct res_text *out)
{
    struct res_text words = {0};
    res_text_put(&words, words_of(arm));
    if (is_first && words.n > 0 && words.bytes[0] >= 'a' &&
        words.bytes[0] <= 'z' && words_of(arm) != arm)
        words.bytes[0] = (char)(words.bytes[0] - 'a' + 'A');
    res_html_text(out, res_text_get(&words));
    out->has_failed = out->has_failed || words.has_failed;
    res_text_fini(&words);
}

/* The table's own cell of a column that people see. */
static void put_cell(const struct res_table *table,
                     const struct res_run *run,
                     const struct res_row *row,
                     const char *column,
                     struct res_text *out)
{
    struct res_text cell = {0};
    const struct res_shown *shown = res_shown_columns;
    while (shown->column && strcmp(shown->column, column) != 0)
        shown++;
    if (shown->put)
        shown->put(table, run, row, &cell);
    res_html_prose(out, res_text_get(&cell));
    out->has_failed = out->has_failed || cell.has_failed;
    res_text_fini(&cell);
}

static void put_figure(double value, int digits, struct res_text *out)
{
    struct res_text figure = {0};
    res_text_figure(&figure, value, digits);
    res_html_text(out, res_text_get(&figure));
    out->has_failed = out->has_failed || figure.has_failed;
    res_text_fini(&figure);
}

static void put_range_head(struct res_text *out)
{
    res_text_put(out, "<span class=\"nowrap\">");
    res_html_prose(out, "5-95 %");
    res_text_put(out, ":</span> ");
}

/* "0.463 gCO2e (5-95 %: 0.238 to 1.15)" */
static void put_carbon(const struct res_table *table,
                       const struct res_run *run,
                       const struct res_row *row,
                       struct res_text *out)
{
    put_cell(table, run, row, "emitted_gco2e", out);
    res_text_put(out, " ");
    res_html_prose(out, table->carbon_unit);
    if (!(row->gco2e_p5 < row->gco2e_p95))
        return;
    res_text_put(out, " (");
    put_range_head(out);
    put_cell(table, run, row, "interval", out);
    res_text_put(out, ")");
}

/* "<strong>5.94 x</strong> (5-95 %: 1.18 to 23.5)". The interval is of the
 * ratio to the centralized arm of the same run. */
static void put_ratio(const struct res_table *table,
                      const struct res_run *run,
                      const struct res_row *row,
                      struct res_text *out)
{
    bool has_interval = strcmp(row->baseline, RES_ARM_CENTRALIZED) == 0 &&
                        row->x_p5 < row->x_p95;
    res_text_put(out, "<strong>");
    put_cell(table, run, row, "x_baseline", out);
    res_text_put(out, "\xc2\xa0\xc3\x97</strong>");
    if (!has_interval && row->n_seeds == 1)
        return;
    res_text_put(out, " (");
    if (has_interval) {
        put_range_head(out);
        put_figure(row->x_p5, 3, out);
        res_text_put(out, " to ");
        put_figure(row->x_p95, 3, out);
    }
    if (row->n_seeds > 1)
        res_text_add(out, "%smean of %lld seeds", has_interval ? "; " : "",
                     (long long)row->n_seeds);
    res_text_put(out, ")");
}

static void put_accuracy(double accuracy, struct res_text *out)
{
    struct res_text text = {0};
    if (isnan(accuracy))
        res_text_put(&text, "an unknown");
    else
        res_text_add(&text, "%.4g", accuracy);
    res_html_text(out, res_text_get(&text));
    res_text_put(out, " test accuracy");
    res_text_fini(&text);
}

/* Where an arm that missed its target got to. */
static void put_end(const struct res_table *table,
                    const struct res_run *run,
                    const struct res_row *row,
                    struct res_text *out)
{
    res_text_put(out, "stopped at ");
    put_cell(table, run, row, "accuracy", out);
    res_text_put(out, ", having emitted ");
    put_carbon(table, run, row, out);
}

/* What a setting is judged by: an arm, and what it is set beside. */
struct pair {
    const struct res_run *run;
    const struct res_row *row;  /* NULL: nothing but the baseline */
    const struct res_row *base; /* NULL: of another run, or there is none */
};

static const struct res_row *arm_of(const struct res_run *run, const char *arm)
{
    for (size_t i = 0; i < run->n_rows; i++)
        if (strcmp(run->rows[i].arm, arm) == 0)
            return &run->rows[i];
    return NULL;
}

/* The federated arm where there is one; clients alone last. */
static struct pair pair_of(const struct res_run *run)
{
    struct pair pair = {.run = run};
    if (run->n_rows > 0)
        pair.base = arm_of(run, run->rows[0].baseline);
    pair.row = arm_of(run, RES_ARM_FEDERATED);
    if (pair.row == pair.base)
        pair.row = NULL;
    for (int alone = 0; alone < 2 && !pair.row; alone++)
        for (size_t i = 0; i < run->n_rows && !pair.row; i++)
            if (&run->rows[i] != pair.base &&
                run->rows[i].is_per_client == (alone == 1))
                pair.row = &run->rows[i];
    return pair;
}

static bool has_missed(const struct res_row *row)
{
    return row->target_accuracy > 0 && row->reached == 0;
}

static bool is_other_run(const struct pair *pair)
{
    return !pair->base && pair->row && pair->row->baseline[0] &&
           !isnan(pair->row->x_baseline);
}

static void put_base(const struct pair *pair, struct res_text *out)
{
    if (!is_other_run(pair)) {
        put_arm(pair->base->arm, false, out);
        return;
    }
    res_text_put(out, "the same arm of ");
    res_html_text(out, pair->row->baseline);
}

static void put_lead(const struct res_row *row, struct res_text *out)
{
    if (row->target_accuracy > 0) {
        res_text_put(out, "To reach ");
        put_accuracy(row->target_accuracy, out);
    } else {
        res_text_put(out, "Without a target accuracy");
    }
    res_text_put(out, ", ");
}

/* Both sides are equally good, or were not asked to be. */
static void put_compared(const struct res_table *table,
                         const struct pair *pair,
                         struct res_text *out)
{
    const struct res_row *row = pair->row;
    put_lead(row, out);
    put_arm(row->arm, false, out);
    res_text_put(out, " emitted ");
    put_ratio(table, pair->run, row, out);
    res_text_put(out, " the carbon of ");
    put_base(pair, out);
    res_text_put(out, ": ");
    put_carbon(table, pair->run, row, out);
    if (pair->base) {
        res_text_put(out, " against ");
        put_carbon(table, pair->run, pair->base, out);
    }
    if (!(row->target_accuracy > 0) && pair->base) {
        res_text_put(out, ", ending at ");
        put_cell(table, pair->run, row, "accuracy", out);
        res_text_put(out, " and ");
        put_cell(table, pair->run, pair->base, "accuracy", out);
        res_text_put(out, " test accuracy, which need not be equally good");
    } else if (row->is_cut || (pair->base && pair->base->is_cut)) {
        res_text_put(out, ", cut there and so without an interval");
    }
    res_text_put(out, ".");
}

static void put_unfinished(const struct res_table *table,
                           const struct pair *pair,
                           struct res_text *out)
{
    const struct res_row *rows[] = {pair->row, pair->base};
    const char *sign = "The run is unfinished, so there is no answer yet: so "
                       "far ";
    for (int i = 0; i < 2; i++) {
        if (!rows[i])
            continue;
        res_text_put(out, sign);
        put_arm(rows[i]->arm, false, out);
        res_text_put(out, rows[i]->is_finished ? " has emitted " : " emitted ");
        put_carbon(table, pair->run, rows[i], out);
        res_text_put(out, rows[i]->is_finished ? " and is done" : "");
        sign = ", ";
    }
    res_text_put(out, ".");
}

/* An arm that has nothing to be set beside. */
static void put_alone(const struct res_table *table,
                      const struct pair *pair,
                      struct res_text *out)
{
    const struct res_row *row = pair->row ? pair->row : pair->base;
    if (has_missed(row)) {
        put_arm(row->arm, true, out);
        res_text_put(out, " never reached ");
        put_accuracy(row->target_accuracy, out);
        res_text_put(out, ": it ");
        put_end(table, pair->run, row, out);
    } else {
        put_lead(row, out);
        put_arm(row->arm, false, out);
        res_text_put(out, " emitted ");
        put_carbon(table, pair->run, row, out);
    }
    res_text_put(out, pair->row
                          ? "; there is no baseline here to compare it with."
                          : "; there is no other arm to compare it with.");
}

/* " emitted 3 g to reach 90 %", of an arm that did. */
static void put_reached(const struct res_table *table,
                        const struct res_run *run,
                        const struct res_row *row,
                        struct res_text *out)
{
    res_text_put(out, " emitted ");
    put_carbon(table, run, row, out);
    if (row->target_accuracy > 0) {
        res_text_put(out, " to reach ");
        put_accuracy(row->target_accuracy, out);
    }
}

/* Some side missed its target, or they had different ones. */
static void put_incomparable(const struct res_table *table,
                             const struct pair *pair,
                             struct res_text *out)
{
    const struct res_row *row = pair->row, *base = pair->base;
    bool is_missed = has_missed(row), is_base_missed = has_missed(base);
    put_arm(row->arm, true, out);
    if (is_missed) {
        res_text_put(out, " never reached ");
        put_accuracy(row->target_accuracy, out);
        res_text_put(out, ": it ");
        put_end(table, pair->run, row, out);
    } else {
        put_reached(table, pair->run, row, out);
    }
    res_text_put(out, is_missed == is_base_missed ? ", and " : ", but ");
    put_arm(base->arm, false, out);
    if (is_base_missed) {
        res_text_put(out, is_missed ? " did not either: it " : " never ");
        if (!is_missed) {
            res_text_put(out, "reached ");
            put_accuracy(base->target_accuracy, out);
            res_text_put(out, ": it ");
        }
        put_end(table, pair->run, base, out);
    } else {
        put_reached(table, pair->run, base, out);
    }
    res_text_put(out, "; they are not equally good, so there is no ratio.");
}

static void put_single(const struct res_table *table, struct res_text *out)
{
    const struct pair pair = pair_of(&table->runs[0]);
    if (!pair.row && !pair.base)
        res_text_put(out, "The run has no arms yet, so there is no answer.");
    else if ((pair.row && !pair.row->is_finished) ||
             (pair.base && !pair.base->is_finished))
        put_unfinished(table, &pair, out);
    else if (pair.row && !isnan(pair.row->x_baseline))
        put_compared(table, &pair, out);
    else if (!pair.row || !pair.base)
        put_alone(table, &pair, out);
    else
        put_incomparable(table, &pair, out);
}

/* What many settings come to. */
struct tally {
    size_t n_ratios, n_more, n_less, n_surely_more, n_surely_less;
    size_t n_missed, n_base_missed, n_unfinished, n_aimless;
    struct pair least, most;
    bool has_base, is_one_target;
    double target;
};

static void add_pair(struct tally *t, const struct pair *pair)
{
    const struct res_row *row = pair->row, *base = pair->base;
    t->has_base = t->has_base || base || is_other_run(pair);
    if (!pair->run->is_finished)
        t->n_unfinished++;
    else if (row && has_missed(row))
        t->n_missed++;
    else if (base && has_missed(base))
        t->n_base_missed++;
    if (!row)
        return;
    t->is_one_target = t->is_one_target &&
                       !(row->target_accuracy > t->target) &&
                       !(row->target_accuracy < t->target);
    if (isnan(row->x_baseline))
        return;
    t->n_ratios++;
    t->n_aimless += !(row->target_accuracy > 0);
    t->n_more += row->x_baseline > 1;
    t->n_less += row->x_baseline < 1;
    bool has_interval = strcmp(row->baseline, RES_ARM_CENTRALIZED) == 0;
    t->n_surely_more += has_interval && row->x_p5 > 1;
    t->n_surely_less += has_interval && row->x_p95 < 1;
    if (!t->least.row || row->x_baseline < t->least.row->x_baseline)
        t->least = *pair;
    if (!t->most.row || row->x_baseline > t->most.row->x_baseline)
        t->most = *pair;
}

/* "Least: dataset mnist, clients 10", which the sentence has no room for. */
static void put_extreme(const struct res_table *table,
                        const char *head,
                        const struct pair *pair,
                        struct res_text *out)
{
    struct res_text who = {0};
    res_put_who(table, pair->run, &who);
    res_text_add(out, "<div><dt>%s</dt><dd>", head);
    put_ratio(table, pair->run, pair->row, out);
    res_text_put(out, " with ");
    res_html_text(out, res_text_get(&who));
    res_text_put(out, ": ");
    put_carbon(table, pair->run, pair->row, out);
    if (pair->base) {
        res_text_put(out, " against ");
        put_carbon(table, pair->run, pair->base, out);
    }
    res_text_put(out, "</dd></div>\n");
    out->has_failed = out->has_failed || who.has_failed;
    res_text_fini(&who);
}

static void
put_count(const char *sign, size_t n, const char *what, struct res_text *out)
{
    if (n > 0)
        res_text_add(out, "%s%zu %s", sign, n, what);
}

static void put_without(const struct tally *t,
                        const struct res_table *table,
                        struct res_text *out)
{
    if (!t->has_base)
        res_text_add(out,
                     "The %zu settings have no baseline to be compared "
                     "with",
                     table->n_runs);
    else
        res_text_add(out, "In none of %zu settings is there a ratio",
                     table->n_runs);
    put_count("; the arm never reached its target in ", t->n_missed, "of them",
              out);
    put_count("; the baseline never did in ", t->n_base_missed, "of them", out);
    put_count("; unfinished: ", t->n_unfinished, "of them", out);
    res_text_put(out, ".");
}

static struct tally tally_of(const struct res_table *table)
{
    struct tally t = {.is_one_target = true};
    for (size_t r = 0; r < table->n_runs; r++) {
        const struct pair pair = pair_of(&table->runs[r]);
        if (r == 0 && pair.row)
            t.target = pair.row->target_accuracy;
        add_pair(&t, &pair);
    }
    return t;
}

static void put_many(const struct res_table *table,
                     const struct tally *t,
                     struct res_text *out)
{
    if (t->n_ratios == 0) {
        put_without(t, table, out);
        return;
    }
    if (!t->is_one_target && t->n_aimless == 0)
        res_text_put(out, "To reach the target accuracy of each setting, ");
    else if (!t->is_one_target)
        res_text_put(out, "At accuracies that need not be equally good, ");
    else
        put_lead(t->least.row, out);
    put_arm(t->least.row->arm, false, out);
    res_text_put(out, t->n_ratios > 1 ? " emitted between " : " emitted ");
    put_ratio(table, t->least.run, t->least.row, out);
    if (t->n_ratios > 1) {
        res_text_put(out, " and ");
        put_ratio(table, t->most.run, t->most.row, out);
    }
    res_text_put(out, " the carbon of ");
    put_base(&t->least, out);
    res_text_add(out, ": of %zu settings, more in %zu", table->n_runs,
                 t->n_more);
    put_count(" (in ", t->n_surely_more, "with the whole interval above 1)",
              out);
    res_text_add(out, " and less in %zu", t->n_less);
    put_count(" (in ", t->n_surely_less, "with the whole interval below 1)",
              out);
    put_count("; in ", t->n_missed, "it never reached its target", out);
    put_count("; in ", t->n_base_missed, "the baseline never did", out);
    put_count("; ", t->n_unfinished, "unfinished", out);
    size_t n_told =
        t->n_ratios + t->n_missed + t->n_base_missed + t->n_unfinished;
    if (n_told < table->n_runs)
        put_count("; no ratio in ", table->n_runs - n_told, "more", out);
    if (!t->is_one_target)
        put_count("; without a target accuracy in ", t->n_aimless, "of them",
                  out);
    res_text_put(out, ".");
}

enum fl_status res_page_put_answer(struct res_page *page, struct fl_error *err)
{
    static const enum res_note notes[] = {RES_NOTE_UNCERTAIN};
    struct res_text *out = &page->out;
    const struct tally t = tally_of(page->table);
    res_text_put(out, "<p class=\"answer\">");
    if (page->table->n_runs == 1)
        put_single(page->table, out);
    else
        put_many(page->table, &t, out);
    res_text_put(out, "</p>\n");
    if (page->table->n_runs > 1 && t.n_ratios > 1) {
        res_text_put(out, "<dl class=\"notes\">\n");
        put_extreme(page->table, "least", &t.least, out);
        put_extreme(page->table, "most", &t.most, out);
        res_text_put(out, "</dl>\n");
    }
    return res_page_put_notes(page, notes, 1, err);
}
