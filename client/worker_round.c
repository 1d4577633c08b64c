/* A process's part of a federated round: some clients, one sum. */
#include "client/worker_priv.h"

#include "base/exact.h"

#include <string.h>

enum fl_status client_open_sum(struct client_worker *worker,
                               const struct comms_task *task,
                               struct fl_error *err)
{
    if (worker->sum && worker->sum_arm == task->arm &&
        worker->sum_round == task->round)
        return FL_OK;
    FL_TRY(client_sums_take(worker->sums, &worker->sum, err));
    nn_profile_lap(worker->profile, NN_PHASE_SUM, NN_NO_LAYER);
    worker->sum_arm = task->arm;
    worker->sum_round = task->round;
    worker->sum_weight = 0;
    return FL_OK;
}

/* Trained clients whose updates are not in the sum yet: as many as there are
 * slots go into it together, which saves passes over it. */
struct pending {
    struct fl_exact_update updates[CLIENT_MAX_SLOTS];
    struct comms_client_result *results[CLIENT_MAX_SLOTS];
    size_t n;
};

static void add_pending(struct client_worker *worker,
                        const struct comms_task *task,
                        struct pending *pending)
{
    fl_exact_add_all(worker->sum, worker->models[task->arm].params,
                     worker->n_params, task->scale_log2, pending->updates,
                     pending->n);
    for (size_t i = 0; i < pending->n; i++) {
        pending->results[i]->is_refused = pending->updates[i].is_refused;
        if (!pending->updates[i].is_refused)
            worker->sum_weight += pending->updates[i].weight;
    }
    pending->n = 0;
    nn_profile_lap(worker->profile, NN_PHASE_SUM, NN_NO_LAYER);
}

/* Trains one client in the next free slot. */
static enum fl_status train_one(struct client_worker *worker,
                                const struct comms_task *task,
                                int64_t client,
                                struct comms_client_result *ret,
                                struct pending *pending,
                                struct fl_error *err)
{
    const struct scn_training *local = &worker->scenario->local;
    const float *global = worker->models[task->arm].params;
    int64_t n = 0;
    const int64_t *samples =
        nn_partition_client(&worker->task.partition, client, &n);
    const struct client_work work = {.training = local,
                                     .samples = samples,
                                     .n = n,
                                     .epochs = local->epochs,
                                     .stream = (uint64_t)client,
                                     .round = task->round,
                                     .is_federated = true,
                                     .prox_mu = task->prox_mu,
                                     .anchor = global};
    struct client_outcome outcome;
    worker->params = worker->slots[pending->n];
    memcpy(worker->params, global, worker->n_params * sizeof(float));
    client_rest(worker, local);
    nn_profile_lap(worker->profile, NN_PHASE_COPY, NN_NO_LAYER);
    FL_TRY(client_train(worker, &work, &outcome, err));
    *ret = (struct comms_client_result){.client = client,
                                        .samples = n,
                                        .steps = outcome.steps,
                                        .loss_mean = outcome.loss_mean,
                                        .is_refused = outcome.has_diverged};
    if (outcome.has_diverged)
        return FL_OK;
    pending->updates[pending->n] =
        (struct fl_exact_update){.after = worker->params, .weight = n};
    pending->results[pending->n++] = ret;
    if (pending->n == worker->n_slots)
        add_pending(worker, task, pending);
    return FL_OK;
}

enum fl_status client_train_task(struct client_worker *worker,
                                 const struct comms_task *task,
                                 struct comms_client_result *results,
                                 struct fl_error *err)
{
    struct pending pending = {.n = 0};
    if (worker->models[task->arm].version != task->model_version)
        return fl_fail(err, FL_E_STATE, "task: model version %lld, found %lld",
                       (long long)task->model_version,
                       (long long)worker->models[task->arm].version);
    FL_TRY(client_check_clients(worker, task, err));
    FL_TRY(client_open_sum(worker, task, err));
    for (size_t i = 0; i < task->n_clients; i++)
        FL_TRY(train_one(worker, task, task->clients[i], &results[i], &pending,
                         err));
    add_pending(worker, task, &pending);
    return FL_OK;
}
