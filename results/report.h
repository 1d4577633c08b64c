/* What a run ends in: summary.json, rounds.csv, manifest.json, and the
 * comparison table of one or more runs. Every number is read from run.sqlite
 * with SQL; nothing is stored twice. */
#ifndef RESULTS_REPORT_H
#define RESULTS_REPORT_H

#include "base/status.h"

#include <stddef.h>
#include <stdio.h>

enum res_format {
    RES_TEXT,
    RES_CSV,
    RES_MD,
    RES_LATEX,
    RES_JSON,
    RES_FORMAT_LAST_
};
extern const char *const res_format_names[]; /* NULL-terminated */

/* The comparison table of the runs in dirs, one row per run and arm.
 * Fails FL_E_IO, FL_E_STATE (no run there), FL_E_FORMAT. */
enum fl_status res_compare(const char *const *dirs,
                           size_t n_dirs,
                           enum res_format format,
                           FILE *out,
                           struct fl_error *err) FL_NODISCARD;

/* Writes summary.json, rounds.csv and manifest.json beside run.sqlite. */
enum fl_status res_export(const char *dir, struct fl_error *err) FL_NODISCARD;

/* SHA-256 over an arm's ledger rows in order, in the documented encoding. */
enum fl_status res_ledger_sha256(const char *dir,
                                 const char *arm,
                                 char ret_hex[65],
                                 struct fl_error *err) FL_NODISCARD;

#endif
