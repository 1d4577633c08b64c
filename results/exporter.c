#include "results/exporter_priv.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/parse.h"

#include <assert.h>
#include <math.h>
#include <string.h>

const char *const res_perspective_names[] = {
    [RES_OF_SERVER] = "server",
    [RES_OF_CLIENTS] = "clients",
    [RES_PERSPECTIVE_LAST_] = NULL,
};

const char res_only_zone_sql[] =
    "SELECT CASE count(*) WHEN 1 THEN max(name) ELSE '' END FROM"
    " (SELECT DISTINCT z.name FROM ledger l JOIN zone z ON z.zone = l.zone"
    "  WHERE l.arm = ?1)";

const char *res_exporter_name(size_t i)
{
    return res_exporters[i] ? res_exporters[i]->name : NULL;
}

const char *res_exporter_doc(size_t i)
{
    return res_exporters[i]->doc;
}

static enum fl_status ask(const struct res_exporting *x,
                          const char *sql,
                          int32_t arm,
                          sqlite3_stmt **ret,
                          bool *ret_row,
                          struct fl_error *err)
{
    FL_TRY(res_prepare(x->store, sql, ret, err));
    int rc = res_bind(*ret, "i", (int64_t)arm);
    enum fl_status status = rc == SQLITE_OK
                                ? res_step(x->store, *ret, ret_row, err)
                                : res_sqlite_fail(x->store, rc, "read", err);
    if (status != FL_OK)
        sqlite3_finalize(*ret);
    return status;
}

enum fl_status res_arm_text(const struct res_exporting *x,
                            const char *sql,
                            int32_t arm,
                            char **ret,
                            struct fl_error *err)
{
    sqlite3_stmt *stmt;
    bool has_row = false;
    FL_TRY(ask(x, sql, arm, &stmt, &has_row, err));
    char *text = fl_strdup(has_row ? res_column_text(stmt, 0) : "");
    sqlite3_finalize(stmt);
    if (!text)
        return fl_fail(err, FL_E_NOMEM, "out of memory");
    *ret = text;
    return FL_OK;
}

enum fl_status res_arm_number(const struct res_exporting *x,
                              const char *sql,
                              int32_t arm,
                              double *ret_value,
                              struct fl_error *err)
{
    sqlite3_stmt *stmt;
    bool has_row = false;
    FL_TRY(ask(x, sql, arm, &stmt, &has_row, err));
    *ret_value = has_row ? res_column_real(stmt, 0) : (double)NAN;
    sqlite3_finalize(stmt);
    return FL_OK;
}

enum fl_status res_meta_text(const struct res_exporting *x,
                             const char *key,
                             char **ret,
                             struct fl_error *err)
{
    FL_TRY(res_store_get(x->store, key, ret, err));
    if (!*ret && !(*ret = fl_strdup("")))
        return fl_fail(err, FL_E_NOMEM, "out of memory");
    return FL_OK;
}

void res_put_arm(const struct res_row *row, struct res_text *out)
{
    res_text_put(out, row->arm);
    if (row->is_per_client)
        res_text_add(out, " (mean of %lld of %lld)", (long long)row->counted,
                     (long long)row->population);
}

static enum fl_status unknown_format(const char *name, struct fl_error *err)
{
    enum { MOST = 64 };
    const char *names[MOST];
    size_t n = 0;
    struct res_text allowed = {0};
    for (; res_exporters[n] && n < MOST; n++) {
        names[n] = res_exporters[n]->name;
        res_text_add(&allowed, "%s%s", n > 0 ? ", " : "", names[n]);
    }
    const char *near = fl_nearest_name(name, names, n);
    enum fl_status status =
        fl_fail(err, FL_E_CONFIG, "export format: found '%s'%s%s%s, allowed %s",
                name, near ? " (" : "", near ? near : "", near ? "?)" : "",
                res_text_get(&allowed));
    res_text_fini(&allowed);
    return status;
}

static enum fl_status find_exporter(const char *name,
                                    const struct res_exporter **ret,
                                    struct fl_error *err)
{
    for (size_t i = 0; res_exporters[i]; i++) {
        if (strcmp(res_exporters[i]->name, name) != 0)
            continue;
        *ret = res_exporters[i];
        return FL_OK;
    }
    return unknown_format(name, err);
}

static enum fl_status write_text(const struct res_exporter *exporter,
                                 const char *dir,
                                 const struct res_exporter_opts *opts,
                                 struct res_text *text,
                                 struct fl_error *err)
{
    struct res_store *store;
    struct res_run run = {0};
    FL_TRY(res_store_create(dir, RES_READ, &store, err));
    enum fl_status status = res_exec(store, "BEGIN", "read the run", err);
    if (status == FL_OK)
        status = res_gather(store, &run, err);
    const struct res_exporting x = {.store = store, .run = &run, .opts = opts};
    if (status == FL_OK)
        status = exporter->write(&x, text, err);
    if (status == FL_OK)
        status = res_text_check(text, err);
    res_run_fini(&run);
    res_store_destroy(store);
    return status;
}

enum fl_status res_export_as(const char *dir,
                             const char *format,
                             const struct res_exporter_opts *opts,
                             const char *path,
                             FILE *out,
                             struct fl_error *err)
{
    assert(dir && format && opts && (path || out));
    const struct res_exporter *exporter = NULL;
    struct res_text text = {0};
    FL_TRY(find_exporter(format, &exporter, err));
    enum fl_status status = write_text(exporter, dir, opts, &text, err);
    if (status == FL_OK && path)
        status = fl_file_write(path, res_text_get(&text), text.n, err);
    else if (status == FL_OK &&
             fwrite(res_text_get(&text), 1, text.n, out) != text.n)
        status = fl_fail(err, FL_E_IO, "cannot write the export");
    res_text_fini(&text);
    return status;
}
