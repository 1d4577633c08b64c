/* iid: the samples in random order, dealt out one by one. Client sizes differ
 * by at most one; every class mix is that of the whole, up to chance. */
#include "nn/partition_type.h"

#include "base/alloc.h"

static const struct fl_param params[] = {{0}};

static enum fl_status split(const void *opts,
                            const struct nn_partition_job *job,
                            int64_t *ret_owner,
                            struct fl_error *err)
{
    (void)opts;
    int64_t n = job->train->n;
    int64_t *order = fl_calloc((size_t)n, sizeof *order);
    if (!order)
        return fl_fail(err, FL_E_NOMEM, "partition 'iid': out of memory");
    struct fl_rng rng = fl_rng_stream(job->seed, FL_RNG_PARTITION, 0, 0);
    fl_rng_permutation(&rng, n, order);
    for (int64_t i = 0; i < n; i++)
        ret_owner[order[i]] = i % job->clients;
    fl_free(order);
    return FL_OK;
}

static const char *const examples[] = {"iid", "{kind: iid}", NULL};

const struct nn_partition_type nn_partition_iid = {
    .name = "iid",
    .doc = "equal sizes, random samples",
    .params = params,
    .opts_size = 1,
    .uses_all = true,
    .split = split,
    .examples = examples,
};
