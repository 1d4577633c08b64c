/* A model with parameters, a batch and labels, for the tests of steps. Built
 * with float and, for finite differences, with double. */
#ifndef TESTS_NN_TRAIN_TASK_H
#define TESTS_NN_TRAIN_TASK_H

#include "nn/model_type.h"
#include "nn/train.h"

#include "support/assert_near.h"

#define TASK_IS_DOUBLE (sizeof(nn_real) == sizeof(double))
/* The same sums in another order: single precision keeps 6 of 7 digits. */
#define TASK_TOLERANCE (TASK_IS_DOUBLE ? 1e-12 : 2e-6)
#define TASK_MAX_N     12

extern const char task_small_net[], task_dropout_net[];
/* Outputs too large to keep for a batch: it goes through in chunks. */
extern const char task_chunked_net[];

struct task {
    struct nn_model *model;
    struct nn_workspace *ws;
    int64_t n_params, n_in;
    nn_real *params, *grad, *x;
    int32_t labels[TASK_MAX_N];
};

/* Zeros and copies in new memory: fl_free. */
nn_real *task_numbers(int64_t n);
nn_real *task_copy_of(const nn_real *from, int64_t n);

/* A net from its text, or a named model; the batch is drawn. */
void task_set_up(struct task *t, const char *text);
void task_set_up_named(struct task *t, const struct nn_model_type *type);
void task_tear_down(struct task *t);

/* The same masks in every step. */
struct fl_rng task_dropout(void);
/* Of samples first .. first + n - 1 into ret; returns the loss. */
double task_gradient(struct task *t, int64_t first, int64_t n, nn_real *ret);
/* One step with the first n samples; returns the loss. */
double task_step(struct task *t,
                 const struct nn_optimizer_opts *sgd,
                 nn_real *velocity,
                 const nn_real *anchor,
                 int64_t n);

#endif
