/* Ways for x86-64: `sse42` by the crc32 instruction, one word of each lane at a
 * time; `avx512` by carry-less multiplication, 256 bytes at a time.
 *
 * A CRC is the remainder of a polynomial over GF(2), whose highest coefficient
 * is the first bit, modulo P = x^32 + 0x1edc6f41. Two words of a lane, one
 * after the other, are 128 coefficients A = H x^64 + L, H being the earlier
 * word. D bits later in the same lane, A counts as
 *
 *     A x^D = H x^(64 + D) + L x^D                                (mod P)
 *
 * so it may be folded: H and L are each multiplied by what such a power of x
 * leaves, and the products, of 128 coefficients at most, added to the two words
 * that lie D bits further on. The words left at the end have the remainder of
 * all.
 *
 * Bits are reflected: a register's bit 0 is its highest coefficient. Of two
 * words with bits a_i x^(63 - i) and b_j x^(63 - j) the product has
 * x^(126 - (i + j)) at bit i + j, where a register of 128 bits means
 * x^(127 - (i + j)): an instruction's product counts x times the true one. A
 * factor k of 32 coefficients, reflected into the low half of a word, counts
 * k x^32. So that for H is k with k x^32 x = x^(64 + D), that for L is k with
 * k x^32 x = x^D:
 *
 *     FOR_FIRST  = reflected(x^(D + 31) mod P) = factor(D + 31)
 *     FOR_SECOND = reflected(x^(D - 33) mod P) = factor(D - 33)
 *
 * in Python:
 *
 *     def factor(n):
 *         r = 1
 *         for _ in range(n):
 *             r = r << 1 ^ (r >> 31) * 0x11edc6f41
 *         return int(f"{r:032b}"[::-1], 2)
 */
#include "base/checksum_priv.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

__attribute__((target("sse4.2"))) static void blocks_sse42(
    uint32_t lanes[FL_CHECKSUM_LANES], const uint8_t *bytes, size_t n_blocks)
{
    uint64_t a = lanes[0], b = lanes[1], c = lanes[2], d = lanes[3];
    for (; n_blocks > 0; n_blocks--, bytes += FL_CHECKSUM_BLOCK) {
        uint64_t words[FL_CHECKSUM_LANES];
        memcpy(words, bytes, sizeof words);
        a = _mm_crc32_u64(a, words[0]);
        b = _mm_crc32_u64(b, words[1]);
        c = _mm_crc32_u64(c, words[2]);
        d = _mm_crc32_u64(d, words[3]);
    }
    lanes[0] = (uint32_t)a;
    lanes[1] = (uint32_t)b;
    lanes[2] = (uint32_t)c;
    lanes[3] = (uint32_t)d;
}

static bool has_sse42(void)
{
    return __builtin_cpu_supports("sse4.2");
}

const struct fl_checksum_way fl_checksum_way_sse42 = {
    .name = "sse42", .is_here = has_sse42, .blocks = blocks_sse42};

#define TARGET_AVX512                                                          \
    __attribute__((                                                            \
        target("avx512f,avx512dq,avx512vl,vpclmulqdq,pclmul,sse4.2")))

/* Folded at once: registers of two blocks, so two words of each lane. */
#define REGISTERS    4
#define FOLD_BLOCKS  (2 * REGISTERS)
#define FOLD_BYTES   (FOLD_BLOCKS * FL_CHECKSUM_BLOCK)
#define WORDS_A_FOLD (FOLD_BYTES / 8)
/* D = 128 * REGISTERS = 512 bits: factor(543), factor(479). */
#define FOR_FIRST  0x740eef02
#define FOR_SECOND 0x9e4addf8
/* With fewer the crc32 instruction is as fast, or faster. */
#define FEW_BLOCKS (3 * FOLD_BLOCKS)

/* The two words of each lane side by side. */
TARGET_AVX512 static inline __m512i two_blocks(const uint8_t *bytes)
{
    return _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7),
                                    _mm512_loadu_si512(bytes));
}

TARGET_AVX512 static inline __m512i
fold(__m512i words, __m512i factors, const uint8_t *bytes)
{
    enum {
        XOR_OF_THREE = 0x96,
    };
    return _mm512_ternarylogic_epi64(
        _mm512_clmulepi64_epi128(words, factors, 0x00),
        _mm512_clmulepi64_epi128(words, factors, 0x11), two_blocks(bytes),
        XOR_OF_THREE);
}

/* What a lane was is added to its first word, as the crc32 instruction does
 * it. */
TARGET_AVX512 static inline __m512i first(const uint32_t *lanes,
                                          const uint8_t *bytes)
{
    return _mm512_xor_si512(
        two_blocks(bytes),
        _mm512_setr_epi64(lanes[0], 0, lanes[1], 0, lanes[2], 0, lanes[3], 0));
}

/* n_folds > 0. The words are the caller's: gcc 12 takes an array of this
 * function's own for aligned to 64 bytes, which AddressSanitizer's fake stack
 * is not. */
TARGET_AVX512 static void fold_all(const uint32_t lanes[FL_CHECKSUM_LANES],
                                   const uint8_t *bytes,
                                   size_t n_folds,
                                   uint64_t ret_words[WORDS_A_FOLD])
{
    const __m512i factors =
        _mm512_broadcast_i32x4(_mm_set_epi64x(FOR_SECOND, FOR_FIRST));
    __m512i a = first(lanes, bytes), b = two_blocks(bytes + 64),
            c = two_blocks(bytes + 128), d = two_blocks(bytes + 192);
    while (--n_folds > 0) {
        bytes += FOLD_BYTES;
        a = fold(a, factors, bytes);
        b = fold(b, factors, bytes + 64);
        c = fold(c, factors, bytes + 128);
        d = fold(d, factors, bytes + 192);
    }
    _mm512_storeu_si512(ret_words, a);
    _mm512_storeu_si512(ret_words + 8, b);
    _mm512_storeu_si512(ret_words + 16, c);
    _mm512_storeu_si512(ret_words + 24, d);
}

/* The folded words of each lane in their order, as if from the start. */
__attribute__((target("sse4.2"))) static void
reduce(const uint64_t words[WORDS_A_FOLD],
       uint32_t ret_lanes[FL_CHECKSUM_LANES])
{
    for (size_t lane = 0; lane < FL_CHECKSUM_LANES; lane++) {
        uint64_t crc = 0;
        for (size_t i = 2 * lane; i < WORDS_A_FOLD; i += 8) {
            crc = _mm_crc32_u64(crc, words[i]);
            crc = _mm_crc32_u64(crc, words[i + 1]);
        }
        ret_lanes[lane] = (uint32_t)crc;
    }
}

static void blocks_avx512(uint32_t lanes[FL_CHECKSUM_LANES],
                          const uint8_t *bytes,
                          size_t n_blocks)
{
    if (n_blocks >= FEW_BLOCKS) {
        size_t n_folds = n_blocks / FOLD_BLOCKS;
        uint64_t words[WORDS_A_FOLD];
        fold_all(lanes, bytes, n_folds, words);
        reduce(words, lanes);
        bytes += n_folds * FOLD_BYTES;
        n_blocks %= FOLD_BLOCKS;
    }
    blocks_sse42(lanes, bytes, n_blocks);
}

static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("vpclmulqdq") &&
           __builtin_cpu_supports("pclmul") && has_sse42();
}

const struct fl_checksum_way fl_checksum_way_avx512 = {
    .name = "avx512", .is_here = has_avx512, .blocks = blocks_avx512};

#endif
