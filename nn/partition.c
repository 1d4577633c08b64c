#include "nn/partition.h"

#include "base/alloc.h"
#include "nn/partition_type.h"
#include "nn/registry.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct nn_partition_type *nn_partition_find(const char *name)
{
    for (size_t i = 0; nn_partitions[i]; i++)
        if (strcmp(nn_partitions[i]->name, name) == 0)
            return nn_partitions[i];
    return NULL;
}

static void add_unknown(struct fl_config *config, const struct fl_node *kind)
{
    const char *names[64];
    size_t n = 0;
    for (; nn_partitions[n] && n < sizeof names / sizeof names[0]; n++)
        names[n] = nn_partitions[n]->name;
    fl_config_unknown_name(config, kind, "partition", names, n);
}

/* The kind that a node names: its own text, or that of its key `kind`. */
static const struct nn_partition_type *type_of(struct fl_config *config,
                                               const struct fl_node *node)
{
    const struct fl_node *kind = node;
    if (node->kind == FL_NODE_MAP)
        kind = fl_node_find(node, "kind");
    if (!kind || kind->kind != FL_NODE_SCALAR) {
        fl_config_problem(config, kind ? &kind->place : &node->place,
                          "a partition is a name or {kind: name, ...}");
        return NULL;
    }
    const struct nn_partition_type *type = nn_partition_find(kind->text);
    if (!type)
        add_unknown(config, kind);
    return type;
}

/* Type and decoded options (heap). Fails FL_E_CONFIG with what is new. */
static enum fl_status decode(struct fl_config *config,
                             const struct fl_node *node,
                             const struct nn_partition_type **ret_type,
                             void **ret_opts,
                             struct fl_error *err)
{
    static const char *const kind_key[] = {"kind", NULL};
    if (!config || !node)
        return fl_fail(err, FL_E_ARG, "a partition needs a node of a config");
    size_t before = fl_config_n_problems(config);
    const struct nn_partition_type *type = type_of(config, node);
    if (!type)
        return fl_config_check(config, err);
    void *opts = fl_calloc(1, type->opts_size);
    if (!opts)
        return fl_fail(err, FL_E_NOMEM, "partition '%s': out of memory",
                       type->name);
    fl_config_decode(config, node->kind == FL_NODE_MAP ? node : NULL,
                     type->params, kind_key, opts);
    if (fl_config_n_problems(config) > before) {
        fl_free(opts);
        return fl_config_check(config, err);
    }
    *ret_type = type;
    *ret_opts = opts;
    return FL_OK;
}

enum fl_status nn_partition_check(struct fl_config *config,
                                  const struct fl_node *node,
                                  struct fl_error *err)
{
    const struct nn_partition_type *type;
    void *opts;
    FL_TRY(decode(config, node, &type, &opts, err));
    fl_free(opts);
    return FL_OK;
}

/* Owners to lists, by counting: ascending sample numbers per client. */
static enum fl_status make_lists(const struct nn_partition_type *type,
                                 const int64_t *owner,
                                 int64_t n,
                                 struct nn_partition *partition,
                                 struct fl_error *err)
{
    int64_t clients = partition->clients;
    int64_t *start = partition->start;
    for (int64_t i = 0; i < n; i++) {
        assert(owner[i] >= NN_NO_OWNER && owner[i] < clients);
        if (owner[i] != NN_NO_OWNER)
            start[owner[i] + 1]++;
    }
    for (int64_t c = 0; c < clients; c++) {
        if (start[c + 1] == 0)
            return fl_fail(err, FL_E_CONFIG,
                           "partition '%s': client %lld of %lld would have no "
                           "sample: use fewer clients or other options",
                           type->name, (long long)c, (long long)clients);
        start[c + 1] += start[c];
    }
    partition->index = fl_calloc((size_t)start[clients], sizeof(int64_t));
    int64_t *next = fl_calloc((size_t)clients, sizeof *next);
    if (!partition->index || !next) {
        fl_free(next);
        return fl_fail(err, FL_E_NOMEM, "partition '%s': out of memory",
                       type->name);
    }
    memcpy(next, start, (size_t)clients * sizeof *next);
    for (int64_t i = 0; i < n; i++)
        if (owner[i] != NN_NO_OWNER)
            partition->index[next[owner[i]]++] = i;
    fl_free(next);
    return FL_OK;
}

