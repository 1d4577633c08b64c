/* OUT/points.csv of a sweep: which point is which directory (RFC 4180). */
#include "results/live/live_priv.h"

#include "base/alloc.h"
#include "base/file.h"

#include <string.h>

#define MAX_POINTS ((size_t)64 << 20) /* bytes */
#define DIR_DIGITS 12

void live_points_fini(struct live_points *points)
{
    for (size_t i = 0; i < points->n_cells; i++)
        fl_free(points->cells[i]);
    fl_free(points->cells);
    *points = (struct live_points){.cells = NULL};
}

/* One cell from `text` on, without its quotes; ends at ',', a line's end or
 * the text's. NULL: a quote is not closed. */
static const char *take_cell(const char *text, struct res_text *cell)
{
    res_text_clear(cell);
    if (*text != '"') {
        size_t n = strcspn(text, ",\r\n");
        res_text_add(cell, "%.*s", (int)n, text);
        return text + n;
    }
    for (text++; *text; text++) {
        if (*text == '"' && text[1] != '"')
            return text + 1;
        text += *text == '"';
        res_text_add(cell, "%c", *text);
    }
    return NULL;
}

static enum fl_status add_cell(struct live_points *points,
                               const struct res_text *cell,
                               struct fl_error *err)
{
    FL_TRY(res_text_check(cell, err));
    FL_TRY(fl_grow(&points->cells, &points->capacity, points->n_cells + 1,
                   sizeof points->cells[0], err));
    char *copy = fl_strdup(res_text_get(cell));
    if (!copy)
        return fl_fail(err, FL_E_NOMEM, "out of memory: points.csv");
    points->cells[points->n_cells++] = copy;
    return FL_OK;
}

static enum fl_status parse_rows(const char *where,
                                 const char *text,
                                 struct live_points *points,
                                 struct res_text *cell,
                                 struct fl_error *err)
{
    while (*text) {
        size_t first = points->n_cells;
        for (;;) {
            text = take_cell(text, cell);
            if (!text)
                return fl_fail(err, FL_E_FORMAT, "%s: a quote is not closed",
                               where);
            FL_TRY(add_cell(points, cell, err));
            if (*text != ',')
                break;
            text++;
        }
        size_t n = strspn(text, "\r\n");
        if (*text && n == 0)
            return fl_fail(err, FL_E_FORMAT,
                           "%s: line %zu: found '%.10s' behind a quoted cell",
                           where, points->n_rows + 1, text);
        text += n;
        size_t n_cells = points->n_cells - first;
        if (points->n_rows++ == 0)
            points->n_columns = n_cells;
        if (n_cells != points->n_columns)
            return fl_fail(err, FL_E_FORMAT,
                           "%s: line %zu: found %zu cells, allowed %zu", where,
                           points->n_rows, n_cells, points->n_columns);
    }
    return FL_OK;
}

/* A name of ours, and no path: nothing outside the sweep's folder is read. */
static bool is_directory(const char *name)
{
    return strlen(name) == DIR_DIGITS &&
           strspn(name, "0123456789abcdef") == DIR_DIGITS;
}

static enum fl_status
check(const char *where, const struct live_points *points, struct fl_error *err)
{
    if (points->n_columns < 2 || strcmp(points->cells[0], "point") != 0 ||
        strcmp(points->cells[1], "directory") != 0)
        return fl_fail(err, FL_E_FORMAT,
                       "%s: not the points of a sweep: the first columns have "
                       "to be point,directory",
                       where);
    for (size_t row = 1; row < points->n_rows; row++) {
        const char *name = points->cells[row * points->n_columns + 1];
        if (!is_directory(name))
            return fl_fail(err, FL_E_FORMAT,
                           "%s: line %zu: directory '%.40s', allowed %d "
                           "hexadecimal digits",
                           where, row + 1, name, DIR_DIGITS);
    }
    return FL_OK;
}

enum fl_status live_points_parse(const char *where,
                                 const char *text,
                                 struct live_points *ret,
                                 struct fl_error *err)
{
    struct live_points points = {.cells = NULL};
    struct res_text cell = {0};
    enum fl_status status = parse_rows(where, text, &points, &cell, err);
    if (status == FL_OK)
        status = check(where, &points, err);
    res_text_fini(&cell);
    if (status == FL_OK)
        *ret = points;
    else
        live_points_fini(&points);
    return status;
}

enum fl_status live_points_read(const char *path,
                                struct live_points *ret,
                                struct fl_error *err)
{
    uint8_t *bytes = NULL;
    size_t n = 0;
    FL_TRY(fl_file_read(path, MAX_POINTS, &bytes, &n, err));
    enum fl_status status =
        memchr(bytes, '\0', n)
            ? fl_fail(err, FL_E_FORMAT, "%s: not text, found a NUL", path)
            : live_points_parse(path, (const char *)bytes, ret, err);
    fl_free(bytes);
    return status;
}
