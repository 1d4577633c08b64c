#include "cli/account_run.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "cli/version.h"
#include "results/account_book.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

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
    double end_s;
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

/* What entries rest on, and what was said to be off. */
static enum fl_status store_facts(struct book *book, struct fl_error *err)
{
    const struct scn_scenario *s = book->scenario;
    FL_TRY(scn_account_facts(&s->account, know_fact, book, err));
    FL_TRY(know_preset(book, err));
    FL_TRY(scn_account_each(&s->account, mark_event, book, err));
    for (size_t i = 0; i < book->n; i++) {
        const struct known *known = &book->facts[i];
        if (known->is_used || known->fact->is_off)
            FL_TRY(res_store_add_fact(book->store, known->name, known->unit,
                                      known->fact, err));
    }
    return FL_OK;
}

static enum fl_status store_zones(struct book *book, struct fl_error *err)
{
    const struct carbon_grid *grid = book->scenario->grid;
    for (size_t i = 0; i < carbon_grid_n_zones(grid); i++) {
        const char *zone = carbon_grid_zone_name(grid, (int32_t)i);
        struct carbon_fact intensity;
        char name[128];
        FL_TRY(res_store_add_zone(book->store, (int32_t)i, zone, err));
        FL_TRY(carbon_grid_fact(grid, (int32_t)i, &intensity, err));
        (void)snprintf(name, sizeof name, "carbon.grid.zones.%.80s", zone);
        FL_TRY(res_store_add_fact(book->store, name, "gCO2e/kWh", &intensity,
                                  err));
    }
    return FL_OK;
}

/* Named texts */

/* "annual", "hourly trace.csv": its kind, and a trace by its file's name. */
static void grid_text(const struct scn_scenario *scenario, char ret[128])
{
    const struct fl_node *root = fl_config_root(scenario->config);
    const struct fl_node *grid =
        fl_node_find(fl_node_find(root, "carbon"), "grid");
    const struct fl_node *kind = fl_node_find(grid, "kind");
    const struct fl_node *trace = fl_node_find(grid, "trace");
    const char *file = trace ? strrchr(trace->text, '/') : NULL;
    (void)snprintf(ret, 128, "%.40s%s%.80s", kind ? kind->text : "",
                   file ? " " : "", file ? file + 1 : "");
}

static enum fl_status scenario_text(const struct scn_scenario *scenario,
                                    char **ret,
                                    struct fl_error *err)
{
    size_t n = 0;
    FILE *out = open_memstream(ret, &n);
    if (!out)
        return fl_fail(err, FL_E_NOMEM, "out of memory: scenario");
    scn_scenario_emit(scenario, out);
    return fclose(out) == 0
               ? FL_OK
               : fl_fail(err, FL_E_NOMEM, "out of memory: scenario");
}

