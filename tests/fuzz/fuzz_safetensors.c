/* The reader of safetensors, on any bytes: it takes them or refuses them with a
 * text; what it takes are finite numbers in the order that the writer gives
 * back. */
#include "nn/safetensors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

enum { N_PARAMS = 8 };
static const char yaml[] = "model: [{kind: dense, units: classes}]\n";

static void must(int is_true)
{
    if (!is_true)
        abort(); /* how a fuzz target reports */
}

static struct nn_model *make_model(void)
{
    const struct nn_shape input = {1, {3}};
    struct fl_config *config = NULL;
    struct nn_model *model = NULL;
    must(fl_config_parse("fuzz", yaml, sizeof yaml - 1, &config, NULL) ==
         FL_OK);
    must(nn_model_create(config, fl_node_find(fl_config_root(config), "model"),
                         &input, 2, &model, NULL) == FL_OK);
    fl_config_destroy(config);
    must(nn_model_n_params(model) == N_PARAMS);
    return model;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct nn_model *model = make_model();
    struct fl_error err = {0};
    float params[N_PARAMS] = {0}, file[N_PARAMS];
    enum fl_status status =
        nn_safetensors_parse(model, "fuzz", bytes, n_bytes, params, &err);
    if (status == FL_OK) {
        nn_safetensors_layout(model, params, file);
        for (int i = 0; i < N_PARAMS; i++)
            must(isfinite(params[i]));
        must(file[1] == params[2] && file[3] == params[1]);
        must(n_bytes >= 8 + N_PARAMS * 2);
    } else {
        must((status == FL_E_FORMAT || status == FL_E_NUMERIC) &&
             err.text[0] != '\0');
        for (int i = 0; i < N_PARAMS; i++)
            must(params[i] == 0);
    }
    nn_model_destroy(model);
    return 0;
}
