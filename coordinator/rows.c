#include "coordinator/rows.h"

#include "base/alloc.h"
#include "results/account_book.h"

#include <math.h>

/* A fact that entries may rest on. */
struct known {
    char *name;
    const char *unit;
    const struct carbon_fact *fact;
    bool is_used;
};

struct book {
    const struct scn_scenario *scenario;
    struct res_store *store;
    struct known *facts;
    size_t n, capacity;
    const struct coord_rows_start *starts; /* by arm, or NULL */
    double *end_s;                         /* likewise */
};

/* Facts */

static enum fl_status know_fact(const char *name,
                                const char *unit,
                                const struct carbon_fact *fact,
                                void *arg,
                                struct fl_error *err)
{
    struct book *book = arg;
    FL_TRY(fl_grow(&book->facts, &book->capacity, book->n + 1,
                   sizeof book->facts[0], err));
    char *copy = fl_strdup(name);
    if (!copy)
        return fl_fail(err, FL_E_NOMEM, "out of memory: facts");
    book->facts[book->n++] =
        (struct known){.name = copy, .unit = unit, .fact = fact};
    return FL_OK;
}

static enum fl_status know_preset(struct book *book, struct fl_error *err)
{
    const struct carbon_preset *p = &book->scenario->preset;
    const struct {
        const char *name, *unit;
        const struct carbon_fact *fact;
    } facts[] = {
        {"carbon.core_network_j_per_byte", "J/byte",
         &p->core_network_j_per_byte},
        {"carbon.network_idle_share", "ratio", &p->network_idle_share},
        {"carbon.whole_network_j_per_byte", "J/byte",
         &p->whole_network_j_per_byte},
        {"carbon.peer_j_per_byte", "J/byte", &p->peer_j_per_byte},
        {"carbon.storage_w_per_byte", "W/byte", &p->storage_w_per_byte},
        {"carbon.storage_copies", "copies", &p->storage_copies},
        {"carbon.router_w", "W", &p->router_w},
    };
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++)
        FL_TRY(
            know_fact(facts[i].name, facts[i].unit, facts[i].fact, book, err));
    return FL_OK;
}

static void mark(struct book *book, const struct carbon_fact *fact)
{
    for (size_t i = 0; i < book->n; i++)
        if (book->facts[i].fact == fact)
            book->facts[i].is_used = true;
}

static enum fl_status cost(const struct book *book,
                           const struct scn_event *event,
                           struct carbon_entry entries[CARBON_MAX_TERMS],
                           size_t *ret_n,
                           struct fl_error *err)
{
    const struct scn_scenario *s = book->scenario;
    return scn_event_account(&s->preset, s->grid, &s->account, event, entries,
                             ret_n, err);
}

static enum fl_status
mark_event(const struct scn_event *event, void *arg, struct fl_error *err)
{
    struct book *book = arg;
    struct carbon_entry entries[CARBON_MAX_TERMS];
    size_t n = 0;
    FL_TRY(cost(book, event, entries, &n, err));
    for (size_t i = 0; i < n; i++)
        for (int32_t k = 0; k < entries[i].n_uses; k++)
            mark(book, entries[i].uses[k].fact);
    return FL_OK;
}

/* Every event, each serving from when its arm is through. */
static enum fl_status
each(struct book *book, scn_event_fn fn, struct fl_error *err)
{
    const struct scn_account *account = &book->scenario->account;
    if (!book->starts)
        return scn_account_each(account, fn, book, err);
    for (size_t i = 0; i < account->n_servings; i++)
        FL_TRY(scn_serving_each(account, i,
                                book->starts[account->servings[i].arm].t0_s, fn,
                                book, err));
    return FL_OK;
}

/* What entries rest on, and what was said to be off. */
static enum fl_status store_facts(struct book *book, struct fl_error *err)
{
    const struct scn_scenario *s = book->scenario;
    FL_TRY(scn_account_facts(&s->account, know_fact, book, err));
    FL_TRY(know_preset(book, err));
    FL_TRY(each(book, mark_event, err));
    for (size_t i = 0; i < book->n; i++) {
        const struct known *known = &book->facts[i];
        if (known->is_used || known->fact->is_off)
            FL_TRY(res_store_add_fact(book->store, known->name, known->unit,
                                      known->fact, err));
    }
    return FL_OK;
}

/* Rows */

static const char *arm_name(const struct scn_account *account, int32_t arm)
{
    return account->is_whole ? account->arms[arm]
                             : scn_arm_name((enum scn_arm)arm);
}

static int64_t round_of(const struct book *book, int32_t arm, size_t row)
{
    return (book->starts ? book->starts[arm].first_round : 0) + (int64_t)row;
}

static enum fl_status store_rows(struct book *book, struct fl_error *err)
{
    const struct scn_account *account = &book->scenario->account;
    size_t n = account->n_items + account->n_servings;
    struct res_book_row *rows = fl_calloc(n, sizeof *rows);
    if (!rows)
        return fl_fail(err, FL_E_NOMEM, "out of memory: items");
    for (size_t i = 0; i < account->n_items; i++) {
        rows[i].name = account->items[i].name;
        rows[i].arm = arm_name(account, account->items[i].arm);
        rows[i].round = round_of(book, account->items[i].arm, i);
    }
    for (size_t i = 0; i < account->n_servings; i++) {
        const struct scn_serving *s = &account->servings[i];
        struct res_book_row *row = &rows[account->n_items + i];
        row->name = s->name;
        row->arm = arm_name(account, s->arm);
        row->round = round_of(book, s->arm, account->n_items + i);
        row->placement = scn_placement_name(s->placement);
        row->requests = scn_serving_requests(s);
        row->served_s = scn_serving_s(s);
        row->bytes = s->request_bytes + s->answer_bytes;
    }
    enum fl_status status = res_book_put(book->store, rows, n, err);
    fl_free(rows);
    return status;
}

static enum fl_status
store_event(const struct scn_event *event, void *arg, struct fl_error *err)
{
    struct book *book = arg;
    struct carbon_entry entries[CARBON_MAX_TERMS];
    size_t n = 0;
    if (book->end_s) {
        double *end_s = &book->end_s[event->activity.arm];
        *end_s = fmax(*end_s, event->activity.t1_s);
    }
    FL_TRY(cost(book, event, entries, &n, err));
    for (size_t i = 0; i < n; i++)
        entries[i].round = round_of(book, event->activity.arm, event->row);
    return res_store_add_entries(book->store, entries, n, err);
}

static enum fl_status store_all(struct book *book, struct fl_error *err)
{
    FL_TRY(store_facts(book, err));
    FL_TRY(store_rows(book, err));
    return each(book, store_event, err);
}

enum fl_status coord_rows_store(const struct scn_scenario *scenario,
                                struct res_store *store,
                                const struct coord_rows_start *starts,
                                double *ret_end_s,
                                struct fl_error *err)
{
    struct book book = {.scenario = scenario,
                        .store = store,
                        .starts = starts,
                        .end_s = ret_end_s};
    if (scenario->account.n_items + scenario->account.n_servings == 0)
        return FL_OK;
    enum fl_status status = store_all(&book, err);
    for (size_t i = 0; i < book.n; i++)
        fl_free(book.facts[i].name);
    fl_free(book.facts);
    return status;
}
