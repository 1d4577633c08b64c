/* Opening a run: the lock, the file's identity, the schema.
 *
 * One writer per run: it holds flock on run.lock, which the system lets go
 * when the process ends, however it ends. Readers take no lock; SQLite's
 * write-ahead log gives each a consistent moment. */
#include "results/store/store_priv.h"
#include "results/store/store_seal.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/lock.h"
#include "base/parse.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum fl_status res_store_lock(struct res_store *store, struct fl_error *err)
{
    return fl_lock_take(store->lock_path, store->dir,
                        "is writing this run, allowed one writer", &store->lock,
                        err);
}

/* SQLite says "unable to open" for all that it is not allowed to do. */
static enum fl_status check_writable(const struct res_store *store,
                                     struct fl_error *err)
{
    const char *const paths[] = {store->path, store->dir};
    struct stat info;
    for (size_t i = 0; i < 2 && store->mode != RES_READ; i++)
        if (paths[i] && stat(paths[i], &info) == 0 &&
            access(paths[i], W_OK) != 0)
            return fl_fail_errno(err, FL_E_IO, "%s: cannot write", paths[i]);
    return FL_OK;
}

static enum fl_status connect_to(struct res_store *store, struct fl_error *err)
{
    FL_TRY(check_writable(store, err));
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    flags |=
        store->mode == RES_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    if (store->mode == RES_CREATE)
        flags |= SQLITE_OPEN_CREATE;
    int rc = sqlite3_open_v2(store->path, &store->db, flags, NULL);
    if (rc != SQLITE_OK)
        return res_sqlite_fail(store, rc, "open", err);
    /* A file from elsewhere gets no say in what its schema may run. */
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_busy_timeout(store->db, 5000);
    return res_exec(store,
                    "PRAGMA foreign_keys = ON; PRAGMA cell_size_check = ON;"
                    "PRAGMA synchronous = NORMAL; PRAGMA temp_store = FILE;"
                    "PRAGMA cache_size = -4000",
                    "open", err);
}

static enum fl_status insert_name(struct res_store *store,
                                  const char *sql,
                                  int64_t number,
                                  const char *name,
                                  struct fl_error *err)
{
    sqlite3_stmt *stmt;
    FL_TRY(res_prepare(store, sql, &stmt, err));
    int rc = res_bind(stmt, "it", number, name);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    enum fl_status status = FL_OK;
    if (rc != SQLITE_DONE)
        status = res_sqlite_fail(store, rc, "write the tables of names", err);
    sqlite3_finalize(stmt);
    return status;
}

static enum fl_status insert_component(struct res_store *store,
                                       int64_t number,
                                       const struct carbon_term *term,
                                       struct fl_error *err)
{
    sqlite3_stmt *stmt;
    FL_TRY(res_prepare(store, "INSERT INTO component VALUES (?, ?, ?, ?, ?)",
                       &stmt, err));
    int rc = res_bind(stmt, "itttt", number, term->name, term->group, term->doc,
                      term->source);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    enum fl_status status = FL_OK;
    if (rc != SQLITE_DONE)
        status = res_sqlite_fail(store, rc, "write the table of terms", err);
    sqlite3_finalize(stmt);
    return status;
}

static enum fl_status write_schema(struct res_store *store,
                                   struct fl_error *err)
{
    for (size_t i = 0; res_schema[i].name; i++)
        FL_TRY(res_exec(store, res_schema[i].sql, "create the tables", err));
    for (int i = 0; i < CARBON_ROLE_LAST_; i++)
        FL_TRY(insert_name(store, "INSERT INTO role VALUES (?, ?)", i,
                           carbon_role_name((enum carbon_role)i), err));
    for (int i = 0; i < CARBON_PHASE_LAST_; i++)
        FL_TRY(insert_name(store, "INSERT INTO phase VALUES (?, ?)", i,
                           carbon_phase_name((enum carbon_phase)i), err));
    for (int i = 0; i < CARBON_STAGE_LAST_; i++)
        FL_TRY(insert_name(store, "INSERT INTO stage VALUES (?, ?)", i,
                           carbon_stage_name((enum carbon_stage)i), err));
    for (int i = 0; i < CARBON_EVIDENCE_LAST_; i++)
        FL_TRY(insert_name(store, "INSERT INTO evidence VALUES (?, ?)", i,
                           carbon_evidence_name((enum carbon_evidence)i), err));
    for (int i = 0; carbon_terms[i]; i++)
        FL_TRY(insert_component(store, i, carbon_terms[i], err));
    char sql[96];
    (void)snprintf(sql, sizeof sql,
                   "PRAGMA application_id = %d; PRAGMA user_version = %d",
                   RES_APPLICATION_ID, RES_SCHEMA_VERSION);
    return res_exec(store, sql, "create the tables", err);
}

