#include "nn/model.h"
#include "nn/layer.h"
#include "nn/model_type.h"
#include "nn/registry.h"

#include "base/alloc.h"
#include "support/assert_near.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct nn_shape mnist = {3, {28, 28, 1}};
static const struct nn_shape cifar = {3, {32, 32, 3}};

static struct nn_model *named(const char *name, const struct nn_shape *input)
{
    struct fl_error err;
    struct nn_model *model = NULL;
    assert_ok(nn_model_create_named(name, input, 10, &model, &err), &err);
    return model;
}

static struct nn_model *of_type(const struct nn_model_type *type)
{
    struct fl_error err;
    struct nn_model *model = NULL;
    assert_ok(nn_model_create_named(type->name, &type->example,
                                    type->example_classes, &model, &err),
              &err);
    return model;
}

/* A model from "{model: ...}"; NULL with its error in ret. */
static struct nn_model *
from_text(const char *text, const struct nn_shape *input, struct fl_error *ret)
{
    struct fl_error err;
    struct fl_config *config = NULL;
    assert_ok(fl_config_parse("user.yaml", text, strlen(text), &config, &err),
              &err);
    const struct fl_node *spec = fl_node_find(fl_config_root(config), "model");
    assert_non_null(spec);
    struct nn_model *model = NULL;
    enum fl_status status =
        nn_model_create(config, spec, input, 10, &model, ret);
    if (status != FL_OK) {
        assert_int_equal(status, FL_E_CONFIG);
        assert_null(model);
    }
    fl_config_destroy(config);
    return model;
}

static void assert_refused(const char *text,
                           const struct nn_shape *input,
                           const char *place,
                           const char *what)
{
    struct fl_error err = {.text = ""};
    struct nn_model *model = from_text(text, input, &err);
    if (model)
        fail_msg("accepted: %s", text);
    if (!strstr(err.text, place) || !strstr(err.text, what))
        fail_msg("'%s' gives '%s', expected '%s' and '%s'", text, err.text,
                 place, what);
}

struct expected {
    const char *layer;
    int64_t params, macs, activation_bytes;
};

static void assert_costs(const char *name,
                         const struct nn_shape *input,
                         const struct expected *expected,
                         size_t n)
{
    struct nn_model *model = named(name, input);
    assert_int_equal(nn_model_n_layers(model), n);
    struct nn_cost sum = {0, 0, 0};
    for (size_t i = 0; i < n; i++) {
        const char *layer;
        struct nn_shape output;
        struct nn_cost cost = nn_model_layer_cost(model, i, &layer, &output);
        assert_string_equal(layer, expected[i].layer);
        assert_int_equal(cost.params, expected[i].params);
        assert_int_equal(cost.macs, expected[i].macs);
        assert_int_equal(cost.activation_bytes, expected[i].activation_bytes);
        sum.params += expected[i].params;
        sum.macs += expected[i].macs;
        sum.activation_bytes += expected[i].activation_bytes;
    }
    struct nn_cost total = nn_model_cost(model);
    assert_int_equal(total.params, sum.params);
    assert_int_equal(total.params, nn_model_n_params(model));
    assert_int_equal(total.macs, sum.macs);
    assert_int_equal(total.activation_bytes, sum.activation_bytes);
    nn_model_destroy(model);
}

/* Worked out with a pencil: parameters k*k*c*o + o or in*out + out, multiply-
 * accumulates out_h*out_w*k*k*c*o or in*out, four bytes per output. */
static void test_lenet5_costs_what_a_pencil_says(void **state)
{
    (void)state;
    static const struct expected expected[] = {
        {"conv2d", 5 * 5 * 1 * 6 + 6, 28 * 28 * 25 * 6, 28 * 28 * 6 * 4},
        {"relu", 0, 0, 28 * 28 * 6 * 4},
        {"maxpool2d", 0, 0, 14 * 14 * 6 * 4},
        {"conv2d", 5 * 5 * 6 * 16 + 16, 10 * 10 * 150 * 16, 10 * 10 * 16 * 4},
        {"relu", 0, 0, 10 * 10 * 16 * 4},
        {"maxpool2d", 0, 0, 5 * 5 * 16 * 4},
        {"flatten", 0, 0, 0},
        {"dense", 400 * 120 + 120, 48000, 480},
        {"relu", 0, 0, 480},
        {"dense", 120 * 84 + 84, 10080, 336},
        {"relu", 0, 0, 336},
        {"dense", 84 * 10 + 10, 840, 40},
    };
    assert_costs("lenet5", &mnist, expected, 12);
    struct nn_model *model = named("lenet5", &mnist);
    assert_int_equal(nn_model_n_params(model), 61706);
    nn_model_destroy(model);
}

