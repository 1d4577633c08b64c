#include "nn/norm_priv.h"

#include "nn/kernels/table_priv.h"

#include <inttypes.h>
#include <math.h>

/* Vectors of one number per channel in scratch. */
enum { SCALE, OFFSET, SHIFT, SUM, DOT, A, B, C, N_VECTORS };

size_t nn_norm_scratch_bytes(int64_t channels)
{
    return (size_t)(N_VECTORS * channels) * sizeof(nn_real);
}

static nn_real *vector(const struct nn_norm *norm, int which)
{
    return norm->scratch + which * norm->channels;
}

void nn_norm_measure(const struct nn_norm *norm,
                     const nn_real *x,
                     nn_real *ret_var)
{
    nn_real *sum = vector(norm, SUM), *squares = vector(norm, DOT);
    struct nn_moments m = {.pixels = norm->pixels,
                           .channels = norm->channels,
                           .x = x,
                           .shift = x, /* the first pixel */
                           .ret_sum = sum,
                           .ret_squares = squares};
    norm->kernels->moments(&m);
    int64_t each = norm->channels / norm->groups;
    double pixels = (double)norm->pixels, count = pixels * (double)each;
    for (int64_t g = 0; g < norm->groups; g++) {
        double total = 0, var = 0;
        for (int64_t c = g * each; c < (g + 1) * each; c++)
            total += pixels * (double)x[c] + (double)sum[c];
        double mean = total / count;
        for (int64_t c = g * each; c < (g + 1) * each; c++) {
            double off = (double)x[c] - mean;
            var += (double)squares[c] + 2 * off * (double)sum[c] +
                   pixels * off * off;
        }
        /* rounding may leave a constant's variance just below 0 */
        var = var < 0 ? 0 : var / count;
        norm->stats[g] = (nn_real)mean;
        norm->stats[norm->groups + g] = (nn_real)(1 / sqrt(var + norm->eps));
        if (ret_var)
            ret_var[g] = (nn_real)var;
    }
}

/* y = x scale + offset, per channel. */
static void fill_affine(const struct nn_norm *norm)
{
    nn_real *scale = vector(norm, SCALE), *offset = vector(norm, OFFSET);
    int64_t each = norm->channels / norm->groups;
    for (int64_t c = 0; c < norm->channels; c++) {
        nn_real mean = norm->stats[c / each];
        nn_real rest = norm->stats[norm->groups + c / each];
        scale[c] = norm->weight ? norm->weight[c] * rest : rest;
        offset[c] = (norm->bias ? norm->bias[c] : 0) - mean * scale[c];
    }
}

void nn_norm_apply(const struct nn_norm *norm,
                   const nn_real *x,
                   const nn_real *with,
                   bool is_relu,
                   nn_real *ret_y)
{
    fill_affine(norm);
    struct nn_affine a = {.pixels = norm->pixels,
                          .channels = norm->channels,
                          .scale = vector(norm, SCALE),
                          .offset = vector(norm, OFFSET),
                          .x = x,
                          .with = with,
                          .is_relu = is_relu,
                          .y = ret_y};
    norm->kernels->affine(&a);
}

/* dx = dy a + x b + c from the sums of dy and of dy (x - mean):
 *
 *   dx = r (w dy - mean(w dy) - (x - mean) r^2 mean(w dy (x - mean)))
 *
 * with r = 1 / deviation and means over the group. */
static void fill_dx(const struct nn_norm *norm)
{
    const nn_real *sum = vector(norm, SUM), *dot = vector(norm, DOT);
    nn_real *a = vector(norm, A), *b = vector(norm, B), *add = vector(norm, C);
    int64_t each = norm->channels / norm->groups;
    double count = (double)norm->pixels * (double)each;
    for (int64_t g = 0; g < norm->groups; g++) {
        double mean = (double)norm->stats[g];
        double r = (double)norm->stats[norm->groups + g], m1 = 0, m2 = 0;
        for (int64_t c = g * each; c < (g + 1) * each; c++) {
            double w = norm->weight ? (double)norm->weight[c] : 1;
            m1 += w * (double)sum[c];
            m2 += w * (double)dot[c];
            a[c] = (nn_real)(r * w);
        }
        double slope = -r * r * r * m2 / count;
        for (int64_t c = g * each; c < (g + 1) * each; c++) {
            b[c] = (nn_real)slope;
            add[c] = (nn_real)(-slope * mean - r * m1 / count);
        }
    }
}

