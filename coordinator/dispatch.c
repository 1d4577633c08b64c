/* Peers: who is there, who is alive, who was lost. */
#include "coordinator/dispatch.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "coordinator/dispatch_priv.h"

#include <stdio.h>
#include <string.h>

/* A run without any process for this long ends. */
#define EMPTY_WALL_S 60.0

enum fl_status coord_dispatch_create(const struct coord_dispatch_opts *opts,
                                     struct coord_dispatch **ret,
                                     struct fl_error *err)
{
    struct coord_dispatch *dispatch = fl_calloc(1, sizeof *dispatch);
    if (!dispatch)
        return fl_fail(err, FL_E_NOMEM, "out of memory: dispatch");
    dispatch->opts = *opts;
    if (opts->blas_kernel)
        (void)snprintf(dispatch->blas_kernel, sizeof dispatch->blas_kernel,
                       "%s", opts->blas_kernel);
    dispatch->empty_since_wall_s = fl_clock_wall_s();
    *ret = dispatch;
    return FL_OK;
}

static void free_peer(struct coord_peer *peer)
{
    for (size_t i = 0; i < peer->n_queue; i++)
        fl_free(peer->queue[i].items);
    fl_free(peer->summed);
}

void coord_dispatch_destroy(struct coord_dispatch *dispatch)
{
    if (!dispatch)
        return;
    for (size_t i = 0; i < dispatch->n_peers; i++)
        free_peer(&dispatch->peers[i]);
    fl_free(dispatch->peers);
    fl_free(dispatch->jobs);
    fl_free(dispatch);
}

/* What holds up most goes first: the epochs of the centralized arm are a chain
 * of long tasks, a round waits for its scores, clients alone wait for nobody.
 */
static int urgency(const struct coord_job *job)
{
    static const int of[COMMS_TASK_LAST_] = {
        [COMMS_CENTRAL] = 3, [COMMS_EVALUATE] = 2, [COMMS_TRAIN] = 1};
    return of[job->kind];
}

enum fl_status coord_dispatch_submit(struct coord_dispatch *dispatch,
                                     struct coord_job *job,
                                     struct fl_error *err)
{
    FL_TRY(fl_grow(&dispatch->jobs, &dispatch->capacity_jobs,
                   dispatch->n_jobs + 1, sizeof(struct coord_job *), err));
    size_t at = dispatch->n_jobs++;
    for (; at > 0 && urgency(dispatch->jobs[at - 1]) < urgency(job); at--)
        dispatch->jobs[at] = dispatch->jobs[at - 1];
    dispatch->jobs[at] = job;
    job->is_active = true;
    return FL_OK;
}

static struct coord_peer *find_peer(struct coord_dispatch *dispatch,
                                    comms_peer id)
{
    for (size_t i = 0; i < dispatch->n_peers; i++)
        if (dispatch->peers[i].id == id)
            return &dispatch->peers[i];
    return NULL;
}

enum fl_status coord_dispatch_lose(struct coord_dispatch *dispatch,
                                   struct coord_peer *peer,
                                   const char *why,
                                   struct fl_error *err)
{
    fl_log(FL_LOG_WARN, "client process %u is lost: %s; its work is done again",
           peer->slot, why);
    enum fl_status status = coord_dispatch_reclaim(dispatch, peer, err);
    comms_peer_close(dispatch->opts.hub, peer->id);
    *peer = dispatch->peers[--dispatch->n_peers];
    dispatch->n_lost++;
    if (dispatch->n_peers == 0)
        dispatch->empty_since_wall_s = fl_clock_wall_s();
    return status;
}

static enum fl_status
dismiss(struct coord_dispatch *dispatch, comms_peer id, const char *reason)
{
    struct comms_message bye = {.kind = COMMS_BYE, .u.bye = {.reason = reason}};
    enum fl_status status =
        comms_send(dispatch->opts.hub, id, &bye, NULL, NULL);
    return status == FL_E_STATE ? FL_OK : status; /* gone is gone */
}

void coord_dispatch_dismiss(struct coord_dispatch *dispatch, const char *reason)
{
    for (size_t i = 0; i < dispatch->n_peers; i++)
        (void)dismiss(dispatch, dispatch->peers[i].id, reason);
}

/* A process that would compute other bits, or speak otherwise, may not join. */
static enum fl_status check_kinship(struct coord_dispatch *dispatch,
                                    const struct comms_hello *hello,
                                    struct fl_error *err)
{
    if (strcmp(hello->version, dispatch->opts.version) != 0)
        return fl_fail(err, FL_E_STATE,
                       "client process %u is version %s, allowed %s",
                       hello->slot, hello->version, dispatch->opts.version);
    if (dispatch->blas_kernel[0] == '\0')
        (void)snprintf(dispatch->blas_kernel, sizeof dispatch->blas_kernel,
                       "%s", hello->blas_kernel);
    if (strcmp(hello->blas_kernel, dispatch->blas_kernel) != 0)
        return fl_fail(err, FL_E_STATE,
                       "client process %u computes with kernels %s, allowed "
                       "%s as in the others: the bits would differ",
                       hello->slot, hello->blas_kernel, dispatch->blas_kernel);
    return FL_OK;
}

