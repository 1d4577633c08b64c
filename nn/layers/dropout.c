/* In training each number is 0 with probability p, else x / (1 - p); in
 * evaluation y = x.
 *
 * The mask of a sample depends on the step's seed, the layer and the sample's
 * number in the batch alone, so how a batch is cut into calls does not show.
 */
#include "base/rng.h"
#include "nn/kernels/table_priv.h"
#include "nn/layer.h"

#include <string.h>

struct opts {
    double p;
};

static const struct fl_param params_table[] = {
    {.key = "p",
     .kind = FL_PARAM_DOUBLE,
     .offset = offsetof(struct opts, p),
     .min = 0,
     .max = 1,
     .max_open = true,
     .def = "0.5",
     .doc = "Probability that a number is set to 0 in training."},
    {.key = NULL},
};

static enum fl_status infer(const void *opts,
                            const struct nn_shape *input,
                            struct nn_layer_info *ret,
                            struct fl_error *err)
{
    (void)opts;
    (void)err;
    *ret = (struct nn_layer_info){
        .output = *input,
        .state_bytes = (size_t)nn_shape_size(input),
    };
    return FL_OK;
}

static void draw_mask(const struct nn_call *call,
                      int64_t b,
                      double p,
                      int64_t size,
                      uint8_t *ret_keep)
{
    struct fl_rng rng = fl_rng_stream(call->seed, FL_RNG_DROPOUT, call->layer,
                                      (uint64_t)(call->first + b));
    /* keep when a 32-bit number is at or above p of the way */
    uint32_t limit = (uint32_t)(p * 4294967296.0);
    call->kernels->draw_keep(&rng, limit, size, ret_keep);
}

static nn_real scale_of(double p)
{
    return (nn_real)(1.0 / (1.0 - p));
}

static void forward(const struct nn_call *call,
                    const nn_real *params,
                    const nn_real *x,
                    nn_real *ret_y)
{
    (void)params;
    const struct opts *o = call->opts;
    int64_t size = nn_shape_size(call->input);
    if (!call->is_training) {
        if (ret_y != x)
            memcpy(ret_y, x, (size_t)(call->n * size) * sizeof *x);
        return;
    }
    uint8_t *keep = call->state;
    for (int64_t b = 0; b < call->n; b++)
        draw_mask(call, b, o->p, size, keep + b * size);
    call->kernels->scale_kept(keep, scale_of(o->p), call->n * size, x, ret_y);
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
    (void)x;
    (void)y;
    (void)acc_dparams;
    if (!ret_dx)
        return;
    const struct opts *o = call->opts;
    int64_t n = call->n * nn_shape_size(call->input);
    call->kernels->scale_kept(call->state, scale_of(o->p), n, dy, ret_dx);
}

static const struct nn_layer_example examples[] = {
    {"{kind: dropout}", {1, {9}}},
    {"{kind: dropout, p: 0.25}", {3, {3, 4, 5}}},
    {"{kind: dropout, p: 0}", {1, {3}}},
    {NULL, {0, {0}}},
};

const struct nn_layer_type nn_layer_dropout = {
    .name = "dropout",
    .doc = "Sets numbers to 0 at random in training (inverted dropout).",
    .params = params_table,
    .opts_size = sizeof(struct opts),
    .can_in_place = true,
    .is_random = true,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples = examples,
};
