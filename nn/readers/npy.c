#include "nn/readers/npy.h"

#include "base/alloc.h"
#include "base/file.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "items are written as they lie in memory");

/* What no array may exceed, so that sums and products of sizes stay exact. */
#define MAX_ITEMS ((int64_t)1 << 40)

enum { MAGIC_BYTES = 6, HEADER_ALIGN = 64 };
static const uint8_t magic[MAGIC_BYTES] = {0x93, 'N', 'U', 'M', 'P', 'Y'};

static const struct {
    const char *name;
    const char *descr; /* as numpy writes it */
    int64_t bytes;
    bool is_int;
} types[] = {
    [NN_NPY_BOOL] = {"bool", "|b1", 1, false},
    [NN_NPY_U8] = {"uint8", "|u1", 1, true},
    [NN_NPY_I8] = {"int8", "|i1", 1, true},
    [NN_NPY_U16] = {"uint16", "<u2", 2, true},
    [NN_NPY_I16] = {"int16", "<i2", 2, true},
    [NN_NPY_U32] = {"uint32", "<u4", 4, true},
    [NN_NPY_I32] = {"int32", "<i4", 4, true},
    [NN_NPY_U64] = {"uint64", "<u8", 8, true},
    [NN_NPY_I64] = {"int64", "<i8", 8, true},
    [NN_NPY_F32] = {"float32", "<f4", 4, false},
    [NN_NPY_F64] = {"float64", "<f8", 8, false},
};
_Static_assert(sizeof types / sizeof types[0] == NN_NPY_LAST_,
               "every type needs a row");

const char *nn_npy_type_name(enum nn_npy_type type)
{
    return (unsigned)type < NN_NPY_LAST_ ? types[type].name : "unknown";
}

int64_t nn_npy_item_bytes(enum nn_npy_type type)
{
    assert((unsigned)type < NN_NPY_LAST_);
    return types[type].bytes;
}

bool nn_npy_is_int(enum nn_npy_type type)
{
    return (unsigned)type < NN_NPY_LAST_ && types[type].is_int;
}

/* The header: a Python dict of three keys, each once, in any order. */

struct cursor {
    const char *at, *end;
};

/* The next character that is no space; NUL at the end. */
static char peek(struct cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\n'))
        c->at++;
    return c->at < c->end ? *c->at : '\0';
}

static bool take(struct cursor *c, char expected)
{
    if (peek(c) != expected || c->at == c->end)
        return false;
    c->at++;
    return true;
}

/* A quoted text without escapes into ret; false: none, or longer. */
static bool take_text(struct cursor *c, char ret[16])
{
    char quote = peek(c);
    if (quote != '\'' && quote != '"')
        return false;
    const char *first = ++c->at;
    while (c->at < c->end && *c->at != quote)
        c->at++;
    size_t n = (size_t)(c->at - first);
    if (c->at == c->end || n >= 16)
        return false;
    memcpy(ret, first, n);
    ret[n] = '\0';
    c->at++;
    return true;
}

static bool take_word(struct cursor *c, const char *word)
{
    size_t n = strlen(word);
    (void)peek(c);
    if ((size_t)(c->end - c->at) < n || memcmp(c->at, word, n) != 0)
        return false;
    c->at += n;
    return true;
}

static bool take_count(struct cursor *c, int64_t *ret)
{
    char digit = peek(c);
    int64_t value = 0;
    if (digit < '0' || digit > '9')
        return false;
    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
        value = value * 10 + (*c->at - '0');
        if (value > MAX_ITEMS)
            return false;
    }
    *ret = value;
    return true;
}

static const char *take_descr(struct cursor *c, struct nn_npy *npy)
{
    char text[16];
    if (!take_text(c, text))
        return "its descr is no plain type";
    for (int t = 0; t < NN_NPY_LAST_; t++) {
        const char *descr = types[t].descr;
        bool has_no_order = types[t].bytes == 1 && text[0] != '\0' &&
                            strchr("<>|=", text[0]) != NULL;
        if (strcmp(text, descr) == 0 ||
            (has_no_order && strcmp(text + 1, descr + 1) == 0)) {
            npy->type = (enum nn_npy_type)t;
            return NULL;
        }
    }
    if (text[0] == '>')
        return "big endian, allowed little endian";
    return "of a type that is not bool, (u)int8..64, float32 or float64";
}

