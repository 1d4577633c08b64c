#include "base/exact.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Adding 1.5 * 2^52 to a double of magnitude below 2^51 leaves the nearest
 * whole number in the low bits of its representation: a conversion to int64
 * that every vector unit can do. */
#define MAGIC      0x1.8p52
#define TERM_BITS  51 /* one weighted update, rounded by MAGIC */
#define SUM_BITS   62 /* all of them */
#define LIMIT_BITS 6  /* FL_EXACT_LIMIT = 2^6 */

/* Smallest b with 2^b >= value. */
static int32_t bits_of(int64_t value)
{
    int32_t bits = 0;
    while (bits < 62 && ((int64_t)1 << bits) < value)
        bits++;
    return bits;
}

int32_t fl_exact_scale(int64_t largest_weight, int64_t total_weight)
{
    assert(largest_weight >= 1 && total_weight >= largest_weight);
    int32_t for_term = TERM_BITS - LIMIT_BITS - 1 - bits_of(largest_weight);
    int32_t for_sum = SUM_BITS - LIMIT_BITS - bits_of(total_weight);
    return for_term < for_sum ? for_term : for_sum;
}

/* Elementwise and without contraction, so the clones give the same bits. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) &&         \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define WIDE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define WIDE
#endif

WIDE static int
is_within_limit(const float *before, const float *after, size_t n)
{
    int beyond = 0;
    for (size_t i = 0; i < n; i++) {
        double moved = fabs((double)after[i] - (double)before[i]);
        beyond |= !(moved <= FL_EXACT_LIMIT); /* NaN too */
    }
    return !beyond;
}

WIDE static void add_scaled(int64_t *acc_sum,
                            const float *before,
                            const float *after,
                            size_t n,
                            double factor)
{
    const double magic = MAGIC;
    int64_t offset;
    memcpy(&offset, &magic, sizeof offset);
    for (size_t i = 0; i < n; i++) {
        double moved = (double)after[i] - (double)before[i];
        double shifted = moved * factor + MAGIC;
        int64_t bits;
        memcpy(&bits, &shifted, sizeof bits);
        acc_sum[i] += bits - offset;
    }
}

bool fl_exact_add(int64_t *acc_sum,
                  const float *before,
                  const float *after,
                  size_t n,
                  int64_t weight,
                  int32_t scale_log2)
{
    if (!is_within_limit(before, after, n))
        return false;
    add_scaled(acc_sum, before, after, n, ldexp((double)weight, scale_log2));
    return true;
}

bool fl_exact_merge(int64_t *acc_sum, const int64_t *part, size_t n)
{
    int has_overflow = 0;
    for (size_t i = 0; i < n; i++)
        has_overflow |=
            __builtin_add_overflow(acc_sum[i], part[i], &acc_sum[i]);
    return !has_overflow;
}

WIDE void fl_exact_mean(const int64_t *sum,
                        size_t n,
                        int64_t total_weight,
                        int32_t scale_log2,
                        float *ret_mean)
{
    double unit = ldexp((double)total_weight, scale_log2);
    for (size_t i = 0; i < n; i++)
        ret_mean[i] = (float)((double)sum[i] / unit);
}
