#include "train_task.h"

#include "base/alloc.h"

#include <string.h>

const char task_small_net[] =
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

const char task_dropout_net[] = "model:\n"
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

const char task_chunked_net[] =
    "model:\n"
    "  - {kind: conv2d, channels: 32, kernel: 3, padding: 1}\n"
    "  - {kind: maxpool2d, kernel: 2}\n"
    "  - relu\n"
    "  - {kind: conv2d, channels: 40, kernel: 3}\n"
    "  - relu\n"
    "  - {kind: avgpool2d, kernel: 3}\n"
    "  - flatten\n"
    "  - {kind: dense, units: classes}\n";

nn_real *task_numbers(int64_t n)
{
    nn_real *memory = fl_calloc((size_t)n, sizeof *memory);
    assert_non_null(memory);
    return memory;
}

nn_real *task_copy_of(const nn_real *from, int64_t n)
{
    nn_real *copy = task_numbers(n);
    memcpy(copy, from, (size_t)n * sizeof *copy);
    return copy;
}

struct fl_rng task_dropout(void)
{
    return fl_rng_stream(9, FL_RNG_DROPOUT, 1, 2);
}

static void finish_set_up(struct task *t)
{
    struct fl_error err;
    assert_ok(nn_workspace_create(t->model, TASK_MAX_N, &t->ws, &err), &err);
    t->n_params = nn_model_n_params(t->model);
    t->n_in = nn_shape_size(nn_model_input(t->model));
    t->params = task_numbers(t->n_params);
    t->grad = task_numbers(t->n_params);
    t->x = task_numbers(TASK_MAX_N * t->n_in);
    nn_model_init_params(t->model, 3, t->params);
    struct fl_rng rng = fl_rng_stream(4, FL_RNG_TEST, 0, 0);
    bool is_text = nn_model_takes_tokens(t->model);
    uint64_t classes = (uint64_t)nn_model_classes(t->model);
    for (int64_t i = 0; i < TASK_MAX_N * t->n_in; i++)
        t->x[i] = is_text ? (nn_real)fl_rng_below(&rng, classes)
                          : (nn_real)fl_rng_normal(&rng);
    for (int i = 0; i < TASK_MAX_N; i++)
        t->labels[i] = (int32_t)fl_rng_below(&rng, classes);
}

void task_set_up(struct task *t, const char *text)
{
    struct fl_error err;
    struct fl_config *config;
    struct nn_shape input = {3, {9, 8, 2}};
    if (text == task_chunked_net)
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

void task_set_up_named(struct task *t, const struct nn_model_type *type)
{
    struct fl_error err;
    *t = (struct task){.model = NULL};
    assert_ok(nn_model_create_named(type->name, &type->example,
                                    type->example_classes, &t->model, &err),
              &err);
    finish_set_up(t);
}

void task_tear_down(struct task *t)
{
    nn_workspace_destroy(t->ws);
    nn_model_destroy(t->model);
    fl_free(t->params);
    fl_free(t->grad);
    fl_free(t->x);
}

double task_gradient(struct task *t, int64_t first, int64_t n, nn_real *ret)
{
    struct fl_error err;
    struct fl_rng rng = task_dropout();
    double loss = 0;
    assert_ok(nn_gradient(t->ws, t->params, t->x + first * t->n_in,
                          t->labels + first, n, &rng, ret, &loss, &err),
              &err);
    return loss;
}

double task_step(struct task *t,
                 const struct nn_optimizer_opts *sgd,
                 nn_real *velocity,
                 const nn_real *anchor,
                 int64_t n)
{
    struct fl_error err;
    struct fl_rng rng = task_dropout();
    double loss = 0;
    assert_ok(nn_train_step(t->ws, sgd, t->params, velocity, anchor, t->x,
                            t->labels, n, &rng, &loss, &err),
              &err);
    return loss;
}
