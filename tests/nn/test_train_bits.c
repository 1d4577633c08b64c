/* Steps of whole models: what their bits depend on, and what is refused. */
#include "nn/kernels/table_priv.h"
#include "train_task.h"

#include "base/alloc.h"

#include <math.h>
#include <string.h>

extern const struct nn_model_type nn_model_lenet5;

/* Train two steps from the same start; returns the parameters. */
static nn_real *train_two(const char *text,
                          int64_t max_batch,
                          size_t shift,
                          bool is_used_before)
{
    struct task t;
    struct fl_error err;
    task_set_up(&t, text);
    nn_workspace_destroy(t.ws);
    assert_ok(nn_workspace_create(t.model, max_batch, &t.ws, &err), &err);
    nn_real *start = task_copy_of(t.params, t.n_params);
    struct nn_optimizer_opts sgd = {.lr = 0.1};
    if (is_used_before) {
        (void)task_step(&t, &sgd, NULL, NULL, 3);
        memcpy(t.params, start, (size_t)t.n_params * sizeof *start);
    }
    nn_real *x = task_numbers(TASK_MAX_N * t.n_in + 16),
            *w = task_numbers(t.n_params + 16);
    memcpy(x + shift, t.x, (size_t)(TASK_MAX_N * t.n_in) * sizeof *x);
    memcpy(w + shift, start, (size_t)t.n_params * sizeof *w);
    struct fl_rng rng = task_dropout();
    for (int i = 0; i < 2; i++) {
        double loss;
        assert_ok(nn_train_step(t.ws, &sgd, w + shift, NULL, NULL, x + shift,
                                t.labels, 5, &rng, &loss, &err),
                  &err);
    }
    memcpy(start, w + shift, (size_t)t.n_params * sizeof *start);
    fl_free(x);
    fl_free(w);
    task_tear_down(&t);
    return start;
}

static void test_bits_depend_on_the_inputs_alone(void **state)
{
    (void)state;
    struct task t;
    task_set_up(&t, task_dropout_net);
    size_t bytes = (size_t)t.n_params * sizeof(nn_real);
    task_tear_down(&t);
    nn_real *expected = train_two(task_dropout_net, 5, 0, false);
    for (size_t shift = 0; shift < 5; shift++) {
        nn_real *other =
            train_two(task_dropout_net, shift % 2 ? 64 : 5, shift, shift > 2);
        assert_memory_equal(other, expected, bytes);
        fl_free(other);
    }
    fl_free(expected);
}

static void test_fused_kernel_tables_agree_to_the_bit(void **state)
{
    (void)state;
    const struct nn_kernels *first = NULL, *kernels;
    nn_real *expected = NULL;
    struct task t;
    for (int i = 0; (kernels = nn_kernels_at(i)); i++) {
        if (!strcmp(kernels->name, "portable"))
            break; /* it has no fused multiply-add */
        task_set_up_named(&t, &nn_model_lenet5);
        nn_workspace_use_kernels(t.ws, kernels);
        struct nn_optimizer_opts sgd = {.lr = 0.05, .weight_decay = 1e-3};
        for (int k = 0; k < 3; k++)
            (void)task_step(&t, &sgd, NULL, NULL, TASK_MAX_N);
        if (!first) {
            first = kernels;
            expected = task_copy_of(t.params, t.n_params);
        } else {
            assert_memory_equal(t.params, expected,
                                (size_t)t.n_params * sizeof *expected);
        }
        task_tear_down(&t);
    }
    fl_free(expected);
}

static void test_every_kernel_table_gives_nearly_the_same(void **state)
{
    (void)state;
    struct task t;
    task_set_up_named(&t, &nn_model_lenet5);
    (void)task_gradient(&t, 0, TASK_MAX_N, t.grad);
    nn_real *best = task_copy_of(t.grad, t.n_params);
    const struct nn_kernels *kernels;
    for (int i = 0; (kernels = nn_kernels_at(i)); i++) {
        nn_workspace_use_kernels(t.ws, kernels);
        (void)task_gradient(&t, 0, TASK_MAX_N, t.grad);
        for (int64_t p = 0; p < t.n_params; p++)
            /* gradients near 0.1, sums of up to 9,000 rounded terms */
            assert_near((double)t.grad[p], (double)best[p], 0, 1e-5);
    }
    fl_free(best);
    task_tear_down(&t);
}

