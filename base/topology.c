#include "base/topology.h"

#include "base/alloc.h"

#include <hwloc.h>
#include <stdio.h>
#include <string.h>

struct fl_topology {
    hwloc_topology_t tree;
    char cpu[128];
};

static void read_cpu_name(struct fl_topology *topology)
{
    (void)snprintf(topology->cpu, sizeof topology->cpu, "unknown");
    hwloc_obj_t package =
        hwloc_get_obj_by_type(topology->tree, HWLOC_OBJ_PACKAGE, 0);
    const char *name =
        package ? hwloc_obj_get_info_by_name(package, "CPUModel") : NULL;
    if (name)
        (void)snprintf(topology->cpu, sizeof topology->cpu, "%s", name);
}

enum fl_status fl_topology_create(struct fl_topology **ret,
                                  struct fl_error *err)
{
    struct fl_topology *topology = fl_calloc(1, sizeof *topology);
    if (!topology)
        return fl_fail(err, FL_E_NOMEM, "out of memory: topology");
    if (hwloc_topology_init(&topology->tree) != 0) {
        fl_free(topology);
        return fl_fail(err, FL_E_NOMEM, "out of memory: hwloc topology");
    }
    if (hwloc_topology_load(topology->tree) != 0) {
        fl_topology_destroy(topology);
        return fl_fail_errno(err, FL_E_IO, "hwloc cannot read this machine");
    }
    read_cpu_name(topology);
    *ret = topology;
    return FL_OK;
}

void fl_topology_destroy(struct fl_topology *topology)
{
    if (!topology)
        return;
    hwloc_topology_destroy(topology->tree);
    fl_free(topology);
}

int fl_topology_cores(const struct fl_topology *topology)
{
    int cores = hwloc_get_nbobjs_by_type(topology->tree, HWLOC_OBJ_CORE);
    if (cores < 1)
        cores = hwloc_get_nbobjs_by_type(topology->tree, HWLOC_OBJ_PU);
    return cores < 1 ? 1 : cores;
}

enum fl_status fl_topology_bind(const struct fl_topology *topology,
                                int index,
                                struct fl_error *err)
{
    int cores = fl_topology_cores(topology);
    hwloc_obj_t core = hwloc_get_obj_by_type(topology->tree, HWLOC_OBJ_CORE,
                                             (unsigned)(index % cores));
    if (!core)
        core = hwloc_get_obj_by_type(topology->tree, HWLOC_OBJ_PU,
                                     (unsigned)(index % cores));
    if (!core || hwloc_set_cpubind(topology->tree, core->cpuset,
                                   HWLOC_CPUBIND_PROCESS) != 0)
        return fl_fail_errno(err, FL_E_IO, "cannot bind to core %d", index);
    return FL_OK;
}

const char *fl_topology_cpu(const struct fl_topology *topology)
{
    return topology->cpu;
}
