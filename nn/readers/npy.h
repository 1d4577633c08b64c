/* .npy files: an array as numpy.save writes it. Read for data sets (.npz) and
 * written for dumps that numpy can load:
 *
 *     int64_t dim[2] = {rows, columns};
 *     FL_TRY(nn_npy_write("y.npy", NN_NPY_F32, 2, dim, y, err));
 *
 * Little endian and in C order only. Reading believes nothing: the header is
 * parsed (never evaluated), the size has to be exact.
 * Source numpy.lib.format, versions 1.0 to 3.0.
 */
#ifndef NN_READERS_NPY_H
#define NN_READERS_NPY_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NN_NPY_MAX_RANK 8

enum nn_npy_type {
    NN_NPY_BOOL,
    NN_NPY_U8,
    NN_NPY_I8,
    NN_NPY_U16,
    NN_NPY_I16,
    NN_NPY_U32,
    NN_NPY_I32,
    NN_NPY_U64,
    NN_NPY_I64,
    NN_NPY_F32,
    NN_NPY_F64,
    NN_NPY_LAST_
};

/* A checked array; items points into the bytes it was read from, which need
 * not be aligned for its type: nn_npy_int and nn_npy_real read one. */
struct nn_npy {
    enum nn_npy_type type;
    int rank;
    int64_t dim[NN_NPY_MAX_RANK];
    int64_t n_items; /* product of dim; 1 for rank 0 */
    const uint8_t *items;
};

/* "uint8" ...; never NULL. */
const char *nn_npy_type_name(enum nn_npy_type type);
int64_t nn_npy_item_bytes(enum nn_npy_type type);
bool nn_npy_is_int(enum nn_npy_type type); /* bool is none */

/* where names the file in error texts.
 * Fails FL_E_FORMAT: not .npy, another type, big endian, Fortran order, over
 * NN_NPY_MAX_RANK axes, another size than its header says. */
enum fl_status nn_npy_view(const char *where,
                           const uint8_t *bytes,
                           size_t n_bytes,
                           struct nn_npy *ret,
                           struct fl_error *err) FL_NODISCARD;

/* Item i of an array of an integer type; above INT64_MAX: INT64_MAX. */
int64_t nn_npy_int(const struct nn_npy *npy, int64_t i);
/* Item i as a number, whatever its type. */
double nn_npy_real(const struct nn_npy *npy, int64_t i);

/* Writes items [dim] as numpy.save would (version 1.0), whole or not at all.
 * Fails FL_E_ARG rank or an axis that cannot be; FL_E_IO; FL_E_NOMEM. */
enum fl_status nn_npy_write(const char *path,
                            enum nn_npy_type type,
                            int rank,
                            const int64_t *dim,
                            const void *items,
                            struct fl_error *err) FL_NODISCARD;

#endif
