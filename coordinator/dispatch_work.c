/* Handing out work and taking in results. */
#include "coordinator/dispatch_priv.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A peer is given a next task when about this much is left in its queue, so
 * that it never waits for a round trip; small enough that a short task does
 * not stand behind a long one. */
#define QUEUE_WALL_S 0.02
/* Chunks are not cut below this: a round trip costs about 0.1 ms. */
#define CHUNK_WALL_S 0.002
/* Sums that are on their way, all together: many processes are asked for theirs
 * a few at a time, or they would all wait in our memory. */
#define COLLECT_BYTES 64e6
#define MIN_COLLECTS  4
/* Before anything was measured. */
#define GUESSED_FLOP_PER_WALL_S 2e10

static int by_cost(const void *left, const void *right)
{
    const struct coord_item *a = left, *b = right;
    if (a->cost_flop < b->cost_flop || a->cost_flop > b->cost_flop)
        return a->cost_flop < b->cost_flop ? -1 : 1;
    return (a->id < b->id) - (a->id > b->id); /* low ids go out first */
}

static enum fl_status put_items(struct coord_job *job,
                                const struct coord_item *items,
                                size_t n,
                                struct fl_error *err)
{
    FL_TRY(fl_grow(&job->waiting, &job->capacity, job->n_waiting + n,
                   sizeof *job->waiting, err));
    for (size_t i = 0; i < n; i++) {
        job->waiting[job->n_waiting++] = items[i];
        job->waiting_flop += items[i].cost_flop;
    }
    qsort(job->waiting, job->n_waiting, sizeof *job->waiting, by_cost);
    return FL_OK;
}

enum fl_status coord_job_set_items(struct coord_job *job,
                                   const struct coord_item *items,
                                   size_t n,
                                   struct fl_error *err)
{
    assert(!job->is_active);
    job->n_waiting = 0;
    job->waiting_flop = 0;
    job->n_left = n;
    return put_items(job, items, n, err);
}

void coord_job_fini(struct coord_job *job)
{
    fl_free(job->waiting);
    *job = (struct coord_job){0};
}

static double speed(const struct coord_dispatch *dispatch)
{
    return dispatch->flop_per_wall_s > 0 ? dispatch->flop_per_wall_s
                                         : GUESSED_FLOP_PER_WALL_S;
}

/* As measured on this peer, once it has done anything: hosts differ, and so do
 * cores that others use, too. */
static double speed_of(const struct coord_dispatch *dispatch,
                       const struct coord_peer *peer)
{
    return peer->flop_per_wall_s > 0 ? peer->flop_per_wall_s : speed(dispatch);
}

/* How many items from the end of `waiting` make the next task. */
static size_t chunk_size(const struct coord_dispatch *dispatch,
                         const struct coord_peer *peer,
                         const struct coord_job *job)
{
    if (job->kind == COMMS_CENTRAL || job->kind == COMMS_LOCAL)
        return 1;
    /* Half of what is left, shared out by speed. */
    double part = speed_of(dispatch, peer) / speed(dispatch);
    double share = job->waiting_flop * part / (2.0 * (double)dispatch->n_peers);
    double least = CHUNK_WALL_S * speed_of(dispatch, peer);
    double wanted = share > least ? share : least;
    double cost = 0;
    size_t n = 0;
    while (n < job->n_waiting) {
        const struct coord_item *item = &job->waiting[job->n_waiting - 1 - n];
        bool is_gap = job->kind == COMMS_EVALUATE && n > 0 &&
                      item->id != item[1].id + job->slice;
        if (n > 0 && (is_gap || cost + item->cost_flop > wanted))
            break;
        cost += item->cost_flop;
        n++;
    }
    return n;
}