/* Everything of a new store or, on failure or death, an empty file. */
static enum fl_status create_tables(struct res_store *store,
                                    struct fl_error *err)
{
    FL_TRY(res_exec(store, "PRAGMA auto_vacuum = INCREMENTAL; BEGIN IMMEDIATE",
                    "create the tables", err));
    enum fl_status status = write_schema(store, err);
    if (status == FL_OK)
        status = res_exec(store, "COMMIT", "create the tables", err);
    if (status != FL_OK)
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

/* SQLite writes whole pages: a torn last one was cut off, unless the log still
 * holds it (a full disk may tear a checkpoint of the log). */
static enum fl_status
check_size(struct res_store *store, int64_t size_bytes, struct fl_error *err)
{
    int64_t page_bytes;
    FL_TRY(res_query_int(store, "PRAGMA page_size", &page_bytes, err));
    char log[RES_PATH_BYTES];
    FL_TRY(fl_path_join(store->dir, "run.sqlite-wal", log, sizeof log, err));
    struct stat info;
    if (page_bytes <= 0 || size_bytes % page_bytes == 0 ||
        (stat(log, &info) == 0 && info.st_size > 0))
        return FL_OK;
    return fl_fail(err, FL_E_FORMAT,
                   "%s: damaged: found %lld bytes, allowed whole pages of %lld",
                   store->path, (long long)size_bytes, (long long)page_bytes);
}

static size_t find_object(const char *name)
{
    size_t i = 0;
    while (res_schema[i].name && strcmp(res_schema[i].name, name) != 0)
        i++;
    return i;
}

/* Tables and views are as we write them, letter by letter. */
static enum fl_status check_schema(struct res_store *store,
                                   struct fl_error *err)
{
    enum { MOST = 64 };
    bool is_same[MOST] = {false};
    sqlite3_stmt *stmt;
    FL_TRY(
        res_prepare(store, "SELECT name, sql FROM sqlite_schema", &stmt, err));
    bool has_row = false;
    enum fl_status status;
    while ((status = res_step(store, stmt, &has_row, err)) == FL_OK &&
           has_row) {
        size_t i = find_object(res_column_text(stmt, 0));
        assert(i < MOST);
        if (res_schema[i].name)
            is_same[i] =
                strcmp(res_column_text(stmt, 1), res_schema[i].sql) == 0;
    }
    sqlite3_finalize(stmt);
    for (size_t i = 0; res_schema[i].name && status == FL_OK; i++)
        if (!is_same[i])
            status =
                fl_fail(err, FL_E_FORMAT,
                        "%s: damaged or changed: table %s is not as "
                        "schema %d has it",
                        store->path, res_schema[i].name, RES_SCHEMA_VERSION);
    return status;
}

/* A file of ours, of this version, whose tables are what this code reads. */
static enum fl_status check_identity(struct res_store *store,
                                     struct fl_error *err)
{
    int64_t id, version;
    FL_TRY(res_query_int(store, "PRAGMA application_id", &id, err));
    FL_TRY(res_query_int(store, "PRAGMA user_version", &version, err));
    if (id != RES_APPLICATION_ID)
        return fl_fail(err, FL_E_FORMAT,
                       "%s: not a run store: found application id %lld, "
                       "allowed %d",
                       store->path, (long long)id, RES_APPLICATION_ID);
    if (version != RES_SCHEMA_VERSION)
        return fl_fail(err, FL_E_FORMAT,
                       "%s: written by another version: found schema %lld, "
                       "allowed %d",
                       store->path, (long long)version, RES_SCHEMA_VERSION);
    return check_schema(store, err);
}

/* The program that goes on with a run must number terms as the one that began
 * it did. */
static enum fl_status check_terms(struct res_store *store, struct fl_error *err)
{
    sqlite3_stmt *stmt;
    FL_TRY(res_prepare(
        store, "SELECT component, name FROM component ORDER BY 1", &stmt, err));
    enum fl_status status = FL_OK;
    bool has_row = true;
    for (int i = 0; status == FL_OK && has_row; i++) {
        status = res_step(store, stmt, &has_row, err);
        if (status != FL_OK)
            break;
        const char *ours = carbon_terms[i] ? carbon_terms[i]->name : NULL;
        const char *theirs = has_row ? res_column_text(stmt, 1) : NULL;
        if ((!ours && !theirs) || (ours && theirs && !strcmp(ours, theirs))) {
            if (!ours)
                break;
            continue;
        }
        status = fl_fail(err, FL_E_STATE,
                         "%s: begun by a program with other carbon terms: "
                         "found %s, allowed %s; start a new run",
                         store->path, theirs ? theirs : "none",
                         ours ? ours : "none");
    }
    sqlite3_finalize(stmt);
    return status;
}

static enum fl_status learn_arms(struct res_store *store, struct fl_error *err)
{
    sqlite3_stmt *stmt;
    FL_TRY(res_prepare(store,
                       "SELECT arm, coalesce((SELECT max(seq) + 1 FROM ledger l"
                       " WHERE l.arm = a.arm), 0) FROM arm a ORDER BY arm",
                       &stmt, err));
    bool has_row = false;
    enum fl_status status;
    while ((status = res_step(store, stmt, &has_row, err)) == FL_OK &&
           has_row) {
        status = res_store_know_arm(store, sqlite3_column_int(stmt, 0),
                                    sqlite3_column_int64(stmt, 1), err);
        if (status != FL_OK)
            break;
    }
    sqlite3_finalize(stmt);
    if (status != FL_OK)
        return status;
    for (size_t i = 0; i < store->n_arms && store->mode == RES_RESUME; i++)
        FL_TRY(res_guard_learn(store, &store->arms[i], err));
    FL_TRY(res_prepare(store, "SELECT zone FROM zone", &stmt, err));
    while ((status = res_step(store, stmt, &has_row, err)) == FL_OK &&
           has_row) {
        status = res_store_know_zone(store, sqlite3_column_int64(stmt, 0), err);
        if (status != FL_OK)
            break;
    }
    sqlite3_finalize(stmt);
    return status;
}

/* The check names a page that it could not read by SQLite's code: no memory
 * and an I/O error are no damage. */
static enum fl_status
damage(const struct res_store *store, const char *found, struct fl_error *err)
{
    static const char mark[] = "error code=";
    const char *at = strstr(found, mark);
    int64_t rc;
    if (at &&
        fl_parse_int(at + sizeof mark - 1, 1, 100000, &rc, NULL) == FL_OK &&
        rc != SQLITE_CORRUPT)
        return res_sqlite_fail(store, (int)rc, "check the pages", err);
    return fl_fail(err, FL_E_FORMAT, "%s: damaged: %s", store->path, found);
}

/* PRAGMA quick_check: every page is read, so that a damaged run is refused
 * before anything is added to it. */
static enum fl_status check_pages(struct res_store *store, struct fl_error *err)
{
    sqlite3_stmt *stmt;
    FL_TRY(res_prepare(store, "PRAGMA quick_check(1)", &stmt, err));
    bool has_row = false;
    enum fl_status status = res_step(store, stmt, &has_row, err);
    const char *found = has_row ? res_column_text(stmt, 0) : "no answer";
    if (status == FL_OK && strcmp(found, "ok") != 0)
        status = found[0] == '\0' ? fl_fail(err, FL_E_NOMEM,
                                            "%s: out of memory", store->path)
                                  : damage(store, found, err);
    sqlite3_finalize(stmt);
    return status;
}

/* Whether a coordinator has committed anything: it may have died before that.
 * A file without tables, or with empty ones, holds no run. */
static enum fl_status
count_meta(struct res_store *store, int64_t *ret, struct fl_error *err)
{
    int64_t n_objects = 0;
    FL_TRY(res_query_int(store, "SELECT count(*) FROM sqlite_schema",
                         &n_objects, err));
    *ret = 0;
    if (n_objects == 0)
        return FL_OK;
    FL_TRY(check_identity(store, err));
    return res_query_int(store, "SELECT count(*) FROM meta", ret, err);
}

enum fl_status
res_store_has_begun(const char *dir, bool *ret, struct fl_error *err)
{
    char path[RES_PATH_BYTES];
    struct stat info;
    FL_TRY(fl_path_join(dir, "run.sqlite", path, sizeof path, err));
    *ret = false;
    if (stat(path, &info) != 0)
        return FL_OK;
    /* Writable: whoever died while creating it left a journal to undo. */
    struct res_store store = {
        .mode = RES_RESUME, .lock = FL_LOCK_NONE, .path = path};
    int64_t n = 0;
    enum fl_status status = connect_to(&store, err);
    if (status == FL_OK)
        status = count_meta(&store, &n, err);
    sqlite3_close(store.db);
    *ret = n > 0;
    return status;
}

static enum fl_status open_new(struct res_store *store, struct fl_error *err)
{
    FL_TRY(fl_dir_create(store->dir, err));
    FL_TRY(res_store_lock(store, err));
    struct stat info;
    bool was_there = stat(store->path, &info) == 0 && info.st_size > 0;
    enum fl_status status = connect_to(store, err);
    int64_t n_objects = 0, n_meta = 0;
    if (status == FL_OK)
        status = res_query_int(store, "SELECT count(*) FROM sqlite_schema",
                               &n_objects, err);
    if (status == FL_OK)
        status = count_meta(store, &n_meta, err);
    if (status == FL_OK && n_meta > 0)
        return fl_fail(err, FL_E_STATE,
                       "%s: holds a run already; resume it, or choose another "
                       "folder",
                       store->dir);
    if (status == FL_OK) /* tables without a run: its coordinator died young */
        status =
            n_objects ? check_terms(store, err) : create_tables(store, err);
    if (status == FL_OK)
        status = res_exec(store, "PRAGMA journal_mode = WAL", "open", err);
    if (status != FL_OK && !was_there) { /* leave nothing behind */
        sqlite3_close(store->db);
        store->db = NULL;
        (void)unlink(store->path);
        fl_lock_drop(&store->lock);
    }
    return status;
}

static enum fl_status check_finished(struct res_store *store,
                                     struct fl_error *err)
{
    int64_t n = 0;
    FL_TRY(res_query_int(
        store, "SELECT count(*) FROM meta WHERE key = 'finished'", &n, err));
    store->is_finished = n > 0;
    return FL_OK;
}

enum fl_status res_store_open(struct res_store *store, struct fl_error *err)
{
    if (store->mode == RES_CREATE)
        return open_new(store, err);
    struct stat info;
    if (stat(store->path, &info) != 0)
        return fl_fail_errno(err, FL_E_STATE, "%s: there is no run: run.sqlite",
                             store->dir);
    if (info.st_size == 0)
        return fl_fail(err, FL_E_STATE,
                       "%s: there is no run: run.sqlite is empty", store->dir);
    if (store->mode == RES_RESUME)
        FL_TRY(res_store_lock(store, err));
    FL_TRY(connect_to(store, err));
    FL_TRY(check_identity(store, err));
    FL_TRY(check_size(store, (int64_t)info.st_size, err));
    FL_TRY(check_finished(store, err));
    if (store->mode == RES_READ && store->is_finished)
        FL_TRY(res_seal_check(store, err));
    if (store->mode == RES_READ)
        return learn_arms(store, err);
    if (store->is_finished)
        return fl_fail(err, FL_E_STATE, "%s: this run is finished", store->dir);
    FL_TRY(check_pages(store, err));
    FL_TRY(check_terms(store, err));
    FL_TRY(res_exec(store, "PRAGMA journal_mode = WAL", "open", err));
    FL_TRY(res_store_learn_bases(store, err));
    return learn_arms(store, err);
}
