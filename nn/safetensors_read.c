#include "nn/safetensors_priv.h"

#include "base/alloc.h"
#include "base/file.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_HEADER  ((uint64_t)16 << 20)
#define MAX_RANK    8
#define NAMES_SHOWN 6

static const struct dtype {
    const char *name;
    size_t size;
    bool is_read;
} dtypes[] = {
    {"F32", 4, true},  {"F64", 8, true},      {"F16", 2, true},
    {"BF16", 2, true}, {"BOOL", 1, false},    {"U8", 1, false},
    {"I8", 1, false},  {"F8_E4M3", 1, false}, {"F8_E5M2", 1, false},
    {"I16", 2, false}, {"U16", 2, false},     {"I32", 4, false},
    {"U32", 4, false}, {"I64", 8, false},     {"U64", 8, false},
};

/* A tensor as the header describes it. */
struct entry {
    const char *name;
    const struct dtype *dtype;
    int rank;
    int64_t dim[MAX_RANK];
    uint64_t begin, end; /* within the data */
    bool is_ours;
};

struct reader {
    const char *where;
    const struct nn_model *model;
    const uint8_t *data;
    uint64_t n_data;
    struct entry *entries;
    size_t n_entries;
    struct fl_error *err;
};

static enum fl_status
bad(const struct reader *r, const char *name, const char *what)
{
    return fl_fail(r->err, FL_E_FORMAT, "%s: tensor %.60s: %s", r->where, name,
                   what);
}

static const struct dtype *find_dtype(const char *name)
{
    for (size_t i = 0; name && i < sizeof dtypes / sizeof dtypes[0]; i++)
        if (!strcmp(dtypes[i].name, name))
            return &dtypes[i];
    return NULL;
}

/* Header */

static enum fl_status
read_shape(const struct reader *r, const json_t *shape, struct entry *entry)
{
    size_t rank = json_array_size(shape); /* 0 also when it is no array */
    if (!json_is_array(shape) || rank > MAX_RANK)
        return bad(r, entry->name, "shape, allowed up to 8 sizes");
    entry->rank = (int)rank;
    for (size_t i = 0; i < rank; i++) {
        const json_t *dim = json_array_get(shape, i);
        if (!json_is_integer(dim) || json_integer_value(dim) < 0)
            return bad(r, entry->name, "shape, allowed whole numbers >= 0");
        entry->dim[i] = json_integer_value(dim);
    }
    return FL_OK;
}

static enum fl_status
read_offsets(const struct reader *r, const json_t *offsets, struct entry *entry)
{
    const json_t *begin = json_array_get(offsets, 0);
    const json_t *end = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(begin) ||
        !json_is_integer(end) || json_integer_value(begin) < 0 ||
        json_integer_value(end) < json_integer_value(begin) ||
        (uint64_t)json_integer_value(end) > r->n_data)
        return bad(r, entry->name,
                   "data_offsets, allowed [begin, end] in the "
                   "file");
    entry->begin = (uint64_t)json_integer_value(begin);
    entry->end = (uint64_t)json_integer_value(end);
    uint64_t size = entry->dtype->size;
    for (int i = 0; i < entry->rank; i++) {
        uint64_t dim = (uint64_t)entry->dim[i];
        if (dim && size > r->n_data / dim)
            return bad(r, entry->name, "shape is larger than the file");
        size *= dim;
    }
    if (size != entry->end - entry->begin)
        return bad(r, entry->name, "shape and data_offsets do not agree");
    return FL_OK;
}

static enum fl_status read_entry(const struct reader *r,
                                 const char *name,
                                 const json_t *json,
                                 struct entry *ret)
{
    *ret = (struct entry){
        .name = name,
        .dtype = find_dtype(json_string_value(json_object_get(json, "dtype")))};
    if (!ret->dtype)
        return bad(r, name, "dtype is missing or unknown");
    FL_TRY(read_shape(r, json_object_get(json, "shape"), ret));
    return read_offsets(r, json_object_get(json, "data_offsets"), ret);
}

static int by_begin(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    if (a->begin != b->begin)
        return a->begin < b->begin ? -1 : 1;
    return (a->end > b->end) - (a->end < b->end);
}

/* One after the other, from the first byte to the last. */
static enum fl_status check_gapless(const struct reader *r)
{
    uint64_t at = 0;
    for (size_t i = 0; i < r->n_entries; i++) {
        if (r->entries[i].begin != at)
            return bad(r, r->entries[i].name,
                       "overlaps the one before, or leaves a gap");
        at = r->entries[i].end;
    }
    if (at != r->n_data)
        return fl_fail(r->err, FL_E_FORMAT,
                       "%s: %" PRIu64 " bytes of tensors, found %" PRIu64,
                       r->where, at, r->n_data);
    return FL_OK;
}

