/* y = x W + b, with W [in, out] and b [out].
 *
 * PyTorch's Linear keeps the transpose, weight [out, in].
 */
#include "nn/gemm_priv.h"
#include "nn/layer.h"

#include <string.h>

struct opts {
    int64_t units;
    bool bias;
};

static const struct fl_param params_table[] = {
    {.key = "units",
     .kind = FL_PARAM_INT,
     .offset = offsetof(struct opts, units),
     .min = 1,
     .max = 1 << 24,
     .required = true,
     .doc = "Numbers that come out; `classes` in the last layer."},
    {.key = "bias",
     .kind = FL_PARAM_BOOL,
     .offset = offsetof(struct opts, bias),
     .def = "true",
     .doc = "Whether to add a trained number to each unit."},
    {.key = NULL},
};

static enum fl_status infer(const void *opts,
                            const struct nn_shape *input,
                            struct nn_layer_info *ret,
                            struct fl_error *err)
{
    const struct opts *o = opts;
    if (input->rank != 1) {
        char text[64];
        nn_shape_text(input, text);
        return fl_fail(err, FL_E_CONFIG,
                       "input, found %s, allowed a vector (put flatten before "
                       "dense)",
                       text);
    }
    int64_t in = input->dim[0];
    FL_TRY(nn_check_elements("parameters", (in + 1) * o->units, err));
    *ret = (struct nn_layer_info){
        .output = {1, {o->units}},
        .n_tensors = o->bias ? 2 : 1,
        .tensor =
            {
                {.name = "weight",
                 .rank = 2,
                 .dim = {in, o->units},
                 .fan_in = in},
                {.name = "bias", .rank = 1, .dim = {o->units}, .fan_in = in},
            },
        .macs = in * o->units,
    };
    return FL_OK;
}

static void forward(const struct nn_call *call,
                    const nn_real *params,
                    const nn_real *x,
                    nn_real *ret_y)
{
    const struct opts *o = call->opts;
    int64_t in = call->input->dim[0], out = o->units;
    if (o->bias)
        for (int64_t b = 0; b < call->n; b++)
            memcpy(ret_y + b * out, params + in * out,
                   (size_t)out * sizeof *ret_y);
    nn_gemm(call->n, out, in, (struct nn_matrix){x, in, false},
            (struct nn_matrix){params, out, false}, o->bias ? 1 : 0, ret_y,
            out);
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
    const struct opts *o = call->opts;
    int64_t in = call->input->dim[0], out = o->units;
    nn_gemm(in, out, call->n, (struct nn_matrix){x, in, true},
            (struct nn_matrix){dy, out, false}, 1, acc_dparams, out);
    if (o->bias) {
        nn_real *acc_db = acc_dparams + in * out;
        for (int64_t b = 0; b < call->n; b++)
            for (int64_t j = 0; j < out; j++)
                acc_db[j] += dy[b * out + j];
    }
    if (ret_dx)
        nn_gemm(call->n, in, out, (struct nn_matrix){dy, out, false},
                (struct nn_matrix){params, out, true}, 0, ret_dx, in);
}

static const struct nn_layer_example examples[] = {
    {"{kind: dense, units: 3}", {1, {5}}},
    {"{kind: dense, units: 1}", {1, {1}}},
    {"{kind: dense, units: 17, bias: false}", {1, {4}}},
    {"{kind: dense, units: 70}", {1, {33}}},
    {NULL, {0, {0}}},
};

const struct nn_layer_type nn_layer_dense = {
    .name = "dense",
    .doc = "Every output from every input: y = x W + b.",
    .params = params_table,
    .opts_size = sizeof(struct opts),
    .needs_x = true,
    .wants_batch = true,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples = examples,
};
