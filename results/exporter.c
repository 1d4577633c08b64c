#include "results/exporter_priv.h"

#include "base/alloc.h"
#include "base/file.h"
#include "results/store/store_seal.h"

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
    FL_TRY(res_ask(x->store, sql, ret, err, "i", (int64_t)arm));
    enum fl_status status = res_step(x->store, *ret, ret_row, err);
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
    for (; res_exporters[n] && n < MOST; n++)
        names[n] = res_exporters[n]->name;
    return res_unknown_name("format", name, names, n, err);
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

/* What the export is, into text or tree; the run is closed behind it. */
static enum fl_status read_run(const struct res_exporter *exporter,
                               const char *dir,
                               const struct res_exporter_opts *opts,
                               struct res_text *text,
                               struct res_tree *tree,
                               struct fl_error *err)
{
    struct res_store *store;
    struct res_run run = {0};
    FL_TRY(res_store_create(dir, RES_READ, &store, err));
    enum fl_status status = res_exec(store, "BEGIN", "read the run", err);
    if (status == FL_OK)
        status = res_seal_check_ledger(store, err);
    if (status == FL_OK)
        status = res_gather(store, &run, err);
    const struct res_exporting x = {.store = store, .run = &run, .opts = opts};
    if (status == FL_OK)
        status = exporter->write ? exporter->write(&x, text, err)
                                 : exporter->write_tree(&x, tree, err);
    if (status == FL_OK)
        status = res_text_check(text, err);
    res_run_fini(&run);
    res_store_destroy(store);
    return status;
}

enum fl_status
res_exporter_is_tree(const char *format, bool *ret, struct fl_error *err)
{
    const struct res_exporter *exporter = NULL;
    FL_TRY(find_exporter(format, &exporter, err));
    *ret = !exporter->write;
    return FL_OK;
}

/* The folder that holds the run's directory, however that is written. */
static void put_parent(struct res_text *out, const char *run_dir)
{
    size_t n = strlen(run_dir);
    while (n > 1 && run_dir[n - 1] == '/')
        n--;
    size_t start = n;
    while (start > 0 && run_dir[start - 1] != '/')
        start--;
    bool is_dots = n - start <= 2 && strspn(run_dir + start, ".") >= n - start;
    if (is_dots || n == 0)
        res_text_add(out, "%s/..", run_dir);
    else if (start == 0)
        res_text_put(out, ".");
    else
        res_text_add(out, "%.*s", start > 1 ? (int)start - 1 : 1, run_dir);
}

enum fl_status res_sink_path(const char *format,
                             const char *path,
                             const char *run_dir,
                             char *ret,
                             size_t size,
                             struct fl_error *err)
{
    const struct res_exporter *exporter = NULL;
    struct res_text text = {0};
    FL_TRY(find_exporter(format, &exporter, err));
    if (!path && !exporter->usual_path)
        return fl_fail(err, FL_E_CONFIG, "%s needs a file: %s=FILE", format,
                       format);
    if (path)
        res_text_put(&text, path);
    else if (strcmp(exporter->usual_path, RES_BESIDE_RUN) == 0)
        put_parent(&text, run_dir);
    else
        res_text_put(&text, exporter->usual_path);
    enum fl_status status = res_text_check(&text, err);
    if (status == FL_OK && (text.n == 0 || text.n >= size))
        status = fl_fail(err, FL_E_ARG, "%s: path %s", format,
                         text.n == 0 ? "is empty" : "too long");
    if (status == FL_OK)
        memcpy(ret, text.bytes, text.n + 1);
    res_text_fini(&text);
    return status;
}

static enum fl_status export_text(const struct res_exporter *exporter,
                                  const char *dir,
                                  const struct res_exporter_opts *opts,
                                  const char *path,
                                  FILE *out,
                                  struct fl_error *err)
{
    struct res_text text = {0};
    enum fl_status status = read_run(exporter, dir, opts, &text, NULL, err);
    if (status == FL_OK && path)
        status = fl_file_write(path, res_text_get(&text), text.n, err);
    else if (status == FL_OK &&
             fwrite(res_text_get(&text), 1, text.n, out) != text.n)
        status = fl_fail(err, FL_E_IO, "cannot write the export");
    res_text_fini(&text);
    return status;
}

static enum fl_status export_tree(const struct res_exporter *exporter,
                                  const char *dir,
                                  const struct res_exporter_opts *opts,
                                  const char *path,
                                  struct fl_error *err)
{
    struct res_text none = {0};
    struct res_tree tree = {0};
    if (!path)
        return fl_fail(err, FL_E_CONFIG,
                       "%s is a folder of files: say where with --out DIR",
                       exporter->name);
    enum fl_status status = res_tree_init(&tree, path, err);
    if (status == FL_OK)
        status = read_run(exporter, dir, opts, &none, &tree, err);
    if (status == FL_OK)
        status = res_tree_write(&tree, err);
    res_tree_fini(&tree);
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
    FL_TRY(find_exporter(format, &exporter, err));
    return exporter->write ? export_text(exporter, dir, opts, path, out, err)
                           : export_tree(exporter, dir, opts, path, err);
}
