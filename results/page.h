/* A report that people read: one HTML file that holds everything it shows and
 * asks no network for anything. The question, the answer in a sentence, the
 * comparison table, charts, what was assumed, the scenario, the machine and
 * how to repeat it. Figures are those of res_compare_with. */
#ifndef RESULTS_PAGE_H
#define RESULTS_PAGE_H

#include "results/report.h"

struct res_page_opts {
    struct res_compare_opts compare; /* by, baseline, target_accuracy, sort,
                                        per_seed, problems */
    const char *title;               /* NULL: made from the runs */
    const char *version;             /* of the program, "0.1.0 (abc)" */
};

/* Writes the report of the runs in dirs to path; a sweep's folder stands for
 * the runs of its points. The same runs give the same
 * bytes. ret_bytes (may be NULL): its size; 0: nothing was written.
 * Fails as res_compare_with: with the first problem's status, after writing
 * what can be had where compare.problems takes it (the page names the problems
 * too); FL_E_IO path cannot be written. */
enum fl_status res_page_write(const char *const *dirs,
                              size_t n_dirs,
                              const struct res_page_opts *opts,
                              const char *path,
                              size_t *ret_bytes,
                              struct fl_error *err) FL_NODISCARD;

#endif
