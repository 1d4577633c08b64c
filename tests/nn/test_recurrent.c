/* Recurrent layers, embedding and sequence: what they promise beyond the laws
 * of test_layers.c. */
#include "nn/kernels/table_priv.h"
#include "nn/model_priv.h"
#include "nn/recurrent_priv.h"
#include "nn/safetensors.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "support/assert_near.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define BATCH 3

/* A layer with its memory. */
struct task {
    struct fl_config *config;
    struct nn_layer layer;
    const struct nn_kernels *kernels;
    int64_t in, out;
    float *x, *y, *dy, *dx, *params, *dparams;
    void *state, *scratch;
};

static void fill(float *ret, int64_t n, uint64_t stream)
{
    struct fl_rng rng = fl_rng_stream(5, FL_RNG_TEST, stream, 0);
    for (int64_t i = 0; i < n; i++)
        ret[i] = (float)(2 * fl_rng_uniform(&rng) - 1);
}

static float *numbers(int64_t n, uint64_t stream)
{
    float *p = fl_calloc((size_t)n, sizeof *p);
    assert_non_null(p);
    fill(p, n, stream);
    return p;
}

static void *bytes_of(size_t n)
{
    void *p = fl_calloc(n + 1, 1);
    assert_non_null(p);
    return p;
}

static void set_up(struct task *t, const char *yaml, struct nn_shape input)
{
    struct fl_error err;
    *t = (struct task){.kernels = nn_kernels_best()};
    assert_ok(fl_config_parse("test", yaml, strlen(yaml), &t->config, &err),
              &err);
    assert_ok(nn_layer_init(&t->layer, t->config, fl_config_root(t->config),
                            &input, 10, &err),
              &err);
    assert_ok(fl_config_check(t->config, &err), &err);
    const struct nn_layer_info *info = &t->layer.info;
    t->in = nn_shape_size(&input);
    t->out = nn_shape_size(&info->output);
    t->x = numbers(BATCH * t->in, 1);
    t->dy = numbers(BATCH * t->out, 2);
    t->params = numbers(t->layer.n_params, 3);
    t->y = numbers(BATCH * t->out, 0);
    t->dx = numbers(BATCH * t->in, 0);
    t->dparams = numbers(t->layer.n_params, 0);
    t->state = bytes_of(BATCH * info->state_bytes);
    t->scratch =
        bytes_of(info->scratch_bytes + BATCH * info->scratch_sample_bytes);
}

static void tear_down(struct task *t)
{
    nn_layer_fini(&t->layer);
    fl_config_destroy(t->config);
    fl_free(t->x);
    fl_free(t->y);
    fl_free(t->dy);
    fl_free(t->dx);
    fl_free(t->params);
    fl_free(t->dparams);
    fl_free(t->state);
    fl_free(t->scratch);
}

static struct nn_call call_of(const struct task *t)
{
    return (struct nn_call){
        .kernels = t->kernels,
        .opts = t->layer.opts,
        .input = &t->layer.input,
        .output = &t->layer.info.output,
        .n = BATCH,
        .is_training = true,
        .state = t->state,
        .scratch = t->scratch,
    };
}

/* Forward, and backward into dx and zeroed dparams. */
static void run(struct task *t)
{
    struct nn_call call = call_of(t);
    t->layer.type->forward(&call, t->params, t->x, t->y);
    memset(t->dparams, 0, (size_t)t->layer.n_params * sizeof *t->dparams);
    t->layer.type->backward(&call, t->params, t->x, NULL, t->dy, t->dx,
                            t->dparams);
}

static void assert_all_near(const float *a, const float *b, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        /* a few hundred float operations on numbers near 1 */
        assert_near((double)a[i], (double)b[i], 1e-5, 1e-5);
}

static double sigmoid(double x)
{
    return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x));
}

/* --- the gates' functions ------------------------------------------------ */

enum { MANY = 1024 };

/* Gates' functions of x, as an LSTM step leaves them: tanh in gate 2. */
struct gates {
    float value[4 * MANY], zeros[4 * MANY], kept[MANY], h[MANY];
};

static void
gates_of(const struct nn_kernels *kernels, const float *x, struct gates *ret)
{
    for (int g = 0; g < 4; g++)
        memcpy(ret->value + g * MANY, x, MANY * sizeof *x);
    memset(ret->zeros, 0, sizeof ret->zeros);
    struct nn_cell_step step = {.units = MANY,
                                .gates = ret->value,
                                .hidden = ret->zeros,
                                .before = ret->zeros,
                                .kept = ret->kept,
                                .h = ret->h};
    kernels->cell->lstm(&step);
}

