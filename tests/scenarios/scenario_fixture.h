/* What the tests of scenarios share: a scenario that is right, loading text
 * with --set assignments through a file, comparing problems. */
#ifndef SCENARIOS_SCENARIO_FIXTURE_H
#define SCENARIOS_SCENARIO_FIXTURE_H

#include "support/assert_near.h"

#include "scenarios/scenario.h"

/* Eight writers, all arms, two rows of a fleet. */
extern const char scn_good[];

/* Loads text; problems (heap, fl_free) are what was printed, with F in the
 * place of the file's name. */
enum fl_status scn_load_text(const char *text,
                             const char *const *sets,
                             size_t n_sets,
                             struct scn_scenario **ret,
                             char **ret_problems);
/* Fails the test unless it loads. */
struct scn_scenario *
scn_load_good(const char *text, const char *const *sets, size_t n_sets);
/* Fails the test unless these are all the problems. */
void assert_problems(const char *text,
                     const char *const *sets,
                     size_t n_sets,
                     const char *expected);
/* One --set on the good scenario gives this problem. */
void assert_set_problem(const char *set, const char *expected);
/* The same from its resolved text. */
struct scn_scenario *scn_load_again(const struct scn_scenario *s);
/* The resolved text (heap, fl_free). */
char *scn_emit_text(const struct scn_scenario *s);

#endif
