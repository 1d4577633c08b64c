/* y = x Phi(x), with Phi the standard normal distribution: x (1 + erf(x /
 * sqrt 2)) / 2, PyTorch's default; or, with approximate: tanh,
 * x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2 (Hendrycks and Gimpel
 * 2016, "Gaussian Error Linear Units").
 */
#include "nn/layer.h"

#include <math.h>

static const char *const ways[] = {"none", "tanh", NULL};
enum { WAY_NONE, WAY_TANH };

struct opts {
    int approximate;
};

static const struct fl_param params_table[] = {
    {.key = "approximate",
     .kind = FL_PARAM_ENUM,
     .offset = offsetof(struct opts, approximate),
     .choices = ways,
     .def = "none",
     .doc = "The exact form, or the one with tanh."},
    {.key = NULL},
};

#ifdef NN_REAL_DOUBLE
#define ERF  erf
#define EXP  exp
#define TANH tanh
#else
#define ERF  erff
#define EXP  expf
#define TANH tanhf
#endif

#define SQRT_HALF    ((nn_real)0.70710678118654752440)
#define SQRT_2_PI    ((nn_real)0.79788456080286535588) /* sqrt(2 / pi) */
#define CUBE         ((nn_real)0.044715)
#define HALF         ((nn_real)0.5)
#define DENSITY_AT_0 ((nn_real)0.39894228040143267794) /* 1 / sqrt(2 pi) */

static enum fl_status infer(const void *opts,
                            const struct nn_shape *input,
                            struct nn_layer_info *ret,
                            struct fl_error *err)
{
    (void)opts;
    (void)err;
    *ret = (struct nn_layer_info){.output = *input};
    return FL_OK;
}

static nn_real exact(nn_real x)
{
    return HALF * x * (1 + ERF(x * SQRT_HALF));
}

static nn_real exact_slope(nn_real x)
{
    return HALF * (1 + ERF(x * SQRT_HALF)) +
           x * DENSITY_AT_0 * EXP(-HALF * x * x);
}

static nn_real with_tanh(nn_real x)
{
    return HALF * x * (1 + TANH(SQRT_2_PI * (x + CUBE * x * x * x)));
}

static nn_real with_tanh_slope(nn_real x)
{
    nn_real t = TANH(SQRT_2_PI * (x + CUBE * x * x * x));
    nn_real inner = SQRT_2_PI * (1 + 3 * CUBE * x * x);
    return HALF * (1 + t) + HALF * x * (1 - t * t) * inner;
}

static void forward(const struct nn_call *call,
                    const nn_real *params,
                    const nn_real *x,
                    nn_real *ret_y)
{
    (void)params;
    const struct opts *o = call->opts;
    int64_t n = call->n * nn_shape_size(call->input);
    for (int64_t i = 0; i < n; i++)
        ret_y[i] = o->approximate == WAY_TANH ? with_tanh(x[i]) : exact(x[i]);
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
    (void)acc_dparams;
    if (!ret_dx)
        return;
    const struct opts *o = call->opts;
    int64_t n = call->n * nn_shape_size(call->input);
    for (int64_t i = 0; i < n; i++)
        ret_dx[i] = dy[i] * (o->approximate == WAY_TANH ? with_tanh_slope(x[i])
                                                        : exact_slope(x[i]));
}

static const struct nn_layer_example examples[] = {
    {"{kind: gelu}", {1, {7}}},
    {"{kind: gelu}", {3, {3, 4, 5}}},
    {"{kind: gelu, approximate: tanh}", {3, {2, 3, 4}}},
    {NULL, {0, {0}}},
};

const struct nn_layer_type nn_layer_gelu = {
    .name = "gelu",
    .doc = "Gaussian error linear unit: x times the normal distribution at x.",
    .params = params_table,
    .opts_size = sizeof(struct opts),
    .needs_x = true,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples = examples,
};
