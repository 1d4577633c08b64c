/* What must hold for every case of torch_cases.h, so for whatever is
 * registered: a batch is the mean of its samples, the plan with fused steps
 * learns what the plain one learns, and every kernel table gives the same.
 * Built with float and with double.
 *
 *     test_nn_properties        the cases that are cheap
 *     test_nn_properties all    every case
 */
#include "torch_cases.h"

#include "nn/kernels/table_priv.h"
#include "nn/plan_priv.h"
#include "nn/train.h"

#include "base/alloc.h"
#include "support/assert_near.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IS_DOUBLE  (sizeof(nn_real) == sizeof(double))
#define STEPS      6
#define QUICK_MACS ((int64_t)5000000)

static bool wants_all;

struct net {
    struct torch_case c;
    struct nn_workspace *ws;
    int64_t n_params;
    nn_real *params, *velocity, *grad, *other, *x;
    int32_t *labels;
};

static nn_real *numbers(int64_t n)
{
    nn_real *memory = fl_calloc((size_t)n, sizeof *memory);
    assert_non_null(memory);
    return memory;
}

static bool net_init(struct net *net, int index)
{
    struct fl_error err = {.text = ""};
    *net = (struct net){.ws = NULL};
    if (!torch_case_init(&net->c, index))
        return false;
    assert_ok(nn_workspace_create(net->c.model, net->c.n, &net->ws, &err),
              &err);
    net->n_params = nn_model_n_params(net->c.model);
    net->params = numbers(net->n_params);
    net->velocity = numbers(net->n_params);
    net->grad = numbers(net->n_params);
    net->other = numbers(net->n_params);
    net->x = numbers(net->c.n * net->c.n_in);
    net->labels = fl_calloc((size_t)net->c.n, sizeof *net->labels);
    assert_non_null(net->labels);
    torch_case_params(&net->c, net->params);
    torch_case_batch(&net->c, 2, net->x, net->labels);
    return true;
}

static void net_fini(struct net *net)
{
    nn_workspace_destroy(net->ws);
    torch_case_fini(&net->c);
    fl_free(net->params);
    fl_free(net->velocity);
    fl_free(net->grad);
    fl_free(net->other);
    fl_free(net->x);
    fl_free(net->labels);
}

static double gradient(struct net *net, int64_t first, int64_t n, nn_real *ret)
{
    struct fl_error err = {.text = ""};
    struct fl_rng rng = fl_rng_stream(0, FL_RNG_DROPOUT, 0, 0);
    double loss = 0;
    assert_ok(nn_gradient(net->ws, net->params, net->x + first * net->c.n_in,
                          net->labels + first, n, &rng, ret, &loss, &err),
              &err);
    return loss;
}

/* The length of a, of b and of a - b over a piece of the flat vector. */
static double apart(const nn_real *a, const nn_real *b, int64_t n, double *ret)
{
    double difference = 0, size = 0;
    for (int64_t i = 0; i < n; i++) {
        double d = (double)a[i] - (double)b[i];
        difference += d * d;
        size += (double)b[i] * (double)b[i];
    }
    *ret = sqrt(size);
    return sqrt(difference);
}

/* Tensor by tensor, relative to the tensor and to a hundredth of the whole: a
 * bias before a norm has a gradient of roundings alone. */
static void assert_near_gradient(const struct net *net,
                                 const char *what,
                                 const nn_real *a,
                                 const nn_real *b,
                                 double tolerance)
{
    double whole, size;
    (void)apart(a, b, net->n_params, &whole);
    for (size_t v = 0; v < net->c.model->n_views; v++) {
        const struct nn_param_view *view = &net->c.model->views[v];
        double found =
            apart(a + view->offset, b + view->offset, view->size, &size);
        if (!(found <= tolerance * (size + 0.01 * whole)))
            fail_msg("%s: %s, gradient of %s is %.3g apart, its size is %.3g",
                     net->c.name, what, view->name, found, size);
    }
}

/* The same sums in another order, over up to some thousand terms with signs; a
 * large net may take the other side of a ReLU within a rounding. */
static double tolerance_of(const struct net *net)
{
    if (IS_DOUBLE)
        return 1e-11;
    return net->c.macs > QUICK_MACS ? 5e-3 : 3e-5;
}

