/* What an optimiser makes of a gradient, one step at a time, as PyTorch's.
 *
 * With d = dL/dw + prox_mu * (w - anchor), FedProx's proximal term being part
 * of the loss, then clipped:
 *
 *   sgd     d += weight_decay * w
 *           v  = momentum * v + (1 - dampening) * d     (first step: v = d)
 *           w -= lr * v            (is_nesterov: lr * (d + momentum * v))
 *   adam    d += weight_decay * w
 *           m  = beta1 * m + (1 - beta1) * d
 *           s  = beta2 * s + (1 - beta2) * d^2
 *           w -= lr * (m / (1 - beta1^t)) / (sqrt(s / (1 - beta2^t)) + eps)
 *   adamw   the same but for weight_decay, which is w *= 1 - lr * weight_decay
 *           before the step
 *
 * where t counts steps from 1. Clipping comes first by value, each number to
 * +-clip_value, then by the norm of the whole gradient: times
 * min(1, clip_norm / (norm + 1e-6)), the norm in double.
 *
 * Plain data: lr and step are those of the step at hand, whose caller counts
 * them (nn/schedule.h says how lr may change). The state that an optimiser
 * keeps is its caller's too: nn_optimizer_n_state vectors like the parameters,
 * zero before the first step.
 *
 *     struct nn_optimizer_opts adam = {.kind = NN_ADAM, .lr = 1e-3,
 *         .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8};
 *     float *state = fl_calloc(nn_optimizer_n_state(&adam) * n, sizeof *state);
 *     for (adam.step = 0; adam.step < 100; adam.step++)
 *         FL_TRY(nn_train_step(ws, &adam, params, state, NULL, ...));
 *
 * Source PyTorch's documentation of torch.optim.SGD, Adam, AdamW and of
 * torch.nn.utils.clip_grad_norm_, clip_grad_value_; FedProx: Li et al. 2020.
 */
#ifndef NN_OPTIMIZER_H
#define NN_OPTIMIZER_H

#include <stdbool.h>
#include <stdint.h>

/* SGD is 0: an optimiser with nothing but a learning rate. */
enum nn_optimizer { NN_SGD, NN_ADAM, NN_ADAMW, NN_OPTIMIZER_LAST_ };

#define NN_OPTIMIZER_MAX_STATE 2

struct nn_optimizer_opts {
    enum nn_optimizer kind;
    double lr;           /* of this step */
    double weight_decay; /* >= 0 */
    double momentum;     /* sgd: [0, 1) */
    double dampening;    /* sgd: [0, 1] */
    bool is_nesterov;    /* sgd */
    double beta1, beta2; /* adam, adamw: [0, 1) */
    double eps;          /* adam, adamw: > 0 */
    double clip_value;   /* 0: off */
    double clip_norm;    /* 0: off */
    double prox_mu;      /* FedProx; 0: off */
    int64_t step;        /* steps done before this one */
};

/* "sgd" ...; NULL at the end. */
extern const char *const nn_optimizer_names[NN_OPTIMIZER_LAST_ + 1];

/* Vectors of n_params that the optimiser keeps from step to step. */
int nn_optimizer_n_state(const struct nn_optimizer_opts *opts);

#endif
