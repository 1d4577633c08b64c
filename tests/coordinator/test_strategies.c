/* Laws of every registered strategy, and closed forms of each. */
#include "support/assert_near.h"

#include "base/exact.h"
#include "base/rng.h"
#include "coordinator/strategy.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { N = 257 }; /* parameters: not a multiple of any vector width */

struct bench { /* one strategy under test, with a model and its state */
    struct coord_strategy strategy;
    struct fl_config *config;
    float params[N], state_0[N], state_1[N], scratch[N];
    float *state[COORD_MAX_STATE];
    int64_t sum[N];
};

static void open_bench(struct bench *bench, const char *yaml)
{
    struct fl_error err = {0};
    *bench = (struct bench){0};
    assert_ok(fl_config_parse("test", yaml, strlen(yaml), &bench->config, &err),
              &err);
    assert_ok(coord_strategy_init(&bench->strategy, bench->config,
                                  fl_config_root(bench->config), &err),
              &err);
    assert_ok(fl_config_check(bench->config, &err), &err);
    bench->state[0] = bench->state_0;
    bench->state[1] = bench->state_1;
    struct fl_rng rng = fl_rng_stream(1, FL_RNG_TEST, 0, 0);
    for (int i = 0; i < N; i++)
        bench->params[i] = (float)fl_rng_normal(&rng);
}

static void close_bench(struct bench *bench)
{
    coord_strategy_fini(&bench->strategy);
    fl_config_destroy(bench->config);
}

static enum fl_status
step(struct bench *bench, int64_t weight, int32_t scale, struct fl_error *err)
{
    return coord_strategy_step(&bench->strategy, bench->sum, N, weight, scale,
                               bench->params, bench->state, bench->scratch,
                               err);
}

static void for_each(void (*check)(struct bench *bench))
{
    for (size_t i = 0; coord_strategies[i]; i++) {
        char yaml[128];
        struct bench bench;
        (void)snprintf(yaml, sizeof yaml, "kind: %s\n",
                       coord_strategies[i]->name);
        print_message("  %s\n", coord_strategies[i]->name);
        open_bench(&bench, yaml);
        assert_non_null(bench.strategy.type->doc);
        assert_non_null(bench.strategy.type->source);
        assert_true(bench.strategy.type->n_state <= COORD_MAX_STATE);
        check(&bench);
        close_bench(&bench);
    }
}

static void check_no_change(struct bench *bench)
{
    struct fl_error err = {0};
    float before[N];
    memcpy(before, bench->params, sizeof before);
    for (int round = 0; round < 3; round++)
        assert_ok(step(bench, 100, 20, &err), &err);
    assert_memory_equal(bench->params, before, sizeof before);
}

static void test_clients_that_did_not_move_leave_the_model(void **state)
{
    (void)state;
    for_each(check_no_change);
}

/* Three clients, in every order and in every grouping. */
static void check_order(struct bench *bench)
{
    static const int orders[][3] = {{0, 1, 2}, {2, 1, 0}, {1, 2, 0}};
    const int64_t weights[] = {7, 100, 31};
    float locals[3][N], start[N], first[N];
    struct fl_rng rng = fl_rng_stream(2, FL_RNG_TEST, 0, 0);
    memcpy(start, bench->params, sizeof start);
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < N; i++)
            locals[c][i] = start[i] + 0.1f * (float)fl_rng_normal(&rng);
    int32_t scale = fl_exact_scale(100, 138);
    for (int o = 0; o < 3; o++) {
        struct fl_error err = {0};
        int64_t part[N] = {0};
        memset(bench->sum, 0, sizeof bench->sum);
        memset(bench->state_0, 0, sizeof bench->state_0);
        memset(bench->state_1, 0, sizeof bench->state_1);
        memcpy(bench->params, start, sizeof start);
        for (int k = 0; k < 3; k++) /* the last one in a sum of its own */
            assert_true(fl_exact_add(k < 2 ? bench->sum : part, start,
                                     locals[orders[o][k]], N,
                                     weights[orders[o][k]], scale));
        assert_true(fl_exact_merge(bench->sum, part, N));
        assert_ok(step(bench, 138, scale, &err), &err);
        if (o == 0)
            memcpy(first, bench->params, sizeof first);
        assert_memory_equal(bench->params, first, sizeof first);
    }
}

static void test_order_and_grouping_of_clients_change_nothing(void **state)
{
    (void)state;
    for_each(check_order);
}

static void check_empty(struct bench *bench)
{
    struct fl_error err = {0};
    assert_int_equal(step(bench, 0, 20, &err), FL_E_STATE);
    assert_non_null(strstr(err.text, bench->strategy.type->name));
}

static void test_a_round_without_updates_is_an_error(void **state)
{
    (void)state;
    for_each(check_empty);
}

static void check_overflow(struct bench *bench)
{
    static const float bad[] = {NAN, -INFINITY, INFINITY};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct fl_error err = {0};
        bench->params[3] = bad[i];
        assert_int_equal(step(bench, 1, 20, &err), FL_E_NUMERIC);
    }
}

