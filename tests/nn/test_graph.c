/* Models that are no chain: names, taps, residual blocks. Built with float and,
 * for finite differences, with double. */
#include "nn/kernels/table_priv.h"
#include "nn/model.h"
#include "nn/plan_priv.h"
#include "nn/train.h"

#include "base/alloc.h"
#include "support/assert_near.h"

#include <math.h>
#include <string.h>

#define IS_DOUBLE (sizeof(nn_real) == sizeof(double))
#define N         5
#define CLASSES   3

#define HEAD "  - flatten\n  - {kind: dense, units: classes}\n"

/* Every one has readers, swaps or segments that a chain has not. */
static const char *const nets[] = {
    /* a block whose shortcut is its input */
    "model:\n"
    "  - {kind: conv2d, channels: 3, kernel: 3, padding: 1, name: stem}\n"
    "  - {kind: relu, name: block}\n"
    "  - {kind: conv2d, channels: 3, kernel: 3, padding: 1}\n"
    "  - relu\n"
    "  - {kind: conv2d, channels: 3, kernel: 3, padding: 1}\n"
    "  - {kind: add, with: block}\n"
    "  - relu\n" HEAD,
    /* a shortcut with layers of its own, behind a stride */
    "model:\n"
    "  - {kind: conv2d, channels: 2, kernel: 3, padding: 1, name: stem}\n"
    "  - {kind: conv2d, channels: 4, kernel: 3, padding: 1, stride: 2}\n"
    "  - {kind: relu, name: body}\n"
    "  - {kind: conv2d, channels: 4, kernel: 1, stride: 2, from: stem}\n"
    "  - {kind: add, with: body}\n"
    "  - {kind: maxpool2d, kernel: 2}\n" HEAD,
    /* the model's input twice; nothing learns on the way of one */
    "model:\n"
    "  - {kind: conv2d, channels: 2, kernel: 1}\n"
    "  - {kind: add, with: input}\n" HEAD,
    /* x + x */
    "model:\n"
    "  - {kind: conv2d, channels: 2, kernel: 1, name: twice}\n"
    "  - {kind: add, with: twice}\n" HEAD,
    /* three readers, one of them behind dense layers: across segments */
    "model:\n"
    "  - flatten\n"
    "  - {kind: dense, units: 9, name: a}\n"
    "  - {kind: dense, units: 9}\n"
    "  - relu\n"
    "  - {kind: add, with: a, name: b}\n"
    "  - {kind: dense, units: 9}\n"
    "  - {kind: add, with: a}\n"
    "  - relu\n"
    "  - {kind: add, with: b}\n"
    "  - {kind: dense, units: classes}\n",
    /* a ReLU with another reader may not swap with the pooling behind it */
    "model:\n"
    "  - {kind: conv2d, channels: 3, kernel: 3, padding: 1}\n"
    "  - {kind: relu, name: r}\n"
    "  - {kind: maxpool2d, kernel: 2, name: small}\n"
    "  - {kind: maxpool2d, kernel: 2, from: r}\n"
    "  - {kind: add, with: small}\n" HEAD,
};
#define N_NETS (sizeof nets / sizeof nets[0])

struct task {
    struct nn_model *model;
    struct nn_workspace *ws;
    int64_t n_params, n_in;
    nn_real *params, *grad, *x;
    int32_t labels[N];
};

static nn_real *numbers(int64_t n)
{
    nn_real *memory = fl_calloc((size_t)n, sizeof *memory);
    assert_non_null(memory);
    return memory;
}

static enum fl_status
create(const char *text, struct nn_model **ret, struct fl_error *err)
{
    struct fl_config *config;
    struct fl_error parse;
    const struct nn_shape input = {3, {6, 4, 2}};
    assert_ok(fl_config_parse("user.yaml", text, strlen(text), &config, &parse),
              &parse);
    enum fl_status status =
        nn_model_create(config, fl_node_find(fl_config_root(config), "model"),
                        &input, CLASSES, ret, err);
    fl_config_destroy(config);
    return status;
}

