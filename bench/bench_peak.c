#include "bench/bench.h"

#include "base/clock.h"
#include "nn/train.h"

#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* Chains that do not wait for each other: more than latency times ports (4 * 2
 * on current x86), few enough to stay in registers. */
#define CHAINS 12
#define TURNS  10000

#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 12")
#endif

/* Each returns what it computed, so that it must be computed; every number
 * stays between 0 and 1. */
typedef float turn_fn(float start);

typedef float vec4 __attribute__((vector_size(16)));

static float turn_portable(float start)
{
    vec4 sum[CHAINS], factor = {0.5F, 0.5F, 0.5F, 0.5F};
    vec4 term = {0.25F, 0.25F, 0.25F, 0.25F};
    UNROLL
    for (int c = 0; c < CHAINS; c++)
        sum[c] = (vec4){start, start, start, start};
    for (int i = 0; i < TURNS; i++) {
        UNROLL
        for (int c = 0; c < CHAINS; c++)
            sum[c] = sum[c] * factor + term;
    }
    UNROLL
    for (int c = 1; c < CHAINS; c++)
        sum[0] += sum[c];
    return sum[0][0];
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) static float turn_avx2(float start)
{
    __m256 sum[CHAINS], factor = _mm256_set1_ps(0.5F);
    __m256 term = _mm256_set1_ps(0.25F);
    UNROLL
    for (int c = 0; c < CHAINS; c++)
        sum[c] = _mm256_set1_ps(start);
    for (int i = 0; i < TURNS; i++) {
        UNROLL
        for (int c = 0; c < CHAINS; c++)
            sum[c] = _mm256_fmadd_ps(sum[c], factor, term);
    }
    UNROLL
    for (int c = 1; c < CHAINS; c++)
        sum[0] = _mm256_add_ps(sum[0], sum[c]);
    return _mm256_cvtss_f32(sum[0]);
}

__attribute__((target("avx512f"))) static float turn_avx512(float start)
{
    __m512 sum[CHAINS], factor = _mm512_set1_ps(0.5F);
    __m512 term = _mm512_set1_ps(0.25F);
    UNROLL
    for (int c = 0; c < CHAINS; c++)
        sum[c] = _mm512_set1_ps(start);
    for (int i = 0; i < TURNS; i++) {
        UNROLL
        for (int c = 0; c < CHAINS; c++)
            sum[c] = _mm512_fmadd_ps(sum[c], factor, term);
    }
    UNROLL
    for (int c = 1; c < CHAINS; c++)
        sum[0] = _mm512_add_ps(sum[0], sum[c]);
    return _mm512_cvtss_f32(sum[0]);
}
#endif

struct peak {
    const char *kernels;
    int lanes;
    turn_fn *turn;
};

double bench_peak_flop_per_s(const char *kernels, double cpu_s)
{
    static const struct peak peaks[] = {
#if defined(__x86_64__)
        {"avx512", 16, turn_avx512},
        {"avx2", 8, turn_avx2},
#endif
        {"portable", 4, turn_portable},
    };
    size_t last = sizeof peaks / sizeof peaks[0] - 1, at = 0;
    if (!kernels)
        kernels = nn_kernel_name();
    while (at < last && strcmp(kernels, peaks[at].kernels) != 0)
        at++;
    const struct peak *peak = &peaks[at];
    volatile float kept = peak->turn(0.125F); /* vectors need waking up */
    double start_s = fl_clock_cpu_s(), spent_s = 0, turns = 0;
    do {
        kept = peak->turn(kept);
        turns++;
        spent_s = fl_clock_cpu_s() - start_s;
    } while (spent_s < cpu_s);
    return turns * TURNS * CHAINS * 2.0 * peak->lanes / spent_s;
}