/* At most three units in the last place off; no number below the normal ones
 * is wrong by more than the smallest of those. */
static void assert_within_ulps(float found, double expected)
{
    if (fabs(expected) < (double)FLT_MIN) {
        assert_near((double)found, expected, 0, (double)FLT_MIN);
        return;
    }
    float size = (float)fabs(expected);
    double ulp = (double)nextafterf(size, INFINITY) - (double)size;
    assert_near((double)found, expected, 0, 3 * ulp);
}

static void test_gates_are_within_three_ulps_over_all_floats(void **state)
{
    (void)state;
    struct gates *gates = bytes_of(sizeof *gates);
    float x[MANY];
    const uint64_t stride = 1021; /* a prime: every 1021st float there is */
    const struct nn_kernels *kernels;
    for (int k = 0; (kernels = nn_kernels_at(k)); k++)
        for (uint64_t at = 0; at < (uint64_t)1 << 32; at += MANY * stride) {
            for (uint64_t i = 0; i < MANY; i++) {
                uint32_t bits = (uint32_t)(at + i * stride);
                memcpy(&x[i], &bits, sizeof bits);
            }
            gates_of(kernels, x, gates);
            for (int i = 0; i < MANY; i++) {
                float found = gates->value[i],
                      turn = gates->value[2 * MANY + i];
                if (isnan(x[i])) {
                    assert_true(isnan(found) && isnan(turn));
                    continue;
                }
                assert_within_ulps(found, sigmoid((double)x[i]));
                assert_within_ulps(turn, tanh((double)x[i]));
            }
        }
    fl_free(gates);
}

static void test_gates_at_the_ends_are_exact(void **state)
{
    (void)state;
    struct gates *gates = bytes_of(sizeof *gates);
    float x[MANY] = {0, FLT_MIN, INFINITY, -INFINITY, FLT_MAX, -FLT_MAX, NAN};
    const float expected[][2] = {{0.5f, 0}, {0.5f, FLT_MIN}, {1, 1},
                                 {0, -1},   {1, 1},          {0, -1}};
    const struct nn_kernels *kernels;
    for (int k = 0; (kernels = nn_kernels_at(k)); k++) {
        gates_of(kernels, x, gates);
        for (int i = 0; i < 6; i++) {
            assert_true(gates->value[i] == expected[i][0]);
            assert_true(gates->value[2 * MANY + i] == expected[i][1]);
        }
        assert_true(isnan(gates->value[6]) &&
                    isnan(gates->value[2 * MANY + 6]));
    }
    fl_free(gates);
}

/* --- cells ---------------------------------------------------------------- */

/* h of an LSTM or GRU by the formulas, times one after the other. Weights as in
 * the layer: w_ih [in, gates H], w_hh [H, gates H], b_ih, b_hh. */
struct by_hand {
    int gates, in, units;
    const float *params;
    double h[8], c[8];
};

static double part(const struct by_hand *b, int gate, int u, const double *x)
{
    int wide = b->gates * b->units, at = gate * b->units + u;
    double sum = (double)b->params[(b->in + b->units) * wide + at];
    for (int i = 0; i < b->in; i++)
        sum += x[i] * (double)b->params[i * wide + at];
    return sum;
}

static double part_of_h(const struct by_hand *b, int gate, int u)
{
    int wide = b->gates * b->units, at = gate * b->units + u;
    double sum = (double)b->params[(b->in + b->units + 1) * wide + at];
    for (int i = 0; i < b->units; i++)
        sum += b->h[i] * (double)b->params[(b->in + i) * wide + at];
    return sum;
}

static void step_by_hand(struct by_hand *b, const double *x)
{
    double h[8];
    for (int u = 0; u < b->units; u++) {
        double a[4], w[4];
        for (int g = 0; g < b->gates; g++) {
            a[g] = part(b, g, u, x);
            w[g] = part_of_h(b, g, u);
        }
        if (b->gates == 4) {
            b->c[u] = sigmoid(a[1] + w[1]) * b->c[u] +
                      sigmoid(a[0] + w[0]) * tanh(a[2] + w[2]);
            h[u] = sigmoid(a[3] + w[3]) * tanh(b->c[u]);
        } else {
            double r = sigmoid(a[0] + w[0]), z = sigmoid(a[1] + w[1]);
            h[u] = (1 - z) * tanh(a[2] + r * w[2]) + z * b->h[u];
        }
    }
    memcpy(b->h, h, sizeof h);
}

