/* dirichlet: label skew of any strength by one number, alpha: large is iid,
 * small gives most clients one class.
 *
 * balanced (the default)  All clients have the same size (+-1). Client k draws
 *     its class mix q_k ~ Dir(alpha * classes * p), p the class frequencies of
 *     the whole, and then its samples, class by class, by q_k. With equally
 *     frequent classes that is Dir(alpha, alpha, ..), the form in use
 *     everywhere. All samples are given out; once a class is used up, q_k is
 *     renormalised over the others. Clients take turns in random order (see
 *     turn_of), so that nobody gets the leftovers of all the others.
 *     Source Hsu, Qi, Brown 2019, "Measuring the Effects of Non-Identical Data
 *     Distribution for Federated Visual Classification", section 3.
 * balanced: false         Each class is split over the clients in proportions
 *     drawn from Dir(alpha, alpha, ..): sizes differ too. A client that would
 *     end with nothing gets one sample of the client that has most.
 *     Source Yurochkin et al. 2019, "Bayesian Nonparametric Federated Learning
 *     of Neural Networks", section 4.
 *
 * Proportions stay logarithms until they are compared, so that an alpha of
 * 1e-6, whose proportions are below the smallest double, works like any. */
#include "nn/partition_type.h"

#include "base/alloc.h"

#include <math.h>
#include <string.h>

struct options {
    double alpha;
    bool balanced;
};

static const struct fl_param params[] = {
    {.key = "alpha",
     .kind = FL_PARAM_DOUBLE,
     .offset = offsetof(struct options, alpha),
     .min = 0,
     .min_open = true,
     .max = 1e9,
     .def = "0.5",
     .doc = "concentration: large is iid, small gives each client few classes"},
    {.key = "balanced",
     .kind = FL_PARAM_BOOL,
     .offset = offsetof(struct options, balanced),
     .def = "true",
     .doc = "clients of equal size, each with its own class mix; false: each "
            "class is split over the clients, sizes differ"},
    {0},
};

/* What both ways work on. */
struct work {
    int64_t *order;  /* [n] samples, class after class */
    int64_t *start;  /* [classes + 1] */
    int64_t *next;   /* [classes] first sample of a class not given out */
    double *weight;  /* [larger of classes, clients] */
    double *log_mix; /* balanced: [clients, classes] */
    int64_t *count;  /* [clients] samples to go, or per class */
    int64_t *queue;  /* balanced: [clients] who draws first */
};

static void work_fini(struct work *work)
{
    fl_free(work->order);
    fl_free(work->start);
    fl_free(work->next);
    fl_free(work->weight);
    fl_free(work->log_mix);
    fl_free(work->count);
    fl_free(work->queue);
}

static enum fl_status work_init(struct work *work,
                                const struct nn_partition_job *job,
                                bool is_balanced,
                                struct fl_error *err)
{
    size_t n = (size_t)job->train->n, clients = (size_t)job->clients;
    size_t classes = (size_t)job->classes;
    work->order = fl_calloc(n, sizeof *work->order);
    work->start = fl_calloc(classes + 1, sizeof *work->start);
    work->next = fl_calloc(classes, sizeof *work->next);
    work->weight =
        fl_calloc(classes > clients ? classes : clients, sizeof *work->weight);
    work->count = fl_calloc(clients, sizeof *work->count);
    work->queue = fl_calloc(is_balanced ? clients : 0, sizeof *work->queue);
    work->log_mix =
        fl_calloc(is_balanced ? clients * classes : 0, sizeof *work->log_mix);
    if (!work->order || !work->start || !work->next || !work->weight ||
        !work->count || !work->queue || !work->log_mix)
        return fl_fail(err, FL_E_NOMEM, "partition 'dirichlet': out of memory");
    FL_TRY(nn_partition_by_class(job, work->order, work->start, err));
    memcpy(work->next, work->start, classes * sizeof *work->next);
    return FL_OK;
}

/* Each client's mix, up to a factor, as logarithms; a class that nobody has
 * any sample of is never looked at. */
