/* From run.sqlite to struct res_run: one SQL question per kind of figure, over
 * the rows themselves. */
#include "results/report_priv.h"

#include "base/alloc.h"
#include "base/parse.h"
#include "results/fact_names.h"
#include "results/uncertain.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

/* For each row of a query, whose column 0 is the name of an arm unless
 * is_for_run. */
typedef enum fl_status (*take_fn)(struct res_run *run,
                                  struct res_row *row,
                                  sqlite3_stmt *stmt,
                                  struct fl_error *err);

static struct res_row *find_row(struct res_run *run, const char *arm)
{
    for (size_t i = 0; i < run->n_rows; i++)
        if (strcmp(run->rows[i].arm, arm) == 0)
            return &run->rows[i];
    return NULL;
}

static enum fl_status for_each(struct res_store *store,
                               struct res_run *run,
                               const char *sql,
                               bool is_for_run,
                               take_fn take,
                               struct fl_error *err)
{
    sqlite3_stmt *stmt;
    FL_TRY(res_prepare(store, sql, &stmt, err));
    bool has_row = false;
    enum fl_status status;
    while ((status = res_step(store, stmt, &has_row, err)) == FL_OK &&
           has_row) {
        struct res_row *row =
            is_for_run ? NULL : find_row(run, res_column_text(stmt, 0));
        if (is_for_run || row)
            status = take(run, row, stmt, err);
        if (status != FL_OK)
            break;
    }
    sqlite3_finalize(stmt);
    return status;
}

static enum fl_status
copy_text(const char *text, char **ret, struct fl_error *err)
{
    char *copy = fl_strdup(text);
    if (!copy)
        return fl_fail(err, FL_E_NOMEM, "out of memory");
    fl_free(*ret);
    *ret = copy;
    return FL_OK;
}

static const char arms_sql[] =
    "SELECT a.name, a.arm, a.participants, a.population, a.target_accuracy,"
    " o.arm IS NOT NULL, o.accuracy, o.loss, coalesce(o.rounds, 0),"
    " o.sim_time_s, coalesce(o.reached, 0), coalesce(o.model_sha256, '')"
    " FROM arm a LEFT JOIN outcome o ON o.arm = a.arm"
    " ORDER BY a.name = '" RES_ARM_LOCAL "', a.name <> '" RES_ARM_CENTRALIZED
    "', a.arm";

static enum fl_status take_arm(struct res_run *run,
                               struct res_row *none,
                               sqlite3_stmt *stmt,
                               struct fl_error *err)
{
    (void)none;
    FL_TRY(fl_grow(&run->rows, &run->rows_capacity, run->n_rows + 1,
                   sizeof run->rows[0], err));
    struct res_row *row = &run->rows[run->n_rows++];
    FL_TRY(copy_text(res_column_text(stmt, 0), &row->arm, err));
    row->is_per_client = strcmp(row->arm, RES_ARM_LOCAL) == 0;
    row->per = row->is_per_client ? "client" : "arm";
    row->number = sqlite3_column_int(stmt, 1);
    row->participants = sqlite3_column_int64(stmt, 2);
    row->population = sqlite3_column_int64(stmt, 3);
    row->target_accuracy = sqlite3_column_double(stmt, 4);
    row->is_finished = sqlite3_column_int(stmt, 5) != 0;
    row->accuracy = res_column_real(stmt, 6);
    row->loss = res_column_real(stmt, 7);
    row->rounds = sqlite3_column_int64(stmt, 8);
    row->sim_time_s = res_column_real(stmt, 9);
    row->reached = -1;
    if (row->target_accuracy > 0 && row->is_finished)
        row->reached = sqlite3_column_int64(stmt, 10);
    return copy_text(res_column_text(stmt, 11), &row->model_sha256, err);
}

/* The last accuracy and loss that were measured, not the last round's. */
static const char rounds_sql[] =
    "SELECT a.name, count(r.round), max(r.sim_time_s), avg(r.sim_time_s),"
    " avg(r.accuracy), avg(r.loss),"
    " coalesce(sum(r.accuracy >= a.target_accuracy), 0),"
    " (SELECT x.accuracy FROM round x WHERE x.arm = a.arm AND x.accuracy IS NOT"
    "  NULL ORDER BY x.round DESC LIMIT 1),"
    " (SELECT x.loss FROM round x WHERE x.arm = a.arm AND x.loss IS NOT NULL"
    "  ORDER BY x.round DESC LIMIT 1)"
    " FROM arm a LEFT JOIN round r ON r.arm = a.arm GROUP BY a.arm";