static void check_by_hand(const char *yaml, int gates)
{
    enum { TIME = 5, IN = 3, UNITS = 7 };
    struct task t;
    set_up(&t, yaml, (struct nn_shape){2, {TIME, IN}});
    run(&t);
    for (int b = 0; b < BATCH; b++) {
        struct by_hand hand = {
            .gates = gates, .in = IN, .units = UNITS, .params = t.params};
        for (int s = 0; s < TIME; s++) {
            double x[IN];
            for (int i = 0; i < IN; i++)
                x[i] = (double)t.x[(b * TIME + s) * IN + i];
            step_by_hand(&hand, x);
            for (int u = 0; u < UNITS; u++)
                /* some 20 float operations on numbers near 1 a step */
                assert_near((double)t.y[(b * TIME + s) * UNITS + u], hand.h[u],
                            0, 1e-6);
        }
    }
    tear_down(&t);
}

static void test_an_lstm_is_its_formulas(void **state)
{
    (void)state;
    check_by_hand("{kind: lstm, units: 7, return: sequence}", 4);
}

static void test_a_gru_is_its_formulas(void **state)
{
    (void)state;
    check_by_hand("{kind: gru, units: 7, return: sequence}", 3);
}

/* Two stacked layers are one layer behind another. */
static void check_stack(const char *two, const char *first, const char *second)
{
    const struct nn_shape input = {2, {6, 5}};
    struct task t, a, b;
    set_up(&t, two, input);
    run(&t);
    set_up(&a, first, input);
    memcpy(a.params, t.params, (size_t)a.layer.n_params * sizeof *a.params);
    run(&a);
    set_up(&b, second, a.layer.info.output);
    assert_int_equal(t.layer.n_params, a.layer.n_params + b.layer.n_params);
    const float *rest = t.params + a.layer.n_params;
    memcpy(b.params, rest, (size_t)b.layer.n_params * sizeof *b.params);
    memcpy(b.x, a.y, (size_t)(BATCH * b.in) * sizeof *b.x);
    run(&b);
    assert_all_near(t.y, b.y, BATCH * t.out);
    memcpy(a.dy, b.dx, (size_t)(BATCH * a.out) * sizeof *a.dy);
    run(&a);
    assert_all_near(t.dx, a.dx, BATCH * t.in);
    assert_all_near(t.dparams, a.dparams, a.layer.n_params);
    assert_all_near(t.dparams + a.layer.n_params, b.dparams, b.layer.n_params);
    tear_down(&t);
    tear_down(&a);
    tear_down(&b);
}

static void test_a_stack_is_one_layer_behind_another(void **state)
{
    (void)state;
    check_stack("{kind: lstm, units: 9, layers: 2}",
                "{kind: lstm, units: 9, return: sequence}",
                "{kind: lstm, units: 9}");
    check_stack("{kind: gru, units: 9, layers: 2, return: sequence}",
                "{kind: gru, units: 9, return: sequence}",
                "{kind: gru, units: 9, return: sequence}");
}

static void test_the_last_state_ends_the_sequence(void **state)
{
    (void)state;
    const struct nn_shape input = {2, {4, 3}};
    struct task last, all;
    set_up(&last, "{kind: gru, units: 5}", input);
    set_up(&all, "{kind: gru, units: 5, return: sequence}", input);
    memset(all.dy, 0, (size_t)(BATCH * all.out) * sizeof *all.dy);
    for (int b = 0; b < BATCH; b++)
        memcpy(all.dy + b * 20 + 15, last.dy + b * 5, 5 * sizeof *all.dy);
    run(&last);
    run(&all);
    for (int b = 0; b < BATCH; b++)
        assert_memory_equal(all.y + b * 20 + 15, last.y + b * 5,
                            5 * sizeof *all.y);
    assert_memory_equal(all.dparams, last.dparams,
                        (size_t)all.layer.n_params * sizeof *all.dparams);
    assert_memory_equal(all.dx, last.dx, (size_t)(BATCH * all.in) * 4);
    tear_down(&last);
    tear_down(&all);
}

/* y, dx and dparams of the best table against those of table i. */
static void
compare_tables(const char *yaml, struct nn_shape input, int i, bool is_exact)
{
    struct task a, b;
    set_up(&a, yaml, input);
    set_up(&b, yaml, input);
    b.kernels = nn_kernels_at(i);
    run(&a);
    run(&b);
    int64_t n = a.layer.n_params;
    assert_all_near(b.y, a.y, BATCH * a.out);
    assert_all_near(b.dx, a.dx, BATCH * a.in);
    assert_all_near(b.dparams, a.dparams, n);
    if (is_exact) {
        assert_memory_equal(b.y, a.y, (size_t)(BATCH * a.out) * sizeof *a.y);
        assert_memory_equal(b.dx, a.dx, (size_t)(BATCH * a.in) * sizeof *a.dx);
        assert_memory_equal(b.dparams, a.dparams, (size_t)n * sizeof *a.params);
    }
    tear_down(&a);
    tear_down(&b);
}

