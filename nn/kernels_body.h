/* The kernels themselves, compiled once per instruction set: the including
 * file says KERNELS, KERNELS_NAME, VECTOR_BYTES and MAX_ROWS. No include guard
 * on purpose, no other file includes it.
 *
 * Products: a tile of up to MAX_ROWS rows by two vectors of columns stays in
 * registers while k runs; per k it loads two vectors of B and one number of A
 * per row. The last columns, when they do not fill a vector, are loaded and
 * stored under a mask, so nothing beyond a row's end is touched.
 */
#include "nn/kernels_priv.h"
#include "nn/pool_priv.h"

#include <string.h>
#if VECTOR_BYTES > 16
#include <immintrin.h>
#endif

#define LANES  ((int)(VECTOR_BYTES / sizeof(nn_real)))
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

/* rows x vecs vectors of C; the last vector has `lanes` columns. rows, vecs
 * and whether lanes == LANES are constants where this is inlined. */
INLINE void tile(const struct nn_product *p,
                 const nn_real *a,
                 const nn_real *b,
                 nn_real *c,
                 const nn_real *bias,
                 const int rows,
                 const int vecs,
                 const int lanes)
{
    vec sum[MAX_ROWS][2];
    const int first = vecs == 2 ? LANES : lanes;
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
        const nn_real *from =
            p->start == NN_START_SELF ? c + i * p->c_row : bias;
        if (p->start == NN_START_ZERO) {
            sum[i][0] = sum[i][1] = (vec){0};
        } else {
            sum[i][0] = load_lanes(from, first);
            if (vecs == 2)
                sum[i][1] = load_lanes(from + LANES, lanes);
        }
    }
    const int64_t a_row = p->a_row;
    for (int64_t o = 0; o < p->k_outer; o++) {
        const nn_real *ak = a + o * p->a_outer, *bk = b + o * p->b_outer;
        for (int64_t k = 0; k < p->k_inner; k++) {
            vec b0 = load_lanes(bk, first), b1 = b0;
            if (vecs == 2)
                b1 = load_lanes(bk + LANES, lanes);
#pragma GCC unroll 16
            for (int i = 0; i < rows; i++) {
                vec one = every_lane(ak[i * a_row]);
                sum[i][0] = muladd(one, b0, sum[i][0]);
                if (vecs == 2)
                    sum[i][1] = muladd(one, b1, sum[i][1]);
            }
            ak += p->a_inner;
            bk += p->b_inner;
        }
    }
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
        store_lanes(c + i * p->c_row, sum[i][0], first);
        if (vecs == 2)
            store_lanes(c + i * p->c_row + LANES, sum[i][1], lanes);
    }
}

#define TILE(rows)                                                             \
    case rows:                                                                 \
        tile(p, a, b, c, bias, rows, vecs, lanes);                             \
        break;

/* Picks the inlined tile of so many rows. */
INLINE void tile_of(const struct nn_product *p,
                    const nn_real *a,
                    const nn_real *b,
                    nn_real *c,
                    const nn_real *bias,
                    int rows,
                    const int vecs,
                    const int lanes)
{
    switch (rows) {
        TILE(1)
        TILE(2)
        TILE(3)
        TILE(4)
        TILE(5)
        TILE(6)
#if MAX_ROWS > 6
        TILE(7)
        TILE(8)
        TILE(9)
        TILE(10)
        TILE(11)
        TILE(12)
        TILE(13)
        TILE(14)
#endif
    }
}

/* All rows of all groups of one strip of columns. */
INLINE void
strip(const struct nn_product *p, int64_t j, const int vecs, const int lanes)
{
    /* rows in as few tiles as possible, all nearly the same height */
    int64_t tiles = (p->m + MAX_ROWS - 1) / MAX_ROWS;
    int64_t low = p->m / tiles, n_high = p->m % tiles;
    const nn_real *bias = p->bias ? p->bias + j : NULL;
    for (int64_t g = 0; g < p->groups; g++) {
        const nn_real *a = p->a + g * p->a_group;
        nn_real *c = p->c + g * p->c_group + j;
        for (int64_t t = 0; t < tiles; t++) {
            int64_t rows = low + (t < n_high);
            tile_of(p, a, p->b + j, c, bias, (int)rows, vecs, lanes);
            a += rows * p->a_row;
            c += rows * p->c_row;
        }
    }
}

