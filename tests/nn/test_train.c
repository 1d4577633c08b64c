/* Steps, gradients and scores of whole models. Built with float and, for
 * finite differences, with double. */
#include "nn/train.h"
#include "nn/kernels/table_priv.h"
#include "nn/registry.h"
#include "nn/model_type.h"

#include "base/alloc.h"
#include "support/assert_near.h"

#include <math.h>
#include <string.h>

#define IS_DOUBLE (sizeof(nn_real) == sizeof(double))
/* The same sums in another order: single precision keeps 6 of 7 digits. */
#define TOLERANCE (IS_DOUBLE ? 1e-12 : 2e-6)
#define MAX_N     12

static const char *const small_net =
    "model:\n"
    "  - {kind: conv2d, channels: 5, kernel: 3, padding: 1}\n"
    "  - relu\n"
    "  - {kind: maxpool2d, kernel: 2}\n"
    "  - {kind: conv2d, channels: 7, kernel: 2}\n"
    "  - relu\n"
    "  - {kind: avgpool2d, kernel: 2, stride: 1}\n"
    "  - flatten\n"
    "  - {kind: dense, units: 19}\n"
    "  - relu\n"
    "  - {kind: dense, units: classes}\n";

static const char *const dropout_net =
    "model:\n"
    "  - {kind: dropout, p: 0.3}\n"
    "  - {kind: conv2d, channels: 4, kernel: 3}\n"
    "  - relu\n"
    "  - {kind: maxpool2d, kernel: 2}\n"
    "  - {kind: dropout, p: 0.25}\n"
    "  - flatten\n"
    "  - {kind: dense, units: 16}\n"
    "  - {kind: dropout}\n"
    "  - relu\n"
    "  - {kind: dense, units: classes}\n";

/* Outputs too large to keep for a batch: it goes through in chunks. */
static const char *const chunked_net =
    "model:\n"
    "  - {kind: conv2d, channels: 32, kernel: 3, padding: 1}\n"
    "  - {kind: maxpool2d, kernel: 2}\n"
    "  - relu\n"
    "  - {kind: conv2d, channels: 40, kernel: 3}\n"
    "  - relu\n"
    "  - {kind: avgpool2d, kernel: 3}\n"
    "  - flatten\n"
    "  - {kind: dense, units: classes}\n";

extern const struct nn_model_type nn_model_lenet5;

struct task {
    struct nn_model *model;
    struct nn_workspace *ws;
    int64_t n_params, n_in;
    nn_real *params, *grad, *x;
    int32_t labels[MAX_N];
};

static nn_real *numbers(int64_t n)
{
    nn_real *memory = fl_calloc((size_t)n, sizeof *memory);
    assert_non_null(memory);
    return memory;
}

static nn_real *copy_of(const nn_real *from, int64_t n)
{
    nn_real *copy = numbers(n);
    memcpy(copy, from, (size_t)n * sizeof *copy);
    return copy;
}

static struct fl_rng dropout_stream(void)
{
    return fl_rng_stream(9, FL_RNG_DROPOUT, 1, 2);
}

static void finish_set_up(struct task *t)
{
    struct fl_error err;
    assert_ok(nn_workspace_create(t->model, MAX_N, &t->ws, &err), &err);
    t->n_params = nn_model_n_params(t->model);
    t->n_in = nn_shape_size(nn_model_input(t->model));
    t->params = numbers(t->n_params);
    t->grad = numbers(t->n_params);
    t->x = numbers(MAX_N * t->n_in);
    nn_model_init_params(t->model, 3, t->params);
    struct fl_rng rng = fl_rng_stream(4, FL_RNG_TEST, 0, 0);
    bool is_text = nn_model_takes_tokens(t->model);
    uint64_t classes = (uint64_t)nn_model_classes(t->model);
    for (int64_t i = 0; i < MAX_N * t->n_in; i++)
        t->x[i] = is_text ? (nn_real)fl_rng_below(&rng, classes)
                          : (nn_real)fl_rng_normal(&rng);
    for (int i = 0; i < MAX_N; i++)
        t->labels[i] = (int32_t)fl_rng_below(&rng, classes);
}

