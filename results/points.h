/* The points of a sweep: OUT/points.csv, which says of each point its folder
 * and what its keys are set to (docs/sweeps.md).
 *
 *     struct res_points points;
 *     FL_TRY(res_points_read("out/points.csv", &points, err));
 *     for (size_t row = 1; row < points.n_rows; row++)
 *         use(points.cells[row * points.n_columns + 1]);  its folder
 *     res_points_fini(&points);
 *
 * What was read owns its cells. Private to results/ and its tests.
 */
#ifndef RESULTS_POINTS_H
#define RESULTS_POINTS_H

#include "base/status.h"

#include <stddef.h>

/* All rows have n_columns cells: the point's number, its folder's name, and a
 * cell for each key of the sweep. */
struct res_points {
    char *text;               /* what cells are within */
    char **cells;             /* of all rows, [n_rows * n_columns] */
    size_t n_cells, capacity; /* of cells */
    size_t n_columns, n_rows; /* the heads are row 0 */
};

/* A file of points, of 64 MiB at most.
 *
 * In    path  also the name for errors
 * Out   ret   written only on FL_OK. Free: res_points_fini
 * Fails FL_E_IO      it cannot be opened or read
 *       FL_E_FORMAT  as res_points_parse; too large; a NUL in it
 *       FL_E_NOMEM
 * Test  tests/results/test_points.c, tests/fuzz/fuzz_serve.c
 */
enum fl_status res_points_read(const char *path,
                               struct res_points *ret,
                               struct fl_error *err) FL_NODISCARD;

/* The same of a text, which is copied.
 *
 * In    where  the name for errors
 *       text   lines of cells that may be quoted (base/csv.h), LF or CR LF
 * Out   ret    written only on FL_OK. Free: res_points_fini
 * Fails FL_E_FORMAT  not the heads point,directory,...; a row of another
 *                    number of cells; a folder's name that is not 12
 *                    hexadecimal digits: no path leads elsewhere; a quote that
 *                    is not closed, or is followed by something
 *       FL_E_NOMEM
 * Test  tests/results/test_points.c
 */
enum fl_status res_points_parse(const char *where,
                                const char *text,
                                struct res_points *ret,
                                struct fl_error *err) FL_NODISCARD;

/* Copes with a zeroed one. */
void res_points_fini(struct res_points *points);

#endif
