/* What is new in a store since the last look, each row once. */
#include "results/live/live_priv.h"

#include "base/alloc.h"
#include "base/parse.h"
#include "results/table/compare_priv.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Texts and arms: once. */

static enum fl_status
take_text(char **place, const char *text, struct fl_error *err)
{
    char *copy = fl_strdup(text);
    if (!copy)
        return fl_fail(err, FL_E_NOMEM, "out of memory: live view");
    fl_free(*place);
    *place = copy;
    return FL_OK;
}

static enum fl_status
read_about(struct res_store *store, struct live_run *run, struct fl_error *err)
{
    static const char *const keys[] = {"dataset",   "model",  "clients",
                                       "partition", "preset", "grid"};
    static const char *const before[] = {
        "", ", ", ", ", " clients (", "), preset ", ", grid: "};
    struct res_text about = {0};
    enum fl_status status = FL_OK;
    bool is_training = false;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        char *value = NULL;
        status = res_store_get(store, keys[i], &value, err);
        if (status != FL_OK)
            break;
        is_training = is_training || (i == 0 && value && *value);
        if (value && is_training)
            res_text_add(&about, "%s%s", before[i], value);
        fl_free(value);
    }
    if (status == FL_OK)
        status = res_text_check(&about, err);
    if (status == FL_OK)
        status = take_text(&run->about, res_text_get(&about), err);
    res_text_fini(&about);
    return status;
}

/* How many rounds and epochs there may be, by the resolved scenario. */
static enum fl_status read_planned(struct res_store *store,
                                   struct live_run *run,
                                   struct fl_error *err)
{
    static const char *const keys[] = {"train.rounds",
                                       "train.centralized.epochs"};
    static const char *const arms[] = {RES_ARM_FEDERATED, RES_ARM_CENTRALIZED};
    struct res_run of = {.dir = run->dir};
    FL_TRY(res_store_get(store, "scenario", &of.scenario, err));
    if (!of.scenario)
        return FL_OK;
    enum fl_status status = res_read_keys(&of, keys, 2, err);
    for (size_t k = 0; k < 2 && status == FL_OK; k++)
        for (size_t i = 0; i < run->n_arms; i++)
            if (strcmp(run->arms[i].name, arms[k]) == 0 &&
                fl_parse_int(of.keys[k], 0, INT64_MAX, &run->arms[i].planned,
                             NULL) != FL_OK)
                run->arms[i].planned = -1;
    of.dir = NULL; /* borrowed */
    res_run_fini(&of);
    if (status == FL_E_NOMEM)
        return status;
    return FL_OK; /* a scenario that cannot be read: no plan is shown */
}

static enum fl_status
add_arm(struct live_run *run, sqlite3_stmt *stmt, struct fl_error *err)
{
    FL_TRY(fl_grow(&run->arms, &run->arms_capacity, run->n_arms + 1,
                   sizeof run->arms[0], err));
    struct live_arm *arm = &run->arms[run->n_arms++];
    FL_TRY(take_text(&arm->name, res_column_text(stmt, 0), err));
    arm->number = sqlite3_column_int(stmt, 1);
    arm->participants = sqlite3_column_int64(stmt, 2);
    arm->target_accuracy = sqlite3_column_double(stmt, 3);
    arm->is_per_client = strcmp(arm->name, RES_ARM_LOCAL) == 0;
    arm->planned = arm->is_per_client ? arm->participants : -1;
    arm->last_round = INT64_MIN;
    arm->turns_round = INT64_MIN;
    arm->accuracy = arm->loss = arm->sim_time_s = (double)NAN;
    arm->power_w = fl_calloc(LIVE_SLICES, sizeof *arm->power_w);
    arm->gco2e_per_kwh = fl_calloc(LIVE_SLICES, sizeof *arm->gco2e_per_kwh);
    return arm->power_w && arm->gco2e_per_kwh
               ? FL_OK
               : fl_fail(err, FL_E_NOMEM, "out of memory: live view");
}