static void set_up(struct task *t, const char *text)
{
    struct fl_error err;
    struct fl_config *config;
    struct nn_shape input = {3, {9, 8, 2}};
    if (text == chunked_net)
        input = (struct nn_shape){3, {40, 40, 2}};
    *t = (struct task){.model = NULL};
    assert_ok(fl_config_parse("test", text, strlen(text), &config, &err), &err);
    assert_ok(nn_model_create(config,
                              fl_node_find(fl_config_root(config), "model"),
                              &input, 4, &t->model, &err),
              &err);
    fl_config_destroy(config);
    finish_set_up(t);
}

static void set_up_named(struct task *t, const struct nn_model_type *type)
{
    struct fl_error err;
    *t = (struct task){.model = NULL};
    assert_ok(nn_model_create_named(type->name, &type->example,
                                    type->example_classes, &t->model, &err),
              &err);
    finish_set_up(t);
}

static void tear_down(struct task *t)
{
    nn_workspace_destroy(t->ws);
    nn_model_destroy(t->model);
    fl_free(t->params);
    fl_free(t->grad);
    fl_free(t->x);
}

static double gradient(struct task *t, int64_t first, int64_t n, nn_real *ret)
{
    struct fl_error err;
    struct fl_rng rng = dropout_stream();
    double loss = 0;
    assert_ok(nn_gradient(t->ws, t->params, t->x + first * t->n_in,
                          t->labels + first, n, &rng, ret, &loss, &err),
              &err);
    return loss;
}

static void assert_slopes(const char *text)
{
    if (!IS_DOUBLE)
        return;
    struct task t;
    set_up(&t, text);
    (void)gradient(&t, 0, 5, t.grad);
    nn_real *other = numbers(t.n_params);
    const double h = 1e-6;
    for (int64_t i = 0; i < t.n_params; i++) {
        nn_real before = t.params[i];
        t.params[i] = (nn_real)((double)before + h);
        double up = gradient(&t, 0, 5, other);
        t.params[i] = (nn_real)((double)before - h);
        double down = gradient(&t, 0, 5, other);
        t.params[i] = before;
        /* rounding 1e-16 * loss / h = 2e-10; second order h^2 * third
         * derivative, below 1e-10 */
        assert_near((double)t.grad[i], (up - down) / (2 * h), 1e-6, 2e-9);
    }
    fl_free(other);
    tear_down(&t);
}

static void test_gradients_agree_with_finite_differences(void **state)
{
    (void)state;
    assert_slopes(small_net);
}

static void test_dropout_gradients_agree_with_finite_differences(void **state)
{
    (void)state;
    assert_slopes(dropout_net);
}

static void assert_mean_of_samples(const char *text)
{
    struct task t;
    set_up(&t, text);
    double loss = gradient(&t, 0, MAX_N, t.grad), sum = 0;
    nn_real *one = numbers(t.n_params);
    double *mean = fl_calloc((size_t)t.n_params, sizeof *mean);
    assert_non_null(mean);
    for (int64_t b = 0; b < MAX_N; b++) {
        sum += gradient(&t, b, 1, one) / MAX_N;
        for (int64_t i = 0; i < t.n_params; i++)
            mean[i] += (double)one[i] / MAX_N;
    }
    assert_near(loss, sum, TOLERANCE, 0);
    for (int64_t i = 0; i < t.n_params; i++)
        assert_near((double)t.grad[i], mean[i], 10 * TOLERANCE, TOLERANCE);
    fl_free(one);
    fl_free(mean);
    tear_down(&t);
}

static void test_a_batch_is_the_mean_of_its_samples(void **state)
{
    (void)state;
    assert_mean_of_samples(small_net);
    assert_mean_of_samples(chunked_net);
}

static void assert_mean_of_halves(const char *text)
{
    struct task t;
    set_up(&t, text);
    double loss = gradient(&t, 0, MAX_N, t.grad);
    nn_real *a = numbers(t.n_params), *b = numbers(t.n_params);
    double half = gradient(&t, 0, MAX_N / 2, a);
    half += gradient(&t, MAX_N / 2, MAX_N / 2, b);
    assert_near(loss, half / 2, TOLERANCE, 0);
    for (int64_t i = 0; i < t.n_params; i++)
        assert_near((double)t.grad[i], ((double)a[i] + (double)b[i]) / 2,
                    10 * TOLERANCE, TOLERANCE);
    fl_free(a);
    fl_free(b);
    tear_down(&t);
}

