/* The steps from runs' folders to a table: read, cut at a target, set beside a
 * baseline, take seeds together, choose columns, sort. */
#ifndef RESULTS_TABLE_COMPARE_PRIV_H
#define RESULTS_TABLE_COMPARE_PRIV_H

#include "results/report_priv.h"

/* Where it is said that something cannot be had. */
struct res_problems {
    FILE *out; /* NULL: the first ends it all */
    enum fl_status first;
    struct fl_error *err; /* the first's text; may be NULL */
};
/* FL_OK: said, go on; else the problem's status. */
enum fl_status res_problem(struct res_problems *problems,
                           enum fl_status status,
                           const char *fmt,
                           ...)
    __attribute__((format(printf, 3, 4))) FL_NODISCARD;

/* table.c: res_compare_with, up to where a table becomes text. It is there for
 * the time of the call; format: whom its columns and units are for. */
typedef enum fl_status (*res_table_fn)(const struct res_table *table,
                                       void *arg,
                                       struct fl_error *err);
enum fl_status res_compare_into(const char *const *dirs,
                                size_t n_dirs,
                                const struct res_compare_opts *opts,
                                enum res_format format,
                                res_table_fn write,
                                void *arg,
                                struct fl_error *err) FL_NODISCARD;

/* compare_cut.c: figures end with the first round of test accuracy >= target.
 * Arms whose rounds are clients stay as they are. */
enum fl_status res_cut(struct res_store *store,
                       struct res_run *run,
                       double target,
                       struct fl_error *err) FL_NODISCARD;

/* compare_keys.c: what the values of keys are, and what a scenario is but for
 * its seed. */
enum fl_status res_read_keys(struct res_run *run,
                             const char *const *keys,
                             size_t n_keys,
                             struct fl_error *err) FL_NODISCARD;
/* Says which keys no run has; those leave the list.
 * Scenarios must be there still. */
enum fl_status res_check_keys(const struct res_run *runs,
                              size_t n_runs,
                              const char **keys,
                              size_t *n_keys,
                              struct res_problems *problems) FL_NODISCARD;
/* run->seedless_sha256. */
void res_set_seedless(struct res_run *run);

/* compare_base.c: ratios, where figures are of equal accuracy. */
struct res_base {
    const char *name;   /* an arm, or a run; NULL: there is none */
    bool is_asked_for;  /* by name: a run without it is a problem */
    const char *dir;    /* of the run; NULL: an arm */
    bool is_over_seeds; /* the mean over runs like it but for the seed */
};
enum fl_status res_set_ratios(struct res_run *runs,
                              size_t n_runs,
                              const struct res_base *base,
                              struct res_problems *problems) FL_NODISCARD;
enum fl_status res_check_targets(const struct res_run *runs,
                                 size_t n_runs,
                                 struct res_problems *problems) FL_NODISCARD;
/* Whether x / y compares equals. */
bool res_is_comparable(const struct res_row *x, const struct res_row *y);
struct res_row *res_find_arm(const struct res_run *run, const char *arm);

/* compare_seeds.c: finished runs of one scenario but for the seed become one
 * of means. What was merged is gone from runs. */
enum fl_status res_merge_seeds(struct res_run *runs,
                               size_t *n_runs,
                               struct fl_error *err) FL_NODISCARD;

/* compare_fields.c: the table's columns, and its lines, sorted. */
enum fl_status res_choose_fields(struct res_table *table,
                                 const struct res_compare_opts *opts,
                                 enum res_format format,
                                 struct res_problems *problems,
                                 struct fl_error *err) FL_NODISCARD;
/* Whether keys do not tell all runs apart: their names do. */
bool res_has_ambiguous_keys(const struct res_table *table);
enum fl_status res_choose_lines(struct res_table *table,
                                const struct res_compare_opts *opts,
                                struct res_problems *problems,
                                struct fl_error *err) FL_NODISCARD;

#endif
