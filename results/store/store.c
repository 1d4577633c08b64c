#include "results/store/store_priv.h"

#include "base/alloc.h"
#include "base/file.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

static const char *const statement_sql[] = {
    [RES_STMT_SET] = "INSERT INTO meta(key, value) VALUES (?1, ?2)"
                     " ON CONFLICT DO UPDATE SET value = excluded.value",
    [RES_STMT_GET] = "SELECT value FROM meta WHERE key = ?1",
    [RES_STMT_ADD_ARM] =
        "INSERT INTO arm VALUES (?1, ?2, ?3, ?4, ?5)"
        " ON CONFLICT (arm) DO UPDATE SET participants = excluded.participants,"
        " population = excluded.population,"
        " target_accuracy = excluded.target_accuracy"
        " WHERE name = excluded.name",
    [RES_STMT_ADD_ROUND] =
        "INSERT INTO round VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [RES_STMT_ADD_ENTRY] = "INSERT INTO ledger VALUES (?1, ?2, ?3, ?4, ?5, ?6,"
                           " ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,"
                           " ?16, ?17, ?18)",
    [RES_STMT_ADD_FACT] = "INSERT INTO fact VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7,"
                          " ?8, ?9, ?10, ?11, ?12)"
                          " ON CONFLICT DO UPDATE SET unit = excluded.unit,"
                          " value = excluded.value, is_off = excluded.is_off,"
                          " evidence = excluded.evidence, year = excluded.year,"
                          " source = excluded.source, spread = excluded.spread,"
                          " low = excluded.low, high = excluded.high,"
                          " sd = excluded.sd, gsd = excluded.gsd",
    [RES_STMT_ADD_BASIS] = "INSERT INTO basis VALUES (?1, ?2, ?3, ?4, ?5)",
    [RES_STMT_ADD_ZONE] =
        "INSERT INTO zone VALUES (?1, ?2) ON CONFLICT (zone) DO UPDATE"
        " SET name = excluded.name WHERE name = excluded.name",
    [RES_STMT_SET_OUTCOME] =
        "INSERT INTO outcome VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
        " ON CONFLICT DO UPDATE SET accuracy = excluded.accuracy,"
        " loss = excluded.loss, rounds = excluded.rounds,"
        " sim_time_s = excluded.sim_time_s, reached = excluded.reached,"
        " model_sha256 = excluded.model_sha256",
    [RES_STMT_PUT_CHECKPOINT] =
        "INSERT INTO checkpoint VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE"
        " SET crc32 = excluded.crc32, bytes = excluded.bytes",
    [RES_STMT_GET_CHECKPOINT] =
        "SELECT crc32, bytes FROM checkpoint WHERE arm = ?1",
    [RES_STMT_SUM_ENTRIES] =
        "SELECT total(energy_j), total(emitted_gco2e), coalesce(max(seq) + 1,"
        " ?2) FROM ledger WHERE arm = ?1 AND seq >= ?2",
};
_Static_assert(sizeof statement_sql / sizeof statement_sql[0] == RES_STMT_LAST_,
               "every statement needs its SQL");

static enum fl_status status_of(int rc)
{
    if (rc == SQLITE_IOERR_NOMEM)
        return FL_E_NOMEM;
    switch (rc & 0xff) {
    case SQLITE_NOMEM:
        return FL_E_NOMEM;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return FL_E_STATE;
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
    case SQLITE_SCHEMA:
    case SQLITE_ERROR:
    case SQLITE_MISMATCH:
        return FL_E_FORMAT;
    case SQLITE_TOOBIG:
        return FL_E_RANGE;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
        return FL_E_ARG;
    default: /* FULL, IOERR, CANTOPEN, READONLY, PERM, PROTOCOL ... */
        return FL_E_IO;
    }
}

enum fl_status res_sqlite_fail(const struct res_store *store,
                               int rc,
                               const char *what,
                               struct fl_error *err)
{
    int primary = rc & 0xff;
    const char *why =
        store->db && (sqlite3_errcode(store->db) & 0xff) == primary
            ? sqlite3_errmsg(store->db)
            : sqlite3_errstr(rc);
    int system = store->db ? sqlite3_system_errno(store->db) : 0;
    if (primary == SQLITE_FULL || (rc != SQLITE_OK && system == ENOSPC))
        return fl_fail(err, FL_E_IO, "%s: cannot %s: disk full", store->path,
                       what);
    if (primary == SQLITE_NOTADB)
        return fl_fail(err, FL_E_FORMAT,
                       "%s: not a run store: found a file that is no SQLite "
                       "database",
                       store->path);
    if (primary == SQLITE_CORRUPT)
        return fl_fail(err, FL_E_FORMAT, "%s: damaged: cannot %s: %s",
                       store->path, what, why);
    if ((primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN) &&
        rc != SQLITE_IOERR_NOMEM && system != 0)
        return fl_fail(err, FL_E_IO, "%s: cannot %s: %s: %s", store->path, what,
                       why, strerror(system));
    return fl_fail(err, status_of(rc), "%s: cannot %s: %s", store->path, what,
                   why);
}

enum fl_status res_exec(struct res_store *store,
                        const char *sql,
                        const char *what,
                        struct fl_error *err)
{
    int rc = sqlite3_exec(store->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? FL_OK : res_sqlite_fail(store, rc, what, err);
}

enum fl_status res_prepare(struct res_store *store,
                           const char *sql,
                           sqlite3_stmt **ret,
                           struct fl_error *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
                                &stmt, NULL);
    if (rc != SQLITE_OK)
        return res_sqlite_fail(store, rc, "read the run", err);
    *ret = stmt;
    return FL_OK;
}

enum fl_status res_step(struct res_store *store,
                        sqlite3_stmt *stmt,
                        bool *ret_row,
                        struct fl_error *err)
{
    int rc = sqlite3_step(stmt);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return res_sqlite_fail(store, rc, "read the run", err);
    *ret_row = rc == SQLITE_ROW;
    return FL_OK;
}

const char *res_column_text(sqlite3_stmt *stmt, int column)
{
    const unsigned char *text = sqlite3_column_text(stmt, column);
    return text ? (const char *)text : "";
}

double res_column_real(sqlite3_stmt *stmt, int column)
{
    return sqlite3_column_type(stmt, column) == SQLITE_NULL
               ? (double)NAN
               : sqlite3_column_double(stmt, column);
}

enum fl_status res_query_int(struct res_store *store,
                             const char *sql,
                             int64_t *ret,
                             struct fl_error *err)
{
    sqlite3_stmt *stmt;
    FL_TRY(res_prepare(store, sql, &stmt, err));
    bool has_row = false;
    enum fl_status status = res_step(store, stmt, &has_row, err);
    if (status == FL_OK && !has_row)
        status = fl_fail(err, FL_E_FORMAT, "%s: damaged: no answer to %s",
                         store->path, sql);
    if (status == FL_OK)
        *ret = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return status;
}

enum fl_status res_store_statement(struct res_store *store,
                                   enum res_stmt which,
                                   sqlite3_stmt **ret,
                                   struct fl_error *err)
{
    sqlite3_stmt **kept = &store->statements[which];
    if (!*kept)
        FL_TRY(res_prepare(store, statement_sql[which], kept, err));
    sqlite3_reset(*kept);
    sqlite3_clear_bindings(*kept);
    *ret = *kept;
    return FL_OK;
}

static int bind_all(sqlite3_stmt *stmt, const char *kinds, va_list args)
{
    int rc = SQLITE_OK;
    for (int i = 0; kinds[i] && rc == SQLITE_OK; i++) {
        int place = i + 1;
        if (kinds[i] == 'i') {
            rc = sqlite3_bind_int64(stmt, place, va_arg(args, int64_t));
        } else if (kinds[i] == 'r') { /* a NaN is kept as NULL by SQLite */
            rc = sqlite3_bind_double(stmt, place, va_arg(args, double));
        } else if (kinds[i] == 't') {
            const char *text = va_arg(args, const char *);
            rc = sqlite3_bind_text(stmt, place, text, -1, SQLITE_STATIC);
        } else {
            assert(kinds[i] == 'b');
            const void *bytes = va_arg(args, const void *);
            size_t n_bytes = va_arg(args, size_t);
            rc =
                sqlite3_bind_blob64(stmt, place, bytes, n_bytes, SQLITE_STATIC);
        }
    }
    return rc;
}

int res_bind(sqlite3_stmt *stmt, const char *kinds, ...)
{
    va_list args;
    va_start(args, kinds);
    int rc = bind_all(stmt, kinds, args);
    va_end(args);
    return rc;
}

enum fl_status res_ask(struct res_store *store,
                       const char *sql,
                       sqlite3_stmt **ret,
                       struct fl_error *err,
                       const char *kinds,
                       ...)
{
    sqlite3_stmt *stmt;
    va_list args;
    FL_TRY(res_prepare(store, sql, &stmt, err));
    va_start(args, kinds);
    int rc = bind_all(stmt, kinds, args);
    va_end(args);
    if (rc != SQLITE_OK) {
        sqlite3_finalize(stmt);
        return res_sqlite_fail(store, rc, "read the run", err);
    }
    *ret = stmt;
    return FL_OK;
}

struct res_known_arm *res_store_find_arm(struct res_store *store, int32_t arm)
{
    for (size_t i = 0; i < store->n_arms; i++)
        if (store->arms[i].arm == arm)
            return &store->arms[i];
    return NULL;
}

enum fl_status res_store_know_arm(struct res_store *store,
                                  int32_t arm,
                                  int64_t next_seq,
                                  struct fl_error *err)
{
    if (res_store_find_arm(store, arm))
        return FL_OK;
    FL_TRY(fl_grow(&store->arms, &store->arms_capacity, store->n_arms + 1,
                   sizeof store->arms[0], err));
    store->arms[store->n_arms++] =
        (struct res_known_arm){.arm = arm, .next_seq = next_seq};
    return FL_OK;
}

enum fl_status
res_store_know_zone(struct res_store *store, int64_t zone, struct fl_error *err)
{
    if (zone < 0 || zone > 1000000)
        return fl_fail(err, FL_E_ARG,
                       "%s: zone number = %lld, allowed [0, 1000000]",
                       store->path, (long long)zone);
    FL_TRY(fl_grow(&store->has_zone, &store->zones_capacity, (size_t)zone + 1,
                   sizeof store->has_zone[0], err));
    store->has_zone[zone] = true;
    return FL_OK;
}

static enum fl_status
paths_of(struct res_store *store, const char *dir, struct fl_error *err)
{
    char path[RES_PATH_BYTES];
    store->dir = fl_strdup(dir);
    FL_TRY(fl_path_join(dir, "run.sqlite", path, sizeof path, err));
    store->path = fl_strdup(path);
    FL_TRY(fl_path_join(dir, "run.lock", path, sizeof path, err));
    store->lock_path = fl_strdup(path);
    if (!store->dir || !store->path || !store->lock_path)
        return fl_fail(err, FL_E_NOMEM, "%s: out of memory", dir);
    return FL_OK;
}

enum fl_status res_store_create(const char *dir,
                                enum res_mode mode,
                                struct res_store **ret,
                                struct fl_error *err)
{
    assert(dir && ret);
    struct res_store *store = fl_calloc(1, sizeof *store);
    if (!store)
        return fl_fail(err, FL_E_NOMEM, "%s: out of memory", dir);
    store->lock = FL_LOCK_NONE;
    store->mode = mode;
    enum fl_status status = paths_of(store, dir, err);
    if (status == FL_OK)
        status = res_store_open(store, err);
    if (status != FL_OK) {
        res_store_destroy(store);
        return status;
    }
    *ret = store;
    return FL_OK;
}

void res_store_destroy(struct res_store *store)
{
    if (!store)
        return;
    for (size_t i = 0; i < RES_STMT_LAST_; i++)
        sqlite3_finalize(store->statements[i]);
    if (store->is_in_transaction)
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    sqlite3_close(store->db);
    fl_lock_drop(&store->lock);
    fl_free(store->arms);
    fl_free(store->has_zone);
    res_store_forget_bases(store);
    fl_free(store->lock_path);
    fl_free(store->path);
    fl_free(store->dir);
    fl_free(store);
}

const char *res_store_dir(const struct res_store *store)
{
    return store->dir;
}
