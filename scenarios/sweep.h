/* Sweeps: one scenario, many points.
 *
 * What varies is said in the file's section `sweep` and on the command line:
 *
 *     sweep:
 *       vary:                       # crossed: every value with every other
 *         data.clients: [10, 100]
 *         train.local.lr: {from: 0.01, to: 1, factor: 10}
 *       zip:                        # lists walked together: one dimension
 *         - {data.dataset: [mnist, fashion_mnist], model: [logreg, lenet5]}
 *       seeds: 3                    # the scenario's seed and the two after it
 *
 * A point is a list of --set assignments, so it is the scenario with those
 * values and nothing else: the section itself is no part of its identity.
 * Points are in the order of the dimensions as they were given (vary, zip, what
 * the command line adds, seeds), the last one changing fastest.
 */
#ifndef SCENARIOS_SWEEP_H
#define SCENARIOS_SWEEP_H

#include "base/config.h"

#define SCN_SWEEP_MAX_POINTS 4096
#define SCN_SWEEP_KEY        "sweep" /* of the file: its section */

struct scn_sweep_opts {
    const char *const *sets; /* "a.b.c=value": of every point */
    size_t n_sets;
    const char *const *vary; /* "a.b.c=1,2,3" or "a.b.c={from: 1, to: 9, ...}";
                                takes the place of what the file says of the
                                key */
    size_t n_vary;
    const char *const *zips; /* "a.b=1,2 c.d=3,4", likewise */
    size_t n_zips;
    const char *seeds; /* "3" or "1,5,9"; NULL: the file's */
};

struct scn_sweep {
    const char *name; /* the scenario's */
    const char **keys;
    size_t n_keys;
    size_t n_points;
    const char **sets;   /* [n_points][n_keys] "key=value" */
    const char **values; /* [n_points][n_keys] the value alone, on one line */
    struct fl_config *config; /* owns the texts */
};

/* Reads what varies. The points are not resolved: that is done one by one, with
 * their sets behind opts->sets.
 * Fails FL_E_CONFIG with all problems printed (problems may be NULL): nothing
 * varies, lists of different lengths, a key that varies twice, a range without
 * end, over SCN_SWEEP_MAX_POINTS points; FL_E_IO; FL_E_NOMEM.
 * Free: scn_sweep_destroy. */
enum fl_status scn_sweep_create(const char *path,
                                const struct scn_sweep_opts *opts,
                                FILE *problems,
                                struct scn_sweep **ret,
                                struct fl_error *err) FL_NODISCARD;
void scn_sweep_destroy(struct scn_sweep *sweep);

/* The section's option table, for docs/scenario.md. */
extern const struct fl_param scn_sweep_params[];

#endif
