#include "results/uncertain/intervals.h"
#include "results/store/store_priv.h"
#include "results/store/store_seal.h"

#include "base/alloc.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static void drop_transaction(struct res_store *store)
{
    if (store->is_in_transaction)
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    store->is_in_transaction = false;
}

/* A write that SQLite could not do takes everything since the last commit with
 * it, and the store with that: never half of a moment. */
static enum fl_status break_store(struct res_store *store,
                                  int rc,
                                  const char *what,
                                  struct fl_error *err)
{
    enum fl_status status = res_sqlite_fail(store, rc, what, err);
    drop_transaction(store);
    store->is_broken = true;
    return status;
}

/* Writes are allowed, a transaction is open. */
static enum fl_status begin_write(struct res_store *store, struct fl_error *err)
{
    if (store->mode == RES_READ)
        return fl_fail(err, FL_E_STATE, "%s: opened for reading only",
                       store->path);
    if (store->is_finished)
        return fl_fail(err, FL_E_STATE, "%s: this run is finished",
                       store->path);
    if (store->is_broken)
        return fl_fail(err, FL_E_STATE,
                       "%s: a write has failed before; what was committed is "
                       "kept, resume the run",
                       store->path);
    if (store->is_in_transaction)
        return FL_OK;
    int rc = sqlite3_exec(store->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        return break_store(store, rc, "begin to write", err);
    store->is_in_transaction = true;
    return FL_OK;
}

/* Runs a bound statement; rc is what binding gave. A violated constraint is
 * the caller's mistake and changes nothing. */
static enum fl_status run_write(struct res_store *store,
                                sqlite3_stmt *stmt,
                                int rc,
                                const char *what,
                                struct fl_error *err)
{
    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    enum fl_status status = FL_OK;
    if ((rc & 0xff) == SQLITE_CONSTRAINT)
        status = res_sqlite_fail(store, rc, what, err);
    else if (rc != SQLITE_DONE)
        status = break_store(store, rc, what, err);
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt); /* forget what was borrowed */
    return status;
}

/* begin_write and the statement; a failure to prepare breaks the store, since
 * the caller's moment would lack a piece. */
static enum fl_status begin_statement(struct res_store *store,
                                      enum res_stmt which,
                                      sqlite3_stmt **ret,
                                      struct fl_error *err)
{
    FL_TRY(begin_write(store, err));
    enum fl_status status = res_store_statement(store, which, ret, err);
    if (status != FL_OK) {
        drop_transaction(store);
        store->is_broken = true;
    }
    return status;
}

static enum fl_status need_arm(struct res_store *store,
                               int32_t arm,
                               const char *what,
                               struct fl_error *err)
{
    if (res_store_find_arm(store, arm))
        return FL_OK;
    return fl_fail(err, FL_E_ARG, "%s: %s of arm %d, which was not added",
                   store->path, what, (int)arm);
}

enum fl_status res_store_set(struct res_store *store,
                             const char *key,
                             const char *value,
                             struct fl_error *err)
{
    assert(store && key && value);
    sqlite3_stmt *stmt;
    FL_TRY(begin_statement(store, RES_STMT_SET, &stmt, err));
    int rc = res_bind(stmt, "tt", key, value);
    return run_write(store, stmt, rc, "store a named text", err);
}

enum fl_status res_store_add_arm(struct res_store *store,
                                 const struct res_arm *arm,
                                 struct fl_error *err)
{
    assert(store && arm && arm->name);
    sqlite3_stmt *stmt;
    FL_TRY(begin_statement(store, RES_STMT_ADD_ARM, &stmt, err));
    int rc = res_bind(stmt, "itiir", (int64_t)arm->arm, arm->name,
                      arm->participants, arm->population, arm->target_accuracy);
    FL_TRY(run_write(store, stmt, rc, "store an arm", err));
    if (sqlite3_changes(store->db) == 0)
        return fl_fail(err, FL_E_STATE,
                       "%s: arm %d has another name, found '%s'", store->path,
                       (int)arm->arm, arm->name);
    return res_store_know_arm(store, arm->arm, 0, err);
}