static void test_cnn2_costs_what_a_pencil_says(void **state)
{
    (void)state;
    static const struct expected expected[] = {
        {"conv2d", 832, 627200, 28 * 28 * 32 * 4},
        {"relu", 0, 0, 28 * 28 * 32 * 4},
        {"maxpool2d", 0, 0, 14 * 14 * 32 * 4},
        {"conv2d", 51264, 10035200, 14 * 14 * 64 * 4},
        {"relu", 0, 0, 14 * 14 * 64 * 4},
        {"maxpool2d", 0, 0, 7 * 7 * 64 * 4},
        {"flatten", 0, 0, 0},
        {"dense", 1606144, 1605632, 2048},
        {"relu", 0, 0, 2048},
        {"dense", 5130, 5120, 40},
    };
    assert_costs("cnn2", &mnist, expected, 10);
    struct nn_model *model = named("cnn2", &mnist);
    assert_int_equal(nn_model_n_params(model), 1663370);
    nn_model_destroy(model);
}

static void test_simple_cnn_costs_what_a_pencil_says(void **state)
{
    (void)state;
    static const struct expected expected[] = {
        {"conv2d", 896, 777600, 30 * 30 * 32 * 4},
        {"relu", 0, 0, 30 * 30 * 32 * 4},
        {"conv2d", 18496, 14450688, 28 * 28 * 64 * 4},
        {"relu", 0, 0, 28 * 28 * 64 * 4},
        {"maxpool2d", 0, 0, 14 * 14 * 64 * 4},
        {"dropout", 0, 0, 14 * 14 * 64 * 4},
        {"flatten", 0, 0, 0},
        {"dense", 1605760, 1605632, 512},
        {"relu", 0, 0, 512},
        {"dropout", 0, 0, 512},
        {"dense", 1290, 1280, 40},
    };
    assert_costs("simple_cnn", &cifar, expected, 11);
    struct nn_model *model = named("simple_cnn", &cifar);
    assert_int_equal(nn_model_n_params(model), 1626442);
    nn_model_destroy(model);
}

static void test_logreg_and_mlp_have_their_published_sizes(void **state)
{
    (void)state;
    struct nn_model *model = named("logreg", &mnist);
    assert_int_equal(nn_model_n_params(model), 7850);
    nn_model_destroy(model);
    model = named("mlp", &mnist); /* McMahan's 2NN: 199,210 */
    assert_int_equal(nn_model_n_params(model), 199210);
    nn_model_destroy(model);
}

static void test_resnets_have_their_published_sizes(void **state)
{
    (void)state;
    struct nn_model *model = named("resnet18", &cifar);
    /* torchvision's 11,689,512 with a first convolution of 3x3 instead of 7x7
     * and 10 classes instead of 1000 */
    assert_int_equal(nn_model_n_params(model),
                     11689512 - 3 * 64 * (49 - 9) - 513 * 990);
    nn_model_destroy(model);
    model = named("resnet20", &cifar);
    /* He et al.'s 0.27 M, plus the two projections and their norms */
    assert_int_equal(nn_model_n_params(model),
                     269722 + 16 * 32 + 64 + 32 * 64 + 128);
    nn_model_destroy(model);
}

static void test_views_tile_the_flat_vector_in_order(void **state)
{
    (void)state;
    for (size_t m = 0; nn_models[m]; m++) {
        struct nn_model *model = of_type(nn_models[m]);
        size_t n = 0;
        const struct nn_param_view *views = nn_model_params(model, &n);
        int64_t at = 0;
        for (size_t i = 0; i < n; i++) {
            int64_t size = 1;
            for (int d = 0; d < views[i].rank; d++)
                size *= views[i].dim[d];
            assert_int_equal(views[i].offset, at);
            assert_int_equal(views[i].size, size);
            at += size;
        }
        assert_int_equal(at, nn_model_n_params(model));
        assert_true(strlen(nn_models[m]->doc) > 10);
        nn_model_destroy(model);
    }
}

static void test_views_are_named_by_layer_and_tensor(void **state)
{
    (void)state;
    struct nn_model *model = named("cnn2", &mnist);
    size_t n = 0;
    const struct nn_param_view *views = nn_model_params(model, &n);
    assert_int_equal(n, 8);
    assert_string_equal(views[2].name, "3.weight");
    assert_int_equal(views[2].offset, 832);
    assert_int_equal(views[2].rank, 4);
    static const int64_t dim[] = {5, 5, 32, 64};
    assert_memory_equal(views[2].dim, dim, sizeof dim);
    assert_string_equal(views[7].name, "9.bias");
    nn_model_destroy(model);
}

