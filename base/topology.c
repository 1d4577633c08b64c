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

static enum fl_status
load(unsigned long flags, hwloc_topology_t *ret, struct fl_error *err)
{
    hwloc_topology_t tree;
    if (hwloc_topology_init(&tree) != 0)
        return fl_fail(err, FL_E_NOMEM, "out of memory: hwloc topology");
    if (hwloc_topology_set_flags(tree, flags) != 0 ||
        hwloc_topology_load(tree) != 0) {
        hwloc_topology_destroy(tree);
        return fl_fail_errno(err, FL_E_IO, "hwloc cannot read this machine");
    }
    *ret = tree;
    return FL_OK;
}

enum fl_status fl_topology_create(struct fl_topology **ret,
                                  struct fl_error *err)
{
    struct fl_topology *topology = fl_calloc(1, sizeof *topology);
    if (!topology)
        return fl_fail(err, FL_E_NOMEM, "out of memory: topology");
    /* hwloc leaves out what a cgroup forbids, but not what taskset does. */
    enum fl_status status = load(HWLOC_TOPOLOGY_FLAG_RESTRICT_TO_CPUBINDING |
                                     HWLOC_TOPOLOGY_FLAG_IS_THISSYSTEM,
                                 &topology->tree, err);
    if (status != FL_OK) {
        fl_free(topology);
        return status;
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

static int count(hwloc_topology_t tree, hwloc_obj_type_t type)
{
    int n = hwloc_get_nbobjs_by_type(tree, type);
    return n > 0 ? n : 0;
}

/* A machine that does not tell its cores has one in each hardware thread. */
static hwloc_obj_type_t core_type(hwloc_topology_t tree)
{
    return count(tree, HWLOC_OBJ_CORE) > 0 ? HWLOC_OBJ_CORE : HWLOC_OBJ_PU;
}

int fl_topology_cores(const struct fl_topology *topology)
{
    int cores = count(topology->tree, core_type(topology->tree));
    return cores < 1 ? 1 : cores;
}

static hwloc_obj_t core_of(const struct fl_topology *topology, int index)
{
    int cores = fl_topology_cores(topology);
    return hwloc_get_obj_by_type(topology->tree, core_type(topology->tree),
                                 (unsigned)(index % cores));
}

enum fl_status fl_topology_bind(const struct fl_topology *topology,
                                int index,
                                struct fl_error *err)
{
    hwloc_obj_t core = core_of(topology, index);
    if (!core || hwloc_set_cpubind(topology->tree, core->cpuset,
                                   HWLOC_CPUBIND_PROCESS) != 0)
        return fl_fail_errno(err, FL_E_IO, "cannot bind to core %d", index);
    if (count(topology->tree, HWLOC_OBJ_NUMANODE) > 1)
        (void)hwloc_set_membind(
            topology->tree, core->nodeset, HWLOC_MEMBIND_BIND,
            HWLOC_MEMBIND_PROCESS | HWLOC_MEMBIND_BYNODESET);
    return FL_OK;
}

const char *fl_topology_cpu(const struct fl_topology *topology)
{
    return topology->cpu;
}

void fl_topology_core(const struct fl_topology *topology,
                      int index,
                      struct fl_core *ret)
{
    hwloc_obj_t core = core_of(topology, index);
    *ret = (struct fl_core){.package = -1, .node = -1, .cpus = "?"};
    if (!core)
        return;
    hwloc_obj_t package =
        hwloc_get_ancestor_obj_by_type(topology->tree, HWLOC_OBJ_PACKAGE, core);
    if (package)
        ret->package = (int)package->os_index;
    ret->node = hwloc_bitmap_first(core->nodeset);
    (void)hwloc_bitmap_list_snprintf(ret->cpus, sizeof ret->cpus, core->cpuset);
}

enum fl_status fl_topology_machine(const struct fl_topology *topology,
                                   struct fl_machine *ret,
                                   struct fl_error *err)
{
    hwloc_topology_t whole = NULL;
    FL_TRY(load(HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED, &whole, err));
    *ret = (struct fl_machine){
        .packages = count(whole, HWLOC_OBJ_PACKAGE),
        .nodes = count(whole, HWLOC_OBJ_NUMANODE),
        .cores = count(whole, core_type(whole)),
        .cpus = count(whole, HWLOC_OBJ_PU),
        .allowed_cpus = count(topology->tree, HWLOC_OBJ_PU),
        .memory_bytes = (int64_t)hwloc_get_root_obj(whole)->total_memory,
    };
    hwloc_topology_destroy(whole);
    return FL_OK;
}