static enum fl_status take_rounds(struct res_run *run,
                                  struct res_row *row,
                                  sqlite3_stmt *stmt,
                                  struct fl_error *err)
{
    (void)run;
    (void)err;
    int64_t n = sqlite3_column_int64(stmt, 1);
    row->counted = row->is_per_client ? n : 1;
    if (row->is_per_client) { /* a row is a client */
        row->sim_time_s = res_column_real(stmt, 3);
        row->accuracy = res_column_real(stmt, 4);
        row->loss = res_column_real(stmt, 5);
        if (row->target_accuracy > 0)
            row->reached = sqlite3_column_int64(stmt, 6);
    } else if (!row->is_finished) {
        row->rounds = n;
        row->sim_time_s = res_column_real(stmt, 2);
        row->accuracy = res_column_real(stmt, 7);
        row->loss = res_column_real(stmt, 8);
    }
    return FL_OK;
}

/* Sums of a finished run, or sums of its rows so far; in a fixed order. */
#define SUMS(table)                                                            \
    "SELECT a.name, c.term_group, e.name = 'assumed',"                         \
    " l.wasted, l.entries, l.energy_j, l.idle_j, l.bytes, l.emitted_gco2e,"    \
    " l.idle_gco2e, p.name FROM " table " l JOIN arm a USING (arm)"            \
    " JOIN component c USING (component) JOIN evidence e USING (evidence)"     \
    " JOIN phase p USING (phase)"

enum {
    SUM_GROUP = 1,
    SUM_ASSUMED,
    SUM_WASTED,
    SUM_ENTRIES,
    SUM_ENERGY_J,
    SUM_IDLE_J,
    SUM_BYTES,
    SUM_GCO2E,
    SUM_IDLE_GCO2E,
    SUM_PHASE
};

static double ratio(double part, double whole)
{
    return whole > 0 ? part / whole : (double)NAN;
}

/* Peers and served requests go neither way. */
bool res_is_up(const char *phase)
{
    return strcmp(phase, "upload") == 0 || strcmp(phase, "init") == 0;
}

bool res_is_down(const char *phase)
{
    return strcmp(phase, "broadcast") == 0 || strcmp(phase, "provision") == 0;
}

static int group_of(const char *name)
{
    for (int i = 0; i < RES_GROUP_LAST_; i++)
        if (strcmp(name, res_group_names[i]) == 0)
            return i;
    return RES_GROUP_LAST_;
}

/* Figures of the whole arm; shares are grams until close_row. */
static enum fl_status take_sum(struct res_run *run,
                               struct res_row *row,
                               sqlite3_stmt *stmt,
                               struct fl_error *err)
{
    (void)run;
    (void)err;
    double energy_j = sqlite3_column_double(stmt, SUM_ENERGY_J);
    double gco2e = sqlite3_column_double(stmt, SUM_GCO2E);
    int group = group_of(res_column_text(stmt, SUM_GROUP));
    row->entries += sqlite3_column_int64(stmt, SUM_ENTRIES);
    row->total_energy_j += energy_j;
    row->total_gco2e += gco2e;
    double bytes = sqlite3_column_double(stmt, SUM_BYTES);
    const char *phase = res_column_text(stmt, SUM_PHASE);
    row->total_bytes += bytes;
    row->has_transfers |= res_is_up(phase) || res_is_down(phase);
    if (res_is_up(phase))
        row->up_bytes += bytes;
    else if (res_is_down(phase))
        row->down_bytes += bytes;
    row->idle_j += sqlite3_column_double(stmt, SUM_IDLE_J);
    row->idle_gco2e += sqlite3_column_double(stmt, SUM_IDLE_GCO2E);
    if (sqlite3_column_int(stmt, SUM_ASSUMED))
        row->assumed_ratio += gco2e;
    if (sqlite3_column_int(stmt, SUM_WASTED))
        row->wasted_ratio += gco2e;
    if (group == RES_GROUP_EMBODIED)
        row->embodied_gco2e += gco2e;
    if (group < RES_GROUP_LAST_) {
        row->group_j[group] += energy_j;
        row->group_gco2e[group] += gco2e;
        row->has_group[group] = true;
    }
    return FL_OK;
}

/* Federated rounds move the model: where the ledger has no row of that, the
 * preset counts no transfers, and how much was moved is not known. */
