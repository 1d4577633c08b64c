/* y[oy,ox,o] = b[o] + sum_{ky,kx,c} x[oy*s-p+ky, ox*s-p+kx, c] W[ky,kx,c,o]
 *
 * with zeros outside the image; W [k, k, c, o], as PyTorch's Conv2d with its
 * weight [o, c, k, k] permuted by (2, 3, 1, 0). One image at a time becomes a
 * matrix (im2col) that stays in the L2 cache, and the sums a matrix product.
 */
#include "nn/gemm_priv.h"
#include "nn/layer.h"

#include <inttypes.h>
#include <string.h>

struct opts {
    int64_t channels, kernel, stride, padding;
    bool bias;
};

static const struct fl_param params_table[] = {
    {.key = "channels",
     .kind = FL_PARAM_INT,
     .offset = offsetof(struct opts, channels),
     .min = 1,
     .max = 65536,
     .required = true,
     .doc = "Channels that come out."},
    {.key = "kernel",
     .kind = FL_PARAM_INT,
     .offset = offsetof(struct opts, kernel),
     .min = 1,
     .max = 255,
     .required = true,
     .doc = "Height and width of the window."},
    {.key = "stride",
     .kind = FL_PARAM_INT,
     .offset = offsetof(struct opts, stride),
     .min = 1,
     .max = 255,
     .def = "1",
     .doc = "Step from window to window."},
    {.key = "padding",
     .kind = FL_PARAM_INT,
     .offset = offsetof(struct opts, padding),
     .min = 0,
     .max = 255,
     .def = "0",
     .doc = "Zeros added on each side; (kernel - 1) / 2 keeps the size."},
    {.key = "bias",
     .kind = FL_PARAM_BOOL,
     .offset = offsetof(struct opts, bias),
     .def = "true",
     .doc = "Whether to add a trained number to each channel."},
    {.key = NULL},
};

/* The numbers of one call, in the letters of the formula above. */
struct conv {
    int64_t k, s, p;             /* kernel, stride, padding */
    int64_t h, w, c;             /* input */
    int64_t out_h, out_w, out_c; /* output */
    int64_t patch;               /* k * k * c */
    int64_t pixels;              /* out_h * out_w */
    bool is_direct;              /* the image is its own im2col matrix */
};

static struct conv conv_of(const struct opts *o, const struct nn_shape *input)
{
    struct conv v = {
        .k = o->kernel,
        .s = o->stride,
        .p = o->padding,
        .h = input->dim[0],
        .w = input->dim[1],
        .c = input->dim[2],
        .out_h = (input->dim[0] + 2 * o->padding - o->kernel) / o->stride + 1,
        .out_w = (input->dim[1] + 2 * o->padding - o->kernel) / o->stride + 1,
        .out_c = o->channels,
        .patch = o->kernel * o->kernel * input->dim[2],
        .is_direct = o->kernel == 1 && o->stride == 1 && o->padding == 0,
    };
    v.pixels = v.out_h * v.out_w;
    return v;
}

static enum fl_status infer(const void *opts,
                            const struct nn_shape *input,
                            struct nn_layer_info *ret,
                            struct fl_error *err)
{
    const struct opts *o = opts;
    char text[64];
    nn_shape_text(input, text);
    if (input->rank != 3)
        return fl_fail(err, FL_E_CONFIG,
                       "input, found %s, allowed an image [h, w, c]", text);
    int64_t least =
        input->dim[0] < input->dim[1] ? input->dim[0] : input->dim[1];
    if (o->kernel > least + 2 * o->padding)
        return fl_fail(err, FL_E_CONFIG,
                       "kernel on %s with padding %" PRId64 ", found %" PRId64
                       ", allowed [1, %" PRId64 "]",
                       text, o->padding, o->kernel, least + 2 * o->padding);
    struct conv v = conv_of(o, input);
    FL_TRY(nn_check_elements("numbers in a window", v.patch, err));
    FL_TRY(nn_check_elements("parameters", (v.patch + 1) * v.out_c, err));
    FL_TRY(nn_check_elements("pixels that come out", v.pixels, err));
    FL_TRY(nn_check_elements("numbers that come out", v.pixels * v.out_c, err));
    FL_TRY(
        nn_check_elements("numbers in all windows", v.pixels * v.patch, err));
    *ret = (struct nn_layer_info){
        .output = {3, {v.out_h, v.out_w, v.out_c}},
        .n_tensors = o->bias ? 2 : 1,
        .tensor =
            {
                {.name = "weight",
                 .rank = 4,
                 .dim = {v.k, v.k, v.c, v.out_c},
                 .fan_in = v.patch},
                {.name = "bias",
                 .rank = 1,
                 .dim = {v.out_c},
                 .fan_in = v.patch},
            },
        .macs = v.pixels * v.patch * v.out_c,
        .scratch_bytes =
            v.is_direct ? 0 : (size_t)(v.pixels * v.patch) * sizeof(nn_real),
    };
    return FL_OK;
}

/* The part of window row ky that lies inside the image: columns [*from, *to)
 * of the window, for the output pixel that starts at column x0. */
