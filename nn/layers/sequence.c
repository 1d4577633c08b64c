/* An image as a sequence in time, for recurrent layers: [h, w, c] becomes
 * [h, w c] when time runs along the rows, or [w, h c] when it runs along the
 * columns, as in a spectrogram with one row per frequency. */
#include "nn/layer.h"

#include <string.h>

enum { TIME_ROWS, TIME_COLUMNS };

struct opts {
    int time;
};

static const char *const axes[] = {"rows", "columns", NULL};

static const struct fl_param params_table[] = {
    {.key = "time",
     .kind = FL_PARAM_ENUM,
     .offset = offsetof(struct opts, time),
     .choices = axes,
     .def = "rows",
     .doc = "Whether each row of the image is one time, or each column."},
    {.key = NULL},
};

static enum fl_status infer(const void *opts,
                            const struct nn_shape *input,
                            struct nn_layer_info *ret,
                            struct fl_error *err)
{
    const struct opts *o = opts;
    if (input->rank != 3) {
        char text[64];
        nn_shape_text(input, text);
        return fl_fail(err, FL_E_CONFIG, "input, found %s, allowed an image",
                       text);
    }
    bool is_rows = o->time == TIME_ROWS;
    int64_t time = input->dim[is_rows ? 0 : 1];
    *ret = (struct nn_layer_info){
        .output = {2, {time, nn_shape_size(input) / time}}};
    return FL_OK;
}

/* Moves pixels between the image and the sequence, either way. */
static void
turn(const struct nn_call *call, bool is_back, const nn_real *from, nn_real *to)
{
    const struct opts *o = call->opts;
    int64_t h = call->input->dim[0], w = call->input->dim[1];
    int64_t c = call->input->dim[2], size = h * w * c;
    if (o->time == TIME_ROWS) {
        memcpy(to, from, (size_t)(call->n * size) * sizeof *to);
        return;
    }
    for (int64_t b = 0; b < call->n; b++, from += size, to += size)
        for (int64_t i = 0; i < h; i++)
            for (int64_t j = 0; j < w; j++)
                for (int64_t k = 0; k < c; k++) {
                    int64_t image = (i * w + j) * c + k;
                    int64_t sequence = (j * h + i) * c + k;
                    to[is_back ? image : sequence] =
                        from[is_back ? sequence : image];
                }
}

static void forward(const struct nn_call *call,
                    const nn_real *params,
                    const nn_real *x,
                    nn_real *ret_y)
{
    (void)params;
    turn(call, false, x, ret_y);
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
    if (ret_dx)
        turn(call, true, dy, ret_dx);
}

static const struct nn_layer_example examples[] = {
    {"{kind: sequence}", {3, {3, 4, 2}}},
    {"{kind: sequence, time: columns}", {3, {3, 4, 2}}},
    {"{kind: sequence, time: columns}", {3, {1, 5, 1}}},
    {NULL, {0, {0}}},
};

const struct nn_layer_type nn_layer_sequence = {
    .name = "sequence",
    .doc = "An image as a sequence of its rows or columns in time.",
    .params = params_table,
    .opts_size = sizeof(struct opts),
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples = examples,
};
