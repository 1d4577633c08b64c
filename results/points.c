#include "results/points.h"

#include "base/alloc.h"
#include "base/csv.h"
#include "base/file.h"
#include "base/parse.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define MAX_BYTES  ((size_t)64 << 20)
#define DIR_DIGITS 12

void res_points_fini(struct res_points *points)
{
    fl_free(points->cells);
    fl_free(points->text);
    *points = (struct res_points){.text = NULL};
}

static enum fl_status
add_cell(struct res_points *points, char *cell, struct fl_error *err)
{
    FL_TRY(fl_grow(&points->cells, &points->capacity, points->n_cells + 1,
                   sizeof points->cells[0], err));
    points->cells[points->n_cells++] = cell;
    return FL_OK;
}

/* A line's cells; *at moves behind its end. */
static enum fl_status take_line(const char *where,
                                struct res_points *points,
                                char **at,
                                struct fl_error *err)
{
    for (bool is_last = false; !is_last;) {
        char *cell;
        size_t n;
        char *end = fl_csv_cell(*at, ",\r\n", &cell, &n);
        if (!end)
            return fl_fail(err, FL_E_FORMAT, "%s: a quote is not closed",
                           where);
        is_last = *end != ',';
        size_t skip = is_last ? strspn(end, "\r\n") : 1;
        if (*end && skip == 0)
            return fl_fail(err, FL_E_FORMAT,
                           "%s: line %zu: found '%.10s' behind a quoted cell",
                           where, points->n_rows + 1, end);
        *at = end + skip;
        cell[n] = '\0';
        FL_TRY(add_cell(points, cell, err));
    }
    return FL_OK;
}

static enum fl_status
take_lines(const char *where, struct res_points *points, struct fl_error *err)
{
    for (char *at = points->text; *at;) {
        size_t first = points->n_cells;
        FL_TRY(take_line(where, points, &at, err));
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

/* One after the other: else a line is lost. */
static enum fl_status check_numbers(const char *where,
                                    const struct res_points *points,
                                    struct fl_error *err)
{
    for (size_t row = 1; row < points->n_rows; row++) {
        const char *number = points->cells[row * points->n_columns];
        int64_t found = 0;
        if (fl_parse_int(number, 1, INT64_MAX, &found, NULL) != FL_OK ||
            found != (int64_t)row)
            return fl_fail(err, FL_E_FORMAT,
                           "%s: line %zu: point '%.40s', allowed %zu", where,
                           row + 1, number, row);
    }
    return FL_OK;
}

static enum fl_status
check(const char *where, const struct res_points *points, struct fl_error *err)
{
    if (points->n_columns < 2 || strcmp(points->cells[0], "point") != 0 ||
        strcmp(points->cells[1], "directory") != 0)
        return fl_fail(err, FL_E_FORMAT,
                       "%s: not the points of a sweep: the first columns have "
                       "to be point,directory",
                       where);
    if (points->n_rows < 2)
        return fl_fail(err, FL_E_FORMAT,
                       "%s: found no point, allowed 1 or more", where);
    for (size_t row = 1; row < points->n_rows; row++) {
        const char *name = points->cells[row * points->n_columns + 1];
        if (!is_directory(name))
            return fl_fail(err, FL_E_FORMAT,
                           "%s: line %zu: directory '%.40s', allowed %d "
                           "hexadecimal digits",
                           where, row + 1, name, DIR_DIGITS);
    }
    return check_numbers(where, points, err);
}

/* Takes the text over, whatever comes of it. */
static enum fl_status take_text(const char *where,
                                char *text,
                                struct res_points *ret,
                                struct fl_error *err)
{
    struct res_points points = {.text = text};
    enum fl_status status = take_lines(where, &points, err);
    if (status == FL_OK)
        status = check(where, &points, err);
    if (status == FL_OK)
        *ret = points;
    else
        res_points_fini(&points);
    return status;
}

enum fl_status res_points_parse(const char *where,
                                const char *text,
                                struct res_points *ret,
                                struct fl_error *err)
{
    char *copy = fl_strdup(text);
    if (!copy)
        return fl_fail(err, FL_E_NOMEM, "out of memory: points.csv");
    return take_text(where, copy, ret, err);
}

enum fl_status
res_points_read(const char *path, struct res_points *ret, struct fl_error *err)
{
    uint8_t *bytes = NULL;
    size_t n = 0;
    FL_TRY(fl_file_read(path, MAX_BYTES, &bytes, &n, err));
    if (!memchr(bytes, '\0', n))
        return take_text(path, (char *)bytes, ret, err);
    fl_free(bytes);
    return fl_fail(err, FL_E_FORMAT, "%s: not text, found a NUL", path);
}
