/* A row of a trained table for each token: y[t] = weight[x[t]], the weight
 * [tokens, units] as PyTorch's nn.Embedding has it, initially normal(0, 1).
 *
 * x holds token numbers as floats. What is no whole number in [0, tokens) can
 * come from no checked data set; should it come, its row of y is NaN, so that
 * the loss reports it, and no gradient follows from it. Token numbers have no
 * gradient of their own: dx is 0.
 */
#include "nn/layer.h"

#include <math.h>
#include <string.h>

struct opts {
    int64_t tokens;
    int64_t units;
};

static const struct fl_param params_table[] = {
    {.key = "tokens",
     .kind = FL_PARAM_INT,
     .offset = offsetof(struct opts, tokens),
     .min = 1,
     .max = 1 << 24, /* floats count to there */
     .required = true,
     .doc = "Rows of the table; `classes` where tokens are predicted."},
    {.key = "units",
     .kind = FL_PARAM_INT,
     .offset = offsetof(struct opts, units),
     .min = 1,
     .max = 1 << 16,
     .required = true,
     .doc = "Numbers that stand for a token."},
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
                       "input, found %s, allowed a vector of tokens", text);
    }
    FL_TRY(nn_check_elements("parameters", o->tokens * o->units, err));
    FL_TRY(nn_check_elements("outputs", input->dim[0] * o->units, err));
    *ret = (struct nn_layer_info){
        .output = {2, {input->dim[0], o->units}},
        .n_tensors = 1,
        .tensor = {{.name = "weight",
                    .rank = 2,
                    .dim = {o->tokens, o->units},
                    .fan_in = o->units,
                    .init = NN_INIT_NORMAL,
                    .init_value = 1,
                    .is_torch_order = true}},
    };
    return FL_OK;
}

/* The row of a token, or -1. */
static int64_t row_of(nn_real x, int64_t tokens)
{
    if (!(x >= 0 && x < (nn_real)tokens))
        return -1;
    int64_t row = (int64_t)x;
    nn_real back = (nn_real)row;
    return back < x ? -1 : row;
}

static void forward(const struct nn_call *call,
                    const nn_real *params,
                    const nn_real *x,
                    nn_real *ret_y)
{
    const struct opts *o = call->opts;
    int64_t n = call->n * call->input->dim[0], units = o->units;
    for (int64_t i = 0; i < n; i++, ret_y += units) {
        int64_t row = row_of(x[i], o->tokens);
        if (row >= 0)
            memcpy(ret_y, params + row * units, (size_t)units * sizeof *ret_y);
        else
            for (int64_t u = 0; u < units; u++)
                ret_y[u] = (nn_real)NAN;
    }
}

static void backward(const struct nn_call *call,
                     const nn_real *params,
                     const nn_real *x,
                     const nn_real *y,
                     const nn_real *dy,
                     nn_real *ret_dx,
                     nn_real *acc_dparams)
{
    (void)params;
    (void)y;
    const struct opts *o = call->opts;
    int64_t n = call->n * call->input->dim[0], units = o->units;
    if (ret_dx)
        memset(ret_dx, 0, (size_t)n * sizeof *ret_dx);
    for (int64_t i = 0; i < n; i++, dy += units) {
        int64_t row = row_of(x[i], o->tokens);
        if (row < 0)
            continue;
        nn_real *acc = acc_dparams + row * units;
        for (int64_t u = 0; u < units; u++)
            acc[u] += dy[u];
    }
}

static const struct nn_layer_example examples[] = {
    {"{kind: embedding, tokens: 5, units: 3}", {1, {4}}},
    {"{kind: embedding, tokens: classes, units: 17}", {1, {6}}},
    {"{kind: embedding, tokens: 1, units: 1}", {1, {1}}},
    {NULL, {0, {0}}},
};

const struct nn_layer_type nn_layer_embedding = {
    .name = "embedding",
    .doc = "A trained row of numbers for each token of a text.",
    .params = params_table,
    .opts_size = sizeof(struct opts),
    .needs_x = true,
    .takes_tokens = true,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples = examples,
};
