/* The update of a dense layer's weights for one instruction set, for
 * nn/kernels/ alone: a tile of dW is finished in registers and becomes the
 * tile's new weights and velocity.
 */
#ifndef NN_KERNELS_DENSE_UPDATE_PRIV_H
#define NN_KERNELS_DENSE_UPDATE_PRIV_H

#include "nn/kernels/dense_table_priv.h"
#include "nn/kernels/vec_priv.h"

#define UPDATE_ROWS (MAX_ROWS < 8 ? MAX_ROWS : 8)

/* What nn/kernels/update_priv.h does, to the bit. */
enum rule { RULE_PLAIN, RULE_DECAY, RULE_MOMENTUM };

/* In: g and, with momentum, the velocity; out: what takes their places. */
INLINE vec new_weights(const struct nn_sgd_step *step,
                       const enum rule rule,
                       vec g,
                       vec x,
                       vec *acc_v)
{
    if (rule != RULE_PLAIN)
        g = g + every_lane(step->decay) * x;
    if (rule == RULE_MOMENTUM) {
        g = every_lane(step->momentum) * *acc_v + every_lane(step->gain) * g;
        *acc_v = g;
    }
    return x - every_lane(step->lr) * g;
}

INLINE void update_vector(const struct nn_sgd_step *step,
                          const enum rule rule,
                          vec g,
                          nn_real *w,
                          nn_real *v,
                          const int lanes)
{
    vec velocity = g;
    if (rule == RULE_MOMENTUM)
        velocity = load_lanes(v, lanes);
    vec x = new_weights(step, rule, g, load_lanes(w, lanes), &velocity);
    if (rule == RULE_MOMENTUM)
        store_lanes(v, velocity, lanes);
    store_lanes(w, x, lanes);
}

/* Rows narrower than a vector: all are read before any is written, for a read
 * so close behind a write under a mask waits for it. */
INLINE void update_narrow(const struct nn_sgd_step *step,
                          const enum rule rule,
                          vec (*sum)[2],
                          nn_real *w,
                          nn_real *v,
                          int64_t out,
                          const int rows,
                          const int lanes)
{
    UNROLL
    for (int r = 0; r < rows; r++) {
        vec velocity = sum[r][0];
        if (rule == RULE_MOMENTUM)
            velocity = load_lanes(v + r * out, lanes);
        sum[r][0] = new_weights(step, rule, sum[r][0],
                                load_lanes(w + r * out, lanes), &velocity);
        sum[r][1] = velocity;
    }
    UNROLL
    for (int r = 0; r < rows; r++) {
        store_lanes(w + r * out, sum[r][0], lanes);
        if (rule == RULE_MOMENTUM)
            store_lanes(v + r * out, sum[r][1], lanes);
    }
}

/* A tile's place: the inputs of its rows, the gradients of its columns. */
struct update_place {
    const nn_real *x, *dy;
    nn_real *w, *v;
};

INLINE void update_tile(const struct nn_dense_block *b,
                        const struct nn_sgd_step *step,
                        const enum rule rule,
                        const struct update_place *at,
                        const int rows,
                        const int vecs,
                        const int lanes)
{
    vec sum[UPDATE_ROWS][2];
    const int first = vecs == 2 ? LANES : lanes;
    const nn_real *x = at->x, *dy = at->dy;
    const int64_t dy_row = b->dy_row, out = b->out, n = b->n;
    nn_real *w = at->w, *v = at->v;
    const struct nn_sgd_step s = *step; /* in registers: nothing aliases it */
    UNROLL
    for (int r = 0; r < rows; r++)
        sum[r][0] = sum[r][1] = (vec){0};
    for (int64_t i = 0; i < n; i++) {
        vec d0 = load(dy), d1 = vecs == 2 ? load(dy + LANES) : d0;
        UNROLL
        for (int r = 0; r < rows; r++) {
            vec one = every_lane(x[r]);
            sum[r][0] = muladd(one, d0, sum[r][0]);
            if (vecs == 2)
                sum[r][1] = muladd(one, d1, sum[r][1]);
        }
        x += NN_DENSE_ROWS;
        dy += dy_row;
    }
    if (vecs == 1 && lanes != LANES) {
        update_narrow(&s, rule, sum, w, v, out, rows, lanes);
        return;
    }
    UNROLL
    for (int r = 0; r < rows; r++) {
        update_vector(&s, rule, sum[r][0], w, v, first);
        if (vecs == 2)
            update_vector(&s, rule, sum[r][1], w + LANES,
                          rule == RULE_MOMENTUM ? v + LANES : NULL, lanes);
        if (rule == RULE_MOMENTUM) {
            __builtin_prefetch(v + NN_DENSE_ROWS * out, 1, 2);
            __builtin_prefetch(v + NN_DENSE_ROWS * out + LANES, 1, 2);
            v += out;
        }
        w += out;
    }
}

#define UPDATE_TILE(rows)                                                      \
    case rows:                                                                 \
        if (rows <= UPDATE_ROWS)                                               \
            update_tile(b, step, rule, at, rows, vecs, lanes);                 \
        break;

INLINE void update_tile_of(const struct nn_dense_block *b,
                           const struct nn_sgd_step *step,
                           const enum rule rule,
                           const struct update_place *at,
                           int rows,
                           const int vecs,
                           const int lanes)
{
    switch (rows) {
        UPDATE_TILE(1)
        UPDATE_TILE(2)
        UPDATE_TILE(3)
        UPDATE_TILE(4)
        UPDATE_TILE(5)
        UPDATE_TILE(6)
        UPDATE_TILE(7)
        UPDATE_TILE(8)
    }
}

/* Columns from j on, `vecs` vectors of them. */
INLINE void update_strip(const struct nn_dense_block *b,
                         const struct nn_sgd_step *step,
                         const enum rule rule,
                         int64_t j,
                         const int vecs,
                         const int lanes)
{
    int64_t tiles = (b->rows + UPDATE_ROWS - 1) / UPDATE_ROWS;
    int64_t low = b->rows / tiles, n_high = b->rows % tiles, r = 0;
    for (int64_t t = 0; t < tiles; t++) {
        int64_t rows = low + (t < n_high);
        struct update_place at = {
            .x = b->x + r, .dy = b->dy + j, .w = b->w + r * b->out + j};
        if (rule == RULE_MOMENTUM)
            at.v = step->velocity + r * b->out + j;
        update_tile_of(b, step, rule, &at, (int)rows, vecs, lanes);
        r += rows;
    }
}

INLINE void update_all(const struct nn_dense_block *b,
                       const struct nn_sgd_step *step,
                       const enum rule rule)
{
    int64_t j = 0;
    for (; j + 2 * LANES <= b->out; j += 2 * LANES)
        update_strip(b, step, rule, j, 2, LANES);
    if (j + LANES <= b->out) {
        update_strip(b, step, rule, j, 1, LANES);
        j += LANES;
    }
    if (j < b->out)
        update_strip(b, step, rule, j, 1,
                     (int)((uint64_t)(b->out - j) % LANES));
}

static void dense_update(const struct nn_dense_block *b,
                         const struct nn_sgd_step *step)
{
    if (step->velocity)
        update_all(b, step, RULE_MOMENTUM);
    else if (step->decay > 0)
        update_all(b, step, RULE_DECAY);
    else
        update_all(b, step, RULE_PLAIN);
}

#endif