static void close_bytes(struct res_row *row, double n)
{
    if (strcmp(row->arm, RES_ARM_FEDERATED) == 0 && row->entries > 0 &&
        !row->has_transfers)
        row->total_bytes = row->up_bytes = row->down_bytes = (double)NAN;
    row->bytes = row->total_bytes / n;
    row->up_bytes /= n;
    row->down_bytes /= n;
}

static void close_row(const struct res_run *run, struct res_row *row)
{
    row->assumed_ratio = ratio(row->assumed_ratio, row->total_gco2e);
    row->wasted_ratio = ratio(row->wasted_ratio, row->total_gco2e);
    /* Nobody was counted yet: no mean. */
    double n = row->counted > 0 ? (double)row->counted : (double)NAN;
    double idle_gco2e = row->idle_gco2e, embodied_gco2e = row->embodied_gco2e;
    double dynamic_gco2e = row->total_gco2e - idle_gco2e - embodied_gco2e;
    row->energy_j = row->total_energy_j / n;
    row->idle_j /= n;
    row->idle_gco2e = idle_gco2e / n;
    row->embodied_gco2e = embodied_gco2e / n;
    row->dynamic_gco2e = dynamic_gco2e / n;
    double within_gco2e = run->boundary_kind == RES_LIFECYCLE ? row->total_gco2e
                          : run->boundary_kind == RES_OPERATIONAL
                              ? dynamic_gco2e + idle_gco2e
                              : dynamic_gco2e;
    row->gco2e = within_gco2e / n;
    close_bytes(row, n);
    double all = row->is_per_client ? (double)row->population : 1;
    row->all_clients_j = row->energy_j * all;
    row->all_clients_gco2e = row->gco2e * all;
    for (int i = 0; i < RES_GROUP_LAST_; i++) {
        row->has_group[i] = row->has_group[i] && row->counted > 0;
        row->group_j[i] = row->has_group[i] ? row->group_j[i] / n : 0;
        row->group_gco2e[i] = row->has_group[i] ? row->group_gco2e[i] / n : 0;
    }
}

/* The components that have entries, in the order of their numbers. */
static enum fl_status take_component(struct res_run *run,
                                     struct res_row *none,
                                     sqlite3_stmt *stmt,
                                     struct fl_error *err)
{
    (void)none;
    struct res_text all = {0};
    if (run->modelled)
        res_text_add(&all, "%s, ", run->modelled);
    res_text_put(&all, res_column_text(stmt, 0));
    enum fl_status status = res_text_check(&all, err);
    if (status == FL_OK)
        status = copy_text(res_text_get(&all), &run->modelled, err);
    res_text_fini(&all);
    return status;
}

static enum fl_status
gather_sums(struct res_store *store, struct res_run *run, struct fl_error *err)
{
    int64_t has_sums = 0;
    FL_TRY(res_query_int(store, "SELECT EXISTS (SELECT 1 FROM ledger_sum)",
                         &has_sums, err));
    FL_TRY(for_each(store, run,
                    has_sums ? SUMS("ledger_sum") : SUMS("ledger_group"), false,
                    take_sum, err));
    for (size_t i = 0; i < run->n_rows; i++)
        close_row(run, &run->rows[i]);
    FL_TRY(for_each(
        store, run,
        has_sums ? "SELECT name FROM component c WHERE component IN"
                   " (SELECT component FROM ledger_sum) ORDER BY component"
                 : "SELECT name FROM component c WHERE component IN"
                   " (SELECT component FROM ledger) ORDER BY component",
        true, take_component, err));
    return run->modelled ? FL_OK : copy_text("", &run->modelled, err);
}

static void put_interval(struct res_row *row,
                         const struct res_interval *interval)
{
    double n = row->counted > 0 ? (double)row->counted : (double)NAN;
    row->gco2e_p5 = interval->p5_gco2e / n;
    row->gco2e_p95 = interval->p95_gco2e / n;
    row->x_p5 = interval->x_p5 / n;
    row->x_p95 = interval->x_p95 / n;
    if (!row->is_per_client)
        row->below_centralized_share = interval->below_centralized_share;
}

static enum fl_status gather_uncertain(struct res_store *store,
                                       struct res_run *run,
                                       struct fl_error *err)
{
    struct res_intervals all;
    for (size_t i = 0; i < run->n_rows; i++) {
        struct res_row *row = &run->rows[i];
        row->gco2e_p5 = row->gco2e_p95 = row->x_p5 = row->x_p95 = (double)NAN;
        row->below_centralized_share = (double)NAN;
    }
    FL_TRY(res_intervals_read(store, &all, err));
    for (size_t i = 0; i < all.n; i++)
        for (size_t r = 0; r < run->n_rows; r++)
            if (run->rows[r].number == all.rows[i].arm)
                put_interval(&run->rows[r], &all.rows[i]);
    enum fl_status status = copy_text(all.decided_by, &run->influences, err);
    res_intervals_fini(&all);
    return status;
}