enum fl_status res_store_add_zone(struct res_store *store,
                                  int32_t zone,
                                  const char *name,
                                  struct fl_error *err)
{
    assert(store && name);
    sqlite3_stmt *stmt;
    FL_TRY(begin_statement(store, RES_STMT_ADD_ZONE, &stmt, err));
    int rc = res_bind(stmt, "it", (int64_t)zone, name);
    FL_TRY(run_write(store, stmt, rc, "store a zone", err));
    if (sqlite3_changes(store->db) == 0)
        return fl_fail(err, FL_E_STATE,
                       "%s: zone %d has another name, found '%s'", store->path,
                       (int)zone, name);
    return res_store_know_zone(store, zone, err);
}

enum fl_status res_store_add_round(struct res_store *store,
                                   const struct res_round *round,
                                   struct fl_error *err)
{
    assert(store && round);
    FL_TRY(need_arm(store, round->arm, "a round", err));
    sqlite3_stmt *stmt;
    FL_TRY(begin_statement(store, RES_STMT_ADD_ROUND, &stmt, err));
    int rc = res_bind(stmt, "iirrrrii", (int64_t)round->arm, round->round,
                      round->sim_time_s, round->accuracy, round->loss,
                      round->train_loss, round->updates, round->refused);
    FL_TRY(run_write(store, stmt, rc, "store a round", err));
    res_guard_add_round(&res_store_find_arm(store, round->arm)->guard, round);
    return FL_OK;
}

enum fl_status res_store_add_fact(struct res_store *store,
                                  const char *name,
                                  const char *unit,
                                  const struct carbon_fact *fact,
                                  struct fl_error *err)
{
    assert(store && name && unit && fact);
    if (!fact->source && !fact->is_off)
        return fl_fail(err, FL_E_ARG, "%s: fact %s has no source", store->path,
                       name);
    sqlite3_stmt *stmt;
    FL_TRY(begin_statement(store, RES_STMT_ADD_FACT, &stmt, err));
    const struct carbon_spread *spread = &fact->spread;
    int rc = res_bind(stmt, "ttriiittrrrr", name, unit, fact->value,
                      (int64_t)fact->is_off, (int64_t)fact->evidence,
                      (int64_t)fact->year, fact->source ? fact->source : "",
                      carbon_spread_name(spread->kind), spread->low,
                      spread->high, spread->sd, spread->gsd);
    FL_TRY(run_write(store, stmt, rc, "store a fact", err));
    return res_store_know_fact(store, name, fact, err);
}

enum fl_status res_store_set_outcome(struct res_store *store,
                                     const struct res_outcome *outcome,
                                     struct fl_error *err)
{
    assert(store && outcome);
    FL_TRY(need_arm(store, outcome->arm, "the outcome", err));
    sqlite3_stmt *stmt;
    FL_TRY(begin_statement(store, RES_STMT_SET_OUTCOME, &stmt, err));
    int rc = res_bind(stmt, "irririt", (int64_t)outcome->arm, outcome->accuracy,
                      outcome->loss, outcome->rounds, outcome->sim_time_s,
                      (int64_t)outcome->has_reached, outcome->model_sha256);
    FL_TRY(run_write(store, stmt, rc, "store an outcome", err));
    res_guard_set_outcome(&res_store_find_arm(store, outcome->arm)->guard,
                          outcome);
    return FL_OK;
}

enum fl_status res_store_put_checkpoint(struct res_store *store,
                                        int32_t arm,
                                        const void *bytes,
                                        size_t n_bytes,
                                        struct fl_error *err)
{
    assert(store && (bytes || n_bytes == 0));
    FL_TRY(need_arm(store, arm, "a checkpoint", err));
    sqlite3_stmt *stmt;
    FL_TRY(begin_statement(store, RES_STMT_PUT_CHECKPOINT, &stmt, err));
    const void *data = n_bytes > 0 ? bytes : "";
    struct res_known_arm *known = res_store_find_arm(store, arm);
    uint32_t blob_crc = res_guard_blob_crc(data, n_bytes);
    int rc = res_bind(stmt, "iib", (int64_t)arm,
                      (int64_t)res_guard_crc(&known->guard, blob_crc), data,
                      (size_t)n_bytes);
    FL_TRY(run_write(store, stmt, rc, "store a checkpoint", err));
    known->sealed = known->guard;
    known->blob_crc = blob_crc;
    known->has_checkpoint = true;
    return FL_OK;
}

