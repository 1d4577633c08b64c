/* Exact sums of model updates in fixed point.
 *
 * An update (after - before), times its weight (samples), is rounded once to a
 * whole number of 2^-scale_log2 and added as int64. Whole numbers add to the
 * same bits in any order and any grouping, so partial sums of many processes
 * combine to one result, whoever trained whom.
 *
 *     int32_t scale = fl_exact_scale(largest_weight, total_weight);
 *     if (!fl_exact_add(sum, before, after, n, weight, scale))
 *         ... refused: NaN, infinite, or moved further than FL_EXACT_LIMIT ...
 *     fl_exact_mean(sum, n, total_weight, scale, mean);
 *
 * Threads: pure functions.
 */
#ifndef BASE_EXACT_H
#define BASE_EXACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No single weight of a model may move further than this in one update. */
#define FL_EXACT_LIMIT 64.0

/* The finest scale at which no sum of updates within FL_EXACT_LIMIT can
 * overflow. In: largest_weight of one update and total_weight of all, both
 * >= 1. The result may be negative for absurdly large totals. */
int32_t fl_exact_scale(int64_t largest_weight, int64_t total_weight);

/* acc_sum[n] += round((after - before) * weight * 2^scale_log2), to nearest
 * even. Returns false, with acc_sum untouched, when any difference is not a
 * number or beyond FL_EXACT_LIMIT. Cost: one pass, memory-bound. */
bool fl_exact_add(int64_t *acc_sum,
                  const float *before,
                  const float *after,
                  size_t n,
                  int64_t weight,
                  int32_t scale_log2);

/* fl_exact_add that leaves `after` as `before`, for the next client: one pass
 * less over the memory. When it returns false, the first *ret_n_done numbers
 * have been added and reset, the rest is as it was; whoever makes the same
 * `after` again takes them back with fl_exact_take_back. */
bool fl_exact_add_and_reset(int64_t *acc_sum,
                            const float *before,
                            float *after,
                            size_t n,
                            int64_t weight,
                            int32_t scale_log2,
                            size_t *ret_n_done);
void fl_exact_take_back(int64_t *acc_sum,
                        const float *before,
                        const float *after,
                        size_t n_done,
                        int64_t weight,
                        int32_t scale_log2);

/* acc_sum[n] += part[n]. Returns false, with acc_sum partly added, when a sum
 * overflows: a sum made with the wrong scale, never one of ours. */
bool fl_exact_merge(int64_t *acc_sum, const int64_t *part, size_t n);

/* ret_mean[n] = sum / (total_weight * 2^scale_log2); total_weight >= 1. */
void fl_exact_mean(const int64_t *sum,
                   size_t n,
                   int64_t total_weight,
                   int32_t scale_log2,
                   float *ret_mean);

#endif
