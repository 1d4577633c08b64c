/* Dropout's masks of one instruction set, for nn/kernels/ alone: the words
 * of base/rng.h, a block of Philox4x32-10 per 64-bit lane.
 *
 * Source: Salmon et al.: Parallel random numbers: as easy as 1, 2, 3, 2011.
 */
#ifndef NN_KERNELS_DROPOUT_PRIV_H
#define NN_KERNELS_DROPOUT_PRIV_H

#include "base/rng.h"
#include "nn/kernels/pooled_priv.h"

#define BLOCKS (VECTOR_BYTES / 8) /* of four words each */

/* 32-bit numbers in the lower halves; the upper ones may hold anything. */
typedef uint64_t words __attribute__((vector_size(VECTOR_BYTES)));
typedef uint32_t narrow __attribute__((vector_size(VECTOR_BYTES / 2)));

INLINE words multiply(uint32_t a, words b)
{
#if VECTOR_BYTES == 64
    return (words)_mm512_mul_epu32(_mm512_set1_epi64((int64_t)a), (__m512i)b);
#elif VECTOR_BYTES == 32
    return (words)_mm256_mul_epu32(_mm256_set1_epi64x((int64_t)a), (__m256i)b);
#else
    return a * (b & 0xFFFFFFFF);
#endif
}

/* Whether the words of blocks [first, first + BLOCKS) are at or above limit:
 * the four of a block in the four bytes of a lane. */
INLINE words keep_blocks(const struct fl_rng *stream,
                         uint32_t first,
                         uint32_t limit)
{
    const words low = (words){0} + 0xFFFFFFFF;
    words c0, c1, c2, c3;
    for (int b = 0; b < BLOCKS; b++)
        c0[b] = stream->counter[0] + first + (uint32_t)b;
    c1 = (words){0} + stream->counter[1];
    c2 = (words){0} + stream->counter[2];
    c3 = (words){0} + stream->counter[3];
    uint32_t k0 = stream->key[0], k1 = stream->key[1];
    UNROLL
    for (int round = 0; round < 10; round++) {
        words p0 = multiply(0xD2511F53, c0), p1 = multiply(0xCD9E8D57, c2);
        c0 = (p1 >> 32) ^ c1 ^ k0;
        c2 = (p0 >> 32) ^ c3 ^ k1;
        c1 = p1;
        c3 = p0;
        k0 += 0x9E3779B9;
        k1 += 0xBB67AE85;
    }
    return (((words)((c0 & low) >= limit) & 1) << 0) |
           (((words)((c1 & low) >= limit) & 1) << 8) |
           (((words)((c2 & low) >= limit) & 1) << 16) |
           (((words)((c3 & low) >= limit) & 1) << 24);
}

static void
draw_keep(const struct fl_rng *stream, uint32_t limit, int64_t n, uint8_t *keep)
{
    uint32_t block = 0;
    for (int64_t i = 0; i < n; i += 4 * BLOCKS) {
        words kept = keep_blocks(stream, block, limit);
        narrow four = __builtin_convertvector(kept, narrow);
        int64_t rest = n - i;
        if (rest >= 4 * BLOCKS)
            memcpy(keep + i, &four, sizeof four);
        for (int64_t j = 0; rest < 4 * BLOCKS && j < rest; j++)
            keep[i + j] = (uint8_t)(four[j / 4] >> 8 * (j % 4));
        block += BLOCKS;
    }
}

INLINE void scale_part(const uint8_t *keep,
                       nn_real factor,
                       const nn_real *from,
                       nn_real *ret,
                       const int lanes)
{
    const vec zero = {0};
    which is_kept = load_bytes(keep, lanes) != 0;
    store_lanes(
        ret, pick(is_kept, load_lanes(from, lanes) * every_lane(factor), zero),
        lanes);
}

static void scale_kept(const uint8_t *keep,
                       nn_real factor,
                       int64_t n,
                       const nn_real *from,
                       nn_real *ret)
{
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        scale_part(keep + i, factor, from + i, ret + i, LANES);
    if (i < n)
        scale_part(keep + i, factor, from + i, ret + i, (int)(n - i));
}

#undef BLOCKS

#endif
