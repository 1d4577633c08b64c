#include "nn/pool_priv.h"

#include "nn/window_priv.h"

#include <inttypes.h>

const struct fl_param nn_pool_params[] = {
    {.key = "kernel",
     .kind = FL_PARAM_INT,
     .offset = offsetof(struct nn_pool_opts, kernel),
     .min = 1,
     .max = 255,
     .required = true,
     .doc = "Height and width of the window."},
    {.key = "stride",
     .kind = FL_PARAM_INT,
     .offset = offsetof(struct nn_pool_opts, stride),
     .min = 0,
     .max = 255,
     .def = "0",
     .doc = "Step from window to window; 0 = the kernel."},
    {.key = NULL},
};

enum fl_status nn_pool_init(struct nn_pool *pool,
                            const struct nn_pool_opts *opts,
                            const struct nn_shape *input,
                            struct fl_error *err)
{
    FL_TRY(nn_check_image(input, err));
    char text[64];
    nn_shape_text(input, text);
    int64_t least =
        input->dim[0] < input->dim[1] ? input->dim[0] : input->dim[1];
    if (opts->kernel > least)
        return fl_fail(err, FL_E_CONFIG,
                       "kernel on %s, found %" PRId64 ", allowed [1, %" PRId64
                       "]",
                       text, opts->kernel, least);
    int64_t stride = opts->stride ? opts->stride : opts->kernel;
    *pool = (struct nn_pool){
        .kernel = opts->kernel,
        .stride = stride,
        .in_h = input->dim[0],
        .in_w = input->dim[1],
        .out_h = nn_windows(input->dim[0], opts->kernel, stride, 0),
        .out_w = nn_windows(input->dim[1], opts->kernel, stride, 0),
        .channels = input->dim[2],
    };
    return FL_OK;
}

struct nn_pool nn_pool_of(const struct nn_call *call)
{
    const struct nn_pool_opts *opts = call->opts;
    return (struct nn_pool){
        .kernel = opts->kernel,
        .stride = opts->stride ? opts->stride : opts->kernel,
        .in_h = call->input->dim[0],
        .in_w = call->input->dim[1],
        .out_h = call->output->dim[0],
        .out_w = call->output->dim[1],
        .channels = call->input->dim[2],
    };
}
