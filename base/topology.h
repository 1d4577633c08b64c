/* Cores that this process may use (hwloc; respects cgroups, taskset, Slurm). */
#ifndef BASE_TOPOLOGY_H
#define BASE_TOPOLOGY_H

#include "base/status.h"

#include <stddef.h>

struct fl_topology; /* opaque, owns the hwloc topology */

/* Looks at this machine. Fails FL_E_NOMEM; FL_E_IO hwloc cannot.
 * Free: fl_topology_destroy. */
enum fl_status fl_topology_create(struct fl_topology **ret,
                                  struct fl_error *err) FL_NODISCARD;
void fl_topology_destroy(struct fl_topology *topology);

/* Physical cores in the allowed set, at least 1. */
int fl_topology_cores(const struct fl_topology *topology);

/* Binds the calling process to the allowed core `index` modulo their number.
 * Fails FL_E_IO when the system refuses; the caller goes on unbound. */
enum fl_status fl_topology_bind(const struct fl_topology *topology,
                                int index,
                                struct fl_error *err) FL_NODISCARD;

/* CPU model name for reports, e.g. "AMD EPYC 9654"; "unknown" if unknown. */
const char *fl_topology_cpu(const struct fl_topology *topology);

#endif