static void
draw_mixes(double alpha, const struct nn_partition_job *job, struct work *work)
{
    int64_t classes = job->classes;
    for (int64_t k = 0; k < job->clients; k++) {
        struct fl_rng rng =
            fl_rng_stream(job->seed, FL_RNG_PARTITION, (uint64_t)k, 2);
        for (int64_t c = 0; c < classes; c++) {
            double prior = (double)(work->start[c + 1] - work->start[c]) /
                           (double)job->train->n;
            double shape = alpha * (double)classes * prior;
            work->log_mix[k * classes + c] =
                shape > 0 ? fl_rng_log_gamma(&rng, shape) : -HUGE_VAL;
        }
    }
}

static bool is_left(const struct work *work, int64_t c)
{
    return work->next[c] < work->start[c + 1];
}

/* One class by the client's mix, among those that are not used up. */
static int64_t
draw_class(struct work *work, int64_t classes, const double *log_mix, double u)
{
    double most = -HUGE_VAL, sum = 0;
    int64_t drawn = -1;
    for (int64_t c = 0; c < classes; c++)
        if (is_left(work, c) && (drawn < 0 || log_mix[c] > most)) {
            most = log_mix[c];
            drawn = c;
        }
    for (int64_t c = 0; c < classes; c++) {
        work->weight[c] = is_left(work, c) ? exp(log_mix[c] - most) : 0;
        sum += work->weight[c];
    }
    double at = u * sum;
    for (int64_t c = 0; c < classes; c++) {
        if (!is_left(work, c))
            continue;
        if (at < work->weight[c])
            return c;
        at -= work->weight[c];
    }
    return drawn; /* rounding: the likeliest */
}

/* Samples that a client draws at a time. The surer its mix, the more: with one
 * class it takes all it needs before the class is used up, or none; with an
 * even mix small turns make all clients share what is left at the end. */
static int64_t turn_of(const double *log_mix, int64_t classes, int64_t size)
{
    double most = -HUGE_VAL, sum = 0;
    for (int64_t c = 0; c < classes; c++)
        most = log_mix[c] > most ? log_mix[c] : most;
    for (int64_t c = 0; c < classes; c++)
        sum += exp(log_mix[c] - most);
    double largest = 1.0 / sum; /* share of the likeliest class */
    int64_t turn = (int64_t)((double)size * largest * largest);
    return turn > 1 ? turn : 1;
}

static void
deal(const struct nn_partition_job *job, struct work *work, int64_t *ret_owner)
{
    int64_t classes = job->classes, clients = job->clients;
    int64_t each = job->train->n / clients, more = job->train->n % clients;
    struct fl_rng rng = fl_rng_stream(job->seed, FL_RNG_PARTITION, 0, 1);
    fl_rng_permutation(&rng, clients, work->queue);
    for (int64_t k = 0; k < clients; k++)
        work->count[k] = each + (k < more ? 1 : 0);
    for (int64_t left = job->train->n, q = 0; left > 0; q = (q + 1) % clients) {
        int64_t k = work->queue[q];
        const double *log_mix = work->log_mix + k * classes;
        int64_t turn = turn_of(log_mix, classes, each);
        for (; turn > 0 && work->count[k] > 0; turn--, left--) {
            int64_t c =
                draw_class(work, classes, log_mix, fl_rng_uniform(&rng));
            ret_owner[work->order[work->next[c]++]] = k;
            work->count[k]--;
        }
    }
}

/* Dir(alpha, alpha, ..) over the clients, up to a factor, largest = 1. */
static void draw_proportions(double alpha,
                             const struct nn_partition_job *job,
                             int64_t c,
                             double *ret)
{
    struct fl_rng rng =
        fl_rng_stream(job->seed, FL_RNG_PARTITION, (uint64_t)c, 3);
    double most = -HUGE_VAL;
    for (int64_t k = 0; k < job->clients; k++) {
        ret[k] = fl_rng_log_gamma(&rng, alpha);
        if (ret[k] > most)
            most = ret[k];
    }
    for (int64_t k = 0; k < job->clients; k++)
        ret[k] = exp(ret[k] - most);
}

/* Clients by the number of their samples, most first, ties by number. */
static void sort_by_size(const int64_t *size,
                         int64_t clients,
                         int64_t most,
                         int64_t *first, /* [most + 2], zeroed */
                         int64_t *ret_order)
{
    for (int64_t k = 0; k < clients; k++)
        first[most - size[k] + 1]++;
    for (int64_t s = 0; s <= most; s++)
        first[s + 1] += first[s];
    for (int64_t k = 0; k < clients; k++)
        ret_order[first[most - size[k]]++] = k;
}