static void set_up(struct task *t, const char *text)
{
    struct fl_error err;
    *t = (struct task){.model = NULL};
    assert_ok(create(text, &t->model, &err), &err);
    assert_ok(nn_workspace_create(t->model, N, &t->ws, &err), &err);
    t->n_params = nn_model_n_params(t->model);
    t->n_in = nn_shape_size(nn_model_input(t->model));
    t->params = numbers(t->n_params);
    t->grad = numbers(t->n_params);
    t->x = numbers(N * t->n_in);
    nn_model_init_params(t->model, 3, t->params);
    struct fl_rng rng = fl_rng_stream(4, FL_RNG_TEST, 0, 0);
    for (int64_t i = 0; i < N * t->n_in; i++)
        t->x[i] = (nn_real)fl_rng_normal(&rng);
    for (int i = 0; i < N; i++)
        t->labels[i] = (int32_t)fl_rng_below(&rng, CLASSES);
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
    double loss = 0;
    assert_ok(nn_gradient(t->ws, t->params, t->x + first * t->n_in,
                          t->labels + first, n, NULL, ret, &loss, &err),
              &err);
    return loss;
}

static void test_gradients_of_graphs_agree_with_finite_differences(void **state)
{
    (void)state;
    for (size_t net = 0; IS_DOUBLE && net < N_NETS; net++) {
        struct task t;
        set_up(&t, nets[net]);
        (void)gradient(&t, 0, N, t.grad);
        nn_real *other = numbers(t.n_params);
        const double h = 1e-6;
        for (int64_t i = 0; i < t.n_params; i++) {
            nn_real before = t.params[i];
            t.params[i] = (nn_real)((double)before + h);
            double up = gradient(&t, 0, N, other);
            t.params[i] = (nn_real)((double)before - h);
            double down = gradient(&t, 0, N, other);
            t.params[i] = before;
            /* rounding 1e-16 * loss / h = 2e-10, second order below 1e-10 */
            assert_near((double)t.grad[i], (up - down) / (2 * h), 1e-6, 2e-9);
        }
        fl_free(other);
        tear_down(&t);
    }
}

static void test_a_batch_of_a_graph_is_the_mean_of_its_samples(void **state)
{
    (void)state;
    for (size_t net = 0; net < N_NETS; net++) {
        struct task t;
        set_up(&t, nets[net]);
        (void)gradient(&t, 0, N, t.grad);
        nn_real *one = numbers(t.n_params), *sum = numbers(t.n_params);
        for (int64_t b = 0; b < N; b++) {
            (void)gradient(&t, b, 1, one);
            for (int64_t i = 0; i < t.n_params; i++)
                sum[i] += one[i] / N;
        }
        /* the same sums in another order */
        for (int64_t i = 0; i < t.n_params; i++)
            assert_near((double)t.grad[i], (double)sum[i],
                        IS_DOUBLE ? 1e-11 : 1e-4, IS_DOUBLE ? 1e-12 : 1e-6);
        fl_free(one);
        fl_free(sum);
        tear_down(&t);
    }
}

static void test_a_step_on_a_graph_follows_its_gradient(void **state)
{
    (void)state;
    for (size_t net = 0; net < N_NETS; net++) {
        struct task t;
        struct fl_error err;
        set_up(&t, nets[net]);
        double loss, lr = 0.125;
        (void)gradient(&t, 0, N, t.grad);
        nn_real *after = numbers(t.n_params);
        memcpy(after, t.params, (size_t)t.n_params * sizeof *after);
        const struct nn_optimizer_opts sgd = {.lr = lr};
        assert_ok(nn_train_step(t.ws, &sgd, after, NULL, NULL, t.x, t.labels, N,
                                NULL, &loss, &err),
                  &err);
        for (int64_t i = 0; i < t.n_params; i++)
            assert_near((double)after[i],
                        (double)t.params[i] - lr * (double)t.grad[i],
                        IS_DOUBLE ? 1e-14 : 1e-6, IS_DOUBLE ? 1e-14 : 1e-7);
        fl_free(after);
        tear_down(&t);
    }
}

