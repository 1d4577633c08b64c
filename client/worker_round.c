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

void client_use_slot(struct client_worker *worker, size_t at)
{
    worker->slots[at].version = CLIENT_NO_VERSION;
    worker->params = worker->slots[at].params;
}

void client_forget_models(struct client_worker *worker)
{
    for (size_t i = 0; i < worker->n_slots; i++)
        worker->slots[i].version = CLIENT_NO_VERSION;
}

/* A client that is trained, and its place in the task. */
struct trained {
    struct client_work work;
    struct comms_client_result *result;
};

/* Trained clients whose updates are not in the sum yet, one in each of the
 * first slots: they go into it together, which saves passes over it. */
struct pending {
    struct trained clients[CLIENT_MAX_SLOTS];
    size_t n;
};

/* Trains in a slot, from the arm's model. The parameters of the client before
 * have been reset to that, unless it was refused. */
static enum fl_status train_slot(struct client_worker *worker,
                                 const struct comms_task *task,
                                 const struct client_work *work,
                                 size_t at,
                                 struct client_outcome *ret,
                                 struct fl_error *err)
{
    const struct client_slot *slot = &worker->slots[at];
    const struct client_model *model = &worker->models[task->arm];
    if (slot->version == CLIENT_NO_VERSION || slot->arm != task->arm ||
        slot->version != model->version)
        memcpy(slot->params, model->params,
               worker->n_params * sizeof *slot->params);
    client_use_slot(worker, at);
    client_rest(worker, work->training);
    nn_profile_lap(worker->profile, NN_PHASE_COPY, NN_NO_LAYER);
    return client_train(worker, work, ret, err);
}

/* An update that turned out to be refused when a part of it was in the sum
 * already is made again, to the same bits, and taken back. */
static enum fl_status take_back(struct client_worker *worker,
                                const struct comms_task *task,
                                const struct client_work *work,
                                size_t at,
                                size_t n_done,
                                struct fl_error *err)
{
    struct client_outcome again;
    if (n_done == 0)
        return FL_OK;
    FL_TRY(train_slot(worker, task, work, at, &again, err));
    fl_exact_take_back(worker->sum, worker->models[task->arm].params,
                       worker->params, n_done, work->n, task->scale_log2);
    nn_profile_lap(worker->profile, NN_PHASE_SUM, NN_NO_LAYER);
    return FL_OK;
}

static enum fl_status add_pending(struct client_worker *worker,
                                  const struct comms_task *task,
                                  struct pending *pending,
                                  struct fl_error *err)
{
    struct fl_exact_update updates[CLIENT_MAX_SLOTS];
    const struct client_model *model = &worker->models[task->arm];
    for (size_t i = 0; i < pending->n; i++)
        updates[i] =
            (struct fl_exact_update){.after = worker->slots[i].params,
                                     .weight = pending->clients[i].work.n};
    fl_exact_add_and_reset(worker->sum, model->params, worker->n_params,
                           task->scale_log2, updates, pending->n);
    nn_profile_lap(worker->profile, NN_PHASE_SUM, NN_NO_LAYER);
    for (size_t i = 0; i < pending->n; i++) {
        const struct trained *client = &pending->clients[i];
        client->result->is_refused = updates[i].n_done < worker->n_params;
        if (client->result->is_refused) {
            FL_TRY(take_back(worker, task, &client->work, i, updates[i].n_done,
                             err));
            continue;
        }
        worker->slots[i].arm = task->arm;
        worker->slots[i].version = model->version;
        worker->sum_weight += client->work.n;
    }
    pending->n = 0;
    return FL_OK;
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
                                     .anchor =
                                         worker->models[task->arm].params};
    struct client_outcome outcome;
    FL_TRY(train_slot(worker, task, &work, pending->n, &outcome, err));
    *ret = (struct comms_client_result){.client = client,
                                        .samples = n,
                                        .steps = outcome.steps,
                                        .loss_mean = outcome.loss_mean,
                                        .is_refused = outcome.has_diverged};
    if (outcome.has_diverged)
        return FL_OK;
    pending->clients[pending->n++] =
        (struct trained){.work = work, .result = ret};
    return pending->n == worker->n_slots
               ? add_pending(worker, task, pending, err)
               : FL_OK;
}

enum fl_status client_train_task(struct client_worker *worker,
                                 const struct comms_task *task,
                                 struct comms_client_result *results,
                                 struct fl_error *err)
{
    struct pending pending = {.n = 0};
    FL_TRY(client_open_sum(worker, task, err));
    for (size_t i = 0; i < task->n_clients; i++)
        FL_TRY(train_one(worker, task, task->clients[i], &results[i], &pending,
                         err));
    return add_pending(worker, task, &pending, err);
}
