/* A model's plan: the steps that a workspace carries out, in which order, on
 * which memory.
 *
 * - Views (flatten) vanish; ReLU moves behind a max-pooling, which gives the
 *   same numbers for a quarter of the work; elementwise layers work in place.
 * - Consecutive steps form segments. A segment runs over its samples chunk by
 *   chunk, so that what only the next step needs (a convolution's output
 *   before pooling) stays in cache and is never kept for the whole batch.
 *   A layer that wants the batch (dense) has its own segment and one chunk.
 *
 * Everything here follows from the model and the batch size alone, never from
 * the machine: it is part of what makes results repeat.
 */
#ifndef NN_PLAN_PRIV_H
#define NN_PLAN_PRIV_H

#include "nn/model_priv.h"

struct nn_step {
    const struct nn_layer *layer;
    size_t layer_index;
    struct nn_shape input, output;
    int64_t in_size, out_size; /* of one sample */
    bool is_in_place;          /* y is the previous step's y */
    bool is_kept;              /* y holds the batch, else one chunk */
    bool wants_dx;             /* a step before this one learns */
    nn_real *y;
    nn_real *grad; /* [n_params]; NULL: backward_update needs none */
    unsigned char *state;
    void *prepared;
};

struct nn_segment {
    size_t first, end; /* steps [first, end) */
    int64_t chunk;
};

struct nn_plan {
    size_t n_steps, n_segments;
    struct nn_step *steps;
    struct nn_segment *segments;
    size_t scratch_bytes;
    int64_t boundary_size; /* largest gradient between segments, per sample */
    int64_t inner_numbers; /* largest gradient inside a segment, a chunk */
    bool is_random;
};

/* Steps, segments and sizes; memory pointers are left NULL.
 * Fails FL_E_NOMEM. Free: nn_plan_fini. */
enum fl_status nn_plan_init(struct nn_plan *plan,
                            const struct nn_model *model,
                            int64_t max_batch,
                            struct fl_error *err) FL_NODISCARD;
void nn_plan_fini(struct nn_plan *plan);

#endif
