/* The plug-in interface of data sets: one file in nn/datasets/ that defines
 *
 *     const struct nn_dataset_type nn_dataset_<name> = {...};
 *
 * and one row NN_DATASET(<name>) in datasets.def. Start from
 * nn/datasets/TEMPLATE.c.txt.
 *
 * A type says which files it needs and turns their bytes into two splits of
 * uint8 samples. Everything else is done once for all of them, in
 * nn/dataset*.c: options, finding the files, gzip, SHA-256, the shared cache,
 * normalising. A type without files is a generator: it sees the seed instead.
 * A type whose options name its file has `file` in place of tables.
 *
 * Ownership: decode() fills a struct nn_raw with heap arrays (base/alloc.h);
 * the caller frees them, also after a failure.
 */
#ifndef NN_DATASET_TYPE_H
#define NN_DATASET_TYPE_H

#include "nn/dataset.h"

#include <stdbool.h>
#include <stddef.h>

/* A file that a set is made of. */
struct nn_source {
    const char *name;   /* without .gz; NULL ends a table */
    const char *sha256; /* of the decompressed bytes; NULL: not known */
    bool is_optional;
};

#define NN_MAX_SOURCES 8

/* One split in memory. */
struct nn_raw_split {
    int64_t n;
    uint8_t *pixels; /* [n, shape] channels last */
    uint8_t *labels; /* [n] below classes */
    int32_t *groups; /* [n] 0 .. n_groups-1, or NULL */
    int64_t n_groups;
    /* SHA-256 of the pixels as an IDX file, where decode() has it anyway;
     * empty: to be computed. Saves a pass over large sets. */
    char pixels_sha256[65];
    size_t spooled_bytes; /* pixels are a file's: nn_raw_take_pixels; 0: heap */
};

struct nn_raw {
    struct nn_shape shape;
    int64_t classes;
    /* See nn_dataset_sample_bytes; 0: a sample and one byte of label. */
    int64_t bytes_per_sample;
    struct nn_raw_split train;
    struct nn_raw_split test;
};

void nn_raw_fini(struct nn_raw *raw); /* copes with a half-filled one */

struct nn_dataset_job; /* opaque: the files found, and whether to check them */

/* Zeroed room for a split's pixels: on the heap, or, where there are many, in
 * a file beside the cache, of which only a piece at a time need be in memory.
 * Fails FL_E_IO, FL_E_NOMEM. */
enum fl_status nn_raw_take_pixels(const struct nn_dataset_job *job,
                                  struct nn_raw_split *split,
                                  size_t n_bytes,
                                  struct fl_error *err) FL_NODISCARD;
/* Bytes [from, to) of the pixels are not needed for now. */
void nn_raw_rest_pixels(const struct nn_raw_split *split,
                        size_t from,
                        size_t to);
/* Pieces in which to go through them. */
#define NN_PIXELS_PIECE ((size_t)16 << 20)

struct nn_dataset_type {
    const char *name;           /* as in the file name and the table's row */
    const char *doc;            /* one sentence, with the licence */
    const char *how_to_get;     /* shown when a file is missing */
    const char *const *folders; /* below the root, tried in order, NULL-
                                   terminated; NULL with sources */
    const struct nn_source *sources; /* NULL: a generator, or see file */
    const struct fl_param *params;   /* never NULL; may be only its end */
    size_t opts_size;
    /* NULL, or: the one file that the options name, absolute or below the
     * root; it is source 0. Such a type has no sources. */
    const char *(*file)(const void *opts);
    /* Options that a test can open it with, as YAML; NULL: it needs none. */
    const char *example;
    bool is_tokens; /* samples are token numbers, not pixels */
    /* Part of the cache's key: raise it when decode() changes its output. */
    int version;

    /* In    opts  decoded by params, opts_size bytes
     *       job   for nn_dataset_read, nn_dataset_seed
     * Out   ret   zeroed by the caller; arrays on the heap
     * Fails FL_E_FORMAT wrong bytes; FL_E_IO; FL_E_CONFIG options that do not
     *       go together; FL_E_NOMEM */
    enum fl_status (*decode)(const void *opts,
                             const struct nn_dataset_job *job,
                             struct nn_raw *ret,
                             struct fl_error *err);
};

/* Options of sets that come as files of a published version. */
struct nn_file_opts {
    bool verify; /* refuse bytes that are not the published ones */
};
extern const struct fl_param nn_file_params[];
/* That row, for tables with more options; offset_ is of the bool. */
#define NN_VERIFY_PARAM(offset_)                                               \
    {                                                                          \
        .key = "verify", .kind = FL_PARAM_BOOL, .offset = (offset_),           \
        .def = "true",                                                         \
        .doc = "refuse files whose content is not the published one "          \
               "(SHA-256); magic numbers, counts and sizes are always checked" \
    }

/* The decompressed bytes of sources[i]. Fails FL_E_IO, FL_E_FORMAT (damaged
 * gzip, over max_bytes), FL_E_NOMEM. Free: fl_free. */
enum fl_status nn_dataset_read(const struct nn_dataset_job *job,
                               size_t i,
                               size_t max_bytes,
                               uint8_t **ret,
                               size_t *ret_bytes,
                               struct fl_error *err) FL_NODISCARD;
/* Compares them with the published SHA-256, if one is known. After the checks
 * of their form, whose errors say more. Out ret_sha256 what was found; NULL:
 * not wanted. Fails FL_E_FORMAT. */
enum fl_status nn_dataset_verify(const struct nn_dataset_job *job,
                                 size_t i,
                                 const uint8_t *bytes,
                                 size_t n_bytes,
                                 char ret_sha256[65],
                                 struct fl_error *err) FL_NODISCARD;
/* Path of sources[i], for error texts; NULL: an optional file that is not
 * there. */
const char *nn_dataset_path(const struct nn_dataset_job *job, size_t i);
uint64_t nn_dataset_seed(const struct nn_dataset_job *job);

/* By name, or NULL. */
const struct nn_dataset_type *nn_dataset_find(const char *name);

/* Decodes without any cache (tests, tools). Free: nn_raw_fini. */
enum fl_status nn_dataset_decode(const struct nn_dataset_type *type,
                                 const void *opts,
                                 const struct nn_dataset_place *place,
                                 struct nn_raw *ret,
                                 struct fl_error *err) FL_NODISCARD;

#endif
