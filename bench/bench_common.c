#include "bench/bench.h"

#include "base/topology.h"
#include "cli/version.h"
#include "nn/train.h"

#include <stdio.h>
#include <stdlib.h>

void bench_print_machine(void)
{
    struct fl_topology *topology = NULL;
    struct fl_error err;
    if (fl_topology_create(&topology, &err) == FL_OK)
        printf("# cpu: %s\n", fl_topology_cpu(topology));
    fl_topology_destroy(topology);
#ifdef __clang__
    static const char compiler[] = __VERSION__; /* "Debian Clang 14.0.6" */
#else
    static const char compiler[] = "GNU " __VERSION__;
#endif
    printf("# compiler: %s (%s)\n# blas: OpenBLAS %s\n"
           "# kernels: %s\n# commit: %s\n",
           compiler, cli_build_type, nn_blas_kernel(), nn_kernel_name(),
           cli_commit);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *values, size_t n)
{
    qsort(values, n, sizeof values[0], by_value);
    return values[n / 2];
}
