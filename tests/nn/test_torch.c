/* Our forwards, gradients and loss curves against PyTorch's in float64, from
 * the file that tests/nn/torch_reference.py writes (argument 1). Built with
 * float and with double. */
#include "nn/train.h"

#include "base/alloc.h"
#include "base/parse.h"
#include "support/assert_near.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IS_DOUBLE  (sizeof(nn_real) == sizeof(double))
#define MAX_VALUES 1000
#define LINE_BYTES 20000

/* One line of the file: a word and its values. */
struct line {
    char text[LINE_BYTES];
    const char *word;
    char *rest;
    double value[MAX_VALUES];
    size_t n;
};

struct reference {
    FILE *file;
    struct line line;
    int cases;
};

struct net {
    struct nn_model *model;
    struct nn_workspace *ws;
    struct nn_shape input;
    int64_t classes, n, n_in, n_params;
    nn_real *params, *velocity, *grad, *x;
    int32_t *labels;
};

static const char *path;

static bool next_line(struct reference *r)
{
    struct line *line = &r->line;
    if (!fgets(line->text, sizeof line->text, r->file))
        return false;
    size_t length = strcspn(line->text, "\n");
    assert_true(line->text[length] == '\n'); /* whole, not cut */
    line->text[length] = '\0';
    line->word = line->text;
    char *end = line->text + strcspn(line->text, " ");
    line->rest = *end ? end + 1 : end;
    *end = '\0';
    return true;
}

static void read_values(struct line *line)
{
    line->n = 0;
    char *at = line->rest;
    while (*at && line->n < MAX_VALUES) {
        char *end = at + strcspn(at, " ");
        char *next = *end ? end + 1 : end;
        struct fl_error err;
        *end = '\0';
        assert_ok(fl_parse_double(at, -1e12, 1e12, &line->value[line->n], &err),
                  &err);
        line->n++;
        at = next;
    }
}

static void take_line(struct reference *r, const char *word)
{
    assert_true(next_line(r));
    if (strcmp(r->line.word, word) != 0)
        fail_msg("%s: found '%s', expected '%s'", path, r->line.word, word);
}

static double take_value(struct reference *r, const char *word)
{
    take_line(r, word);
    read_values(&r->line);
    assert_int_equal(r->line.n, 1);
    return r->line.value[0];
}

/* murmur3's finaliser of k and tag, as in torch_reference.py */
static uint32_t hashed(uint32_t tag, uint32_t k)
{
    uint32_t h = k * 2654435761u + tag * 40503u;
    h ^= h >> 16;
    h *= 0x85EBCA6Bu;
    h ^= h >> 13;
    h *= 0xC2B2AE35u;
    return h ^ h >> 16;
}

static nn_real number(uint32_t tag, int64_t k, double bound)
{
    double u = (double)hashed(tag, (uint32_t)k) / 4294967296.0;
    return (nn_real)(float)((2 * u - 1) * bound);
}

static void fill_batch(struct net *net, uint32_t tag)
{
    for (int64_t i = 0; i < net->n * net->n_in; i++)
        net->x[i] = number(tag, i, 1);
    for (int64_t i = 0; i < net->n; i++)
        net->labels[i] =
            (int32_t)(hashed(tag + 1, (uint32_t)i) % (uint32_t)net->classes);
}

static void reset_params(struct net *net)
{
    size_t n = 0;
    const struct nn_param_view *views = nn_model_params(net->model, &n);
    double fan_in = 1;
    for (size_t v = 0; v < n; v++) {
        if (views[v].rank > 1) { /* a weight; its bias has the same fan_in */
            fan_in = 1;
            for (int d = 0; d < views[v].rank - 1; d++)
                fan_in *= (double)views[v].dim[d];
        }
        for (int64_t i = 0; i < views[v].size; i++)
            net->params[views[v].offset + i] =
                number(1, views[v].offset + i, 1 / sqrt(fan_in));
    }
    memset(net->velocity, 0, (size_t)net->n_params * sizeof *net->velocity);
}

static nn_real *numbers(int64_t n)
{
    nn_real *memory = fl_calloc((size_t)n, sizeof *memory);
    assert_non_null(memory);
    return memory;
}

static void net_init(struct net *net, struct reference *r)
{
    struct fl_error err;
    struct fl_config *config = NULL;
    char yaml[2048];
    take_line(r, "model");
    int wrote = snprintf(yaml, sizeof yaml, "model: %s\n", r->line.rest);
    assert_true(wrote > 0 && (size_t)wrote < sizeof yaml);
    assert_ok(fl_config_parse(path, yaml, strlen(yaml), &config, &err), &err);
    take_line(r, "input");
    read_values(&r->line);
    assert_int_equal(r->line.n, 3);
    *net = (struct net){.input = {.rank = 3}};
    for (int i = 0; i < 3; i++)
        net->input.dim[i] = (int64_t)r->line.value[i];
    net->classes = (int64_t)take_value(r, "classes");
    net->n = (int64_t)take_value(r, "batch");
    assert_ok(nn_model_create(config,
                              fl_node_find(fl_config_root(config), "model"),
                              &net->input, net->classes, &net->model, &err),
              &err);
    assert_ok(nn_workspace_create(net->model, net->n, &net->ws, &err), &err);
    fl_config_destroy(config);
    net->n_in = nn_shape_size(&net->input);
    net->n_params = nn_model_n_params(net->model);
    net->params = numbers(net->n_params);
    net->velocity = numbers(net->n_params);
    net->grad = numbers(net->n_params);
    net->x = numbers(net->n * net->n_in);
    net->labels = fl_calloc((size_t)net->n, sizeof *net->labels);
    assert_non_null(net->labels);
}

