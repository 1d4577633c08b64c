/* shards: sorted by label, cut into equal pieces, and each client gets
 * shards_per_client of them at random: most clients see few classes. Sizes of
 * the pieces differ by at most one.
 * Source McMahan et al. 2017, "Communication-Efficient Learning of Deep
 * Networks from Decentralized Data", section 3 (200 shards of 300, 2 each). */
#include "nn/partition_type.h"

#include "base/alloc.h"

struct options {
    int64_t shards_per_client;
};

static const struct fl_param params[] = {
    {.key = "shards_per_client",
     .kind = FL_PARAM_INT,
     .offset = offsetof(struct options, shards_per_client),
     .min = 1,
     .max = 1000000,
     .def = "2",
     .doc = "pieces of the label-sorted samples that each client gets"},
    {0},
};

/* Shard s holds samples cut(s) .. cut(s + 1) - 1 of the sorted order. */
static int64_t cut(int64_t s, int64_t n, int64_t shards)
{
    int64_t each = n / shards, more = n % shards;
    return s * each + (s < more ? s : more);
}

static enum fl_status split(const void *opts,
                            const struct nn_partition_job *job,
                            int64_t *ret_owner,
                            struct fl_error *err)
{
    const struct options *o = opts;
    int64_t n = job->train->n;
    if (o->shards_per_client > n / job->clients)
        return fl_fail(err, FL_E_CONFIG,
                       "partition 'shards': shards_per_client = %lld, allowed "
                       "1 .. %lld (%lld samples, %lld clients)",
                       (long long)o->shards_per_client,
                       (long long)(n / job->clients), (long long)n,
                       (long long)job->clients);
    int64_t shards = job->clients * o->shards_per_client;
    int64_t *order = fl_calloc((size_t)n, sizeof *order);
    int64_t *start = fl_calloc((size_t)job->classes + 1, sizeof *start);
    int64_t *deck = fl_calloc((size_t)shards, sizeof *deck);
    enum fl_status status = FL_OK;
    if (!order || !start || !deck)
        status = fl_fail(err, FL_E_NOMEM, "partition 'shards': out of memory");
    if (status == FL_OK)
        status = nn_partition_by_class(job, order, start, err);
    if (status == FL_OK) {
        struct fl_rng rng = fl_rng_stream(job->seed, FL_RNG_PARTITION, 0, 1);
        fl_rng_permutation(&rng, shards, deck);
        for (int64_t k = 0; k < shards; k++)
            for (int64_t i = cut(deck[k], n, shards);
                 i < cut(deck[k] + 1, n, shards); i++)
                ret_owner[order[i]] = k / o->shards_per_client;
    }
    fl_free(order);
    fl_free(start);
    fl_free(deck);
    return status;
}

static const char *const examples[] = {
    "shards", "{kind: shards, shards_per_client: 1}", NULL};

const struct nn_partition_type nn_partition_shards = {
    .name = "shards",
    .doc = "label-sorted pieces, a few per client (McMahan et al. 2017)",
    .params = params,
    .opts_size = sizeof(struct options),
    .uses_all = true,
    .split = split,
    .examples = examples,
};
