/* Cores that this process may use: those of its cgroup, and of the CPUs it was
 * bound to when it looked (taskset, Slurm, mpirun). One client process goes on
 * each, with its memory beside it.
 *
 *     struct fl_topology *topology;
 *     FL_TRY(fl_topology_create(&topology, err));
 *     status = fl_topology_bind(topology, slot, err);
 *     fl_topology_destroy(topology);
 *
 * Threads: an object belongs to one thread. */
#ifndef BASE_TOPOLOGY_H
#define BASE_TOPOLOGY_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

struct fl_topology; /* opaque, owns the hwloc topology */

/* Looks at this machine. Fails FL_E_NOMEM; FL_E_IO hwloc cannot.
 * Free: fl_topology_destroy. */
enum fl_status fl_topology_create(struct fl_topology **ret,
                                  struct fl_error *err) FL_NODISCARD;
void fl_topology_destroy(struct fl_topology *topology);

/* Physical cores in the allowed set, at least 1. */
int fl_topology_cores(const struct fl_topology *topology);

/* Binds the calling process to the allowed core `index` modulo their number,
 * and its memory to the node of that core, where the system has room there.
 * Fails FL_E_IO when the system refuses the core; the caller goes on unbound.
 * Memory that cannot be bound is no failure: it is placed by first touch. */
enum fl_status fl_topology_bind(const struct fl_topology *topology,
                                int index,
                                struct fl_error *err) FL_NODISCARD;

/* CPU model name for reports, e.g. "AMD EPYC 9654"; "unknown" if unknown. */
const char *fl_topology_cpu(const struct fl_topology *topology);

/* Of an allowed core, numbers as the system has them. */
struct fl_core {
    int package, node; /* -1: the machine does not tell */
    char cpus[64];     /* its allowed hardware threads: "3" or "3,67" */
};
/* The core that fl_topology_bind gives to `index`. */
void fl_topology_core(const struct fl_topology *topology,
                      int index,
                      struct fl_core *ret);

struct fl_machine {
    int packages, nodes, cores, cpus; /* that there are */
    int allowed_cpus;                 /* that may be used */
    int64_t memory_bytes;
};
/* All that the machine has, allowed or not. Fails as fl_topology_create. */
enum fl_status fl_topology_machine(const struct fl_topology *topology,
                                   struct fl_machine *ret,
                                   struct fl_error *err) FL_NODISCARD;

#endif