static void test_fresh_parameters_are_pytorchs_uniform(void **state)
{
    (void)state;
    struct nn_model *model = named("cnn2", &mnist);
    size_t n = (size_t)nn_model_n_params(model);
    nn_real *a = fl_calloc(n, sizeof *a), *b = fl_calloc(n, sizeof *b);
    assert_true(a && b);
    nn_model_init_params(model, 5, a);
    nn_model_init_params(model, 5, b);
    assert_memory_equal(a, b, n * sizeof *a);
    nn_model_init_params(model, 6, b);
    assert_true(memcmp(a, b, n * sizeof *a) != 0);
    /* the dense weight: 1.6e6 numbers uniform in +-1/sqrt(3136) = +-1/56 */
    double sum = 0, squares = 0, most = 0;
    for (int64_t i = 52096; i < 52096 + 1605632; i++) {
        double v = (double)a[i];
        sum += v;
        squares += v * v;
        most = fabs(v) > most ? fabs(v) : most;
    }
    /* standard errors: mean 1/56/sqrt(3)/sqrt(1.6e6) = 8e-6, variance 0.09 %
     * of 1/56^2/3; five of them */
    assert_near(sum / 1605632, 0, 0, 4e-5);
    assert_near(squares / 1605632, 1.0 / 3136 / 3, 4.5e-3, 0);
    assert_true(most <= 1.0 / 56 && most > 0.999 / 56);
    fl_free(a);
    fl_free(b);
    nn_model_destroy(model);
}

static void test_a_list_equals_the_named_model(void **state)
{
    (void)state;
    struct fl_error err = {.text = ""};
    struct nn_model *model = from_text("model:\n"
                                       "  - flatten\n"
                                       "  - {kind: dense, units: 200}\n"
                                       "  - relu\n"
                                       "  - {kind: dense, units: 200}\n"
                                       "  - {kind: relu}\n"
                                       "  - {kind: dense, units: classes}\n",
                                       &mnist, &err);
    assert_non_null(model);
    assert_int_equal(nn_model_n_params(model), 199210);
    assert_int_equal(nn_model_classes(model), 10);
    nn_model_destroy(model);
    model = from_text("model: mlp\n", &mnist, &err);
    assert_non_null(model);
    nn_model_destroy(model);
}

