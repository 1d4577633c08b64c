/* What the benchmarks share: their header, medians, and the peak of one core.
 *
 *     bench_print_machine("bench_train_step");
 *     printf("%g GFLOP/s\n", bench_peak_flop_per_s(NULL, 0.05) * 1e-9);
 *
 * Benchmarks are programs of one thread: they measure CPU seconds, so that
 * what else runs on the machine shifts them as little as can be.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stddef.h>

/* Comment lines "# cpu: ..." with CPU, compiler, BLAS, kernels, commit. */
void bench_print_machine(void);

/* The middle one of n values (n odd), which it sorts. */
double bench_median(double *values, size_t n);

/* Multiply-adds on registers alone, as wide as the vectors of the kernel table
 * named `kernels` (NULL: the best one), for about cpu_s seconds: what one core
 * could do at most, 2 FLOP per multiply-add. */
double bench_peak_flop_per_s(const char *kernels, double cpu_s);

#endif
