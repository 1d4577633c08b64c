/* What was compared. */
#include "results/page/page_priv.h"

#include "base/alloc.h"

#include <stddef.h>
#include <string.h>

/* What a run says for an entry of the list; nothing: it does not know. */
typedef void (*put_fn)(const struct res_run *run, struct res_text *out);

static void put_target(const struct res_run *run, struct res_text *out)
{
    struct res_text all = {0};
    res_put_targets(run, &all); /* "target accuracy: 0.8" */
    const char *colon = strchr(res_text_get(&all), ':');
    res_text_put(out, colon ? colon + 2 : "");
    out->has_failed = out->has_failed || all.has_failed;
    res_text_fini(&all);
}

static void put_clients(const struct res_run *run, struct res_text *out)
{
    if (run->n_clients >= 0)
        res_text_add(out, "%lld", (long long)run->n_clients);
}

static void put_arms(const struct res_run *run, struct res_text *out)
{
    for (size_t i = 0; i < run->n_rows; i++)
        res_text_add(out, "%s%s", i > 0 ? ", " : "", run->rows[i].arm);
}

static void put_boundary(const struct res_run *run, struct res_text *out)
{
    res_put_note(NULL, run, RES_NOTE_BOUNDARY, out);
}

#define TEXT(member)                                                           \
    static void put_##member(const struct res_run *run, struct res_text *out)  \
    {                                                                          \
        res_text_put(out, run->member);                                        \
    }
TEXT(dataset)
TEXT(model)
TEXT(partition)
TEXT(grid)
TEXT(preset)
TEXT(seed)
#undef TEXT

static const struct {
    const char *head;
    put_fn put;
} entries[] = {
    {"Data set", put_dataset},
    {"Model", put_model},
    {"Clients", put_clients},
    {"Partition", put_partition},
    {"Arms", put_arms},
    {"Target accuracy", put_target},
    {"Boundary", put_boundary},
    {"Grid", put_grid},
    {"Carbon preset", put_preset},
    {"Seed", put_seed},
};

/* Each answer of the runs once, up to a few. */
static void put_distinct(const struct res_table *table,
                         put_fn put,
                         struct res_text *all,
                         struct res_text *one)
{
    enum { SHOWN = 8 };
    size_t n = 0;
    res_text_clear(all); /* "\n" in front of and behind each */
    res_text_put(all, "\n");
    for (size_t r = 0; r < table->n_runs; r++) {
        res_text_clear(one);
        res_text_put(one, "\n");
        put(&table->runs[r], one);
        if (one->n == 1)
            continue;
        res_text_put(one, "\n");
        if (strstr(res_text_get(all), res_text_get(one)))
            continue;
        if (n++ < SHOWN)
            res_text_put(all, res_text_get(one) + 1);
    }
    if (n > SHOWN)
        res_text_add(all, "and %zu more\n", n - SHOWN);
}

static void put_values(const char *lines, struct res_text *out)
{
    struct res_text value = {0};
    const char *sign = "";
    for (const char *at = lines + strspn(lines, "\n"); *at;) {
        size_t n = strcspn(at, "\n");
        res_text_clear(&value);
        res_text_put_bytes(&value, at, n);
        res_text_put(out, sign);
        res_html_prose(out, res_text_get(&value));
        sign = "; ";
        at += n + (at[n] == '\n');
    }
    if (sign[0] == '\0')
        res_text_put(out, "not recorded");
    out->has_failed = out->has_failed || value.has_failed;
    res_text_fini(&value);
}

static void put_sentence(const struct res_table *table, struct res_text *out)
{
    double target = 0;
    bool is_one = true, has_base = false, has_federated = false;
    for (size_t r = 0; r < table->n_runs; r++)
        for (size_t a = 0; a < table->runs[r].n_rows; a++) {
            const struct res_row *row = &table->runs[r].rows[a];
            has_base = has_base || strcmp(row->arm, RES_ARM_CENTRALIZED) == 0;
            has_federated =
                has_federated || strcmp(row->arm, RES_ARM_FEDERATED) == 0;
            if (row->is_per_client)
                continue;
            if (!(target > 0))
                target = row->target_accuracy;
            is_one = is_one && !(row->target_accuracy < target) &&
                     !(row->target_accuracy > target);
        }
    res_text_put(out, "<p class=\"lede\">How much carbon does ");
    res_text_put(out,
                 has_federated ? "federated learning emit" : "training emit");
    if (has_federated && has_base)
        res_text_put(out, ", compared with centralized training");
    if (target > 0 && is_one)
        res_text_add(out, ", to reach %.4g test accuracy", target);
    else if (target > 0)
        res_text_put(out, ", to reach the same test accuracy");
    res_text_put(out, "?</p>\n");
}

enum fl_status res_page_put_question(struct res_page *page,
                                     struct fl_error *err)
{
    struct res_text all = {0}, one = {0}, *out = &page->out;
    put_sentence(page->table, out);
    res_text_put(out, "<dl class=\"glance\">\n");
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        put_distinct(page->table, entries[i].put, &all, &one);
        res_text_add(out, "<div><dt>%s</dt><dd>", entries[i].head);
        put_values(res_text_get(&all), out);
        res_text_put(out, "</dd></div>\n");
    }
    if (page->n_runs > 1) {
        res_text_add(out, "<div><dt>Runs</dt><dd>%zu", page->n_runs);
        if (page->table->n_runs < page->n_runs)
            res_text_add(out, ", of %zu settings", page->table->n_runs);
        res_text_put(out, "</dd></div>\n");
    }
    res_text_put(out, "</dl>\n");
    enum fl_status status = res_text_check(&all, err);
    if (status == FL_OK)
        status = res_text_check(&one, err);
    res_text_fini(&all);
    res_text_fini(&one);
    return status != FL_OK ? status : res_text_check(out, err);
}