static void clip(const struct conv *v, int64_t x0, int64_t *from, int64_t *to)
{
    *from = x0 < 0 ? -x0 : 0;
    if (*from > v->k)
        *from = v->k;
    *to = x0 + v->k > v->w ? v->w - x0 : v->k;
    if (*to < *from)
        *to = *from;
}

/* Rows are output pixels, columns the window [k, k, c]. */
static void im2col(const struct conv *v, const nn_real *x, nn_real *ret_cols)
{
    int64_t row = v->k * v->c;
    for (int64_t oy = 0; oy < v->out_h; oy++) {
        for (int64_t ox = 0; ox < v->out_w; ox++) {
            int64_t x0 = ox * v->s - v->p, from, to;
            clip(v, x0, &from, &to);
            for (int64_t ky = 0; ky < v->k; ky++, ret_cols += row) {
                int64_t iy = oy * v->s - v->p + ky;
                if (iy < 0 || iy >= v->h) {
                    memset(ret_cols, 0, (size_t)row * sizeof *ret_cols);
                    continue;
                }
                int64_t at = (iy * v->w + x0) * v->c;
                for (int64_t i = 0; i < from * v->c; i++)
                    ret_cols[i] = 0;
                for (int64_t i = from * v->c; i < to * v->c; i++)
                    ret_cols[i] = x[at + i];
                for (int64_t i = to * v->c; i < row; i++)
                    ret_cols[i] = 0;
            }
        }
    }
}

/* The transpose of im2col: sums each window back into its pixels. */
static void col2im(const struct conv *v, const nn_real *cols, nn_real *ret_dx)
{
    int64_t row = v->k * v->c;
    memset(ret_dx, 0, (size_t)(v->h * v->w * v->c) * sizeof *ret_dx);
    for (int64_t oy = 0; oy < v->out_h; oy++) {
        for (int64_t ox = 0; ox < v->out_w; ox++) {
            int64_t x0 = ox * v->s - v->p, from, to;
            clip(v, x0, &from, &to);
            for (int64_t ky = 0; ky < v->k; ky++, cols += row) {
                int64_t iy = oy * v->s - v->p + ky;
                if (iy < 0 || iy >= v->h)
                    continue;
                int64_t at = (iy * v->w + x0) * v->c;
                for (int64_t i = from * v->c; i < to * v->c; i++)
                    ret_dx[at + i] += cols[i];
            }
        }
    }
}

static const nn_real *
windows(const struct conv *v, const nn_real *x, nn_real *scratch)
{
    if (v->is_direct)
        return x;
    im2col(v, x, scratch);
    return scratch;
}

static void forward(const struct nn_call *call,
                    const nn_real *params,
                    const nn_real *x,
                    nn_real *ret_y)
{
    const struct opts *o = call->opts;
    struct conv v = conv_of(o, call->input);
    const nn_real *bias = params + v.patch * v.out_c;
    for (int64_t b = 0; b < call->n; b++) {
        const nn_real *cols = windows(&v, x, call->scratch);
        if (o->bias)
            for (int64_t i = 0; i < v.pixels; i++)
                memcpy(ret_y + i * v.out_c, bias,
                       (size_t)v.out_c * sizeof *bias);
        nn_gemm(v.pixels, v.out_c, v.patch,
                (struct nn_matrix){cols, v.patch, false},
                (struct nn_matrix){params, v.out_c, false}, o->bias ? 1 : 0,
                ret_y, v.out_c);
        x += v.h * v.w * v.c;
        ret_y += v.pixels * v.out_c;
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
    (void)y;
    const struct opts *o = call->opts;
    struct conv v = conv_of(o, call->input);
    nn_real *acc_db = acc_dparams + v.patch * v.out_c;
    for (int64_t b = 0; b < call->n; b++) {
        const nn_real *cols = windows(&v, x, call->scratch);
        struct nn_matrix dz = {dy, v.out_c, false};
        nn_gemm(v.patch, v.out_c, v.pixels,
                (struct nn_matrix){cols, v.patch, true}, dz, 1, acc_dparams,
                v.out_c);
        if (o->bias)
            for (int64_t i = 0; i < v.pixels; i++)
                for (int64_t j = 0; j < v.out_c; j++)
                    acc_db[j] += dy[i * v.out_c + j];
        if (ret_dx) {
            nn_real *dcols = v.is_direct ? ret_dx : call->scratch;
            nn_gemm(v.pixels, v.patch, v.out_c, dz,
                    (struct nn_matrix){params, v.out_c, true}, 0, dcols,
                    v.patch);
            if (!v.is_direct)
                col2im(&v, dcols, ret_dx);
            ret_dx += v.h * v.w * v.c;
        }
        x += v.h * v.w * v.c;
        dy += v.pixels * v.out_c;
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
    {NULL, {0, {0}}},
};

const struct nn_layer_type nn_layer_conv2d = {
    .name = "conv2d",
    .doc = "Convolution of an image with square windows.",
    .params = params_table,
    .opts_size = sizeof(struct opts),
    .needs_x = true,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples = examples,
};
