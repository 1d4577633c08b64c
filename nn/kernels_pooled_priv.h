/* What 2x2 max-pooling and ReLU behind a convolution take, for nn/kernels_*.c
 * alone. Only elementwise work and lists: the same bits in every table.
 */
#ifndef NN_KERNELS_POOLED_PRIV_H
#define NN_KERNELS_POOLED_PRIV_H

#include "nn/conv_kernels_priv.h"
#include "nn/kernels_vec_priv.h"

typedef nn_won which __attribute__((vector_size(VECTOR_BYTES)));
typedef uint8_t bytes
    __attribute__((vector_size(VECTOR_BYTES / sizeof(nn_real))));
_Static_assert(sizeof(nn_won) == sizeof(nn_real), "one lane each");

INLINE void store_bytes(uint8_t *p, which w, int lanes)
{
    bytes b = __builtin_convertvector(w, bytes);
    memcpy(p, &b, (size_t)lanes);
}

INLINE which load_bytes(const uint8_t *p, int lanes)
{
    bytes b = {0};
    memcpy(&b, p, (size_t)lanes);
    return __builtin_convertvector(b, which);
}

INLINE vec pick(which mask, vec yes, vec no)
{
    return (vec)(((which)yes & mask) | ((which)no & ~mask));
}

/* The largest of four numbers of a window in row order, rectified, and which
 * it was. A later one wins when it is larger or a NaN; nothing wins against a
 * NaN; what is not above zero has no gradient. */
INLINE void pool_relu_store(
    vec v0, vec v1, vec v2, vec v3, nn_real *y, uint8_t *won, const int lanes)
{
    const vec zero = {0};
    const which none = (which){0} + NN_WON_NONE;
    which wins = (v1 > v0) | (v1 != v1);
    vec best = pick(wins, v1, v0);
    which id = wins & 1;
    wins = (v2 > best) | (v2 != v2);
    best = pick(wins, v2, best);
    id = (wins & 2) | (id & ~wins);
    wins = (v3 > best) | (v3 != v3);
    best = pick(wins, v3, best);
    id = (wins & 3) | (id & ~wins);
    which is_alive = best > zero;
    store_lanes(y, pick(best < zero, zero, best), lanes);
    store_bytes(won, (id & is_alive) | (none & ~is_alive), lanes);
}

INLINE void pool_relu_part(const nn_real *x,
                           int64_t row,
                           int64_t channels,
                           nn_real *y,
                           uint8_t *won,
                           const int lanes)
{
    pool_relu_store(load_lanes(x, lanes), load_lanes(x + channels, lanes),
                    load_lanes(x + row, lanes),
                    load_lanes(x + row + channels, lanes), y, won, lanes);
}

static void pool_relu(int64_t windows,
                      int64_t row,
                      int64_t channels,
                      const nn_real *x,
                      nn_real *y,
                      uint8_t *won)
{
    int64_t full = channels / LANES * LANES;
    int rest = (int)(channels - full);
    for (int64_t o = 0; o < windows; o++) {
        for (int64_t c = 0; c < full; c += LANES)
            pool_relu_part(x + c, row, channels, y + c, won + c, LANES);
        if (rest)
            pool_relu_part(x + full, row, channels, y + full, won + full, rest);
        x += 2 * channels;
        y += channels;
        won += channels;
    }
}

/* acc[j] += dy[i][j] of those that won, i ascending */
INLINE void add_won_part(int64_t n,
                         int64_t channels,
                         const nn_real *dy,
                         const uint8_t *won,
                         nn_real *acc,
                         const int lanes)
{
    vec sum = load_lanes(acc, lanes);
    const vec zero = {0};
    for (int64_t i = 0; i < n; i++) {
        which is_none = load_bytes(won, lanes) == NN_WON_NONE;
        sum += pick(is_none, zero, load_lanes(dy, lanes));
        dy += channels;
        won += channels;
    }
    store_lanes(acc, sum, lanes);
}

static void add_won(int64_t n,
                    int64_t channels,
                    const nn_real *dy,
                    const uint8_t *won,
                    nn_real *acc)
{
    int64_t full = channels / LANES * LANES;
    int rest = (int)(channels - full);
    for (int64_t c = 0; c < full; c += LANES)
        add_won_part(n, channels, dy + c, won + c, acc + c, LANES);
    if (rest)
        add_won_part(n, channels, dy + full, won + full, acc + full, rest);
}

