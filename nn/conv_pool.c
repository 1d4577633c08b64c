/* Geometry and forward pass: see nn/conv_pool_priv.h. */
#include "nn/conv_pool_priv.h"

#include "nn/conv_priv.h"
#include "nn/fused.h"
#include "nn/model_priv.h"
#include "nn/pool_priv.h"

#include <string.h>

/* Channels, in and out, from which on tiles are less work. */
#define LEAST_TILED 16
/* Numbers of products and of outputs that are worked on at once: they and the
 * weights stay in an L2 cache. */
#define TILED_NUMBERS  (96 * 1024)
#define DIRECT_NUMBERS (8 * 1024)
/* Rows of W per column in one product: two vectors of them fill L1. */
#define K_BLOCK 256

static int64_t round_up(int64_t n, int64_t to)
{
    return (n + to - 1) / to * to;
}

static int64_t side_of(const struct nn_conv_pool *v)
{
    return 7 - v->k;
}

static int64_t at_least(int64_t n, int64_t least)
{
    return n > least ? n : least;
}

static int64_t at_most(int64_t n, int64_t most)
{
    return n < most ? n : most;
}

static void choose_way(struct nn_conv_pool *v)
{
    v->is_tiled =
        (v->k == 3 || v->k == 5) && v->c >= LEAST_TILED && v->oc >= LEAST_TILED;
    v->image_h = v->h + 2 * v->p;
    v->image_w = v->w + 2 * v->p;
    if (!v->is_tiled) {
        int64_t numbers = 4 * v->out_w * v->oc;
        v->band = at_most(at_least(DIRECT_NUMBERS / numbers, 1), v->out_h);
        return;
    }
    int64_t side = side_of(v);
    v->tiles_h = (2 * v->out_h + side - 1) / side;
    v->tiles_w = (2 * v->out_w + side - 1) / side;
    v->image_h = at_least(v->image_h, (v->tiles_h - 1) * side + 6);
    v->image_w = at_least(v->image_w, (v->tiles_w - 1) * side + 6);
    int64_t numbers = 36 * v->tiles_w * (v->c + v->oc);
    v->band = at_most(at_least(TILED_NUMBERS / numbers, 1), v->tiles_h);
}

enum fl_status nn_conv_pool_init(struct nn_conv_pool *v,
                                 const void *fused_opts,
                                 struct fl_error *err)
{
    const struct nn_fused_opts *o = fused_opts;
    const struct nn_layer *conv = o->part[0], *pool = o->part[1];
    const struct nn_conv_opts *conv_opts = conv->opts;
    const struct nn_pool_opts *pool_opts = pool->opts;
    if (conv_opts->stride != 1 || pool_opts->kernel != 2 ||
        (pool_opts->stride != 0 && pool_opts->stride != 2))
        return fl_fail(err, FL_E_CONFIG,
                       "convolution with pooling, found other strides or "
                       "windows, allowed stride 1 and windows of 2x2");
    *v = (struct nn_conv_pool){
        .k = conv_opts->kernel,
        .p = conv_opts->padding,
        .h = conv->input.dim[0],
        .w = conv->input.dim[1],
        .c = conv->input.dim[2],
        .out_h = conv->info.output.dim[0] / 2,
        .out_w = conv->info.output.dim[1] / 2,
        .oc = conv_opts->channels,
        .has_bias = conv_opts->bias,
    };
    v->run = v->k * v->c;
    v->padded_run = round_up(v->run, NN_RUN);
    choose_way(v);
    /* places in lists are 32 bits wide */
    FL_TRY(nn_check_elements("numbers of an image",
                             nn_conv_pool_image_numbers(v), err));
    FL_TRY(nn_check_elements("numbers of weights",
                             nn_conv_pool_prepared_numbers(v), err));
    return nn_check_elements("numbers that come out",
                             v->oc * (v->out_h * v->out_w + 2 * NN_RUN), err);
}

int64_t nn_conv_pool_image_numbers(const struct nn_conv_pool *v)
{
    return v->image_h * v->image_w * v->c + NN_RUN;
}

void nn_conv_pool_image(const struct nn_conv_pool *v,
                        const nn_real *x,
                        nn_real *ret)
{
    size_t inside = (size_t)(v->w * v->c) * sizeof *x;
    int64_t row = v->image_w * v->c;
    nn_real *to = ret + v->p * row;
    memset(ret, 0, (size_t)(v->p * row) * sizeof *x);
    for (int64_t y = 0; y < v->h; y++, to += row) {
        memset(to, 0, (size_t)(v->p * v->c) * sizeof *x);
        memcpy(to + v->p * v->c, x + y * v->w * v->c, inside);
        int64_t used = (v->p + v->w) * v->c;
        memset(to + used, 0, (size_t)(row - used) * sizeof *x);
    }
    int64_t rest = nn_conv_pool_image_numbers(v) - (to - ret);
    memset(to, 0, (size_t)rest * sizeof *x);
}

/* Scratch of a forward pass: the image; then the band's output; or the
 * weights, inputs and products of tiles. */
static int64_t plane_of(const struct nn_conv_pool *v)
{
    return v->band * v->tiles_w;
}

int64_t nn_conv_pool_forward_numbers(const struct nn_conv_pool *v)
{
    int64_t image = round_up(nn_conv_pool_image_numbers(v), NN_RUN);
    if (!v->is_tiled)
        return image + v->band * 4 * v->out_w * v->oc;
    return image + 36 * (v->c * v->oc + plane_of(v) * (v->c + v->oc));
}

