/* What a run ends in: summary.json, rounds.csv, manifest.json, and the
 * comparison table of one or more runs. Every number is read from run.sqlite
 * with SQL; nothing is stored twice. */
#ifndef RESULTS_REPORT_H
#define RESULTS_REPORT_H

#include "base/status.h"

#include <stdbool.h>
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

/* What to compare, and how. All zero: every run and arm against the
 * centralized arm of its run, as the runs ended. Texts are borrowed. */
struct res_compare_opts {
    const char *const *by; /* keys of the resolved scenario, "data.clients":
                              columns in front */
    size_t n_by;
    const char *const *columns; /* names of columns; NULL: the usual ones */
    size_t n_columns;
    const char *baseline;   /* an arm, or a run's folder, whose arms then are
                               what the same arms are compared with; NULL:
                               centralized */
    const char *sort;       /* a column or a key, "-" in front: largest first;
                               NULL: in the order of dirs */
    double target_accuracy; /* every arm is cut after the first round that
                               had this test accuracy; 0: as the runs ended */
    const char *arm;        /* rows of this arm alone; NULL: of all */
    bool is_ranking;        /* rows that missed their target come last */
    bool per_seed;          /* runs that differ in seed alone stay rows */
    const char *sci_unit;   /* of the column sci: run, round, client,
                               accuracy_point or request; NULL: run */
    FILE *problems;         /* takes a line about each run, key or column that
                               cannot be had, and the rest is shown; NULL: the
                               first of them ends it all */
};

/* The comparison table of the runs in dirs: a row per run and arm; runs that
 * differ in seed alone are one row, of means with their standard errors.
 * Fails with the first problem's status, after printing what can be had where
 * opts->problems takes it: FL_E_IO, FL_E_STATE no run there, FL_E_FORMAT,
 * FL_E_CONFIG unknown key, column or baseline, targets that differ; FL_E_ARG.
 */
enum fl_status res_compare_with(const char *const *dirs,
                                size_t n_dirs,
                                const struct res_compare_opts *opts,
                                enum res_format format,
                                FILE *out,
                                struct fl_error *err) FL_NODISCARD;

/* The same without options. */
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
