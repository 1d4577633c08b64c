/* summary.json: the outcome of each arm and the run's real cost. Energies and
 * emissions are the ledger's, of the whole arm; accuracy, loss and sim_time_s
 * of the local arm are means over its clients. */
#include "results/report_priv.h"

/* One object per question: rows of (name, value) of one arm. */
static enum fl_status add_split(struct res_store *store,
                                int32_t arm,
                                const char *sql,
                                json_t *object,
                                const char *key,
                                struct fl_error *err)
{
    json_t *split = json_object();
    FL_TRY(res_json_set(object, key, split, err)); /* object owns it now */
    sqlite3_stmt *stmt;
    FL_TRY(res_ask(store, sql, &stmt, err, "i", (int64_t)arm));
    bool has_row = false;
    enum fl_status status = FL_OK;
    while (status == FL_OK) {
        status = res_step(store, stmt, &has_row, err);
        if (status != FL_OK || !has_row)
            break;
        status =
            res_json_set(split, res_column_text(stmt, 0),
                         res_json_real(sqlite3_column_double(stmt, 1)), err);
    }
    sqlite3_finalize(stmt);
    return status;
}

/* Names and sums of an arm's rows by what a table of names lists. */
#define SPLIT(by, sum, more)                                                   \
    "SELECT n.name, s.x FROM (SELECT " by " AS number, sum(" sum ") AS x"      \
    " FROM ledger_group WHERE arm = ?" more " GROUP BY 1) s JOIN " by " n"     \
    " ON n." by " = s.number ORDER BY s.number"

static enum fl_status add_splits(struct res_store *store,
                                 int32_t arm,
                                 json_t *object,
                                 struct fl_error *err)
{
    static const struct {
        const char *key, *sql;
    } splits[] = {
        {"energy_j_by_component", SPLIT("component", "energy_j", "")},
        {"emitted_gco2e_by_component", SPLIT("component", "emitted_gco2e", "")},
        {"energy_j_by_group",
         "SELECT c.term_group, sum(l.energy_j) FROM ledger_group l JOIN "
         "component c"
         " ON c.component = l.component WHERE l.arm = ? GROUP BY 1"},
        {"energy_j_by_phase", SPLIT("phase", "energy_j", "")},
        {"emitted_gco2e_by_zone", SPLIT("zone", "emitted_gco2e", "")},
        /* broadcast goes to clients; upload and init come from them */
        {"bytes_by_phase", SPLIT("phase", "bytes", " AND bytes > 0")},
    };
    for (size_t i = 0; i < sizeof splits / sizeof splits[0]; i++)
        FL_TRY(
            add_split(store, arm, splits[i].sql, object, splits[i].key, err));
    return FL_OK;
}

static json_t *reached_of(const struct res_row *row)
{
    if (row->reached < 0 || row->counted == 0)
        return json_null();
    return json_boolean(row->reached == row->counted);
}

/* summary.json has sums, where a row of the table has means per client. */
static double counted_of(const struct res_row *row)
{
    return row->counted > 0 ? (double)row->counted : 1;
}

