/* The facts that a variance comes from, for tables. Private to results/ and
 * its tests. */
#ifndef RESULTS_UNCERTAIN_INFLUENCES_H
#define RESULTS_UNCERTAIN_INFLUENCES_H

#include "results/records.h"
#include "results/uncertain.h"

/* Strongest first; rows are u's. */
struct res_records res_influence_records(const struct res_uncertain *u);

/* The unit in front of a source, "J/byte" or "J/byte of ...", as people read
 * it: "uJ/byte". *ret_scale: how many of it one is. NULL: out of memory.
 * Free: fl_free. */
char *res_handy_unit(const char *source, double *ret_scale);

#endif