/* Everyone without a sample gets one of a client that has two or more: down
 * the list by size, and again from its top. There are at least as many samples
 * as clients, so the donors never run out. */
static void move_samples(int64_t clients,
                         const int64_t *by_size,
                         const int64_t *end, /* of each client's samples */
                         const int64_t *samples,
                         int64_t *size,
                         int64_t *owner)
{
    int64_t donor = 0;
    for (int64_t k = 0; k < clients; k++) {
        if (size[k] > 0)
            continue;
        if (donor == clients || size[by_size[donor]] < 2)
            donor = 0; /* all behind have no more than this one */
        int64_t from = by_size[donor++];
        owner[samples[end[from] - size[from]]] = k;
        size[from]--;
    }
}

static enum fl_status fill_empty(const struct nn_partition_job *job,
                                 int64_t *owner,
                                 struct fl_error *err)
{
    int64_t n = job->train->n, clients = job->clients, most = 0;
    int64_t *size = fl_calloc((size_t)clients, sizeof *size);
    int64_t *end = fl_calloc((size_t)clients, sizeof *end);
    int64_t *by_size = fl_calloc((size_t)clients, sizeof *by_size);
    int64_t *samples = fl_calloc((size_t)n, sizeof *samples);
    int64_t *first = fl_calloc((size_t)n + 2, sizeof *first);
    enum fl_status status = FL_OK;
    if (!size || !end || !by_size || !samples || !first)
        status =
            fl_fail(err, FL_E_NOMEM, "partition 'dirichlet': out of memory");
    if (status == FL_OK) {
        for (int64_t i = 0; i < n; i++)
            size[owner[i]]++;
        for (int64_t k = 0, at = 0; k < clients; k++) {
            end[k] = at; /* its begin; the loop below moves it on */
            at += size[k];
            most = size[k] > most ? size[k] : most;
        }
        for (int64_t i = 0; i < n; i++)
            samples[end[owner[i]]++] = i;
        sort_by_size(size, clients, most, first, by_size);
        move_samples(clients, by_size, end, samples, size, owner);
    }
    fl_free(size);
    fl_free(end);
    fl_free(by_size);
    fl_free(samples);
    fl_free(first);
    return status;
}

static enum fl_status split_classes(double alpha,
                                    const struct nn_partition_job *job,
                                    struct work *work,
                                    int64_t *ret_owner,
                                    struct fl_error *err)
{
    for (int64_t c = 0; c < job->classes; c++) {
        int64_t n = work->start[c + 1] - work->start[c];
        if (n == 0)
            continue;
        draw_proportions(alpha, job, c, work->weight);
        FL_TRY(nn_partition_apportion(work->weight, job->clients, n, 0,
                                      work->count, err));
        int64_t at = work->start[c];
        for (int64_t k = 0; k < job->clients; k++)
            for (int64_t i = 0; i < work->count[k]; i++)
                ret_owner[work->order[at++]] = k;
    }
    return fill_empty(job, ret_owner, err);
}

static enum fl_status split(const void *opts,
                            const struct nn_partition_job *job,
                            int64_t *ret_owner,
                            struct fl_error *err)
{
    const struct options *o = opts;
    struct work work = {0};
    enum fl_status status = work_init(&work, job, o->balanced, err);
    if (status == FL_OK && o->balanced) {
        draw_mixes(o->alpha, job, &work);
        deal(job, &work, ret_owner);
    } else if (status == FL_OK) {
        status = split_classes(o->alpha, job, &work, ret_owner, err);
    }
    work_fini(&work);
    return status;
}

static const char *const examples[] = {
    "dirichlet",
    "{kind: dirichlet, alpha: 1e-6}",
    "{kind: dirichlet, alpha: 1e6}",
    "{kind: dirichlet, alpha: 0.1, balanced: false}",
    "{kind: dirichlet, alpha: 1e-6, balanced: false}",
    "{kind: dirichlet, alpha: 1e6, balanced: false}",
    NULL};

const struct nn_partition_type nn_partition_dirichlet = {
    .name = "dirichlet",
    .doc = "label skew by one number, alpha (Hsu et al. 2019; balanced: false "
           "as Yurochkin et al. 2019)",
    .params = params,
    .opts_size = sizeof(struct options),
    .uses_all = true,
    .split = split,
    .examples = examples,
};
