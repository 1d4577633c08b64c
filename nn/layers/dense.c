/* y = x W + b, with W [in, out] and b [out].
 *
 * PyTorch's Linear keeps the transpose, weight [out, in]. With small batches
 * the time goes into reading W, so backward and update are one pass over its
 * rows: dX, dW and the new W of a block of rows while it is in cache.
 */
#include "nn/gemm_priv.h"
#include "nn/init_priv.h"
#include "nn/kernels_priv.h"
#include "nn/layer.h"
#include "nn/optimizer_priv.h"

#include <string.h>

/* Inputs whose two vectors of weights fill an L1 cache, and rows of W whose
 * gradient stays in one between its product and its update. */
#define K_BLOCK   128
#define ROW_BLOCK 28

struct opts {
    int64_t units;
    bool bias;
    struct nn_init_opts init;
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
    NN_INIT_ROWS(offsetof(struct opts, init)),
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
    FL_TRY(nn_init_check(&o->init, err));
    *ret = (struct nn_layer_info){
        .output = {1, {o->units}},
        .n_tensors = o->bias ? 2 : 1,
        .tensor =
            {
                {.name = "weight", .rank = 2, .dim = {in, o->units}},
                {.name = "bias", .rank = 1, .dim = {o->units}},
            },
        .macs = in * o->units,
        /* rows of dW, db; per sample a column of dy and of a block of dx */
        .scratch_bytes = (size_t)((ROW_BLOCK + 1) * o->units) * sizeof(nn_real),
        .scratch_sample_bytes =
            (size_t)(o->units + ROW_BLOCK) * sizeof(nn_real),
    };
    nn_init_tensors(&o->init, in, o->units, &ret->tensor[0],
                    o->bias ? &ret->tensor[1] : NULL);
    return FL_OK;
}

