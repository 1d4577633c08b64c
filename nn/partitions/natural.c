/* natural: one client per group of the data set: a writer, a speaker. With
 * fewer clients than groups, the groups that come first in a random order
 * drawn from the seed take part and the samples of the others are not used.
 * Client numbers follow group numbers, so with all groups client = group. */
#include "nn/partition_type.h"

#include "base/alloc.h"

static const struct fl_param params[] = {{0}};

/* Groups with at least one sample. */
static enum fl_status natural_clients(const struct nn_split *train,
                                      int64_t *ret,
                                      struct fl_error *err)
{
    bool *seen = fl_calloc((size_t)train->n_groups, sizeof *seen);
    if (!seen)
        return fl_fail(err, FL_E_NOMEM, "partition 'natural': out of memory");
    int64_t n = 0;
    for (int64_t i = 0; i < train->n; i++) {
        n += !seen[train->groups[i]];
        seen[train->groups[i]] = true;
    }
    fl_free(seen);
    *ret = n;
    return FL_OK;
}

/* client_of [n_groups]: NN_NO_OWNER for groups that are left out. */
static enum fl_status choose(const struct nn_partition_job *job,
                             int64_t *order,
                             int64_t *client_of,
                             struct fl_error *err)
{
    const struct nn_split *train = job->train;
    int64_t n_groups = train->n_groups, chosen = 0, client = 0;
    enum { EMPTY = -3, LEFT_OUT = -2 };
    for (int64_t g = 0; g < n_groups; g++)
        client_of[g] = EMPTY;
    for (int64_t i = 0; i < train->n; i++)
        client_of[train->groups[i]] = LEFT_OUT;
    struct fl_rng rng = fl_rng_stream(job->seed, FL_RNG_PARTITION, 0, 0);
    fl_rng_permutation(&rng, n_groups, order);
    for (int64_t k = 0; k < n_groups && chosen < job->clients; k++)
        if (client_of[order[k]] == LEFT_OUT) {
            client_of[order[k]] = 0;
            chosen++;
        }
    if (chosen < job->clients)
        return fl_fail(err, FL_E_CONFIG,
                       "partition 'natural': clients = %lld, allowed 1 .. "
                       "%lld, the number of groups",
                       (long long)job->clients, (long long)chosen);
    for (int64_t g = 0; g < n_groups; g++)
        client_of[g] = client_of[g] == 0 ? client++ : NN_NO_OWNER;
    return FL_OK;
}

static enum fl_status split(const void *opts,
                            const struct nn_partition_job *job,
                            int64_t *ret_owner,
                            struct fl_error *err)
{
    (void)opts;
    const struct nn_split *train = job->train;
    size_t n_groups = (size_t)train->n_groups;
    int64_t *order = fl_calloc(n_groups, sizeof *order);
    int64_t *client_of = fl_calloc(n_groups, sizeof *client_of);
    enum fl_status status = FL_OK;
    if (!order || !client_of)
        status = fl_fail(err, FL_E_NOMEM, "partition 'natural': out of memory");
    if (status == FL_OK)
        status = choose(job, order, client_of, err);
    for (int64_t i = 0; status == FL_OK && i < train->n; i++)
        ret_owner[i] = client_of[train->groups[i]];
    fl_free(order);
    fl_free(client_of);
    return status;
}

static const char *const examples[] = {"natural", NULL};

const struct nn_partition_type nn_partition_natural = {
    .name = "natural",
    .doc = "one client per writer or speaker, as the data set knows them",
    .params = params,
    .opts_size = 1,
    .needs_groups = true,
    .natural_clients = natural_clients,
    .split = split,
    .examples = examples,
};
