/* y[oy,ox,o] = b[o] + sum_{ky,kx,c} x[oy*s-p+ky, ox*s-p+kx, c] W[ky,kx,c,o]
 *
 * with zeros outside the image; W [k, k, c, o], as PyTorch's Conv2d with its
 * weight [o, c, k, k] permuted by (2, 3, 1, 0).
 *
 * No im2col: in an image with its border of zeros, row ky of a window is one
 * run of k*c numbers, so the kernels' product walks the image itself. The
 * input's gradient is either the same kind of product, of dy with its border
 * and W turned round (stride 1), or dy W^T summed back window by window,
 * whichever is less work for the shapes.
 */
#include "nn/conv_priv.h"
#include "nn/conv_way_priv.h"
#include "nn/kernels/table_priv.h"
#include "nn/layer.h"
#include "nn/window_priv.h"

#include <string.h>

/* Numbers of W per column in one product: two vectors of them fill L1. */
#define K_BLOCK 256

static const struct fl_param params_table[] = {
    {.key = "channels",
     .kind = FL_PARAM_INT,
     .offset = offsetof(struct nn_conv_opts, channels),
     .min = 1,
     .max = 65536,
     .required = true,
     .doc = "Channels that come out."},
    NN_WINDOW_ROWS(struct nn_conv_opts),
    NN_INIT_ROWS(offsetof(struct nn_conv_opts, init)),
    {.key = NULL},
};

/* The numbers of one call, in the letters of the formula above. */
struct conv {
    int64_t k, s, p;             /* kernel, stride, padding */
    int64_t h, w, c;             /* input */
    int64_t out_h, out_w, out_c; /* output */
    int64_t patch;               /* k * k * c */
    int64_t q;                   /* border of dy for a turned product */
    bool is_turned;              /* how dx is computed */
};

static double in_vectors(int64_t columns)
{
    return (double)((columns + 15) / 16);
}

/* Less work for dx: one turned product, or dy W^T and its windows' sums (three
 * memory operations each)? In vector operations of 16, from shapes alone. */
static bool turned_is_less(const struct conv *v)
{
    if (v->s != 1 || v->q < 0)
        return false;
    double k = (double)v->k, out_c = (double)v->out_c;
    double turned =
        (double)v->h * (double)v->w * k * k * out_c * in_vectors(v->c);
    double summed =
        (double)v->out_h * (double)v->out_w *
        (out_c * in_vectors(v->patch) + 3 * k * in_vectors(v->k * v->c));
    return turned <= summed;
}

static struct conv conv_of(const struct nn_conv_opts *o,
                           const struct nn_shape *input)
{
    struct conv v = {
        .k = o->kernel,
        .s = o->stride,
        .p = o->padding,
        .h = input->dim[0],
        .w = input->dim[1],
        .c = input->dim[2],
        .out_h = nn_windows(input->dim[0], o->kernel, o->stride, o->padding),
        .out_w = nn_windows(input->dim[1], o->kernel, o->stride, o->padding),
        .out_c = o->channels,
        .patch = o->kernel * o->kernel * input->dim[2],
        .q = o->kernel - 1 - o->padding,
    };
    v.is_turned = turned_is_less(&v);
    return v;
}

static int64_t bordered_size(int64_t h, int64_t w, int64_t c, int64_t border)
{
    return (h + 2 * border) * (w + 2 * border) * c;
}

/* Numbers of scratch: the bordered image of a forward pass and of dW; behind
 * it what dx needs. */
static int64_t image_size(const struct conv *v)
{
    return v->p ? bordered_size(v->h, v->w, v->c, v->p) : 0;
}

static int64_t dx_size(const struct conv *v)
{
    if (v->is_turned)
        return v->q ? bordered_size(v->out_h, v->out_w, v->out_c, v->q) : 0;
    return v->out_w * v->patch + image_size(v);
}

/* Some sizes go another way (nn/conv_way_priv.h). */
static struct nn_conv sizes_of(const struct conv *v)
{
    return (struct nn_conv){.h = v->h,
                            .w = v->w,
                            .c = v->c,
                            .out_h = v->out_h,
                            .out_w = v->out_w,
                            .out_c = v->out_c,
                            .kernel = v->k,
                            .stride = v->s,
                            .padding = v->p};
}

