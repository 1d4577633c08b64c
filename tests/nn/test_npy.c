/* .npy files: those of numpy (tests/nn/npz_reference.py made them), our own,
 * and hostile ones.
 *     test_nn_npy DIR [OUT]   DIR has numpy's; into OUT go ours, for numpy */
#include "nn/readers/npy.h"

#include "base/alloc.h"
#include "base/file.h"
#include "support/assert_near.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *folder;
static const char *out;

struct bytes {
    uint8_t *at;
    size_t n;
};

static struct bytes read_file(const char *dir, const char *name)
{
    char path[1000];
    struct bytes bytes;
    struct fl_error err;
    (void)snprintf(path, sizeof path, "%s/%s.npy", dir, name);
    assert_ok(fl_file_read(path, 1 << 20, &bytes.at, &bytes.n, &err), &err);
    return bytes;
}

/* Six numbers each, as in npz_reference.py. */
static const int64_t ints[NN_NPY_LAST_][6] = {
    [NN_NPY_U8] = {0, 1, 0, UINT8_MAX, 127, 100},
    [NN_NPY_I8] = {0, 1, INT8_MIN, INT8_MAX, 63, 100},
    [NN_NPY_U16] = {0, 1, 0, UINT16_MAX, INT16_MAX, 100},
    [NN_NPY_I16] = {0, 1, INT16_MIN, INT16_MAX, 16383, 100},
    [NN_NPY_U32] = {0, 1, 0, UINT32_MAX, INT32_MAX, 100},
    [NN_NPY_I32] = {0, 1, INT32_MIN, INT32_MAX, 1073741823, 100},
    /* the largest is cut to what an int64_t holds */
    [NN_NPY_U64] = {0, 1, 0, INT64_MAX, INT64_MAX, 100},
    [NN_NPY_I64] = {0, 1, INT64_MIN, INT64_MAX, INT64_MAX / 2, 100},
};
static const double reals[6] = {0.5, -1.25, 3e30, -0.0, 1e-30, 7};
static const double bools[6] = {0, 1, 1, 0, 1, 0};

static double real_of(enum nn_npy_type type, int i)
{
    if (type == NN_NPY_BOOL)
        return bools[i];
    if (type == NN_NPY_F32)
        return (double)(float)reals[i];
    if (type == NN_NPY_U64 && i == 3)
        return 18446744073709551615.0;
    return type == NN_NPY_F64 ? reals[i] : (double)ints[type][i];
}

static void test_every_type_of_numpy_is_read(void **state)
{
    (void)state;
    for (int t = 0; t < NN_NPY_LAST_; t++) {
        enum nn_npy_type type = (enum nn_npy_type)t;
        struct bytes file = read_file(folder, nn_npy_type_name(type));
        struct nn_npy npy;
        struct fl_error err;
        assert_ok(nn_npy_view("x", file.at, file.n, &npy, &err), &err);
        assert_int_equal(npy.type, type);
        assert_int_equal(npy.rank, 2);
        assert_int_equal(npy.dim[0], 2);
        assert_int_equal(npy.dim[1], 3);
        assert_int_equal(npy.n_items, 6);
        for (int i = 0; i < 6; i++) {
            /* the same number, so no tolerance */
            assert_near(nn_npy_real(&npy, i), real_of(type, i), 0, 0);
            if (nn_npy_is_int(type))
                assert_true(nn_npy_int(&npy, i) == ints[type][i]);
        }
        fl_free(file.at);
    }
}

static void expect_shape(const char *name, int rank, int64_t n_items)
{
    struct bytes file = read_file(folder, name);
    struct nn_npy npy;
    struct fl_error err;
    assert_ok(nn_npy_view("x", file.at, file.n, &npy, &err), &err);
    assert_int_equal(npy.rank, rank);
    assert_int_equal(npy.n_items, n_items);
    fl_free(file.at);
}

static void test_shapes_and_versions_of_numpy_are_read(void **state)
{
    (void)state;
    expect_shape("scalar", 0, 1);
    expect_shape("empty", 2, 0);
    expect_shape("deep", 8, 1);
    expect_shape("version2", 2, 6);
}

