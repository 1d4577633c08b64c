/* Optimisers, schedules and clipping: twenty steps each against PyTorch's in
 * float64, from the file that tests/nn/torch_optimizers.py writes (argument 1),
 * and what holds without a reference. Built with float and with double. */
#include "nn/kernels/table_priv.h"
#include "nn/schedule.h"
#include "nn/train.h"

#include "base/alloc.h"
#include "base/parse.h"
#include "support/assert_near.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IS_DOUBLE (sizeof(nn_real) == sizeof(double))

enum { STEPS = 20, BATCH = 4, IN = 6, OUT = 3, LINE = 8000 };

static const char small_net[] =
    "model: [{kind: dense, units: 5}, relu, {kind: dense, units: classes}]\n";
static const char norm_net[] =
    "model: [{kind: dense, units: 8}, batchnorm, relu,\n"
    "        {kind: dense, units: classes}]\n";

static const char *path;

struct net {
    struct nn_model *model;
    struct nn_workspace *ws;
    int64_t n_params;
    nn_real *params, *state, *anchor;
    nn_real x[BATCH * IN];
    int32_t labels[BATCH];
};

/* murmur3's finaliser of k and tag, as in torch_optimizers.py */
static uint32_t hashed(uint32_t tag, uint32_t k)
{
    uint32_t h = k * 2654435761u + tag * 40503u;
    h ^= h >> 16;
    h *= 0x85EBCA6Bu;
    h ^= h >> 13;
    h *= 0xC2B2AE35u;
    return h ^ h >> 16;
}

static nn_real number(uint32_t tag, int64_t k)
{
    double u = (double)hashed(tag, (uint32_t)k) / 4294967296.0;
    return (nn_real)(float)(2 * u - 1);
}

static void fill_batch(struct net *net, uint32_t tag)
{
    for (int64_t i = 0; i < BATCH * IN; i++)
        net->x[i] = number(tag, i);
    for (uint32_t i = 0; i < BATCH; i++)
        net->labels[i] = (int32_t)(hashed(tag + 1, i) % OUT);
}

static void reset(struct net *net)
{
    size_t bytes = (size_t)net->n_params * sizeof *net->params;
    for (int64_t i = 0; i < net->n_params; i++)
        net->params[i] = net->anchor[i] = number(1, i);
    memset(net->state, 0, NN_OPTIMIZER_MAX_STATE * bytes);
}

static void net_init(struct net *net, const char *yaml)
{
    struct fl_error err = {0};
    struct fl_config *config = NULL;
    const struct nn_shape input = {1, {IN}};
    *net = (struct net){.model = NULL};
    assert_ok(fl_config_parse("test", yaml, strlen(yaml), &config, &err), &err);
    assert_ok(nn_model_create(config,
                              fl_node_find(fl_config_root(config), "model"),
                              &input, OUT, &net->model, &err),
              &err);
    fl_config_destroy(config);
    assert_ok(nn_workspace_create(net->model, BATCH, &net->ws, &err), &err);
    net->n_params = nn_model_n_params(net->model);
    size_t n = (size_t)net->n_params;
    net->params = fl_calloc(n, sizeof *net->params);
    net->anchor = fl_calloc(n, sizeof *net->anchor);
    net->state = fl_calloc(NN_OPTIMIZER_MAX_STATE * n, sizeof *net->state);
    assert_true(net->params && net->anchor && net->state);
    reset(net);
    fill_batch(net, 10);
}

static void net_fini(struct net *net)
{
    nn_workspace_destroy(net->ws);
    nn_model_destroy(net->model);
    fl_free(net->params);
    fl_free(net->anchor);
    fl_free(net->state);
}

static enum fl_status take_step(struct net *net,
                                const struct nn_optimizer_opts *opts,
                                double *ret_loss,
                                struct fl_error *err)
{
    return nn_train_step(net->ws, opts, net->params, net->state, net->anchor,
                         net->x, net->labels, BATCH, NULL, ret_loss, err);
}

