/* Backward pass over what won: see nn/conv_pool_priv.h. */
#include "nn/conv_pool_priv.h"

#include <string.h>

/* Numbers of NN_CHANNELS channels' weights that stay in an L1 cache while all
 * lists are walked. */
#define L1_NUMBERS (10 * 1024)

/* Parts of scratch. */
struct parts {
    nn_real *image;    /* x with its border */
    nn_real *dx_image; /* the gradient of the same */
    nn_real *dw;       /* [oc, k, padded_run] */
    nn_real *value;    /* lists */
    int32_t *at;
    int32_t *start, *end, *acc_at; /* by channel */
    int32_t *first, *window;       /* by pixel: 4 per window, and one */
    int64_t numbers;
};

static int64_t windows_of(const struct nn_conv_pool *v)
{
    return v->out_h * v->out_w;
}

/* Lists begin so far apart that they do not meet in the sets of a cache. */
static int64_t list_of(const struct nn_conv_pool *v)
{
    int64_t lines = windows_of(v) / NN_RUN + 1;
    return (lines | 1) * NN_RUN;
}

static nn_real *take_numbers(struct parts *parts, nn_real *base, int64_t n)
{
    nn_real *at = base ? base + parts->numbers : NULL;
    parts->numbers += (n + NN_RUN - 1) / NN_RUN * NN_RUN;
    return at;
}

static int32_t *take_places(struct parts *parts, nn_real *base, int64_t n)
{
    return (int32_t *)(void *)take_numbers(parts, base, n);
}

/* base NULL: counts alone. */
static struct parts parts_of(const struct nn_conv_pool *v, nn_real *base)
{
    struct parts parts = {.numbers = 0};
    int64_t image = nn_conv_pool_image_numbers(v);
    int64_t entries = v->oc * list_of(v) + NN_RUN;
    int64_t windows = 4 * windows_of(v) + 1;
    parts.image = take_numbers(&parts, base, image);
    parts.dx_image = take_numbers(&parts, base, image);
    parts.dw = take_numbers(&parts, base, nn_conv_pool_prepared_numbers(v));
    parts.value = take_numbers(&parts, base, entries);
    parts.at = take_places(&parts, base, entries);
    parts.start = take_places(&parts, base, v->oc);
    parts.end = take_places(&parts, base, v->oc);
    parts.acc_at = take_places(&parts, base, v->oc);
    parts.first = take_places(&parts, base, windows);
    parts.window = take_places(&parts, base, windows);
    return parts;
}

int64_t nn_conv_pool_backward_numbers(const struct nn_conv_pool *v)
{
    return parts_of(v, NULL).numbers;
}

int64_t nn_conv_pool_prepared_numbers(const struct nn_conv_pool *v)
{
    return v->oc * v->k * v->padded_run;
}

/* W [k, k*c, oc] as [oc, k, padded_run]. */
void nn_conv_pool_prepare(const struct nn_conv_pool *v,
                          const nn_real *params,
                          nn_real *ret_prepared)
{
    memset(ret_prepared, 0,
           (size_t)nn_conv_pool_prepared_numbers(v) * sizeof *ret_prepared);
    int64_t weights = v->k * v->padded_run;
    for (int64_t ky = 0; ky < v->k; ky++) {
        nn_real *to = ret_prepared + ky * v->padded_run;
        for (int64_t i = 0; i < v->run; i++, params += v->oc)
            for (int64_t o = 0; o < v->oc; o++)
                to[o * weights + i] = params[o];
    }
}

/* Places that depend on the shapes alone. */
static void set_places(const struct nn_conv_pool *v, struct parts *parts)
{
    for (int64_t o = 0; o < v->oc; o++) {
        parts->start[o] = (int32_t)(o * list_of(v));
        parts->acc_at[o] = (int32_t)(o * v->k * v->padded_run);
    }
    int64_t row = v->image_w * v->c;
    int32_t *to = parts->window;
    for (int64_t y = 0; y < v->out_h; y++) {
        for (int64_t x = 0; x < v->out_w; x++) {
            int64_t at = 2 * (y * row + x * v->c);
            *to++ = (int32_t)at;
            *to++ = (int32_t)(at + v->c);
            *to++ = (int32_t)(at + row);
            *to++ = (int32_t)(at + row + v->c);
        }
    }
}

static struct nn_winners
winners_of(const struct nn_conv_pool *v, const nn_real *dy, const uint8_t *won)
{
    return (struct nn_winners){
        .out_h = v->out_h,
        .out_w = v->out_w,
        .channels = v->oc,
        .stride = v->oc,
        .dy = dy,
        .won = won,
        .list = list_of(v),
        .row = v->image_w * v->c,
        .pixel = v->c,
        .weights = v->k * v->padded_run,
    };
}

