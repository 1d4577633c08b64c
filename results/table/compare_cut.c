/* Figures up to and with the first round that had the target accuracy, for
 * runs that went on behind it. */
#include "results/store/store_seal.h"
#include "results/table/compare_priv.h"

#include <math.h>
#include <string.h>

/* The round, whether training went on behind it, and how many there were:
 * numbers start anywhere. */
static const char round_sql[] =
    "SELECT round, sim_time_s, accuracy, loss,"
    " EXISTS (SELECT 1 FROM round l WHERE l.arm = r.arm AND l.round > r.round),"
    " (SELECT count(*) FROM round l WHERE l.arm = r.arm AND l.round <= r.round)"
    " FROM round r WHERE arm = ? AND accuracy >= ? ORDER BY round LIMIT 1";

/* Rows numbered behind the last round are items and servings beside the
 * training, docs/account.md: they stay. */
static const char ledger_sql[] =
    "SELECT c.term_group, l.energy_j, l.idle_j, l.bytes, l.emitted_gco2e,"
    " l.idle_gco2e, e.name = 'assumed', l.wasted, p.name"
    " FROM (SELECT component, phase, evidence, wasted,"
    "   sum(energy_j) AS energy_j, sum(idle_j) AS idle_j, sum(bytes) AS bytes,"
    "   sum(emitted_gco2e) AS emitted_gco2e,"
    "   total(CASE WHEN energy_j > 0"
    "    THEN emitted_gco2e * (idle_j / energy_j) END) AS idle_gco2e"
    "  FROM ledger WHERE arm = ?1 AND (round <= ?2 OR round >"
    "   (SELECT max(round) FROM round WHERE arm = ?1))"
    "  GROUP BY 1, 2, 3, 4) l JOIN component c USING (component)"
    " JOIN evidence e USING (evidence) JOIN phase p USING (phase)"
    " ORDER BY component, phase, evidence, wasted";

static void clear(struct res_row *row)
{
    for (int i = 0; i < RES_GROUP_LAST_; i++) {
        row->group_j[i] = row->group_gco2e[i] = 0;
        row->has_group[i] = false;
    }
    row->energy_j = row->idle_j = row->gco2e = 0;
    if (!isnan(row->bytes))
        row->bytes = row->up_bytes = row->down_bytes = 0;
    row->dynamic_gco2e = row->idle_gco2e = row->embodied_gco2e = 0;
    row->assumed_ratio = row->wasted_ratio = 0;
    /* Draws are of whole arms. */
    row->gco2e_p5 = row->gco2e_p95 = row->x_p5 = row->x_p95 = (double)NAN;
    row->below_centralized_share = (double)NAN;
}

static void add_group(struct res_row *row, sqlite3_stmt *stmt)
{
    const char *group = res_column_text(stmt, 0);
    double gco2e = sqlite3_column_double(stmt, 4);
    double idle_gco2e = sqlite3_column_double(stmt, 5);
    for (int i = 0; i < RES_GROUP_LAST_; i++) {
        if (strcmp(group, res_group_names[i]) != 0)
            continue;
        row->group_j[i] += sqlite3_column_double(stmt, 1);
        row->group_gco2e[i] += gco2e;
        row->has_group[i] = true;
    }
    row->energy_j += sqlite3_column_double(stmt, 1);
    row->idle_j += sqlite3_column_double(stmt, 2);
    double bytes = sqlite3_column_double(stmt, 3);
    const char *phase = res_column_text(stmt, 8);
    row->bytes += bytes;
    if (res_is_up(phase))
        row->up_bytes += bytes;
    else if (res_is_down(phase))
        row->down_bytes += bytes;
    row->idle_gco2e += idle_gco2e;
    if (strcmp(group, res_group_names[RES_GROUP_EMBODIED]) == 0)
        row->embodied_gco2e += gco2e;
    else
        row->dynamic_gco2e += gco2e - idle_gco2e;
    if (sqlite3_column_int(stmt, 6))
        row->assumed_ratio += gco2e;
    if (sqlite3_column_int(stmt, 7))
        row->wasted_ratio += gco2e;
}

static void close_sums(struct res_row *row, enum res_boundary boundary)
{
    double all_gco2e =
        row->dynamic_gco2e + row->idle_gco2e + row->embodied_gco2e;
    row->gco2e = boundary == RES_LIFECYCLE ? all_gco2e
                 : boundary == RES_OPERATIONAL
                     ? row->dynamic_gco2e + row->idle_gco2e
                     : row->dynamic_gco2e;
    double whole = all_gco2e > 0 ? all_gco2e : (double)NAN;
    row->assumed_ratio /= whole;
    row->wasted_ratio /= whole;
    row->all_clients_j = row->energy_j;
    row->all_clients_gco2e = row->gco2e;
}

static enum fl_status sum_until(struct res_store *store,
                                const struct res_run *run,
                                struct res_row *row,
                                int64_t round,
                                struct fl_error *err)
{
    sqlite3_stmt *stmt;
    FL_TRY(res_ask(store, ledger_sql, &stmt, err, "ii", (int64_t)row->number,
                   round));
    enum fl_status status;
    bool has_row = false;
    clear(row);
    while ((status = res_step(store, stmt, &has_row, err)) == FL_OK && has_row)
        add_group(row, stmt);
    sqlite3_finalize(stmt);
    close_sums(row, run->boundary_kind);
    row->is_cut = true;
    row->model_sha256[0] = '\0'; /* of a later one */
    return status;
}

static enum fl_status cut_arm(struct res_store *store,
                              const struct res_run *run,
                              struct res_row *row,
                              double target,
                              struct fl_error *err)
{
    row->target_accuracy = target;
    row->reached = row->is_finished ? 0 : -1;
    sqlite3_stmt *stmt;
    FL_TRY(res_ask(store, round_sql, &stmt, err, "ir", (int64_t)row->number,
                   target));
    bool has_row = false, goes_on = false;
    int64_t round = 0;
    enum fl_status status = res_step(store, stmt, &has_row, err);
    if (status == FL_OK && has_row) {
        round = sqlite3_column_int64(stmt, 0);
        row->rounds = sqlite3_column_int64(stmt, 5);
        row->sim_time_s = sqlite3_column_double(stmt, 1);
        row->accuracy = sqlite3_column_double(stmt, 2);
        row->loss = res_column_real(stmt, 3);
        goes_on = sqlite3_column_int(stmt, 4) != 0 || !row->is_finished;
        row->rounds_mean = (double)row->rounds;
        row->reached = 1;
        row->is_finished = true; /* as far as it counts */
    }
    sqlite3_finalize(stmt);
    return status == FL_OK && goes_on ? sum_until(store, run, row, round, err)
                                      : status;
}

enum fl_status res_cut(struct res_store *store,
                       struct res_run *run,
                       double target,
                       struct fl_error *err)
{
    FL_TRY(res_seal_check_ledger(store, err));
    for (size_t i = 0; i < run->n_rows; i++)
        if (!run->rows[i].is_per_client)
            FL_TRY(cut_arm(store, run, &run->rows[i], target, err));
    return FL_OK;
}