static void step(struct net *net, const struct nn_optimizer_opts *opts)
{
    struct fl_error err = {0};
    double loss = 0;
    assert_ok(take_step(net, opts, &loss, &err), &err);
}

/* Against PyTorch */

static double parsed(const char *text)
{
    double value = 0;
    struct fl_error err = {0};
    assert_non_null(text);
    assert_ok(fl_parse_double(text, -1e12, 1e12, &value, &err), &err);
    return value;
}

static int index_of(const char *const *names, const char *name)
{
    int i = 0;
    while (names[i] && strcmp(names[i], name) != 0)
        i++;
    assert_non_null(names[i]);
    return i;
}

static void take_option(const char *key,
                        const char *value,
                        struct nn_optimizer_opts *o,
                        struct nn_schedule *s)
{
    const struct {
        const char *key;
        double *at;
    } doubles[] = {
        {"lr", &o->lr},
        {"momentum", &o->momentum},
        {"dampening", &o->dampening},
        {"weight_decay", &o->weight_decay},
        {"beta1", &o->beta1},
        {"beta2", &o->beta2},
        {"eps", &o->eps},
        {"clip_norm", &o->clip_norm},
        {"clip_value", &o->clip_value},
        {"prox_mu", &o->prox_mu},
        {"gamma", &s->gamma},
        {"min_lr", &s->min_lr},
        {"end_ratio", &s->end_ratio},
        {"warmup_start", &s->warmup_start},
    };
    for (size_t i = 0; i < sizeof doubles / sizeof doubles[0]; i++)
        if (!strcmp(key, doubles[i].key)) {
            *doubles[i].at = parsed(value);
            return;
        }
    if (!strcmp(key, "kind"))
        o->kind = (enum nn_optimizer)index_of(nn_optimizer_names, value);
    else if (!strcmp(key, "schedule"))
        s->kind = (enum nn_schedule_kind)index_of(nn_schedule_names, value);
    else if (!strcmp(key, "nesterov"))
        o->is_nesterov = true;
    else if (!strcmp(key, "every"))
        s->every = (int64_t)parsed(value);
    else if (!strcmp(key, "warmup"))
        s->warmup = (int64_t)parsed(value);
    else
        fail_msg("%s: option '%s'", path, key);
}

/* The next word of a line, which is cut there; NULL at its end. */
static char *next_word(char **rest)
{
    char *word = *rest + strspn(*rest, " ");
    if (!*word)
        return NULL;
    char *end = word + strcspn(word, " ");
    *rest = *end ? end + 1 : end;
    *end = '\0';
    return word;
}

/* The next line, which has to begin with the word; its words behind that. */
static char *
take_line(FILE *file, const char *word, char line[LINE], char **ret_rest)
{
    if (!fgets(line, LINE, file))
        fail_msg("%s: no line '%s'", path, word);
    size_t length = strcspn(line, "\n");
    assert_int_equal(line[length], '\n');
    line[length] = '\0';
    *ret_rest = line;
    char *first = next_word(ret_rest);
    if (!first || strcmp(first, word) != 0)
        fail_msg("%s: found '%s', expected '%s'", path, first ? first : "",
                 word);
    return next_word(ret_rest);
}

/* "case name key=value ..." */
static void
take_case(char *rest, struct nn_optimizer_opts *o, struct nn_schedule *s)
{
    for (char *word; (word = next_word(&rest));) {
        char *value = strchr(word, '=');
        assert_non_null(value);
        *value = '\0';
        take_option(word, value + 1, o, s);
    }
}

/* The file has 12 digits of values near 1; in single precision each of the
 * twenty steps rounds some of the last of 7. */
static const double tolerance = IS_DOUBLE ? 1e-11 : 2e-6;