/* One image's lists by channel: what won, where its window begins. */
static void list_by_channel(const struct nn_winners *w,
                            nn_real *value,
                            int32_t *at,
                            int32_t *end)
{
    const nn_real *dy = w->dy;
    const uint8_t *won = w->won;
    for (int64_t o = 0; o < w->channels; o++)
        end[o] = (int32_t)(o * w->list);
    for (int64_t y = 0; y < w->out_h; y++) {
        for (int64_t x = 0; x < w->out_w; x++) {
            int32_t here = (int32_t)(2 * (y * w->row + x * w->pixel));
            const int32_t window[NN_WON_NONE + 1] = {
                here, here + (int32_t)w->pixel, here + (int32_t)w->row,
                here + (int32_t)(w->row + w->pixel), 0};
            for (int64_t o = 0; o < w->channels; o++) {
                int32_t e = end[o];
                value[e] = dy[o];
                at[e] = window[won[o]];
                end[o] = e + (won[o] < NN_WON_NONE && !(dy[o] == 0));
            }
            dy += w->stride;
            won += w->stride;
        }
    }
}

#if VECTOR_BYTES == 64
/* The entries of 16 channels that won with `id`; a whole vector is written. */
INLINE int32_t list_16(const nn_real *dy,
                       const uint8_t *won,
                       int32_t first,
                       int32_t step,
                       int32_t id,
                       int lanes,
                       nn_real *value,
                       int32_t *at)
{
    const __m512i count =
        _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    __m512i ids = (__m512i)load_bytes(won, lanes);
    __m512 v = load_lanes(dy, lanes);
    __mmask16 m = (__mmask16)((1u << lanes) - 1);
    m = _mm512_mask_cmpeq_epi32_mask(m, ids, _mm512_set1_epi32(id));
    m = _mm512_mask_cmp_ps_mask(m, v, _mm512_setzero_ps(), _CMP_NEQ_UQ);
    __m512i places =
        _mm512_add_epi32(_mm512_set1_epi32(first),
                         _mm512_mullo_epi32(count, _mm512_set1_epi32(step)));
    _mm512_storeu_ps(value, _mm512_maskz_compress_ps(m, v));
    _mm512_storeu_si512(at, _mm512_maskz_compress_epi32(m, places));
    return __builtin_popcount(m);
}

INLINE int32_t list_window(const struct nn_winners *w,
                           const nn_real *dy,
                           const uint8_t *won,
                           int32_t id,
                           int32_t e,
                           nn_real *value,
                           int32_t *at)
{
    int32_t step = (int32_t)w->weights;
    int64_t full = w->channels / LANES * LANES;
    for (int64_t o = 0; o < full; o += LANES)
        e += list_16(dy + o, won + o, (int32_t)o * step, step, id, LANES,
                     value + e, at + e);
    if (full < w->channels)
        e += list_16(dy + full, won + full, (int32_t)full * step, step, id,
                     (int)(w->channels - full), value + e, at + e);
    return e;
}

#else

INLINE int32_t list_window(const struct nn_winners *w,
                           const nn_real *dy,
                           const uint8_t *won,
                           int32_t id,
                           int32_t e,
                           nn_real *value,
                           int32_t *at)
{
    int32_t place = 0;
    for (int64_t o = 0; o < w->channels; o++, place += (int32_t)w->weights) {
        value[e] = dy[o];
        at[e] = place;
        e += won[o] == id && !(dy[o] == 0);
    }
    return e;
}

#endif

/* One image's lists by window and by which of its pixels won. */
static void list_by_pixel(const struct nn_winners *w,
                          nn_real *value,
                          int32_t *at,
                          int32_t *start)
{
    const nn_real *dy = w->dy;
    const uint8_t *won = w->won;
    int32_t e = 0;
    for (int64_t i = 0; i < w->out_h * w->out_w; i++) {
        for (int32_t id = 0; id < NN_WON_NONE; id++) {
            *start++ = e;
            e = list_window(w, dy, won, id, e, value, at);
        }
        dy += w->stride;
        won += w->stride;
    }
    *start = e;
}

#endif
