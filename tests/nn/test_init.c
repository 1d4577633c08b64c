/* Fresh weights: mean, variance and bounds of every way to draw them against
 * the closed forms of torch.nn.init's documentation. */
#include "nn/model.h"

#include "base/alloc.h"
#include "support/assert_near.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* One layer whose weight is large enough for statistics, its fans. */
static const struct {
    const char *layer; /* its options go behind it */
    const char *rest;
    struct nn_shape input;
    double fan_in, fan_out;
} places[] = {
    {"[{kind: dense, units: 40, name: w",
     "}, {kind: dense, units: classes}]",
     {1, {500}},
     500,
     40},
    {"[{kind: conv2d, channels: 50, kernel: 5, name: w",
     "}, flatten, {kind: dense, units: classes}]",
     {3, {6, 6, 16}},
     400,
     1250},
    {"[{kind: depthwise2d, kernel: 7, name: w",
     "}, flatten, {kind: dense, units: classes}]",
     {3, {7, 7, 400}},
     49,
     19600},
};

struct drawn {
    double n, mean, variance, largest, bias_largest;
};

static enum fl_status make_model(size_t place,
                                 const char *options,
                                 struct nn_model **ret,
                                 struct fl_error *err)
{
    char yaml[300];
    struct fl_config *config = NULL;
    (void)snprintf(yaml, sizeof yaml, "model: %s%s%s\n", places[place].layer,
                   options, places[place].rest);
    assert_ok(fl_config_parse("test", yaml, strlen(yaml), &config, err), err);
    const struct fl_node *spec = fl_node_find(fl_config_root(config), "model");
    enum fl_status status =
        nn_model_create(config, spec, &places[place].input, 3, ret, err);
    fl_config_destroy(config);
    return status;
}

static struct drawn draw(size_t place, const char *options)
{
    struct nn_model *model = NULL;
    struct fl_error err = {0};
    assert_ok(make_model(place, options, &model, &err), &err);
    nn_real *params =
        fl_calloc((size_t)nn_model_n_params(model), sizeof *params);
    assert_non_null(params);
    nn_model_init_params(model, 11, params);
    size_t n = 0;
    const struct nn_param_view *views = nn_model_params(model, &n);
    assert_string_equal(views[0].name, "w.weight");
    assert_string_equal(views[1].name, "w.bias");
    struct drawn drawn = {.n = (double)views[0].size};
    for (int64_t i = 0; i < views[0].size; i++) {
        double w = (double)params[views[0].offset + i];
        drawn.mean += w / drawn.n;
        drawn.variance += w * w / drawn.n;
        drawn.largest = fmax(drawn.largest, fabs(w));
    }
    for (int64_t i = 0; i < views[1].size; i++)
        drawn.bias_largest =
            fmax(drawn.bias_largest, fabs((double)params[views[1].offset + i]));
    fl_free(params);
    nn_model_destroy(model);
    return drawn;
}

/* Five standard errors: wrong once in two million draws, and the draw is
 * always the same. */
static void
assert_moments(const struct drawn *d, double variance, double spread)
{
    assert_near(d->mean, 0, 0, 5 * sqrt(variance / d->n));
    /* spread: variance of x^2 over variance^2 */
    assert_near(d->variance, variance, 5 * sqrt(spread / d->n), 0);
}

static void assert_uniform(const struct drawn *d, double bound)
{
    assert_moments(d, bound * bound / 3, 0.8);
    assert_true(d->largest <= bound);
    assert_true(d->largest > bound * (1 - 20 / d->n)); /* exp(-20) */
}

static void assert_normal(const struct drawn *d, double deviation)
{
    assert_moments(d, deviation * deviation, 2);
    /* of 19,600 or more numbers the largest is past 3.2 deviations */
    assert_true(d->largest > 3.2 * deviation);
    assert_true(d->largest < 6 * deviation);
}

static void test_weights_are_drawn_as_the_closed_forms_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        double in = places[i].fan_in, out = places[i].fan_out;
        struct drawn d = draw(i, "");
        assert_uniform(&d, 1 / sqrt(in));
        d = draw(i, ", init: default");
        assert_uniform(&d, 1 / sqrt(in));
        d = draw(i, ", init: kaiming_uniform");
        assert_uniform(&d, sqrt(6 / in));
        d = draw(i, ", init: kaiming_uniform, init_fan: out");
        assert_uniform(&d, sqrt(6 / out));
        d = draw(i, ", init: kaiming_normal");
        assert_normal(&d, sqrt(2 / in));
        d = draw(i, ", init: kaiming_normal, init_fan: out");
        assert_normal(&d, sqrt(2 / out));
        d = draw(i, ", init: xavier_uniform");
        assert_uniform(&d, sqrt(6 / (in + out)));
        d = draw(i, ", init: xavier_normal");
        assert_normal(&d, sqrt(2 / (in + out)));
        d = draw(i, ", init: normal, init_std: 0.02");
        assert_normal(&d, 0.02);
        d = draw(i, ", init: zeros");
        assert_near(d.largest, 0, 0, 0); /* exactly */
    }
}

static void test_the_bias_is_pytorchs_or_zero(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        double bound = 1 / sqrt(places[i].fan_in);
        struct drawn d = draw(i, ", init: zeros");
        assert_true(d.bias_largest <= bound);
        assert_true(d.bias_largest > bound / 2); /* of 40 numbers or more */
        d = draw(i, ", init: xavier_uniform, init_bias: zeros");
        assert_near(d.bias_largest, 0, 0, 0); /* exactly */
    }
}

static void test_options_that_do_not_go_together_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        ", init: normal", ", init: xavier_normal, init_std: 1",
        ", init: zeros, init_fan: out", ", init: kaimin_normal",
        ", init_std: -1"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        for (size_t place = 0; place < 3; place++) {
            struct nn_model *model = NULL;
            struct fl_error err = {0};
            assert_int_equal(make_model(place, wrong[i], &model, &err),
                             FL_E_CONFIG);
            assert_non_null(strstr(err.text, "init"));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weights_are_drawn_as_the_closed_forms_say),
        cmocka_unit_test(test_the_bias_is_pytorchs_or_zero),
        cmocka_unit_test(test_options_that_do_not_go_together_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