static void test_a_model_that_is_not_finite_is_refused(void **state)
{
    (void)state;
    for_each(check_overflow);
}

/* Sets the mean update of parameter 0 to exactly `update`. */
static void one_step(struct bench *bench, double update)
{
    struct fl_error err = {0};
    bench->sum[0] = (int64_t)(update * 1048576.0) * 8; /* weight 8, 2^20 */
    assert_ok(step(bench, 8, 20, &err), &err);
}

/* Pencil: w = 1, u = 0.5, then u = 0.25. Powers of two: floats are exact
 * unless said otherwise. */
static void test_closed_forms(void **state)
{
    (void)state;
    static const struct {
        const char *yaml;
        double first, second;
        double rtol; /* float arithmetic: some 2^-23 */
    } cases[] = {
        /* w + u */
        {"kind: fedavg", 1.5, 1.75, 0},
        {"kind: fedprox", 1.5, 1.75, 0},
        /* w + u/2 */
        {"{kind: fedavg, server_lr: 0.5}", 1.25, 1.375, 0},
        /* v = .5, .5*.5+.25 = .5 */
        {"{kind: fedavgm, momentum: 0.5}", 1.5, 2.0, 0},
        /* m = u; v = .25, .3125; w += .1 m / (sqrt(v) + .5) */
        {"{kind: fedadagrad, tau: 0.5}", 1.05,
         1.05 + 0.025 / 1.0590169943749475, 1e-6},
        /* beta1 = beta2 = .5: m = .25, .25; v = .125, .09375 */
        {"{kind: fedadam, beta1: 0.5, beta2: 0.5, tau: 0.5}",
         1 + 0.025 / 0.8535533905932737,
         1 + 0.025 / 0.8535533905932737 + 0.025 / 0.8061862178478972, 1e-6},
        /* v = 0 - .5*.25*sign(0-.25) = .125; then .125 - .5*.0625*sign(.0625)
         * = .09375 */
        {"{kind: fedyogi, beta1: 0.5, beta2: 0.5, tau: 0.5}",
         1 + 0.025 / 0.8535533905932737,
         1 + 0.025 / 0.8535533905932737 + 0.025 / 0.8061862178478972, 1e-6},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench bench;
        open_bench(&bench, cases[i].yaml);
        bench.params[0] = 1;
        one_step(&bench, 0.5);
        print_message("  %s: %.9g, expected %.9g\n", cases[i].yaml,
                      (double)bench.params[0], cases[i].first);
        assert_near((double)bench.params[0], cases[i].first, cases[i].rtol, 0);
        one_step(&bench, 0.25);
        assert_near((double)bench.params[0], cases[i].second, cases[i].rtol, 0);
        close_bench(&bench);
    }
}

static void test_only_fedprox_holds_its_clients(void **state)
{
    (void)state;
    struct bench bench;
    open_bench(&bench, "{kind: fedprox, mu: 0.125}");
    assert_true(coord_strategy_prox_mu(&bench.strategy) == 0.125);
    close_bench(&bench);
    open_bench(&bench, "kind: fedavg");
    assert_true(coord_strategy_prox_mu(&bench.strategy) == 0);
    close_bench(&bench);
}

static void expect_problem(const char *yaml, const char *part)
{
    struct fl_config *config = NULL;
    struct coord_strategy strategy = {0};
    struct fl_error err = {0};
    assert_ok(fl_config_parse("t.yaml", yaml, strlen(yaml), &config, &err),
              &err);
    if (coord_strategy_init(&strategy, config,
                            fl_node_find(fl_config_root(config), "strategy"),
                            &err) == FL_OK)
        coord_strategy_fini(&strategy);
    assert_int_equal(fl_config_check(config, &err), FL_E_CONFIG);
    if (!strstr(err.text, part))
        fail_msg("'%s' lacks '%s'", err.text, part);
    fl_config_destroy(config);
}

static void test_mistakes_name_their_place(void **state)
{
    (void)state;
    expect_problem("strategy: fedavgg\n", "t.yaml:1:11");
    expect_problem("strategy: fedavgg\n", "fedavg");
    expect_problem("strategy: {kind: fedprox, mu: -1}\n", "t.yaml:1:31");
    expect_problem("strategy: {kind: fedavg, mu: 1}\n", "mu");
    expect_problem("strategy: {mu: 1}\n", "kind");
    expect_problem("strategy: {kind: fedavgm, momentum: 1}\n", "momentum");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clients_that_did_not_move_leave_the_model),
        cmocka_unit_test(test_order_and_grouping_of_clients_change_nothing),
        cmocka_unit_test(test_a_round_without_updates_is_an_error),
        cmocka_unit_test(test_a_model_that_is_not_finite_is_refused),
        cmocka_unit_test(test_closed_forms),
        cmocka_unit_test(test_only_fedprox_holds_its_clients),
        cmocka_unit_test(test_mistakes_name_their_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