static void strip_2(const struct nn_product *p, int64_t j)
{
    strip(p, j, 2, LANES);
}

static void strip_2_part(const struct nn_product *p, int64_t j, int lanes)
{
    strip(p, j, 2, lanes);
}

static void strip_1(const struct nn_product *p, int64_t j)
{
    strip(p, j, 1, LANES);
}

static void strip_1_part(const struct nn_product *p, int64_t j, int lanes)
{
    strip(p, j, 1, lanes);
}

static void product(const struct nn_product *p)
{
    int64_t j = 0;
    for (; j + 2 * LANES <= p->n; j += 2 * LANES)
        strip_2(p, j);
    int rest = (int)(p->n - j);
    if (rest > LANES)
        strip_2_part(p, j, rest - LANES);
    else if (rest == LANES)
        strip_1(p, j);
    else if (rest > 0)
        strip_1_part(p, j, rest);
}

static void
sgd_plain(nn_real lr, int64_t n, const nn_real *restrict g, nn_real *restrict w)
{
    for (int64_t i = 0; i < n; i++)
        w[i] -= lr * g[i];
}

static void sgd_decay(nn_real lr,
                      nn_real decay,
                      int64_t n,
                      const nn_real *restrict g,
                      nn_real *restrict w)
{
    for (int64_t i = 0; i < n; i++)
        w[i] -= lr * (g[i] + decay * w[i]);
}

static void sgd_momentum(const struct nn_sgd_step *step,
                         int64_t n,
                         const nn_real *restrict g,
                         nn_real *restrict v,
                         nn_real *restrict w)
{
    nn_real lr = step->lr, momentum = step->momentum, decay = step->decay;
    for (int64_t i = 0; i < n; i++) {
        v[i] = momentum * v[i] + (g[i] + decay * w[i]);
        w[i] -= lr * v[i];
    }
}

static void sgd_prox(const struct nn_sgd_step *step,
                     int64_t n,
                     const nn_real *restrict g,
                     const nn_real *restrict anchor,
                     nn_real *restrict w)
{
    nn_real lr = step->lr, decay = step->decay, mu = step->mu;
    for (int64_t i = 0; i < n; i++)
        w[i] -= lr * (g[i] + decay * w[i] + mu * (w[i] - anchor[i]));
}

static void sgd_prox_momentum(const struct nn_sgd_step *step,
                              int64_t n,
                              const nn_real *restrict g,
                              const nn_real *restrict anchor,
                              nn_real *restrict v,
                              nn_real *restrict w)
{
    nn_real lr = step->lr, momentum = step->momentum, decay = step->decay;
    nn_real mu = step->mu;
    for (int64_t i = 0; i < n; i++) {
        nn_real d = g[i] + decay * w[i] + mu * (w[i] - anchor[i]);
        v[i] = momentum * v[i] + d;
        w[i] -= lr * v[i];
    }
}

static void sgd(const struct nn_sgd_step *step,
                int64_t n,
                const nn_real *grad,
                nn_real *params)
{
    nn_real *v = step->velocity;
    if (step->anchor && v)
        sgd_prox_momentum(step, n, grad, step->anchor, v, params);
    else if (step->anchor)
        sgd_prox(step, n, grad, step->anchor, params);
    else if (v)
        sgd_momentum(step, n, grad, v, params);
    else if (step->decay > 0)
        sgd_decay(step->lr, step->decay, n, grad, params);
    else
        sgd_plain(step->lr, n, grad, params);
}

static void relu(int64_t n, const nn_real *x, nn_real *y)
{
    for (int64_t i = 0; i < n; i++)
        y[i] = x[i] < 0 ? 0 : x[i];
}

static void
relu_back(int64_t n, const nn_real *y, const nn_real *dy, nn_real *dx)
{
    for (int64_t i = 0; i < n; i++)
        dx[i] = y[i] > 0 ? dy[i] : 0;
}

static void add_rows(int64_t rows,
                     int64_t n,
                     const nn_real *restrict x,
                     nn_real *restrict acc)
{
    int64_t j = 0;
    for (; j + LANES <= n; j += LANES) {
        vec sum = load(acc + j);
        for (int64_t i = 0; i < rows; i++)
            sum += load(x + i * n + j);
        store(acc + j, sum);
    }
    if (j == n)
        return;
    int lanes = (int)(n - j);
    vec sum = load_part(acc + j, lanes);
    for (int64_t i = 0; i < rows; i++)
        sum += load_part(x + i * n + j, lanes);
    store_part(acc + j, sum, lanes);
}

