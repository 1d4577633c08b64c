#include "nn/model_priv.h"
#include "nn/safetensors_priv.h"

#include "base/alloc.h"
#include "base/file.h"

#include <stdio.h>
#include <string.h>

/* The image that was flattened on the way to layer i; a shape of rank 1 when
 * nothing was. Layers in between keep the order of values. */
static struct nn_shape image_before(const struct nn_model *model, int64_t i)
{
    struct nn_shape vector = model->layers[i].input;
    int64_t size = nn_shape_size(&vector);
    for (int64_t at = model->layers[i].source; at >= 0;
         at = model->layers[at].source) {
        const struct nn_layer *layer = &model->layers[at];
        if (nn_shape_size(&layer->info.output) != size ||
            strcmp(layer->type->name, "dense") == 0)
            break;
        if (strcmp(layer->type->name, "flatten") == 0 && layer->input.rank > 1)
            return layer->input;
    }
    return vector;
}

/* Ours [area, in, out], the file's [out, in, area]. */
static void turn_axes(int64_t area,
                      int64_t in,
                      int64_t out,
                      bool to_file,
                      const nn_real *from,
                      nn_real *to)
{
    int64_t at = 0;
    for (int64_t o = 0; o < out; o++)
        for (int64_t i = 0; i < in; i++)
            for (int64_t k = 0; k < area; k++, at++) {
                int64_t ours = (k * in + i) * out + o;
                if (to_file)
                    to[at] = from[ours];
                else
                    to[ours] = from[at];
            }
}

/* Whether a view has a number for each of a vector's numbers: a norm's weight,
 * in the order of its input. */
static bool is_per_input(const struct nn_model *model,
                         const struct nn_param_view *view)
{
    const struct nn_layer *layer = &model->layers[view->layer];
    return layer->input.rank == 1 && layer->info.tensor[0].rank == 1 &&
           view->size == layer->input.dim[0];
}

void nn_safetensors_turn(const struct nn_model *model,
                         const struct nn_param_view *view,
                         bool to_file,
                         const nn_real *from,
                         nn_real *to)
{
    const int64_t *dim = view->dim;
    struct nn_shape image = image_before(model, view->layer);
    int64_t channels = image.rank == 3 ? image.dim[2] : 1;
    if (!view->is_torch_order && view->rank == 4) /* a convolution */
        turn_axes(dim[0] * dim[1], dim[2], dim[3], to_file, from, to);
    else if (!view->is_torch_order && view->rank == 2) /* dense */
        turn_axes(dim[0] / channels, channels, dim[1], to_file, from, to);
    else if (!view->is_torch_order && is_per_input(model, view))
        turn_axes(dim[0] / channels, channels, 1, to_file, from, to);
    else
        memcpy(to, from, (size_t)view->size * sizeof *to);
}

int nn_safetensors_shape(const struct nn_param_view *view, int64_t ret[4])
{
    const int64_t *d = view->dim;
    memcpy(ret, d, 4 * sizeof *ret);
    if (!view->is_torch_order && view->rank == 4)
        memcpy(ret, (const int64_t[]){d[3], d[2], d[0], d[1]}, 4 * sizeof *ret);
    else if (!view->is_torch_order && view->rank == 2)
        memcpy(ret, (const int64_t[]){d[1], d[0]}, 2 * sizeof *ret);
    return view->rank;
}

void nn_safetensors_layout(const struct nn_model *model,
                           const nn_real *params,
                           nn_real *ret)
{
    size_t n = 0;
    const struct nn_param_view *views = nn_model_params(model, &n);
    for (size_t i = 0; i < n; i++)
        nn_safetensors_turn(model, &views[i], true, params + views[i].offset,
                            ret + views[i].offset);
}

static void write_shape(const struct nn_param_view *view, FILE *out)
{
    int64_t shape[4];
    int rank = nn_safetensors_shape(view, shape);
    for (int i = 0; i < rank; i++)
        (void)fprintf(out, "%c%lld", i == 0 ? '[' : ',', (long long)shape[i]);
    (void)fputc(']', out);
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
