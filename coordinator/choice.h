/* How a scenario names a plug-in: "fedavg", or {kind: fedprox, mu: 0.01}. */
#ifndef COORDINATOR_CHOICE_H
#define COORDINATOR_CHOICE_H

#include "base/config.h"

typedef const char *(*coord_name_fn)(const void *type);

/* The row of a NULL-terminated plug-in table that the node names, fallback for
 * no node; or NULL after adding a problem with what is allowed (what = how to
 * call a row). */
const void *coord_choice_find(struct fl_config *config,
                              const struct fl_node *node,
                              const char *what,
                              const char *fallback,
                              const void *const *table,
                              coord_name_fn name_of);

/* Options of opts_size decoded by params, without the key `kind`; NULL is out
 * of memory. Free: fl_free. */
void *coord_choice_opts(struct fl_config *config,
                        const struct fl_node *node,
                        const struct fl_param *params,
                        size_t opts_size);

#endif