static void test_views_bear_the_names_that_their_user_gave(void **state)
{
    (void)state;
    struct task t;
    set_up(&t, nets[0]);
    size_t n = 0;
    const struct nn_param_view *views = nn_model_params(t.model, &n);
    assert_string_equal(views[0].name, "stem.weight");
    assert_string_equal(views[1].name, "stem.bias");
    assert_string_equal(views[2].name, "2.weight");
    tear_down(&t);
}

static void refused(const char *text, const char *what)
{
    struct nn_model *model = NULL;
    struct fl_error err = {.text = ""};
    assert_int_equal(create(text, &model, &err), FL_E_CONFIG);
    assert_null(model);
    if (!strstr(err.text, what))
        fail_msg("'%s' gives '%s', expected '%s'", text, err.text, what);
}

static void test_wrong_taps_are_told_with_their_place(void **state)
{
    (void)state;
    refused(
        "model:\n  - {kind: relu, name: a}\n  - {kind: relu, name: a}\n" HEAD,
        "user.yaml:3:24: name of a layer, found 'a', which another has");
    refused("model:\n  - {kind: relu, name: 3x}\n" HEAD,
            "name of a layer, found '3x', allowed a letter");
    refused("model:\n  - {kind: relu, name: [a]}\n" HEAD,
            "name of a layer, found no text");
    refused("model:\n  - {kind: relu, name: input}\n" HEAD,
            "found 'input', which another has");
    refused("model:\n  - {kind: relu, name: stem}\n"
            "  - {kind: relu, from: stam}\n" HEAD,
            "did you mean 'stem'");
    refused("model:\n  - {kind: relu, from: later}\n"
            "  - {kind: relu, name: later}\n" HEAD,
            "earlier layer's name");
    refused("model:\n  - {kind: add, with: input}\n  - {kind: add}\n" HEAD,
            "add without `with`");
    refused("model:\n  - {kind: relu, with: input}\n" HEAD, "with");
    refused("model:\n  - {kind: conv2d, channels: 3, kernel: 1}\n"
            "  - {kind: add, with: input}\n" HEAD,
            "shape of `with`, found 6x4x2, allowed 6x4x3");
    refused("model:\n  - relu\n  - {kind: relu, from: input}\n" HEAD,
            "layer 0, whose output no other layer reads");
}

static void test_every_failing_allocation_of_a_graph_is_an_error(void **state)
{
    (void)state;
    struct nn_model *model = NULL;
    struct nn_workspace *ws = NULL;
    struct fl_error err;
    assert_ok(create(nets[1], &model, &err), &err);
    int at = 1;
    for (; at < 100; at++) {
        (void)fl_alloc_fail_at(at);
        enum fl_status status = nn_workspace_create(model, 4, &ws, &err);
        (void)fl_alloc_fail_at(0);
        if (status == FL_OK)
            break;
        assert_int_equal(status, FL_E_NOMEM);
    }
    assert_true(at > 5 && at < 100);
    nn_workspace_destroy(ws);
    nn_model_destroy(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_gradients_of_graphs_agree_with_finite_differences),
        cmocka_unit_test(test_a_batch_of_a_graph_is_the_mean_of_its_samples),
        cmocka_unit_test(test_a_step_on_a_graph_follows_its_gradient),
        cmocka_unit_test(test_views_bear_the_names_that_their_user_gave),
        cmocka_unit_test(test_wrong_taps_are_told_with_their_place),
        cmocka_unit_test(test_every_failing_allocation_of_a_graph_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
