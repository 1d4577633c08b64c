#include "test_partition_support.h"

#include "base/alloc.h"

#include <stdio.h>
#include <string.h>

void samples_init(struct samples *samples,
                  int64_t n,
                  bool is_skewed,
                  int64_t n_groups)
{
    samples->labels = fl_calloc((size_t)n, 1);
    samples->groups = fl_calloc((size_t)n, sizeof *samples->groups);
    assert_non_null(samples->labels);
    assert_non_null(samples->groups);
    for (int64_t i = 0; i < n; i++) {
        int64_t part = i * 7 % 55, c = 0;
        for (int64_t end = 1; part >= end; end += c + 1)
            c++;
        samples->labels[i] = (uint8_t)(is_skewed ? c : i * 7 % 10);
        if (n_groups == 0)
            continue;
        /* of unequal size, each with at least one */
        int64_t g = i < n_groups ? i : (i * 31 % n_groups) * (i % 3) / 2;
        samples->groups[i] = (int32_t)g;
    }
    samples->split = (struct nn_split){
        .n = n,
        .labels = samples->labels,
        .groups = n_groups ? samples->groups : NULL,
        .n_groups = n_groups,
    };
}

void samples_fini(struct samples *samples)
{
    fl_free(samples->labels);
    fl_free(samples->groups);
}

enum fl_status make_partition(struct nn_partition *ret,
                              const char *kind,
                              const struct nn_split *train,
                              int64_t clients,
                              uint64_t seed,
                              struct fl_error *err)
{
    char text[200];
    (void)snprintf(text, sizeof text, "{partition: %s}", kind);
    struct fl_config *config = config_of(text);
    const struct fl_node *node =
        fl_node_find(fl_config_root(config), "partition");
    enum fl_status status = nn_partition_init_split(ret, config, node, train,
                                                    10, clients, seed, err);
    fl_config_destroy(config);
    return status;
}

int64_t check_partition(const struct nn_partition *partition,
                        const struct nn_split *train)
{
    uint8_t *seen = fl_calloc((size_t)train->n, 1);
    assert_non_null(seen);
    bool is_fine = partition->start[0] == 0;
    for (int64_t c = 0; c < partition->clients; c++) {
        int64_t n;
        const int64_t *index = nn_partition_client(partition, c, &n);
        assert_true(n >= 1);
        for (int64_t k = 0; k < n && is_fine; k++) {
            is_fine = index[k] >= 0 && index[k] < train->n &&
                      (k == 0 || index[k] > index[k - 1]) &&
                      seen[index[k]]++ == 0;
        }
        assert_true(is_fine);
    }
    fl_free(seen);
    return partition->start[partition->clients];
}

double class_skew(const struct nn_partition *partition,
                  const struct nn_split *train)
{
    double whole[10] = {0}, skew = 0;
    for (int64_t i = 0; i < train->n; i++)
        whole[train->labels[i]] += 1.0 / (double)train->n;
    for (int64_t k = 0; k < partition->clients; k++) {
        double mine[10] = {0};
        int64_t n;
        const int64_t *index = nn_partition_client(partition, k, &n);
        for (int64_t i = 0; i < n; i++)
            mine[train->labels[index[i]]] += 1.0 / (double)n;
        for (int c = 0; c < 10; c++)
            skew += (mine[c] - whole[c]) * (mine[c] - whole[c]) /
                    (double)partition->clients;
    }
    return skew;
}
