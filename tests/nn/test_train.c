/* Steps, gradients and scores of whole models. Built with float and, for
 * finite differences, with double. */
#include "nn/registry.h"
#include "train_task.h"

#include "base/alloc.h"

#include <math.h>
#include <string.h>

static void assert_slopes(const char *text)
{
    if (!TASK_IS_DOUBLE)
        return;
    struct task t;
    task_set_up(&t, text);
    (void)task_gradient(&t, 0, 5, t.grad);
    nn_real *other = task_numbers(t.n_params);
    const double h = 1e-6;
    for (int64_t i = 0; i < t.n_params; i++) {
        nn_real before = t.params[i];
        t.params[i] = (nn_real)((double)before + h);
        double up = task_gradient(&t, 0, 5, other);
        t.params[i] = (nn_real)((double)before - h);
        double down = task_gradient(&t, 0, 5, other);
        t.params[i] = before;
        /* rounding 1e-16 * loss / h = 2e-10; second order h^2 * third
         * derivative, below 1e-10 */
        assert_near((double)t.grad[i], (up - down) / (2 * h), 1e-6, 2e-9);
    }
    fl_free(other);
    task_tear_down(&t);
}

static void test_gradients_agree_with_finite_differences(void **state)
{
    (void)state;
    assert_slopes(task_small_net);
}

static void test_dropout_gradients_agree_with_finite_differences(void **state)
{
    (void)state;
    assert_slopes(task_dropout_net);
}

static void assert_mean_of_samples(const char *text)
{
    struct task t;
    task_set_up(&t, text);
    double loss = task_gradient(&t, 0, TASK_MAX_N, t.grad), sum = 0;
    nn_real *one = task_numbers(t.n_params);
    double *mean = fl_calloc((size_t)t.n_params, sizeof *mean);
    assert_non_null(mean);
    for (int64_t b = 0; b < TASK_MAX_N; b++) {
        sum += task_gradient(&t, b, 1, one) / TASK_MAX_N;
        for (int64_t i = 0; i < t.n_params; i++)
            mean[i] += (double)one[i] / TASK_MAX_N;
    }
    assert_near(loss, sum, TASK_TOLERANCE, 0);
    for (int64_t i = 0; i < t.n_params; i++)
        assert_near((double)t.grad[i], mean[i], 10 * TASK_TOLERANCE,
                    TASK_TOLERANCE);
    fl_free(one);
    fl_free(mean);
    task_tear_down(&t);
}

static void test_a_batch_is_the_mean_of_its_samples(void **state)
{
    (void)state;
    assert_mean_of_samples(task_small_net);
    assert_mean_of_samples(task_chunked_net);
}

static void assert_mean_of_halves(const char *text)
{
    struct task t;
    task_set_up(&t, text);
    double loss = task_gradient(&t, 0, TASK_MAX_N, t.grad);
    nn_real *a = task_numbers(t.n_params), *b = task_numbers(t.n_params);
    double half = task_gradient(&t, 0, TASK_MAX_N / 2, a);
    half += task_gradient(&t, TASK_MAX_N / 2, TASK_MAX_N / 2, b);
    assert_near(loss, half / 2, TASK_TOLERANCE, 0);
    for (int64_t i = 0; i < t.n_params; i++)
        assert_near((double)t.grad[i], ((double)a[i] + (double)b[i]) / 2,
                    10 * TASK_TOLERANCE, TASK_TOLERANCE);
    fl_free(a);
    fl_free(b);
    task_tear_down(&t);
}

static void test_two_halves_give_the_gradient_of_the_whole(void **state)
{
    (void)state;
    assert_mean_of_halves(task_small_net);
    assert_mean_of_halves(task_chunked_net);
}

/* Three steps of every variant against the formula of nn/train.h. */
static void test_a_step_is_the_formula_applied_to_the_gradient(void **state)
{
    (void)state;
    static const struct nn_optimizer_opts variants[] = {
        {.lr = 0.1},
        {.lr = 0.1, .weight_decay = 0.01},
        {.lr = 0.1, .momentum = 0.9},
        {.lr = 0.1, .momentum = 0.9, .weight_decay = 0.01},
        {.lr = 0.1, .prox_mu = 0.5},
        {.lr = 0.1, .prox_mu = 0.5, .weight_decay = 0.01, .momentum = 0.9},
    };
    for (size_t v = 0; v < sizeof variants / sizeof variants[0]; v++) {
        const struct nn_optimizer_opts *o = &variants[v];
        struct task t;
        task_set_up(&t, task_small_net);
        nn_real *anchor = task_copy_of(t.params, t.n_params);
        nn_real *velocity = task_numbers(t.n_params);
        double *expected_v = fl_calloc((size_t)t.n_params, sizeof(double));
        assert_non_null(expected_v);
        for (int k = 0; k < 3; k++) {
            double loss = task_gradient(&t, 0, 6, t.grad);
            nn_real *w = task_copy_of(t.params, t.n_params);
            assert_near(task_step(&t, o, o->momentum > 0 ? velocity : NULL,
                                  o->prox_mu > 0 ? anchor : NULL, 6),
                        loss, 0, 0);
            for (int64_t i = 0; i < t.n_params; i++) {
                double g = (double)t.grad[i] + o->weight_decay * (double)w[i] +
                           o->prox_mu * ((double)w[i] - (double)anchor[i]);
                expected_v[i] = o->momentum * expected_v[i] + g;
                /* a few roundings of numbers near 1 */
                assert_near((double)t.params[i],
                            (double)w[i] - o->lr * expected_v[i], 0,
                            TASK_TOLERANCE);
            }
            fl_free(w);
        }
        fl_free(anchor);
        fl_free(velocity);
        fl_free(expected_v);
        task_tear_down(&t);
    }
}

