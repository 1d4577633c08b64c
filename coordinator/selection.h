/* Selection policies: which clients take part in a round.
 *
 * One file in coordinator/selection/ and one row in selection.def add a
 * policy. A choice is a pure function of (options, seed, round, population):
 * the same on every run.
 */
#ifndef COORDINATOR_SELECTION_H
#define COORDINATOR_SELECTION_H

#include "base/config.h"

#include <stdint.h>

struct coord_selection_type {
    const char *name;
    const char *doc;
    const char *source;
    const struct fl_param *params;
    size_t opts_size;
    /* k of the clients 0 .. population-1, 1 <= k <= population, into
     * ret_clients, ascending, each at most once. */
    enum fl_status (*choose)(const void *opts,
                             uint64_t seed,
                             int64_t round,
                             int64_t population,
                             int64_t k,
                             int64_t *ret_clients,
                             struct fl_error *err);
};

/* coordinator/selection/selection.def, in order; ends with NULL. */
extern const struct coord_selection_type *const coord_selections[];

struct coord_selection {
    const struct coord_selection_type *type;
    void *opts; /* owned */
};

/* node: a name, or {kind: uniform, ...}; NULL: uniform. Mistakes become
 * problems of config. Fails FL_E_CONFIG, FL_E_NOMEM.
 * Free: coord_selection_fini. */
enum fl_status coord_selection_init(struct coord_selection *selection,
                                    struct fl_config *config,
                                    const struct fl_node *node,
                                    struct fl_error *err) FL_NODISCARD;
void coord_selection_fini(struct coord_selection *selection);

#endif
