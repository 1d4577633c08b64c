#include "bench/nets.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "nn/model_type.h"
#include "nn/registry.h"

#include <string.h>

const struct bench_net bench_nets[] = {
    {"logreg", "logreg", {3, {28, 28, 1}}, 10},
    {"mlp", "mlp", {3, {28, 28, 1}}, 10},
    {"lenet5", "lenet5", {3, {28, 28, 1}}, 10},
    {"flower_cnn", "flower_cnn", {3, {32, 32, 3}}, 10},
    {"cnn2_28", "cnn2", {3, {28, 28, 1}}, 10},
    {"cnn2_32", "cnn2", {3, {32, 32, 3}}, 10},
    {"simple_cnn", "simple_cnn", {3, {32, 32, 3}}, 10},
    {"resnet8", "resnet8", {3, {32, 32, 3}}, 10},
    {"resnet20", "resnet20", {3, {32, 32, 3}}, 10},
    {"resnet18", "resnet18", {3, {32, 32, 3}}, 10},
    {"mobilenet_small", "mobilenet_small", {3, {32, 32, 3}}, 10},
    {"kws_cnn", "kws_cnn", {3, {32, 32, 1}}, 10},
    {"lstm_kws", "lstm_kws", {3, {32, 32, 1}}, 10},
    {"lstm_shakespeare", "lstm_shakespeare", {1, {80}}, 80},
    {NULL, NULL, {0, {0}}, 0},
};

const struct bench_net *bench_net_find(const char *name)
{
    for (const struct bench_net *net = bench_nets; net->name; net++)
        if (!strcmp(net->name, name))
            return net;
    return NULL;
}

bool bench_net_is_here(const struct bench_net *net)
{
    for (size_t i = 0; nn_models[i]; i++)
        if (!strcmp(nn_models[i]->name, net->model))
            return true;
    return false;
}

void bench_task_fini(struct bench_task *task)
{
    nn_workspace_destroy(task->ws);
    nn_model_destroy(task->model);
    fl_free(task->fresh);
    fl_free(task->params);
    fl_free(task->velocity);
    fl_free(task->x);
    fl_free(task->labels);
}

/* The first layer that learns has no use for its input's gradient. */
static double flop_per_sample(const struct nn_model *model)
{
    double macs = 0, first_macs = 0;
    bool has_learner = false;
    for (size_t i = 0; i < nn_model_n_layers(model); i++) {
        struct nn_cost cost = nn_model_layer_cost(model, i, NULL, NULL);
        macs += (double)cost.macs;
        if (!has_learner && cost.params) {
            has_learner = true;
            first_macs = (double)cost.macs;
        }
    }
    return 6 * macs - 2 * first_macs;
}

static void fill(struct bench_task *task)
{
    size_t in = (size_t)nn_shape_size(&task->net->input);
    bool has_tokens = nn_model_takes_tokens(task->model);
    uint64_t classes = (uint64_t)task->net->classes;
    task->rng = fl_rng_stream(1, FL_RNG_TEST, 0, 0);
    for (size_t i = 0; i < (size_t)task->batch * in; i++)
        task->x[i] = has_tokens ? (nn_real)fl_rng_below(&task->rng, classes)
                                : (nn_real)fl_rng_normal(&task->rng);
    for (size_t i = 0; i < (size_t)task->batch; i++)
        task->labels[i] = (int32_t)fl_rng_below(&task->rng, classes);
    nn_model_init_params(task->model, 1, task->fresh);
}

enum fl_status bench_task_init(struct bench_task *task,
                               const struct bench_net *net,
                               int64_t batch,
                               double momentum,
                               double weight_decay,
                               struct fl_error *err)
{
    *task = (struct bench_task){
        .net = net,
        .batch = batch,
        .sgd = {.lr = 1e-3, .momentum = momentum, .weight_decay = weight_decay},
    };
    FL_TRY(nn_model_create_named(net->model, &net->input, net->classes,
                                 &task->model, err));
    FL_TRY(nn_workspace_create(task->model, batch, &task->ws, err));
    task->flop = flop_per_sample(task->model);
    task->n_params = nn_model_n_params(task->model);
    size_t in = (size_t)nn_shape_size(&net->input);
    size_t n_params = (size_t)task->n_params, n = (size_t)batch;
    task->fresh = fl_calloc(n_params, sizeof *task->fresh);
    task->params = fl_calloc(n_params, sizeof *task->params);
    task->x = fl_calloc(n * in, sizeof *task->x);
    task->labels = fl_calloc(n, sizeof *task->labels);
    if (momentum > 0)
        task->velocity = fl_calloc(n_params, sizeof *task->velocity);
    if (!task->fresh || !task->params || !task->x || !task->labels ||
        (momentum > 0 && !task->velocity))
        return fl_fail(err, FL_E_NOMEM, "out of memory: benchmark");
    fill(task);
    return FL_OK;
}

enum fl_status bench_task_step(struct bench_task *task, struct fl_error *err)
{
    double loss;
    enum fl_status status = nn_train_step(
        task->ws, &task->sgd, task->params, task->velocity, NULL, task->x,
        task->labels, task->batch, &task->rng, &loss, err);
    task->sgd.step++;
    return status;
}

enum fl_status bench_task_restart(struct bench_task *task, struct fl_error *err)
{
    size_t bytes = (size_t)task->n_params * sizeof *task->params;
    memcpy(task->params, task->fresh, bytes);
    if (task->velocity)
        memset(task->velocity, 0, bytes);
    task->sgd.step = 0;
    return bench_task_step(task, err);
}

enum fl_status bench_task_measure(struct bench_task *task,
                                  double round_s,
                                  double *ret_step_s,
                                  struct fl_error *err)
{
    FL_TRY(bench_task_restart(task, err));
    double start_s = fl_clock_cpu_s(), spent_s = 0;
    long steps = 0, more = 1;
    /* The clock costs as much as a step of a small net: read it rarely. */
    while (more > 0) {
        for (long i = 0; i < more; i++)
            FL_TRY(bench_task_step(task, err));
        steps += more;
        spent_s = fl_clock_cpu_s() - start_s;
        double rest = (round_s - spent_s) * (double)steps / spent_s;
        more = rest < 1 ? 0 : rest < (double)steps ? (long)rest : steps;
    }
    *ret_step_s = spent_s / (double)steps;
    return FL_OK;
}
