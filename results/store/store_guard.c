/* What a checkpoint vouches for besides its own bytes: the rows of its arm's
 * ledger, its rounds and its outcome, as they were committed with it. A disk
 * may change a number into another one that looks as good; a run that goes on
 * from it would publish it.
 *
 * Each row has a checksum of its fields, and those of the ledger and of the
 * rounds are added up, so that their order does not matter. */
#include "results/store/store_priv.h"

#include "base/checksum.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

/* A row on its way into a checksum: each field as 8 bytes. */
struct row {
    uint64_t fields[24];
    size_t n;
};

static void put_int(struct row *row, int64_t value)
{
    row->fields[row->n++] = (uint64_t)value;
}

/* As SQLite keeps it: NaN is NULL, -0.0 is 0.0. */
static void put_real(struct row *row, double value)
{
    uint64_t bits = UINT64_MAX;
    double positive = value == 0 ? 0.0 : value;
    if (!isnan(value))
        memcpy(&bits, &positive, sizeof bits);
    row->fields[row->n++] = bits;
}

static void sum_of(const struct row *row, uint64_t ret[2])
{
    struct fl_checksum sum;
    uint8_t bytes[FL_CHECKSUM_BYTES];
    fl_checksum_init(&sum);
    fl_checksum_add(&sum, row->fields, row->n * sizeof row->fields[0]);
    fl_checksum_end(&sum, bytes);
    memcpy(ret, bytes, sizeof bytes);
}

static void add_row(struct res_guard *guard, const struct row *row)
{
    uint64_t sum[2];
    sum_of(row, sum);
    guard->rows[0] += sum[0];
    guard->rows[1] += sum[1];
}

void res_guard_add_entry(struct res_guard *guard,
                         const struct carbon_entry *e,
                         int64_t basis,
                         int64_t seq)
{
    struct row row = {.n = 0};
    const int64_t before[] = {
        seq,     e->round,     (int64_t)e->role,  e->entity,
        e->zone, e->component, (int64_t)e->phase, (int64_t)e->stage};
    const double reals[] = {e->t0_s, e->t1_s, e->energy_j, e->idle_j, e->bytes};
    for (size_t i = 0; i < sizeof before / sizeof before[0]; i++)
        put_int(&row, before[i]);
    for (size_t i = 0; i < sizeof reals / sizeof reals[0]; i++)
        put_real(&row, reals[i]);
    put_int(&row, e->is_wasted);
    put_int(&row, (int64_t)e->evidence);
    put_int(&row, basis);
    put_real(&row, e->emitted_gco2e);
    add_row(guard, &row);
}

void res_guard_add_round(struct res_guard *guard, const struct res_round *round)
{
    struct row row = {.n = 0};
    put_int(&row, round->round);
    put_real(&row, round->sim_time_s);
    put_real(&row, round->accuracy);
    put_real(&row, round->loss);
    put_real(&row, round->train_loss);
    put_int(&row, round->updates);
    put_int(&row, round->refused);
    add_row(guard, &row);
}

void res_guard_set_outcome(struct res_guard *guard,
                           const struct res_outcome *outcome)
{
    struct row row = {.n = 0};
    size_t n = strnlen(outcome->model_sha256, sizeof outcome->model_sha256);
    put_real(&row, outcome->accuracy);
    put_real(&row, outcome->loss);
    put_int(&row, outcome->rounds);
    put_real(&row, outcome->sim_time_s);
    put_int(&row, outcome->has_reached);
    put_int(&row, res_guard_blob_crc(outcome->model_sha256, n));
    sum_of(&row, guard->outcome);
}

uint32_t res_guard_blob_crc(const void *blob, size_t n_bytes)
{
    const Bytef *bytes = n_bytes > 0 ? blob : (const Bytef *)"";
    return (uint32_t)crc32_z(crc32_z(0, NULL, 0), bytes, n_bytes);
}

uint32_t res_guard_crc(const struct res_guard *guard, uint32_t blob_crc)
{
    return (uint32_t)crc32_z(blob_crc, (const Bytef *)guard, sizeof *guard);
}