static enum fl_status
add_figures(const struct res_row *row, json_t *o, struct fl_error *err)
{
    FL_TRY(res_json_set(o, "name", json_string(row->arm), err));
    FL_TRY(res_json_set(o, "finished", json_boolean(row->is_finished), err));
    FL_TRY(res_json_set(o, "reached", reached_of(row), err));
    FL_TRY(res_json_set(o, "target_accuracy",
                        row->target_accuracy > 0
                            ? res_json_real(row->target_accuracy)
                            : json_null(),
                        err));
    FL_TRY(res_json_set(o, "accuracy", res_json_real(row->accuracy), err));
    FL_TRY(res_json_set(o, "loss", res_json_real(row->loss), err));
    FL_TRY(res_json_set(o, "rounds", json_integer(row->rounds), err));
    FL_TRY(res_json_set(o, "sim_time_s", res_json_real(row->sim_time_s), err));
    FL_TRY(
        res_json_set(o, "participants", json_integer(row->participants), err));
    FL_TRY(res_json_set(o, "population", json_integer(row->population), err));
    FL_TRY(res_json_set(o, "ledger_rows", json_integer(row->entries), err));
    FL_TRY(
        res_json_set(o, "energy_j", res_json_real(row->total_energy_j), err));
    FL_TRY(
        res_json_set(o, "emitted_gco2e", res_json_real(row->total_gco2e), err));
    FL_TRY(res_json_set(o, "within_boundary_gco2e",
                        res_json_real(row->gco2e * counted_of(row)), err));
    FL_TRY(res_json_set(o, "within_boundary_p5_gco2e",
                        res_json_real(row->gco2e_p5 * counted_of(row)), err));
    FL_TRY(res_json_set(o, "within_boundary_p95_gco2e",
                        res_json_real(row->gco2e_p95 * counted_of(row)), err));
    FL_TRY(res_json_set(o, "dynamic_gco2e",
                        res_json_real(row->dynamic_gco2e * counted_of(row)),
                        err));
    FL_TRY(res_json_set(o, "idle_gco2e",
                        res_json_real(row->idle_gco2e * counted_of(row)), err));
    FL_TRY(res_json_set(o, "embodied_gco2e",
                        res_json_real(row->embodied_gco2e * counted_of(row)),
                        err));
    FL_TRY(res_json_set(o, "below_centralized_share",
                        res_json_real(row->below_centralized_share), err));
    FL_TRY(res_json_set(o, "assumed_share", res_json_real(row->assumed_ratio),
                        err));
    FL_TRY(
        res_json_set(o, "wasted_share", res_json_real(row->wasted_ratio), err));
    FL_TRY(res_json_set(o, "all_clients_energy_j",
                        res_json_real(row->all_clients_j), err));
    FL_TRY(res_json_set(o, "all_clients_emitted_gco2e",
                        res_json_real(row->all_clients_gco2e), err));
    FL_TRY(res_json_set(o, "all_clients_x_centralized",
                        res_json_real(row->all_clients_x_centralized), err));
    return res_json_set(o, "bytes", res_json_real(row->total_bytes), err);
}

static enum fl_status add_arm(struct res_store *store,
                              const struct res_row *row,
                              json_t *arms,
                              struct fl_error *err)
{
    json_t *o = json_object();
    if (!o || json_array_append_new(arms, o) != 0)
        return fl_fail(err, FL_E_NOMEM, "summary: out of memory");
    FL_TRY(add_figures(row, o, err));
    FL_TRY(add_splits(store, row->number, o, err));
    char hash[65];
    FL_TRY(res_hash_ledger(store, row->number, hash, err));
    FL_TRY(res_json_set(o, "ledger_sha256", json_string(hash), err));
    return res_json_set(o, "model_sha256",
                        row->model_sha256[0] ? json_string(row->model_sha256)
                                             : json_null(),
                        err);
}

/* All bytes of all kinds of messages, or null where none were counted. */
static json_t *wire_bytes(json_t *messages)
{
    if (!json_is_object(messages))
        return json_null();
    double sum_bytes = 0;
    void *at = json_object_iter(messages);
    for (; at; at = json_object_iter_next(messages, at))
        sum_bytes += json_number_value(
            json_object_get(json_object_iter_value(at), "bytes"));
    return json_real(sum_bytes);
}

static enum fl_status add_run(struct res_store *store,
                              const struct res_run *run,
                              json_t *root,
                              struct fl_error *err)
{
    static const char *const keys[] = {
        "scenario_name", "scenario_sha256", "mode",   "assumed_accuracy",
        "preset",        "leaves_out",      "wall_s", "messages"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        json_t *value = NULL;
        FL_TRY(res_meta_json(store, res_meta_find(keys[i]), &value, err));
        FL_TRY(res_json_set(root, keys[i], value, err));
    }
    json_t *messages = json_object_get(root, "messages");
    FL_TRY(res_json_set(root, "wire_bytes", wire_bytes(messages), err));
    FL_TRY(res_json_set(root, "finished", json_boolean(run->is_finished), err));
    json_t *arms = json_array();
    FL_TRY(res_json_set(root, "arms", arms, err));
    for (size_t i = 0; i < run->n_rows; i++)
        FL_TRY(add_arm(store, &run->rows[i], arms, err));
    return FL_OK;
}

enum fl_status res_export_summary(struct res_store *store, struct fl_error *err)
{
    struct res_run run = {0};
    FL_TRY(res_gather(store, &run, err));
    struct res_text out = {0};
    json_t *root = json_object();
    enum fl_status status =
        root ? FL_OK : fl_fail(err, FL_E_NOMEM, "summary: out of memory");
    if (status == FL_OK)
        status = add_run(store, &run, root, err);
    if (status == FL_OK)
        status = res_json_write(root, &out, err);
    if (status == FL_OK)
        status = res_export_file(store, "summary.json", &out, err);
    json_decref(root);
    res_text_fini(&out);
    res_run_fini(&run);
    return status;
}