static void set_ratios(struct res_run *run)
{
    const struct res_row *base = find_row(run, RES_ARM_CENTRALIZED);
    bool has_base = base && base->is_finished && base->gco2e > 0;
    for (size_t i = 0; i < run->n_rows; i++) {
        struct res_row *row = &run->rows[i];
        bool has_ratio = has_base && row->is_finished;
        row->x_centralized = has_ratio ? row->gco2e / base->gco2e : (double)NAN;
        row->all_clients_x_centralized =
            has_ratio ? row->all_clients_gco2e / base->gco2e : (double)NAN;
    }
}

/* What tables know of a row before it is set beside others. */
static void set_single(struct res_row *row)
{
    const double nan_value = (double)NAN;
    row->rank = -1;
    row->n_seeds = 1;
    row->rounds_mean = (double)row->rounds;
    row->baseline = "";
    row->sci_unit = "";
    row->sci_gco2e = nan_value;
    row->x_baseline = row->x_se = nan_value;
    row->accuracy_se = row->rounds_se = row->sim_time_se_s = nan_value;
    row->bytes_se = row->energy_se_j = row->gco2e_se = nan_value;
}

/* The last part of a fact's name says what it is: all that decide what moving
 * a byte costs, each once, with its range over the fleet. */
static const char network_sql[] =
    "SELECT what, unit, min(value), max(value) FROM"
    " (SELECT replace(name, rtrim(name, replace(name, '.', '')), '') AS what,"
    "   unit, value FROM fact WHERE NOT is_off)"
    " WHERE what IN ('core_network_j_per_byte', 'access_down_j_per_byte',"
    "  'access_up_j_per_byte', 'router_w') GROUP BY what, unit ORDER BY what";

/* In words and with a handy unit: J/byte are shown as uJ/byte. */
static void put_constant(const char *what,
                         const char *unit,
                         double low,
                         double high,
                         struct res_text *out)
{
    static const char *const words[][2] = {
        {"core_network_j_per_byte", "core network"},
        {"access_down_j_per_byte", "access down"},
        {"access_up_j_per_byte", "access up"},
        {"router_w", "router"},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(what, words[i][0]) == 0)
            what = words[i][1];
    bool is_small = strcmp(unit, "J/byte") == 0;
    double shown = is_small ? 1e6 : 1;
    res_text_add(out, "%s%s ", out->n > 0 ? ", " : "", what);
    res_text_figure(out, low * shown, 3);
    if (high > low) {
        res_text_put(out, " to ");
        res_text_figure(out, high * shown, 3);
    }
    res_text_add(out, " %s", is_small ? "uJ/byte" : unit);
}

static enum fl_status
gather_off(struct res_store *store, struct res_run *run, struct fl_error *err)
{
    struct res_text all = {0};
    enum fl_status status = res_put_facts_off(store, &all, err);
    if (status == FL_OK)
        status = copy_text(res_text_get(&all), &run->off, err);
    res_text_fini(&all);
    return status;
}

static enum fl_status gather_network(struct res_store *store,
                                     struct res_run *run,
                                     struct fl_error *err)
{
    sqlite3_stmt *stmt;
    FL_TRY(res_prepare(store, network_sql, &stmt, err));
    struct res_text text = {0};
    bool has_row = false;
    enum fl_status status;
    while ((status = res_step(store, stmt, &has_row, err)) == FL_OK && has_row)
        put_constant(res_column_text(stmt, 0), res_column_text(stmt, 1),
                     sqlite3_column_double(stmt, 2),
                     sqlite3_column_double(stmt, 3), &text);
    sqlite3_finalize(stmt);
    if (status == FL_OK)
        status = res_text_check(&text, err);
    if (status == FL_OK)
        status = copy_text(res_text_get(&text), &run->network, err);
    res_text_fini(&text);
    return status;
}