static void test_two_halves_give_the_gradient_of_the_whole(void **state)
{
    (void)state;
    assert_mean_of_halves(small_net);
    assert_mean_of_halves(chunked_net);
}

static double step(struct task *t,
                   const struct nn_optimizer_opts *sgd,
                   nn_real *velocity,
                   const nn_real *anchor,
                   int64_t n)
{
    struct fl_error err;
    struct fl_rng rng = dropout_stream();
    double loss = 0;
    assert_ok(nn_train_step(t->ws, sgd, t->params, velocity, anchor, t->x,
                            t->labels, n, &rng, &loss, &err),
              &err);
    return loss;
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
        set_up(&t, small_net);
        nn_real *anchor = copy_of(t.params, t.n_params);
        nn_real *velocity = numbers(t.n_params);
        double *expected_v = fl_calloc((size_t)t.n_params, sizeof(double));
        assert_non_null(expected_v);
        for (int k = 0; k < 3; k++) {
            double loss = gradient(&t, 0, 6, t.grad);
            nn_real *w = copy_of(t.params, t.n_params);
            assert_near(step(&t, o, o->momentum > 0 ? velocity : NULL,
                             o->prox_mu > 0 ? anchor : NULL, 6),
                        loss, 0, 0);
            for (int64_t i = 0; i < t.n_params; i++) {
                double g = (double)t.grad[i] + o->weight_decay * (double)w[i] +
                           o->prox_mu * ((double)w[i] - (double)anchor[i]);
                expected_v[i] = o->momentum * expected_v[i] + g;
                /* a few roundings of numbers near 1 */
                assert_near((double)t.params[i],
                            (double)w[i] - o->lr * expected_v[i], 0, TOLERANCE);
            }
            fl_free(w);
        }
        fl_free(anchor);
        fl_free(velocity);
        fl_free(expected_v);
        tear_down(&t);
    }
}

/* In double, with the portable table alone, a step of these takes seconds; the
 * float build has them. */
static bool is_too_long(const struct task *t)
{
    return IS_DOUBLE && nn_model_cost(t->model).macs > 100 * 1000 * 1000;
}

static void test_every_model_learns_its_batch(void **state)
{
    (void)state;
    for (size_t m = 0; nn_models[m]; m++) {
        struct task t;
        set_up_named(&t, nn_models[m]);
        struct nn_optimizer_opts adam = {.kind = NN_ADAM,
                                         .lr = 2e-3,
                                         .beta1 = 0.9,
                                         .beta2 = 0.999,
                                         .eps = 1e-8};
        nn_real *moments = numbers(2 * t.n_params);
        double first = INFINITY, last = 0;
        for (; !is_too_long(&t) && adam.step < 30; adam.step++) {
            last = step(&t, &adam, moments, NULL, MAX_N);
            if (adam.step == 0)
                first = last;
            if (last < 0.8 * first)
                break;
        }
        if (last >= 0.8 * first)
            fail_msg("%s: from %g to %g", nn_models[m]->name, first, last);
        fl_free(moments);
        tear_down(&t);
    }
}

static void test_a_step_allocates_nothing(void **state)
{
    (void)state;
    for (size_t m = 0; nn_models[m]; m++) {
        struct task t;
        set_up_named(&t, nn_models[m]);
        nn_real *velocity = numbers(t.n_params);
        struct nn_optimizer_opts sgd = {.lr = 0.01, .momentum = 0.9};
        struct nn_score score = {.n = 0};
        if (is_too_long(&t)) {
            fl_free(velocity);
            tear_down(&t);
            continue;
        }
        (void)fl_alloc_fail_at(0);
        (void)step(&t, &sgd, velocity, NULL, MAX_N);
        (void)gradient(&t, 0, 3, t.grad);
        assert_int_equal(
            nn_evaluate(t.ws, t.params, t.x, t.labels, 7, &score, NULL), FL_OK);
        assert_int_equal(fl_alloc_fail_at(0), 0);
        fl_free(velocity);
        tear_down(&t);
    }
}

