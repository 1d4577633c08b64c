/* The rows of an account, and the servings of any run: their names, kept in
 * the run store beside the ledger, and the tables of what they cost. Every
 * figure is a sum of the ledger's rows, by SQL. */
#ifndef RESULTS_ACCOUNT_BOOK_H
#define RESULTS_ACCOUNT_BOOK_H

#include "results/store.h"

#include <stdio.h>

struct res_book_row {
    const char *name;
    const char *arm;
    int64_t round;         /* of its ledger entries, in that arm */
    const char *placement; /* of a serving; NULL: not one */
    double requests;       /* in all; 0 for others */
    double served_s;
    double bytes; /* per request, both ways */
};

/* Named text "account" of the run.
 * Fails FL_E_NOMEM; FL_E_CONFIG a name that is not UTF-8; FL_E_IO. */
enum fl_status res_book_put(struct res_store *store,
                            const struct res_book_row *rows,
                            size_t n,
                            struct fl_error *err) FL_NODISCARD;

/* What each row cost, each stage of the model's life, each boundary; of
 * servings the cost of a request, and where it would be the same elsewhere.
 * Prints nothing for a run without such rows.
 * Fails FL_E_IO, FL_E_STATE, FL_E_FORMAT. */
enum fl_status
res_book_print(const char *dir, FILE *out, struct fl_error *err) FL_NODISCARD;

#endif