static void compare_case(struct net *net, FILE *file, char line[LINE])
{
    struct nn_optimizer_opts opts = {.kind = NN_SGD};
    struct nn_schedule schedule = {.every = 1};
    double loss[STEPS], lr = 0;
    char *rest = line;
    print_message("%s\n", line);
    (void)next_word(&rest); /* case */
    (void)next_word(&rest); /* its name */
    take_case(rest, &opts, &schedule);
    lr = opts.lr;
    reset(net);
    char *word = take_line(file, "lr", line, &rest);
    for (opts.step = 0; opts.step < STEPS; opts.step++) {
        struct fl_error err = {0};
        opts.lr = nn_schedule_lr(&schedule, lr, opts.step, STEPS);
        assert_near(opts.lr, parsed(word), 1e-11, 0); /* 12 digits */
        word = next_word(&rest);
        fill_batch(net, 10 + 2 * (uint32_t)opts.step);
        assert_ok(take_step(net, &opts, &loss[opts.step], &err), &err);
    }
    assert_null(word);
    word = take_line(file, "loss", line, &rest);
    for (int i = 0; i < STEPS; i++, word = next_word(&rest))
        assert_near(loss[i], parsed(word), tolerance, 0);
    word = take_line(file, "params", line, &rest);
    for (int64_t i = 0; i < net->n_params; i++, word = next_word(&rest))
        assert_near((double)net->params[i], parsed(word), tolerance, tolerance);
    assert_null(word);
}

static void test_twenty_steps_of_every_kind_are_pytorchs(void **state)
{
    (void)state;
    struct net net;
    char *line = fl_calloc(LINE, 1);
    assert_non_null(line);
    FILE *file = fopen(path, "r");
    if (!file)
        fail_msg("%s: cannot be read", path);
    net_init(&net, small_net);
    int cases = 0;
    while (fgets(line, LINE, file)) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '#')
            continue;
        compare_case(&net, file, line);
        cases++;
    }
    assert_true(cases >= 20);
    (void)fclose(file);
    fl_free(line);
    net_fini(&net);
}

/* Without a reference */

static const struct nn_optimizer_opts adam = {.kind = NN_ADAM,
                                              .lr = 0.01,
                                              .weight_decay = 0.01,
                                              .beta1 = 0.9,
                                              .beta2 = 0.999,
                                              .eps = 1e-8};

static void test_a_gradient_within_its_bounds_is_left_alone(void **state)
{
    (void)state;
    struct net one, two;
    struct nn_optimizer_opts opts = adam;
    net_init(&one, small_net);
    net_init(&two, small_net);
    for (opts.step = 0; opts.step < 3; opts.step++) {
        opts.clip_norm = opts.clip_value = 0;
        step(&one, &opts);
        opts.clip_norm = opts.clip_value = 1e3;
        step(&two, &opts);
    }
    size_t bytes = (size_t)one.n_params * sizeof *one.params;
    assert_memory_equal(one.params, two.params, bytes); /* fused or not */
    assert_memory_equal(one.state, two.state, 2 * bytes);
    net_fini(&one);
    net_fini(&two);
}

static void test_no_optimiser_touches_buffers(void **state)
{
    (void)state;
    struct nn_optimizer_opts all[] = {{.lr = 0.1}, adam, adam};
    all[2].clip_norm = 0.01;
    size_t n = 0, checked = 0;
    struct net expected;
    net_init(&expected, norm_net);
    step(&expected, &all[0]);
    const struct nn_param_view *views = nn_model_params(expected.model, &n);
    for (size_t i = 1; i < 3; i++) {
        struct net net;
        net_init(&net, norm_net);
        step(&net, &all[i]);
        for (size_t v = 0; v < n; v++) {
            size_t bytes = (size_t)views[v].size * sizeof(nn_real);
            bool is_same =
                memcmp(net.params + views[v].offset,
                       expected.params + views[v].offset, bytes) == 0;
            bool is_buffer = strstr(views[v].name, "running_") != NULL;
            assert_int_equal(is_same, is_buffer);
            checked += is_buffer;
        }
        net_fini(&net);
    }
    assert_int_equal(checked, 4); /* mean and variance, twice */
    net_fini(&expected);
}

