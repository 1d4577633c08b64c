/* What tests of the live view share. */
#ifndef TESTS_RESULTS_LIVE_FIXTURE_H
#define TESTS_RESULTS_LIVE_FIXTURE_H

#include "results/live/live_priv.h"
#include "synthetic.h"

/* The same numbers, added in another order. */
#define SUM_RTOL 1e-12

/* A view of a folder; the test fails where there is none. */
struct res_live *live_open(const char *dir);
/* Looks until nothing is left to read; whether anything had changed. */
bool live_look(struct res_live *live);
/* An arm of the first run. */
const struct res_live_arm *live_arm(const struct res_live *live,
                                    const char *name);
/* A store with the arms of the synthetic run, 30 rounds and 4 epochs planned,
 * committed. */
struct res_store *live_create(const char *dir);
/* The sum of a ledger's column over the rows of an arm, by SQL. */
double live_sum(const char *dir, const char *column, int arm);

#endif
