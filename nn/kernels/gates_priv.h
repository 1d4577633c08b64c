/* Gates of recurrent cells for one instruction set, for nn/kernels/body_priv.h
 * alone: sigmoid, tanh and one time step of a cell, forward and backward.
 *
 *   e^y = 2^k (1 + p),  k = round(y / ln 2),  p = e^(y - k ln 2) - 1
 *   tanh x    = e / (e + 2) with e = e^2|x| - 1, and x's sign
 *   sigmoid x = 1 / (1 + t) or t / (1 + t) with t = e^-|x|
 *
 * p is its Taylor polynomial of degree 7, at most 1.6e-8 of itself off where
 * |y - k ln 2| <= ln 2 / 2. Nothing cancels, so the relative error against the
 * true value is at most 3 units in the last place (tests/nn/test_recurrent.c
 * goes through the whole range); sigmoid is 0 below -87.7, where it would be no
 * normal number. A NaN stays one. Double precision, for tests, takes libm.
 */
#ifndef NN_KERNELS_GATES_PRIV_H
#define NN_KERNELS_GATES_PRIV_H

#include "nn/kernels/vec_priv.h"
#include "nn/recurrent_priv.h"

#ifdef NN_REAL_DOUBLE

#include <math.h>

INLINE vec tanh_of(vec x)
{
    for (int i = 0; i < LANES; i++)
        x[i] = tanh(x[i]);
    return x;
}

INLINE vec sigmoid_of(vec x)
{
    for (int i = 0; i < LANES; i++)
        x[i] = 1 / (1 + exp(-x[i]));
    return x;
}

#else

typedef int32_t bits __attribute__((vector_size(VECTOR_BYTES)));
typedef uint32_t unsigned_bits __attribute__((vector_size(VECTOR_BYTES)));

INLINE vec choose(bits mask, vec yes, vec no)
{
    return (vec)(((bits)yes & mask) | ((bits)no & ~mask));
}

/* e^y = scale (1 + p) for -88 <= y <= 88; scale is 0 where it would be less
 * than the smallest normal number. */
INLINE vec split_exp(vec y, vec *ret_scale)
{
    /* the rounded k ends up in the last bits of a number near 1.5 * 2^23 */
    const vec shift = every_lane(12582912.0f);
    vec shifted = muladd(y, every_lane(1.44269504f), shift);
    vec k = shifted - shift;
    /* ln 2 in two parts (Cody and Waite); k times the first one is exact */
    vec r = muladd(k, every_lane(-0.693359375f), y);
    r = muladd(k, every_lane(2.12194440e-4f), r);
    *ret_scale = (vec)(((unsigned_bits)shifted << 23) + (127u << 23));
    vec q = muladd(r, every_lane(1 / 5040.0f), every_lane(1 / 720.0f));
    q = muladd(q, r, every_lane(1 / 120.0f));
    q = muladd(q, r, every_lane(1 / 24.0f));
    q = muladd(q, r, every_lane(1 / 6.0f));
    q = muladd(q, r, every_lane(0.5f));
    return muladd(q, r * r, r);
}

INLINE vec tanh_of(vec x)
{
    bits sign = (bits)x & INT32_MIN;
    vec y = 2 * (vec)((bits)x & INT32_MAX), scale;
    y = choose(y > 20, every_lane(20), y); /* tanh 10 rounds to 1 */
    vec p = split_exp(y, &scale);
    vec e = muladd(scale, p, scale - 1);
    return (vec)((bits)(e / (e + 2)) | sign);
}

INLINE vec sigmoid_of(vec x)
{
    vec y = (vec)((bits)x | INT32_MIN), scale; /* -|x| */
    y = choose(y < -88, every_lane(-88), y);
    vec p = split_exp(y, &scale);
    vec t = muladd(scale, p, scale);
    return choose(x < 0, t, every_lane(1)) / (1 + t);
}

#endif

INLINE void lstm_part(const struct nn_cell_step *s, int64_t u, const int lanes)
{
    int64_t n = s->units;
    nn_real *gates = s->gates + u;
    vec a[4];
    UNROLL
    for (int g = 0; g < 4; g++) {
        vec sum = load_lanes(gates + g * n, lanes) +
                  load_lanes(s->hidden + g * n + u, lanes);
        a[g] = g == 2 ? tanh_of(sum) : sigmoid_of(sum);
        store_lanes(gates + g * n, a[g], lanes);
    }
    vec c = a[1] * load_lanes(s->before + u, lanes) + a[0] * a[2];
    store_lanes(s->kept + u, c, lanes);
    store_lanes(s->h + u, a[3] * tanh_of(c), lanes);
}

