#include "carbon/uncertainty.h"

#include "base/alloc.h"
#include "support/assert_near.h"

#include <math.h>
#include <string.h>

#define UP(i)                                                                  \
    {                                                                          \
        .input = (i), .sign = 1                                                \
    }
#define DOWN(i)                                                                \
    {                                                                          \
        .input = (i), .sign = -1                                               \
    }

static struct carbon_uncertainty *create(const struct carbon_input *inputs,
                                         size_t n_inputs,
                                         const struct carbon_piece *pieces,
                                         size_t n_pieces,
                                         int32_t n_totals,
                                         int64_t draws)
{
    struct fl_error err;
    struct carbon_uncertainty *u = NULL;
    const struct carbon_uncertain_model model = {inputs, n_inputs, pieces,
                                                 n_pieces, n_totals};
    assert_ok(carbon_uncertainty_create(&model, draws, 7, &u, &err), &err);
    return u;
}

/* The product of U(0.85, 1.15), U(0.9, 1.1), U(0.8, 1.2):
 *   1 + cv^2 = (1 + 0.3^2/12) (1 + 0.2^2/12) (1 + 0.4^2/12)
 *   first order of x_i = v_i / cv^2, v_i = width_i^2 / 12
 *   total order of x_i = v_i prod over the others (1 + v_j) / cv^2 */
static void test_a_product_of_uniforms_is_the_closed_form(void **state)
{
    (void)state;
    const struct carbon_input inputs[] = {
        {"x1", 1, carbon_spread_uniform(0.85, 1.15), 0},
        {"x2", 1, carbon_spread_uniform(0.9, 1.1), 0},
        {"x3", 1, carbon_spread_uniform(0.8, 1.2), 0},
    };
    const struct carbon_piece piece = {0, 1, 3, {UP(0), UP(1), UP(2)}};
    struct carbon_uncertainty *u = create(inputs, 3, &piece, 1, 1, 100000);
    double v[3] = {0.09 / 12, 0.04 / 12, 0.16 / 12};
    double variance = (1 + v[0]) * (1 + v[1]) * (1 + v[2]) - 1;
    struct carbon_interval t = carbon_uncertainty_total(u, 0);
    /* lattice errors at 100,000 points are below 1e-4; 1e-3 is a tenth of
     * what is promised */
    assert_near(t.mean, 1, 1e-3, 0);
    assert_near(t.sd / t.mean, sqrt(variance), 1e-3, 0);
    assert_near(t.sd / t.mean, 0.156001, 1e-2, 0);
    struct carbon_influence s[3];
    carbon_uncertainty_influence(u, 0, -1, s);
    const int32_t order[] = {2, 0, 1};
    const double published[] = {0.54788, 0.30818, 0.13697};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(s[i].input, order[i]);
        double own = v[order[i]];
        assert_near(s[i].first, own / variance, 2e-3, 0);
        assert_near(s[i].first, published[i], 1e-2, 0);
        double others = (1 + variance) / (1 + own);
        assert_near(s[i].total, own * others / variance, 2e-3, 0);
    }
    carbon_uncertainty_destroy(u);
}

/* a / b with both lognormal is lognormal: ln of it has the variances' sum. */
static void test_a_ratio_of_lognormals_is_lognormal(void **state)
{
    (void)state;
    const struct carbon_input inputs[] = {
        {"power", 5, carbon_spread_lognormal(5, 1.5), 0},
        {"speed", 2, carbon_spread_lognormal(2, 1.2), 0},
    };
    const struct carbon_piece pieces[] = {
        {0, 10, 2, {UP(0), DOWN(1)}},
        {1, 10, 0, {UP(0)}},
    };
    struct carbon_uncertainty *u = create(inputs, 2, pieces, 2, 2, 50000);
    double s1 = log(1.5), s2 = log(1.2), sd = sqrt(s1 * s1 + s2 * s2);
    struct carbon_interval t = carbon_uncertainty_total(u, 0);
    const double z95 = 1.6448536269514722; /* normal, 95 % (any table) */
    assert_near(t.nominal, 10, 0, 0);
    /* quantiles of a lattice of 50,000 points */
    assert_near(t.p50, 10, 2e-3, 0);
    assert_near(t.p95, 10 * exp(z95 * sd), 5e-3, 0);
    assert_near(t.p5, 10 * exp(-z95 * sd), 5e-3, 0);
    assert_near(t.mean, 10 * exp(sd * sd / 2), 2e-3, 0);
    /* the second total is exact: median 10 against 10 is a coin's throw */
    assert_near(carbon_uncertainty_below_share(u, 0, 1), 0.5, 0, 2e-3);
    struct carbon_interval exact = carbon_uncertainty_total(u, 1);
    assert_near(exact.p95 - exact.p5, 0, 0, 1e-12);
    struct carbon_interval ratio = carbon_uncertainty_ratio(u, 0, 1);
    assert_near(ratio.p95, t.p95 / 10, 1e-12, 0);
    carbon_uncertainty_destroy(u);
}

