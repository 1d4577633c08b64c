/* Rows of plain structs and a dictionary of their columns, as CSV, JSON, text
 * and Markdown. Private to results/ and its tests.
 *
 * CSV and JSON hold every column in full precision; text and Markdown those
 * that are named, rounded for people. */
#ifndef RESULTS_RECORDS_H
#define RESULTS_RECORDS_H

#include "results/report_priv.h"

struct res_shown_record {
    const char *column; /* name of the column; NULL ends the list */
    const char *head;
    int digits; /* significant ones, of numbers */
};

struct res_records {
    const struct res_column *columns; /* is_of_run is not used */
    const void *rows;
    size_t stride, n;
    const struct res_shown_record *shown;
};

/* The column of that name, which has to be there. */
const struct res_column *res_records_column(const struct res_records *records,
                                            const char *name);
bool res_column_is_number(const struct res_column *column);
/* One value for people in cell, instead of what was there; "-" for nothing. */
void res_record_cell(const struct res_column *column,
                     const struct res_shown_record *shown,
                     const void *row,
                     struct res_text *cell);

void res_records_csv(const struct res_records *records, struct res_text *out);
/* An array of objects, each with the columns as its keys. */
enum fl_status res_records_json(const struct res_records *records,
                                json_t **ret,
                                struct fl_error *err) FL_NODISCARD;
/* Columns padded with blanks; no line is longer than its content. */
enum fl_status res_records_text(const struct res_records *records,
                                struct res_text *out,
                                struct fl_error *err) FL_NODISCARD;
enum fl_status res_records_md(const struct res_records *records,
                              struct res_text *out,
                              struct fl_error *err) FL_NODISCARD;

#endif
