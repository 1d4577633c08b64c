/* What a coordinator of this scenario may ask; anything else is answered with
 * why not, before anything is done. */
#include "client/worker_priv.h"

#include "base/exact.h"

static enum fl_status check_arm(const struct client_worker *worker,
                                const struct comms_task *task,
                                struct fl_error *err)
{
    static const enum scn_arm arms[COMMS_TASK_LAST_] = {
        [COMMS_TRAIN] = SCN_FEDERATED,     [COMMS_COLLECT] = SCN_FEDERATED,
        [COMMS_EVALUATE] = SCN_ARM_LAST_, /* any */
        [COMMS_CENTRAL] = SCN_CENTRALIZED, [COMMS_LOCAL] = SCN_LOCAL,
    };
    if (task->arm >= SCN_ARM_LAST_ || !worker->scenario->has_arm[task->arm] ||
        (arms[task->kind] != SCN_ARM_LAST_ && task->arm != arms[task->kind]))
        return fl_fail(err, FL_E_FORMAT,
                       "task: arm %u for a task of kind %d, which this "
                       "scenario has not",
                       task->arm, (int)task->kind);
    return FL_OK;
}

/* Rounds and epochs are counted in streams of random numbers and schedules. */
static enum fl_status check_round(const struct client_worker *worker,
                                  const struct comms_task *task,
                                  struct fl_error *err)
{
    const struct scn_scenario *scenario = worker->scenario;
    int64_t most = INT64_MAX;
    if (task->kind == COMMS_TRAIN || task->kind == COMMS_COLLECT)
        most = scenario->rounds;
    if (task->kind == COMMS_CENTRAL)
        most = scenario->centralized.epochs;
    if (task->round >= most)
        return fl_fail(err, FL_E_FORMAT, "task: round %lld, allowed [0, %lld]",
                       (long long)task->round, (long long)most - 1);
    return FL_OK;
}

static enum fl_status check_clients(const struct client_worker *worker,
                                    const struct comms_task *task,
                                    struct fl_error *err)
{
    int64_t clients = worker->task.partition.clients;
    for (size_t i = 0; i < task->n_clients; i++)
        if (task->clients[i] < 0 || task->clients[i] >= clients)
            return fl_fail(err, FL_E_FORMAT,
                           "task: client %lld, allowed < %lld",
                           (long long)task->clients[i], (long long)clients);
    if (task->kind == COMMS_LOCAL && task->n_clients != 1)
        return fl_fail(err, FL_E_FORMAT, "task: %zu clients alone, allowed 1",
                       task->n_clients);
    return FL_OK;
}

/* The coordinator's scale is for at least what this process adds up. */
static enum fl_status check_scale(const struct client_worker *worker,
                                  const struct comms_task *task,
                                  struct fl_error *err)
{
    bool is_same = worker->sum && worker->sum_arm == task->arm &&
                   worker->sum_round == task->round;
    int64_t largest = 1, total = is_same ? worker->sum_weight : 0;
    for (size_t i = 0; i < task->n_clients; i++) {
        int64_t n = 0;
        (void)nn_partition_client(&worker->task.partition, task->clients[i],
                                  &n);
        largest = n > largest ? n : largest;
        total += n;
    }
    int32_t most = fl_exact_scale(largest, total > largest ? total : largest);
    if (task->scale_log2 > most)
        return fl_fail(err, FL_E_FORMAT,
                       "task: a sum in units of 2^-%d, allowed 2^-%d",
                       (int)task->scale_log2, (int)most);
    return FL_OK;
}

static enum fl_status check_model(const struct client_worker *worker,
                                  const struct comms_task *task,
                                  struct fl_error *err)
{
    const struct client_model *model = &worker->models[task->arm];
    if (model->params && model->version != CLIENT_NO_VERSION &&
        model->version == task->model_version)
        return FL_OK;
    return fl_fail(err, FL_E_STATE, "task: model version %lld, found %lld",
                   (long long)task->model_version, (long long)model->version);
}

static enum fl_status check_samples(const struct client_worker *worker,
                                    const struct comms_task *task,
                                    struct fl_error *err)
{
    int64_t tested = nn_dataset_test(worker->task.dataset)->n;
    if (task->first < 0 || task->first > tested || task->count < 1 ||
        task->count > tested - task->first)
        return fl_fail(err, FL_E_FORMAT, "task: samples %lld + %lld of %lld",
                       (long long)task->first, (long long)task->count,
                       (long long)tested);
    return FL_OK;
}

enum fl_status client_check_task(const struct client_worker *worker,
                                 const struct comms_task *task,
                                 struct fl_error *err)
{
    if ((unsigned)task->kind >= COMMS_TASK_LAST_)
        return fl_fail(err, FL_E_FORMAT, "task: kind %d", (int)task->kind);
    FL_TRY(check_arm(worker, task, err));
    FL_TRY(check_round(worker, task, err));
    FL_TRY(check_clients(worker, task, err));
    switch (task->kind) {
    case COMMS_TRAIN:
        FL_TRY(check_scale(worker, task, err));
        return check_model(worker, task, err);
    case COMMS_EVALUATE:
        FL_TRY(check_samples(worker, task, err));
        return check_model(worker, task, err);
    case COMMS_LOCAL:
        return worker->scenario->initial_model ? check_model(worker, task, err)
                                               : FL_OK;
    default:
        return FL_OK;
    }
}
