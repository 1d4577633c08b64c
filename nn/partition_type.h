/* The plug-in interface of partitions: one file in nn/partitions/ that defines
 *
 *     const struct nn_partition_type nn_partition_<name> = {...};
 *
 * and one row NN_PARTITION(<name>) in partitions.def. Start from
 * nn/partitions/TEMPLATE.c.txt.
 *
 * A kind answers one question: whose is each training sample? It writes an
 * owner per sample, so that no sample can have two; nn/partition.c makes the
 * lists (each client's samples in ascending order) and refuses a split that
 * leaves a client with nothing.
 *
 * Randomness comes from streams (seed, FL_RNG_PARTITION, a, b) alone.
 */
#ifndef NN_PARTITION_TYPE_H
#define NN_PARTITION_TYPE_H

#include "base/rng.h"
#include "nn/partition.h"

#include <stdbool.h>
#include <stddef.h>

/* What is to be split; all borrowed. */
struct nn_partition_job {
    const struct nn_split *train;
    int64_t classes;
    int64_t clients; /* 1 .. train->n */
    uint64_t seed;
};

#define NN_NO_OWNER (-1)

struct nn_partition_type {
    const char *name;              /* as in the file name and the table's row */
    const char *doc;               /* one sentence, with its source */
    const struct fl_param *params; /* never NULL; may be only its end */
    size_t opts_size;
    bool uses_all;     /* every sample gets an owner, for any options */
    bool needs_groups; /* only sets with groups can be split this way */

    /* NULL, or: how many clients the set has by nature. Fails FL_E_NOMEM. */
    enum fl_status (*natural_clients)(const struct nn_split *train,
                                      int64_t *ret,
                                      struct fl_error *err);

    /* Out   ret_owner [train->n] the client of each sample, or NN_NO_OWNER
     * Fails FL_E_CONFIG impossible; FL_E_NOMEM */
    enum fl_status (*split)(const void *opts,
                            const struct nn_partition_job *job,
                            int64_t *ret_owner,
                            struct fl_error *err);

    /* Options that the conformance test runs, as YAML; ends with NULL. */
    const char *const *examples;
};

/* By name, or NULL. */
const struct nn_partition_type *nn_partition_find(const char *name);

/* nn_partition_init for any split, e.g. one made by a test. */
enum fl_status nn_partition_init_split(struct nn_partition *partition,
                                       struct fl_config *config,
                                       const struct fl_node *node,
                                       const struct nn_split *train,
                                       int64_t classes,
                                       int64_t clients,
                                       uint64_t seed,
                                       struct fl_error *err) FL_NODISCARD;

/* Tools for kinds. */

/* Shares `total` out by weight >= 0 (sum > 0), everyone at least `least`
 * (total >= n * least): largest remainders, ties to the lower number. ret may
 * not be weight's memory. Fails FL_E_NOMEM. */
enum fl_status nn_partition_apportion(const double *weight,
                                      int64_t n,
                                      int64_t total,
                                      int64_t least,
                                      int64_t *ret,
                                      struct fl_error *err) FL_NODISCARD;

/* The samples of each class, shuffled: order [n] holds class after class,
 * start [classes + 1] where each begins. */
enum fl_status nn_partition_by_class(const struct nn_partition_job *job,
                                     int64_t *ret_order,
                                     int64_t *ret_start,
                                     struct fl_error *err) FL_NODISCARD;

#endif