/* Train two steps from the same start; returns the parameters. */
static nn_real *train_two(const char *text,
                          int64_t max_batch,
                          size_t shift,
                          bool is_used_before)
{
    struct task t;
    struct fl_error err;
    set_up(&t, text);
    nn_workspace_destroy(t.ws);
    assert_ok(nn_workspace_create(t.model, max_batch, &t.ws, &err), &err);
    nn_real *start = copy_of(t.params, t.n_params);
    struct nn_optimizer_opts sgd = {.lr = 0.1};
    if (is_used_before) {
        (void)step(&t, &sgd, NULL, NULL, 3);
        memcpy(t.params, start, (size_t)t.n_params * sizeof *start);
    }
    nn_real *x = numbers(MAX_N * t.n_in + 16), *w = numbers(t.n_params + 16);
    memcpy(x + shift, t.x, (size_t)(MAX_N * t.n_in) * sizeof *x);
    memcpy(w + shift, start, (size_t)t.n_params * sizeof *w);
    struct fl_rng rng = dropout_stream();
    for (int i = 0; i < 2; i++) {
        double loss;
        assert_ok(nn_train_step(t.ws, &sgd, w + shift, NULL, NULL, x + shift,
                                t.labels, 5, &rng, &loss, &err),
                  &err);
    }
    memcpy(start, w + shift, (size_t)t.n_params * sizeof *start);
    fl_free(x);
    fl_free(w);
    tear_down(&t);
    return start;
}

static void test_bits_depend_on_the_inputs_alone(void **state)
{
    (void)state;
    struct task t;
    set_up(&t, dropout_net);
    size_t bytes = (size_t)t.n_params * sizeof(nn_real);
    tear_down(&t);
    nn_real *expected = train_two(dropout_net, 5, 0, false);
    for (size_t shift = 0; shift < 5; shift++) {
        nn_real *other =
            train_two(dropout_net, shift % 2 ? 64 : 5, shift, shift > 2);
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
        set_up_named(&t, &nn_model_lenet5);
        nn_workspace_use_kernels(t.ws, kernels);
        struct nn_optimizer_opts sgd = {.lr = 0.05, .weight_decay = 1e-3};
        for (int k = 0; k < 3; k++)
            (void)step(&t, &sgd, NULL, NULL, MAX_N);
        if (!first) {
            first = kernels;
            expected = copy_of(t.params, t.n_params);
        } else {
            assert_memory_equal(t.params, expected,
                                (size_t)t.n_params * sizeof *expected);
        }
        tear_down(&t);
    }
    fl_free(expected);
}

static void test_every_kernel_table_gives_nearly_the_same(void **state)
{
    (void)state;
    struct task t;
    set_up_named(&t, &nn_model_lenet5);
    (void)gradient(&t, 0, MAX_N, t.grad);
    nn_real *best = copy_of(t.grad, t.n_params);
    const struct nn_kernels *kernels;
    for (int i = 0; (kernels = nn_kernels_at(i)); i++) {
        nn_workspace_use_kernels(t.ws, kernels);
        (void)gradient(&t, 0, MAX_N, t.grad);
        for (int64_t p = 0; p < t.n_params; p++)
            /* gradients near 0.1, sums of up to 9,000 rounded terms */
            assert_near((double)t.grad[p], (double)best[p], 0, 1e-5);
    }
    fl_free(best);
    tear_down(&t);
}

static void test_evaluation_counts_and_leaves_dropout_off(void **state)
{
    (void)state;
    struct task t;
    struct fl_error err;
    set_up(&t, dropout_net);
    struct nn_score whole = {.n = 0}, parts = {.n = 0};
    assert_ok(nn_evaluate(t.ws, t.params, t.x, t.labels, MAX_N, &whole, &err),
              &err);
    for (int64_t b = 0; b < MAX_N; b++)
        assert_ok(nn_evaluate(t.ws, t.params, t.x + b * t.n_in, t.labels + b, 1,
                              &parts, &err),
                  &err);
    assert_int_equal(whole.n, MAX_N);
    assert_int_equal(parts.n, MAX_N);
    assert_int_equal(whole.correct, parts.correct);
    assert_near(whole.loss_sum, parts.loss_sum, TOLERANCE, 0);
    tear_down(&t);
}

