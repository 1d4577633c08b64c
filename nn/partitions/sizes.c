/* sizes: random samples, but clients of unequal size. The client of rank r
 * (1, 2, ..) gets a share in proportion to r^-exponent, and everyone at least
 * one sample; which client has which rank is random. Exponent 0 is iid. */
#include "nn/partition_type.h"

#include "base/alloc.h"

#include <math.h>

struct options {
    double exponent;
};

static const struct fl_param params[] = {
    {.key = "exponent",
     .kind = FL_PARAM_DOUBLE,
     .offset = offsetof(struct options, exponent),
     .min = 0,
     .max = 10,
     .def = "1.0",
     .doc = "of the power law: sizes fall as rank^-exponent"},
    {0},
};

static void fill_weights(double exponent, int64_t clients, double *ret)
{
    for (int64_t r = 0; r < clients; r++)
        ret[r] = pow((double)(r + 1), -exponent);
}

static enum fl_status split(const void *opts,
                            const struct nn_partition_job *job,
                            int64_t *ret_owner,
                            struct fl_error *err)
{
    const struct options *o = opts;
    int64_t n = job->train->n, clients = job->clients;
    int64_t *order = fl_calloc((size_t)n, sizeof *order);
    int64_t *who = fl_calloc((size_t)clients, sizeof *who);
    int64_t *size = fl_calloc((size_t)clients, sizeof *size);
    double *weight = fl_calloc((size_t)clients, sizeof *weight);
    enum fl_status status = FL_OK;
    if (!order || !who || !size || !weight)
        status = fl_fail(err, FL_E_NOMEM, "partition 'sizes': out of memory");
    if (status == FL_OK) {
        fill_weights(o->exponent, clients, weight);
        status = nn_partition_apportion(weight, clients, n, 1, size, err);
    }
    if (status == FL_OK) {
        struct fl_rng rng = fl_rng_stream(job->seed, FL_RNG_PARTITION, 0, 0);
        struct fl_rng ranks = fl_rng_stream(job->seed, FL_RNG_PARTITION, 0, 1);
        fl_rng_permutation(&rng, n, order);
        fl_rng_permutation(&ranks, clients, who);
        int64_t i = 0;
        for (int64_t r = 0; r < clients; r++)
            for (int64_t k = 0; k < size[r]; k++)
                ret_owner[order[i++]] = who[r];
    }
    fl_free(order);
    fl_free(who);
    fl_free(size);
    fl_free(weight);
    return status;
}

static const char *const examples[] = {"sizes", "{kind: sizes, exponent: 0}",
                                       "{kind: sizes, exponent: 2.5}", NULL};

const struct nn_partition_type nn_partition_sizes = {
    .name = "sizes",
    .doc = "random samples, client sizes by a power law",
    .params = params,
    .opts_size = sizeof(struct options),
    .uses_all = true,
    .split = split,
    .examples = examples,
};
