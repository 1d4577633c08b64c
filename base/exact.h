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

/* One of several updates that are added together. */
struct fl_exact_update {
    float *after; /* [n] */
    int64_t weight;
    size_t n_done; /* out: n, or less: refused there */
};

/* fl_exact_add of all updates of one model `before`, to the same bits, block by
 * block: the sum goes through the caches once and not once per update. It
 * leaves `after` as `before`, for the next client: one more pass less over the
 * memory. Of an update that is refused the first n_done numbers have been
 * added and reset, the rest is as it was; whoever makes the same `after` again
 * takes them back with fl_exact_take_back. */
void fl_exact_add_and_reset(int64_t *acc_sum,
                            const float *before,
                            size_t n,
                            int32_t scale_log2,
                            struct fl_exact_update *updates,
                            size_t n_updates);
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