/* Every field of a row from SQLite, in the order of the two tables. */
static void
add_columns(struct res_guard *guard, sqlite3_stmt *stmt, const char *kinds)
{
    struct row row = {.n = 0};
    for (int i = 0; kinds[i]; i++) {
        if (kinds[i] == 'i')
            put_int(&row, sqlite3_column_int64(stmt, i));
        else
            put_real(&row, res_column_real(stmt, i));
    }
    add_row(guard, &row);
}

static enum fl_status add_rows(struct res_store *store,
                               struct res_known_arm *arm,
                               const char *sql,
                               const char *kinds,
                               struct fl_error *err)
{
    sqlite3_stmt *stmt;
    FL_TRY(res_ask(store, sql, &stmt, err, "i", (int64_t)arm->arm));
    bool has_row = false;
    enum fl_status status;
    while ((status = res_step(store, stmt, &has_row, err)) == FL_OK && has_row)
        add_columns(&arm->guard, stmt, kinds);
    sqlite3_finalize(stmt);
    return status;
}

static enum fl_status learn_outcome(struct res_store *store,
                                    struct res_known_arm *arm,
                                    struct fl_error *err)
{
    sqlite3_stmt *stmt;
    FL_TRY(res_ask(store,
                   "SELECT accuracy, loss, rounds, sim_time_s, reached,"
                   " model_sha256 FROM outcome WHERE arm = ?",
                   &stmt, err, "i", (int64_t)arm->arm));
    bool has_row = false;
    enum fl_status status = res_step(store, stmt, &has_row, err);
    if (status == FL_OK && has_row) {
        struct res_outcome outcome = {
            .arm = arm->arm,
            .accuracy = res_column_real(stmt, 0),
            .loss = res_column_real(stmt, 1),
            .rounds = sqlite3_column_int64(stmt, 2),
            .sim_time_s = res_column_real(stmt, 3),
            .has_reached = sqlite3_column_int(stmt, 4) != 0,
        };
        (void)snprintf(outcome.model_sha256, sizeof outcome.model_sha256, "%s",
                       res_column_text(stmt, 5));
        res_guard_set_outcome(&arm->guard, &outcome);
    }
    sqlite3_finalize(stmt);
    return status;
}

static enum fl_status learn_checkpoint(struct res_store *store,
                                       struct res_known_arm *arm,
                                       struct fl_error *err)
{
    sqlite3_stmt *stmt;
    FL_TRY(res_ask(store, "SELECT bytes FROM checkpoint WHERE arm = ?", &stmt,
                   err, "i", (int64_t)arm->arm));
    bool has_row = false;
    enum fl_status status = res_step(store, stmt, &has_row, err);
    if (status == FL_OK && has_row) {
        const void *blob = sqlite3_column_blob(stmt, 0);
        size_t n_bytes = (size_t)sqlite3_column_bytes(stmt, 0);
        if (!blob && n_bytes > 0)
            status = fl_fail(err, FL_E_NOMEM, "%s: out of memory", store->path);
        else
            arm->blob_crc = res_guard_blob_crc(blob, n_bytes);
        arm->has_checkpoint = true;
    }
    sqlite3_finalize(stmt);
    return status;
}

enum fl_status res_guard_learn(struct res_store *store,
                               struct res_known_arm *arm,
                               struct fl_error *err)
{
    arm->guard = (struct res_guard){.rows = {0}};
    FL_TRY(add_rows(store, arm,
                    "SELECT seq, round, role, entity, zone, component, phase,"
                    " stage, t0_s, t1_s, energy_j, idle_j, bytes, wasted,"
                    " evidence, basis, emitted_gco2e FROM ledger WHERE arm = ?",
                    "iiiiiiiirrrrriiir", err));
    FL_TRY(add_rows(store, arm,
                    "SELECT round, sim_time_s, accuracy, loss, train_loss,"
                    " updates, refused FROM round WHERE arm = ?",
                    "irrrrii", err));
    FL_TRY(learn_outcome(store, arm, err));
    arm->sealed = arm->guard;
    return learn_checkpoint(store, arm, err);
}