static void test_mistakes_are_told_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *place, *what;
    } cases[] = {
        {"model: cnn3\n", "user.yaml:1:8", "cnn2"},
        {"model: {kind: cnn2}\n", "user.yaml:1:8", "name"},
        {"model: []\n", "user.yaml:1:8", "at least one"},
        {"model:\n  - flatten\n  - {kind: dens, units: 10}\n", "user.yaml:3:12",
         "dense"},
        {"model:\n  - flaten\n", "user.yaml:2:5", "flatten"},
        {"model:\n  - {units: 10}\n", "user.yaml:2:5", "kind"},
        {"model:\n  - [1, 2]\n", "user.yaml:2:5", "kind"},
        {"model:\n  - {kind: dense, units: 10}\n", "user.yaml:2:5",
         "put flatten before"},
        {"model:\n  - {kind: conv2d, channels: 8, kernel: 29}\n",
         "user.yaml:2:5", "allowed [1, 28]"},
        {"model:\n  - {kind: conv2d, channels: 8, kernel: 0}\n",
         "user.yaml:2:41", "kernel"},
        {"model:\n  - {kind: conv2d, channels: 8, kernel: 3.5}\n",
         "user.yaml:2:41", "3.5"},
        {"model:\n  - {kind: conv2d, channels: 8}\n", "user.yaml:2:5",
         "kernel"},
        {"model:\n  - {kind: conv2d, channels: 8, kernel: 3, pading: 1}\n",
         "user.yaml:2:44", "padding"},
        {"model:\n  - {kind: conv2d, channels: -1, kernel: 3}\n",
         "user.yaml:2:30", "channels"},
        {"model:\n  - {kind: maxpool2d, kernel: 2, stride: -1}\n",
         "user.yaml:2:42", "stride"},
        {"model:\n  - {kind: avgpool2d, kernel: 30}\n", "user.yaml:2:5",
         "allowed [1, 28]"},
        {"model:\n  - flatten\n  - {kind: maxpool2d, kernel: 2}\n",
         "user.yaml:3:5", "image"},
        {"model:\n  - flatten\n  - {kind: dropout, p: 1}\n", "user.yaml:3:24",
         "p"},
        {"model:\n  - flatten\n", "user.yaml:2:5", "found 784"},
        {"model:\n  - flatten\n  - {kind: dense, units: 11}\n", "user.yaml:3:5",
         "found 11"},
        {"model:\n  - {kind: conv2d, channels: 10, kernel: 3}\n",
         "user.yaml:2:5", "26x26x10"},
        {"model:\n  - flatten\n  - {kind: dense, units: 16777216}\n",
         "user.yaml:3:5", "2147483648"},
        {"model:\n  - {kind: conv2d, channels: 65536, kernel: 255, "
         "padding: 255}\n",
         "user.yaml:2:5", "2147483648"},
        {"model:\n  - {kind: relu, slope: 1}\n", "user.yaml:2:18", "slope"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_refused(cases[i].text, &mnist, cases[i].place, cases[i].what);
}

static void test_all_mistakes_of_a_list_are_told_at_once(void **state)
{
    (void)state;
    const char *text = "model:\n"
                       "  - {kind: conv2d, channels: x, kernel: 3}\n"
                       "  - rellu\n"
                       "  - {kind: dense, unit: classes}\n";
    assert_refused(text, &mnist, "user.yaml:2:", "channels");
    assert_refused(text, &mnist, "user.yaml:3:5", "relu");
    assert_refused(text, &mnist, "user.yaml:4:", "units");
}

static void test_a_named_model_that_does_not_fit_says_why(void **state)
{
    (void)state;
    struct nn_shape tiny = {3, {4, 4, 1}};
    assert_refused("model: lenet5\n", &tiny, "user.yaml:1:8", "4x4x1");
    assert_refused("model: lenet5\n", &tiny, "user.yaml:1:8", "kernel");
}

static void test_models_without_parameters_are_refused(void **state)
{
    (void)state;
    struct nn_shape ten = {1, {10}};
    assert_refused("model: [relu]\n", &ten, "user.yaml:1:8",
                   "without parameters");
}

static void test_too_many_parameters_in_total_are_refused(void **state)
{
    (void)state;
    struct nn_shape wide = {1, {1000}};
    assert_refused("model:\n"
                   "  - {kind: dense, units: 2000000}\n"
                   "  - {kind: dense, units: 1000}\n"
                   "  - {kind: dense, units: classes}\n",
                   &wide, "user.yaml:2:3", "parameters");
}

static void test_impossible_arguments_are_refused(void **state)
{
    (void)state;
    struct nn_model *model = NULL;
    struct nn_shape huge = {3, {1 << 16, 1 << 16, 1 << 16}};
    struct nn_shape zero = {1, {0}}, rankless = {0, {1}};
    const struct nn_shape *shapes[] = {&huge, &zero, &rankless};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(
            nn_model_create_named("logreg", shapes[i], 10, &model, NULL),
            FL_E_ARG);
    assert_int_equal(nn_model_create_named("logreg", &mnist, 0, &model, NULL),
                     FL_E_ARG);
    assert_int_equal(nn_model_create_named("none", &mnist, 10, &model, NULL),
                     FL_E_CONFIG);
    assert_null(model);
    nn_model_destroy(NULL);
}

static void test_every_failing_allocation_is_an_error(void **state)
{
    (void)state;
    for (long nth = 1;; nth++) {
        struct fl_error err;
        struct nn_model *model = NULL;
        (void)fl_alloc_fail_at(nth);
        enum fl_status status =
            nn_model_create_named("lenet5", &mnist, 10, &model, &err);
        long asked = fl_alloc_fail_at(0);
        if (status == FL_OK) {
            assert_true(asked < nth);
            nn_model_destroy(model);
            assert_true(nth > 5);
            return;
        }
        assert_int_equal(status, FL_E_NOMEM);
        assert_null(model);
    }
}

static void test_shapes_print(void **state)
{
    (void)state;
    char text[64];
    nn_shape_text(&mnist, text);
    assert_string_equal(text, "28x28x1");
    struct nn_shape vector = {1, {400}};
    nn_shape_text(&vector, text);
    assert_string_equal(text, "400");
    assert_int_equal(nn_shape_size(&cifar), 3072);
    struct nn_shape nothing = {0, {0}};
    assert_int_equal(nn_shape_size(&nothing), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lenet5_costs_what_a_pencil_says),
        cmocka_unit_test(test_cnn2_costs_what_a_pencil_says),
        cmocka_unit_test(test_simple_cnn_costs_what_a_pencil_says),
        cmocka_unit_test(test_logreg_and_mlp_have_their_published_sizes),
        cmocka_unit_test(test_resnets_have_their_published_sizes),
        cmocka_unit_test(test_views_tile_the_flat_vector_in_order),
        cmocka_unit_test(test_views_are_named_by_layer_and_tensor),
        cmocka_unit_test(test_fresh_parameters_are_pytorchs_uniform),
        cmocka_unit_test(test_a_list_equals_the_named_model),
        cmocka_unit_test(test_mistakes_are_told_with_their_place),
        cmocka_unit_test(test_all_mistakes_of_a_list_are_told_at_once),
        cmocka_unit_test(test_a_named_model_that_does_not_fit_says_why),
        cmocka_unit_test(test_models_without_parameters_are_refused),
        cmocka_unit_test(test_too_many_parameters_in_total_are_refused),
        cmocka_unit_test(test_impossible_arguments_are_refused),
        cmocka_unit_test(test_every_failing_allocation_is_an_error),
        cmocka_unit_test(test_shapes_print),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