static void net_fini(struct net *net)
{
    nn_workspace_destroy(net->ws);
    nn_model_destroy(net->model);
    fl_free(net->params);
    fl_free(net->velocity);
    fl_free(net->grad);
    fl_free(net->x);
    fl_free(net->labels);
}

/* The file has 9 digits: half of the last is 5e-9 of 1. In single precision
 * sums of up to 3,136 products lose about two of seven digits against float64.
 */
static const double loss_tolerance = IS_DOUBLE ? 6e-9 : 2e-6;

static void compare_gradient(struct net *net, struct reference *r)
{
    struct fl_error err;
    struct fl_rng rng = fl_rng_stream(0, FL_RNG_DROPOUT, 0, 0);
    double loss;
    reset_params(net);
    fill_batch(net, 2);
    assert_ok(nn_gradient(net->ws, net->params, net->x, net->labels, net->n,
                          &rng, net->grad, &loss, &err),
              &err);
    take_line(r, "logits"); /* their loss and their gradient follow */
    read_values(&r->line);
    double squares = 0, sum = 0;
    for (size_t i = 0; i < r->line.n; i++)
        sum += r->line.value[i] * r->line.value[i];
    assert_true(sum > 0);
    assert_near(loss, take_value(r, "loss"), loss_tolerance, 0);
    for (int64_t i = 0; i < net->n_params; i++)
        squares += (double)net->grad[i] * (double)net->grad[i];
    double norm = take_value(r, "norm");
    assert_near(sqrt(squares), norm, 5 * loss_tolerance, 0);
    int64_t stride = (int64_t)take_value(r, "stride");
    take_line(r, "grad");
    read_values(&r->line);
    assert_int_equal(r->line.n, (net->n_params + stride - 1) / stride);
    for (size_t i = 0; i < r->line.n; i++)
        /* relative to the whole gradient: single elements are differences */
        assert_near((double)net->grad[(int64_t)i * stride], r->line.value[i],
                    5 * loss_tolerance, norm * loss_tolerance);
}

/* Logits through the public door: the loss of class j on one sample is
 * log-sum-exp minus logit j, so differences of losses are differences of
 * logits. */
static void compare_logits(struct net *net, const struct line *logits)
{
    struct fl_error err;
    fill_batch(net, 2);
    for (size_t b = 0; (int64_t)(b + 1) * net->classes <= (int64_t)logits->n;
         b++) {
        const double *z = logits->value + b * (size_t)net->classes;
        double first = 0;
        for (int32_t j = 0; j < net->classes; j++) {
            struct nn_score score = {.n = 0};
            assert_ok(nn_evaluate(net->ws, net->params,
                                  net->x + (int64_t)b * net->n_in, &j, 1,
                                  &score, &err),
                      &err);
            if (j == 0)
                first = score.loss_sum;
            assert_near(first - score.loss_sum, z[j] - z[0], 0,
                        5 * loss_tolerance);
        }
    }
}

static void compare_curve(struct net *net, struct reference *r)
{
    read_values(&r->line);
    assert_int_equal(r->line.n, 3);
    struct nn_optimizer_opts sgd = {.lr = r->line.value[0],
                              .momentum = r->line.value[1],
                              .weight_decay = r->line.value[2]};
    struct fl_rng rng = fl_rng_stream(0, FL_RNG_DROPOUT, 0, 0);
    take_line(r, "curve");
    read_values(&r->line);
    assert_int_equal(r->line.n, 10);
    reset_params(net);
    for (uint32_t step = 0; step < 10; step++) {
        struct fl_error err;
        double loss;
        fill_batch(net, 10 + 2 * step);
        assert_ok(nn_train_step(net->ws, &sgd, net->params, net->velocity, NULL,
                                net->x, net->labels, net->n, &rng, &loss, &err),
                  &err);
        /* what a step loses is trained on by the next ones */
        assert_near(loss, r->line.value[step], 5 * loss_tolerance, 0);
    }
}

static void compare_case(struct reference *r)
{
    struct net net;
    print_message("%s\n", r->line.rest);
    net_init(&net, r);
    long at = ftell(r->file);
    compare_gradient(&net, r);
    assert_int_equal(fseek(r->file, at, SEEK_SET), 0);
    take_line(r, "logits");
    read_values(&r->line);
    compare_logits(&net, &r->line);
    for (int skipped = 0; skipped < 4; skipped++)
        assert_true(next_line(r));
    for (assert_true(next_line(r)); !strcmp(r->line.word, "sgd");
         assert_true(next_line(r)))
        compare_curve(&net, r);
    assert_string_equal(r->line.word, "end");
    net_fini(&net);
    r->cases++;
}

static void test_every_case_agrees_with_pytorch(void **state)
{
    (void)state;
    struct reference *r = fl_calloc(1, sizeof *r);
    assert_non_null(r);
    r->file = fopen(path, "r");
    if (!r->file)
        fail_msg("%s: cannot be read", path);
    while (next_line(r)) {
        if (r->line.word[0] == '#')
            continue;
        assert_string_equal(r->line.word, "case");
        compare_case(r);
    }
    assert_true(r->cases >= 20);
    (void)fclose(r->file);
    fl_free(r);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: test_torch REFERENCE\n");
        return EXIT_FAILURE;
    }
    path = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_case_agrees_with_pytorch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
