/* What a sweep ends in. */
#include "cli/sweep/sweep_runs.h"

#include "base/alloc.h"
#include "base/file.h"

#include <stdio.h>
#include <string.h>

static void put_csv(FILE *out, const char *text)
{
    if (!strpbrk(text, ",\"\n")) {
        (void)fputs(text, out);
        return;
    }
    (void)fputc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            (void)fputc('"', out);
        (void)fputc(*text, out);
    }
    (void)fputc('"', out);
}

/* Closes a memory stream into OUT/name. */
static enum fl_status write_closed(const struct cli_sweep *sweep,
                                   const char *name,
                                   FILE *memory,
                                   char **text,
                                   const size_t *n,
                                   enum fl_status status,
                                   struct fl_error *err)
{
    char path[4200];
    bool is_whole = fclose(memory) == 0;
    if (status == FL_OK && !is_whole)
        status = fl_fail(err, FL_E_NOMEM, "out of memory: %s", name);
    if (status == FL_OK)
        status = fl_path_join(sweep->out, name, path, sizeof path, err);
    if (status == FL_OK)
        status = fl_file_write(path, *text, *n, err);
    fl_free(*text);
    return status;
}

enum fl_status cli_sweep_write_points(const struct cli_sweep *sweep,
                                      struct fl_error *err)
{
    const struct scn_sweep *points = sweep->points;
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    if (!out)
        return fl_fail(err, FL_E_NOMEM, "out of memory: points.csv");
    (void)fputs("point,directory", out);
    for (size_t k = 0; k < points->n_keys; k++) {
        (void)fputc(',', out);
        put_csv(out, points->keys[k]);
    }
    for (size_t p = 0; p < points->n_points; p++) {
        (void)fprintf(out, "\n%zu,%.12s", p + 1,
                      sweep->runs[sweep->run_of[p]].sha256);
        for (size_t k = 0; k < points->n_keys; k++) {
            (void)fputc(',', out);
            put_csv(out, points->values[p * points->n_keys + k]);
        }
    }
    (void)fputc('\n', out);
    return write_closed(sweep, "points.csv", out, &text, &n, FL_OK, err);
}

struct table {
    const char **dirs;
    size_t n_dirs;
    const char **by; /* what varies, but for the seed: seeds are averaged */
    size_t n_by;
};

static enum fl_status compare(const struct table *table,
                              enum res_format format,
                              FILE *out,
                              struct fl_error *err)
{
    const struct res_compare_opts opts = {.by = table->by, .n_by = table->n_by};
    return res_compare_with(table->dirs, table->n_dirs, &opts, format, out,
                            err);
}

static enum fl_status write_table(const struct cli_sweep *sweep,
                                  const struct table *table,
                                  const char *name,
                                  enum res_format format,
                                  struct fl_error *err)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    if (!out)
        return fl_fail(err, FL_E_NOMEM, "out of memory: %s", name);
    enum fl_status status = compare(table, format, out, err);
    return write_closed(sweep, name, out, &text, &n, status, err);
}

static enum fl_status write_tables(const struct cli_sweep *sweep,
                                   const struct table *table,
                                   FILE *out,
                                   struct fl_error *err)
{
    static const struct {
        const char *name;
        enum res_format format;
    } files[] = {{"table.txt", RES_TEXT},
                 {"table.csv", RES_CSV},
                 {"table.md", RES_MD},
                 {"table.tex", RES_LATEX}};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        FL_TRY(write_table(sweep, table, files[i].name, files[i].format, err));
    return compare(table, sweep->opts->format, out, err);
}

enum fl_status
cli_sweep_tables(const struct cli_sweep *sweep, FILE *out, struct fl_error *err)
{
    const struct scn_sweep *points = sweep->points;
    struct table table = {.n_dirs = 0};
    table.dirs = fl_calloc(sweep->n_runs + 1, sizeof *table.dirs);
    table.by = fl_calloc(points->n_keys + 1, sizeof *table.by);
    enum fl_status status =
        table.dirs && table.by
            ? FL_OK
            : fl_fail(err, FL_E_NOMEM, "out of memory: table");
    for (size_t i = 0; i < sweep->n_runs && status == FL_OK; i++)
        if (sweep->runs[i].state == CLI_RUN_DONE)
            table.dirs[table.n_dirs++] = sweep->runs[i].dir;
    for (size_t k = 0; k < points->n_keys && status == FL_OK; k++)
        if (strcmp(points->keys[k], "seed") != 0)
            table.by[table.n_by++] = points->keys[k];
    if (status == FL_OK && table.n_dirs > 0)
        status = write_tables(sweep, &table, out, err);
    fl_free(table.dirs);
    fl_free(table.by);
    return status;
}
