/* Partitions: which training samples each client holds.
 *
 * One file in nn/partitions/ and one row in partitions.def add a kind. A
 * partition is a pure function of (data set, options, clients, seed): every
 * process computes the same one. Every client has at least one sample; a
 * combination for which that is impossible is an error, never a hang.
 */
#ifndef NN_PARTITION_H
#define NN_PARTITION_H

#include "base/config.h"
#include "nn/dataset.h"

struct nn_partition {
    int64_t clients;
    int64_t *start; /* [clients + 1] into index */
    int64_t
        *index; /* sample numbers, ascending per client; each at most once */
};

/* node: a kind's name, or {kind: dirichlet, alpha: 0.5}. clients = 0 asks for
 * the natural number (groups), where the kind knows one.
 * Fails FL_E_CONFIG unknown kind, bad option, impossible split; FL_E_NOMEM.
 * Free: nn_partition_fini. */
enum fl_status nn_partition_init(struct nn_partition *partition,
                                 struct fl_config *config,
                                 const struct fl_node *node,
                                 const struct nn_dataset *dataset,
                                 int64_t clients,
                                 uint64_t seed,
                                 struct fl_error *err) FL_NODISCARD;
/* Checks kind and options without data. Fails FL_E_CONFIG, FL_E_NOMEM. */
enum fl_status nn_partition_check(struct fl_config *config,
                                  const struct fl_node *node,
                                  struct fl_error *err) FL_NODISCARD;
void nn_partition_fini(struct nn_partition *partition);

/* Forgets which samples clients hold; how many stays. For whoever trains
 * nothing: 8 bytes per client are left. nn_partition_client must only be asked
 * for counts from then on. */
void nn_partition_keep_sizes(struct nn_partition *partition);

/* Samples of one client; n = count. */
const int64_t *nn_partition_client(const struct nn_partition *partition,
                                   int64_t client,
                                   int64_t *ret_n);

/* Samples of all clients together, ascending: [start[clients]], the same
 * whoever holds which. Fails FL_E_NOMEM. Free: fl_free. */
enum fl_status nn_partition_everyone(const struct nn_partition *partition,
                                     int64_t **ret_index,
                                     struct fl_error *err) FL_NODISCARD;

#endif
