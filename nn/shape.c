#include "nn/shape.h"

#include "nn/layer.h"

#include <inttypes.h>
#include <stdio.h>

int64_t nn_shape_size(const struct nn_shape *shape)
{
    int64_t size = 1;
    for (int i = 0; i < shape->rank; i++)
        size *= shape->dim[i];
    return size;
}

void nn_shape_text(const struct nn_shape *shape, char ret[64])
{
    size_t used = 0;
    ret[0] = '\0';
    for (int i = 0; i < shape->rank && used < 64; i++) {
        int wrote = snprintf(ret + used, 64 - used, "%s%" PRId64, i ? "x" : "",
                             shape->dim[i]);
        if (wrote < 0)
            return;
        used += (size_t)wrote;
    }
}

enum fl_status
nn_check_elements(const char *what, int64_t elements, struct fl_error *err)
{
    if (elements < 1 || elements > NN_MAX_ELEMENTS)
        return fl_fail(err, FL_E_CONFIG,
                       "%s, found %" PRId64 ", allowed [1, %" PRId64 "]", what,
                       elements, NN_MAX_ELEMENTS);
    return FL_OK;
}

enum fl_status nn_check_image(const struct nn_shape *input,
                              struct fl_error *err)
{
    char text[64];
    if (input->rank == 3)
        return FL_OK;
    nn_shape_text(input, text);
    return fl_fail(err, FL_E_CONFIG,
                   "input, found %s, allowed an image [h, w, c]", text);
}

enum fl_status nn_check_window(const struct nn_shape *input,
                               int64_t kernel,
                               int64_t padding,
                               struct fl_error *err)
{
    FL_TRY(nn_check_image(input, err));
    char text[64];
    int64_t least =
        input->dim[0] < input->dim[1] ? input->dim[0] : input->dim[1];
    if (kernel <= least + 2 * padding)
        return FL_OK;
    nn_shape_text(input, text);
    return fl_fail(err, FL_E_CONFIG,
                   "kernel on %s with padding %" PRId64 ", found %" PRId64
                   ", allowed [1, %" PRId64 "]",
                   text, padding, kernel, least + 2 * padding);
}