static enum fl_status read_header(struct reader *r, json_t *header)
{
    const char *name = NULL;
    json_t *json = NULL;
    if (!json_is_object(header))
        return fl_fail(r->err, FL_E_FORMAT, "%s: header, allowed an object",
                       r->where);
    r->entries = fl_calloc(json_object_size(header) + 1, sizeof *r->entries);
    if (!r->entries)
        return fl_fail(r->err, FL_E_NOMEM, "out of memory: %s", r->where);
    json_object_foreach(header, name, json)
    {
        if (!strcmp(name, "__metadata__"))
            continue;
        FL_TRY(read_entry(r, name, json, &r->entries[r->n_entries]));
        r->n_entries++;
    }
    qsort(r->entries, r->n_entries, sizeof *r->entries, by_begin);
    return check_gapless(r);
}

/* Names */

static struct entry *find_entry(const struct reader *r, const char *name)
{
    for (size_t i = 0; i < r->n_entries; i++)
        if (!strcmp(r->entries[i].name, name))
            return &r->entries[i];
    return NULL;
}

/* PyTorch's count of batches beside a batch norm's running means. */
static bool is_passed_over(const char *name)
{
    static const char end[] = "num_batches_tracked";
    size_t n = strlen(name);
    return n >= sizeof end - 1 && !strcmp(name + n - (sizeof end - 1), end);
}

/* ", a, b, c and 4 more", from the second name on with its comma. */
static void list_name(FILE *out, size_t nth, const char *name)
{
    if (nth < NAMES_SHOWN)
        (void)fprintf(out, "%s%.48s", nth ? ", " : "", name);
    else if (nth == NAMES_SHOWN)
        (void)fputs(", ...", out);
}

/* Every tensor that is missing or too many, in one error. */
static enum fl_status check_names(const struct reader *r)
{
    char missing[512] = "", extra[512] = "";
    size_t n = 0, n_missing = 0, n_extra = 0;
    const struct nn_param_view *views = nn_model_params(r->model, &n);
    FILE *out = fmemopen(missing, sizeof missing, "w");
    FILE *more = fmemopen(extra, sizeof extra, "w");
    for (size_t i = 0; out && more && i < n; i++) {
        struct entry *entry = find_entry(r, views[i].name);
        if (entry)
            entry->is_ours = true;
        else
            list_name(out, n_missing++, views[i].name);
    }
    for (size_t i = 0; out && more && i < r->n_entries; i++)
        if (!r->entries[i].is_ours && !is_passed_over(r->entries[i].name))
            list_name(more, n_extra++, r->entries[i].name);
    bool is_good = out && more;
    if (out)
        is_good = fclose(out) == 0 && is_good;
    if (more)
        is_good = fclose(more) == 0 && is_good;
    if (!is_good)
        return fl_fail(r->err, FL_E_NOMEM, "out of memory: %s", r->where);
    if (n_missing + n_extra == 0)
        return FL_OK;
    return fl_fail(r->err, FL_E_FORMAT,
                   "%.300s: tensors, missing %zu (%s), not in the model %zu "
                   "(%s)",
                   r->where, n_missing, n_missing ? missing : "none", n_extra,
                   n_extra ? extra : "none");
}

static enum fl_status check_kind(const struct reader *r,
                                 const struct nn_param_view *view,
                                 const struct entry *entry)
{
    int64_t shape[4];
    int rank = nn_safetensors_shape(view, shape);
    if (!entry->dtype->is_read)
        return fl_fail(r->err, FL_E_FORMAT,
                       "%s: tensor %s: dtype, found %s, allowed F32, F64, F16, "
                       "BF16",
                       r->where, view->name, entry->dtype->name);
    bool is_same = rank == entry->rank;
    for (int i = 0; is_same && i < rank; i++)
        is_same = shape[i] == entry->dim[i];
    if (is_same)
        return FL_OK;
    char found[200] = "", allowed[120] = "";
    size_t at = 0;
    for (int i = 0; i < entry->rank && at < sizeof found; i++)
        at += (size_t)snprintf(found + at, sizeof found - at, "%s%" PRId64,
                               i ? ", " : "", entry->dim[i]);
    at = 0;
    for (int i = 0; i < rank && at < sizeof allowed; i++)
        at += (size_t)snprintf(allowed + at, sizeof allowed - at, "%s%" PRId64,
                               i ? ", " : "", shape[i]);
    return fl_fail(r->err, FL_E_FORMAT,
                   "%s: tensor %s: shape, found [%s], allowed [%s]", r->where,
                   view->name, found, allowed);
}