static enum fl_status send_model(struct coord_dispatch *dispatch,
                                 struct coord_peer *peer,
                                 struct coord_job *job,
                                 struct fl_error *err)
{
    bool needs_model = job->model && job->kind != COMMS_CENTRAL;
    if (!needs_model || peer->model_version[job->arm] == job->model_version)
        return FL_OK;
    struct comms_message message = {
        .kind = COMMS_MODEL,
        .u.model = {.arm = job->arm, .version = job->model_version},
        .tensors = {{.type = COMMS_F32,
                     .data = job->model->data,
                     .n = (int64_t)job->model->n}},
        .n_tensors = 1,
    };
    struct comms_lease lease = coord_vector_lease(job->model);
    FL_TRY(comms_send(dispatch->opts.hub, peer->id, &message, &lease, err));
    peer->model_version[job->arm] = job->model_version;
    return FL_OK;
}

/* CENTRAL carries its parameters and its optimiser's state itself. */
static void attach_tensors(const struct coord_job *job,
                           struct comms_message *message,
                           struct comms_lease *leases)
{
    if (job->kind != COMMS_CENTRAL)
        return;
    for (size_t i = 0; i < 1 + NN_OPTIMIZER_MAX_STATE; i++) {
        struct coord_vector *vector = i == 0 ? job->model : job->state[i - 1];
        if (!vector)
            continue;
        size_t at = message->n_tensors++;
        message->tensors[at] = (struct comms_tensor){
            .type = COMMS_F32, .data = vector->data, .n = (int64_t)vector->n};
        leases[at] = coord_vector_lease(vector);
    }
}

static enum fl_status send_task(struct coord_dispatch *dispatch,
                                struct coord_peer *peer,
                                const struct coord_errand *errand,
                                struct fl_error *err)
{
    struct coord_job *job = errand->job;
    int64_t *clients = NULL;
    struct comms_message message = {
        .kind = COMMS_TASK,
        .u.task = {.id = errand->id,
                   .kind = errand->is_collect ? COMMS_COLLECT : job->kind,
                   .arm = job->arm,
                   .round = job->round,
                   .model_version = job->model_version,
                   .scale_log2 = job->scale_log2,
                   .prox_mu = job->prox_mu},
    };
    struct comms_task *task = &message.u.task;
    struct comms_lease leases[COMMS_MAX_TENSORS] = {{0}};
    if (!errand->is_collect && job->kind == COMMS_EVALUATE) {
        task->first = errand->items[0].id; /* ascending, without gaps */
        int64_t end = errand->items[errand->n - 1].id + job->slice;
        task->count = (end < job->limit ? end : job->limit) - task->first;
    } else if (!errand->is_collect) {
        clients = fl_calloc(errand->n, sizeof *clients);
        if (!clients)
            return fl_fail(err, FL_E_NOMEM, "out of memory: task");
        for (size_t i = 0; i < errand->n; i++)
            clients[i] = errand->items[i].id;
        task->clients = clients;
        task->n_clients = errand->n;
    }
    if (!errand->is_collect)
        attach_tensors(job, &message, leases);
    enum fl_status status =
        comms_send(dispatch->opts.hub, peer->id, &message, leases, err);
    fl_free(clients);
    return status;
}

/* Puts an errand into the peer's queue and sends it. A peer that is gone is
 * lost here, with everything it had. */
static enum fl_status send_errand(struct coord_dispatch *dispatch,
                                  struct coord_peer *peer,
                                  struct coord_errand errand,
                                  struct fl_error *err)
{
    assert(peer->n_queue < COORD_MAX_QUEUE);
    if (peer->n_queue == 0)
        peer->begun_wall_s = fl_clock_wall_s();
    errand.id = ++dispatch->last_task;
    peer->queue[peer->n_queue++] = errand;
    enum fl_status status =
        errand.is_collect ? FL_OK : send_model(dispatch, peer, errand.job, err);
    if (status == FL_OK)
        status = send_task(dispatch, peer, &errand, err);
    if (status == FL_E_STATE)
        return coord_dispatch_lose(dispatch, peer, "it is gone", err);
    return status;
}