static const char *take_order(struct cursor *c)
{
    if (take_word(c, "True"))
        return "in Fortran order, allowed C order "
               "(numpy.ascontiguousarray)";
    return take_word(c, "False") ? NULL
                                 : "its fortran_order is not True or "
                                   "False";
}

static const char *take_shape(struct cursor *c, struct nn_npy *npy)
{
    static const char fault[] = "its shape is not (a, b, ..)";
    if (!take(c, '('))
        return fault;
    npy->n_items = 1;
    while (peek(c) != ')') {
        int64_t dim;
        if (npy->rank == NN_NPY_MAX_RANK)
            return "of more than 8 axes";
        if (!take_count(c, &dim) || (!take(c, ',') && peek(c) != ')'))
            return fault;
        if (dim > 0 && npy->n_items > MAX_ITEMS / dim)
            return "of more than 2^40 items";
        npy->dim[npy->rank++] = dim;
        npy->n_items *= dim;
    }
    return take(c, ')') ? NULL : fault;
}

static const char *take_dict(struct cursor *c, struct nn_npy *npy)
{
    static const char *const keys[] = {"descr", "fortran_order", "shape"};
    bool seen[3] = {false};
    if (!take(c, '{'))
        return "its header is no dict";
    while (peek(c) != '}') {
        char key[16];
        size_t k = 0;
        if (!take_text(c, key) || !take(c, ':'))
            return "its header is no dict of texts";
        while (k < 3 && strcmp(key, keys[k]) != 0)
            k++;
        if (k == 3 || seen[k])
            return "its header has another key than descr, fortran_order, "
                   "shape";
        seen[k] = true;
        const char *fault = k == 0   ? take_descr(c, npy)
                            : k == 1 ? take_order(c)
                                     : take_shape(c, npy);
        if (fault)
            return fault;
        if (!take(c, ',') && peek(c) != '}')
            return "its header is no dict";
    }
    (void)take(c, '}');
    if (peek(c) != '\0' || c->at != c->end)
        return "something follows its header's dict";
    return seen[0] && seen[1] && seen[2] ? NULL
                                         : "its header lacks descr, "
                                           "fortran_order or shape";
}

enum fl_status nn_npy_view(const char *where,
                           const uint8_t *bytes,
                           size_t n_bytes,
                           struct nn_npy *ret,
                           struct fl_error *err)
{
    if (n_bytes < 12 || memcmp(bytes, magic, MAGIC_BYTES) != 0 ||
        bytes[6] < 1 || bytes[6] > 3 || bytes[7] != 0)
        return fl_fail(err, FL_E_FORMAT,
                       "%s: not a .npy array of version 1.0 to 3.0", where);
    size_t start = bytes[6] == 1 ? 10 : 12;
    size_t length = bytes[8] | (size_t)bytes[9] << 8;
    if (bytes[6] > 1)
        length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
    if (n_bytes - start < length)
        return fl_fail(err, FL_E_FORMAT, "%s: truncated .npy header", where);
    struct nn_npy npy = {.type = NN_NPY_LAST_};
    const char *header = (const char *)bytes + start;
    struct cursor cursor = {header, header + length};
    const char *fault = take_dict(&cursor, &npy);
    if (fault)
        return fl_fail(err, FL_E_FORMAT, "%s: .npy array: %s", where, fault);
    uint64_t left = n_bytes - start - length;
    uint64_t expected = (uint64_t)(npy.n_items * types[npy.type].bytes);
    if (left != expected)
        return fl_fail(err, FL_E_FORMAT,
                       "%s: %s: found %llu bytes of items, expected %llu by "
                       "its header",
                       where, left < expected ? "truncated" : "oversized",
                       (unsigned long long)left, (unsigned long long)expected);
    npy.items = bytes + start + length;
    *ret = npy;
    return FL_OK;
}