/* In double, with the portable table alone, a step of these takes seconds; the
 * float build has them. */
static bool is_too_long(const struct task *t)
{
    return TASK_IS_DOUBLE && nn_model_cost(t->model).macs > 100 * 1000 * 1000;
}

static void test_every_model_learns_its_batch(void **state)
{
    (void)state;
    for (size_t m = 0; nn_models[m]; m++) {
        struct task t;
        task_set_up_named(&t, nn_models[m]);
        struct nn_optimizer_opts adam = {.kind = NN_ADAM,
                                         .lr = 2e-3,
                                         .beta1 = 0.9,
                                         .beta2 = 0.999,
                                         .eps = 1e-8};
        nn_real *moments = task_numbers(2 * t.n_params);
        double first = INFINITY, last = 0;
        for (; !is_too_long(&t) && adam.step < 30; adam.step++) {
            last = task_step(&t, &adam, moments, NULL, TASK_MAX_N);
            if (adam.step == 0)
                first = last;
            if (last < 0.8 * first)
                break;
        }
        if (last >= 0.8 * first)
            fail_msg("%s: from %g to %g", nn_models[m]->name, first, last);
        fl_free(moments);
        task_tear_down(&t);
    }
}

static void test_a_step_allocates_nothing(void **state)
{
    (void)state;
    for (size_t m = 0; nn_models[m]; m++) {
        struct task t;
        task_set_up_named(&t, nn_models[m]);
        nn_real *velocity = task_numbers(t.n_params);
        struct nn_optimizer_opts sgd = {.lr = 0.01, .momentum = 0.9};
        struct nn_score score = {.n = 0};
        if (is_too_long(&t)) {
            fl_free(velocity);
            task_tear_down(&t);
            continue;
        }
        (void)fl_alloc_fail_at(0);
        (void)task_step(&t, &sgd, velocity, NULL, TASK_MAX_N);
        (void)task_gradient(&t, 0, 3, t.grad);
        assert_int_equal(
            nn_evaluate(t.ws, t.params, t.x, t.labels, 7, &score, NULL), FL_OK);
        assert_int_equal(fl_alloc_fail_at(0), 0);
        fl_free(velocity);
        task_tear_down(&t);
    }
}

static void test_evaluation_counts_and_leaves_dropout_off(void **state)
{
    (void)state;
    struct task t;
    struct fl_error err;
    task_set_up(&t, task_dropout_net);
    struct nn_score whole = {.n = 0}, parts = {.n = 0};
    assert_ok(
        nn_evaluate(t.ws, t.params, t.x, t.labels, TASK_MAX_N, &whole, &err),
        &err);
    for (int64_t b = 0; b < TASK_MAX_N; b++)
        assert_ok(nn_evaluate(t.ws, t.params, t.x + b * t.n_in, t.labels + b, 1,
                              &parts, &err),
                  &err);
    assert_int_equal(whole.n, TASK_MAX_N);
    assert_int_equal(parts.n, TASK_MAX_N);
    assert_int_equal(whole.correct, parts.correct);
    assert_near(whole.loss_sum, parts.loss_sum, TASK_TOLERANCE, 0);
    task_tear_down(&t);
}

static void test_ties_go_to_the_lowest_class(void **state)
{
    (void)state;
    struct task t;
    struct fl_error err;
    task_set_up(&t, task_small_net);
    memset(t.params, 0, (size_t)t.n_params * sizeof *t.params);
    memset(t.labels, 0, sizeof t.labels);
    t.labels[3] = 1;
    struct nn_score score = {.n = 0};
    assert_ok(
        nn_evaluate(t.ws, t.params, t.x, t.labels, TASK_MAX_N, &score, &err),
        &err);
    assert_int_equal(score.correct, TASK_MAX_N - 1);
    assert_near(score.loss_sum, TASK_MAX_N * log(4), 1e-15, 0);
    task_tear_down(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradients_agree_with_finite_differences),
        cmocka_unit_test(test_dropout_gradients_agree_with_finite_differences),
        cmocka_unit_test(test_a_batch_is_the_mean_of_its_samples),
        cmocka_unit_test(test_two_halves_give_the_gradient_of_the_whole),
        cmocka_unit_test(test_a_step_is_the_formula_applied_to_the_gradient),
        cmocka_unit_test(test_every_model_learns_its_batch),
        cmocka_unit_test(test_a_step_allocates_nothing),
        cmocka_unit_test(test_evaluation_counts_and_leaves_dropout_off),
        cmocka_unit_test(test_ties_go_to_the_lowest_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