static enum fl_status send_chunk(struct coord_dispatch *dispatch,
                                 struct coord_peer *peer,
                                 struct coord_job *job,
                                 struct fl_error *err)
{
    size_t n = chunk_size(dispatch, peer, job);
    struct coord_errand errand = {.job = job, .n = n};
    errand.items = fl_calloc(n, sizeof *errand.items);
    if (!errand.items)
        return fl_fail(err, FL_E_NOMEM, "out of memory: task");
    for (size_t i = 0; i < n; i++) {
        errand.items[i] = job->waiting[--job->n_waiting];
        errand.cost_flop += errand.items[i].cost_flop;
    }
    job->waiting_flop -= errand.cost_flop;
    if (job->n_waiting == 0)
        job->waiting_flop = 0;
    if (job->kind == COMMS_TRAIN) {
        assert(!peer->summing || peer->summing == job);
        peer->summing = job;
    }
    return send_errand(dispatch, peer, errand, err);
}

/* What is left of the task at work, as far as the peer's speed tells; negative:
 * it takes longer than it should. 0 for a peer without any. */
static double head_left_wall_s(const struct coord_dispatch *dispatch,
                               const struct coord_peer *peer,
                               double now_wall_s)
{
    if (peer->n_queue == 0)
        return 0;
    return peer->begun_wall_s +
           peer->queue[0].cost_flop / speed_of(dispatch, peer) - now_wall_s;
}

/* What is left of a peer's queue. A task that takes longer than it should
 * counts by as much as that: it may take longer still. */
static double left_wall_s(const struct coord_dispatch *dispatch,
                          const struct coord_peer *peer,
                          double now_wall_s)
{
    double behind_flop = 0;
    for (size_t i = 1; i < peer->n_queue; i++)
        behind_flop += peer->queue[i].cost_flop;
    return behind_flop / speed_of(dispatch, peer) +
           fabs(head_left_wall_s(dispatch, peer, now_wall_s));
}

/* One place is for a collect. */
static bool has_room(const struct coord_peer *peer)
{
    return peer->n_queue - peer->is_collecting < COORD_MAX_QUEUE - 1;
}

/* The first job with work that this peer should take now, or NULL. */
static struct coord_job *job_for(const struct coord_dispatch *dispatch,
                                 const struct coord_peer *peer,
                                 double now_wall_s)
{
    if (!has_room(peer) ||
        left_wall_s(dispatch, peer, now_wall_s) > QUEUE_WALL_S)
        return NULL;
    for (size_t i = 0; i < dispatch->n_jobs; i++) {
        struct coord_job *job = dispatch->jobs[i];
        if (job->n_waiting == 0)
            continue;
        bool is_long = job->kind == COMMS_CENTRAL || job->kind == COMMS_LOCAL;
        if (is_long && (peer->n_queue > 0 || peer->n_summed > 0))
            continue; /* nobody waits behind it */
        return job;
    }
    return NULL;
}

static bool may_collect(const struct coord_dispatch *dispatch)
{
    double sum_bytes =
        (double)sizeof(int64_t) * (double)dispatch->opts.n_params;
    return dispatch->n_collecting < MIN_COLLECTS ||
           (double)dispatch->n_collecting * sum_bytes < COLLECT_BYTES;
}

/* Nothing of its round is left to hand out: the peer's sum is wanted. */
static bool should_collect(const struct coord_dispatch *dispatch,
                           const struct coord_peer *peer)
{
    if (!may_collect(dispatch) || !peer->summing ||
        peer->summing->n_waiting > 0 || peer->is_collecting)
        return false;
    bool has_trained = peer->n_summed > 0;
    for (size_t i = 0; i < peer->n_queue; i++)
        has_trained = has_trained || peer->queue[i].job == peer->summing;
    return has_trained && peer->n_queue < COORD_MAX_QUEUE;
}

