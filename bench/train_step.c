/* Training steps per second of each model, one thread, after a warm-up.
 *
 *     bench_train_step [--smoke] [MODEL [BATCH]]
 *
 * Prints CSV: model, input, batch, us_per_step, samples_per_s, gflop_per_s
 * (6 FLOP per multiply-accumulate of a forward pass: forward, both backwards;
 * the first layer's input gradient, which nobody computes, is counted out).
 * Medians of 5 rounds of CPU time. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/parse.h"
#include "base/topology.h"
#include "nn/model.h"
#include "nn/train.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 5

struct task {
    const char *model;
    struct nn_shape input;
};

static const struct task tasks[] = {
    {"logreg", {3, {28, 28, 1}}}, {"mlp", {3, {28, 28, 1}}},
    {"lenet5", {3, {28, 28, 1}}}, {"cnn2", {3, {28, 28, 1}}},
    {"cnn2", {3, {32, 32, 3}}},   {"simple_cnn", {3, {32, 32, 3}}},
};

struct bench {
    struct nn_model *model;
    struct nn_workspace *ws;
    float *params, *x;
    int32_t *labels;
    struct fl_rng rng;
    int64_t batch;
};

static void bench_fini(struct bench *b)
{
    nn_workspace_destroy(b->ws);
    nn_model_destroy(b->model);
    fl_free(b->params);
    fl_free(b->x);
    fl_free(b->labels);
}

static enum fl_status bench_init(struct bench *b,
                                 const struct task *task,
                                 int64_t batch,
                                 struct fl_error *err)
{
    *b = (struct bench){.batch = batch};
    FL_TRY(
        nn_model_create_named(task->model, &task->input, 10, &b->model, err));
    FL_TRY(nn_workspace_create(b->model, batch, &b->ws, err));
    size_t in = (size_t)nn_shape_size(&task->input), n = (size_t)batch;
    b->params = fl_calloc((size_t)nn_model_n_params(b->model), sizeof(float));
    b->x = fl_calloc(n * in, sizeof(float));
    b->labels = fl_calloc(n, sizeof *b->labels);
    if (!b->params || !b->x || !b->labels)
        return fl_fail(err, FL_E_NOMEM, "out of memory: benchmark");
    nn_model_init_params(b->model, 1, b->params);
    b->rng = fl_rng_stream(1, FL_RNG_TEST, 0, 0);
    for (size_t i = 0; i < n * in; i++)
        b->x[i] = (float)fl_rng_normal(&b->rng);
    for (size_t i = 0; i < n; i++)
        b->labels[i] = (int32_t)fl_rng_below(&b->rng, 10);
    return FL_OK;
}

static enum fl_status run_steps(struct bench *b, long n, struct fl_error *err)
{
    const struct nn_sgd_opts sgd = {.lr = 1e-3};
    for (long i = 0; i < n; i++) {
        double loss;
        FL_TRY(nn_train_step(b->ws, &sgd, b->params, NULL, NULL, b->x,
                             b->labels, b->batch, &b->rng, &loss, err));
    }
    return FL_OK;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* CPU seconds of one step: the median of ROUNDS rounds of about 0.2 s. */
static enum fl_status
measure(struct bench *b, bool is_smoke, double *ret_s, struct fl_error *err)
{
    double start_s = fl_clock_cpu_s();
    FL_TRY(run_steps(b, is_smoke ? 1 : 3, err));
    double guess_s = (fl_clock_cpu_s() - start_s) / 3 + 1e-7;
    long steps = is_smoke ? 1 : (long)(0.2 / guess_s) + 1;
    double round_s[ROUNDS];
    int rounds = is_smoke ? 1 : ROUNDS;
    for (int r = 0; r < rounds; r++) {
        start_s = fl_clock_cpu_s();
        FL_TRY(run_steps(b, steps, err));
        round_s[r] = (fl_clock_cpu_s() - start_s) / (double)steps;
    }
    qsort(round_s, (size_t)rounds, sizeof round_s[0], by_value);
    *ret_s = round_s[rounds / 2];
    return FL_OK;
}

static double flop_per_sample(const struct nn_model *model)
{
    double macs = 0, first = 0;
    for (size_t i = 0; i < nn_model_n_layers(model); i++) {
        struct nn_cost cost = nn_model_layer_cost(model, i, NULL, NULL);
        macs += (double)cost.macs;
        if (first <= 0)
            first = (double)cost.macs;
    }
    return 6 * macs - 2 * first;
}

static enum fl_status run_task(const struct task *task,
                               int64_t batch,
                               bool is_smoke,
                               struct fl_error *err)
{
    struct bench b;
    double step_s = 0;
    enum fl_status status = bench_init(&b, task, batch, err);
    if (status == FL_OK)
        status = measure(&b, is_smoke, &step_s, err);
    if (status == FL_OK) {
        char shape[64];
        nn_shape_text(&task->input, shape);
        printf("%s,%s,%" PRId64 ",%.2f,%.0f,%.1f\n", task->model, shape, batch,
               step_s * 1e6, (double)batch / step_s,
               flop_per_sample(b.model) * (double)batch / step_s * 1e-9);
        (void)fflush(stdout);
    }
    bench_fini(&b);
    return status;
}

static void print_header(void)
{
    struct fl_topology *topology = NULL;
    struct fl_error err;
    if (fl_topology_create(&topology, &err) == FL_OK)
        printf("# cpu: %s\n", fl_topology_cpu(topology));
    fl_topology_destroy(topology);
    printf("# compiler: %s (%s)\n# blas: OpenBLAS %s\n"
           "# kernels: %s\n# commit: %s\n",
           __VERSION__, FL_BUILD_TYPE, nn_blas_kernel(), nn_kernel_name(),
           FL_COMMIT);
    printf("model,input,batch,us_per_step,samples_per_s,gflop_per_s\n");
}

int main(int argc, char **argv)
{
    static const int64_t batches[] = {10, 20, 32};
    struct fl_error err;
    bool is_smoke = argc > 1 && !strcmp(argv[1], "--smoke");
    int at = is_smoke ? 2 : 1;
    const char *only = argc > at ? argv[at] : NULL;
    int64_t only_batch = 0;
    if (argc > at + 1 &&
        fl_parse_int(argv[at + 1], 1, 4096, &only_batch, &err) != FL_OK) {
        fprintf(stderr, "bench_train_step: batch: %s\n", err.text);
        return EXIT_FAILURE;
    }
    print_header();
    for (size_t t = 0; t < sizeof tasks / sizeof tasks[0]; t++) {
        if (only && strcmp(only, tasks[t].model) != 0)
            continue;
        for (size_t i = 0; i < sizeof batches / sizeof batches[0]; i++) {
            if (only_batch && i > 0)
                break;
            int64_t batch = only_batch ? only_batch : batches[i];
            if (run_task(&tasks[t], batch, is_smoke, &err) != FL_OK) {
                fprintf(stderr, "bench_train_step: %s\n", err.text);
                return EXIT_FAILURE;
            }
        }
    }
    return EXIT_SUCCESS;
}
