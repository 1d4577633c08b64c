/* What the files of nn/dataset*.c share: the files found for a set, and the
 * cache file. Only for nn/ and its tests.
 */
#ifndef NN_DATASET_PRIV_H
#define NN_DATASET_PRIV_H

#include "nn/dataset_type.h"

#define NN_PATH_BYTES   1024
#define NN_MAX_CHANNELS 16

struct nn_found {
    char path[NN_PATH_BYTES]; /* "": not there */
    int64_t size_bytes;
    int64_t mtime_s, mtime_ns;
};

struct nn_dataset_job {
    const struct nn_dataset_type *type;
    const char *spool_dir; /* for large arrays; NULL: they go on the heap */
    uint64_t seed;         /* 0 for a set that comes as files */
    size_t n_files;
    struct nn_found file[NN_MAX_SOURCES];
};

/* A set without files: drawn from the seed. */
bool nn_dataset_is_generator(const struct nn_dataset_type *type);
/* Finds the files. Fails FL_E_IO a missing one; FL_E_ARG. */
enum fl_status nn_dataset_job_init(struct nn_dataset_job *job,
                                   const struct nn_dataset_type *type,
                                   const void *opts,
                                   const struct nn_dataset_place *place,
                                   struct fl_error *err) FL_NODISCARD;
/* Decodes and checks; ret is zeroed before, and to be freed in any case. */
enum fl_status nn_dataset_job_decode(const struct nn_dataset_job *job,
                                     const void *opts,
                                     struct nn_raw *ret,
                                     struct fl_error *err) FL_NODISCARD;

/* A cache file in memory. Free: nn_cache_close. */
struct nn_cache {
    const uint8_t *bytes; /* the mapping */
    size_t n_bytes;
    struct nn_shape shape;
    int64_t classes;
    struct nn_split train, test; /* point into the mapping */
    int64_t channels;
    int64_t sample_bytes;
    double mean[NN_MAX_CHANNELS]; /* of pixel / 255, training split */
    double std[NN_MAX_CHANNELS];  /* population; 1 where it would be 0 */
    char sha256[65];
};

/* Maps path and checks it. What was written by this library and not touched
 * since (its time stamp tells) is checked in its header, labels and groups;
 * anything else in full.
 * Fails FL_E_IO not there; FL_E_FORMAT damaged, other version or key. */
enum fl_status nn_cache_open(const char *path,
                             const char *key,
                             struct nn_cache *ret,
                             struct fl_error *err) FL_NODISCARD;
void nn_cache_close(struct nn_cache *cache);
/* Writes path whole or not at all. Fails FL_E_IO, FL_E_NOMEM. */
enum fl_status nn_cache_write(const char *path,
                              const char *key,
                              const struct nn_raw *raw,
                              struct fl_error *err) FL_NODISCARD;

/* Bytes of one CIFAR-10 batch file into samples from `first` on; split has
 * room for them. Fails FL_E_FORMAT. */
enum fl_status nn_cifar10_unpack(const char *where,
                                 const uint8_t *bytes,
                                 size_t n_bytes,
                                 int64_t first,
                                 int64_t n,
                                 struct nn_raw_split *split,
                                 struct fl_error *err) FL_NODISCARD;

/* The arrays of an .npz file into ret, zeroed before and to be freed in any
 * case; classes 0: by the labels. Fails FL_E_FORMAT, FL_E_NOMEM. */
enum fl_status nn_npz_decode(const char *where,
                             const uint8_t *bytes,
                             size_t n_bytes,
                             int64_t classes,
                             struct nn_raw *ret,
                             struct fl_error *err) FL_NODISCARD;

#endif
