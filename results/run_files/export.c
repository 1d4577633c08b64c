#include "results/report_priv.h"

#include "base/file.h"

#include <assert.h>
#include <math.h>

enum fl_status res_json_set(json_t *object,
                            const char *key,
                            json_t *value,
                            struct fl_error *err)
{
    if (!value)
        return fl_fail(err, FL_E_NOMEM,
                       "%s: out of memory, or a text that is not UTF-8", key);
    if (json_object_set_new(object, key, value) != 0)
        return fl_fail(err, FL_E_NOMEM, "%s: out of memory", key);
    return FL_OK;
}

json_t *res_json_real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static int append(const char *bytes, size_t n, void *arg)
{
    struct res_text *out = arg;
    res_text_add(out, "%.*s", (int)n, bytes);
    return out->has_failed ? -1 : 0;
}

enum fl_status
res_json_write(const json_t *json, struct res_text *out, struct fl_error *err)
{
    size_t flags = JSON_INDENT(2) | JSON_REAL_PRECISION(17);
    if (json_dump_callback(json, append, out, flags) != 0)
        return fl_fail(err, FL_E_NOMEM, "JSON: out of memory");
    res_text_put(out, "\n");
    return res_text_check(out, err);
}

enum fl_status res_export_file(struct res_store *store,
                               const char *name,
                               const struct res_text *text,
                               struct fl_error *err)
{
    FL_TRY(res_text_check(text, err));
    char path[RES_PATH_BYTES];
    FL_TRY(fl_path_join(res_store_dir(store), name, path, sizeof path, err));
    return fl_file_write(path, res_text_get(text), text->n, err);
}

enum fl_status res_export(const char *dir, struct fl_error *err)
{
    assert(dir);
    struct res_store *store;
    FL_TRY(res_store_create(dir, RES_READ, &store, err));
    /* One transaction: all three files speak of the same moment. */
    enum fl_status status = res_exec(store, "BEGIN", "read the run", err);
    if (status == FL_OK)
        status = res_export_rounds(store, err);
    if (status == FL_OK)
        status = res_export_manifest(store, err);
    if (status == FL_OK)
        status = res_export_summary(store, err);
    res_store_destroy(store);
    return status;
}
