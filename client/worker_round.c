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

/* The parameters from which clients of this arm start. Those of the client
 * before have been reset to them, unless it was refused. */
static void start_params(struct client_worker *worker, uint32_t arm)
{
    const struct client_model *model = &worker->models[arm];
    if (worker->params_version == CLIENT_NO_VERSION ||
        worker->params_arm != arm || worker->params_version != model->version)
        memcpy(worker->params, model->params,
               worker->n_params * sizeof *worker->params);
    worker->params_version = CLIENT_NO_VERSION;
    nn_profile_lap(worker->profile, NN_PHASE_COPY, NN_NO_LAYER);
}

static enum fl_status train_params(struct client_worker *worker,
                                   const struct comms_task *task,
                                   const struct client_work *work,
                                   struct client_outcome *ret,
                                   struct fl_error *err)
{
    start_params(worker, task->arm);
    client_rest(worker, work->training);
    return client_train(worker, work, ret, err);
}

/* Adds what was trained. An update that turns out to be refused when a part of
 * it is in the sum already is made again, to the same bits, and taken back. */
static enum fl_status add_params(struct client_worker *worker,
                                 const struct comms_task *task,
                                 const struct client_work *work,
                                 bool *ret_is_added,
                                 struct fl_error *err)
{
    const struct client_model *model = &worker->models[task->arm];
    struct client_outcome again;
    size_t n_done = 0;
    *ret_is_added = fl_exact_add_and_reset(worker->sum, model->params,
                                           worker->params, worker->n_params,
                                           work->n, task->scale_log2, &n_done);
    nn_profile_lap(worker->profile, NN_PHASE_SUM, NN_NO_LAYER);
    if (*ret_is_added) {
        worker->params_arm = task->arm;
        worker->params_version = model->version;
        worker->sum_weight += work->n;
        return FL_OK;
    }
    if (n_done == 0)
        return FL_OK;
    FL_TRY(train_params(worker, task, work, &again, err));
    fl_exact_take_back(worker->sum, model->params, worker->params, n_done,
                       work->n, task->scale_log2);
    return FL_OK;
}

static enum fl_status train_one(struct client_worker *worker,
                                const struct comms_task *task,
                                int64_t client,
                                struct comms_client_result *ret,
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
    bool is_added = false;
    FL_TRY(train_params(worker, task, &work, &outcome, err));
    if (!outcome.has_diverged)
        FL_TRY(add_params(worker, task, &work, &is_added, err));
    *ret = (struct comms_client_result){.client = client,
                                        .samples = n,
                                        .steps = outcome.steps,
                                        .loss_mean = outcome.loss_mean,
                                        .is_refused = !is_added};
    return FL_OK;
}

enum fl_status client_train_task(struct client_worker *worker,
                                 const struct comms_task *task,
                                 struct comms_client_result *results,
                                 struct fl_error *err)
{
    if (worker->models[task->arm].version != task->model_version)
        return fl_fail(err, FL_E_STATE, "task: model version %lld, found %lld",
                       (long long)task->model_version,
                       (long long)worker->models[task->arm].version);
    FL_TRY(client_check_clients(worker, task, err));
    FL_TRY(client_open_sum(worker, task, err));
    for (size_t i = 0; i < task->n_clients; i++)
        FL_TRY(train_one(worker, task, task->clients[i], &results[i], err));
    return FL_OK;
}