/* The vector tables agree to the bit; portable has no fused multiply-add. */
static void test_the_tables_agree(void **state)
{
    (void)state;
    static const char *const layers[] = {
        "{kind: lstm, units: 16, layers: 2}", "{kind: lstm, units: 37}",
        "{kind: gru, units: 32, return: sequence}",
        "{kind: gru, units: 53, layers: 2}"};
    const struct nn_kernels *kernels;
    for (int i = 1; (kernels = nn_kernels_at(i)); i++)
        for (size_t k = 0; k < sizeof layers / sizeof layers[0]; k++)
            compare_tables(layers[k], (struct nn_shape){2, {6, 35}}, i,
                           strcmp(kernels->name, "portable") != 0);
}

/* --- embedding ------------------------------------------------------------ */

static void test_tokens_outside_the_table_give_nan_and_no_gradient(void **state)
{
    (void)state;
    static const float hostile[] = {-1,   4,        1e30f, -1e30f,
                                    2.5f, INFINITY, NAN,   -INFINITY};
    enum { TOKENS = 4, UNITS = 3, TIME = 8 };
    struct task t;
    set_up(&t, "{kind: embedding, tokens: 4, units: 3}",
           (struct nn_shape){1, {TIME}});
    memset(t.x, 0, (size_t)(BATCH * t.in) * sizeof *t.x);
    memcpy(t.x, hostile, sizeof hostile); /* then two samples of token 0 */
    run(&t);
    for (int i = 0; i < TIME * UNITS; i++)
        assert_true(isnan(t.y[i]));
    for (int i = TIME; i < BATCH * TIME; i++)
        assert_memory_equal(t.y + i * UNITS, t.params,
                            UNITS * sizeof *t.params);
    for (int i = UNITS; i < TOKENS * UNITS; i++)
        assert_true(t.dparams[i] == 0);
    for (int u = 0; u < UNITS; u++) {
        double sum = 0;
        for (int i = TIME; i < BATCH * TIME; i++)
            sum += (double)t.dy[i * UNITS + u];
        /* 16 numbers below 1 */
        assert_near((double)t.dparams[u], sum, 0, 1e-6);
    }
    tear_down(&t);
}

/* --- sequence ------------------------------------------------------------- */

static void test_time_runs_along_rows_or_columns(void **state)
{
    (void)state;
    struct task t;
    enum { H = 2, W = 3, C = 2 };
    const struct nn_shape image = {3, {H, W, C}};
    set_up(&t, "{kind: sequence, time: columns}", image);
    run(&t);
    assert_int_equal(t.layer.info.output.dim[0], W);
    assert_int_equal(t.layer.info.output.dim[1], H * C);
    for (int b = 0; b < BATCH; b++)
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++)
                for (int c = 0; c < C; c++)
                    assert_true(t.y[((b * W + x) * H + y) * C + c] ==
                                t.x[((b * H + y) * W + x) * C + c]);
    tear_down(&t);
    set_up(&t, "{kind: sequence}", image);
    run(&t);
    assert_int_equal(t.layer.info.output.dim[0], H);
    assert_int_equal(t.layer.info.output.dim[1], W * C);
    assert_memory_equal(t.y, t.x, (size_t)(BATCH * t.in) * sizeof *t.x);
    tear_down(&t);
}

/* --- what does not fit ---------------------------------------------------- */

static void assert_refused(const char *yaml, struct nn_shape input)
{
    struct fl_error err;
    struct fl_config *config;
    struct nn_layer layer;
    assert_ok(fl_config_parse("test", yaml, strlen(yaml), &config, &err), &err);
    assert_ok(
        nn_layer_init(&layer, config, fl_config_root(config), &input, 10, &err),
        &err);
    assert_null(layer.type);
    assert_int_equal(fl_config_check(config, &err), FL_E_CONFIG);
    nn_layer_fini(&layer);
    fl_config_destroy(config);
}