static enum fl_status feed_peer(struct coord_dispatch *dispatch,
                                size_t index,
                                double now_wall_s,
                                bool *acc_has_sent,
                                struct fl_error *err)
{
    struct coord_peer *peer = &dispatch->peers[index];
    if (should_collect(dispatch, peer)) { /* the server waits for it */
        *acc_has_sent = true;
        peer->is_collecting = true;
        dispatch->n_collecting++;
        return send_errand(
            dispatch, peer,
            (struct coord_errand){.job = peer->summing, .is_collect = true},
            err);
    }
    struct coord_job *job = job_for(dispatch, peer, now_wall_s);
    if (!job)
        return FL_OK;
    *acc_has_sent = true;
    return send_chunk(dispatch, peer, job, err);
}

enum fl_status coord_dispatch_feed(struct coord_dispatch *dispatch,
                                   struct fl_error *err)
{
    double now_wall_s = fl_clock_wall_s();
    bool has_sent;
    do { /* one task each in turn, so that nobody takes all */
        has_sent = false;
        for (size_t i = 0; i < dispatch->n_peers; i++)
            FL_TRY(feed_peer(dispatch, i, now_wall_s, &has_sent, err));
    } while (has_sent);
    return FL_OK;
}

double coord_dispatch_next_feed_wall_s(const struct coord_dispatch *dispatch)
{
    double now_wall_s = fl_clock_wall_s(), soonest = (double)INFINITY;
    size_t n_waiting = 0;
    for (size_t i = 0; i < dispatch->n_jobs; i++)
        n_waiting += dispatch->jobs[i]->n_waiting;
    for (size_t i = 0; i < dispatch->n_peers && n_waiting > 0; i++) {
        const struct coord_peer *peer = &dispatch->peers[i];
        double wait_wall_s =
            left_wall_s(dispatch, peer, now_wall_s) - QUEUE_WALL_S;
        if (wait_wall_s > 0 && has_room(peer) &&
            head_left_wall_s(dispatch, peer, now_wall_s) > 0)
            soonest = fmin(soonest, wait_wall_s);
    }
    return soonest;
}

enum fl_status coord_dispatch_reclaim(struct coord_dispatch *dispatch,
                                      struct coord_peer *peer,
                                      struct fl_error *err)
{
    enum fl_status status = FL_OK;
    dispatch->n_collecting -= peer->is_collecting;
    peer->is_collecting = false;
    for (size_t i = 0; i < peer->n_queue; i++) {
        struct coord_errand *errand = &peer->queue[i];
        if (!errand->is_collect && status == FL_OK)
            status = put_items(errand->job, errand->items, errand->n, err);
        fl_free(errand->items);
    }
    if (peer->n_summed > 0 && status == FL_OK)
        status = put_items(peer->summing, peer->summed, peer->n_summed, err);
    fl_free(peer->summed);
    peer->summed = NULL;
    peer->n_queue = peer->n_summed = peer->capacity_summed = 0;
    return status;
}

/* Of all processes, slowly, and of this one, quickly. */
static void measure(struct coord_dispatch *dispatch,
                    struct coord_peer *peer,
                    const struct coord_errand *errand,
                    double busy_wall_s)
{
    if (!(busy_wall_s > 1e-6) || errand->cost_flop <= 0)
        return;
    double seen = errand->cost_flop / busy_wall_s;
    double weight = dispatch->flop_per_wall_s > 0 ? 0.1 : 1.0;
    dispatch->flop_per_wall_s += weight * (seen - dispatch->flop_per_wall_s);
    weight = peer->flop_per_wall_s > 0 ? 0.3 : 1.0;
    peer->flop_per_wall_s += weight * (seen - peer->flop_per_wall_s);
}

static enum fl_status finish_job(struct coord_dispatch *dispatch,
                                 struct coord_job *job,
                                 struct fl_error *err)
{
    size_t at = 0;
    while (dispatch->jobs[at] != job)
        at++;
    memmove(&dispatch->jobs[at], &dispatch->jobs[at + 1],
            (dispatch->n_jobs - at - 1) * sizeof *dispatch->jobs);
    dispatch->n_jobs--;
    job->is_active = false;
    return job->ops->on_done(job, err);
}

