/* A model's plan: the steps that a workspace carries out, in which order, on
 * which memory.
 *
 * - Views (flatten) vanish; ReLU moves behind a max-pooling, which gives the
 *   same numbers for a quarter of the work; neighbours that nn/fused/ can do
 *   in one become one step; elementwise layers work in place.
 * - Consecutive steps form segments. A segment runs over its samples chunk by
 *   chunk, so that what only the next step needs (a convolution's output
 *   before pooling) stays in cache and is never kept for the whole batch.
 *   A layer that wants the batch (dense) has its own segment and one chunk.
 * - Gradients of outputs live in slots, shared by outputs whose gradients are
 *   never alive together. An output with several readers gets its gradient
 *   from the last one first; the others' are added to it in falling order.
 *
 * Everything here follows from the model and the batch size alone, never from
 * the machine: it is part of what makes results repeat.
 */
#ifndef NN_PLAN_PRIV_H
#define NN_PLAN_PRIV_H

#include "nn/fused.h"
#include "nn/model_priv.h"

#define NN_NO_SLOT (-1)

/* Where a step's backward writes a gradient of one of its inputs. */
struct nn_grad_place {
    int slot; /* NN_NO_SLOT: nobody wants it */
    int into; /* slot that it is then added to, or NN_NO_SLOT */
};

struct nn_step {
    const struct nn_layer_type *type;
    const void *opts;
    const struct nn_layer_info *info;
    size_t layer_index, n_layers;  /* the layers that it does */
    int64_t param_offset;          /* of the first of them */
    int64_t n_params, n_trained;   /* the rest are buffers */
    struct nn_shape input, output; /* of one sample */
    int64_t in_size, out_size;
    int64_t source, with; /* steps whose y it reads, or NN_INPUT, NN_NOTHING */
    bool is_in_place;     /* y is the source's y */
    bool is_kept;         /* y holds the batch, else one chunk */
    bool wants_prepare;   /* some gradient of an input is wanted */
    bool is_idle_back;    /* has no backward pass: nothing learns up to here */
    int dy_slot;
    struct nn_grad_place dx, dwith;
    nn_real *y;
    unsigned char *state;
    void *prepared;
};

struct nn_segment {
    size_t first, end; /* steps [first, end) */
    int64_t chunk;
};

struct nn_slot {
    bool is_batch;   /* holds gradients of the whole batch, else of a chunk */
    int64_t numbers; /* its size */
    nn_real *data;
};

/* The opts and info of a fused step. */
struct nn_fusion {
    struct nn_fused_opts opts;
    struct nn_layer_info info;
};

struct nn_plan {
    size_t n_steps, n_segments, n_fusions, n_slots;
    struct nn_step *steps;
    struct nn_segment *segments;
    struct nn_fusion *fusions;
    struct nn_slot *slots;
    size_t scratch_bytes;
    bool is_random;
};

/* Steps, segments, slots and sizes; memory pointers are left NULL. Plain:
 * without fused steps, as the reference for those.
 * Fails FL_E_NOMEM. Free: nn_plan_fini. */
enum fl_status nn_plan_init(struct nn_plan *plan,
                            const struct nn_model *model,
                            int64_t max_batch,
                            bool is_plain,
                            struct fl_error *err) FL_NODISCARD;
void nn_plan_fini(struct nn_plan *plan);

/* Tests: a workspace (nn/train.h) on a plan without fused steps. */
struct nn_workspace;
enum fl_status nn_workspace_create_plain(const struct nn_model *model,
                                         int64_t max_batch,
                                         struct nn_workspace **ret,
                                         struct fl_error *err) FL_NODISCARD;

/* The gradient slots of the steps of a plan whose segments are laid out
 * (nn/plan_grads.c). Fails FL_E_NOMEM. */
enum fl_status nn_plan_grads(struct nn_plan *plan,
                             int64_t max_batch,
                             struct fl_error *err) FL_NODISCARD;

/* How many times a later step reads step s. */
int nn_plan_readers(const struct nn_plan *plan, size_t s);

#endif
