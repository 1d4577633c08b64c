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

/* The run in dir in a format. path: a file, written at once; NULL: to out.
 * Fails FL_E_CONFIG unknown format or unit, with the nearest; FL_E_IO,
 * FL_E_STATE no run there, FL_E_FORMAT. */
enum fl_status res_export_as(const char *dir,
                             const char *format,
                             const struct res_exporter_opts *opts,
                             const char *path,
                             FILE *out,
                             struct fl_error *err) FL_NODISCARD;

#endif