/* Large products of batches: see nn_blas_is_better. */
static void forward_blas(const struct nn_call *call,
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

static void forward(const struct nn_call *call,
                    const nn_real *params,
                    const nn_real *x,
                    nn_real *ret_y)
{
    const struct opts *o = call->opts;
    int64_t in = call->input->dim[0], out = o->units;
    if (nn_blas_is_better(call->kernels, call->n, out, in)) {
        forward_blas(call, params, x, ret_y);
        return;
    }
    struct nn_product p = {
        .groups = 1,
        .m = call->n,
        .n = out,
        .k_outer = 1,
        .a = x,
        .a_row = in,
        .a_inner = 1,
        .b = params,
        .b_inner = out,
        .c = ret_y,
        .c_row = out,
        .bias = o->bias ? params + in * out : NULL,
        .start = o->bias ? NN_START_BIAS : NN_START_ZERO,
    };
    for (int64_t k = 0; k < in; k += K_BLOCK) {
        p.k_inner = in - k < K_BLOCK ? in - k : K_BLOCK;
        p.a = x + k;
        p.b = params + k * out;
        call->kernels->product(&p);
        p.start = NN_START_SELF;
    }
}

/* dy [n, out] as [out, n]: so that dX's product runs along the samples. */
static void
transpose_dy(int64_t n, int64_t out, const nn_real *dy, nn_real *ret)
{
    for (int64_t j = 0; j < out; j++)
        for (int64_t b = 0; b < n; b++)
            ret[j * n + b] = dy[b * out + j];
}

/* dx of inputs [first, first+rows) from their rows of W. */
static void back_rows_dx(const struct nn_call *call,
                         const nn_real *params,
                         const nn_real *dy_t,
                         nn_real *dx_t,
                         int64_t first,
                         int64_t rows,
                         nn_real *ret_dx)
{
    int64_t in = call->input->dim[0], out = call->output->dim[0], n = call->n;
    struct nn_product p = {
        .groups = 1,
        .m = rows,
        .n = n,
        .k_outer = 1,
        .k_inner = out,
        .a = params + first * out,
        .a_row = out,
        .a_inner = 1,
        .b = dy_t,
        .b_inner = n,
        .c = dx_t,
        .c_row = n,
        .start = NN_START_ZERO,
    };
    call->kernels->product(&p);
    for (int64_t b = 0; b < n; b++)
        for (int64_t i = 0; i < rows; i++)
            ret_dx[b * in + first + i] = dx_t[i * n + b];
}

/* dW of the same rows; added to c when is_added. */
static void back_rows_dw(const struct nn_call *call,
                         const nn_real *x,
                         const nn_real *dy,
                         int64_t first,
                         int64_t rows,
                         bool is_added,
                         nn_real *c)
{
    int64_t in = call->input->dim[0], out = call->output->dim[0];
    struct nn_product p = {
        .groups = 1,
        .m = rows,
        .n = out,
        .k_outer = 1,
        .k_inner = call->n,
        .a = x + first,
        .a_row = 1,
        .a_inner = in,
        .b = dy,
        .b_inner = out,
        .c = c,
        .c_row = out,
        .start = is_added ? NN_START_SELF : NN_START_ZERO,
    };
    call->kernels->product(&p);
}

/* Parts of scratch: see infer. */
struct parts {
    nn_real *dy_t, *dx_t, *dw, *db;
};

static struct parts parts_of(const struct nn_call *call)
{
    int64_t out = call->output->dim[0];
    struct parts parts = {.dw = call->scratch};
    parts.db = parts.dw + ROW_BLOCK * out;
    parts.dy_t = parts.db + out;
    parts.dx_t = parts.dy_t + call->n * out;
    return parts;
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
    struct parts parts = parts_of(call);
    if (ret_dx)
        transpose_dy(call->n, out, dy, parts.dy_t);
    for (int64_t i = 0; i < in; i += ROW_BLOCK) {
        int64_t rows = in - i < ROW_BLOCK ? in - i : ROW_BLOCK;
        if (ret_dx)
            back_rows_dx(call, params, parts.dy_t, parts.dx_t, i, rows, ret_dx);
        back_rows_dw(call, x, dy, i, rows, true, acc_dparams + i * out);
    }
    if (o->bias)
        call->kernels->add_rows(call->n, out, dy, acc_dparams + in * out);
}

static void backward_update(const struct nn_call *call,
                            nn_real *params,
                            const nn_real *x,
                            const nn_real *dy,
                            nn_real *ret_dx,
                            const struct nn_update *update)
{
    const struct opts *o = call->opts;
    int64_t in = call->input->dim[0], out = o->units;
    struct parts parts = parts_of(call);
    if (ret_dx)
        transpose_dy(call->n, out, dy, parts.dy_t);
    for (int64_t i = 0; i < in; i += ROW_BLOCK) {
        int64_t rows = in - i < ROW_BLOCK ? in - i : ROW_BLOCK;
        if (ret_dx)
            back_rows_dx(call, params, parts.dy_t, parts.dx_t, i, rows, ret_dx);
        back_rows_dw(call, x, dy, i, rows, false, parts.dw);
        nn_update_apply(update, i * out, rows * out, parts.dw, params);
    }
    if (!o->bias)
        return;
    memset(parts.db, 0, (size_t)out * sizeof *parts.db);
    call->kernels->add_rows(call->n, out, dy, parts.db);
    nn_update_apply(update, in * out, out, parts.db, params);
}

static const struct nn_layer_example examples[] = {
    {"{kind: dense, units: 3}", {1, {5}}},
    {"{kind: dense, units: 1}", {1, {1}}},
    {"{kind: dense, units: 17, bias: false}", {1, {4}}},
    {"{kind: dense, units: 70}", {1, {33}}},
    {"{kind: dense, units: 5}", {1, {131}}}, /* two blocks of inputs */
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
    .backward_update = backward_update,
    .examples = examples,
};