void nn_norm_backward(const struct nn_norm *norm, const struct nn_norm_back *b)
{
    nn_real *shift = vector(norm, SHIFT);
    int64_t each = norm->channels / norm->groups;
    for (int64_t c = 0; c < norm->channels; c++)
        shift[c] = norm->stats[c / each];
    if (b->is_relu && !b->y)
        fill_affine(norm);
    struct nn_affine_back back = {
        .pixels = norm->pixels,
        .channels = norm->channels,
        .mask = !b->is_relu ? NN_MASK_NONE
                : b->y      ? NN_MASK_Y
                            : NN_MASK_AFFINE,
        .scale = vector(norm, SCALE),
        .offset = vector(norm, OFFSET),
        .x = b->x,
        .y = b->y,
        .dy = b->dy,
        .shift = shift,
        .ret_sum = vector(norm, SUM),
        .ret_dot = vector(norm, DOT),
        .ret_masked = b->ret_masked,
        .a = vector(norm, A),
        .b = vector(norm, B),
        .c = vector(norm, C),
        .ret_dx = b->ret_dx,
    };
    norm->kernels->affine_sums(&back);
    for (int64_t c = 0; b->acc_weight && c < norm->channels; c++) {
        b->acc_bias[c] += back.ret_sum[c];
        b->acc_weight[c] +=
            back.ret_dot[c] * norm->stats[norm->groups + c / each];
    }
    if (!b->ret_dx)
        return;
    fill_dx(norm);
    if (b->ret_masked) {
        back.dy = b->ret_masked;
        back.mask = NN_MASK_NONE;
    }
    norm->kernels->affine_dx(&back);
}

enum fl_status nn_group_norm_infer(const struct nn_norm_opts *opts,
                                   const struct nn_shape *input,
                                   struct nn_layer_info *ret,
                                   struct fl_error *err)
{
    int64_t channels = input->dim[input->rank - 1];
    if (channels % opts->groups)
        return fl_fail(err, FL_E_CONFIG,
                       "groups, found %" PRId64
                       ", allowed a divisor of the %" PRId64 " channels",
                       opts->groups, channels);
    if (nn_shape_size(input) == opts->groups)
        return fl_fail(err, FL_E_CONFIG,
                       "numbers in a group, found 1, allowed at least 2 (one "
                       "number has no deviation)");
    *ret = (struct nn_layer_info){
        .output = *input,
        .n_tensors = opts->affine ? 2 : 0,
        .tensor =
            {
                {.name = "weight",
                 .rank = 1,
                 .dim = {channels},
                 .fan_in = 1,
                 .init = NN_INIT_CONSTANT,
                 .init_value = 1},
                {.name = "bias",
                 .rank = 1,
                 .dim = {channels},
                 .fan_in = 1,
                 .init = NN_INIT_CONSTANT,
                 .init_value = 0},
            },
        .state_bytes = (size_t)(2 * opts->groups) * sizeof(nn_real),
        .scratch_bytes = nn_norm_scratch_bytes(channels),
    };
    return FL_OK;
}

static struct nn_norm norm_of(const struct nn_call *call,
                              const struct nn_norm_opts *opts,
                              const nn_real *params)
{
    int64_t channels = call->input->dim[call->input->rank - 1];
    return (struct nn_norm){
        .kernels = call->kernels->image,
        .pixels = nn_shape_size(call->input) / channels,
        .channels = channels,
        .groups = opts->groups,
        .eps = opts->eps,
        .weight = opts->affine ? params : NULL,
        .bias = opts->affine ? params + channels : NULL,
        .stats = call->state,
        .scratch = call->scratch,
    };
}

void nn_group_norm_forward(const struct nn_call *call,
                           const struct nn_norm_opts *opts,
                           const nn_real *params,
                           const nn_real *x,
                           bool is_relu,
                           nn_real *ret_y)
{
    struct nn_norm norm = norm_of(call, opts, params);
    int64_t size = norm.pixels * norm.channels;
    for (int64_t b = 0; b < call->n; b++) {
        nn_norm_measure(&norm, x + b * size, NULL);
        nn_norm_apply(&norm, x + b * size,
                      call->with ? call->with + b * size : NULL, is_relu,
                      ret_y + b * size);
        norm.stats += 2 * norm.groups;
    }
}

static const nn_real *sample(const nn_real *of, int64_t at)
{
    return of ? of + at : NULL;
}

static nn_real *ret_sample(nn_real *of, int64_t at)
{
    return of ? of + at : NULL;
}

void nn_group_norm_backward(const struct nn_call *call,
                            const struct nn_norm_opts *opts,
                            const nn_real *params,
                            struct nn_norm_back back,
                            nn_real *acc_dparams)
{
    struct nn_norm norm = norm_of(call, opts, params);
    int64_t size = norm.pixels * norm.channels;
    for (int64_t b = 0; b < call->n; b++) {
        int64_t at = b * size;
        struct nn_norm_back one = {
            .x = back.x + at,
            .dy = back.dy + at,
            .y = sample(back.y, at),
            .is_relu = back.is_relu,
            .ret_dx = ret_sample(back.ret_dx, at),
            .ret_masked = ret_sample(back.ret_masked, at),
            .acc_weight = opts->affine ? acc_dparams : NULL,
            .acc_bias = opts->affine ? acc_dparams + norm.channels : NULL,
        };
        nn_norm_backward(&norm, &one);
        norm.stats += 2 * norm.groups;
    }
}