static enum fl_status infer(const void *opts,
                            const struct nn_shape *input,
                            struct nn_layer_info *ret,
                            struct fl_error *err)
{
    const struct nn_conv_opts *o = opts;
    FL_TRY(nn_check_window(input, o->kernel, o->padding, err));
    struct conv v = conv_of(o, input);
    int64_t out_size = v.out_h * v.out_w; /* sides are below 2^31 + 512 */
    FL_TRY(nn_check_elements("numbers in a window", v.patch, err));
    FL_TRY(nn_check_elements("parameters", (v.patch + 1) * v.out_c, err));
    FL_TRY(nn_check_elements("pixels that come out", out_size, err));
    FL_TRY(nn_check_elements("numbers that come out", out_size * v.out_c, err));
    FL_TRY(nn_check_elements("numbers in a row of windows", v.out_w * v.patch,
                             err));
    FL_TRY(nn_init_check(&o->init, err));
    *ret = (struct nn_layer_info){
        .output = {3, {v.out_h, v.out_w, v.out_c}},
        .n_tensors = o->bias ? 2 : 1,
        .tensor =
            {
                {.name = "weight", .rank = 4, .dim = {v.k, v.k, v.c, v.out_c}},
                {.name = "bias", .rank = 1, .dim = {v.out_c}},
            },
        .macs = out_size * v.patch * v.out_c,
        .prepared_bytes = (size_t)(v.patch * v.out_c) * sizeof(nn_real),
        .scratch_bytes =
            (size_t)(image_size(&v) + dx_size(&v)) * sizeof(nn_real),
    };
    struct nn_conv sizes = sizes_of(&v);
    const struct nn_conv_way *way = nn_conv_way_of(&sizes);
    if (way) {
        ret->prepared_bytes = 0;
        ret->scratch_bytes = way->scratch_bytes(&sizes);
    }
    nn_init_tensors(&o->init, v.patch, v.k * v.k * v.out_c, &ret->tensor[0],
                    o->bias ? &ret->tensor[1] : NULL);
    return FL_OK;
}

/* An image [h, w, c] with a border of zeros; itself when there is none. */
static const nn_real *bordered(int64_t h,
                               int64_t w,
                               int64_t c,
                               int64_t border,
                               const nn_real *x,
                               nn_real *scratch)
{
    if (!border)
        return x;
    size_t side = (size_t)(border * c) * sizeof *x;
    size_t inside = (size_t)(w * c) * sizeof *x;
    int64_t row = (w + 2 * border) * c;
    memset(scratch, 0, (size_t)(border * row) * sizeof *x);
    nn_real *to = scratch + border * row;
    for (int64_t y = 0; y < h; y++, to += row) {
        memset(to, 0, side);
        memcpy(to + border * c, x + y * w * c, inside);
        memset(to + (border + w) * c, 0, side);
    }
    memset(to, 0, (size_t)(border * row) * sizeof *x);
    return scratch;
}

/* out [out_h, out_w, n] = start + the k x k windows, at stride s, of a
 * bordered image of c channels and rows of `row` numbers, times W [k*k*c, n].
 * W is worked through in blocks of whole window rows. */
static void convolve(const struct nn_kernels *kernels,
                     const struct conv *v,
                     int64_t s,
                     int64_t c,
                     int64_t row,
                     const nn_real *image,
                     const nn_real *weights,
                     struct nn_product p)
{
    int64_t run = v->k * c;
    int64_t rows = run < K_BLOCK ? K_BLOCK / run : 1;
    p.a_group = s * row;
    p.a_row = s * c;
    p.a_outer = row;
    p.a_inner = 1;
    p.k_inner = run;
    p.b_inner = p.n;
    p.b_outer = run * p.n;
    p.c_group = p.m * p.n;
    p.c_row = p.n;
    for (int64_t ky = 0; ky < v->k; ky += rows) {
        p.k_outer = v->k - ky < rows ? v->k - ky : rows;
        p.a = image + ky * row;
        p.b = weights + ky * run * p.n;
        kernels->product(&p);
        p.start = NN_START_SELF;
    }
}

static void forward(const struct nn_call *call,
                    const nn_real *params,
                    const nn_real *x,
                    nn_real *ret_y)
{
    const struct nn_conv_opts *o = call->opts;
    struct conv v = conv_of(o, call->input);
    const nn_real *bias = o->bias ? params + v.patch * v.out_c : NULL;
    struct nn_conv sizes = sizes_of(&v);
    const struct nn_conv_way *way = nn_conv_way_of(&sizes);
    if (way) {
        way->forward(call->kernels, &sizes, call->n, params, bias, x, ret_y,
                     call->scratch);
        return;
    }
    for (int64_t b = 0; b < call->n; b++) {
        const nn_real *image = bordered(v.h, v.w, v.c, v.p, x, call->scratch);
        struct nn_product p = {
            .groups = v.out_h,
            .m = v.out_w,
            .n = v.out_c,
            .c = ret_y,
            .bias = bias,
            .start = o->bias ? NN_START_BIAS : NN_START_ZERO,
        };
        convolve(call->kernels, &v, v.s, v.c, (v.w + 2 * v.p) * v.c, image,
                 params, p);
        x += v.h * v.w * v.c;
        ret_y += v.out_h * v.out_w * v.out_c;
    }
}