static void test_what_both_arms_share_does_not_decide_between_them(void **state)
{
    (void)state;
    const struct carbon_input inputs[] = {
        {"intensity", 400, carbon_spread_uniform(100, 700), 0},
        {"client power", 3, carbon_spread_uniform(2.7, 3.3), 0},
        {"unused", 1, carbon_spread_uniform(0.5, 1.5), 0},
        {"known", 2, carbon_spread_none(2), 0},
    };
    const struct carbon_piece pieces[] = {
        {0, 5, 3, {UP(0), UP(1), UP(3)}},
        {1, 4, 1, {UP(0)}},
    };
    struct carbon_uncertainty *u = create(inputs, 4, pieces, 2, 2, 5000);
    struct carbon_influence s[4];
    carbon_uncertainty_influence(u, 0, -1, s);
    assert_int_equal(s[0].input, 0);
    assert_true(s[0].total > 0.9);
    carbon_uncertainty_influence(u, 0, 1, s);
    assert_int_equal(s[0].input, 1);
    assert_near(s[0].total, 1, 2e-2, 0);
    assert_near(s[1].total, 0, 0, 1e-20);
    assert_near(s[1].first, 0, 0, 1e-3);
    for (int i = 2; i < 4; i++)
        assert_near(s[i].total, 0, 0, 0);
    /* 5 p / 3 against 4, p in [2.7, 3.3]: never below */
    assert_near(carbon_uncertainty_below_share(u, 0, 1), 0, 0, 0);
    assert_near(carbon_uncertainty_below_share(u, 1, 0), 1, 0, 0);
    carbon_uncertainty_destroy(u);
}

/* Overhead grows with PUE - 1: twice that is twice the overhead, and below 1
 * there is none. */
static void test_a_zero_value_is_where_costs_begin(void **state)
{
    (void)state;
    const struct carbon_input input = {"pue", 1.5,
                                       carbon_spread_uniform(1.2, 2), 1};
    const struct carbon_piece piece = {0, 10, 1, {UP(0)}};
    struct carbon_uncertainty *u = create(&input, 1, &piece, 1, 1, 5000);
    struct carbon_interval g = carbon_uncertainty_total(u, 0);
    /* 10 (x - 1) / 0.5 with x uniform: quantiles of 4 .. 20 */
    assert_near(g.p5, 4 + 0.05 * 16, 1e-2 /* of 5000 draws */, 0);
    assert_near(g.p95, 4 + 0.95 * 16, 1e-2, 0);
    assert_near(g.mean, 12, 1e-3, 0);
    carbon_uncertainty_destroy(u);
    const struct carbon_input low = {"pue", 1.5, carbon_spread_uniform(0, 1),
                                     1};
    u = create(&low, 1, &piece, 1, 1, 500);
    assert_near(carbon_uncertainty_total(u, 0).p95, 0, 0, 0);
    carbon_uncertainty_destroy(u);
}

static void test_a_sum_of_many_agrees_with_its_variance(void **state)
{
    (void)state;
    enum { N = 60 };
    struct carbon_input inputs[N];
    struct carbon_piece pieces[N];
    double variance = 0;
    for (int i = 0; i < N; i++) {
        double half = 0.1 + 0.01 * i;
        inputs[i] = (struct carbon_input){
            "x", 1, carbon_spread_uniform(1 - half, 1 + half), 0};
        pieces[i] = (struct carbon_piece){0, 1, 1, {UP(i)}};
        variance += half * half / 3;
    }
    struct carbon_uncertainty *u = create(inputs, N, pieces, N, 1, 10000);
    struct carbon_interval t = carbon_uncertainty_total(u, 0);
    assert_near(t.mean, N, 1e-4, 0);
    /* sixty inputs on 10,007 points: pairs are even, larger sets only nearly */
    assert_near(t.sd, sqrt(variance), 2e-2, 0);
    struct carbon_influence s[N];
    carbon_uncertainty_influence(u, 0, -1, s);
    assert_int_equal(s[0].input, N - 1);
    double sum = 0;
    for (int i = 0; i < N; i++) {
        double half = 0.1 + 0.01 * s[i].input;
        /* an additive total: no interactions, shares add up to one */
        assert_near(s[i].total, half * half / 3 / variance, 5e-2, 0);
        sum += s[i].total;
    }
    assert_near(sum, 1, 3e-2, 0);
    carbon_uncertainty_destroy(u);
}

static void test_an_input_may_stand_twice_in_a_piece(void **state)
{
    (void)state;
    const struct carbon_input inputs[] = {
        {"x", 1, carbon_spread_uniform(0.5, 1.5), 0}};
    const struct carbon_piece pieces[] = {
        {0, 1, 2, {UP(0), UP(0)}},
        {1, 1, 2, {UP(0), DOWN(0)}},
    };
    struct carbon_uncertainty *u = create(inputs, 1, pieces, 2, 2, 20000);
    struct carbon_interval square = carbon_uncertainty_total(u, 0);
    /* E x^2 = 1 + 1/12 */
    assert_near(square.mean, 1 + 1.0 / 12, 1e-4, 0);
    struct carbon_interval one = carbon_uncertainty_total(u, 1);
    assert_near(one.sd, 0, 0, 1e-15);
    struct carbon_influence s[1];
    carbon_uncertainty_influence(u, 0, -1, s);
    assert_near(s[0].total, 1, 1e-2, 0);
    carbon_uncertainty_influence(u, 1, -1, s);
    assert_near(s[0].total, 0, 0, 0);
    carbon_uncertainty_destroy(u);
}

