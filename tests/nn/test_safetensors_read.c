/* Safetensors in: what we wrote comes back to the bit, what PyTorch wrote
 * (argument 1, by torch_written.py) computes what PyTorch computed, and files
 * that are wrong are refused by name without touching anything. */
#include "nn/model_type.h"
#include "nn/registry.h"
#include "nn/safetensors.h"
#include "nn/train.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/parse.h"
#include "support/assert_near.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *torch_path;

/* dense 2 on 3 numbers: "0.weight" [2, 3] in the file, "0.bias" [2] */
enum { TINY_PARAMS = 8 };
static const char tiny[] = "model: [{kind: dense, units: classes}]\n";

static struct nn_model *
make_model(const char *yaml, struct nn_shape input, int64_t classes)
{
    struct fl_config *config = NULL;
    struct nn_model *model = NULL;
    struct fl_error err = {0};
    assert_ok(fl_config_parse("test", yaml, strlen(yaml), &config, &err), &err);
    assert_ok(nn_model_create(config,
                              fl_node_find(fl_config_root(config), "model"),
                              &input, classes, &model, &err),
              &err);
    fl_config_destroy(config);
    return model;
}

/* A file in memory. */
struct file {
    uint8_t bytes[2048];
    size_t n;
};

static void
file_of(struct file *file, const char *header, const void *data, size_t n_data)
{
    uint64_t length = strlen(header);
    assert_true(8 + length + n_data <= sizeof file->bytes);
    memcpy(file->bytes, &length, 8);
    memcpy(file->bytes + 8, header, length);
    if (n_data)
        memcpy(file->bytes + 8 + length, data, n_data);
    file->n = 8 + length + n_data;
}

static void test_every_model_comes_back_to_the_bit(void **state)
{
    (void)state;
    char path[] = "test_safetensors_XXXXXX";
    assert_int_equal(close(mkstemp(path)), 0);
    for (size_t m = 0; nn_models[m]; m++) {
        const struct nn_model_type *type = nn_models[m];
        struct nn_model *model = NULL;
        struct fl_error err = {0};
        assert_ok(nn_model_create_named(type->name, &type->example,
                                        type->example_classes, &model, &err),
                  &err);
        size_t n = (size_t)nn_model_n_params(model);
        float *params = fl_calloc(n, sizeof *params);
        float *again = fl_calloc(n, sizeof *again);
        assert_true(params && again);
        for (size_t i = 0; i < n; i++) /* each its own */
            params[i] = (float)(i % 16777216) * 0.25f - 1000;
        assert_ok(nn_safetensors_write(model, params, path, &err), &err);
        assert_ok(nn_safetensors_read(model, path, again, &err), &err);
        assert_memory_equal(again, params, n * sizeof *params);
        fl_free(params);
        fl_free(again);
        nn_model_destroy(model);
    }
    assert_int_equal(unlink(path), 0);
}

/* The losses of the image in torch_written.py, from the file's metadata. */
static void read_losses(const uint8_t *bytes, double ret[4])
{
    uint64_t length;
    memcpy(&length, bytes, sizeof length);
    json_t *header =
        json_loadb((const char *)bytes + 8, (size_t)length, 0, NULL);
    const json_t *metadata = json_object_get(header, "__metadata__");
    char text[200], *word = text;
    (void)snprintf(text, sizeof text, "%s",
                   json_string_value(json_object_get(metadata, "losses")));
    for (int i = 0; i < 4; i++) {
        struct fl_error err = {0};
        char *end = word + strcspn(word, " ");
        bool is_last = *end == '\0';
        *end = '\0';
        assert_ok(fl_parse_double(word, 0, 100, &ret[i], &err), &err);
        word = is_last ? end : end + 1;
    }
    json_decref(header);
}

static void test_a_state_dict_of_pytorch_computes_the_same(void **state)
{
    (void)state;
    struct fl_error err = {0};
    struct nn_workspace *ws = NULL;
    struct nn_model *model =
        make_model("model: [{kind: conv2d, channels: 3, kernel: 3}, batchnorm,"
                   " relu, flatten, {kind: dense, units: classes}]\n",
                   (struct nn_shape){3, {5, 4, 2}}, 4);
    float params[200], x[40];
    uint8_t *bytes = NULL;
    size_t n = 0;
    double losses[4];
    assert_true(nn_model_n_params(model) <= 200);
    assert_ok(nn_safetensors_read(model, torch_path, params, &err), &err);
    assert_ok(fl_file_read(torch_path, 1 << 20, &bytes, &n, &err), &err);
    read_losses(bytes, losses);
    for (int i = 0; i < 40; i++)
        x[i] = (float)(i % 11) / 4 - 1;
    assert_ok(nn_workspace_create(model, 1, &ws, &err), &err);
    for (int32_t label = 0; label < 4; label++) {
        struct nn_score score = {0};
        assert_ok(nn_evaluate(ws, params, x, &label, 1, &score, &err), &err);
        /* some 60 float operations deep: 2^-24 each */
        assert_near(score.loss_sum, losses[label], 4e-6, 0);
    }
    fl_free(bytes);
    nn_workspace_destroy(ws);
    nn_model_destroy(model);
}

