#include "nn/safetensors.h"

#include "base/alloc.h"
#include "base/file.h"

#include <stdio.h>
#include <string.h>

/* The shape of what enters layer i. */
static struct nn_shape input_of(const struct nn_model *model, size_t i)
{
    struct nn_shape shape = *nn_model_input(model);
    const char *name = NULL;
    if (i > 0)
        (void)nn_model_layer_cost(model, i - 1, &name, &shape);
    return shape;
}

/* The image that was flattened on the way to dense layer i; a shape of rank 1
 * when nothing was. Layers in between keep the order of values. */
static struct nn_shape image_before(const struct nn_model *model, size_t i)
{
    struct nn_shape vector = input_of(model, i);
    int64_t size = nn_shape_size(&vector);
    for (size_t at = i; at > 0; at--) {
        const char *name = NULL;
        struct nn_shape output, input = input_of(model, at - 1);
        (void)nn_model_layer_cost(model, at - 1, &name, &output);
        if (nn_shape_size(&output) != size || strcmp(name, "dense") == 0)
            break;
        if (strcmp(name, "flatten") == 0)
            return input;
    }
    return vector;
}

/* [kh, kw, in, out] -> [out, in, kh, kw] */
static void
turn_convolution(const int64_t dim[4], const nn_real *from, nn_real *to)
{
    int64_t area = dim[0] * dim[1], in = dim[2], out = dim[3];
    for (int64_t o = 0; o < out; o++)
        for (int64_t i = 0; i < in; i++)
            for (int64_t k = 0; k < area; k++)
                *to++ = from[(k * in + i) * out + o];
}

/* [in, out] -> [out, in], inputs in PyTorch's order. */
static void turn_dense(const int64_t dim[2],
                       const struct nn_shape *image,
                       const nn_real *from,
                       nn_real *to)
{
    int64_t in = dim[0], out = dim[1];
    int64_t channels = image->rank == 3 ? image->dim[2] : 1;
    int64_t area = in / channels;
    for (int64_t o = 0; o < out; o++)
        for (int64_t c = 0; c < channels; c++)
            for (int64_t k = 0; k < area; k++)
                *to++ = from[(k * channels + c) * out + o];
}

void nn_safetensors_layout(const struct nn_model *model,
                           const nn_real *params,
                           nn_real *ret)
{
    size_t n = 0;
    const struct nn_param_view *views = nn_model_params(model, &n);
    for (size_t i = 0; i < n; i++) {
        const struct nn_param_view *view = &views[i];
        const nn_real *from = params + view->offset;
        nn_real *to = ret + view->offset;
        if (view->is_torch_order) {
            memcpy(to, from, (size_t)view->size * sizeof *to);
        } else if (view->rank == 4) {
            turn_convolution(view->dim, from, to);
        } else if (view->rank == 2) {
            struct nn_shape image = image_before(model, (size_t)view->layer);
            turn_dense(view->dim, &image, from, to);
        } else {
            memcpy(to, from, (size_t)view->size * sizeof *to);
        }
    }
}

static void write_shape(const struct nn_param_view *view, FILE *out)
{
    const int64_t *d = view->dim;
    if (view->rank == 4 && !view->is_torch_order)
        (void)fprintf(out, "[%lld,%lld,%lld,%lld]", (long long)d[3],
                      (long long)d[2], (long long)d[0], (long long)d[1]);
    else if (view->rank == 2 && !view->is_torch_order)
        (void)fprintf(out, "[%lld,%lld]", (long long)d[1], (long long)d[0]);
    else if (view->rank == 2)
        (void)fprintf(out, "[%lld,%lld]", (long long)d[0], (long long)d[1]);
    else
        (void)fprintf(out, "[%lld]", (long long)view->size);
}

static enum fl_status write_header(const struct nn_model *model,
                                   char **ret,
                                   size_t *ret_n,
                                   struct fl_error *err)
{
    char *text = NULL;
    size_t n_bytes = 0, n = 0;
    const struct nn_param_view *views = nn_model_params(model, &n);
    FILE *out = open_memstream(&text, &n_bytes);
    if (!out)
        return fl_fail(err, FL_E_NOMEM, "out of memory: safetensors");
    (void)fprintf(out, "{\"__metadata__\":{\"format\":\"pt\"}");
    for (size_t i = 0; i < n; i++) {
        long long begin = (long long)views[i].offset * 4;
        (void)fprintf(out,
                      ",\"%s\":{\"dtype\":\"F32\",\"shape\":", views[i].name);
        write_shape(&views[i], out);
        (void)fprintf(out, ",\"data_offsets\":[%lld,%lld]}", begin,
                      begin + (long long)views[i].size * 4);
    }
    (void)fprintf(out, "}");
    (void)fflush(out);
    while (n_bytes % 8 != 0) { /* the tensors start aligned */
        (void)fputc(' ', out);
        (void)fflush(out);
    }
    if (fclose(out) != 0) {
        fl_free(text);
        return fl_fail(err, FL_E_NOMEM, "out of memory: safetensors");
    }
    *ret = text;
    *ret_n = n_bytes;
    return FL_OK;
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "safetensors are little endian");

enum fl_status nn_safetensors_write(const struct nn_model *model,
                                    const nn_real *params,
                                    const char *path,
                                    struct fl_error *err)
{
    char *header = NULL;
    size_t n_header = 0, n = (size_t)nn_model_n_params(model);
    FL_TRY(write_header(model, &header, &n_header, err));
    uint64_t length = n_header;
    size_t size = sizeof length + n_header + n * sizeof *params;
    uint8_t *file = fl_calloc(size, 1);
    nn_real *tensors = fl_calloc(n, sizeof *tensors);
    enum fl_status status;
    if (file && tensors) {
        nn_safetensors_layout(model, params, tensors);
        memcpy(file, &length, sizeof length);
        memcpy(file + sizeof length, header, n_header);
        memcpy(file + sizeof length + n_header, tensors, n * sizeof *tensors);
        status = fl_file_write(path, file, size, err);
    } else {
        status = fl_fail(err, FL_E_NOMEM, "out of memory: %s", path);
    }
    fl_free(header);
    fl_free(file);
    fl_free(tensors);
    return status;
}
