/* Data sets: decoded once into a memory-mapped cache file that all processes
 * of a host share, read as (image, label, group).
 *
 * One file in nn/datasets/ and one row in datasets.def add a data set. Samples
 * are uint8: images, channels last, or the token numbers of a text; groups are
 * writers, speakers, roles: the natural partition. A missing set is an error
 * that says how to get it.
 */
#ifndef NN_DATASET_H
#define NN_DATASET_H

#include "base/config.h"
#include "nn/shape.h"

#include <stdbool.h>

struct nn_split {
    int64_t n;
    const uint8_t *pixels; /* [n, shape] */
    const uint8_t *labels; /* [n] */
    const int32_t *groups; /* [n] 0 .. n_groups-1, or NULL: none known */
    int64_t n_groups;
};

struct nn_dataset; /* opaque: owns the mapping */

/* Where things are; the strings are borrowed for the call. */
struct nn_dataset_place {
    const char *root;      /* folder of downloaded sets */
    const char *cache_dir; /* decoded files; created if missing */
    uint64_t seed;         /* generated sets only */
};

/* Opens by name with the set's own options: a map, in which the key `kind` is
 * passed over, or NULL or a bare name: all defaults. config may be NULL when
 * options is.
 *
 * The first process of a host decodes into <cache_dir>/<name>-<key>.fcd, others
 * wait for it; later openings map that file. The key covers the options, the
 * seed of a generated set, and place, size and time of each source file. A
 * damaged file is noticed and made again.
 * Fails FL_E_CONFIG unknown name (near names), option problems (in config too);
 *       FL_E_IO a missing file, with how to get it, or cache_dir cannot be
 *       written; FL_E_FORMAT wrong magic, counts, sizes or SHA-256; FL_E_NOMEM.
 * Free: nn_dataset_destroy. */
enum fl_status nn_dataset_create(struct fl_config *config,
                                 const char *name,
                                 const struct fl_node *options,
                                 const struct nn_dataset_place *place,
                                 struct nn_dataset **ret,
                                 struct fl_error *err) FL_NODISCARD;
void nn_dataset_destroy(struct nn_dataset *dataset);

/* Checks the name and the options as nn_dataset_create does, without looking
 * for files. Fails FL_E_CONFIG, FL_E_NOMEM. */
enum fl_status nn_dataset_check(struct fl_config *config,
                                const char *name,
                                const struct fl_node *options,
                                struct fl_error *err) FL_NODISCARD;

const struct nn_shape *nn_dataset_shape(const struct nn_dataset *dataset);
int64_t nn_dataset_classes(const struct nn_dataset *dataset);
const struct nn_split *nn_dataset_train(const struct nn_dataset *dataset);
const struct nn_split *nn_dataset_test(const struct nn_dataset *dataset);
/* SHA-256 over shapes, samples, labels and groups of both splits: what a run
 * really trained on. Computed when decoding, kept in the cache file. */
const char *nn_dataset_sha256(const struct nn_dataset *dataset);
/* Samples are token numbers: for models whose first layer takes_tokens, and
 * for no others. */
bool nn_dataset_is_tokens(const struct nn_dataset *dataset);
/* Bytes of raw data that a training sample stands for, its label included:
 * what its owner would send. Less than a sample's size where samples overlap.
 */
int64_t nn_dataset_sample_bytes(const struct nn_dataset *dataset);

/* Brings the samples into memory now, if they are few enough for that. Up to
 * 96 MiB they are mapped here; up to 1 GiB they are read by the system, which
 * all processes of a host share, and a sample is mapped when it is gathered;
 * beyond that it is read then, too. */
void nn_dataset_read_ahead(const struct nn_dataset *dataset);

/* What was gathered of a large set leaves this process again; for whoever goes
 * on to other samples. Does nothing with a set that is mapped ahead. */
void nn_dataset_rest(const struct nn_dataset *dataset);
/* About how much of the mapping is in this process while it trains. */
int64_t nn_dataset_resident_bytes(const struct nn_dataset *dataset);

/* How pixels become floats: (pixel / 255 - mean) / std, per channel. Token
 * numbers stay what they are, whichever is asked for. */
enum nn_normalize {
    NN_NORMALIZE_STANDARD, /* mean and std of the training split */
    NN_NORMALIZE_UNIT,     /* mean 0, std 1: plain [0, 1] */
    NN_NORMALIZE_LAST_
};

/* Samples index[0..n) of a split into ret_x [n, shape] float32 and
 * ret_labels [n]. No allocation. */
void nn_dataset_gather(const struct nn_dataset *dataset,
                       const struct nn_split *split,
                       enum nn_normalize normalize,
                       const int64_t *index,
                       int64_t n,
                       float *ret_x,
                       int32_t *ret_labels);

/* What nn_dataset_gather makes of a pixel of a channel. */
float nn_dataset_value(const struct nn_dataset *dataset,
                       enum nn_normalize normalize,
                       int64_t channel,
                       uint8_t pixel);

#endif
