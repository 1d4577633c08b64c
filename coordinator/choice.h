/* How a scenario names a plug-in: "fedavg", or {kind: fedprox, mu: 0.01}. */
#ifndef COORDINATOR_CHOICE_H
#define COORDINATOR_CHOICE_H

#include "base/config.h"

/* The name in a node, or NULL after adding a problem. fallback: for no node. */
const char *coord_choice_name(struct fl_config *config,
                              const struct fl_node *node,
                              const char *fallback);

/* Adds "unknown WHAT 'x', did you mean 'y'; allowed a, b, c" at the node. */
void coord_choice_unknown(struct fl_config *config,
                          const struct fl_node *node,
                          const char *what,
                          const char *found,
                          const char *const *names,
                          size_t n);

/* Options of opts_size decoded by params, without the key `kind`; NULL is out
 * of memory. Free: fl_free. */
void *coord_choice_opts(struct fl_config *config,
                        const struct fl_node *node,
                        const struct fl_param *params,
                        size_t opts_size);

#endif
