/* How a learning rate changes while training goes on: a pure function of where
 * training stands, in the steps of a schedule (rounds or epochs).
 *
 * With t = at - warmup and n = total - warmup, from at = warmup on:
 *
 *   constant     lr
 *   step         lr * gamma^(t div every)                (StepLR)
 *   exponential  lr * gamma^t                            (ExponentialLR)
 *   cosine       min_lr + (lr - min_lr) * (1 + cos(pi t / n)) / 2
 *                                                        (CosineAnnealingLR)
 *   linear       lr * (1 + (end - 1) * t / n)            (LinearLR)
 *
 * and before that, for every kind, a linear warm-up:
 *
 *   lr * (warmup_start + (1 - warmup_start) * at / warmup)      (LinearLR)
 *
 * as PyTorch's SequentialLR puts the two together.
 *
 *     struct nn_schedule cosine = {.kind = NN_SCHEDULE_COSINE};
 *     opts.lr = nn_schedule_lr(&cosine, 0.1, round, rounds);
 *
 * Source PyTorch's documentation of torch.optim.lr_scheduler
 */
#ifndef NN_SCHEDULE_H
#define NN_SCHEDULE_H

#include <stdint.h>

enum nn_schedule_kind {
    NN_SCHEDULE_CONSTANT,
    NN_SCHEDULE_STEP,
    NN_SCHEDULE_EXPONENTIAL,
    NN_SCHEDULE_COSINE,
    NN_SCHEDULE_LINEAR,
    NN_SCHEDULE_LAST_
};

struct nn_schedule {
    enum nn_schedule_kind kind;
    int64_t every;       /* step: >= 1 */
    double gamma;        /* step, exponential: > 0 */
    double min_lr;       /* cosine: >= 0 */
    double end_ratio;    /* linear: lr at the end over lr, >= 0 */
    int64_t warmup;      /* 0: none */
    double warmup_start; /* first lr over lr, > 0 */
};

/* "constant" ...; NULL at the end. */
extern const char *const nn_schedule_names[NN_SCHEDULE_LAST_ + 1];

/* The learning rate of step `at`, 0 .. total-1, of `total`. */
double nn_schedule_lr(const struct nn_schedule *schedule,
                      double lr,
                      int64_t at,
                      int64_t total);

#endif