typedef nn_won won_vec __attribute__((vector_size(VECTOR_BYTES)));
_Static_assert(sizeof(nn_won) == sizeof(nn_real), "one lane each");

INLINE won_vec load_won(const nn_won *p, int lanes)
{
    return (won_vec)load_lanes((const nn_real *)(const void *)p, lanes);
}

INLINE void store_won(nn_won *p, won_vec v, int lanes)
{
    store_lanes((nn_real *)(void *)p, (vec)v, lanes);
}

/* One window, one vector of channels. v wins when it is larger than the best
 * so far or a NaN; nothing wins against a NaN. */
INLINE void max_of_window(const struct nn_pool *pool,
                          const nn_real *x,
                          nn_real *y,
                          nn_won *won,
                          const int64_t kernel,
                          const int lanes)
{
    vec best = load_lanes(x, lanes);
    won_vec id = {0}, here = {0};
    for (int64_t ky = 0; ky < kernel; ky++) {
        const nn_real *from = x + ky * pool->in_w * pool->channels;
        for (int64_t kx = 0; kx < kernel; kx++) {
            vec v = load_lanes(from, lanes);
            won_vec wins = (v > best) | (v != v);
            best = (vec)(((won_vec)v & wins) | ((won_vec)best & ~wins));
            id = (here & wins) | (id & ~wins);
            here += 1;
            from += pool->channels;
        }
    }
    store_lanes(y, best, lanes);
    store_won(won, id, lanes);
}

INLINE void max_row(const struct nn_pool *pool,
                    const nn_real *x,
                    nn_real *y,
                    nn_won *won,
                    const int64_t kernel)
{
    int64_t channels = pool->channels, full = channels / LANES * LANES;
    int rest = (int)(channels - full);
    for (int64_t o = 0; o < pool->out_w; o++) {
        for (int64_t c = 0; c < full; c += LANES)
            max_of_window(pool, x + c, y + c, won + c, kernel, LANES);
        if (rest)
            max_of_window(pool, x + full, y + full, won + full, kernel, rest);
        x += pool->stride * channels;
        y += channels;
        won += channels;
    }
}

static void
pool_max(const struct nn_pool *pool, const nn_real *x, nn_real *y, nn_won *won)
{
    if (pool->kernel == 2)
        max_row(pool, x, y, won, 2);
    else
        max_row(pool, x, y, won, pool->kernel);
}

INLINE void spread(const nn_real *dy,
                   const nn_won *won,
                   nn_real *dx0,
                   nn_real *dx1,
                   int64_t channels,
                   const int lanes)
{
    won_vec d = (won_vec)load_lanes(dy, lanes), id = load_won(won, lanes);
    store_lanes(dx0, (vec)(d & (id == 0)), lanes);
    store_lanes(dx0 + channels, (vec)(d & (id == 1)), lanes);
    store_lanes(dx1, (vec)(d & (id == 2)), lanes);
    store_lanes(dx1 + channels, (vec)(d & (id == 3)), lanes);
}

static void pool_max_back_2x2(const struct nn_pool *pool,
                              const nn_real *dy,
                              const nn_won *won,
                              nn_real *dx)
{
    int64_t channels = pool->channels, full = channels / LANES * LANES;
    int rest = (int)(channels - full);
    nn_real *dx0 = dx, *dx1 = dx + pool->in_w * channels;
    for (int64_t o = 0; o < pool->out_w; o++) {
        for (int64_t c = 0; c < full; c += LANES)
            spread(dy + c, won + c, dx0 + c, dx1 + c, channels, LANES);
        if (rest)
            spread(dy + full, won + full, dx0 + full, dx1 + full, channels,
                   rest);
        dy += channels;
        won += channels;
        dx0 += 2 * channels;
        dx1 += 2 * channels;
    }
}

const struct nn_kernels KERNELS = {
    .name = KERNELS_NAME,
    .product = product,
    .sgd = sgd,
    .relu = relu,
    .relu_back = relu_back,
    .add_rows = add_rows,
    .pool_max = pool_max,
    .pool_max_back_2x2 = pool_max_back_2x2,
};
