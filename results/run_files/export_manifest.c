/* manifest.json: what ran, where and with which versions. Known keys come in
 * the order of res_meta_keys, null where nothing was recorded; other named
 * texts follow. */
#include "results/report_priv.h"

static enum fl_status
add_known(struct res_store *store, json_t *root, struct fl_error *err)
{
    for (const struct res_meta_key *key = res_meta_keys; key->key; key++) {
        if (!key->in_manifest)
            continue;
        json_t *value = NULL;
        FL_TRY(res_meta_json(store, key, &value, err));
        FL_TRY(res_json_set(root, key->key, value, err));
    }
    return FL_OK;
}

static enum fl_status
add_others(struct res_store *store, json_t *root, struct fl_error *err)
{
    sqlite3_stmt *stmt;
    FL_TRY(res_prepare(store, "SELECT key, value FROM meta ORDER BY key", &stmt,
                       err));
    bool has_row = false;
    enum fl_status status;
    while ((status = res_step(store, stmt, &has_row, err)) == FL_OK &&
           has_row) {
        const char *key = res_column_text(stmt, 0);
        if (!res_meta_find(key))
            status = res_json_set(root, key,
                                  json_string(res_column_text(stmt, 1)), err);
        if (status != FL_OK)
            break;
    }
    sqlite3_finalize(stmt);
    return status;
}

enum fl_status res_export_manifest(struct res_store *store,
                                   struct fl_error *err)
{
    struct res_text out = {0};
    json_t *root = json_object();
    enum fl_status status =
        root ? FL_OK : fl_fail(err, FL_E_NOMEM, "manifest: out of memory");
    if (status == FL_OK)
        status = add_known(store, root, err);
    if (status == FL_OK)
        status = add_others(store, root, err);
    if (status == FL_OK)
        status = res_json_write(root, &out, err);
    if (status == FL_OK)
        status = res_export_file(store, "manifest.json", &out, err);
    json_decref(root);
    res_text_fini(&out);
    return status;
}
