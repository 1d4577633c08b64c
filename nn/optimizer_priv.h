/* The optimiser's update, piece by piece: so that a layer can apply it to the
 * rows of a large weight while their gradient is still in cache. */
#ifndef NN_OPTIMIZER_PRIV_H
#define NN_OPTIMIZER_PRIV_H

#include "base/status.h"
#include "nn/kernels/table_priv.h"
#include "nn/optimizer.h"
#include "nn/real.h"

/* One step's update, at the first parameter of whatever is updated. Only the
 * rule of its kind is meant. */
struct nn_update {
    const struct nn_kernels *kernels;
    enum nn_optimizer kind;
    struct nn_sgd_step sgd;
    struct nn_adam_step adam;
};

/* The step opts->step. state [nn_optimizer_n_state][n_params], anchor
 * [n_params] or NULL: both borrowed. */
struct nn_update nn_update_of(const struct nn_kernels *kernels,
                              const struct nn_optimizer_opts *opts,
                              nn_real *state,
                              int64_t n_params,
                              const nn_real *anchor);

/* The same update, beginning `offset` parameters later. */
struct nn_update nn_update_at(const struct nn_update *update, int64_t offset);

/* Updates params[offset .. offset+n) with their gradient grad[0 .. n).
 * Elementwise: the same bits however the range is cut. */
void nn_update_apply(const struct nn_update *update,
                     int64_t offset,
                     int64_t n,
                     const nn_real *grad,
                     nn_real *params);

/* Whether a step needs its whole gradient before it may update anything. */
static inline bool nn_optimizer_clips(const struct nn_optimizer_opts *opts)
{
    return opts->clip_norm > 0 || opts->clip_value > 0;
}

/* acc_grad += mu (params - anchor) for parameters [offset, offset + n) of the
 * flat vectors; nothing where the update has no anchor. */
void nn_update_add_proximal(const struct nn_update *update,
                            int64_t offset,
                            int64_t n,
                            const nn_real *params,
                            nn_real *acc_grad);

/* Clips a whole gradient. Sums in an order that depends on n alone.
 * Fails FL_E_NUMERIC the gradient's norm is not finite (under clip_norm). */
enum fl_status nn_update_clip(const struct nn_update *update,
                              const struct nn_optimizer_opts *opts,
                              int64_t n,
                              nn_real *grad,
                              struct fl_error *err) FL_NODISCARD;

#endif