static enum fl_status
gather_texts(struct res_store *store, struct res_run *run, struct fl_error *err)
{
    static const struct {
        const char *key;
        size_t offset;
    } texts[] = {
        {"scenario_name", offsetof(struct res_run, name)},
        {"dataset", offsetof(struct res_run, dataset)},
        {"model", offsetof(struct res_run, model)},
        {"partition", offsetof(struct res_run, partition)},
        {"grid", offsetof(struct res_run, grid)},
        {"preset", offsetof(struct res_run, preset)},
        {"leaves_out", offsetof(struct res_run, leaves_out)},
        {"attribution", offsetof(struct res_run, attribution)},
        {"assumed_accuracy", offsetof(struct res_run, assumed)},
        {"command", offsetof(struct res_run, command)},
        {"scenario_sha256", offsetof(struct res_run, scenario_sha256)},
        {"seed", offsetof(struct res_run, seed)},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char **place = (char **)(void *)((char *)run + texts[i].offset);
        FL_TRY(res_store_get(store, texts[i].key, place, err));
        if (!*place)
            FL_TRY(copy_text("", place, err));
    }
    char *clients = NULL;
    FL_TRY(res_store_get(store, "clients", &clients, err));
    if (!clients ||
        fl_parse_int(clients, 0, INT64_MAX, &run->n_clients, NULL) != FL_OK)
        run->n_clients = -1;
    fl_free(clients);
    FL_TRY(res_store_boundary(store, &run->boundary_kind, err));
    FL_TRY(
        copy_text(res_boundary_names[run->boundary_kind], &run->boundary, err));
    FL_TRY(copy_text(res_store_dir(store), &run->dir, err));
    FL_TRY(copy_text("", &run->scenario, err));
    FL_TRY(gather_off(store, run, err));
    return gather_network(store, run, err);
}

/* Whatever format and column it ends up in: no figure of a mock run may pass
 * for one that was trained. */
static enum fl_status mark_mock(struct res_run *run, struct fl_error *err)
{
    static const char mark[] = " (mock)";
    char **const names[] = {&run->label, &run->name};
    for (size_t i = 0; run->assumed[0] && i < 2; i++) {
        size_t n = strlen(*names[i]);
        char *marked = fl_calloc(n + sizeof mark, 1);
        if (!marked)
            return fl_fail(err, FL_E_NOMEM, "out of memory");
        memcpy(marked, *names[i], n);
        memcpy(marked + n, mark, sizeof mark);
        fl_free(*names[i]);
        *names[i] = marked;
    }
    return FL_OK;
}

/* The directory's own name, or the scenario's where that says nothing. */
static enum fl_status set_label(struct res_run *run, struct fl_error *err)
{
    size_t end = strlen(run->dir);
    while (end > 0 && run->dir[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && run->dir[start - 1] != '/')
        start--;
    FL_TRY(copy_text(run->dir + start, &run->label, err));
    run->label[end - start] = '\0';
    if (end == start || strcmp(run->label, ".") == 0 ||
        strcmp(run->label, "..") == 0)
        return copy_text(run->name, &run->label, err);
    return FL_OK;
}

static enum fl_status
gather_all(struct res_store *store, struct res_run *run, struct fl_error *err)
{
    run->is_finished = store->is_finished;
    FL_TRY(gather_texts(store, run, err));
    FL_TRY(set_label(run, err));
    FL_TRY(mark_mock(run, err));
    FL_TRY(for_each(store, run, arms_sql, true, take_arm, err));
    FL_TRY(for_each(store, run, rounds_sql, false, take_rounds, err));
    FL_TRY(gather_sums(store, run, err));
    set_ratios(run);
    for (size_t i = 0; i < run->n_rows; i++)
        set_single(&run->rows[i]);
    return gather_uncertain(store, run, err);
}

enum fl_status
res_gather(struct res_store *store, struct res_run *ret, struct fl_error *err)
{
    struct res_run run = {0};
    enum fl_status status = gather_all(store, &run, err);
    if (status == FL_OK)
        *ret = run;
    else
        res_run_fini(&run);
    return status;
}

void res_run_fini(struct res_run *run)
{
    char *const texts[] = {run->dir,
                           run->label,
                           run->name,
                           run->dataset,
                           run->model,
                           run->partition,
                           run->grid,
                           run->preset,
                           run->leaves_out,
                           run->command,
                           run->scenario_sha256,
                           run->modelled,
                           run->network,
                           run->off,
                           run->boundary,
                           run->attribution,
                           run->assumed,
                           run->influences,
                           run->seed,
                           run->scenario};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        fl_free(texts[i]);
    for (size_t i = 0; i < run->n_rows; i++) {
        fl_free(run->rows[i].arm);
        fl_free(run->rows[i].model_sha256);
    }
    fl_free(run->rows);
    for (size_t i = 0; i < run->n_keys; i++)
        fl_free(run->keys[i]);
    fl_free(run->keys);
    *run = (struct res_run){0};
}
