/* y = x W + b, with W [in, out] and b [out].
 *
 * PyTorch's Linear keeps the transpose, weight [out, in]. With small batches
 * the time goes into reading W, so each pass reads it once, and backward and
 * update are one pass over its rows: dx, dW and the new W of a block of rows
 * while it is in cache.
 */
#include "nn/kernels/dense_table_priv.h"
#include "nn/gemm_priv.h"
#include "nn/init_priv.h"
#include "nn/kernels/table_priv.h"
#include "nn/layer.h"
#include "nn/optimizer_priv.h"

#include <string.h>

/* Numbers of W in a block of the forward pass, and rows at most. */
#define BLOCK_NUMBERS 8192
#define BLOCK_ROWS    128

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

/* Numbers from sample to sample of dy where it is worked on: zeros up to a
 * multiple of 16, and rows that do not meet in the sets of a cache. */
static int64_t dy_row_of(int64_t units)
{
    return (units + 15) / 16 * 16 + 16;
}

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
        .scratch_bytes =
            (size_t)((NN_DENSE_ROWS + 1) * o->units) * sizeof(nn_real),
        .scratch_sample_bytes = (size_t)(dy_row_of(o->units) + o->units +
                                         2 * NN_DENSE_ROWS + BLOCK_ROWS) *
                                sizeof(nn_real),
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
    int64_t block = BLOCK_NUMBERS / out;
    block = block < 8 ? 8 : block > BLOCK_ROWS ? BLOCK_ROWS : block;
    struct nn_dense_forward f = {
        .n = call->n,
        .in = in,
        .out = out,
        .x = x,
        .w = params,
        .bias = o->bias ? params + in * out : NULL,
        .x_block = call->scratch,
        .block = block,
        .y = ret_y,
    };
    call->kernels->dense->forward(&f);
}

/* A backward pass and its parts of scratch: see infer. */
struct back {
    const struct nn_call *call;
    int64_t n, in, out, dy_row;
    const nn_real *x, *dy;
    nn_real *ret_dx;
    bool is_turned;
    nn_real *dw, *db;     /* rows of W; b */
    nn_real *dy_rows;     /* [n, dy_row] */
    nn_real *dy_t, *dx_t; /* [out, n]; [rows, n] */
    nn_real *x_block;     /* [n, rows] */
};

/* Which way dx takes, from sizes alone: the samples side by side in vectors,
 * or each sample's sums in vectors that are added up at their ends. In 16ths
 * of vector operations per row. */
static bool turned_is_less(int64_t n, int64_t out)
{
    return (n + 15) / 16 * 16 * out < n * (out + 64);
}

static struct back back_of(const struct nn_call *call,
                           const nn_real *x,
                           const nn_real *dy,
                           nn_real *ret_dx)
{
    struct back back = {
        .call = call,
        .n = call->n,
        .in = call->input->dim[0],
        .out = call->output->dim[0],
        .x = x,
        .dy = dy,
        .ret_dx = ret_dx,
        .dw = call->scratch,
    };
    int64_t n = back.n, out = back.out;
    back.dy_row = dy_row_of(out);
    back.is_turned = turned_is_less(n, out);
    back.db = back.dw + NN_DENSE_ROWS * out;
    back.dy_rows = back.db + out;
    back.dy_t = back.dy_rows + n * back.dy_row;
    back.dx_t = back.dy_t + n * out;
    back.x_block = back.dx_t + n * NN_DENSE_ROWS;
    for (int64_t b = 0; b < n; b++) {
        nn_real *row = back.dy_rows + b * back.dy_row;
        memcpy(row, dy + b * out, (size_t)out * sizeof *dy);
        memset(row + out, 0, (size_t)(back.dy_row - out) * sizeof *dy);
    }
    if (ret_dx && back.is_turned)
        for (int64_t j = 0; j < out; j++)
            for (int64_t b = 0; b < n; b++)
                back.dy_t[j * n + b] = dy[b * out + j];
    return back;
}

/* Rows [first, first + rows) of W with their inputs. */
static struct nn_dense_block
block_at(const struct back *back, nn_real *w, int64_t first, int64_t rows)
{
    const nn_real *from = back->x + first;
    nn_real *to = back->x_block;
    if (rows == NN_DENSE_ROWS) /* a size that compilers see: no call */
        for (int64_t b = 0; b < back->n; b++)
            memcpy(to + b * NN_DENSE_ROWS, from + b * back->in,
                   NN_DENSE_ROWS * sizeof *to);
    else
        for (int64_t b = 0; b < back->n; b++)
            memcpy(to + b * NN_DENSE_ROWS, from + b * back->in,
                   (size_t)rows * sizeof *to);
    return (struct nn_dense_block){
        .n = back->n,
        .out = back->out,
        .rows = rows,
        .x = back->x_block,
        .dy = back->dy_rows,
        .dy_row = back->dy_row,
        .w = w,
    };
}

