#include "cli/list_topology.h"

#include "base/topology.h"
#include "nn/kernels.h"
#include "nn/train.h"

#include <stdio.h>

/* More rows than that help nobody. */
#define MAX_ROWS 1024

static void plural(int n, const char *what)
{
    (void)printf("%d %s%s", n, what, n == 1 ? "" : "s");
}

static void print_machine(const struct fl_topology *topology,
                          const struct fl_machine *machine)
{
    (void)printf("machine    %s: ", fl_topology_cpu(topology));
    plural(machine->packages, "package");
    (void)printf(", ");
    plural(machine->nodes, "memory node");
    (void)printf(", ");
    plural(machine->cores, "core");
    (void)printf(" with ");
    plural(machine->cpus, "hardware thread");
    (void)printf(", %.1f GB\n", (double)machine->memory_bytes / 1e9);
    (void)printf("allowed    ");
    plural(fl_topology_cores(topology), "core");
    (void)printf(" with ");
    plural(machine->allowed_cpus, "hardware thread");
    (void)printf("%s\n",
                 machine->allowed_cpus < machine->cpus
                     ? ": the rest is kept from us by a cgroup, taskset, "
                       "Slurm or mpirun"
                     : ": all of them");
}

static enum fl_status print_kernels(struct fl_error *err)
{
    const struct nn_kernels *kernels = NULL;
    FL_TRY(nn_kernels_find(NULL, &kernels, err));
    (void)printf("computes   kernels %s, OpenBLAS %s, 1 thread in each "
                 "process\n",
                 nn_kernels_name(kernels), nn_blas_kernel());
    return FL_OK;
}

enum fl_status cli_list_topology(struct fl_error *err)
{
    struct fl_topology *topology = NULL;
    struct fl_machine machine;
    FL_TRY(fl_topology_create(&topology, err));
    enum fl_status status = fl_topology_machine(topology, &machine, err);
    if (status == FL_OK) {
        print_machine(topology, &machine);
        status = print_kernels(err);
    }
    int cores = fl_topology_cores(topology);
    if (status == FL_OK)
        (void)printf("\nfedcarbon run starts %d client process%s, unless "
                     "--processes says otherwise:\n\n"
                     "process  package  memory node  hardware threads\n",
                     cores, cores == 1 ? "" : "es");
    for (int i = 0; status == FL_OK && i < cores && i < MAX_ROWS; i++) {
        struct fl_core core;
        fl_topology_core(topology, i, &core);
        (void)printf("%7d  %7d  %11d  %s\n", i, core.package, core.node,
                     core.cpus);
    }
    if (status == FL_OK)
        (void)printf("\nEach is bound to its core and allocates on its memory "
                     "node. With more processes than\ncores, and in a sweep, "
                     "none is bound. The coordinator goes where there is "
                     "room.\n");
    fl_topology_destroy(topology);
    return status;
}
