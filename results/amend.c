#include "results/amend.h"

#include "results/report_priv.h"
#include "results/store/store_priv.h"

#include "base/file.h"

#include <assert.h>
#include <string.h>

#define ALLOWED_PREFIX "simulation_energy"

static enum fl_status check_keys(const struct res_amendment *amendments,
                                 size_t n,
                                 struct fl_error *err)
{
    for (size_t i = 0; i < n; i++)
        if (strncmp(amendments[i].key, ALLOWED_PREFIX,
                    strlen(ALLOWED_PREFIX)) != 0)
            return fl_fail(err, FL_E_ARG,
                           "named text %s: found after the run's end, allowed "
                           "there: " ALLOWED_PREFIX "*",
                           amendments[i].key);
    return FL_OK;
}

static enum fl_status set_text(struct res_store *store,
                               const struct res_amendment *amendment,
                               struct fl_error *err)
{
    sqlite3_stmt *stmt;
    const char *sql = amendment->value
                          ? "INSERT OR REPLACE INTO meta VALUES (?, ?)"
                          : "DELETE FROM meta WHERE key = ?";
    FL_TRY(res_prepare(store, sql, &stmt, err));
    int rc = res_bind(stmt, amendment->value ? "tt" : "t", amendment->key,
                      amendment->value);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    sqlite3_finalize(stmt);
    return rc == SQLITE_DONE
               ? FL_OK
               : res_sqlite_fail(store, rc, "store a named text", err);
}

/* Readers of the run's end may have kept its log. */
#define PATIENCE_WALL_MS 3000

/* One transaction, on a connection of its own. */
static enum fl_status write_texts(struct res_store *store,
                                  const struct res_amendment *amendments,
                                  size_t n,
                                  struct fl_error *err)
{
    int rc = sqlite3_open_v2(store->path, &store->db,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
                                 SQLITE_OPEN_EXRESCODE,
                             NULL);
    if (rc != SQLITE_OK)
        return res_sqlite_fail(store, rc, "open", err);
    sqlite3_busy_timeout(store->db, 5000);
    enum fl_status status =
        res_exec(store, "BEGIN IMMEDIATE", "begin to write", err);
    for (size_t i = 0; i < n && status == FL_OK; i++)
        status = set_text(store, &amendments[i], err);
    return status == FL_OK ? res_exec(store, "COMMIT", "commit", err) : status;
}

static enum fl_status write_manifest(const char *dir, struct fl_error *err)
{
    struct res_store *store;
    FL_TRY(res_store_create(dir, RES_READ, &store, err));
    enum fl_status status = res_export_manifest(store, err);
    res_store_destroy(store);
    return status;
}

enum fl_status res_amend(const char *dir,
                         const struct res_amendment *amendments,
                         size_t n,
                         struct fl_error *err)
{
    char own_dir[RES_PATH_BYTES], path[RES_PATH_BYTES];
    char lock_path[RES_PATH_BYTES];
    struct res_store *reader;
    assert(dir && (amendments || n == 0));
    FL_TRY(check_keys(amendments, n, err));
    /* Reading it first checks that it is a run of ours. */
    FL_TRY(res_store_create(dir, RES_READ, &reader, err));
    bool is_finished = reader->is_finished;
    res_store_destroy(reader);
    FL_TRY(fl_path_join(dir, "", own_dir, sizeof own_dir, err));
    FL_TRY(fl_path_join(dir, "run.sqlite", path, sizeof path, err));
    FL_TRY(fl_path_join(dir, "run.lock", lock_path, sizeof lock_path, err));
    struct res_store store = {.dir = own_dir,
                              .path = path,
                              .lock_path = lock_path,
                              .lock = FL_LOCK_NONE,
                              .mode = RES_RESUME};
    FL_TRY(res_store_lock(&store, err));
    enum fl_status status = write_texts(&store, amendments, n, err);
    if (status == FL_OK && is_finished)
        status = res_fold_journal(&store, PATIENCE_WALL_MS, err);
    sqlite3_close(store.db);
    if (store.lock.was_left)
        fl_lock_leave(&store.lock);
    else
        fl_lock_drop(&store.lock);
    return status == FL_OK && is_finished ? write_manifest(dir, err) : status;
}
