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
#define SIGN_BIT   ((uint64_t)1 << 63)

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

/* Of all the arrays of one block, little enough for a first-level cache; and
 * so short that what is asked for ahead of it comes while it is added. */
#define BLOCK ((size_t)128)
/* Several arrays at a time are more than the processor foresees by itself: the
 * numbers of this many blocks later are asked for: a quarter less time. */
#define AHEAD (4 * BLOCK)
#define LINE  64

/* Adds a block's terms (sign 0) or takes them back (sign UINT64_MAX): the same
 * loop for both, so that it takes back to the bit what it added, whatever that
 * was. True when something in the block is no number or beyond the limit. */
WIDE static bool add_block(uint64_t *acc_sum,
                           const float *before,
                           const float *after,
                           size_t n,
                           double factor,
                           uint64_t sign)
{
    const double magic = MAGIC, limit = FL_EXACT_LIMIT;
    uint64_t magic_bits, limit_bits, beyond = 0;
    memcpy(&magic_bits, &magic, sizeof magic_bits);
    memcpy(&limit_bits, &limit, sizeof limit_bits);
    /* (bits ^ sign) + back = bits - magic, or its opposite. */
    uint64_t back = sign ? magic_bits + 1 : 0 - magic_bits;
    for (size_t i = 0; i < n; i++) {
        double moved = (double)after[i] - (double)before[i];
        double shifted = moved * factor + MAGIC;
        uint64_t bits, size;
        memcpy(&bits, &shifted, sizeof bits);
        memcpy(&size, &moved, sizeof size);
        acc_sum[i] += (bits ^ sign) + back;
        /* As whole numbers doubles are in order, with NaN behind all. */
        beyond |= limit_bits - (size & ~SIGN_BIT);
    }
    return (beyond & SIGN_BIT) != 0;
}

/* Whole blocks and a last part. Taking back what was added is adding it with
 * the other sign. */
void fl_exact_take_back(int64_t *acc_sum,
                        const float *before,
                        const float *after,
                        size_t n_done,
                        int64_t weight,
                        int32_t scale_log2)
{
    uint64_t *acc = (uint64_t *)acc_sum; /* wraps where a term is refused */
    double factor = ldexp((double)weight, scale_log2);
    for (size_t at = 0; at < n_done; at += BLOCK) {
        size_t size = n_done - at < BLOCK ? n_done - at : BLOCK;
        (void)add_block(acc + at, before + at, after + at, size, factor,
                        UINT64_MAX);
    }
}

/* As add_block, but what it adds it takes back when it is refused. */
static bool try_block(uint64_t *acc_sum,
                      const float *before,
                      const float *after,
                      size_t n,
                      double factor)
{
    if (!add_block(acc_sum, before, after, n, factor, 0))
        return true;
    (void)add_block(acc_sum, before, after, n, factor, UINT64_MAX);
    return false;
}

static void ask_for(const void *memory, size_t n_bytes)
{
    for (size_t at = 0; at < n_bytes; at += LINE)
        __builtin_prefetch((const char *)memory + at);
}

/* One block of one update: added and reset. False when it is refused. */
static bool add_and_reset(uint64_t *acc_sum,
                          const float *before,
                          float *after,
                          size_t n,
                          double factor)
{
    if (!try_block(acc_sum, before, after, n, factor))
        return false;
    memcpy(after, before, n * sizeof *before);
    return true;
}

void fl_exact_add_and_reset(int64_t *acc_sum,
                            const float *before,
                            size_t n,
                            int32_t scale_log2,
                            struct fl_exact_update *updates,
                            size_t n_updates)
{
    uint64_t *acc = (uint64_t *)acc_sum;
    double unit = ldexp(1, scale_log2);
    for (size_t u = 0; u < n_updates; u++)
        updates[u].n_done = 0;
    for (size_t at = 0; at < n; at += BLOCK) {
        size_t size = n - at < BLOCK ? n - at : BLOCK;
        bool is_ahead = n - at >= AHEAD + BLOCK;
        if (is_ahead) {
            ask_for(acc + at + AHEAD, BLOCK * sizeof *acc);
            ask_for(before + at + AHEAD, BLOCK * sizeof *before);
        }
        for (size_t u = 0; u < n_updates; u++) {
            struct fl_exact_update *update = &updates[u];
            if (update->n_done < at) /* refused before */
                continue;
            if (is_ahead)
                ask_for(update->after + at + AHEAD, BLOCK * sizeof *before);
            if (add_and_reset(acc + at, before + at, update->after + at, size,
                              (double)update->weight * unit))
                update->n_done = at + size;
        }
    }
}

bool fl_exact_add(int64_t *acc_sum,
                  const float *before,
                  const float *after,
                  size_t n,
                  int64_t weight,
                  int32_t scale_log2)
{
    uint64_t *acc = (uint64_t *)acc_sum;
    double factor = ldexp((double)weight, scale_log2);
    for (size_t at = 0; at < n; at += BLOCK) {
        size_t size = n - at < BLOCK ? n - at : BLOCK;
        if (!try_block(acc + at, before + at, after + at, size, factor)) {
            fl_exact_take_back(acc_sum, before, after, at, weight, scale_log2);
            return false;
        }
    }
    return true;
}

/* Two numbers of one sign whose sum has the other overflowed. */
WIDE bool fl_exact_merge(int64_t *acc_sum, const int64_t *part, size_t n)
{
    uint64_t overflow = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t a = (uint64_t)acc_sum[i], b = (uint64_t)part[i], sum = a + b;
        overflow |= (a ^ sum) & (b ^ sum);
        acc_sum[i] = (int64_t)sum;
    }
    return overflow >> 63 == 0;
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
