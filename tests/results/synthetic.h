/* A run of known entries, small enough to add up by hand, in a folder of its
 * own under the current one.
 *
 * federated    2 rounds x 2 clients: 10 W for 100 s, 2 MB down and up at
 *              0.001 J/byte; 2 servers' rows with PUE 1.5
 * centralized  360 kJ of compute and 180 kJ overhead
 * local        2 of 4 clients, 36 kJ and 72 kJ
 */
#ifndef TESTS_RESULTS_SYNTHETIC_H
#define TESTS_RESULTS_SYNTHETIC_H

#include "results/store.h"

#include <stddef.h>

enum { SYN_FEDERATED, SYN_CENTRALIZED, SYN_LOCAL };

/* Index of a term; fails the test when there is none of that name. */
int32_t syn_term(const char *name);

/* A new empty folder; the caller removes it with syn_remove. */
char *syn_folder(void);
void syn_remove(char *folder); /* with all files in it, and frees the name */
char *syn_path(const char *folder, const char *name); /* free: fl_free */

/* A plain entry of the federated arm. */
struct carbon_entry syn_entry(int64_t round, int64_t client, double energy_j);

/* Arms, zones and texts of the synthetic run, not yet committed. */
void syn_begin(struct res_store *store);
/* All entries, rounds, facts and outcomes. */
void syn_fill(struct res_store *store);
/* folder/name holding the whole run, finished unless is_finished is false. */
char *syn_run(const char *folder, const char *name, bool is_finished);

/* One number by SQL, straight from run.sqlite, and one text (free: fl_free). */
double syn_sql(const char *dir, const char *sql);
char *syn_sql_text(const char *dir, const char *sql);
/* Runs SQL that changes the file behind the store's back, and breaks the seal
 * of a finished run: then nobody looks whether it was changed. */
void syn_tamper(const char *dir, const char *sql);
/* The same under the seal. */
void syn_damage(const char *dir, const char *sql);

/* A whole file; free: fl_free. */
char *syn_read(const char *path, size_t *ret_bytes);

#endif