/* Checks what every kind needs, and settles how many clients there are. */
static enum fl_status settle_clients(const struct nn_partition_type *type,
                                     struct nn_partition_job *job,
                                     struct fl_error *err)
{
    if (type->needs_groups && !job->train->groups)
        return fl_fail(err, FL_E_CONFIG,
                       "partition '%s': this data set has no writers, "
                       "speakers or other groups",
                       type->name);
    if (job->clients == 0 && type->natural_clients)
        FL_TRY(type->natural_clients(job->train, &job->clients, err));
    else if (job->clients == 0)
        return fl_fail(err, FL_E_CONFIG,
                       "partition '%s': no number of clients by nature, "
                       "clients = 0, allowed 1 .. %lld",
                       type->name, (long long)job->train->n);
    if (job->clients < 1 || job->clients > job->train->n)
        return fl_fail(err, FL_E_CONFIG,
                       "partition '%s': clients = %lld, allowed 1 .. %lld, the "
                       "number of training samples",
                       type->name, (long long)job->clients,
                       (long long)job->train->n);
    return FL_OK;
}

static enum fl_status split(const struct nn_partition_type *type,
                            const void *opts,
                            struct nn_partition_job *job,
                            struct nn_partition *ret,
                            struct fl_error *err)
{
    FL_TRY(settle_clients(type, job, err));
    int64_t n = job->train->n;
    int64_t *owner = fl_calloc((size_t)n, sizeof *owner);
    ret->clients = job->clients;
    ret->start = fl_calloc((size_t)job->clients + 1, sizeof *ret->start);
    enum fl_status status = FL_OK;
    if (!owner || !ret->start)
        status = fl_fail(err, FL_E_NOMEM, "partition '%s': out of memory",
                         type->name);
    if (status == FL_OK)
        status = type->split(opts, job, owner, err);
    if (status == FL_OK)
        status = make_lists(type, owner, n, ret, err);
    fl_free(owner);
    return status;
}

enum fl_status nn_partition_init_split(struct nn_partition *partition,
                                       struct fl_config *config,
                                       const struct fl_node *node,
                                       const struct nn_split *train,
                                       int64_t classes,
                                       int64_t clients,
                                       uint64_t seed,
                                       struct fl_error *err)
{
    const struct nn_partition_type *type;
    void *opts;
    struct nn_partition made = {0};
    struct nn_partition_job job = {train, classes, clients, seed};
    FL_TRY(decode(config, node, &type, &opts, err));
    enum fl_status status = split(type, opts, &job, &made, err);
    fl_free(opts);
    if (status == FL_OK)
        *partition = made;
    else
        nn_partition_fini(&made);
    return status;
}

enum fl_status nn_partition_init(struct nn_partition *partition,
                                 struct fl_config *config,
                                 const struct fl_node *node,
                                 const struct nn_dataset *dataset,
                                 int64_t clients,
                                 uint64_t seed,
                                 struct fl_error *err)
{
    return nn_partition_init_split(
        partition, config, node, nn_dataset_train(dataset),
        nn_dataset_classes(dataset), clients, seed, err);
}

void nn_partition_fini(struct nn_partition *partition)
{
    if (!partition)
        return;
    fl_free(partition->start);
    fl_free(partition->index);
    *partition = (struct nn_partition){0};
}

void nn_partition_keep_sizes(struct nn_partition *partition)
{
    fl_free(partition->index);
    partition->index = NULL;
}

