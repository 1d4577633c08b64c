/* Production logs through the carbon library: who computed and transferred for
 * how long, and where, becomes a run directory like any other.
 *
 * A row is three activities of a client: training, upload, download. Terms are
 * in proportion to time, so by default the times of a zone are added up (with
 * compensation) and costed once, in memory that does not grow with the file;
 * is_by_row costs every row by itself and keeps it in the ledger, its number
 * as the client's.
 */
#ifndef RESULTS_FROM_LOGS_H
#define RESULTS_FROM_LOGS_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define RES_ARM_LOGS "logs"

struct res_logs_opts {
    const char *preset; /* "wu2022" */
    const char *device; /* "phone" */
    /* NULL: none; the preset must then do without one. With one, transfers
     * also count bytes: time times its rate. */
    const char *link;
    const char *zone_default; /* of rows without a zone; NULL: an error */
    bool is_by_row;
    const char *version; /* of the program, for the record */
    const char *command;
};

/* Reads the logs at path (gzip too), writes and finishes the run in dir.
 * Fails FL_E_CONFIG an unknown preset, device, link, zone (with file:line), a
 * fact that a term needs and nothing gives; FL_E_FORMAT a bad row, with
 * file:line; FL_E_IO; FL_E_STATE dir holds a run. On failure an unfinished run
 * may be left behind, empty. */
enum fl_status res_from_logs(const char *path,
                             const struct res_logs_opts *opts,
                             const char *dir,
                             int64_t *ret_rows,
                             struct fl_error *err) FL_NODISCARD;

/* Hours, energy and emissions by zone, and in total, from its ledger. */
enum fl_status
res_logs_print(const char *dir, FILE *out, struct fl_error *err) FL_NODISCARD;

#endif