/* FedProx pulls at what is trained alone: a running mean far from the global
 * model's must not use up the norm that clipping allows. */
static void test_buffers_stay_out_of_a_clipped_proximal_term(void **state)
{
    (void)state;
    const struct nn_optimizer_opts opts = {
        .lr = 0.1, .prox_mu = 0.5, .clip_norm = 0.01};
    struct net near, far;
    net_init(&near, norm_net);
    net_init(&far, norm_net);
    size_t n = 0;
    const struct nn_param_view *views = nn_model_params(far.model, &n);
    for (size_t v = 0; v < n; v++)
        for (int64_t i = 0;
             strstr(views[v].name, "running_") != NULL && i < views[v].size;
             i++)
            far.anchor[views[v].offset + i] += 100;
    step(&near, &opts);
    step(&far, &opts);
    assert_memory_equal(near.params, far.params,
                        (size_t)near.n_params * sizeof *near.params);
    net_fini(&near);
    net_fini(&far);
}

/* The gradient of the first weights is its input times a number near 1. */
static void test_a_norm_that_is_not_finite_changes_nothing(void **state)
{
    (void)state;
    struct net net;
    struct fl_error err = {0};
    struct nn_optimizer_opts opts = adam;
    double loss = 0;
    opts.clip_norm = 1;
    net_init(&net, small_net);
    for (int64_t i = 0; i < net.n_params; i++)
        net.params[i] = i < IN * 5 ? 0 : 10 * number(1, i) + 1;
    for (int64_t i = 0; i < 5; i++)
        net.params[IN * 5 + i] = 1; /* ReLU is open */
    for (int64_t i = 0; i < BATCH * IN; i++)
        net.x[i] = (nn_real)(IS_DOUBLE ? 1e308 : 3e38);
    size_t bytes = (size_t)net.n_params * sizeof *net.params;
    memcpy(net.anchor, net.params, bytes);
    assert_int_equal(take_step(&net, &opts, &loss, &err), FL_E_NUMERIC);
    assert_non_null(strstr(err.text, "norm of a gradient"));
    assert_memory_equal(net.params, net.anchor, bytes);
    for (int64_t i = 0; i < 2 * net.n_params; i++)
        assert_near((double)net.state[i], 0, 0, 0); /* as it was */
    net_fini(&net);
}

static void test_an_optimiser_without_its_memory_is_refused(void **state)
{
    (void)state;
    struct net net;
    struct fl_error err = {0};
    double loss = 0;
    net_init(&net, small_net);
    assert_int_equal(nn_train_step(net.ws, &adam, net.params, NULL, NULL, net.x,
                                   net.labels, BATCH, NULL, &loss, &err),
                     FL_E_ARG);
    net_fini(&net);
}

static void test_a_step_allocates_nothing(void **state)
{
    (void)state;
    struct net net;
    struct nn_optimizer_opts opts = adam;
    net_init(&net, small_net);
    (void)fl_alloc_fail_at(0);
    step(&net, &opts);
    opts.clip_norm = 0.1;
    step(&net, &opts);
    assert_int_equal(fl_alloc_fail_at(0), 0);
    net_fini(&net);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: test_optimizer REFERENCE\n");
        return EXIT_FAILURE;
    }
    path = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_twenty_steps_of_every_kind_are_pytorchs),
        cmocka_unit_test(test_a_gradient_within_its_bounds_is_left_alone),
        cmocka_unit_test(test_no_optimiser_touches_buffers),
        cmocka_unit_test(test_buffers_stay_out_of_a_clipped_proximal_term),
        cmocka_unit_test(test_a_norm_that_is_not_finite_changes_nothing),
        cmocka_unit_test(test_an_optimiser_without_its_memory_is_refused),
        cmocka_unit_test(test_a_step_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
