/* For tests of partitions: a made-up training split and partitions by text. */
#ifndef TEST_PARTITION_SUPPORT_H
#define TEST_PARTITION_SUPPORT_H

#include "nn/partition_type.h"
#include "test_dataset_support.h"

/* n samples, labels in turn (skewed: class c has c + 1 parts of 55), groups of
 * unequal size. Free: samples_fini. */
struct samples {
    struct nn_split split;
    uint8_t *labels;
    int32_t *groups;
};
void samples_init(struct samples *samples,
                  int64_t n,
                  bool is_skewed,
                  int64_t n_groups);
void samples_fini(struct samples *samples);

/* `kind` is YAML: a name or a map. */
enum fl_status make_partition(struct nn_partition *ret,
                              const char *kind,
                              const struct nn_split *train,
                              int64_t clients,
                              uint64_t seed,
                              struct fl_error *err);

/* Fails the test unless lists are ascending, disjoint, within range, and no
 * client is without a sample. Returns how many samples are used. */
int64_t check_partition(const struct nn_partition *partition,
                        const struct nn_split *train);

/* Mean over clients of sum over classes of (share - whole's share)^2: 0 for a
 * perfect mix, about 1 for one class each. */
double class_skew(const struct nn_partition *partition,
                  const struct nn_split *train);

#endif
