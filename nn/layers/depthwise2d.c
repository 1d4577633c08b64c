/* y[oy,ox,c] = b[c] + sum_{ky,kx} x[oy*s-p+ky, ox*s-p+kx, c] W[ky,kx,c]
 *
 * with zeros outside the image; W [k, k, 1, c], as PyTorch's Conv2d(groups = c)
 * with its weight [c, 1, k, k] permuted by (2, 3, 1, 0). The input's gradient
 * at stride 1 is the same convolution of dy with W turned round.
 */
#include "nn/init_priv.h"
#include "nn/kernels/image_priv.h"
#include "nn/kernels/table_priv.h"
#include "nn/layer.h"
#include "nn/window_priv.h"

#include <string.h>

struct opts {
    int64_t kernel, stride, padding;
    bool bias;
    struct nn_init_opts init;
};

static const struct fl_param params_table[] = {
    NN_WINDOW_ROWS(struct opts),
    NN_INIT_ROWS(offsetof(struct opts, init)),
    {.key = NULL},
};

static struct nn_depthwise depthwise_of(const struct opts *o,
                                        const struct nn_shape *input)
{
    return (struct nn_depthwise){
        .kernel = o->kernel,
        .stride = o->stride,
        .padding = o->padding,
        .in_h = input->dim[0],
        .in_w = input->dim[1],
        .out_h = nn_windows(input->dim[0], o->kernel, o->stride, o->padding),
        .out_w = nn_windows(input->dim[1], o->kernel, o->stride, o->padding),
        .channels = input->dim[2],
    };
}

/* Whether dx is a convolution of its own. */
static bool is_turned(const struct nn_depthwise *d)
{
    return d->stride == 1 && d->padding < d->kernel;
}

static enum fl_status infer(const void *opts,
                            const struct nn_shape *input,
                            struct nn_layer_info *ret,
                            struct fl_error *err)
{
    const struct opts *o = opts;
    FL_TRY(nn_check_window(input, o->kernel, o->padding, err));
    struct nn_depthwise d = depthwise_of(o, input);
    int64_t taps = d.kernel * d.kernel, pixels = d.out_h * d.out_w;
    FL_TRY(nn_check_elements("parameters", (taps + 1) * d.channels, err));
    FL_TRY(nn_check_elements("pixels that come out", pixels, err));
    FL_TRY(
        nn_check_elements("numbers that come out", pixels * d.channels, err));
    FL_TRY(nn_init_check(&o->init, err));
    *ret = (struct nn_layer_info){
        .output = {3, {d.out_h, d.out_w, d.channels}},
        .n_tensors = o->bias ? 2 : 1,
        .tensor =
            {
                {.name = "weight",
                 .rank = 4,
                 .dim = {d.kernel, d.kernel, 1, d.channels}},
                {.name = "bias", .rank = 1, .dim = {d.channels}},
            },
        .macs = pixels * d.channels * taps,
        .prepared_bytes =
            is_turned(&d) ? (size_t)(taps * d.channels) * sizeof(nn_real) : 0,
    };
    /* PyTorch's count of outputs takes no account of groups */
    nn_init_tensors(&o->init, taps, taps * d.channels, &ret->tensor[0],
                    o->bias ? &ret->tensor[1] : NULL);
    return FL_OK;
}

static void forward(const struct nn_call *call,
                    const nn_real *params,
                    const nn_real *x,
                    nn_real *ret_y)
{
    const struct opts *o = call->opts;
    struct nn_depthwise d = depthwise_of(o, call->input);
    d.weight = params;
    d.bias = o->bias ? params + d.kernel * d.kernel * d.channels : NULL;
    for (int64_t b = 0; b < call->n; b++)
        call->kernels->image->depthwise(
            &d, x + b * d.in_h * d.in_w * d.channels,
            ret_y + b * d.out_h * d.out_w * d.channels);
}

static void prepare(const struct nn_call *call, const nn_real *params)
{
    struct nn_depthwise d = depthwise_of(call->opts, call->input);
    if (!is_turned(&d))
        return;
    int64_t taps = d.kernel * d.kernel;
    nn_real *to = call->prepared;
    for (int64_t t = 0; t < taps; t++)
        memcpy(to + t * d.channels, params + (taps - 1 - t) * d.channels,
               (size_t)d.channels * sizeof *to);
}

/* dy's gradient of one image's input. */
static void input_gradient(const struct nn_call *call,
                           const struct nn_depthwise *d,
                           const nn_real *dy,
                           nn_real *ret_dx)
{
    if (!is_turned(d)) {
        call->kernels->image->depthwise_dx(d, dy, ret_dx);
        return;
    }
    struct nn_depthwise turned = *d;
    turned.padding = d->kernel - 1 - d->padding;
    turned.in_h = d->out_h;
    turned.in_w = d->out_w;
    turned.out_h = d->in_h;
    turned.out_w = d->in_w;
    turned.weight = call->prepared;
    call->kernels->image->depthwise(&turned, dy, ret_dx);
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
    struct nn_depthwise d = depthwise_of(o, call->input);
    d.weight = params;
    int64_t in = d.in_h * d.in_w * d.channels;
    int64_t pixels = d.out_h * d.out_w;
    for (int64_t b = 0; b < call->n; b++) {
        call->kernels->image->depthwise_dw(&d, x + b * in, dy, acc_dparams);
        if (o->bias)
            call->kernels->add_rows(pixels, d.channels, dy,
                                    acc_dparams +
                                        d.kernel * d.kernel * d.channels);
        if (ret_dx)
            input_gradient(call, &d, dy, ret_dx + b * in);
        dy += pixels * d.channels;
    }
}

static const struct nn_layer_example examples[] = {
    {"{kind: depthwise2d, kernel: 3}", {3, {5, 6, 3}}},
    {"{kind: depthwise2d, kernel: 3, padding: 1}", {3, {4, 5, 17}}},
    {"{kind: depthwise2d, kernel: 3, padding: 1, stride: 2}", {3, {6, 5, 33}}},
    {"{kind: depthwise2d, kernel: 3, stride: 3}", {3, {8, 7, 2}}},
    {"{kind: depthwise2d, kernel: 5, padding: 2, bias: false}", {3, {6, 4, 3}}},
    {"{kind: depthwise2d, kernel: 2, stride: 3}", {3, {7, 6, 2}}},
    {"{kind: depthwise2d, kernel: 1}", {3, {3, 2, 5}}},
    {"{kind: depthwise2d, kernel: 2, padding: 3}", {3, {2, 1, 4}}},
    {"{kind: depthwise2d, kernel: 3, padding: 1}", {3, {1, 2, 16}}},
    {NULL, {0, {0}}},
};

const struct nn_layer_type nn_layer_depthwise2d = {
    .name = "depthwise2d",
    .doc = "Convolution of each channel by itself with square windows.",
    .params = params_table,
    .opts_size = sizeof(struct opts),
    .needs_x = true,
    .infer = infer,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
    .examples = examples,
};
