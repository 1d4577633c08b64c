/* A run in the formats of other programs and reports: `fedcarbon export`. One
 * file in results/exports/ and one row in exports.def add a format.
 *
 * Figures are those of the comparison table: of a whole arm, for the local arm
 * the mean per client, within the run's boundary. What a format has a place
 * for and the run does not know stays empty; nothing is invented.
 */
#ifndef RESULTS_EXPORTER_H
#define RESULTS_EXPORTER_H

#include "base/status.h"

#include <stdbool.h>
#include <stdio.h>

/* Whose inventory the GHG Protocol's scopes are of. */
enum res_perspective {
    RES_OF_SERVER,  /* who runs the data centre: its electricity is scope 2 */
    RES_OF_CLIENTS, /* who owns the clients' devices: theirs is */
    RES_PERSPECTIVE_LAST_
};
extern const char *const res_perspective_names[]; /* NULL-terminated */

struct res_exporter_opts {
    enum res_perspective perspective; /* ghg */
    const char *unit;     /* sci: run, round, client, accuracy_point, request */
    bool has_equivalents; /* statements: kilometres by car and the like */
};

/* The formats' names and what they are, for --help; ends with NULL. */
const char *res_exporter_name(size_t i);
const char *res_exporter_doc(size_t i);

/* Where a format goes that is refreshed while a run goes on (--sink
 * NAME[=PATH]), into ret[size]; path NULL: none was named. Fails FL_E_CONFIG
 * unknown format, or one that needs a path; FL_E_ARG too long. */
enum fl_status res_sink_path(const char *format,
                             const char *path,
                             const char *run_dir,
                             char *ret,
                             size_t size,
                             struct fl_error *err) FL_NODISCARD;
/* Whether a format is files under a folder, which many runs share.
 * Fails FL_E_CONFIG unknown format. */
enum fl_status res_exporter_is_tree(const char *format,
                                    bool *ret,
                                    struct fl_error *err) FL_NODISCARD;

/* The run in dir in a format. path: a file, written at once, or the folder of
 * a format that is a tree of files, brought up to date; NULL: to out.
 * Fails FL_E_CONFIG unknown format or unit, with the nearest, a tree without a
 * path; FL_E_IO, FL_E_STATE no run there, FL_E_FORMAT. */
enum fl_status res_export_as(const char *dir,
                             const char *format,
                             const struct res_exporter_opts *opts,
                             const char *path,
                             FILE *out,
                             struct fl_error *err) FL_NODISCARD;

#endif