static void test_what_cannot_be_read_is_refused_with_the_reason(void **state)
{
    (void)state;
    static const struct {
        const char *name, *reason;
    } bad[] = {
        {"bad_fortran", "Fortran order"}, {"bad_big_endian", "big endian"},
        {"bad_complex", "of a type"},     {"bad_text", "of a type"},
        {"bad_struct", "no plain type"},  {"bad_object", "of a type"},
        {"bad_deep", "8 axes"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct bytes file = read_file(folder, bad[i].name);
        struct nn_npy npy = {.rank = -1};
        struct fl_error err = {0};
        assert_int_equal(nn_npy_view("x.npy", file.at, file.n, &npy, &err),
                         FL_E_FORMAT);
        assert_int_equal(npy.rank, -1);
        assert_non_null(strstr(err.text, "x.npy: "));
        if (!strstr(err.text, bad[i].reason))
            fail_msg("%s: %s", bad[i].name, err.text);
        fl_free(file.at);
    }
}

/* A version 1.0 file of this header and n_items zero bytes. */
static struct bytes make(const char *header, size_t n_items)
{
    size_t n = strlen(header);
    struct bytes file = {fl_calloc(10 + n + n_items, 1), 10 + n + n_items};
    assert_non_null(file.at);
    memcpy(file.at, "\x93NUMPY\x01\x00", 8);
    file.at[8] = (uint8_t)(n & 0xff);
    file.at[9] = (uint8_t)(n >> 8);
    memcpy(file.at + 10, header, n);
    return file;
}

static enum fl_status view(const char *header, size_t n_items)
{
    struct bytes file = make(header, n_items);
    struct nn_npy npy;
    struct fl_error err = {0};
    enum fl_status status = nn_npy_view("x", file.at, file.n, &npy, &err);
    assert_true(status == FL_OK || err.text[0] != '\0');
    fl_free(file.at);
    return status;
}

static void test_headers_are_read_as_dicts_of_any_order(void **state)
{
    (void)state;
    static const char *const good[] = {
        "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }   \n",
        "{'shape':(2,3),'fortran_order':False,'descr':'|u1'}",
        "{ \"shape\" : ( 2 , 3 , ) , 'descr': \"<u1\", 'fortran_order': False}",
        "{'descr': 'u1', 'fortran_order': False, 'shape': (6,)}",
    };
    /* 'u1' without its mark is no type: the last one is refused */
    for (size_t i = 0; i + 1 < sizeof good / sizeof good[0]; i++)
        assert_int_equal(view(good[i], 6), FL_OK);
    assert_int_equal(view(good[3], 6), FL_E_FORMAT);
    assert_int_equal(view(good[0], 5), FL_E_FORMAT);
    assert_int_equal(view(good[0], 7), FL_E_FORMAT);
}

static void test_hostile_headers_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "{",
        "{}",
        "[1]",
        "{'descr': '|u1', 'fortran_order': False}",
        "{'descr': '|u1', 'shape': (6,)}",
        "{'fortran_order': False, 'shape': (6,)}",
        "{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': "
        "(6,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (6,), 'x': 1}",
        "{'descr': '|u1', 'fortran_order': 0, 'shape': (6,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (-6,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (6L,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': 6}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (6}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (6,,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (6,)",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (6,)} x",
        "{'descr': '|u1', 'fortran_order': False, 'shape': "
        "(99999999999999999999,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1099511627776, "
        "1099511627776)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (0, "
        "99999999999999999999999)}",
        "{'descr': '', 'fortran_order': False, 'shape': (6,)}",
        "{'descr': '|u1zzzzzzzzzzzzzzzzzzzzz', 'fortran_order': False, "
        "'shape': (6,)}",
        "{'descr': '|u1",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (view(bad[i], 6) != FL_E_FORMAT)
            fail_msg("taken: %s", bad[i]);
}

static void test_cut_and_changed_files_never_lead_outside(void **state)
{
    (void)state;
    struct bytes file = read_file(folder, "int32");
    struct nn_npy npy;
    struct fl_error err;
    for (size_t n = 0; n < file.n; n++) {
        /* its own memory, so that a sanitizer sees what lies behind */
        uint8_t *cut = fl_calloc(n + 1, 1);
        assert_non_null(cut);
        memcpy(cut, file.at, n);
        assert_int_equal(nn_npy_view("x", cut, n, &npy, &err), FL_E_FORMAT);
        fl_free(cut);
    }
    for (size_t i = 0; i < file.n; i++)
        for (int bit = 0; bit < 8; bit++) {
            file.at[i] ^= (uint8_t)(1 << bit);
            if (nn_npy_view("x", file.at, file.n, &npy, &err) == FL_OK)
                for (int64_t k = 0; k < npy.n_items; k++)
                    assert_false(isinf(nn_npy_real(&npy, k)) &&
                                 npy.type != NN_NPY_F32 &&
                                 npy.type != NN_NPY_F64);
            file.at[i] ^= (uint8_t)(1 << bit);
        }
    fl_free(file.at);
}

/* Writing */