static void assert_numeric(struct task *t)
{
    struct fl_error err = {.text = ""};
    struct nn_optimizer_opts sgd = {.lr = 0.1};
    struct nn_score score = {.n = 0};
    nn_real *before = task_copy_of(t->params, t->n_params);
    struct fl_rng rng = task_dropout();
    double loss = 7;
    assert_int_equal(nn_train_step(t->ws, &sgd, t->params, NULL, NULL, t->x,
                                   t->labels, 4, &rng, &loss, &err),
                     FL_E_NUMERIC);
    assert_non_null(strstr(err.text, "loss"));
    assert_near(loss, 7, 0, 0);
    assert_memory_equal(before, t->params,
                        (size_t)t->n_params * sizeof *before);
    assert_int_equal(
        nn_evaluate(t->ws, t->params, t->x, t->labels, 4, &score, &err),
        FL_E_NUMERIC);
    assert_int_equal(score.n, 0);
    fl_free(before);
}

static void test_a_nan_in_the_input_is_an_error(void **state)
{
    (void)state;
    struct task t;
    task_set_up(&t, task_small_net);
    t.x[t.n_in + 3] = (nn_real)NAN;
    assert_numeric(&t);
    task_tear_down(&t);
}

static void test_a_nan_in_any_parameter_is_an_error(void **state)
{
    (void)state;
    struct task t;
    task_set_up(&t, task_small_net);
    for (int64_t i = 0; i < t.n_params; i += 7) {
        nn_real before = t.params[i];
        t.params[i] = (nn_real)NAN;
        assert_numeric(&t);
        t.params[i] = before;
    }
    task_tear_down(&t);
}

static void test_impossible_arguments_are_refused(void **state)
{
    (void)state;
    struct task t;
    task_set_up(&t, task_dropout_net);
    struct nn_optimizer_opts sgd = {.lr = 0.1},
                             heavy = {.lr = 0.1, .momentum = 0.9};
    struct nn_optimizer_opts prox = {.lr = 0.1, .prox_mu = 1};
    struct fl_rng rng = task_dropout();
    struct nn_workspace *ws = NULL;
    double loss;
#define STEP(opts, n, rng)                                                     \
    nn_train_step(t.ws, opts, t.params, NULL, NULL, t.x, t.labels, n, rng,     \
                  &loss, NULL)
    assert_int_equal(STEP(&sgd, 0, &rng), FL_E_ARG);
    assert_int_equal(STEP(&sgd, TASK_MAX_N + 1, &rng), FL_E_ARG);
    assert_int_equal(STEP(&heavy, 2, &rng), FL_E_ARG);
    assert_int_equal(STEP(&prox, 2, &rng), FL_E_ARG);
    assert_int_equal(STEP(&sgd, 2, NULL), FL_E_ARG);
    t.labels[1] = 4;
    assert_int_equal(STEP(&sgd, 2, &rng), FL_E_ARG);
    t.labels[1] = -1;
    assert_int_equal(STEP(&sgd, 2, &rng), FL_E_ARG);
    assert_int_equal(nn_workspace_create(t.model, 0, &ws, NULL), FL_E_ARG);
    assert_null(ws);
    nn_workspace_destroy(NULL);
    task_tear_down(&t);
}

static void test_every_failing_allocation_is_an_error(void **state)
{
    (void)state;
    struct task t;
    task_set_up(&t, task_small_net);
    for (long nth = 1;; nth++) {
        struct nn_workspace *ws = NULL;
        (void)fl_alloc_fail_at(nth);
        enum fl_status status = nn_workspace_create(t.model, 4, &ws, NULL);
        (void)fl_alloc_fail_at(0);
        if (status == FL_OK) {
            assert_true(nn_workspace_bytes(ws) > 1000);
            nn_workspace_destroy(ws);
            assert_true(nth > 2);
            break;
        }
        assert_int_equal(status, FL_E_NOMEM);
        assert_null(ws);
    }
    task_tear_down(&t);
}

static void test_kernels_have_names(void **state)
{
    (void)state;
    assert_true(strlen(nn_blas_kernel()) > 2);
    assert_string_equal(nn_kernel_name(), nn_kernels_best()->name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bits_depend_on_the_inputs_alone),
        cmocka_unit_test(test_fused_kernel_tables_agree_to_the_bit),
        cmocka_unit_test(test_every_kernel_table_gives_nearly_the_same),
        cmocka_unit_test(test_a_nan_in_the_input_is_an_error),
        cmocka_unit_test(test_a_nan_in_any_parameter_is_an_error),
        cmocka_unit_test(test_impossible_arguments_are_refused),
        cmocka_unit_test(test_every_failing_allocation_is_an_error),
        cmocka_unit_test(test_kernels_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