/* W as dx needs it: turned, [k-1-ky, k-1-kx, o, c], or transposed [o, patch].
 */
static void prepare(const struct nn_call *call, const nn_real *params)
{
    struct conv v = conv_of(call->opts, call->input);
    nn_real *to = call->prepared;
    struct nn_conv sizes = sizes_of(&v);
    if (nn_conv_way_of(&sizes))
        return;
    if (!v.is_turned) {
        for (int64_t i = 0; i < v.patch; i++)
            for (int64_t j = 0; j < v.out_c; j++)
                to[j * v.patch + i] = params[i * v.out_c + j];
        return;
    }
    for (int64_t at = 0; at < v.k * v.k; at++) {
        const nn_real *from = params + (v.k * v.k - 1 - at) * v.c * v.out_c;
        for (int64_t j = 0; j < v.out_c; j++)
            for (int64_t c = 0; c < v.c; c++)
                *to++ = from[c * v.out_c + j];
    }
}

static void add_dw(const struct nn_kernels *kernels,
                   const struct conv *v,
                   const nn_real *image,
                   const nn_real *dy,
                   nn_real *acc_dw)
{
    int64_t row = (v->w + 2 * v->p) * v->c;
    struct nn_product p = {
        .groups = v->k,
        .m = v->k * v->c,
        .n = v->out_c,
        .k_outer = v->out_h,
        .k_inner = v->out_w,
        .a = image,
        .a_group = row,
        .a_row = 1,
        .a_outer = v->s * row,
        .a_inner = v->s * v->c,
        .b = dy,
        .b_outer = v->out_w * v->out_c,
        .b_inner = v->out_c,
        .c = acc_dw,
        .c_group = v->k * v->c * v->out_c,
        .c_row = v->out_c,
        .start = NN_START_SELF,
    };
    kernels->product(&p);
}

static void turned_dx(const struct nn_call *call,
                      const struct conv *v,
                      const nn_real *dy,
                      nn_real *scratch,
                      nn_real *ret_dx)
{
    const nn_real *image =
        bordered(v->out_h, v->out_w, v->out_c, v->q, dy, scratch);
    struct nn_product p = {
        .groups = v->h,
        .m = v->w,
        .n = v->c,
        .c = ret_dx,
        .start = NN_START_ZERO,
    };
    convolve(call->kernels, v, 1, v->out_c, (v->out_w + 2 * v->q) * v->out_c,
             image, call->prepared, p);
}

/* Adds each window's numbers [k, k, c] of one row of output pixels to the
 * bordered image they came from. */
static void
add_windows(const struct conv *v, const nn_real *windows, nn_real *image)
{
    int64_t run = v->k * v->c, row = (v->w + 2 * v->p) * v->c;
    for (int64_t ox = 0; ox < v->out_w; ox++) {
        for (int64_t ky = 0; ky < v->k; ky++, windows += run) {
            nn_real *to = image + ky * row + ox * v->s * v->c;
            for (int64_t i = 0; i < run; i++)
                to[i] += windows[i];
        }
    }
}