static void test_ties_go_to_the_lowest_class(void **state)
{
    (void)state;
    struct task t;
    struct fl_error err;
    set_up(&t, small_net);
    memset(t.params, 0, (size_t)t.n_params * sizeof *t.params);
    memset(t.labels, 0, sizeof t.labels);
    t.labels[3] = 1;
    struct nn_score score = {.n = 0};
    assert_ok(nn_evaluate(t.ws, t.params, t.x, t.labels, MAX_N, &score, &err),
              &err);
    assert_int_equal(score.correct, MAX_N - 1);
    assert_near(score.loss_sum, MAX_N * log(4), 1e-15, 0);
    tear_down(&t);
}

static void assert_numeric(struct task *t)
{
    struct fl_error err = {.text = ""};
    struct nn_optimizer_opts sgd = {.lr = 0.1};
    struct nn_score score = {.n = 0};
    nn_real *before = copy_of(t->params, t->n_params);
    struct fl_rng rng = dropout_stream();
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
    set_up(&t, small_net);
    t.x[t.n_in + 3] = (nn_real)NAN;
    assert_numeric(&t);
    tear_down(&t);
}

static void test_a_nan_in_any_parameter_is_an_error(void **state)
{
    (void)state;
    struct task t;
    set_up(&t, small_net);
    for (int64_t i = 0; i < t.n_params; i += 7) {
        nn_real before = t.params[i];
        t.params[i] = (nn_real)NAN;
        assert_numeric(&t);
        t.params[i] = before;
    }
    tear_down(&t);
}

static void test_impossible_arguments_are_refused(void **state)
{
    (void)state;
    struct task t;
    set_up(&t, dropout_net);
    struct nn_optimizer_opts sgd = {.lr = 0.1},
                             heavy = {.lr = 0.1, .momentum = 0.9};
    struct nn_optimizer_opts prox = {.lr = 0.1, .prox_mu = 1};
    struct fl_rng rng = dropout_stream();
    struct nn_workspace *ws = NULL;
    double loss;
#define STEP(opts, n, rng)                                                     \
    nn_train_step(t.ws, opts, t.params, NULL, NULL, t.x, t.labels, n, rng,     \
                  &loss, NULL)
    assert_int_equal(STEP(&sgd, 0, &rng), FL_E_ARG);
    assert_int_equal(STEP(&sgd, MAX_N + 1, &rng), FL_E_ARG);
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
    tear_down(&t);
}

static void test_every_failing_allocation_is_an_error(void **state)
{
    (void)state;
    struct task t;
    set_up(&t, small_net);
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
    tear_down(&t);
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
        cmocka_unit_test(test_gradients_agree_with_finite_differences),
        cmocka_unit_test(test_dropout_gradients_agree_with_finite_differences),
        cmocka_unit_test(test_a_batch_is_the_mean_of_its_samples),
        cmocka_unit_test(test_two_halves_give_the_gradient_of_the_whole),
        cmocka_unit_test(test_a_step_is_the_formula_applied_to_the_gradient),
        cmocka_unit_test(test_every_model_learns_its_batch),
        cmocka_unit_test(test_a_step_allocates_nothing),
        cmocka_unit_test(test_bits_depend_on_the_inputs_alone),
        cmocka_unit_test(test_fused_kernel_tables_agree_to_the_bit),
        cmocka_unit_test(test_every_kernel_table_gives_nearly_the_same),
        cmocka_unit_test(test_evaluation_counts_and_leaves_dropout_off),
        cmocka_unit_test(test_ties_go_to_the_lowest_class),
        cmocka_unit_test(test_a_nan_in_the_input_is_an_error),
        cmocka_unit_test(test_a_nan_in_any_parameter_is_an_error),
        cmocka_unit_test(test_impossible_arguments_are_refused),
        cmocka_unit_test(test_every_failing_allocation_is_an_error),
        cmocka_unit_test(test_kernels_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
