/* What a client process holds while it works. */
#ifndef CLIENT_WORKER_PRIV_H
#define CLIENT_WORKER_PRIV_H

#include "base/arena.h"
#include "client/sum.h"
#include "comms/endpoint.h"
#include "nn/cpu_profile.h"
#include "nn/kernels.h"
#include "nn/train.h"
#include "scenarios/scenario.h"

/* The version of no model. */
#define CLIENT_NO_VERSION ((int64_t)-1)
/* Clients whose updates are added together, where models are small. */
#define CLIENT_MAX_SLOTS 4

/* The model of an arm that tasks refer to. */
struct client_model {
    int64_t version; /* CLIENT_NO_VERSION: none */
    float *params;
};

/* Parameters of a client that is trained, or waits to be added to the sum. */
struct client_slot {
    float *params;
    /* The model that params are equal to when they are no client's. */
    uint32_t arm;
    int64_t version; /* CLIENT_NO_VERSION: to none */
};

struct client_worker {
    struct comms_endpoint *spoke;
    bool is_lost; /* the coordinator has given us up, or is silent */
    struct scn_scenario *scenario;
    struct scn_task task;
    const struct nn_kernels *kernels;
    struct nn_workspace *ws;
    struct nn_profile *profile; /* NULL: nothing is timed */
    size_t n_params;
    struct client_model models[SCN_ARM_LAST_];

    struct fl_arena memory; /* of all the arrays below but the sums */
    struct client_slot slots[CLIENT_MAX_SLOTS];
    size_t n_slots;
    float *params; /* of the client at work: one of the slots' */
    float *state;  /* its optimiser's; NULL when no arm keeps one */
    struct client_sums *sums;
    int64_t *sum; /* of (sum_arm, sum_round); NULL: none begun */
    uint32_t sum_arm;
    int64_t sum_round;
    int64_t sum_weight;

    float *x; /* one batch */
    int32_t *labels;
    int64_t *index; /* sample numbers of the client at work, shuffled */
    int64_t *order; /* a permutation */

    int64_t *everyone; /* all clients' samples; NULL until they are needed */

    double heartbeat_wall_s;
    double heard_wall_s; /* from the coordinator */
    double said_wall_s;
    uint64_t task_id;
};

/* What one client's (or the centralized arm's) training came to. */
struct client_outcome {
    int64_t steps;
    double loss_mean;
    bool has_diverged; /* the loss was NaN or infinite */
};

/* What to train on, and as whom. */
struct client_work {
    const struct scn_training *training;
    const int64_t *samples; /* [n] */
    int64_t n;
    int64_t epochs;
    uint64_t stream; /* names the random streams: unique with round */
    /* A federated round, from which lr follows, with a fresh optimiser; else
     * the number of epochs done before, which the optimiser goes on from. */
    int64_t round;
    bool is_federated;
    double prox_mu; /* FedProx; 0: off */
    const float *anchor;
};

/* worker_train.c: trains worker->params in place for some epochs. */
enum fl_status client_train(struct client_worker *worker,
                            const struct client_work *work,
                            struct client_outcome *ret,
                            struct fl_error *err) FL_NODISCARD;
/* Scores params on test samples [first, first + count). */
enum fl_status client_score(struct client_worker *worker,
                            const float *params,
                            int64_t first,
                            int64_t count,
                            struct nn_score *ret,
                            struct fl_error *err) FL_NODISCARD;

/* worker_round.c: params are to be those of slot `at`, for any use. */
void client_use_slot(struct client_worker *worker, size_t at);
/* What slots are equal to is no model any more: a new one is here. */
void client_forget_models(struct client_worker *worker);
/* Trains a task's clients into the sum of its round. */
enum fl_status client_train_task(struct client_worker *worker,
                                 const struct comms_task *task,
                                 struct comms_client_result *results,
                                 struct fl_error *err) FL_NODISCARD;
/* Makes the sum ready for a task's arm and round. A sum that nobody collected
 * belongs to a round that went on without it. */
enum fl_status client_open_sum(struct client_worker *worker,
                               const struct comms_task *task,
                               struct fl_error *err) FL_NODISCARD;

/* worker_tasks.c: a fresh optimiser. */
void client_rest(struct client_worker *worker,
                 const struct scn_training *training);
/* worker_check.c: fails FL_E_FORMAT what this scenario has no such task for;
 * FL_E_STATE its model is not here. */
enum fl_status client_check_task(const struct client_worker *worker,
                                 const struct comms_task *task,
                                 struct fl_error *err) FL_NODISCARD;
/* worker_tasks.c: does a task and sends its result. A task that cannot be done
 * is reported to the coordinator; only a broken connection fails here. */
enum fl_status client_do(struct client_worker *worker,
                         const struct comms_message *message,
                         struct fl_error *err) FL_NODISCARD;

/* client.c: a sign of life, when one is due. */
enum fl_status client_beat(struct client_worker *worker,
                           double done_ratio,
                           struct fl_error *err) FL_NODISCARD;

#endif
