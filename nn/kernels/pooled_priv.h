/* What 2x2 max-pooling and ReLU behind a convolution take, for nn/kernels/
 * alone. Only elementwise work and lists: the same bits in every table.
 */
#ifndef NN_KERNELS_POOLED_PRIV_H
#define NN_KERNELS_POOLED_PRIV_H

#include "nn/kernels/conv_table_priv.h"
#include "nn/kernels/vec_priv.h"

typedef nn_won which __attribute__((vector_size(VECTOR_BYTES)));
typedef uint8_t bytes
    __attribute__((vector_size(VECTOR_BYTES / sizeof(nn_real))));
_Static_assert(sizeof(nn_won) == sizeof(nn_real), "one lane each");

INLINE void store_bytes(uint8_t *p, which w, int lanes)
{
#if VECTOR_BYTES == 64
    if (lanes < LANES) {
        _mm512_mask_cvtepi32_storeu_epi8(p, (__mmask16)((1u << lanes) - 1),
                                         (__m512i)w);
        return;
    }
#endif
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

/* acc[l] += the values of list l: 16 chains, of entries e, e + 16, .., whose
 * halves are then added up. */
static void add_lists(int64_t lists,
                      const int32_t *start,
                      const int32_t *end,
                      const nn_real *value,
                      nn_real *acc)
{
    enum { VECS = 16 / LANES };
    for (int64_t l = 0; l < lists; l++) {
        vec sum[VECS] = {{0}};
        nn_real lane[16];
        int32_t e = start[l];
        for (; e + 16 <= end[l]; e += 16)
            for (int i = 0; i < VECS; i++)
                sum[i] += load(value + e + i * LANES);
        memcpy(lane, sum, sizeof lane);
        for (int i = 0; e < end[l]; e++, i++)
            lane[i] += value[e];
        for (int half = 8; half > 0; half /= 2)
            for (int i = 0; i < half; i++)
                lane[i] += lane[i + half];
        acc[l] += lane[0];
    }
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
/* The entries of 16 channels of a window, those that each pixel won. */
struct channels {
    __m512 value;
    __m512i place;
    __mmask16 won[NN_WON_NONE];
};

INLINE void look_at(struct channels *c,
                    const nn_real *dy,
                    const uint8_t *won,
                    __m512i place,
                    int lanes)
{
    __m512i id = (__m512i)load_bytes(won, lanes);
    c->value = load_lanes(dy, lanes);
    c->place = place;
    __mmask16 m =
        _mm512_mask_cmp_ps_mask((__mmask16)((1u << lanes) - 1), c->value,
                                _mm512_setzero_ps(), _CMP_NEQ_UQ);
    UNROLL
    for (int i = 0; i < NN_WON_NONE; i++)
        c->won[i] = _mm512_mask_cmpeq_epi32_mask(m, id, _mm512_set1_epi32(i));
}

/* Whole vectors are written; what counts is how many were meant. */
INLINE int32_t list_16(const struct channels *c,
                       int id,
                       nn_real *value,
                       int32_t *at)
{
    _mm512_storeu_ps(value, _mm512_maskz_compress_ps(c->won[id], c->value));
    _mm512_storeu_si512(at, _mm512_maskz_compress_epi32(c->won[id], c->place));
    return __builtin_popcount(c->won[id]);
}

#define BLOCKS_AT_ONCE 4

/* Windows of so many times 16 channels, the last of `lanes`. */
INLINE int32_t list_blocks(const struct nn_winners *w,
                           const nn_real *dy,
                           const uint8_t *won,
                           int32_t e,
                           nn_real *value,
                           int32_t *at,
                           int32_t *start,
                           const int blocks,
                           const int lanes)
{
    struct channels c[BLOCKS_AT_ONCE];
    int32_t step = (int32_t)w->weights;
    const __m512i count =
        _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    __m512i place = _mm512_mullo_epi32(count, _mm512_set1_epi32(step));
    UNROLL
    for (int i = 0; i < blocks; i++) {
        look_at(&c[i], dy + i * LANES, won + i * LANES, place,
                i + 1 < blocks ? LANES : lanes);
        place = _mm512_add_epi32(place, _mm512_set1_epi32(step * LANES));
    }
    UNROLL
    for (int id = 0; id < NN_WON_NONE; id++) {
        start[id] = e;
        UNROLL
        for (int i = 0; i < blocks; i++)
            e += list_16(&c[i], id, value + e, at + e);
    }
    return e;
}

INLINE int32_t list_window(const struct nn_winners *w,
                           const nn_real *dy,
                           const uint8_t *won,
                           int32_t e,
                           nn_real *value,
                           int32_t *at,
                           int32_t *start)
{
    int64_t rest = w->channels % LANES;
    int lanes = rest ? (int)rest : LANES;
    switch ((w->channels + LANES - 1) / LANES) {
    case 1:
        return list_blocks(w, dy, won, e, value, at, start, 1, lanes);
    case 2:
        return list_blocks(w, dy, won, e, value, at, start, 2, lanes);
    case 3:
        return list_blocks(w, dy, won, e, value, at, start, 3, lanes);
    default:
        return list_blocks(w, dy, won, e, value, at, start, 4, lanes);
    }
}

#else

INLINE int32_t list_window(const struct nn_winners *w,
                           const nn_real *dy,
                           const uint8_t *won,
                           int32_t e,
                           nn_real *value,
                           int32_t *at,
                           int32_t *start)
{
    for (int id = 0; id < NN_WON_NONE; id++) {
        int32_t place = 0;
        start[id] = e;
        for (int64_t o = 0; o < w->channels; o++) {
            value[e] = dy[o];
            at[e] = place;
            e += won[o] == id && !(dy[o] == 0);
            place += (int32_t)w->weights;
        }
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
        e = list_window(w, dy, won, e, value, at, start);
        start += NN_WON_NONE;
        dy += w->stride;
        won += w->stride;
    }
    *start = e;
}

#endif