static void a_batch_is_the_mean_of_its_samples(struct net *net)
{
    if (net->c.sees_batch)
        return;
    double loss = gradient(net, 0, net->c.n, net->grad), sum = 0;
    double *mean = fl_calloc((size_t)net->n_params, sizeof *mean);
    assert_non_null(mean);
    for (int64_t b = 0; b < net->c.n; b++) {
        sum += gradient(net, b, 1, net->other) / (double)net->c.n;
        for (int64_t i = 0; i < net->n_params; i++)
            mean[i] += (double)net->other[i] / (double)net->c.n;
    }
    for (int64_t i = 0; i < net->n_params; i++)
        net->other[i] = (nn_real)mean[i];
    fl_free(mean);
    /* losses are sums of logits: up to some thousand terms */
    assert_near(loss, sum, IS_DOUBLE ? 1e-13 : 2e-6, 0);
    assert_near_gradient(net, "mean of samples", net->grad, net->other,
                         tolerance_of(net));
}

/* Losses of some steps with momentum on new batches, from the same start. */
static void learn(struct net *net, struct nn_workspace *ws, double ret[STEPS])
{
    const struct nn_optimizer_opts sgd = {
        .lr = 0.005, .momentum = 0.9, .weight_decay = 0.01};
    struct fl_rng rng = fl_rng_stream(0, FL_RNG_DROPOUT, 0, 0);
    torch_case_params(&net->c, net->params);
    memset(net->velocity, 0, (size_t)net->n_params * sizeof *net->velocity);
    for (uint32_t step = 0; step < STEPS; step++) {
        struct fl_error err = {.text = ""};
        torch_case_batch(&net->c, 10 + 2 * step, net->x, net->labels);
        assert_ok(nn_train_step(ws, &sgd, net->params, net->velocity, NULL,
                                net->x, net->labels, net->c.n, &rng, &ret[step],
                                &err),
                  &err);
    }
}

static void fused_steps_learn_what_plain_ones_do(struct net *net)
{
    struct fl_error err = {.text = ""};
    struct nn_workspace *plain = NULL;
    double fused_losses[STEPS], losses[STEPS];
    assert_ok(nn_workspace_create_plain(net->c.model, net->c.n, &plain, &err),
              &err);
    learn(net, net->ws, fused_losses);
    memcpy(net->other, net->params, (size_t)net->n_params * sizeof *net->other);
    learn(net, plain, losses);
    nn_workspace_destroy(plain);
    for (int step = 0; step < STEPS; step++)
        /* what a step loses is trained on by the next ones */
        assert_near(fused_losses[step], losses[step],
                    IS_DOUBLE ? 1e-11 : tolerance_of(net) / 5, 0);
    double size;
    double found = apart(net->other, net->params, net->n_params, &size);
    assert_near(found / size, 0, 0, tolerance_of(net));
}

static void every_table_gives_the_same(struct net *net)
{
    bool is_first = true;
    const struct nn_kernels *kernels;
    for (int i = 0; (kernels = nn_kernels_at(i)); i++) {
        nn_real *grad = is_first ? net->grad : net->other;
        nn_workspace_use_kernels(net->ws, kernels);
        (void)gradient(net, 0, net->c.n, grad);
        if (is_first) {
            is_first = false;
        } else if (!strcmp(kernels->name, "portable")) {
            assert_near_gradient(net, "portable", net->other, net->grad,
                                 tolerance_of(net));
        } else if (memcmp(net->other, net->grad,
                          (size_t)net->n_params * sizeof *net->grad) != 0) {
            /* both have fused multiply-add: nn/kernels/table_priv.h */
            fail_msg("%s: %s gives other bits than %s", net->c.name,
                     kernels->name, nn_kernels_at(0)->name);
        }
    }
}

typedef void law_fn(struct net *net);

static void for_every_case(law_fn *law)
{
    struct net net;
    int n = 0;
    for (int i = 0; net_init(&net, i); i++) {
        if (wants_all || net.c.macs <= QUICK_MACS) {
            law(&net);
            n++;
        }
        net_fini(&net);
    }
    assert_true(n > 50);
}

#define LAW_TEST(name)                                                         \
    static void test_##name(void **state)                                      \
    {                                                                          \
        (void)state;                                                           \
        for_every_case(name);                                                  \
    }
LAW_TEST(a_batch_is_the_mean_of_its_samples)
LAW_TEST(fused_steps_learn_what_plain_ones_do)
LAW_TEST(every_table_gives_the_same)

int main(int argc, char **argv)
{
    wants_all = argc == 2 && !strcmp(argv[1], "all");
    if (argc > 1 && !wants_all) {
        fprintf(stderr, "usage: test_nn_properties [all]\n");
        return EXIT_FAILURE;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_batch_is_the_mean_of_its_samples),
        cmocka_unit_test(test_fused_steps_learn_what_plain_ones_do),
        cmocka_unit_test(test_every_table_gives_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