static void test_the_same_seed_gives_the_same_bits(void **state)
{
    (void)state;
    const struct carbon_input inputs[] = {
        {"x", 3, carbon_spread_lognormal(3, 2), 0}};
    const struct carbon_piece piece = {0, 1, 1, {UP(0)}};
    struct carbon_uncertainty *u = create(inputs, 1, &piece, 1, 1, 1000);
    struct carbon_uncertainty *v = create(inputs, 1, &piece, 1, 1, 1000);
    struct carbon_interval a = carbon_uncertainty_total(u, 0);
    struct carbon_interval b = carbon_uncertainty_total(v, 0);
    assert_memory_equal(&a, &b, sizeof a);
    carbon_uncertainty_destroy(u);
    carbon_uncertainty_destroy(v);
    carbon_uncertainty_destroy(NULL);
}

static void refused(struct carbon_input input,
                    struct carbon_piece piece,
                    int64_t draws,
                    enum fl_status code,
                    const char *what)
{
    struct fl_error err = {.text = ""};
    struct carbon_uncertainty *u = NULL;
    const struct carbon_uncertain_model model = {&input, 1, &piece, 1, 1};
    assert_int_equal(carbon_uncertainty_create(&model, draws, 1, &u, &err),
                     code);
    assert_null(u);
    if (!strstr(err.text, what))
        fail_msg("'%s', expected '%s'", err.text, what);
}

static void test_impossible_models_are_refused(void **state)
{
    (void)state;
    const struct carbon_input x = {"x", 1, carbon_spread_uniform(0, 2), 0};
    const struct carbon_piece piece = {0, 1, 1, {UP(0)}};
    refused(x, piece, 99, FL_E_ARG, "draws, found 99, allowed [100, 1000000]");
    refused(x, piece, 1000001, FL_E_ARG, "draws");
    struct carbon_input wrong = x;
    wrong.spread.high = -1;
    refused(wrong, piece, 100, FL_E_CONFIG, "x: uniform: found low 0, high -1");
    wrong = x;
    wrong.nominal = 0;
    refused(wrong, piece, 100, FL_E_CONFIG, "nominal value, found 0");
    struct carbon_piece bad = piece;
    bad.power[0].sign = -1;
    refused(x, bad, 100, FL_E_CONFIG, "x: uniform spread that comes near 0");
    wrong.nominal = 1;
    wrong.spread = carbon_spread_normal(1, 0.3);
    refused(wrong, bad, 100, FL_E_CONFIG, "normal: mean > 5 sd");
    bad = piece;
    bad.power[0].input = 1;
    refused(x, bad, 100, FL_E_ARG, "piece 0: input 1");
    bad = piece;
    bad.power[0].sign = 2;
    refused(x, bad, 100, FL_E_ARG, "to the power 2");
    bad = piece;
    bad.total = 1;
    refused(x, bad, 100, FL_E_ARG, "total 1");
    bad = piece;
    bad.n_powers = CARBON_MAX_POWERS + 1;
    refused(x, bad, 100, FL_E_ARG, "9 powers");
    bad = piece;
    bad.nominal = (double)NAN;
    refused(x, bad, 100, FL_E_ARG, "nan");
}

static void test_every_failing_allocation_is_an_error(void **state)
{
    (void)state;
    const struct carbon_input x = {"x", 1, carbon_spread_uniform(0, 2), 0};
    const struct carbon_piece piece = {0, 1, 1, {UP(0)}};
    const struct carbon_uncertain_model model = {&x, 1, &piece, 1, 1};
    struct carbon_uncertainty *u = NULL;
    int at = 1;
    for (; at < 50; at++) {
        (void)fl_alloc_fail_at(at);
        enum fl_status status =
            carbon_uncertainty_create(&model, 100, 1, &u, NULL);
        (void)fl_alloc_fail_at(0);
        if (status == FL_OK)
            break;
        assert_int_equal(status, FL_E_NOMEM);
    }
    assert_true(at > 5 && at < 50);
    carbon_uncertainty_destroy(u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_product_of_uniforms_is_the_closed_form),
        cmocka_unit_test(test_a_ratio_of_lognormals_is_lognormal),
        cmocka_unit_test(
            test_what_both_arms_share_does_not_decide_between_them),
        cmocka_unit_test(test_a_zero_value_is_where_costs_begin),
        cmocka_unit_test(test_a_sum_of_many_agrees_with_its_variance),
        cmocka_unit_test(test_an_input_may_stand_twice_in_a_piece),
        cmocka_unit_test(test_the_same_seed_gives_the_same_bits),
        cmocka_unit_test(test_impossible_models_are_refused),
        cmocka_unit_test(test_every_failing_allocation_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