INLINE void
lstm_back_part(const struct nn_cell_back *s, int64_t u, const int lanes)
{
    int64_t n = s->units;
    const nn_real *gates = s->gates + u;
    nn_real *to = s->dgates + u;
    vec i = load_lanes(gates, lanes), f = load_lanes(gates + n, lanes);
    vec g = load_lanes(gates + 2 * n, lanes);
    vec o = load_lanes(gates + 3 * n, lanes);
    vec tc = tanh_of(load_lanes(s->kept + u, lanes));
    vec dh = load_lanes(s->dh + u, lanes);
    vec dc = load_lanes(s->dc + u, lanes) + dh * o * (1 - tc * tc);
    store_lanes(to, dc * g * i * (1 - i), lanes);
    store_lanes(to + n, dc * load_lanes(s->before + u, lanes) * f * (1 - f),
                lanes);
    store_lanes(to + 2 * n, dc * i * (1 - g * g), lanes);
    store_lanes(to + 3 * n, dh * tc * o * (1 - o), lanes);
    store_lanes(s->dc + u, dc * f, lanes);
}

INLINE void gru_part(const struct nn_cell_step *s, int64_t u, const int lanes)
{
    int64_t n = s->units;
    nn_real *gates = s->gates + u;
    const nn_real *hidden = s->hidden + u;
    vec r = sigmoid_of(load_lanes(gates, lanes) + load_lanes(hidden, lanes));
    vec z = sigmoid_of(load_lanes(gates + n, lanes) +
                       load_lanes(hidden + n, lanes));
    vec w = load_lanes(hidden + 2 * n, lanes);
    vec fresh = tanh_of(load_lanes(gates + 2 * n, lanes) + r * w);
    store_lanes(gates, r, lanes);
    store_lanes(gates + n, z, lanes);
    store_lanes(gates + 2 * n, fresh, lanes);
    store_lanes(s->kept + u, w, lanes);
    vec h = (1 - z) * fresh + z * load_lanes(s->before + u, lanes);
    store_lanes(s->h + u, h, lanes);
}

INLINE void
gru_back_part(const struct nn_cell_back *s, int64_t u, const int lanes)
{
    int64_t n = s->units;
    const nn_real *gates = s->gates + u;
    vec r = load_lanes(gates, lanes), z = load_lanes(gates + n, lanes);
    vec fresh = load_lanes(gates + 2 * n, lanes);
    vec dh = load_lanes(s->dh + u, lanes);
    vec dn = dh * (1 - z) * (1 - fresh * fresh);
    vec dz = dh * (load_lanes(s->before + u, lanes) - fresh) * z * (1 - z);
    vec dr = dn * load_lanes(s->kept + u, lanes) * r * (1 - r);
    nn_real *to = s->dgates + u, *hidden = s->dhidden + u;
    store_lanes(to, dr, lanes);
    store_lanes(to + n, dz, lanes);
    store_lanes(to + 2 * n, dn, lanes);
    store_lanes(hidden, dr, lanes);
    store_lanes(hidden + n, dz, lanes);
    store_lanes(hidden + 2 * n, dn * r, lanes);
    store_lanes(s->dh + u, dh * z, lanes);
}

#define OVER_UNITS(name, type)                                                 \
    static void name(const struct type *s)                                     \
    {                                                                          \
        int64_t u = 0;                                                         \
        for (; u + LANES <= s->units; u += LANES)                              \
            name##_part(s, u, LANES);                                          \
        if (u < s->units)                                                      \
            name##_part(s, u, (int)(s->units - u));                            \
    }
OVER_UNITS(lstm, nn_cell_step)
OVER_UNITS(lstm_back, nn_cell_back)
OVER_UNITS(gru, nn_cell_step)
OVER_UNITS(gru_back, nn_cell_back)

static const struct nn_cell_kernels cell_kernels = {
    .lstm = lstm,
    .lstm_back = lstm_back,
    .gru = gru,
    .gru_back = gru_back,
};

#endif