static enum fl_status
read_arms(struct res_store *store, struct live_run *run, struct fl_error *err)
{
    sqlite3_stmt *stmt;
    bool has_row = false;
    enum fl_status status;
    FL_TRY(res_prepare(store,
                       "SELECT name, arm, participants, target_accuracy"
                       " FROM arm ORDER BY name = '" RES_ARM_LOCAL
                       "', name <> '" RES_ARM_CENTRALIZED "', arm",
                       &stmt, err));
    while ((status = res_step(store, stmt, &has_row, err)) == FL_OK &&
           has_row) {
        status = add_arm(run, stmt, err);
        if (status != FL_OK)
            break;
    }
    sqlite3_finalize(stmt);
    return status;
}

static enum fl_status read_components(struct res_store *store,
                                      struct live_run *run,
                                      struct fl_error *err)
{
    int64_t n = 0;
    FL_TRY(res_query_int(
        store, "SELECT coalesce(max(component) + 1, 0) FROM component", &n,
        err));
    if (n < 0 || n > 100000)
        return fl_fail(err, FL_E_FORMAT,
                       "%s: damaged: component %lld, allowed below 100000",
                       run->dir, (long long)n);
    run->is_embodied = fl_calloc((size_t)n, sizeof run->is_embodied[0]);
    if (!run->is_embodied)
        return fl_fail(err, FL_E_NOMEM, "out of memory: live view");
    run->n_components = (size_t)n;
    sqlite3_stmt *stmt;
    bool has_row = false;
    enum fl_status status;
    FL_TRY(res_prepare(
        store, "SELECT component FROM component WHERE term_group = 'embodied'",
        &stmt, err));
    while ((status = res_step(store, stmt, &has_row, err)) == FL_OK &&
           has_row) {
        int64_t component = sqlite3_column_int64(stmt, 0);
        if (component >= 0 && component < n)
            run->is_embodied[component] = true;
    }
    sqlite3_finalize(stmt);
    return status;
}

static enum fl_status
read_once(struct res_store *store, struct live_run *run, struct fl_error *err)
{
    char *name = NULL;
    FL_TRY(res_store_get(store, "scenario_name", &name, err));
    enum fl_status status = take_text(&run->name, name ? name : "", err);
    fl_free(name);
    FL_TRY(status);
    FL_TRY(read_about(store, run, err));
    FL_TRY(res_store_boundary(store, &run->boundary, err));
    run->boundary_name = res_boundary_names[run->boundary];
    FL_TRY(read_arms(store, run, err));
    FL_TRY(read_planned(store, run, err));
    FL_TRY(read_components(store, run, err));
    run->is_known = true;
    return FL_OK;
}

/* Rounds */

static enum fl_status
take_step(struct live_arm *arm, sqlite3_stmt *stmt, struct fl_error *err)
{
    FL_TRY(fl_grow(&arm->steps, &arm->steps_capacity, arm->n_steps + 1,
                   sizeof arm->steps[0], err));
    struct live_step *step = &arm->steps[arm->n_steps++];
    *step = (struct live_step){.round = sqlite3_column_int64(stmt, 0),
                               .sim_time_s = sqlite3_column_double(stmt, 1),
                               .accuracy = res_column_real(stmt, 2)};
    double loss = res_column_real(stmt, 3);
    arm->last_round = step->round;
    arm->n_rounds = (int64_t)arm->n_steps;
    arm->sim_time_s = step->sim_time_s;
    arm->accuracy = isnan(step->accuracy) ? arm->accuracy : step->accuracy;
    arm->loss = isnan(loss) ? arm->loss : loss;
    return FL_OK;
}

