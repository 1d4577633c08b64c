/* `fedcarbon list topology`: which cores a run on this machine would use. */
#ifndef CLI_LIST_TOPOLOGY_H
#define CLI_LIST_TOPOLOGY_H

#include "base/status.h"

/* On stdout. Fails as fl_topology_create. */
enum fl_status cli_list_topology(struct fl_error *err) FL_NODISCARD;

#endif