static void summed_dx(const struct nn_call *call,
                      const struct conv *v,
                      const nn_real *dy,
                      nn_real *scratch,
                      nn_real *ret_dx)
{
    nn_real *windows = scratch;
    nn_real *image = v->p ? scratch + v->out_w * v->patch : ret_dx;
    int64_t row = (v->w + 2 * v->p) * v->c;
    memset(image, 0, (size_t)(row * (v->h + 2 * v->p)) * sizeof *image);
    struct nn_product p = {
        .groups = 1,
        .m = v->out_w,
        .n = v->patch,
        .k_outer = 1,
        .k_inner = v->out_c,
        .a_row = v->out_c,
        .a_inner = 1,
        .b = call->prepared,
        .b_inner = v->patch,
        .c = windows,
        .c_row = v->patch,
        .start = NN_START_ZERO,
    };
    for (int64_t oy = 0; oy < v->out_h; oy++) {
        p.a = dy + oy * v->out_w * v->out_c;
        call->kernels->product(&p);
        add_windows(v, windows, image + oy * v->s * row);
    }
    for (int64_t y = 0; v->p && y < v->h; y++)
        memcpy(ret_dx + y * v->w * v->c, image + (y + v->p) * row + v->p * v->c,
               (size_t)(v->w * v->c) * sizeof *ret_dx);
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
    const struct nn_conv_opts *o = call->opts;
    struct conv v = conv_of(o, call->input);
    struct nn_conv sizes = sizes_of(&v);
    const struct nn_conv_way *way = nn_conv_way_of(&sizes);
    int64_t pixels = v.out_h * v.out_w;
    nn_real *acc_bias = o->bias ? acc_dparams + v.patch * v.out_c : NULL;
    if (way) {
        way->dw(call->kernels, &sizes, call->n, x, dy, acc_dparams,
                call->scratch);
        if (acc_bias)
            call->kernels->add_rows(call->n * pixels, v.out_c, dy, acc_bias);
        if (ret_dx)
            way->dx(call->kernels, &sizes, call->n, params, dy, ret_dx,
                    call->scratch);
        return;
    }
    nn_real *scratch = call->scratch;
    nn_real *dx_scratch = scratch + image_size(&v);
    for (int64_t b = 0; b < call->n; b++) {
        const nn_real *image = bordered(v.h, v.w, v.c, v.p, x, scratch);
        add_dw(call->kernels, &v, image, dy, acc_dparams);
        if (acc_bias)
            call->kernels->add_rows(pixels, v.out_c, dy, acc_bias);
        if (ret_dx) {
            if (v.is_turned)
                turned_dx(call, &v, dy, dx_scratch, ret_dx);
            else
                summed_dx(call, &v, dy, dx_scratch, ret_dx);
            ret_dx += v.h * v.w * v.c;
        }
        x += v.h * v.w * v.c;
        dy += pixels * v.out_c;
    }
}

static const struct nn_layer_example examples[] = {
    {"{kind: conv2d, channels: 2, kernel: 3}", {3, {5, 6, 3}}},
    {"{kind: conv2d, channels: 3, kernel: 1}", {3, {4, 3, 2}}},
    {"{kind: conv2d, channels: 2, kernel: 1, padding: 1}", {3, {2, 3, 2}}},
    {"{kind: conv2d, channels: 3, kernel: 5, padding: 2}", {3, {6, 5, 1}}},
    {"{kind: conv2d, channels: 2, kernel: 3, stride: 2}", {3, {8, 7, 2}}},
    {"{kind: conv2d, channels: 2, kernel: 3, stride: 3, padding: 1}",
     {3, {7, 8, 2}}},
    {"{kind: conv2d, channels: 2, kernel: 2, stride: 3}", {3, {7, 6, 1}}},
    {"{kind: conv2d, channels: 2, kernel: 4, padding: 3}", {3, {2, 1, 2}}},
    {"{kind: conv2d, channels: 2, kernel: 2, padding: 5}", {3, {1, 2, 1}}},
    {"{kind: conv2d, channels: 18, kernel: 3, padding: 1, bias: false}",
     {3, {3, 4, 17}}},
    /* wide enough that dx is a turned product */
    {"{kind: conv2d, channels: 5, kernel: 3, padding: 1}", {3, {4, 3, 32}}},
    {"{kind: conv2d, channels: 4, kernel: 5, padding: 2}", {3, {6, 6, 16}}},
    {"{kind: conv2d, channels: 33, kernel: 2}", {3, {3, 17, 40}}},
    /* by Winograd: with borders of every width, tiles in part, blocks of
     * channels in part */
    {"{kind: conv2d, channels: 18, kernel: 3, padding: 1}", {3, {8, 7, 17}}},
    {"{kind: conv2d, channels: 16, kernel: 3, bias: false}", {3, {6, 14, 16}}},
    {"{kind: conv2d, channels: 16, kernel: 3, padding: 2}", {3, {6, 6, 33}}},
    {"{kind: conv2d, channels: 66, kernel: 3, padding: 1}", {3, {4, 4, 16}}},
    {"{kind: conv2d, channels: 16, kernel: 3, padding: 1}", {3, {4, 4, 65}}},
    /* by patches: windows that leave the image, strips in part */
    {"{kind: conv2d, channels: 34, kernel: 1}", {3, {3, 5, 17}}},
    {"{kind: conv2d, channels: 18, kernel: 1, stride: 2}", {3, {5, 4, 16}}},
    {"{kind: conv2d, channels: 33, kernel: 3, stride: 2, padding: 1}",
     {3, {6, 5, 30}}},
    {"{kind: conv2d, channels: 3, kernel: 2, stride: 3, padding: 4}",
     {3, {1, 2, 16}}},
    {NULL, {0, {0}}},
};

const struct nn_layer_type nn_layer_conv2d = {
    .name = "conv2d",
    .doc = "Convolution of an image with square windows.",
    .params = params_table,
    .opts_size = sizeof(struct nn_conv_opts),
    .needs_x = true,
    .infer = infer,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
    .examples = examples,
};