/* Offers a result to its job, which says whether it can be one. */
static enum fl_status offer(const struct coord_peer *peer,
                            const struct coord_errand *errand,
                            const struct comms_message *message,
                            struct fl_error *err)
{
    struct coord_job *job = errand->job;
    if (!errand->is_collect)
        return job->ops->on_part(job, message, err);
    int64_t *members = fl_calloc(peer->n_summed, sizeof *members);
    if (!members)
        return fl_fail(err, FL_E_NOMEM, "out of memory: sum");
    for (size_t i = 0; i < peer->n_summed; i++)
        members[i] = peer->summed[i].id;
    enum fl_status status =
        job->ops->on_sum(job, &message->tensors[0], message->u.partial.weight,
                         members, peer->n_summed, err);
    fl_free(members);
    return status;
}

/* Books a result that its job has taken. */
static enum fl_status book(struct coord_dispatch *dispatch,
                           struct coord_peer *peer,
                           const struct coord_errand *errand,
                           double busy_wall_s,
                           struct fl_error *err)
{
    struct coord_job *job = errand->job;
    size_t n_done = errand->n;
    if (errand->is_collect) {
        n_done = peer->n_summed;
        peer->n_summed = 0;
        peer->summing = NULL;
        dispatch->n_collecting -= peer->is_collecting;
        peer->is_collecting = false;
    } else {
        measure(dispatch, peer, errand, busy_wall_s);
    }
    if (job->kind == COMMS_TRAIN && !errand->is_collect) {
        /* Done only when its sum is here. */
        FL_TRY(fl_grow(&peer->summed, &peer->capacity_summed,
                       peer->n_summed + errand->n, sizeof *peer->summed, err));
        memcpy(peer->summed + peer->n_summed, errand->items,
               errand->n * sizeof *errand->items);
        peer->n_summed += errand->n;
        peer->summing = job; /* also after a collect that overtook it */
        return FL_OK;
    }
    assert(job->n_left >= n_done);
    job->n_left -= n_done;
    return job->n_left == 0 ? finish_job(dispatch, job, err) : FL_OK;
}

enum fl_status coord_dispatch_result(struct coord_dispatch *dispatch,
                                     struct coord_peer *peer,
                                     const struct comms_message *message,
                                     struct fl_error *err)
{
    uint64_t id = message->u.partial.task_id;
    if (id != 0 && id <= peer->last_answered)
        return coord_dispatch_spend(dispatch, peer, "a result that was there",
                                    err);
    /* A peer answers in the order it was asked. */
    if (peer->n_queue == 0 ||
        !coord_dispatch_is_answer(dispatch, &peer->queue[0], message))
        return coord_dispatch_expel(dispatch, peer, COORD_REFUSED_LIE,
                                    "it answered what it was not asked", err);
    const char *failure = message->u.partial.failure;
    if (failure && failure[0])
        return fl_fail(err, FL_E_STATE, "client process %u: %s", peer->slot,
                       failure);
    struct fl_error why = {0};
    enum fl_status status = coord_profile_book_note(
        dispatch->opts.book, peer->slot, peer->incarnation,
        &message->u.partial.profile, &why);
    if (status == FL_OK)
        status = offer(peer, &peer->queue[0], message, &why);
    if (status == FL_E_FORMAT) /* it lies: others do its work again */
        return coord_dispatch_expel(dispatch, peer, COORD_REFUSED_LIE, why.text,
                                    err);
    if (status != FL_OK)
        return fl_fail(err, status, "%s", why.text);
    struct coord_errand errand = peer->queue[0];
    peer->last_answered = errand.id;
    peer->n_queue--;
    peer->begun_wall_s = fl_clock_wall_s(); /* the next one */
    memmove(&peer->queue[0], &peer->queue[1],
            peer->n_queue * sizeof peer->queue[0]);
    status = book(dispatch, peer, &errand, message->u.partial.busy_wall_s, err);
    fl_free(errand.items);
    return status;
}