static bool has_allowed_numbers(const struct carbon_entry *e)
{
    return isfinite(e->t0_s) && isfinite(e->t1_s) && isfinite(e->energy_j) &&
           isfinite(e->bytes) && isfinite(e->emitted_gco2e) &&
           e->t1_s >= e->t0_s && e->energy_j >= 0 && e->idle_j >= 0 &&
           e->idle_j <= e->energy_j && e->bytes >= 0 && e->emitted_gco2e >= 0;
}

/* Everything that the tables' constraints ask for, so that a bad entry is
 * refused before the first of its batch is written. */
static enum fl_status check_entry(struct res_store *store,
                                  const struct carbon_entry *e,
                                  int64_t n_terms,
                                  struct fl_error *err)
{
    FL_TRY(need_arm(store, e->arm, "a ledger entry", err));
    bool has_zone = e->zone >= 0 && (size_t)e->zone < store->zones_capacity &&
                    store->has_zone[e->zone];
    if ((unsigned)e->role >= CARBON_ROLE_LAST_ ||
        (unsigned)e->phase >= CARBON_PHASE_LAST_ ||
        (unsigned)e->stage >= CARBON_STAGE_LAST_ || e->n_uses < 0 ||
        e->n_uses > CARBON_MAX_USES ||
        (unsigned)e->evidence >= CARBON_EVIDENCE_LAST_ || e->component < 0 ||
        e->component >= n_terms || !has_zone)
        return fl_fail(err, FL_E_ARG,
                       "%s: ledger entry of round %lld: role %d, phase %d, "
                       "stage %d, evidence %d, component %d, zone %d, allowed "
                       "known ones",
                       store->path, (long long)e->round, (int)e->role,
                       (int)e->phase, (int)e->stage, (int)e->evidence,
                       (int)e->component, (int)e->zone);
    if (has_allowed_numbers(e))
        return FL_OK;
    return fl_fail(err, FL_E_NUMERIC,
                   "%s: ledger entry of %s %lld, round %lld, %s: %g s to %g s, "
                   "%g J, %g bytes, %g gCO2e, allowed finite, >= 0, in order",
                   store->path, carbon_role_name(e->role), (long long)e->entity,
                   (long long)e->round, carbon_terms[e->component]->name,
                   e->t0_s, e->t1_s, e->energy_j, e->bytes, e->emitted_gco2e);
}

static int64_t count_terms(void)
{
    int64_t n = 0;
    while (carbon_terms[n])
        n++;
    return n;
}

static enum fl_status
insert_basis(struct res_store *store, int64_t number, struct fl_error *err)
{
    const struct res_basis *basis = &store->bases[number];
    sqlite3_stmt *stmt;
    FL_TRY(begin_statement(store, RES_STMT_ADD_BASIS, &stmt, err));
    for (int32_t i = 0; i < basis->n; i++) {
        int rc =
            res_bind(stmt, "iitri", number, (int64_t)i,
                     store->facts[basis->fact[i]].name,
                     basis->use[i].zero_value, (int64_t)basis->use[i].sign);
        FL_TRY(run_write(store, stmt, rc, "store what entries rest on", err));
    }
    return FL_OK;
}

/* The number of an entry's basis; a new one is written. */
static enum fl_status take_basis(struct res_store *store,
                                 const struct carbon_entry *entry,
                                 int64_t *ret,
                                 struct fl_error *err)
{
    bool is_new;
    FL_TRY(res_store_find_basis(store, entry, ret, &is_new, err));
    return is_new ? insert_basis(store, *ret, err) : FL_OK;
}

static int insert_entry(sqlite3_stmt *stmt,
                        const struct carbon_entry *e,
                        int64_t basis,
                        int64_t seq)
{
    int rc = res_bind(stmt, "iiiiiiiiirrrrriiir", (int64_t)e->arm, seq,
                      e->round, (int64_t)e->role, e->entity, (int64_t)e->zone,
                      (int64_t)e->component, (int64_t)e->phase,
                      (int64_t)e->stage, e->t0_s, e->t1_s, e->energy_j,
                      e->idle_j, e->bytes, (int64_t)e->is_wasted,
                      (int64_t)e->evidence, basis, e->emitted_gco2e);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    sqlite3_reset(stmt);
    return rc;
}

