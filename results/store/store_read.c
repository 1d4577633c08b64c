#include "results/store/store_priv.h"

#include "base/alloc.h"

#include <assert.h>
#include <string.h>

enum fl_status res_store_get(struct res_store *store,
                             const char *key,
                             char **ret,
                             struct fl_error *err)
{
    assert(store && key && ret);
    sqlite3_stmt *stmt;
    FL_TRY(res_store_statement(store, RES_STMT_GET, &stmt, err));
    int rc = res_bind(stmt, "t", key);
    bool has_row = false;
    enum fl_status status = rc == SQLITE_OK
                                ? res_step(store, stmt, &has_row, err)
                                : res_sqlite_fail(store, rc, "read", err);
    char *value = NULL;
    if (status == FL_OK && has_row) {
        const unsigned char *text = sqlite3_column_text(stmt, 0);
        value = text ? fl_strdup((const char *)text) : NULL;
        if (!value)
            status = fl_fail(err, FL_E_NOMEM, "%s: out of memory", store->path);
    }
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    if (status == FL_OK)
        *ret = value;
    return status;
}

/* A copy of the row's blob if its check sum is right. */
static enum fl_status copy_checkpoint(const struct res_store *store,
                                      sqlite3_stmt *stmt,
                                      const struct res_known_arm *arm,
                                      uint8_t **ret,
                                      size_t *ret_bytes,
                                      struct fl_error *err)
{
    int64_t stored_crc = sqlite3_column_int64(stmt, 0);
    const void *blob = sqlite3_column_blob(stmt, 1);
    size_t n_bytes = (size_t)sqlite3_column_bytes(stmt, 1);
    if (!blob && n_bytes > 0)
        return fl_fail(err, FL_E_NOMEM, "%s: out of memory", store->path);
    uint32_t crc =
        res_guard_crc(&arm->sealed, res_guard_blob_crc(blob, n_bytes));
    if ((int64_t)crc != stored_crc)
        return fl_fail(err, FL_E_FORMAT,
                       "%s: the checkpoint of arm %d or its rows are damaged: "
                       "CRC-32 found %08lx, allowed %08llx; this run cannot go "
                       "on, start it anew",
                       store->path, (int)arm->arm, (unsigned long)crc,
                       (unsigned long long)stored_crc);
    uint8_t *copy = fl_calloc(n_bytes, 1);
    if (!copy)
        return fl_fail(err, FL_E_NOMEM, "%s: out of memory", store->path);
    if (n_bytes > 0)
        memcpy(copy, blob, n_bytes);
    *ret = copy;
    *ret_bytes = n_bytes;
    return FL_OK;
}

enum fl_status res_store_get_checkpoint(struct res_store *store,
                                        int32_t arm,
                                        uint8_t **ret,
                                        size_t *ret_bytes,
                                        struct fl_error *err)
{
    assert(store && ret && ret_bytes);
    sqlite3_stmt *stmt;
    struct res_known_arm *known = res_store_find_arm(store, arm);
    if (!known) {
        *ret = NULL;
        *ret_bytes = 0;
        return FL_OK;
    }
    if (store->mode == RES_READ)
        FL_TRY(res_guard_learn(store, known, err));
    FL_TRY(res_store_statement(store, RES_STMT_GET_CHECKPOINT, &stmt, err));
    int rc = res_bind(stmt, "i", (int64_t)arm);
    bool has_row = false;
    enum fl_status status = rc == SQLITE_OK
                                ? res_step(store, stmt, &has_row, err)
                                : res_sqlite_fail(store, rc, "read", err);
    if (status == FL_OK && has_row) {
        status = copy_checkpoint(store, stmt, known, ret, ret_bytes, err);
    } else if (status == FL_OK) {
        *ret = NULL;
        *ret_bytes = 0;
    }
    sqlite3_reset(stmt);
    return status;
}

enum fl_status res_store_arm_total(struct res_store *store,
                                   int32_t arm,
                                   double *ret_energy_j,
                                   double *ret_gco2e,
                                   struct fl_error *err)
{
    assert(store && ret_energy_j && ret_gco2e);
    struct res_known_arm *known = res_store_find_arm(store, arm);
    if (!known)
        return fl_fail(err, FL_E_ARG,
                       "%s: the total of arm %d, which was not "
                       "added",
                       store->path, (int)arm);
    /* Only the rows since the last question: a run asks after every round. */
    sqlite3_stmt *stmt;
    FL_TRY(res_store_statement(store, RES_STMT_SUM_ENTRIES, &stmt, err));
    int rc = res_bind(stmt, "ii", (int64_t)arm, known->summed_seq);
    bool has_row = false;
    enum fl_status status = rc == SQLITE_OK
                                ? res_step(store, stmt, &has_row, err)
                                : res_sqlite_fail(store, rc, "read", err);
    if (status == FL_OK && has_row) {
        known->energy_j += sqlite3_column_double(stmt, 0);
        known->gco2e += sqlite3_column_double(stmt, 1);
        known->summed_seq = sqlite3_column_int64(stmt, 2);
        *ret_energy_j = known->energy_j;
        *ret_gco2e = known->gco2e;
    }
    sqlite3_reset(stmt);
    return status;
}

enum fl_status res_store_count_clients(struct res_store *store,
                                       int32_t arm,
                                       enum carbon_phase phase,
                                       int64_t *ret,
                                       struct fl_error *err)
{
    assert(store && ret);
    sqlite3_stmt *stmt;
    FL_TRY(res_prepare(store,
                       "SELECT count(DISTINCT entity) FROM ledger"
                       " WHERE arm = ?1 AND role = ?2 AND phase = ?3",
                       &stmt, err));
    int rc = res_bind(stmt, "iii", (int64_t)arm, (int64_t)CARBON_CLIENT,
                      (int64_t)phase);
    bool has_row = false;
    enum fl_status status = rc == SQLITE_OK
                                ? res_step(store, stmt, &has_row, err)
                                : res_sqlite_fail(store, rc, "read", err);
    if (status == FL_OK)
        *ret = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return status;
}
