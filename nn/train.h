/* Training and evaluating: one step on one batch, no allocation.
 *
 * A workspace owns the activations, gradients and scratch of one model for
 * batches up to max_batch, all in one arena.
 *
 *     struct nn_workspace *ws;
 *     FL_TRY(nn_workspace_create(model, 32, &ws, err));
 *     for (...) FL_TRY(nn_train_step(ws, &sgd, params, state, NULL,
 *                                    x, labels, n, &rng, &loss, err));
 *
 * The model must outlive its workspaces.
 * Threads: a workspace belongs to one thread. Determinism: same inputs, same
 * kernel table, same BLAS kernel, one BLAS thread: same bits, whatever the
 * alignment, the process and what the workspace did before.
 */
#ifndef NN_TRAIN_H
#define NN_TRAIN_H

#include "base/rng.h"
#include "nn/model.h"
#include "nn/optimizer.h"

struct nn_workspace; /* opaque */

/* For batches of 1 .. max_batch samples of this model.
 * Fails FL_E_ARG max_batch outside [1, 2^20]; FL_E_NOMEM.
 * Free: nn_workspace_destroy. */
enum fl_status nn_workspace_create(const struct nn_model *model,
                                   int64_t max_batch,
                                   struct nn_workspace **ret,
                                   struct fl_error *err) FL_NODISCARD;
void nn_workspace_destroy(struct nn_workspace *ws);
size_t nn_workspace_bytes(const struct nn_workspace *ws);

/* One step of an optimiser (nn/optimizer.h) on a batch.
 * In    x        [n, input] float32 channels-last, borrowed
 *       labels   [n] 0 .. classes-1, borrowed
 *       state    [nn_optimizer_n_state][n_params] in and out, zero before the
 *                first step; NULL when the optimiser keeps none
 *       anchor   [n_params] FedProx's global model; NULL when prox_mu is 0
 *       rng      the client's own stream (dropout)
 * Out   params   [n_params] updated
 *       ret_loss mean cross-entropy of the batch, before the update
 * Fails FL_E_NUMERIC the loss, or under clip_norm the gradient's norm, is NaN
 *       or infinite (params and state are then untouched);
 *       FL_E_ARG n outside [1, max_batch], a label outside [0, classes),
 *       no state where the optimiser keeps one, prox_mu without anchor,
 *       dropout without rng
 * Cost  no allocation */
enum fl_status nn_train_step(struct nn_workspace *ws,
                             const struct nn_optimizer_opts *opts,
                             nn_real *params,
                             nn_real *state,
                             const nn_real *anchor,
                             const nn_real *x,
                             const int32_t *labels,
                             int64_t n,
                             struct fl_rng *rng,
                             double *ret_loss,
                             struct fl_error *err) FL_NODISCARD;

/* The gradient alone (tests, benchmarks): overwrites ret_grad [n_params]. */
enum fl_status nn_gradient(struct nn_workspace *ws,
                           const nn_real *params,
                           const nn_real *x,
                           const int32_t *labels,
                           int64_t n,
                           struct fl_rng *rng,
                           nn_real *ret_grad,
                           double *ret_loss,
                           struct fl_error *err) FL_NODISCARD;

struct nn_score {
    int64_t n;
    int64_t correct;
    double loss_sum; /* cross-entropy summed over samples, in sample order */
};

/* Adds the scores of a batch (dropout off) to acc. Ties go to the lowest class.
 * Fails FL_E_NUMERIC. */
enum fl_status nn_evaluate(struct nn_workspace *ws,
                           const nn_real *params,
                           const nn_real *x,
                           const int32_t *labels,
                           int64_t n,
                           struct nn_score *acc,
                           struct fl_error *err) FL_NODISCARD;

/* The BLAS kernel in use, e.g. "SkylakeX"; fixes one BLAS thread. Part of a
 * run's identity: processes with another one may not join. */
const char *nn_blas_kernel(void);

/* The table of our own kernels in use: "avx512", "avx2" or "portable". Part of
 * a run's identity as well; avx512 and avx2 give the same bits. */
const char *nn_kernel_name(void);

#endif