static enum fl_status
read_steps(struct res_store *store, struct live_arm *arm, struct fl_error *err)
{
    sqlite3_stmt *stmt;
    bool has_row = false;
    FL_TRY(res_ask(store,
                   "SELECT round, sim_time_s, accuracy, loss FROM round"
                   " WHERE arm = ?1 AND round > ?2 ORDER BY round",
                   &stmt, err, "ii", (int64_t)arm->number, arm->last_round));
    enum fl_status status = FL_OK;
    while (status == FL_OK &&
           (status = res_step(store, stmt, &has_row, err)) == FL_OK && has_row)
        status = take_step(arm, stmt, err);
    sqlite3_finalize(stmt);
    return status;
}

/* Where a round is a client, they come in any order: their means anew, over as
 * many rows as there are clients that trained alone. */
static enum fl_status read_clients(struct res_store *store,
                                   struct live_arm *arm,
                                   struct fl_error *err)
{
    sqlite3_stmt *stmt;
    bool has_row = false;
    FL_TRY(res_ask(store,
                   "SELECT count(*), avg(sim_time_s), avg(accuracy),"
                   " avg(loss) FROM round WHERE arm = ?1",
                   &stmt, err, "i", (int64_t)arm->number));
    enum fl_status status = res_step(store, stmt, &has_row, err);
    if (status == FL_OK && has_row) {
        arm->n_rounds = sqlite3_column_int64(stmt, 0);
        arm->sim_time_s = res_column_real(stmt, 1);
        arm->accuracy = res_column_real(stmt, 2);
        arm->loss = res_column_real(stmt, 3);
    }
    sqlite3_finalize(stmt);
    return status;
}

/* Whether arms have had their last word. */
static enum fl_status read_outcomes(struct res_store *store,
                                    struct live_run *run,
                                    struct fl_error *err)
{
    sqlite3_stmt *stmt;
    bool has_row = false;
    enum fl_status status;
    FL_TRY(res_prepare(store, "SELECT arm, accuracy, loss FROM outcome", &stmt,
                       err));
    while ((status = res_step(store, stmt, &has_row, err)) == FL_OK &&
           has_row) {
        int32_t number = sqlite3_column_int(stmt, 0);
        for (size_t i = 0; i < run->n_arms; i++) {
            struct live_arm *arm = &run->arms[i];
            if (arm->number != number)
                continue;
            arm->is_finished = true;
            arm->outcome_accuracy = res_column_real(stmt, 1);
            arm->outcome_loss = res_column_real(stmt, 2);
        }
    }
    sqlite3_finalize(stmt);
    return status;
}

/* Ledger */

enum {
    ROW_SEQ,
    ROW_ROUND,
    ROW_ROLE,
    ROW_ENTITY,
    ROW_COMPONENT,
    ROW_PHASE,
    ROW_STAGE,
    ROW_T0_S,
    ROW_T1_S,
    ROW_ENERGY_J,
    ROW_IDLE_J,
    ROW_BYTES,
    ROW_GCO2E
};
#define ROWS_SQL                                                               \
    "SELECT seq, round, role, entity, component, phase, stage, t0_s, t1_s,"    \
    " energy_j, idle_j, bytes, emitted_gco2e FROM ledger"                      \
    " WHERE arm = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3"

static void add_sums(struct live_sums *acc, const struct live_sums *more)
{
    acc->energy_j += more->energy_j;
    acc->bytes += more->bytes;
    acc->gco2e += more->gco2e;
    acc->idle_gco2e += more->idle_gco2e;
    acc->embodied_gco2e += more->embodied_gco2e;
    acc->entries += more->entries;
}

/* Rows of one round stand together, near the round that was asked for last;
 * NULL: a row beside the rounds. */
static struct live_step *find_step(struct live_arm *arm, int64_t round)
{
    size_t low = 0, high = arm->n_steps;
    if (arm->hint < high && arm->steps[arm->hint].round == round)
        return &arm->steps[arm->hint];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (arm->steps[middle].round < round)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == arm->n_steps || arm->steps[low].round != round)
        return NULL;
    arm->hint = low;
    return &arm->steps[low];
}