static void test_what_does_not_fit_is_refused(void **state)
{
    (void)state;
    assert_refused("{kind: lstm, units: 4}", (struct nn_shape){1, {5}});
    assert_refused("{kind: gru, units: 4}", (struct nn_shape){3, {5, 5, 1}});
    assert_refused("{kind: gru, units: 4, layers: 5}",
                   (struct nn_shape){2, {5, 5}});
    assert_refused("{kind: lstm, units: 0}", (struct nn_shape){2, {5, 5}});
    assert_refused("{kind: lstm, units: 65536}", (struct nn_shape){2, {5, 5}});
    assert_refused("{kind: lstm, units: 400}",
                   (struct nn_shape){2, {1 << 30, 1}});
    assert_refused("{kind: embedding, tokens: 9, units: 2}",
                   (struct nn_shape){2, {5, 5}});
    assert_refused("{kind: sequence}", (struct nn_shape){2, {5, 5}});
}

/* --- counts and layout ---------------------------------------------------- */

static void test_counts_are_what_a_pencil_says(void **state)
{
    (void)state;
    struct fl_error err;
    struct nn_model *model = NULL;
    assert_ok(nn_model_create_named("lstm_kws",
                                    &(struct nn_shape){3, {32, 32, 1}}, 10,
                                    &model, &err),
              &err);
    /* lstm: 472 gates from 32 + 118 numbers and two biases; dense 118 x 10 */
    struct nn_cost cost = nn_model_cost(model);
    assert_int_equal(cost.params, 472 * (32 + 118 + 2) + 118 * 10 + 10);
    assert_int_equal(cost.macs, 32 * 472 * (32 + 118) + 118 * 10);
    nn_model_destroy(model);
    assert_ok(nn_model_create_named("lstm_shakespeare",
                                    &(struct nn_shape){1, {80}}, 65, &model,
                                    &err),
              &err);
    /* 65 x 8 table; 1024 gates from 8 + 256, then from 256 + 256 */
    cost = nn_model_cost(model);
    assert_int_equal(cost.params, 65 * 8 + 1024 * (8 + 256 + 2) +
                                      1024 * (256 + 256 + 2) + 257 * 65);
    assert_int_equal(cost.macs, 80 * 1024 * (264 + 512) + 256 * 65);
    nn_model_destroy(model);
}

/* PyTorch has weight_ih_l0 [gates H, in] and Embedding's weight as ours. */
static void test_other_programs_get_pytorchs_layout(void **state)
{
    (void)state;
    enum { TOKENS = 4, IN = 2, UNITS = 3, WIDE = 3 * UNITS };
    static const char yaml[] =
        "m: [{kind: embedding, tokens: 4, units: 2}, {kind: gru, units: 3},"
        " {kind: dense, units: classes}]";
    struct fl_error err;
    struct fl_config *config;
    struct nn_model *model = NULL;
    assert_ok(fl_config_parse("test", yaml, strlen(yaml), &config, &err), &err);
    assert_ok(nn_model_create(config, fl_node_find(fl_config_root(config), "m"),
                              &(struct nn_shape){1, {5}}, TOKENS, &model, &err),
              &err);
    float *ours = numbers(nn_model_n_params(model), 8);
    float *theirs = numbers(nn_model_n_params(model), 0);
    nn_safetensors_layout(model, ours, theirs);
    assert_memory_equal(theirs, ours, TOKENS * IN * sizeof *ours);
    const float *from = ours + TOKENS * IN, *to = theirs + TOKENS * IN;
    for (int rows = IN; rows <= UNITS; rows++) { /* weight_ih, weight_hh */
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < WIDE; j++)
                assert_true(to[j * rows + i] == from[i * WIDE + j]);
        from += rows * WIDE;
        to += rows * WIDE;
    }
    assert_memory_equal(to, from, (size_t)(2 * WIDE) * sizeof *to);
    fl_free(ours);
    fl_free(theirs);
    nn_model_destroy(model);
    fl_config_destroy(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gates_are_within_three_ulps_over_all_floats),
        cmocka_unit_test(test_gates_at_the_ends_are_exact),
        cmocka_unit_test(test_an_lstm_is_its_formulas),
        cmocka_unit_test(test_a_gru_is_its_formulas),
        cmocka_unit_test(test_a_stack_is_one_layer_behind_another),
        cmocka_unit_test(test_the_last_state_ends_the_sequence),
        cmocka_unit_test(test_the_tables_agree),
        cmocka_unit_test(
            test_tokens_outside_the_table_give_nan_and_no_gradient),
        cmocka_unit_test(test_time_runs_along_rows_or_columns),
        cmocka_unit_test(test_what_does_not_fit_is_refused),
        cmocka_unit_test(test_counts_are_what_a_pencil_says),
        cmocka_unit_test(test_other_programs_get_pytorchs_layout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
