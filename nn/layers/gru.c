/* Gated recurrent unit (Cho et al. 2014), as PyTorch's nn.GRU, where the reset
 * gate multiplies the hidden state's part with its bias:
 *
 *   r, z = sigmoid(a + u)            a = x W_ih + b_ih,  u = h' W_hh + b_hh
 *   n = tanh(a + r u)
 *   h = (1 - z) n + z h'             h' of the time before, first 0
 *
 * Columns of the weights are in PyTorch's order r, z, n, and so are the
 * parameters' names; our weights are [in, 3 units] where PyTorch has the
 * transpose. The rest is in nn/recurrent_priv.h.
 */
#include "nn/kernels/table_priv.h"
#include "nn/recurrent_priv.h"

static void step(const struct nn_kernels *kernels, const struct nn_cell_step *s)
{
    kernels->cell->gru(s);
}

static void back(const struct nn_kernels *kernels, const struct nn_cell_back *s)
{
    kernels->cell->gru_back(s);
}

static const struct nn_cell cell = {
    .gates = 3,
    .is_split = true,
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
    {"{kind: gru, units: 3}", {2, {4, 2}}},
    {"{kind: gru, units: 1}", {2, {1, 1}}}, /* one time alone */
    {"{kind: gru, units: 5, layers: 2, return: sequence}", {2, {3, 2}}},
    {"{kind: gru, units: 11, return: sequence, bias: false}", {2, {2, 35}}},
    {"{kind: gru, units: 17, layers: 3, bias: false}", {2, {3, 1}}},
    {NULL, {0, {0}}},
};

const struct nn_layer_type nn_layer_gru = {
    .name = "gru",
    .doc = "Gated recurrent units along the first axis, in one or more "
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