enum fl_status res_store_add_entries(struct res_store *store,
                                     const struct carbon_entry *entries,
                                     size_t n,
                                     struct fl_error *err)
{
    assert(store && (entries || n == 0));
    int64_t n_terms = count_terms();
    for (size_t i = 0; i < n; i++)
        FL_TRY(check_entry(store, &entries[i], n_terms, err));
    /* All of them before the first row: all entries or none. */
    int64_t bases[CARBON_MAX_TERMS];
    if (n > CARBON_MAX_TERMS) {
        FL_TRY(res_store_add_entries(store, entries, CARBON_MAX_TERMS, err));
        return res_store_add_entries(store, entries + CARBON_MAX_TERMS,
                                     n - CARBON_MAX_TERMS, err);
    }
    FL_TRY(begin_write(store, err));
    for (size_t i = 0; i < n; i++)
        FL_TRY(take_basis(store, &entries[i], &bases[i], err));
    sqlite3_stmt *stmt;
    FL_TRY(begin_statement(store, RES_STMT_ADD_ENTRY, &stmt, err));
    for (size_t i = 0; i < n; i++) {
        struct res_known_arm *arm = res_store_find_arm(store, entries[i].arm);
        int rc = insert_entry(stmt, &entries[i], bases[i], arm->next_seq);
        if (rc != SQLITE_DONE)
            return break_store(store, rc, "store ledger entries", err);
        res_guard_add_entry(&arm->guard, &entries[i], bases[i], arm->next_seq);
        arm->next_seq++;
    }
    return FL_OK;
}

/* What was added after a checkpoint was put is vouched for, too. */
static enum fl_status seal_checkpoints(struct res_store *store,
                                       struct fl_error *err)
{
    for (size_t i = 0; i < store->n_arms; i++) {
        struct res_known_arm *arm = &store->arms[i];
        char sql[96];
        if (!arm->has_checkpoint ||
            memcmp(&arm->guard, &arm->sealed, sizeof arm->guard) == 0)
            continue;
        (void)snprintf(sql, sizeof sql,
                       "UPDATE checkpoint SET crc32 = %lu WHERE arm = %d",
                       (unsigned long)res_guard_crc(&arm->guard, arm->blob_crc),
                       (int)arm->arm);
        int rc = sqlite3_exec(store->db, sql, NULL, NULL, NULL);
        if (rc != SQLITE_OK)
            return break_store(store, rc, "seal a checkpoint", err);
        arm->sealed = arm->guard;
    }
    return FL_OK;
}

enum fl_status res_store_commit(struct res_store *store, struct fl_error *err)
{
    FL_TRY(begin_write(store, err));
    FL_TRY(seal_checkpoints(store, err));
    int rc = sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        return break_store(store, rc, "commit", err);
    store->is_in_transaction = false;
    return FL_OK;
}

enum fl_status res_fold_journal(struct res_store *store,
                                int patience_wall_ms,
                                struct fl_error *err)
{
    FL_TRY(res_exec(store, "PRAGMA wal_checkpoint(TRUNCATE)",
                    "fold the journal", err));
    sqlite3_busy_timeout(store->db, patience_wall_ms);
    int rc = sqlite3_exec(store->db, "PRAGMA journal_mode = DELETE", NULL, NULL,
                          NULL);
    if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_BUSY &&
        (rc & 0xff) != SQLITE_LOCKED)
        return res_sqlite_fail(store, rc, "fold the journal", err);
    return FL_OK;
}

enum fl_status res_store_finish(struct res_store *store, struct fl_error *err)
{
    FL_TRY(begin_write(store, err));
    int rc = sqlite3_exec(store->db,
                          "DELETE FROM checkpoint; DELETE FROM ledger_sum;"
                          "INSERT INTO ledger_sum " RES_SUM_LEDGER
                          "GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9",
                          NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        return break_store(store, rc, "sum the ledger up", err);
    FL_TRY(res_intervals_keep(store, err));
    FL_TRY(res_store_set(store, "finished", "1", err));
    char seal[RES_SEAL_SIZE];
    FL_TRY(res_seal_make(store, seal, err));
    FL_TRY(res_store_set(store, RES_SEAL_KEY, seal, err));
    FL_TRY(res_store_commit(store, err));
    store->is_finished = true;
    FL_TRY(res_exec(store, "PRAGMA incremental_vacuum",
                    "give back the checkpoints' room", err));
    return res_fold_journal(store, 500, err);
}
