/* Long short-term memory (Hochreiter and Schmidhuber 1997), with a forget gate
 * and without peepholes, as PyTorch's nn.LSTM:
 *
 *   i, f, o = sigmoid(a),  g = tanh(a)   a = x W_ih + b_ih + h' W_hh + b_hh
 *   c = f c' + i g,  h = o tanh(c)       c', h' of the time before, first 0
 *
 * Columns of the weights are in PyTorch's order i, f, g, o, and so are the
 * parameters' names; our weights are [in, 4 units] where PyTorch has the
 * transpose. The rest is in nn/recurrent_priv.h.
 */
#include "nn/kernels/table_priv.h"
#include "nn/recurrent_priv.h"

static void step(const struct nn_kernels *kernels, const struct nn_cell_step *s)
{
    kernels->cell->lstm(s);
}

static void back(const struct nn_kernels *kernels, const struct nn_cell_back *s)
{
    kernels->cell->lstm_back(s);
}

static const struct nn_cell cell = {
    .gates = 4,
    .carries_kept = true,
    .step = step,
    .back = back,
};

static enum fl_status infer(const void *opts,
                            const struct nn_shape *input,
                            struct nn_layer_info *ret,
                            struct fl_error *err)
{
    return nn_recurrent_infer(&cell, opts, input, ret, err);
}

static void forward(const struct nn_call *call,
                    const nn_real *params,
                    const nn_real *x,
                    nn_real *ret_y)
{
    nn_recurrent_forward(&cell, call, params, x, ret_y);
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
    nn_recurrent_backward(&cell, call, params, x, dy, ret_dx, acc_dparams);
}

static const struct nn_layer_example examples[] = {
    {"{kind: lstm, units: 3}", {2, {4, 2}}},
    {"{kind: lstm, units: 1}", {2, {1, 1}}}, /* one time alone */
    {"{kind: lstm, units: 5, layers: 2, return: sequence}", {2, {3, 2}}},
    {"{kind: lstm, units: 9, return: sequence, bias: false}", {2, {2, 35}}},
    {"{kind: lstm, units: 17, layers: 3, bias: false}", {2, {3, 1}}},
    {NULL, {0, {0}}},
};

const struct nn_layer_type nn_layer_lstm = {
    .name = "lstm",
    .doc = "Long short-term memory along the first axis, in one or more "
           "stacked layers.",
    .params = nn_recurrent_params,
    .opts_size = sizeof(struct nn_recurrent_opts),
    .needs_x = true,
    .wants_batch = true,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples = examples,
};