static void write_and_read(const char *name,
                           enum nn_npy_type type,
                           int rank,
                           const int64_t *dim,
                           const void *items,
                           size_t n_bytes)
{
    char path[1000], file_name[64];
    struct fl_error err;
    struct nn_npy npy;
    (void)snprintf(file_name, sizeof file_name, "ours_%s", name);
    (void)snprintf(path, sizeof path, "%s/%s.npy", out ? out : ".", file_name);
    assert_ok(nn_npy_write(path, type, rank, dim, items, &err), &err);
    struct bytes file = read_file(out ? out : ".", file_name);
    assert_ok(nn_npy_view("x", file.at, file.n, &npy, &err), &err);
    assert_int_equal(npy.type, type);
    assert_int_equal(npy.rank, rank);
    for (int i = 0; i < rank; i++)
        assert_int_equal(npy.dim[i], dim[i]);
    assert_int_equal((size_t)(npy.items - file.at) % 64, 0);
    assert_int_equal((size_t)(file.at + file.n - npy.items), n_bytes);
    if (n_bytes > 0)
        assert_memory_equal(npy.items, items, n_bytes);
    fl_free(file.at);
    if (!out)
        assert_int_equal(remove(path), 0);
}

static void test_what_is_written_is_read_again(void **state)
{
    (void)state;
    const int64_t dim[2] = {2, 3}, vector[1] = {6}, empty[2] = {0, 4};
    const int64_t deep[8] = {1, 1, 1, 1, 1, 1, 1, 6};
    const float values[6] = {1, 2, 3, 4, 5, 6};
    for (int t = 0; t < NN_NPY_LAST_; t++) {
        enum nn_npy_type type = (enum nn_npy_type)t;
        struct bytes file = read_file(folder, nn_npy_type_name(type));
        struct nn_npy npy;
        struct fl_error err;
        assert_ok(nn_npy_view("x", file.at, file.n, &npy, &err), &err);
        write_and_read(nn_npy_type_name(type), type, 2, dim, npy.items,
                       6 * (size_t)nn_npy_item_bytes(type));
        fl_free(file.at);
    }
    write_and_read("scalar", NN_NPY_F32, 0, NULL, values, sizeof(float));
    write_and_read("vector", NN_NPY_F32, 1, vector, values, sizeof values);
    write_and_read("empty", NN_NPY_F32, 2, empty, NULL, 0);
    write_and_read("deep", NN_NPY_F32, 8, deep, values, sizeof values);
}

static void test_arrays_that_cannot_be_are_not_written(void **state)
{
    (void)state;
    const int64_t negative[1] = {-1};
    const int64_t large[2] = {(int64_t)1 << 40, 2};
    const int64_t nine[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    float value = 0;
    struct fl_error err;
    assert_int_equal(nn_npy_write("no", NN_NPY_F32, 1, negative, &value, &err),
                     FL_E_ARG);
    assert_int_equal(nn_npy_write("no", NN_NPY_F32, 2, large, &value, &err),
                     FL_E_ARG);
    assert_int_equal(nn_npy_write("no", NN_NPY_F32, 9, nine, &value, &err),
                     FL_E_ARG);
    assert_int_equal(nn_npy_write("no", NN_NPY_LAST_, 1, nine, &value, &err),
                     FL_E_ARG);
    char below_a_file[1000];
    (void)snprintf(below_a_file, sizeof below_a_file, "%s/int8.npy/no", folder);
    assert_int_equal(
        nn_npy_write(below_a_file, NN_NPY_F32, 1, nine, &value, &err), FL_E_IO);
    (void)fl_alloc_fail_at(1);
    enum fl_status status =
        nn_npy_write("no", NN_NPY_F32, 1, nine, &value, &err);
    (void)fl_alloc_fail_at(0);
    assert_int_equal(status, FL_E_NOMEM);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        (void)fprintf(stderr, "usage: test_nn_npy DIR [OUT]\n");
        return 2;
    }
    folder = argv[1];
    out = argc > 2 ? argv[2] : NULL;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_type_of_numpy_is_read),
        cmocka_unit_test(test_shapes_and_versions_of_numpy_are_read),
        cmocka_unit_test(test_what_cannot_be_read_is_refused_with_the_reason),
        cmocka_unit_test(test_headers_are_read_as_dicts_of_any_order),
        cmocka_unit_test(test_hostile_headers_are_refused),
        cmocka_unit_test(test_cut_and_changed_files_never_lead_outside),
        cmocka_unit_test(test_what_is_written_is_read_again),
        cmocka_unit_test(test_arrays_that_cannot_be_are_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
