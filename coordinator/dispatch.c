/* Peers: who is there, who is alive, who was lost. */
#include "coordinator/dispatch.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "coordinator/dispatch_priv.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Numbers of processes that leave theirs to us: far from any launcher's. */
#define FIRST_FREE_SLOT 100000u
/* A run takes so many processes. */
#define MAX_PEERS 16384
/* A process's first silence may be longer by this. */
#define SETTLING_SILENCES 4.0
/* Messages that move nothing, which a peer may send at once, and further for
 * each interval in which it should send one heartbeat. */
#define IDLE_AT_ONCE  64
#define IDLE_PER_BEAT 4

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
    dispatch->empty_since_wall_s = dispatch->looked_wall_s = fl_clock_wall_s();
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
 * of long tasks, a round waits for its scores, but not where the next one
 * trains already, clients alone wait for nobody. */
static int urgency(const struct coord_job *job)
{
    static const int of[COMMS_TASK_LAST_] = {
        [COMMS_CENTRAL] = 4, [COMMS_EVALUATE] = 3, [COMMS_TRAIN] = 2};
    return job->is_patient ? 1 : of[job->kind];
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

static enum fl_status
dismiss(struct coord_dispatch *dispatch, comms_peer id, const char *reason)
{
    struct comms_message bye = {.kind = COMMS_BYE, .u.bye = {.reason = reason}};
    enum fl_status status =
        comms_send(dispatch->opts.hub, id, &bye, NULL, NULL);
    return status == FL_E_STATE ? FL_OK : status; /* gone is gone */
}

/* farewell: why, so that the process ends; or COMMS_BYE_UNKNOWN, so that one
 * that was lost through no fault of its own may join anew. */
static enum fl_status forget(struct coord_dispatch *dispatch,
                             struct coord_peer *peer,
                             const char *farewell,
                             struct fl_error *err)
{
    enum fl_status status = coord_dispatch_reclaim(dispatch, peer, err);
    (void)dismiss(dispatch, peer->id, farewell);
    comms_peer_close(dispatch->opts.hub, peer->id);
    *peer = dispatch->peers[--dispatch->n_peers];
    dispatch->n_lost++;
    if (dispatch->n_peers == 0)
        dispatch->empty_since_wall_s = fl_clock_wall_s();
    return status;
}

enum fl_status coord_dispatch_lose(struct coord_dispatch *dispatch,
                                   struct coord_peer *peer,
                                   const char *why,
                                   struct fl_error *err)
{
    fl_log(FL_LOG_WARN, "client process %u is lost: %s; its work is done again",
           peer->slot, why);
    return forget(dispatch, peer, COMMS_BYE_UNKNOWN, err);
}

enum fl_status coord_dispatch_expel(struct coord_dispatch *dispatch,
                                    struct coord_peer *peer,
                                    enum coord_refusal kind,
                                    const char *why,
                                    struct fl_error *err)
{
    coord_refuse(&dispatch->refusals, kind,
                 "client process %u: %s; it is sent away and its work is done "
                 "again",
                 peer->slot, why);
    return forget(dispatch, peer, why, err);
}

enum fl_status coord_dispatch_spend(struct coord_dispatch *dispatch,
                                    struct coord_peer *peer,
                                    const char *again,
                                    struct fl_error *err)
{
    double age_wall_s = fl_clock_wall_s() - peer->joined_wall_s;
    double beats = age_wall_s / dispatch->opts.welcome.heartbeat_wall_s;
    if (again)
        coord_refuse(&dispatch->refusals, COORD_REFUSED_AGAIN,
                     "client process %u: %s", peer->slot, again);
    peer->n_idle++;
    if ((double)peer->n_idle <= IDLE_AT_ONCE + IDLE_PER_BEAT * beats)
        return FL_OK;
    return coord_dispatch_expel(dispatch, peer, COORD_REFUSED_FLOOD,
                                "it floods with messages that move nothing",
                                err);
}

void coord_dispatch_dismiss(struct coord_dispatch *dispatch, const char *reason)
{
    for (size_t i = 0; i < dispatch->n_peers; i++)
        (void)dismiss(dispatch, dispatch->peers[i].id, reason);
    coord_refusals_of_hub(&dispatch->refusals, dispatch->opts.hub);
    coord_refusals_log(&dispatch->refusals);
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

static struct coord_peer *find_slot(struct coord_dispatch *dispatch,
                                    uint32_t slot)
{
    for (size_t i = 0; i < dispatch->n_peers; i++)
        if (dispatch->peers[i].slot == slot)
            return &dispatch->peers[i];
    return NULL;
}

static uint32_t free_slot(struct coord_dispatch *dispatch)
{
    uint32_t slot = FIRST_FREE_SLOT;
    while (find_slot(dispatch, slot))
        slot++;
    return slot;
}

/* Turns away who is no peer, and tells it why. */
static enum fl_status turn_away(struct coord_dispatch *dispatch,
                                comms_peer id,
                                enum coord_refusal kind,
                                const char *why)
{
    coord_refuse(&dispatch->refusals, kind, "%s", why);
    (void)dismiss(dispatch, id, why);
    comms_peer_close(dispatch->opts.hub, id);
    return FL_OK;
}

/* Whether a message could still be sent to it. */
static bool is_reachable(struct coord_dispatch *dispatch,
                         const struct coord_peer *peer)
{
    struct comms_message beat = {.kind = COMMS_HEARTBEAT};
    return comms_send(dispatch->opts.hub, peer->id, &beat, NULL, NULL) == FL_OK;
}

/* Who has a number keeps it, but for its own replacement (the next
 * incarnation) and where its connection is gone. */
static enum fl_status claim_slot(struct coord_dispatch *dispatch,
                                 const struct comms_hello *hello,
                                 uint32_t *ret_slot,
                                 bool *ret_is_taken,
                                 struct fl_error *err)
{
    uint32_t slot = hello->slot;
    *ret_is_taken = false;
    if (slot == COMMS_ANY_SLOT) {
        *ret_slot = free_slot(dispatch);
        return FL_OK;
    }
    *ret_slot = slot;
    struct coord_peer *former = find_slot(dispatch, slot);
    if (!former)
        return FL_OK;
    if (hello->incarnation > former->incarnation) {
        fl_log(FL_LOG_WARN,
               "client process %u is replaced; its work is done again", slot);
        return forget(dispatch, former, "another process has its place", err);
    }
    if (!is_reachable(dispatch, former))
        return coord_dispatch_lose(dispatch, former, "it is gone", err);
    *ret_is_taken = true;
    return FL_OK;
}

static enum fl_status admit(struct coord_dispatch *dispatch,
                            comms_peer id,
                            uint32_t slot,
                            uint32_t incarnation,
                            struct fl_error *err)
{
    double now = fl_clock_wall_s();
    FL_TRY(fl_grow(&dispatch->peers, &dispatch->capacity_peers,
                   dispatch->n_peers + 1, sizeof *dispatch->peers, err));
    struct coord_peer *peer = &dispatch->peers[dispatch->n_peers++];
    *peer = (struct coord_peer){.id = id,
                                .slot = slot,
                                .incarnation = incarnation,
                                .joined_wall_s = now,
                                .heard_wall_s = now};
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

static enum fl_status welcome(struct coord_dispatch *dispatch,
                              comms_peer id,
                              const struct comms_hello *hello,
                              struct fl_error *err)
{
    struct fl_error why = {0};
    char text[128];
    uint32_t slot = 0;
    bool is_taken = false;
    if (check_kinship(dispatch, hello, &why) != FL_OK)
        return turn_away(dispatch, id, COORD_REFUSED_KIN, why.text);
    FL_TRY(claim_slot(dispatch, hello, &slot, &is_taken, err));
    if (is_taken) {
        (void)snprintf(text, sizeof text,
                       "there is a client process %u already; leave --slot "
                       "out, or choose another",
                       slot);
        return turn_away(dispatch, id, COORD_REFUSED_SLOT, text);
    }
    if (dispatch->n_peers >= MAX_PEERS) {
        (void)snprintf(text, sizeof text, "client process %u: allowed %d", slot,
                       MAX_PEERS);
        return turn_away(dispatch, id, COORD_REFUSED_CROWD, text);
    }
    return admit(dispatch, id, slot, hello->incarnation, err);
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
        coord_refuse(&dispatch->refusals, COORD_REFUSED_STRANGER,
                     "a %s of a peer that is no client process",
                     comms_kind_name(message->kind));
        (void)dismiss(dispatch, received->peer, COMMS_BYE_UNKNOWN);
        comms_peer_close(dispatch->opts.hub, received->peer);
        return FL_OK;
    }
    peer->heard_wall_s = fl_clock_wall_s();
    switch (message->kind) {
    case COMMS_PARTIAL:
        return coord_dispatch_result(dispatch, peer, message, err);
    case COMMS_HEARTBEAT:
        return coord_dispatch_spend(dispatch, peer, NULL, err);
    case COMMS_HELLO:
        return coord_dispatch_spend(dispatch, peer, "a second HELLO", err);
    case COMMS_BYE:
        return coord_dispatch_lose(dispatch, peer,
                                   message->u.bye.reason[0]
                                       ? message->u.bye.reason
                                       : "it said good-bye",
                                   err);
    default:
        return coord_dispatch_expel(dispatch, peer, COORD_REFUSED_LIE,
                                    "it sent what only a coordinator sends",
                                    err);
    }
}

/* Time in which we did not listen (a disk that took long, a process that was
 * stopped) was no silence of others. */
static void forgive_absence(struct coord_dispatch *dispatch, double now)
{
    double beat_wall_s = dispatch->opts.welcome.heartbeat_wall_s;
    double away_wall_s = now - dispatch->looked_wall_s - beat_wall_s;
    dispatch->looked_wall_s = now;
    if (away_wall_s < beat_wall_s)
        return;
    for (size_t i = 0; i < dispatch->n_peers; i++) {
        struct coord_peer *peer = &dispatch->peers[i];
        peer->heard_wall_s = fmin(peer->heard_wall_s + away_wall_s, now);
    }
    dispatch->empty_since_wall_s += away_wall_s;
}

/* Who was welcomed has a scenario and data to open before its first word; many
 * that do so on few cores, or from a slow disk, take their time. */
static double patience_wall_s(const struct coord_dispatch *dispatch,
                              const struct coord_peer *peer)
{
    bool has_spoken = peer->n_idle > 0 || peer->last_answered > 0;
    return dispatch->opts.silence_wall_s *
           (has_spoken ? 1.0 : SETTLING_SILENCES);
}

/* Heartbeats to those that wait, an end to those that are silent. */
static enum fl_status look_around(struct coord_dispatch *dispatch,
                                  struct fl_error *err)
{
    double now = fl_clock_wall_s();
    struct comms_message beat = {.kind = COMMS_HEARTBEAT};
    forgive_absence(dispatch, now);
    coord_refusals_of_hub(&dispatch->refusals, dispatch->opts.hub);
    for (size_t i = dispatch->n_peers; i-- > 0;) {
        struct coord_peer *peer = &dispatch->peers[i];
        if (now - peer->heard_wall_s > patience_wall_s(dispatch, peer)) {
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
        now - dispatch->empty_since_wall_s > dispatch->opts.patience_wall_s)
        return fl_fail(err, FL_E_TIMEOUT,
                       "no client process for %.0f s; start one with "
                       "fedcarbon-client --ticket FILE, or --connect %s",
                       dispatch->opts.patience_wall_s,
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
    double wait = fmin(fmin(timeout_wall_s, beat),
                       coord_dispatch_next_feed_wall_s(dispatch));
    struct comms_received received;
    bool got = false;
    comms_peer closed = 0;
    struct fl_error malformed = {0};
    enum fl_status status = comms_receive(dispatch->opts.hub, wait, extra_fd,
                                          &received, &got, &closed, &malformed);
    if (status != FL_OK)
        return fl_fail(err, status, "%s", malformed.text);
    nn_profile_after_wait(profile, NN_PHASE_RECEIVE);
    struct coord_peer *peer = closed ? find_peer(dispatch, closed) : NULL;
    if (peer)
        status = coord_dispatch_expel(dispatch, peer, COORD_REFUSED_MALFORMED,
                                      "it sent a malformed message", err);
    else if (closed)
        coord_refuse(&dispatch->refusals, COORD_REFUSED_MALFORMED, "%s",
                     malformed.text);
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

const struct coord_refusals *
coord_dispatch_refusals(const struct coord_dispatch *dispatch)
{
    return &dispatch->refusals;
}

const char *coord_dispatch_blas_kernel(const struct coord_dispatch *dispatch)
{
    return dispatch->blas_kernel;
}

int64_t coord_dispatch_n_lost(const struct coord_dispatch *dispatch)
{
    return dispatch->n_lost;
}