static enum fl_status store_texts(struct book *book,
                                  const char *scenario,
                                  const char *command,
                                  struct fl_error *err)
{
    const struct scn_scenario *s = book->scenario;
    char grid[128], seed[32], now[21];
    fl_clock_utc(now);
    grid_text(s, grid);
    (void)snprintf(seed, sizeof seed, "%lld", (long long)s->seed);
    const struct {
        const char *key, *value;
    } texts[] = {
        {"scenario", scenario},
        {"scenario_name", s->name},
        {"scenario_sha256", s->sha256},
        {"grid", grid},
        {"preset", s->preset.name},
        {"leaves_out", s->preset.leaves_out},
        {"boundary", scn_boundary_name(s->boundary)},
        {"seed", seed},
        {"command", command},
        {"version", cli_version},
        {"commit", cli_commit},
        {"compiler", cli_compiler},
        {"build_type", cli_build_type},
        {"libraries", cli_libraries},
        {"started_utc", now},
        {"ended_utc", now},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        FL_TRY(res_store_set(book->store, texts[i].key, texts[i].value, err));
    return FL_OK;
}

/* Arms, rows */

static enum fl_status store_rows(struct book *book, struct fl_error *err)
{
    const struct scn_account *account = &book->scenario->account;
    size_t n = account->n_items + account->n_servings;
    struct res_book_row *rows = fl_calloc(n, sizeof *rows);
    if (!rows)
        return fl_fail(err, FL_E_NOMEM, "out of memory: items");
    for (size_t i = 0; i < n; i++)
        rows[i].round = (int64_t)i;
    for (size_t i = 0; i < account->n_items; i++) {
        rows[i].name = account->items[i].name;
        rows[i].arm = account->arms[account->items[i].arm];
    }
    for (size_t i = 0; i < account->n_servings; i++) {
        const struct scn_serving *s = &account->servings[i];
        struct res_book_row *row = &rows[account->n_items + i];
        row->name = s->name;
        row->arm = account->arms[s->arm];
        row->placement = scn_placement_name(s->placement);
        row->requests = scn_serving_requests(s);
        row->served_s = scn_serving_s(s);
        row->bytes = s->request_bytes + s->answer_bytes;
    }
    enum fl_status status = res_book_put(book->store, rows, n, err);
    fl_free(rows);
    return status;
}

static enum fl_status store_arms(struct book *book, struct fl_error *err)
{
    const struct scn_account *account = &book->scenario->account;
    for (size_t i = 0; i < account->n_arms; i++)
        FL_TRY(res_store_add_arm(
            book->store,
            &(struct res_arm){.arm = (int32_t)i, .name = account->arms[i]},
            err));
    return FL_OK;
}

static enum fl_status
store_event(const struct scn_event *event, void *arg, struct fl_error *err)
{
    struct book *book = arg;
    struct carbon_entry entries[CARBON_MAX_TERMS];
    size_t n = 0;
    book->end_s = fmax(book->end_s, event->activity.t1_s);
    FL_TRY(cost(book, event, entries, &n, err));
    return res_store_add_entries(book->store, entries, n, err);
}

/* Nothing was trained: no accuracy, no rounds. */
static enum fl_status store_outcomes(struct book *book, struct fl_error *err)
{
    for (size_t i = 0; i < book->scenario->account.n_arms; i++)
        FL_TRY(res_store_set_outcome(
            book->store,
            &(struct res_outcome){.arm = (int32_t)i,
                                  .accuracy = (double)NAN,
                                  .loss = (double)NAN,
                                  .sim_time_s = book->end_s},
            err));
    return FL_OK;
}

static enum fl_status
fill(struct book *book, const char *command, struct fl_error *err)
{
    char *text = NULL;
    enum fl_status status = scenario_text(book->scenario, &text, err);
    if (status == FL_OK)
        status = store_texts(book, text, command, err);
    fl_free(text);
    if (status != FL_OK)
        return status;
    FL_TRY(store_arms(book, err));
    FL_TRY(store_zones(book, err));
    FL_TRY(store_facts(book, err));
    FL_TRY(store_rows(book, err));
    FL_TRY(scn_account_each(&book->scenario->account, store_event, book, err));
    FL_TRY(store_outcomes(book, err));
    return res_store_finish(book->store, err);
}

enum fl_status cli_account_run(const struct scn_scenario *scenario,
                               const char *dir,
                               const char *file,
                               const struct cli_sets *sets,
                               struct fl_error *err)
{
    struct book book = {.scenario = scenario};
    char *command = cli_command_text("account", file, sets);
    if (!command)
        return fl_fail(err, FL_E_NOMEM, "out of memory: %s", file);
    enum fl_status status = res_store_create(dir, RES_CREATE, &book.store, err);
    if (status == FL_OK)
        status = fill(&book, command, err);
    res_store_destroy(book.store);
    for (size_t i = 0; i < book.n; i++)
        fl_free(book.facts[i].name);
    fl_free(book.facts);
    fl_free(command);
    return status;
}