/* dx by a product along the samples. */
static void turned_dx(const struct back *back,
                      const nn_real *w,
                      int64_t first,
                      int64_t rows)
{
    int64_t n = back->n;
    struct nn_product p = {
        .groups = 1,
        .m = rows,
        .n = n,
        .k_outer = 1,
        .k_inner = back->out,
        .a = w,
        .a_row = back->out,
        .a_inner = 1,
        .b = back->dy_t,
        .b_inner = n,
        .c = back->dx_t,
        .c_row = n,
        .start = NN_START_ZERO,
    };
    back->call->kernels->product(&p);
    for (int64_t b = 0; b < n; b++)
        for (int64_t i = 0; i < rows; i++)
            back->ret_dx[b * back->in + first + i] = back->dx_t[i * n + b];
}

/* dx of inputs [first, first + rows) from their rows of W. */
static void set_dx(const struct back *back,
                   const struct nn_dense_block *block,
                   int64_t first)
{
    if (!back->ret_dx)
        return;
    if (back->is_turned)
        turned_dx(back, block->w, first, block->rows);
    else
        back->call->kernels->dense->dx(block, back->ret_dx + first, back->in);
}

/* dW of a block; added to c when is_added. */
static void add_dw(const struct back *back,
                   const struct nn_dense_block *block,
                   bool is_added,
                   nn_real *c)
{
    struct nn_product p = {
        .groups = 1,
        .m = block->rows,
        .n = block->out,
        .k_outer = 1,
        .k_inner = block->n,
        .a = block->x,
        .a_row = 1,
        .a_inner = NN_DENSE_ROWS,
        .b = block->dy,
        .b_inner = block->dy_row,
        .c = c,
        .c_row = block->out,
        .start = is_added ? NN_START_SELF : NN_START_ZERO,
    };
    back->call->kernels->product(&p);
}

static int64_t rows_at(const struct back *back, int64_t first)
{
    int64_t rest = back->in - first;
    return rest < NN_DENSE_ROWS ? rest : NN_DENSE_ROWS;
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
    struct back back = back_of(call, x, dy, ret_dx);
    for (int64_t i = 0; i < back.in; i += NN_DENSE_ROWS) {
        int64_t rows = rows_at(&back, i);
        /* only read: neither dx nor add_dw writes to w */
        nn_real *w = (nn_real *)(uintptr_t)(params + i * back.out);
        struct nn_dense_block block = block_at(&back, w, i, rows);
        set_dx(&back, &block, i);
        add_dw(&back, &block, true, acc_dparams + i * back.out);
    }
    if (o->bias)
        call->kernels->add_rows(back.n, back.out, dy,
                                acc_dparams + back.in * back.out);
}

/* Whether the kernels' own update of W is the one that is wanted. */
static bool is_simple(const struct nn_update *update)
{
    return update->kind == NN_SGD && !update->sgd.anchor &&
           !(update->sgd.velocity && update->sgd.is_nesterov);
}

static void backward_update(const struct nn_call *call,
                            nn_real *params,
                            const nn_real *x,
                            const nn_real *dy,
                            nn_real *ret_dx,
                            const struct nn_update *update)
{
    const struct opts *o = call->opts;
    struct back back = back_of(call, x, dy, ret_dx);
    int64_t out = back.out;
    for (int64_t i = 0; i < back.in; i += NN_DENSE_ROWS) {
        int64_t rows = rows_at(&back, i);
        struct nn_dense_block block =
            block_at(&back, params + i * out, i, rows);
        set_dx(&back, &block, i);
        if (is_simple(update)) {
            struct nn_update here = nn_update_at(update, i * out);
            call->kernels->dense->update(&block, &here.sgd);
            continue;
        }
        add_dw(&back, &block, false, back.dw);
        nn_update_apply(update, i * out, rows * out, back.dw, params);
    }
    if (!o->bias)
        return;
    memset(back.db, 0, (size_t)out * sizeof *back.db);
    call->kernels->add_rows(back.n, out, dy, back.db);
    nn_update_apply(update, back.in * out, out, back.db, params);
}

static const struct nn_layer_example examples[] = {
    {"{kind: dense, units: 3}", {1, {5}}},
    {"{kind: dense, units: 1}", {1, {1}}},
    {"{kind: dense, units: 17, bias: false}", {1, {4}}},
    {"{kind: dense, units: 70}", {1, {33}}},
    {"{kind: dense, units: 513}", {1, {21}}},
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