static uint64_t bits_of(const struct nn_npy *npy, int64_t i)
{
    int64_t n = types[npy->type].bytes;
    const uint8_t *at = npy->items + i * n;
    uint64_t bits = 0;
    assert(i >= 0 && i < npy->n_items);
    for (int64_t b = n; b-- > 0;)
        bits = bits << 8 | at[b];
    return bits;
}

int64_t nn_npy_int(const struct nn_npy *npy, int64_t i)
{
    uint64_t bits = bits_of(npy, i);
    switch (npy->type) {
    case NN_NPY_I8:
        return (int8_t)bits;
    case NN_NPY_I16:
        return (int16_t)bits;
    case NN_NPY_I32:
        return (int32_t)bits;
    case NN_NPY_I64:
        return (int64_t)bits;
    default:
        assert(types[npy->type].is_int);
        return bits > INT64_MAX ? INT64_MAX : (int64_t)bits;
    }
}

double nn_npy_real(const struct nn_npy *npy, int64_t i)
{
    uint64_t bits = bits_of(npy, i);
    uint32_t half = (uint32_t)bits;
    float single;
    double real;
    switch (npy->type) {
    case NN_NPY_F32:
        memcpy(&single, &half, sizeof single);
        return (double)single;
    case NN_NPY_F64:
        memcpy(&real, &bits, sizeof real);
        return real;
    case NN_NPY_BOOL:
    case NN_NPY_U64:
        return (double)bits;
    default:
        return (double)nn_npy_int(npy, i);
    }
}

/* The dict, as numpy words it. Returns its length. */
static size_t write_dict(
    enum nn_npy_type type, int rank, const int64_t *dim, char *ret, size_t size)
{
    int n = snprintf(ret, size,
                     "{'descr': '%s', 'fortran_order': False, 'shape': (",
                     types[type].descr);
    for (int i = 0; i < rank; i++)
        n += snprintf(ret + n, size - (size_t)n, "%s%lld%s", i ? " " : "",
                      (long long)dim[i], i + 1 < rank || rank == 1 ? "," : "");
    n += snprintf(ret + n, size - (size_t)n, "), }");
    assert(n > 0 && (size_t)n < size);
    return (size_t)n;
}

enum fl_status nn_npy_write(const char *path,
                            enum nn_npy_type type,
                            int rank,
                            const int64_t *dim,
                            const void *items,
                            struct fl_error *err)
{
    int64_t n_items = 1;
    bool is_possible =
        rank >= 0 && rank <= NN_NPY_MAX_RANK && (unsigned)type < NN_NPY_LAST_;
    for (int i = 0; i < rank && is_possible; i++) {
        is_possible =
            dim[i] >= 0 && (dim[i] == 0 || n_items <= MAX_ITEMS / dim[i]);
        n_items *= is_possible ? dim[i] : 0;
    }
    if (!is_possible)
        return fl_fail(err, FL_E_ARG, "%s: no such .npy array", path);
    char dict[320];
    size_t n_dict = write_dict(type, rank, dim, dict, sizeof dict);
    size_t start =
        (10 + n_dict + 1 + HEADER_ALIGN - 1) / HEADER_ALIGN * HEADER_ALIGN;
    size_t n_bytes = (size_t)(n_items * types[type].bytes);
    uint8_t *bytes = fl_calloc(start + n_bytes, 1);
    if (!bytes)
        return fl_fail(err, FL_E_NOMEM, "%s: out of memory", path);
    memcpy(bytes, magic, MAGIC_BYTES);
    bytes[6] = 1;
    bytes[8] = (uint8_t)((start - 10) & 0xff);
    bytes[9] = (uint8_t)((start - 10) >> 8);
    memset(bytes + 10, ' ', start - 10);
    memcpy(bytes + 10, dict, n_dict);
    bytes[start - 1] = '\n';
    if (n_bytes > 0)
        memcpy(bytes + start, items, n_bytes);
    enum fl_status status = fl_file_write(path, bytes, start + n_bytes, err);
    fl_free(bytes);
    return status;
}