static bool doing_of(int64_t phase, enum res_live_doing *ret)
{
    switch (phase) {
    case CARBON_BROADCAST:
        *ret = RES_LIVE_DOWNLOAD;
        return true;
    case CARBON_TRAIN:
        *ret = RES_LIVE_TRAIN;
        return true;
    case CARBON_UPLOAD:
        *ret = RES_LIVE_UPLOAD;
        return true;
    case CARBON_WAIT:
        *ret = RES_LIVE_WAIT;
        return true;
    default:
        return false;
    }
}

/* Every term of an activity is a row: those of one stand together. */
static enum fl_status
take_turn(struct live_arm *arm, sqlite3_stmt *stmt, struct fl_error *err)
{
    struct live_turn turn = {.client = sqlite3_column_int64(stmt, ROW_ENTITY),
                             .t0_s = sqlite3_column_double(stmt, ROW_T0_S),
                             .t1_s = sqlite3_column_double(stmt, ROW_T1_S)};
    int64_t round = sqlite3_column_int64(stmt, ROW_ROUND);
    if (sqlite3_column_int(stmt, ROW_ROLE) != CARBON_CLIENT ||
        !doing_of(sqlite3_column_int64(stmt, ROW_PHASE), &turn.doing))
        return FL_OK;
    if (round != arm->turns_round)
        arm->n_turns = 0;
    arm->turns_round = round;
    if (arm->n_turns > 0) {
        const struct live_turn *last = &arm->turns[arm->n_turns - 1];
        if (last->client == turn.client && last->doing == turn.doing &&
            !(last->t0_s < turn.t0_s) && !(last->t1_s < turn.t1_s))
            return FL_OK;
    }
    FL_TRY(fl_grow(&arm->turns, &arm->turns_capacity, arm->n_turns + 1,
                   sizeof arm->turns[0], err));
    arm->turns[arm->n_turns++] = turn;
    return FL_OK;
}

static enum fl_status take_row(struct live_run *run,
                               struct live_arm *arm,
                               sqlite3_stmt *stmt,
                               struct fl_error *err)
{
    double energy_j = sqlite3_column_double(stmt, ROW_ENERGY_J);
    double gco2e = sqlite3_column_double(stmt, ROW_GCO2E);
    int64_t component = sqlite3_column_int64(stmt, ROW_COMPONENT);
    bool is_embodied = component >= 0 &&
                       (size_t)component < run->n_components &&
                       run->is_embodied[component];
    struct live_sums row = {
        .energy_j = energy_j,
        .bytes = sqlite3_column_double(stmt, ROW_BYTES),
        .gco2e = gco2e,
        .idle_gco2e =
            energy_j > 0
                ? gco2e * (sqlite3_column_double(stmt, ROW_IDLE_J) / energy_j)
                : 0,
        .embodied_gco2e = is_embodied ? gco2e : 0,
        .entries = 1};
    arm->next_seq = sqlite3_column_int64(stmt, ROW_SEQ) + 1;
    add_sums(&arm->sums, &row);
    if (arm->is_per_client)
        return FL_OK;
    struct live_step *step =
        find_step(arm, sqlite3_column_int64(stmt, ROW_ROUND));
    add_sums(step ? &step->sums : &arm->beside, &row);
    if (energy_j > 0 && sqlite3_column_int(stmt, ROW_STAGE) != CARBON_SERVING) {
        double t0_s = sqlite3_column_double(stmt, ROW_T0_S);
        double t1_s = sqlite3_column_double(stmt, ROW_T1_S);
        live_slices_add(&arm->slices, t0_s, t1_s, energy_j, gco2e);
    }
    return strcmp(arm->name, RES_ARM_FEDERATED) == 0 ? take_turn(arm, stmt, err)
                                                     : FL_OK;
}

