/* The seal of a finished run: checksums of what every table, page and export is
 * made of, kept in the run itself. SQLite has none: a disk may change a number
 * into another one that looks as good.
 *
 * Its first half is over all tables but two: the checkpoints, which are gone by
 * then, and the rows of the ledger, of which there may be millions; their sums
 * are in it. Named texts that may change after the end (results/amend.h) are
 * not. The second half is over the ledger's rows, and of the rounds once more:
 * what store_guard.c has added up since the run began. The first is checked
 * whenever a finished run is opened to be read, the second by who reads rows of
 * the ledger. */
#ifndef RESULTS_STORE_STORE_SEAL_H
#define RESULTS_STORE_STORE_SEAL_H

#include "results/store/store_priv.h"

#define RES_SEAL_KEY  "seal"
#define RES_SEAL_SIZE 65 /* digits and NUL */

/* Of the tables as they are now and the rows as they were written.
 *
 * Out   ret     hexadecimal digits, written only on FL_OK
 * Fails FL_E_FORMAT, FL_E_IO, FL_E_NOMEM  a table cannot be read
 * Cost  O(rows of the rounds); no allocation of ours.
 * Test  tests/results/test_store_seal.c
 */
enum fl_status res_seal_make(struct res_store *store,
                             char ret[RES_SEAL_SIZE],
                             struct fl_error *err) FL_NODISCARD;

/* Whether the tables of a finished run are those that it was finished with. A
 * run without a seal, by an older program, passes.
 *
 * Fails FL_E_FORMAT  they are not
 *       FL_E_IO, FL_E_NOMEM  a table cannot be read
 * Cost  as res_seal_make.
 * Test  tests/results/test_store_seal.c
 */
enum fl_status res_seal_check(struct res_store *store,
                              struct fl_error *err) FL_NODISCARD;

/* Whether the ledger's rows are those that the run was finished with; once per
 * store. A run that is not finished or without a seal passes.
 *
 * Fails FL_E_FORMAT  they are not
 *       FL_E_IO, FL_E_NOMEM  they cannot be read
 * Cost  O(rows of the ledger); no allocation of ours.
 * Test  tests/results/test_store_seal.c
 */
enum fl_status res_seal_check_ledger(struct res_store *store,
                                     struct fl_error *err) FL_NODISCARD;

#endif
