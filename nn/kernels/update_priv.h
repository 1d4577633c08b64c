/* Updates of parameters, and what clipping needs, for nn/kernels/body_priv.h.
 *
 * Elementwise and without fused multiply-adds, square roots and divisions
 * correctly rounded: the same bits in every table and however a range is cut.
 * The sum of squares has 16 chains in every table, and the products in it are
 * exact (two floats in a double).
 */
#ifndef NN_KERNELS_UPDATE_PRIV_H
#define NN_KERNELS_UPDATE_PRIV_H

#include "nn/kernels/vec_priv.h"

#include <math.h>

/* Plain SGD, the most frequent, apart: loops this short are all memory. */
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

INLINE void sgd_momentum(const struct nn_sgd_step *step,
                         const bool has_anchor,
                         const bool is_nesterov,
                         int64_t n,
                         const nn_real *restrict g,
                         const nn_real *restrict anchor,
                         nn_real *restrict v,
                         nn_real *restrict w)
{
    nn_real lr = step->lr, momentum = step->momentum, decay = step->decay;
    nn_real mu = step->mu, gain = step->gain;
    for (int64_t i = 0; i < n; i++) {
        nn_real d = g[i] + decay * w[i];
        if (has_anchor)
            d += mu * (w[i] - anchor[i]);
        v[i] = momentum * v[i] + gain * d;
        w[i] -= lr * (is_nesterov ? d + momentum * v[i] : v[i]);
    }
}

static void sgd(const struct nn_sgd_step *step,
                int64_t n,
                const nn_real *grad,
                nn_real *params)
{
    nn_real *v = step->velocity;
    const nn_real *anchor = step->anchor;
    if (v && anchor && step->is_nesterov)
        sgd_momentum(step, true, true, n, grad, anchor, v, params);
    else if (v && anchor)
        sgd_momentum(step, true, false, n, grad, anchor, v, params);
    else if (v && step->is_nesterov)
        sgd_momentum(step, false, true, n, grad, NULL, v, params);
    else if (v)
        sgd_momentum(step, false, false, n, grad, NULL, v, params);
    else if (anchor)
        sgd_prox(step, n, grad, anchor, params);
    else if (step->decay > 0)
        sgd_decay(step->lr, step->decay, n, grad, params);
    else
        sgd_plain(step->lr, n, grad, params);
}

INLINE vec square_root(vec v)
{
#if VECTOR_BYTES == 64
    return _mm512_sqrt_ps(v);
#elif VECTOR_BYTES == 32
    return _mm256_sqrt_ps(v);
#else
    for (int i = 0; i < LANES; i++)
        v[i] = (nn_real)sqrt((double)v[i]); /* twice rounded is once: 53 >=
                                               2 * 24 + 2 bits */
    return v;
#endif
}

INLINE void adam_lanes(const struct nn_adam_step *s,
                       int64_t i,
                       const nn_real *g,
                       nn_real *w,
                       const int lanes)
{
    vec x = load_lanes(w + i, lanes);
    vec m = load_lanes(s->mean + i, lanes);
    vec q = load_lanes(s->square + i, lanes);
    vec d = load_lanes(g + i, lanes) + every_lane(s->decay) * x;
    if (s->anchor)
        d += every_lane(s->mu) * (x - load_lanes(s->anchor + i, lanes));
    m = every_lane(s->beta1) * m + every_lane(s->gain1) * d;
    q = every_lane(s->beta2) * q + every_lane(s->gain2) * (d * d);
    vec below = square_root(q) * every_lane(s->root) + every_lane(s->eps);
    x = every_lane(s->keep) * x - every_lane(s->rate) * (m / below);
    store_lanes(s->mean + i, m, lanes);
    store_lanes(s->square + i, q, lanes);
    store_lanes(w + i, x, lanes);
}

static void adam(const struct nn_adam_step *step,
                 int64_t n,
                 const nn_real *grad,
                 nn_real *params)
{
    const struct nn_adam_step s = *step; /* in registers: nothing aliases it */
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        adam_lanes(&s, i, grad, params, LANES);
    if (i < n)
        adam_lanes(&s, i, grad, params, (int)(n - i));
}

static double squares(int64_t n, const nn_real *x)
{
    enum { CHAINS = 16 };
    double sum[CHAINS] = {0};
    int64_t i = 0;
    for (; i + CHAINS <= n; i += CHAINS)
        for (int j = 0; j < CHAINS; j++)
            sum[j] += (double)x[i + j] * (double)x[i + j];
    for (int j = 0; i < n; i++, j++)
        sum[j] += (double)x[i] * (double)x[i];
    for (int half = CHAINS / 2; half > 0; half /= 2)
        for (int j = 0; j < half; j++)
            sum[j] += sum[j + half];
    return sum[0];
}

static void scale(nn_real factor, int64_t n, nn_real *x)
{
    for (int64_t i = 0; i < n; i++)
        x[i] *= factor;
}

#endif
