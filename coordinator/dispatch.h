/* Dispatch: the run's client processes and the work they pull.
 *
 * A job is a bag of items of one kind: clients to train, slices of the test
 * set to score, one epoch of the centralized arm, clients to train alone. The
 * dispatcher hands items to processes, longest first and in ever smaller
 * chunks, keeps a short queue at each, and calls the job back with every
 * result. The items of a process that dies are handed out again, and so are
 * items that it had trained but not yet sent the sum of: an item's result is
 * the same whoever computes it, so nothing else has to change.
 *
 * Threads: everything here belongs to the coordinator's thread.
 */
#ifndef COORDINATOR_DISPATCH_H
#define COORDINATOR_DISPATCH_H

#include "base/status.h"
#include "comms/endpoint.h"
#include "coordinator/profile_book.h"
#include "coordinator/refusals.h"
#include "coordinator/vector.h"
#include "nn/optimizer.h"

#include <stdbool.h>
#include <stdint.h>

struct coord_dispatch; /* opaque */
struct coord_job;

/* acc_sum[n_params] += a process's sum. false: it overflows, as fl_exact_merge
 * says. */
bool coord_sum_merge(int64_t *acc_sum, const struct comms_tensor *sum);

/* What a job does with results. Each may fail, which ends the run. */
struct coord_job_ops {
    /* A part of the work: called for each PARTIAL but COLLECT's. */
    enum fl_status (*on_part)(struct coord_job *job,
                              const struct comms_message *message,
                              struct fl_error *err);
    /* TRAIN: a process's sum, [n_params] fixed point, of `weight` samples.
     * members[0..n) are the items it is made of. */
    enum fl_status (*on_sum)(struct coord_job *job,
                             const struct comms_tensor *sum,
                             int64_t weight,
                             const int64_t *members,
                             size_t n,
                             struct fl_error *err);
    /* Every item is done. The job may be submitted anew from here. */
    enum fl_status (*on_done)(struct coord_job *job, struct fl_error *err);
};

struct coord_job {
    enum comms_task_kind kind; /* not COLLECT */
    uint32_t arm;
    int64_t round;
    /* TRAIN, EVALUATE, LOCAL unless it is NULL there: the model of this
     * version; CENTRAL: parameters in. */
    struct coord_vector *model;
    int64_t model_version;
    struct coord_vector *state[NN_OPTIMIZER_MAX_STATE]; /* CENTRAL; or NULL */
    int32_t scale_log2;                                 /* TRAIN */
    double prox_mu;                                     /* TRAIN */
    int64_t slice; /* EVALUATE: items are first samples of slices this long */
    int64_t limit; /* EVALUATE: samples there are */
    /* EVALUATE: nobody waits for it while there are clients to train. */
    bool is_patient;
    const struct coord_job_ops *ops;
    void *owner;

    /* Set by coord_job_set_items; the dispatcher's from then on. */
    struct coord_item {
        int64_t id; /* client, first sample, or 0 */
        double cost_flop;
    } * waiting; /* cheapest first: handed out from the end */
    size_t n_waiting, capacity;
    size_t n_left; /* items without a result yet */
    double waiting_flop;
    bool is_active;
};

/* Gives the job its items (copied, sorted by cost, then by id).
 * Fails FL_E_NOMEM. Free: coord_job_fini, which copes with a zeroed job. */
enum fl_status coord_job_set_items(struct coord_job *job,
                                   const struct coord_item *items,
                                   size_t n,
                                   struct fl_error *err) FL_NODISCARD;
void coord_job_fini(struct coord_job *job);

struct coord_dispatch_opts {
    struct comms_endpoint *hub;   /* borrowed */
    struct comms_welcome welcome; /* strings borrowed */
    int64_t n_params;
    const char *version;        /* of this program: clients' must be the same */
    const char *blas_kernel;    /* theirs must be this; NULL: the first one's */
    double silence_wall_s;      /* a peer silent for longer is given up */
    double patience_wall_s;     /* a run without any peer for longer ends */
    struct nn_profile *profile; /* borrowed; NULL: nothing is timed */
    struct coord_profile_book *book; /* likewise: where results' profiles go */
};

/* Fails FL_E_NOMEM. Free: coord_dispatch_destroy, before its hub. */
enum fl_status coord_dispatch_create(const struct coord_dispatch_opts *opts,
                                     struct coord_dispatch **ret,
                                     struct fl_error *err) FL_NODISCARD;
void coord_dispatch_destroy(struct coord_dispatch *dispatch);

/* Hands in a job with items; borrowed until on_done returned. More
 * urgent kinds go first, then what was handed in earlier. Fails FL_E_NOMEM. */
enum fl_status coord_dispatch_submit(struct coord_dispatch *dispatch,
                                     struct coord_job *job,
                                     struct fl_error *err) FL_NODISCARD;

/* One turn: hands out what can be handed out, waits for a message (at most
 * timeout_wall_s, or until extra_fd is readable) and deals with it.
 * Fails with what a job's callback failed with; FL_E_TIMEOUT when no process
 * has been there for too long; FL_E_STATE a process cannot take part; FL_E_IO.
 */
enum fl_status coord_dispatch_turn(struct coord_dispatch *dispatch,
                                   double timeout_wall_s,
                                   int extra_fd,
                                   struct fl_error *err) FL_NODISCARD;

/* Says BYE to every process, and in the log what was refused. */
void coord_dispatch_dismiss(struct coord_dispatch *dispatch,
                            const char *reason);

size_t coord_dispatch_n_peers(const struct coord_dispatch *dispatch);
/* Sustained speed of all present processes, FLOP per wall second; 0: not yet
 * known. For forecasts only. */
double coord_dispatch_flop_per_wall_s(const struct coord_dispatch *dispatch);
/* The BLAS kernel that all processes compute with; "" before the first. */
const char *coord_dispatch_blas_kernel(const struct coord_dispatch *dispatch);
const struct coord_refusals *
coord_dispatch_refusals(const struct coord_dispatch *dispatch);
/* Processes that were lost and replaced or given up. */
int64_t coord_dispatch_n_lost(const struct coord_dispatch *dispatch);

#endif