static enum fl_status read_rows(struct res_store *store,
                                struct live_run *run,
                                struct live_arm *arm,
                                struct live_budget *budget,
                                struct fl_error *err)
{
    sqlite3_stmt *stmt;
    bool has_row = true;
    FL_TRY(res_ask(store, ROWS_SQL, &stmt, err, "iii", (int64_t)arm->number,
                   arm->next_seq, budget->rows));
    enum fl_status status = FL_OK;
    while (status == FL_OK) {
        status = res_step(store, stmt, &has_row, err);
        if (status != FL_OK || !has_row)
            break;
        status = take_row(run, arm, stmt, err);
        budget->rows--;
    }
    sqlite3_finalize(stmt);
    if (budget->rows <= 0)
        run->is_behind = true; /* or just through: the next look says */
    return status;
}

/* What a finished run ended with, without its rows. */
static enum fl_status
read_ended(struct res_store *store, struct live_run *run, struct fl_error *err)
{
    sqlite3_stmt *stmt;
    bool has_row = false;
    enum fl_status status;
    FL_TRY(res_prepare(store,
                       "SELECT arm, component, energy_j, bytes, emitted_gco2e,"
                       " idle_gco2e, entries FROM ledger_sum",
                       &stmt, err));
    while ((status = res_step(store, stmt, &has_row, err)) == FL_OK &&
           has_row) {
        int64_t component = sqlite3_column_int64(stmt, 1);
        double gco2e = sqlite3_column_double(stmt, 4);
        bool is_embodied = component >= 0 &&
                           (size_t)component < run->n_components &&
                           run->is_embodied[component];
        const struct live_sums sums = {
            .energy_j = sqlite3_column_double(stmt, 2),
            .bytes = sqlite3_column_double(stmt, 3),
            .gco2e = gco2e,
            .idle_gco2e = sqlite3_column_double(stmt, 5),
            .embodied_gco2e = is_embodied ? gco2e : 0,
            .entries = sqlite3_column_int64(stmt, 6)};
        for (size_t i = 0; i < run->n_arms; i++)
            if (run->arms[i].number == sqlite3_column_int(stmt, 0))
                add_sums(&run->arms[i].ended, &sums);
    }
    sqlite3_finalize(stmt);
    run->has_ended_sums = status == FL_OK;
    return status;
}

static enum fl_status read_all(struct res_store *store,
                               struct live_run *run,
                               struct live_budget *budget,
                               struct fl_error *err)
{
    int64_t n_finished = 0, n_meta = 0;
    if (!run->is_known) { /* tables are there before the run is */
        FL_TRY(res_query_int(store, "SELECT count(*) FROM meta", &n_meta, err));
        if (n_meta == 0)
            return FL_OK;
        FL_TRY(read_once(store, run, err));
    }
    FL_TRY(res_query_int(store,
                         "SELECT count(*) FROM meta WHERE key = 'finished'",
                         &n_finished, err));
    run->is_finished = n_finished > 0;
    FL_TRY(read_outcomes(store, run, err));
    for (size_t i = 0; i < run->n_arms; i++) {
        struct live_arm *arm = &run->arms[i];
        FL_TRY(arm->is_per_client ? read_clients(store, arm, err)
                                  : read_steps(store, arm, err));
    }
    if (run->is_finished && !run->has_ended_sums)
        FL_TRY(read_ended(store, run, err));
    run->is_behind = false;
    if (run->is_finished && !run->is_wanted)
        return FL_OK;
    for (size_t i = 0; i < run->n_arms && !run->is_behind; i++)
        FL_TRY(read_rows(store, run, &run->arms[i], budget, err));
    return FL_OK;
}

enum fl_status live_read(struct res_store *store,
                         struct live_run *run,
                         struct live_budget *budget,
                         struct fl_error *err)
{
    /* One moment for all that is read; given back at once. */
    FL_TRY(res_exec(store, "BEGIN", "read the run", err));
    enum fl_status status = read_all(store, run, budget, err);
    enum fl_status ended =
        res_exec(store, "COMMIT", "read the run", status == FL_OK ? err : NULL);
    return status == FL_OK ? ended : status;
}