static void read_tiny(const struct file *file, float ret[TINY_PARAMS])
{
    struct fl_error err = {0};
    struct nn_model *model = make_model(tiny, (struct nn_shape){1, {3}}, 2);
    assert_ok(nn_safetensors_parse(model, "F", file->bytes, file->n, ret, &err),
              &err);
    nn_model_destroy(model);
}

/* [out, in] in the file becomes [in, out]. */
static void test_numbers_of_other_widths_are_converted(void **state)
{
    (void)state;
    static const float expected[TINY_PARAMS] = {
        1, -2, 0.5f, 65504, 5.9604645e-8f, -0.000030517578f, 3, 4};
    static const uint16_t halves[] = {0x3C00, 0x3800, 0x0001,
                                      0xC000, 0x7BFF, 0x8200};
    static const uint16_t brains[] = {0x4040, 0x4080};
    struct file file;
    float params[TINY_PARAMS];
    uint8_t data[16];
    memcpy(data, brains, 4); /* in another order than the model's */
    memcpy(data + 4, halves, 12);
    file_of(&file,
            "{\"0.weight\":{\"dtype\":\"F16\",\"shape\":[2,3],"
            "\"data_offsets\":[4,16]},\"0.bias\":{\"dtype\":\"BF16\","
            "\"shape\":[2],\"data_offsets\":[0,4]}}  ",
            data, 16);
    read_tiny(&file, params);
    for (int i = 0; i < TINY_PARAMS; i++)
        assert_near((double)params[i], (double)expected[i], 1e-8, 0); /* 8
                                                   digits were written here */
    static const double wide[] = {1, 2, 3, 4, 5, 6, 0.1, -7};
    file_of(&file,
            "{\"0.weight\":{\"dtype\":\"F64\",\"shape\":[2,3],"
            "\"data_offsets\":[0,48]},\"0.bias\":{\"dtype\":\"F64\","
            "\"shape\":[2],\"data_offsets\":[48,64]}}",
            wide, sizeof wide);
    read_tiny(&file, params);
    static const float turned[] = {1, 4, 2, 5, 3, 6, 0.1f, -7};
    assert_memory_equal(params, turned, sizeof turned);
}

#define WEIGHT                                                                 \
    "\"0.weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]}"
#define BIAS                                                                   \
    "\"0.bias\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[24,32]}"

static void assert_refused(const struct file *file,
                           enum fl_status expected,
                           const char *words)
{
    struct fl_error err = {0};
    struct nn_model *model = make_model(tiny, (struct nn_shape){1, {3}}, 2);
    float params[TINY_PARAMS];
    for (int i = 0; i < TINY_PARAMS; i++)
        params[i] = 77;
    assert_int_equal(
        nn_safetensors_parse(model, "F", file->bytes, file->n, params, &err),
        expected);
    if (!strstr(err.text, words))
        fail_msg("'%s' without '%s'", err.text, words);
    for (int i = 0; i < TINY_PARAMS; i++)
        assert_true(params[i] == 77);
    nn_model_destroy(model);
}

static void test_wrong_headers_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *header, *words;
    } wrong[] = {
        {"{" WEIGHT "," BIAS, "header: "},
        {"[1]", "header, allowed an object"},
        {"{" WEIGHT "," WEIGHT "," BIAS "}", "duplicate"},
        {"{" WEIGHT ",\"0.bias\":{\"dtype\":\"F32\",\"shape\":[2],"
         "\"data_offsets\":[20,28]}}",
         "0.bias: overlaps"},
        {"{" WEIGHT ",\"0.bias\":{\"dtype\":\"F32\",\"shape\":[2],"
         "\"data_offsets\":[24,40]}}",
         "0.bias: data_offsets"},
        {"{" WEIGHT ",\"0.bias\":{\"dtype\":\"F32\",\"shape\":[2],"
         "\"data_offsets\":[28,24]}}",
         "0.bias: data_offsets"},
        {"{" WEIGHT ",\"0.bias\":{\"dtype\":\"F32\",\"shape\":[1],"
         "\"data_offsets\":[24,32]}}",
         "0.bias: shape and data_offsets do not agree"},
        {"{" WEIGHT ",\"0.bias\":{\"dtype\":\"F32\",\"shape\":[1],"
         "\"data_offsets\":[24,28]}}",
         "28 bytes of tensors, found 32"},
        {"{" WEIGHT ",\"0.bias\":{\"dtype\":\"F32\",\"shape\":[2,1],"
         "\"data_offsets\":[24,32]}}",
         "0.bias: shape, found [2, 1], allowed [2]"},
        {"{" WEIGHT ",\"0.bias\":{\"dtype\":\"I64\",\"shape\":[1],"
         "\"data_offsets\":[24,32]}}",
         "0.bias: dtype, found I64, allowed F32"},
        {"{" WEIGHT ",\"0.bias\":{\"dtype\":\"Q7\",\"shape\":[2],"
         "\"data_offsets\":[24,32]}}",
         "0.bias: dtype is missing or unknown"},
        {"{" WEIGHT ",\"0.bias\":{\"dtype\":\"F32\",\"shape\":2,"
         "\"data_offsets\":[24,32]}}",
         "0.bias: shape, allowed"},
        {"{" WEIGHT ",\"0.bias\":{\"dtype\":\"F32\",\"shape\":[-2],"
         "\"data_offsets\":[24,32]}}",
         "0.bias: shape, allowed"},
        {"{" WEIGHT ",\"0.bias\":{\"dtype\":\"F32\","
         "\"shape\":[4611686018427387904,4],\"data_offsets\":[24,32]}}",
         "0.bias: shape is larger than the file"},
        {"{" WEIGHT ",\"0.offset\":{\"dtype\":\"F32\",\"shape\":[2],"
         "\"data_offsets\":[24,32]}}",
         "missing 1 (0.bias), not in the model 1 (0.offset)"},
        {"{}", "32"},
    };
    const float data[TINY_PARAMS] = {0};
    struct file file;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        file_of(&file, wrong[i].header, data, sizeof data);
        assert_refused(&file, FL_E_FORMAT, wrong[i].words);
    }
    float good[TINY_PARAMS];
    file_of(&file, "{" WEIGHT "," BIAS "}", data, sizeof data);
    read_tiny(&file, good); /* what they are all made from */
}

