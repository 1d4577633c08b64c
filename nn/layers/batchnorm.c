/* y = (x - mean[c]) / sqrt(var[c] + eps) * weight[c] + bias[c]
 *
 * as PyTorch's BatchNorm2d of an image and BatchNorm1d of a vector: in training
 * with mean and biased variance of each channel over the batch, in evaluation
 * with the running ones, which every training step moves by
 * running = (1 - momentum) running + momentum * the batch's (its variance
 * unbiased; a batch of a single number per channel has none and leaves it).
 * PyTorch's count num_batches_tracked is left out: nothing reads it.
 *
 * Federated use: a batch's statistics are those of one client's data, and the
 * running ones are averaged between clients like trained parameters. With
 * unlike clients the average fits none of them and training may stall (Hsieh et
 * al. 2020, "The Non-IID Data Quagmire of Decentralized Machine Learning"):
 * prefer groupnorm. Running variances are averages of variances, without the
 * variance between clients' means.
 */
#include "nn/kernels/table_priv.h"
#include "nn/norm_priv.h"

#include <math.h>
#include <string.h>

struct opts {
    double momentum, eps;
};

static const struct fl_param params_table[] = {
    {.key = "momentum",
     .kind = FL_PARAM_DOUBLE,
     .offset = offsetof(struct opts, momentum),
     .min = 0,
     .max = 1,
     .def = "0.1",
     .doc = "Share of a batch in the running mean and variance."},
    {.key = "eps",
     .kind = FL_PARAM_DOUBLE,
     .offset = offsetof(struct opts, eps),
     .min = 0,
     .max = 1,
     .min_open = true,
     .def = "1e-5",
     .doc = "Added to the variance."},
    {.key = NULL},
};

/* Parameters and, in training, the state of the batch's first sample; both
 * vectors of one number per channel. */
enum { WEIGHT, BIAS, RUNNING_MEAN, RUNNING_VAR };
enum { MEAN, REST, VAR, N_STATE };

static int64_t channels_of(const struct nn_call *call)
{
    return call->input->dim[call->input->rank - 1];
}

static enum fl_status infer(const void *opts,
                            const struct nn_shape *input,
                            struct nn_layer_info *ret,
                            struct fl_error *err)
{
    (void)opts;
    (void)err;
    int64_t channels = input->dim[input->rank - 1];
    struct nn_tensor each = {
        .rank = 1, .dim = {channels}, .fan_in = 1, .init = NN_INIT_CONSTANT};
    *ret = (struct nn_layer_info){
        .output = *input,
        .n_tensors = 4,
        .tensor = {each, each, each, each},
        .state_bytes = (size_t)(N_STATE * channels) * sizeof(nn_real),
        .scratch_bytes = nn_norm_scratch_bytes(channels),
    };
    static const char *const names[] = {"weight", "bias", "running_mean",
                                        "running_var"};
    for (int i = 0; i < 4; i++) {
        ret->tensor[i].name = names[i];
        ret->tensor[i].init_value = i == WEIGHT || i == RUNNING_VAR;
        ret->tensor[i].is_buffer = i >= RUNNING_MEAN;
    }
    return FL_OK;
}

static struct nn_norm norm_of(const struct nn_call *call, const nn_real *params)
{
    const struct opts *o = call->opts;
    int64_t channels = channels_of(call);
    return (struct nn_norm){
        .kernels = call->kernels->image,
        .pixels = call->n * (nn_shape_size(call->input) / channels),
        .channels = channels,
        .groups = channels,
        .eps = o->eps,
        .weight = params + WEIGHT * channels,
        .bias = params + BIAS * channels,
        .stats = call->state,
        .scratch = call->scratch,
    };
}

static void forward(const struct nn_call *call,
                    const nn_real *params,
                    const nn_real *x,
                    nn_real *ret_y)
{
    struct nn_norm norm = norm_of(call, params);
    int64_t channels = norm.channels;
    if (call->is_training) {
        nn_norm_measure(&norm, x, norm.stats + VAR * channels);
    } else {
        const nn_real *var = params + RUNNING_VAR * channels;
        memcpy(norm.stats, params + RUNNING_MEAN * channels,
               (size_t)channels * sizeof *norm.stats);
        for (int64_t c = 0; c < channels; c++)
            norm.stats[REST * channels + c] =
                (nn_real)(1 / sqrt((double)var[c] + norm.eps));
    }
    nn_norm_apply(&norm, x, NULL, false, ret_y);
}

static void backward(const struct nn_call *call,
                     const nn_real *params,
                     const nn_real *x,
                     const nn_real *y,
                     const nn_real *dy,
                     nn_real *ret_dx,
                     nn_real *acc_dparams)
{
    (void)y;
    struct nn_norm norm = norm_of(call, params);
    struct nn_norm_back back = {
        .x = x,
        .dy = dy,
        .ret_dx = ret_dx,
        .acc_weight = acc_dparams + WEIGHT * norm.channels,
        .acc_bias = acc_dparams + BIAS * norm.channels,
    };
    nn_norm_backward(&norm, &back);
}

static void finish(const struct nn_call *call, nn_real *params)
{
    const struct opts *o = call->opts;
    int64_t channels = channels_of(call);
    double n =
        (double)call->n * (double)nn_shape_size(call->input) / (double)channels;
    const nn_real *stats = call->state;
    nn_real *mean = params + RUNNING_MEAN * channels;
    nn_real *var = params + RUNNING_VAR * channels;
    for (int64_t c = 0; c < channels; c++) {
        mean[c] = (nn_real)((1 - o->momentum) * (double)mean[c] +
                            o->momentum * (double)stats[MEAN * channels + c]);
        if (n > 1)
            var[c] = (nn_real)((1 - o->momentum) * (double)var[c] +
                               o->momentum * (double)stats[VAR * channels + c] *
                                   n / (n - 1));
    }
}

static const struct nn_layer_example examples[] = {
    {"{kind: batchnorm}", {3, {3, 4, 5}}},
    {"{kind: batchnorm, momentum: 0.3, eps: 0.01}", {3, {2, 3, 17}}},
    {"{kind: batchnorm}", {1, {33}}},
    {NULL, {0, {0}}},
};

const struct nn_layer_type nn_layer_batchnorm = {
    .name = "batchnorm",
    .doc = "Normalises each channel over the batch; groupnorm suits federated "
           "training better.",
    .params = params_table,
    .opts_size = sizeof(struct opts),
    .needs_x = true,
    .wants_batch = true,
    .sees_batch = true,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .finish = finish,
    .examples = examples,
};
