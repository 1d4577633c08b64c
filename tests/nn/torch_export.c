/* Trains every case of torch_cases.h for three steps, writes it as safetensors
 * and prints its logits, for tests/nn/torch_export.py to load into PyTorch.
 *
 *     torch_export DIRECTORY      writes DIRECTORY/<number>.safetensors
 */
#include "torch_cases.h"

#include "nn/safetensors.h"
#include "nn/train.h"

#include "base/alloc.h"
#include "support/assert_near.h"

#include <stdio.h>
#include <stdlib.h>

#define STEPS   3
#define SAMPLES 2

struct run {
    struct torch_case c;
    struct nn_workspace *ws;
    nn_real *params, *x;
    int32_t *labels;
};

static void train(struct run *run)
{
    struct fl_error err = {.text = ""};
    struct fl_rng rng = fl_rng_stream(0, FL_RNG_DROPOUT, 0, 0);
    const struct nn_optimizer_opts sgd = {.lr = 0.01};
    nn_model_init_params(run->c.model, 7, run->params);
    for (uint32_t step = 0; step < STEPS; step++) {
        double loss;
        torch_case_batch(&run->c, 10 + 2 * step, run->x, run->labels);
        assert_ok(nn_train_step(run->ws, &sgd, run->params, NULL, NULL, run->x,
                                run->labels, run->c.n, &rng, &loss, &err),
                  &err);
    }
}

/* The loss of class j on one sample is log-sum-exp minus logit j. */
static void print_logits(struct run *run)
{
    torch_case_batch(&run->c, 2, run->x, run->labels);
    for (int64_t b = 0; b < SAMPLES; b++) {
        double first = 0;
        for (int32_t j = 0; j < run->c.model->classes; j++) {
            struct fl_error err = {.text = ""};
            struct nn_score score = {.n = 0};
            assert_ok(nn_evaluate(run->ws, run->params,
                                  run->x + b * run->c.n_in, &j, 1, &score,
                                  &err),
                      &err);
            if (j == 0)
                first = score.loss_sum;
            printf("%s%.9g", b || j ? ", " : "", first - score.loss_sum);
        }
    }
}

static void export(struct run *run, const char *directory, int index)
{
    struct fl_error err = {.text = ""};
    const struct nn_model *model = run->c.model;
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/%d.safetensors", directory, index);
    assert_true(n > 0 && (size_t)n < sizeof path);
    assert_ok(nn_workspace_create(model, run->c.n, &run->ws, &err), &err);
    run->params =
        fl_calloc((size_t)nn_model_n_params(model), sizeof *run->params);
    run->x = fl_calloc((size_t)(run->c.n * run->c.n_in), sizeof *run->x);
    run->labels = fl_calloc((size_t)run->c.n, sizeof *run->labels);
    assert_true(run->params && run->x && run->labels);
    train(run);
    assert_ok(nn_safetensors_write(model, run->params, path, &err), &err);
    printf("{\"path\": \"%s\", \"samples\": %d, \"logits\": [", path, SAMPLES);
    print_logits(run);
    printf("], %s\n", run->c.json + 1);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: torch_export DIRECTORY\n");
        return EXIT_FAILURE;
    }
    struct run run = {.ws = NULL};
    for (int i = 0; torch_case_init(&run.c, i); i++) {
        export(&run, argv[1], i);
        nn_workspace_destroy(run.ws);
        torch_case_fini(&run.c);
        fl_free(run.params);
        fl_free(run.x);
        fl_free(run.labels);
    }
    return EXIT_SUCCESS;
}