/* Numbers */

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "safetensors are little endian");

static float from_f16(uint16_t bits)
{
    float sign = bits & 0x8000 ? -1.0f : 1.0f;
    int exponent = bits >> 10 & 31, fraction = bits & 1023;
    if (exponent == 31)
        return fraction ? NAN : sign * INFINITY;
    if (exponent == 0)
        return sign * ldexpf((float)fraction, -24);
    return sign * ldexpf((float)(fraction + 1024), exponent - 25);
}

static float number_at(const struct dtype *dtype, const uint8_t *at)
{
    uint16_t half;
    uint32_t word;
    float single;
    double wide;
    switch (dtype->size) {
    case 8:
        memcpy(&wide, at, sizeof wide);
        return (float)wide;
    case 4:
        memcpy(&single, at, sizeof single);
        return single;
    default:
        memcpy(&half, at, sizeof half);
        if (dtype->name[0] == 'F')
            return from_f16(half);
        word = (uint32_t)half << 16;
        memcpy(&single, &word, sizeof single);
        return single;
    }
}

static enum fl_status convert(const struct reader *r,
                              const struct nn_param_view *view,
                              const struct entry *entry,
                              nn_real *ret)
{
    const uint8_t *from = r->data + entry->begin;
    for (int64_t i = 0; i < view->size; i++) {
        float x = number_at(entry->dtype, from);
        if (!isfinite(x))
            return fl_fail(r->err, FL_E_NUMERIC,
                           "%s: tensor %s: number %" PRId64 " is %g, allowed "
                           "finite ones",
                           r->where, view->name, i, (double)x);
        ret[i] = (nn_real)x;
        from += entry->dtype->size;
    }
    return FL_OK;
}

static enum fl_status read_tensors(const struct reader *r, nn_real *ret_params)
{
    size_t n = 0;
    const struct nn_param_view *views = nn_model_params(r->model, &n);
    FL_TRY(check_names(r));
    for (size_t i = 0; i < n; i++)
        FL_TRY(check_kind(r, &views[i], find_entry(r, views[i].name)));
    nn_real *all = fl_calloc((size_t)nn_model_n_params(r->model), sizeof *all);
    if (!all)
        return fl_fail(r->err, FL_E_NOMEM, "out of memory: %s", r->where);
    enum fl_status status = FL_OK;
    for (size_t i = 0; i < n && status == FL_OK; i++)
        status = convert(r, &views[i], find_entry(r, views[i].name),
                         all + views[i].offset);
    for (size_t i = 0; i < n && status == FL_OK; i++)
        nn_safetensors_turn(r->model, &views[i], false, all + views[i].offset,
                            ret_params + views[i].offset);
    fl_free(all);
    return status;
}

enum fl_status nn_safetensors_parse(const struct nn_model *model,
                                    const char *where,
                                    const uint8_t *bytes,
                                    size_t n_bytes,
                                    nn_real *ret_params,
                                    struct fl_error *err)
{
    uint64_t length = 0;
    if (n_bytes >= sizeof length)
        memcpy(&length, bytes, sizeof length);
    if (n_bytes < sizeof length || length > n_bytes - sizeof length ||
        length > MAX_HEADER)
        return fl_fail(err, FL_E_FORMAT,
                       "%s: not a safetensors file: a header of %" PRIu64
                       " bytes in %zu, allowed at most %" PRIu64,
                       where, length, n_bytes, MAX_HEADER);
    json_error_t mistake;
    json_t *header =
        json_loadb((const char *)bytes + sizeof length, (size_t)length,
                   JSON_REJECT_DUPLICATES, &mistake);
    if (!header)
        return fl_fail(err, FL_E_FORMAT, "%s: header: %.100s", where,
                       mistake.text);
    struct reader r = {.where = where,
                       .model = model,
                       .data = bytes + sizeof length + length,
                       .n_data = n_bytes - sizeof length - length,
                       .err = err};
    enum fl_status status = read_header(&r, header);
    if (status == FL_OK)
        status = read_tensors(&r, ret_params);
    fl_free(r.entries);
    json_decref(header);
    return status;
}

enum fl_status nn_safetensors_read(const struct nn_model *model,
                                   const char *path,
                                   nn_real *ret_params,
                                   struct fl_error *err)
{
    const uint8_t *bytes = NULL;
    size_t n_bytes = 0;
    FL_TRY(fl_file_map(path, &bytes, &n_bytes, err));
    enum fl_status status =
        nn_safetensors_parse(model, path, bytes, n_bytes, ret_params, err);
    fl_file_unmap(bytes, n_bytes);
    return status;
}
