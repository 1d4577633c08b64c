/* model.safetensors: the header, and that PyTorch's plain loops over the
 * written layout (channels first) give what our own forward pass gives. */
#include "support/assert_near.h"

#include "base/alloc.h"
#include "base/file.h"
#include "nn/safetensors.h"
#include "nn/train.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* conv2d 2x2, 3 channels on 4x5x2 -> relu -> flatten -> dense 4 */
enum { H = 4, W = 5, C = 2, OC = 3, K = 2, OH = 3, OW = 4, CLASSES = 4 };
enum { FLAT = OC * OH * OW, N_PARAMS = OC * C * K * K + OC + FLAT * 4 + 4 };

static const char yaml[] =
    "model: [{kind: conv2d, channels: 3, kernel: 2}, relu, flatten,\n"
    "        {kind: dense, units: classes}]\n";

static struct nn_model *make_model(void)
{
    struct fl_config *config = NULL;
    struct nn_model *model = NULL;
    struct fl_error err = {0};
    const struct nn_shape input = {3, {H, W, C}};
    assert_ok(fl_config_parse("test", yaml, sizeof yaml - 1, &config, &err),
              &err);
    assert_ok(nn_model_create(config,
                              fl_node_find(fl_config_root(config), "model"),
                              &input, CLASSES, &model, &err),
              &err);
    fl_config_destroy(config);
    assert_int_equal(nn_model_n_params(model), N_PARAMS);
    return model;
}

/* Cross-entropy of one image as PyTorch computes it: everything channels
 * first, weights [out, in, kh, kw] and [out, in]. */
static double loss_by_hand(const float *file, const float *x, int label)
{
    const float *conv = file, *conv_bias = conv + OC * C * K * K;
    const float *dense = conv_bias + OC, *dense_bias = dense + CLASSES * FLAT;
    double flat[FLAT], logits[CLASSES], sum = 0;
    for (int o = 0; o < OC; o++)
        for (int y = 0; y < OH; y++)
            for (int z = 0; z < OW; z++) {
                double v = (double)conv_bias[o];
                for (int c = 0; c < C; c++)
                    for (int i = 0; i < K; i++)
                        for (int j = 0; j < K; j++)
                            v += (double)conv[((o * C + c) * K + i) * K + j] *
                                 (double)x[((y + i) * W + z + j) * C + c];
                flat[(o * OH + y) * OW + z] = v > 0 ? v : 0;
            }
    for (int o = 0; o < CLASSES; o++) {
        logits[o] = (double)dense_bias[o];
        for (int i = 0; i < FLAT; i++)
            logits[o] += (double)dense[o * FLAT + i] * flat[i];
        sum += exp(logits[o]);
    }
    return log(sum) - logits[label];
}

static void test_plain_loops_over_the_file_give_our_loss(void **state)
{
    (void)state;
    struct nn_model *model = make_model();
    struct nn_workspace *ws = NULL;
    struct fl_error err = {0};
    float params[N_PARAMS], file[N_PARAMS], x[H * W * C];
    struct fl_rng rng = fl_rng_stream(5, FL_RNG_TEST, 0, 0);
    nn_model_init_params(model, 3, params);
    nn_safetensors_layout(model, params, file);
    assert_ok(nn_workspace_create(model, 1, &ws, &err), &err);
    for (int round = 0; round < 20; round++) {
        int32_t label = round % CLASSES;
        struct nn_score score = {0};
        for (int i = 0; i < H * W * C; i++)
            x[i] = (float)fl_rng_normal(&rng);
        assert_ok(nn_evaluate(ws, params, x, &label, 1, &score, &err), &err);
        /* some 40 float operations deep: 2^-24 each */
        assert_near(score.loss_sum, loss_by_hand(file, x, label), 1e-5, 1e-6);
    }
    nn_workspace_destroy(ws);
    nn_model_destroy(model);
}

static void test_the_header_describes_the_tensors(void **state)
{
    (void)state;
    char path[] = "/tmp/fl-test-safetensors-XXXXXX";
    struct nn_model *model = make_model();
    struct fl_error err = {0};
    float params[N_PARAMS], layout[N_PARAMS];
    uint8_t *file = NULL;
    size_t n = 0;
    uint64_t length = 0;
    (void)close(mkstemp(path));
    nn_model_init_params(model, 3, params);
    nn_safetensors_layout(model, params, layout);
    assert_ok(nn_safetensors_write(model, params, path, &err), &err);
    assert_ok(fl_file_read(path, 1 << 20, &file, &n, &err), &err);
    memcpy(&length, file, sizeof length);
    assert_int_equal(length % 8, 0);
    assert_int_equal(n, 8 + length + sizeof params);
    assert_memory_equal(file + 8 + length, layout, sizeof layout);
    json_t *json = json_loadb((char *)file + 8, length, 0, NULL);
    assert_non_null(json);
    json_t *weight = json_object_get(json, "0.weight");
    json_t *shape = json_object_get(weight, "shape");
    static const int expected[] = {OC, C, K, K};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(json_integer_value(json_array_get(shape, i)),
                         expected[i]);
    json_t *ends =
        json_object_get(json_object_get(json, "3.weight"), "data_offsets");
    assert_int_equal(json_integer_value(json_array_get(ends, 0)),
                     4 * (OC * C * K * K + OC));
    assert_int_equal(json_integer_value(json_array_get(ends, 1)),
                     4 * (N_PARAMS - CLASSES));
    json_decref(json);
    fl_free(file);
    (void)unlink(path);
    nn_model_destroy(model);
}

static void test_failures_leave_nothing(void **state)
{
    (void)state;
    struct nn_model *model = make_model();
    struct fl_error err = {0};
    float params[N_PARAMS] = {0};
    assert_int_equal(nn_safetensors_write(model, params, "/none/x", &err),
                     FL_E_IO);
    for (long nth = 1; nth <= 2; nth++) {
        (void)fl_alloc_fail_at(nth);
        assert_int_equal(nn_safetensors_write(model, params, "/tmp/x", &err),
                         FL_E_NOMEM);
    }
    (void)fl_alloc_fail_at(0);
    nn_model_destroy(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_loops_over_the_file_give_our_loss),
        cmocka_unit_test(test_the_header_describes_the_tensors),
        cmocka_unit_test(test_failures_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
