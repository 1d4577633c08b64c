/* Inside the dispatcher: peers, what each is busy with, what it has summed. */
#ifndef COORDINATOR_DISPATCH_PRIV_H
#define COORDINATOR_DISPATCH_PRIV_H

#include "coordinator/dispatch.h"

#include "coordinator/refusals.h"
#include "scenarios/scenario.h"

#define COORD_MAX_QUEUE 3 /* tasks at one peer: one at work, next, collect */

struct coord_errand { /* a task that a peer has been given */
    uint64_t id;
    struct coord_job *job;
    bool is_collect;
    struct coord_item *items; /* [n], owned; NULL for a collect */
    size_t n;
    double cost_flop;
};

struct coord_peer {
    comms_peer id;
    uint32_t slot, incarnation;
    double flop_per_wall_s; /* smoothed; 0: nothing was measured yet */
    double heard_wall_s;
    double said_wall_s; /* when a heartbeat was last sent to it */
    int64_t model_version[SCN_ARM_LAST_]; /* it holds; -1: none */
    struct coord_errand queue[COORD_MAX_QUEUE];
    size_t n_queue;
    double begun_wall_s;    /* the first of the queue, as far as we know */
    uint64_t last_answered; /* task; it has no lower one left */
    double joined_wall_s;
    int64_t n_idle; /* messages that moved nothing: heartbeats, repetitions */
    /* Trained for `summing` but not sent yet. */
    struct coord_job *summing;
    struct coord_item *summed;
    size_t n_summed, capacity_summed;
    bool is_collecting; /* a collect is in its queue */
};

struct coord_dispatch {
    struct coord_dispatch_opts opts;
    struct coord_peer *peers;
    size_t n_peers, capacity_peers;
    struct coord_job **jobs; /* most urgent first */
    size_t n_jobs, capacity_jobs;
    uint64_t last_task;
    int64_t n_collecting;   /* peers whose sum is on its way */
    double flop_per_wall_s; /* of one process, smoothed */
    double empty_since_wall_s;
    double looked_wall_s; /* around, last */
    int64_t n_lost;
    char blas_kernel[160];
    struct coord_refusals refusals;
};

/* dispatch_work.c */
enum fl_status coord_dispatch_feed(struct coord_dispatch *dispatch,
                                   struct fl_error *err) FL_NODISCARD;
/* Until some peer's queue is about to run dry while there is work for it;
 * infinity: nothing but a message can change what there is to do. */
double coord_dispatch_next_feed_wall_s(const struct coord_dispatch *dispatch);
enum fl_status coord_dispatch_result(struct coord_dispatch *dispatch,
                                     struct coord_peer *peer,
                                     const struct comms_message *message,
                                     struct fl_error *err) FL_NODISCARD;
/* Takes back everything that a lost peer was doing. */
enum fl_status coord_dispatch_reclaim(struct coord_dispatch *dispatch,
                                      struct coord_peer *peer,
                                      struct fl_error *err) FL_NODISCARD;

/* dispatch_answer.c */
bool coord_dispatch_is_answer(const struct coord_dispatch *dispatch,
                              const struct coord_errand *errand,
                              const struct comms_message *message);

/* dispatch.c: a message that moves nothing; a peer with too many is expelled.
 * again: what came twice, which is counted too; NULL: a heartbeat. */
enum fl_status coord_dispatch_spend(struct coord_dispatch *dispatch,
                                    struct coord_peer *peer,
                                    const char *again,
                                    struct fl_error *err) FL_NODISCARD;
/* dispatch.c: counts what a peer did, and loses it. */
enum fl_status coord_dispatch_expel(struct coord_dispatch *dispatch,
                                    struct coord_peer *peer,
                                    enum coord_refusal kind,
                                    const char *why,
                                    struct fl_error *err) FL_NODISCARD;
/* dispatch.c: forgets a peer; its work goes back to its jobs. */
enum fl_status coord_dispatch_lose(struct coord_dispatch *dispatch,
                                   struct coord_peer *peer,
                                   const char *why,
                                   struct fl_error *err) FL_NODISCARD;

#endif