/* dw and the bias's gradient of one image. */
static void add_dw(const struct nn_conv_pool *v,
                   const struct nn_kernels *kernels,
                   const struct parts *parts,
                   const nn_real *dy,
                   const uint8_t *won,
                   nn_real *acc_bias)
{
    struct nn_winners w = winners_of(v, dy, won);
    kernels->conv->list_by_channel(&w, parts->value, parts->at, parts->end);
    struct nn_gather g = {
        .lists = v->oc,
        .start = parts->start,
        .end = parts->end,
        .acc_at = parts->acc_at,
        .value = parts->value,
        .at = parts->at,
        .from = parts->image,
        .from_row = w.row,
        .rows = v->k,
        .run = v->padded_run,
        .acc = parts->dw,
        .acc_row = v->padded_run,
    };
    kernels->conv->gather(&g);
    if (v->has_bias)
        kernels->conv->add_lists(v->oc, parts->start, parts->end, parts->value,
                                 acc_bias);
}

/* dx of one image. */
static void set_dx(const struct nn_conv_pool *v,
                   const struct nn_call *call,
                   const struct parts *parts,
                   const nn_real *dy,
                   const uint8_t *won,
                   nn_real *ret_dx)
{
    int64_t row = v->image_w * v->c;
    memset(parts->dx_image, 0,
           (size_t)nn_conv_pool_image_numbers(v) * sizeof *ret_dx);
    for (int64_t o = 0; o < v->oc; o += NN_CHANNELS) {
        struct nn_winners w = winners_of(v, dy + o, won + o);
        w.channels = v->oc - o < NN_CHANNELS ? v->oc - o : NN_CHANNELS;
        call->kernels->conv->list_by_pixel(&w, parts->value, parts->at,
                                           parts->first);
        int64_t rows = L1_NUMBERS / (w.channels * v->padded_run);
        rows = rows < 1 ? 1 : rows;
        struct nn_gather g = {
            .lists = 4 * windows_of(v),
            .start = parts->first,
            .end = parts->first + 1,
            .acc_at = parts->window,
            .value = parts->value,
            .at = parts->at,
            .from_row = v->padded_run,
            .run = v->padded_run,
            .acc_row = row,
        };
        const nn_real *weights =
            (const nn_real *)call->prepared + o * w.weights;
        for (int64_t ky = 0; ky < v->k; ky += rows) {
            g.rows = v->k - ky < rows ? v->k - ky : rows;
            g.from = weights + ky * v->padded_run;
            g.acc = parts->dx_image + ky * row;
            call->kernels->conv->gather(&g);
        }
    }
    const nn_real *inside = parts->dx_image + v->p * (row + v->c);
    for (int64_t y = 0; y < v->h; y++)
        memcpy(ret_dx + y * v->w * v->c, inside + y * row,
               (size_t)(v->w * v->c) * sizeof *ret_dx);
}

/* acc [k, run, oc] += dw [oc, k, padded_run] */
static void
add_turned(const struct nn_conv_pool *v, const nn_real *dw, nn_real *acc)
{
    int64_t weights = v->k * v->padded_run;
    for (int64_t ky = 0; ky < v->k; ky++, dw += v->padded_run)
        for (int64_t i = 0; i < v->run; i++, acc += v->oc)
            for (int64_t o = 0; o < v->oc; o++)
                acc[o] += dw[o * weights + i];
}

void nn_conv_pool_backward(const struct nn_conv_pool *v,
                           const struct nn_call *call,
                           const nn_real *x,
                           const nn_real *dy,
                           nn_real *ret_dx,
                           nn_real *acc_dparams)
{
    struct parts parts = parts_of(v, call->scratch);
    int64_t in = v->h * v->w * v->c, out = windows_of(v) * v->oc;
    const uint8_t *won = call->state;
    set_places(v, &parts);
    memset(parts.dw, 0,
           (size_t)nn_conv_pool_prepared_numbers(v) * sizeof *parts.dw);
    for (int64_t b = 0; b < call->n; b++, dy += out, won += out) {
        nn_conv_pool_image(v, x + b * in, parts.image);
        add_dw(v, call->kernels, &parts, dy, won,
               acc_dparams + v->k * v->run * v->oc);
        if (ret_dx)
            set_dx(v, call, &parts, dy, won, ret_dx + b * in);
    }
    add_turned(v, parts.dw, acc_dparams);
}
