/* Vectors of one instruction set, for nn/kernels/ alone: the including file
 * says VECTOR_BYTES (16, 32 or 64). A load or store of part of a vector touches
 * nothing beyond those lanes. Multiply-adds are fused where the instruction set
 * has them, and never elsewhere (-ffp-contract=off).
 */
#ifndef NN_KERNELS_VEC_PRIV_H
#define NN_KERNELS_VEC_PRIV_H

#include "nn/kernels/table_priv.h"

#include <string.h>
#if VECTOR_BYTES > 16
#include <immintrin.h>
#endif

#define LANES ((int)(VECTOR_BYTES / sizeof(nn_real)))
/* Whole loops over rows become straight code, so that the sums of a tile are
 * registers. */
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif
#define INLINE static inline __attribute__((always_inline))

typedef nn_real vec __attribute__((vector_size(VECTOR_BYTES)));
typedef nn_real vec_anywhere
    __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(nn_real))));

INLINE vec load(const nn_real *p)
{
    return *(const vec_anywhere *)p;
}

INLINE void store(nn_real *p, vec v)
{
    *(vec_anywhere *)p = v;
}

#if VECTOR_BYTES == 64

INLINE vec muladd(vec a, vec b, vec c)
{
    return _mm512_fmadd_ps(a, b, c);
}

INLINE vec every_lane(nn_real x)
{
    return _mm512_set1_ps(x);
}

INLINE vec load_part(const nn_real *p, int lanes)
{
    return _mm512_maskz_loadu_ps((__mmask16)((1u << lanes) - 1), p);
}

INLINE void store_part(nn_real *p, vec v, int lanes)
{
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << lanes) - 1), v);
}

#elif VECTOR_BYTES == 32

INLINE vec muladd(vec a, vec b, vec c)
{
    return _mm256_fmadd_ps(a, b, c);
}

INLINE vec every_lane(nn_real x)
{
    return _mm256_set1_ps(x);
}

INLINE __m256i mask_of(int lanes)
{
    static const int32_t ones[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return _mm256_loadu_si256(
        (const __m256i *)(const void *)(ones + 8 - lanes));
}

INLINE vec load_part(const nn_real *p, int lanes)
{
    return _mm256_maskload_ps(p, mask_of(lanes));
}

INLINE void store_part(nn_real *p, vec v, int lanes)
{
    _mm256_maskstore_ps(p, mask_of(lanes), v);
}

#else

INLINE vec muladd(vec a, vec b, vec c)
{
    return a * b + c;
}

INLINE vec every_lane(nn_real x)
{
#ifdef NN_REAL_DOUBLE
    return (vec){x, x};
#else
    return (vec){x, x, x, x};
#endif
}

INLINE vec load_part(const nn_real *p, int lanes)
{
    vec v = {0};
    for (int i = 0; i < lanes; i++)
        v[i] = p[i];
    return v;
}

INLINE void store_part(nn_real *p, vec v, int lanes)
{
    for (int i = 0; i < lanes; i++)
        p[i] = v[i];
}

#endif

INLINE vec load_lanes(const nn_real *p, int lanes)
{
    return lanes == LANES ? load(p) : load_part(p, lanes);
}

INLINE void store_lanes(nn_real *p, vec v, int lanes)
{
    if (lanes == LANES)
        store(p, v);
    else
        store_part(p, v, lanes);
}

#endif