/* `rows` rows of pooled output from y0 on, and who won. */
static void direct_band(const struct nn_conv_pool *v,
                        const struct nn_kernels *kernels,
                        const nn_real *params,
                        const nn_real *image,
                        int64_t rows,
                        nn_real *z,
                        nn_real *y,
                        uint8_t *won)
{
    int64_t row = v->image_w * v->c, out = 2 * v->out_w * v->oc;
    struct nn_product p = {
        .groups = 2 * rows,
        .m = 2 * v->out_w,
        .n = v->oc,
        .k_inner = v->run,
        .a_group = row,
        .a_row = v->c,
        .a_outer = row,
        .a_inner = 1,
        .b_inner = v->oc,
        .b_outer = v->run * v->oc,
        .c = z,
        .c_group = out,
        .c_row = v->oc,
        .bias = v->has_bias ? params + v->k * v->run * v->oc : NULL,
        .start = v->has_bias ? NN_START_BIAS : NN_START_ZERO,
    };
    int64_t block = at_least(K_BLOCK / v->run, 1);
    for (int64_t ky = 0; ky < v->k; ky += block) {
        p.k_outer = at_most(v->k - ky, block);
        p.a = image + ky * row;
        p.b = params + ky * v->run * v->oc;
        kernels->product(&p);
        p.start = NN_START_SELF;
    }
    for (int64_t r = 0; r < rows; r++) {
        kernels->conv->pool_relu(v->out_w, out, v->oc, z + 2 * r * out, y, won);
        y += v->out_w * v->oc;
        won += v->out_w * v->oc;
    }
}

static void direct_image(const struct nn_conv_pool *v,
                         const struct nn_kernels *kernels,
                         const nn_real *params,
                         const nn_real *image,
                         nn_real *z,
                         nn_real *y,
                         uint8_t *won)
{
    int64_t out = v->out_w * v->oc;
    for (int64_t at = 0; at < v->out_h; at += v->band) {
        int64_t rows = at_most(v->out_h - at, v->band);
        direct_band(v, kernels, params, image + 2 * at * v->image_w * v->c,
                    rows, z, y + at * out, won + at * out);
    }
}

/* What is needed of tiles: weights [36, c, oc], inputs [36, plane, c] and
 * products [36, plane, oc]. */
struct tiled {
    nn_real *weights, *inputs, *products;
};

/* Rows [at, at + rows) of tiles. */
static void tiled_band(const struct nn_conv_pool *v,
                       const struct nn_kernels *kernels,
                       const struct tiled *tiled,
                       const nn_real *bias,
                       const nn_real *image,
                       int64_t at,
                       int64_t rows,
                       nn_real *y,
                       uint8_t *won)
{
    int64_t side = side_of(v), row = v->image_w * v->c;
    int64_t out = v->out_w * v->oc;
    struct nn_tiles t = {.kernel = v->k,
                         .n = v->tiles_w,
                         .plane = plane_of(v),
                         .c = v->c,
                         .row = row,
                         .out_c = v->oc,
                         .out_w = v->out_w};
    for (int64_t r = 0; r < rows; r++)
        kernels->conv->tiles_input(&t, image + (at + r) * side * row,
                                   tiled->inputs + r * t.n * v->c);
    struct nn_product p = {.groups = 1,
                           .m = rows * t.n,
                           .n = v->oc,
                           .k_outer = 1,
                           .k_inner = v->c,
                           .a_row = v->c,
                           .a_inner = 1,
                           .b_inner = v->oc,
                           .c_row = v->oc,
                           .start = NN_START_ZERO};
    for (int64_t f = 0; f < 36; f++) {
        p.a = tiled->inputs + f * t.plane * v->c;
        p.b = tiled->weights + f * v->c * v->oc;
        p.c = tiled->products + f * t.plane * v->oc;
        kernels->product(&p);
    }
    for (int64_t r = 0; r < rows; r++) {
        int64_t first = (at + r) * side / 2;
        kernels->conv->tiles_pool_relu(&t, tiled->products + r * t.n * v->oc,
                                       bias,
                                       at_most(v->out_h - first, side / 2),
                                       y + first * out, won + first * out);
    }
}

void nn_conv_pool_forward(const struct nn_conv_pool *v,
                          const struct nn_call *call,
                          const nn_real *params,
                          const nn_real *x,
                          nn_real *ret_y)
{
    const struct nn_kernels *kernels = call->kernels;
    const nn_real *bias = v->has_bias ? params + v->k * v->run * v->oc : NULL;
    nn_real *image = call->scratch;
    nn_real *work = image + round_up(nn_conv_pool_image_numbers(v), NN_RUN);
    struct tiled tiled = {.weights = work};
    tiled.inputs = tiled.weights + 36 * v->c * v->oc;
    tiled.products = tiled.inputs + 36 * plane_of(v) * v->c;
    uint8_t *won = call->state;
    int64_t out = v->out_h * v->out_w * v->oc;
    if (v->is_tiled)
        kernels->conv->tiles_weights(v->k, v->c * v->oc, params, tiled.weights);
    for (int64_t b = 0; b < call->n; b++) {
        nn_conv_pool_image(v, x + b * v->h * v->w * v->c, image);
        nn_real *y = ret_y + b * out;
        if (!v->is_tiled) {
            direct_image(v, kernels, params, image, work, y, won + b * out);
            continue;
        }
        for (int64_t at = 0; at < v->tiles_h; at += v->band)
            tiled_band(v, kernels, &tiled, bias, image, at,
                       at_most(v->tiles_h - at, v->band), y, won + b * out);
    }
}