static enum fl_status welcome(struct coord_dispatch *dispatch,
                              comms_peer id,
                              const struct comms_hello *hello,
                              struct fl_error *err)
{
    struct fl_error why = {0};
    if (check_kinship(dispatch, hello, &why) != FL_OK) {
        fl_log(FL_LOG_ERROR, "%s", why.text);
        (void)dismiss(dispatch, id, why.text);
        comms_peer_close(dispatch->opts.hub, id);
        return FL_OK;
    }
    for (size_t i = 0; i < dispatch->n_peers; i++) {
        struct coord_peer *former = &dispatch->peers[i];
        if (former->slot != hello->slot)
            continue;
        FL_TRY(coord_dispatch_lose(dispatch, former, "it was replaced", err));
        break;
    }
    FL_TRY(fl_grow(&dispatch->peers, &dispatch->capacity_peers,
                   dispatch->n_peers + 1, sizeof *dispatch->peers, err));
    struct coord_peer *peer = &dispatch->peers[dispatch->n_peers++];
    *peer = (struct coord_peer){.id = id,
                                .slot = hello->slot,
                                .incarnation = hello->incarnation,
                                .heard_wall_s = fl_clock_wall_s()};
    for (size_t i = 0; i < SCN_ARM_LAST_; i++)
        peer->model_version[i] = -1;
    struct comms_message message = {.kind = COMMS_WELCOME,
                                    .u.welcome = dispatch->opts.welcome};
    enum fl_status status =
        comms_send(dispatch->opts.hub, id, &message, NULL, err);
    return status == FL_E_STATE
               ? coord_dispatch_lose(dispatch, peer, "it is gone", err)
               : status;
}

static enum fl_status handle(struct coord_dispatch *dispatch,
                             const struct comms_received *received,
                             struct fl_error *err)
{
    const struct comms_message *message = &received->message;
    struct coord_peer *peer = find_peer(dispatch, received->peer);
    if (message->kind == COMMS_HELLO && !peer)
        return welcome(dispatch, received->peer, &message->u.hello, err);
    if (!peer) { /* a stranger, or one that was given up */
        comms_peer_close(dispatch->opts.hub, received->peer);
        return FL_OK;
    }
    peer->heard_wall_s = fl_clock_wall_s();
    switch (message->kind) {
    case COMMS_PARTIAL:
        return coord_dispatch_result(dispatch, peer, message, err);
    case COMMS_HEARTBEAT:
        return FL_OK;
    case COMMS_BYE:
        return coord_dispatch_lose(dispatch, peer,
                                   message->u.bye.reason[0]
                                       ? message->u.bye.reason
                                       : "it said good-bye",
                                   err);
    default:
        return coord_dispatch_lose(
            dispatch, peer, "it sent what only a coordinator sends", err);
    }
}

/* Heartbeats to those that wait, an end to those that are silent. */
static enum fl_status look_around(struct coord_dispatch *dispatch,
                                  struct fl_error *err)
{
    double now = fl_clock_wall_s();
    struct comms_message beat = {.kind = COMMS_HEARTBEAT};
    for (size_t i = dispatch->n_peers; i-- > 0;) {
        struct coord_peer *peer = &dispatch->peers[i];
        if (now - peer->heard_wall_s > dispatch->opts.silence_wall_s) {
            FL_TRY(coord_dispatch_lose(dispatch, peer, "it is silent", err));
            continue;
        }
        if (now - peer->said_wall_s < dispatch->opts.welcome.heartbeat_wall_s)
            continue;
        peer->said_wall_s = now;
        enum fl_status status =
            comms_send(dispatch->opts.hub, peer->id, &beat, NULL, err);
        if (status == FL_E_STATE)
            status = coord_dispatch_lose(dispatch, peer, "it is gone", err);
        FL_TRY(status);
    }
    if (dispatch->n_peers == 0 &&
        now - dispatch->empty_since_wall_s > EMPTY_WALL_S)
        return fl_fail(err, FL_E_TIMEOUT,
                       "no client process for %.0f s; start one with "
                       "fedcarbon-client --connect %s",
                       EMPTY_WALL_S,
                       comms_endpoint_address(dispatch->opts.hub));
    return FL_OK;
}

enum fl_status coord_dispatch_turn(struct coord_dispatch *dispatch,
                                   double timeout_wall_s,
                                   int extra_fd,
                                   struct fl_error *err)
{
    struct nn_profile *profile = dispatch->opts.profile;
    FL_TRY(coord_dispatch_feed(dispatch, err));
    nn_profile_before_wait(profile, NN_PHASE_SEND);
    double beat = dispatch->opts.welcome.heartbeat_wall_s;
    double wait = timeout_wall_s < beat ? timeout_wall_s : beat;
    struct comms_received received;
    bool got = false;
    comms_peer closed = 0;
    FL_TRY(comms_receive(dispatch->opts.hub, wait, extra_fd, &received, &got,
                         &closed, err));
    nn_profile_after_wait(profile, NN_PHASE_RECEIVE);
    enum fl_status status = FL_OK;
    struct coord_peer *peer = closed ? find_peer(dispatch, closed) : NULL;
    if (peer)
        status = coord_dispatch_lose(dispatch, peer,
                                     "it sent a malformed message", err);
    if (got) {
        if (status == FL_OK)
            status = handle(dispatch, &received, err);
        comms_received_fini(&received);
    }
    if (status == FL_OK)
        status = look_around(dispatch, err);
    nn_profile_lap(profile, NN_PHASE_DISPATCH, NN_NO_LAYER);
    return status;
}

size_t coord_dispatch_n_peers(const struct coord_dispatch *dispatch)
{
    return dispatch->n_peers;
}

double coord_dispatch_flop_per_wall_s(const struct coord_dispatch *dispatch)
{
    return dispatch->flop_per_wall_s * (double)dispatch->n_peers;
}

const char *coord_dispatch_blas_kernel(const struct coord_dispatch *dispatch)
{
    return dispatch->blas_kernel;
}

int64_t coord_dispatch_n_lost(const struct coord_dispatch *dispatch)
{
    return dispatch->n_lost;
}