const int64_t *nn_partition_client(const struct nn_partition *partition,
                                   int64_t client,
                                   int64_t *ret_n)
{
    assert(client >= 0 && client < partition->clients);
    int64_t from = partition->start[client];
    *ret_n = partition->start[client + 1] - from;
    return partition->index ? partition->index + from : NULL;
}

static int smaller_first(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

enum fl_status nn_partition_everyone(const struct nn_partition *partition,
                                     int64_t **ret_index,
                                     struct fl_error *err)
{
    size_t n = (size_t)partition->start[partition->clients];
    int64_t *index = fl_calloc(n, sizeof *index);
    if (!index)
        return fl_fail(err, FL_E_NOMEM, "partition: out of memory");
    memcpy(index, partition->index, n * sizeof *index);
    qsort(index, n, sizeof *index, smaller_first);
    *ret_index = index;
    return FL_OK;
}

struct remainder {
    double part;
    int64_t who;
};

static int larger_first(const void *a, const void *b)
{
    const struct remainder *x = a, *y = b;
    if (x->part != y->part)
        return x->part > y->part ? -1 : 1;
    return x->who < y->who ? -1 : x->who > y->who;
}

/* Weights count in steps of 2^-40 of the largest, so that the last bit of a
 * pow() or exp(), on which versions of libm may disagree, decides nothing. */
static double rounded(double ratio)
{
    return floor(ratio * 0x1p40 + 0.5);
}

enum fl_status nn_partition_apportion(const double *weight,
                                      int64_t n,
                                      int64_t total,
                                      int64_t least,
                                      int64_t *ret,
                                      struct fl_error *err)
{
    assert(n >= 1 && least >= 0 && total >= n * least);
    struct remainder *rest = fl_calloc((size_t)n, sizeof *rest);
    if (!rest)
        return fl_fail(err, FL_E_NOMEM, "partition: out of memory");
    int64_t free_total = total - n * least, left = free_total;
    double sum = 0, most = 0;
    for (int64_t i = 0; i < n; i++)
        most = weight[i] > most ? weight[i] : most;
    for (int64_t i = 0; i < n; i++)
        sum += rounded(weight[i] / most);
    for (int64_t i = 0; i < n; i++) {
        double share = rounded(weight[i] / most) / sum * (double)free_total;
        int64_t whole = (int64_t)share;
        if (whole > left) /* rounding of the sum */
            whole = left;
        ret[i] = least + whole;
        left -= whole;
        rest[i] = (struct remainder){share - (double)whole, i};
    }
    qsort(rest, (size_t)n, sizeof *rest, larger_first);
    for (int64_t k = 0; left > 0; k = (k + 1) % n, left--)
        ret[rest[k].who]++;
    fl_free(rest);
    return FL_OK;
}

enum fl_status nn_partition_by_class(const struct nn_partition_job *job,
                                     int64_t *ret_order,
                                     int64_t *ret_start,
                                     struct fl_error *err)
{
    int64_t n = job->train->n, classes = job->classes;
    int64_t *shuffled = fl_calloc((size_t)n, sizeof *shuffled);
    int64_t *next = fl_calloc((size_t)classes, sizeof *next);
    if (!shuffled || !next) {
        fl_free(shuffled);
        fl_free(next);
        return fl_fail(err, FL_E_NOMEM, "partition: out of memory");
    }
    struct fl_rng rng = fl_rng_stream(job->seed, FL_RNG_PARTITION, 0, 0);
    fl_rng_permutation(&rng, n, shuffled);
    memset(ret_start, 0, ((size_t)classes + 1) * sizeof *ret_start);
    for (int64_t i = 0; i < n; i++)
        ret_start[job->train->labels[i] + 1]++;
    for (int64_t c = 0; c < classes; c++) {
        ret_start[c + 1] += ret_start[c];
        next[c] = ret_start[c];
    }
    for (int64_t i = 0; i < n; i++)
        ret_order[next[job->train->labels[shuffled[i]]]++] = shuffled[i];
    fl_free(shuffled);
    fl_free(next);
    return FL_OK;
}
