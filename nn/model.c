#include "nn/model_priv.h"

#include "base/alloc.h"
#include "base/rng.h"

#include <assert.h>
#include <math.h>

void nn_model_destroy(struct nn_model *model)
{
    if (!model)
        return;
    for (size_t i = 0; i < model->n_layers; i++)
        nn_layer_fini(&model->layers[i]);
    fl_free(model->layers);
    fl_free(model->views);
    fl_free(model);
}

int64_t nn_model_n_params(const struct nn_model *model)
{
    return model->n_params;
}

int64_t nn_model_classes(const struct nn_model *model)
{
    return model->classes;
}

const struct nn_shape *nn_model_input(const struct nn_model *model)
{
    return &model->input;
}

const struct nn_param_view *nn_model_params(const struct nn_model *model,
                                            size_t *ret_n)
{
    *ret_n = model->n_views;
    return model->views;
}

size_t nn_model_n_layers(const struct nn_model *model)
{
    return model->n_layers;
}

struct nn_cost nn_model_layer_cost(const struct nn_model *model,
                                   size_t i,
                                   const char **ret_name,
                                   struct nn_shape *ret_output)
{
    assert(i < model->n_layers);
    const struct nn_layer *layer = &model->layers[i];
    if (ret_name)
        *ret_name = layer->type->name;
    if (ret_output)
        *ret_output = layer->info.output;
    int64_t kept =
        layer->type->is_view ? 0 : nn_shape_size(&layer->info.output);
    return (struct nn_cost){
        .params = layer->n_params,
        .macs = layer->info.macs,
        .activation_bytes = kept * (int64_t)sizeof(float),
    };
}

struct nn_cost nn_model_cost(const struct nn_model *model)
{
    struct nn_cost sum = {0, 0, 0};
    for (size_t i = 0; i < model->n_layers; i++) {
        struct nn_cost cost = nn_model_layer_cost(model, i, NULL, NULL);
        sum.params += cost.params;
        sum.macs += cost.macs;
        sum.activation_bytes += cost.activation_bytes;
    }
    return sum;
}

bool nn_model_takes_tokens(const struct nn_model *model)
{
    for (size_t i = 0; i < model->n_layers; i++)
        if (model->layers[i].type->takes_tokens)
            return true;
    return false;
}

/* PyTorch's default for Linear and Conv2d, kaiming_uniform(a = sqrt(5)) of the
 * weight and the bias's own rule, is uniform in +-1/sqrt(fan_in). */
static void init_tensor(const struct nn_tensor *tensor,
                        struct fl_rng *rng,
                        int64_t n,
                        nn_real *ret)
{
    double value = tensor->init_value;
    if (tensor->init == NN_INIT_FAN_IN)
        value = 1 / sqrt((double)tensor->fan_in);
    for (int64_t i = 0; i < n; i++) {
        if (tensor->init == NN_INIT_CONSTANT)
            ret[i] = (nn_real)value;
        else if (tensor->init == NN_INIT_NORMAL)
            ret[i] = (nn_real)(fl_rng_normal(rng) * value);
        else
            ret[i] = (nn_real)((2 * fl_rng_uniform(rng) - 1) * value);
    }
}

void nn_model_init_params(const struct nn_model *model,
                          uint64_t seed,
                          nn_real *ret_params)
{
    for (size_t i = 0; i < model->n_layers; i++) {
        const struct nn_layer *layer = &model->layers[i];
        nn_real *p = ret_params + layer->param_offset;
        for (int t = 0; t < layer->info.n_tensors; t++) {
            const struct nn_tensor *tensor = &layer->info.tensor[t];
            struct fl_rng rng =
                fl_rng_stream(seed, FL_RNG_INIT, i, (uint64_t)t);
            int64_t size = 1;
            for (int d = 0; d < tensor->rank; d++)
                size *= tensor->dim[d];
            init_tensor(tensor, &rng, size, p);
            p += size;
        }
    }
}