static void test_every_beginning_of_a_file_is_refused(void **state)
{
    (void)state;
    const float data[TINY_PARAMS] = {0};
    struct file file;
    file_of(&file, "{" WEIGHT "," BIAS "}", data, sizeof data);
    for (size_t n = file.n; n-- > 0;) {
        file.n = n;
        assert_refused(&file, FL_E_FORMAT, "F: ");
    }
    uint64_t huge = UINT64_MAX;
    memcpy(file.bytes, &huge, sizeof huge);
    file.n = 64;
    assert_refused(&file, FL_E_FORMAT, "not a safetensors file");
}

static void test_every_tensor_that_does_not_fit_is_named(void **state)
{
    (void)state;
    struct file file;
    file_of(&file,
            "{\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]},"
            "\"b.num_batches_tracked\":{\"dtype\":\"I64\",\"shape\":[],"
            "\"data_offsets\":[0,8]}}",
            "12345678", 8);
    assert_refused(&file, FL_E_FORMAT,
                   "missing 2 (0.weight, 0.bias), not in the model 1 (a)");
}

static void test_numbers_that_are_not_finite_are_refused(void **state)
{
    (void)state;
    struct file file;
    float data[TINY_PARAMS] = {0};
    data[4] = NAN;
    file_of(&file, "{" WEIGHT "," BIAS "}", data, sizeof data);
    assert_refused(&file, FL_E_NUMERIC, "0.weight: number 4 is");
    static const double wide[] = {1, 2, 3, 4, 5, 6, 1e39, 0};
    file_of(&file,
            "{\"0.weight\":{\"dtype\":\"F64\",\"shape\":[2,3],"
            "\"data_offsets\":[0,48]},\"0.bias\":{\"dtype\":\"F64\","
            "\"shape\":[2],\"data_offsets\":[48,64]}}",
            wide, sizeof wide);
    assert_refused(&file, FL_E_NUMERIC, "0.bias: number 0 is inf");
}

static void test_memory_that_runs_out_and_no_file_are_errors(void **state)
{
    (void)state;
    struct nn_model *model = make_model(tiny, (struct nn_shape){1, {3}}, 2);
    struct file file;
    float data[TINY_PARAMS] = {0}, params[TINY_PARAMS];
    struct fl_error err = {0};
    file_of(&file, "{" WEIGHT "," BIAS "}", data, sizeof data);
    for (long nth = 1; nth <= 2; nth++) {
        (void)fl_alloc_fail_at(nth);
        assert_int_equal(
            nn_safetensors_parse(model, "F", file.bytes, file.n, params, &err),
            FL_E_NOMEM);
    }
    (void)fl_alloc_fail_at(0);
    assert_int_equal(nn_safetensors_read(model, "/none/x", params, &err),
                     FL_E_IO);
    nn_model_destroy(model);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: test_safetensors_read FILE\n");
        return EXIT_FAILURE;
    }
    torch_path = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_model_comes_back_to_the_bit),
        cmocka_unit_test(test_a_state_dict_of_pytorch_computes_the_same),
        cmocka_unit_test(test_numbers_of_other_widths_are_converted),
        cmocka_unit_test(test_wrong_headers_are_refused),
        cmocka_unit_test(test_every_beginning_of_a_file_is_refused),
        cmocka_unit_test(test_every_tensor_that_does_not_fit_is_named),
        cmocka_unit_test(test_numbers_that_are_not_finite_are_refused),
        cmocka_unit_test(test_memory_that_runs_out_and_no_file_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
