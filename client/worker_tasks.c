/* One function per kind of task; each ends in one PARTIAL. */
#include "client/worker_priv.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <string.h>

/* Names of random streams besides client ids: no client has such a number. */
#define STREAM_CENTRALIZED UINT64_MAX
#define STREAM_ALONE       ((uint64_t)1 << 62)

/* Vectors that training so keeps from step to step. */
static size_t n_state_of(const struct scn_training *training)
{
    return (size_t)nn_optimizer_n_state(&training->optimizer);
}

void client_rest(struct client_worker *worker,
                 const struct scn_training *training)
{
    if (worker->state)
        memset(worker->state, 0,
               n_state_of(training) * worker->n_params * sizeof(float));
}

/* Where the time went so far, for whoever asked for it. */
static void add_profile(struct client_worker *worker,
                        struct comms_partial *partial)
{
    if (!worker->profile)
        return;
    struct nn_profile_view view = nn_profile_read(worker->profile);
    partial->profile = (struct comms_profile){.layers = view.layers,
                                              .time_s = view.time_s,
                                              .calls = view.calls,
                                              .n = view.n_rows * NN_PHASE_LAST_,
                                              .wall_s = view.wall_s,
                                              .peak_bytes = view.peak_bytes};
}

static enum fl_status reply(struct client_worker *worker,
                            struct comms_message *message,
                            const struct comms_lease *leases,
                            struct fl_error *err)
{
    worker->said_wall_s = fl_clock_wall_s();
    /* The transport's thread shares our core and may come first. */
    nn_profile_before_wait(worker->profile, NN_PHASE_OTHER);
    add_profile(worker, &message->u.partial);
    enum fl_status status = comms_send(worker->spoke, 1, message, leases, err);
    nn_profile_after_wait(worker->profile, NN_PHASE_SEND);
    return status;
}

static enum fl_status do_evaluate(struct client_worker *worker,
                                  const struct comms_task *task,
                                  struct comms_score *scores,
                                  struct fl_error *err)
{
    size_t n = 0;
    for (int64_t at = 0; at < task->count; at += COMMS_SCORE_BLOCK) {
        int64_t left = task->count - at;
        int64_t size = left < COMMS_SCORE_BLOCK ? left : COMMS_SCORE_BLOCK;
        struct nn_score score;
        FL_TRY(client_score(worker, worker->models[task->arm].params,
                            task->first + at, size, &score, err));
        scores[n++] = (struct comms_score){.step = task->first + at,
                                           .n = score.n,
                                           .correct = score.correct,
                                           .loss_sum = score.loss_sum};
    }
    return FL_OK;
}

static enum fl_status do_central(struct client_worker *worker,
                                 const struct comms_message *message,
                                 double *ret_loss_mean,
                                 struct fl_error *err)
{
    const struct comms_task *task = &message->u.task;
    const struct scn_training *training = &worker->scenario->centralized;
    size_t wanted = 1 + n_state_of(training);
    if (message->n_tensors != wanted)
        return fl_fail(err, FL_E_FORMAT, "task: %zu tensors, allowed %zu",
                       message->n_tensors, wanted);
    client_use_slot(worker, 0);
    for (size_t i = 0; i < wanted; i++) {
        const struct comms_tensor *tensor = &message->tensors[i];
        if (tensor->type != COMMS_F32 || tensor->n != (int64_t)worker->n_params)
            return fl_fail(err, FL_E_FORMAT, "task: a tensor of %lld members",
                           (long long)tensor->n);
        comms_tensor_copy(tensor,
                          i == 0 ? worker->params
                                 : worker->state + (i - 1) * worker->n_params);
    }
    nn_profile_lap(worker->profile, NN_PHASE_COPY, NN_NO_LAYER);
    const struct nn_partition *partition = &worker->task.partition;
    if (!worker->everyone)
        FL_TRY(nn_partition_everyone(partition, &worker->everyone, err));
    const struct client_work work = {.training = training,
                                     .samples = worker->everyone,
                                     .n = partition->start[partition->clients],
                                     .epochs = 1,
                                     .stream = STREAM_CENTRALIZED,
                                     .round = task->round};
    struct client_outcome outcome;
    FL_TRY(client_train(worker, &work, &outcome, err));
    if (outcome.has_diverged)
        return fl_fail(err, FL_E_NUMERIC,
                       "centralized training: the loss of epoch %lld is not "
                       "finite; lower train.centralized.lr",
                       (long long)task->round + 1);
    *ret_loss_mean = outcome.loss_mean;
    return FL_OK;
}

/* Parameters, then the optimiser's state. */
static void attach_central(const struct client_worker *worker,
                           struct comms_message *answer)
{
    answer->n_tensors = 1 + n_state_of(&worker->scenario->centralized);
    for (size_t i = 0; i < answer->n_tensors; i++)
        answer->tensors[i] = (struct comms_tensor){
            .type = COMMS_F32,
            .data = i == 0 ? worker->params
                           : worker->state + (i - 1) * worker->n_params,
            .n = (int64_t)worker->n_params};
}

static enum fl_status score_alone(struct client_worker *worker,
                                  int64_t epochs,
                                  struct comms_score *ret,
                                  struct fl_error *err)
{
    struct nn_score score;
    FL_TRY(client_score(worker, worker->params, 0,
                        nn_dataset_test(worker->task.dataset)->n, &score, err));
    *ret = (struct comms_score){.step = epochs,
                                .n = score.n,
                                .correct = score.correct,
                                .loss_sum = score.loss_sum};
    return FL_OK;
}

/* What every client starts from: a file's numbers came as a model. */
static void start_alone(struct client_worker *worker,
                        const struct comms_task *task)
{
    const struct scn_scenario *scenario = worker->scenario;
    const struct client_model *given = &worker->models[task->arm];
    client_use_slot(worker, 0);
    if (scenario->initial_model)
        memcpy(worker->params, given->params, worker->n_params * sizeof(float));
    else
        nn_model_init_params(worker->task.model, (uint64_t)scenario->seed,
                             worker->params);
    client_rest(worker, &scenario->alone);
}

/* Trains one client from the common start, scoring as it goes, until the
 * target or the last epoch. */
static enum fl_status do_local(struct client_worker *worker,
                               const struct comms_task *task,
                               struct comms_client_result *ret,
                               struct comms_score *scores,
                               size_t *ret_n_scores,
                               struct fl_error *err)
{
    const struct scn_scenario *scenario = worker->scenario;
    const struct scn_training *training = &scenario->alone;
    int64_t client = task->clients[0], n = 0;
    const int64_t *samples =
        nn_partition_client(&worker->task.partition, client, &n);
    struct comms_client_result result = {.client = client, .samples = n};
    start_alone(worker, task);
    size_t n_scores = 0;
    for (int64_t done = 0; done < training->epochs;) {
        int64_t left = training->epochs - done;
        int64_t epochs = left < scenario->alone_evaluate_every
                             ? left
                             : scenario->alone_evaluate_every;
        const struct client_work work = {.training = training,
                                         .samples = samples,
                                         .n = n,
                                         .epochs = epochs,
                                         .stream =
                                             STREAM_ALONE | (uint64_t)client,
                                         .round = done};
        struct client_outcome outcome;
        FL_TRY(client_train(worker, &work, &outcome, err));
        result.is_refused = outcome.has_diverged;
        if (outcome.has_diverged)
            break;
        done += epochs;
        result.steps += outcome.steps;
        result.loss_mean = outcome.loss_mean;
        struct comms_score *score = &scores[n_scores++];
        enum fl_status scored = score_alone(worker, done, score, err);
        if (scored == FL_E_NUMERIC) { /* diverged in its last step */
            result.is_refused = true;
            n_scores--;
            break;
        }
        FL_TRY(scored);
        if (scenario->alone.stop_accuracy > 0 &&
            (double)score->correct >=
                scenario->alone.stop_accuracy * (double)score->n)
            break;
    }
    *ret = result;
    *ret_n_scores = n_scores;
    return FL_OK;
}

static size_t n_scores_of(const struct client_worker *worker,
                          const struct comms_task *task)
{
    if (task->kind == COMMS_EVALUATE)
        return (size_t)(task->count - 1) / COMMS_SCORE_BLOCK + 1;
    const struct scn_scenario *scenario = worker->scenario;
    return (size_t)(scenario->alone.epochs / scenario->alone_evaluate_every) +
           1;
}

/* Does the work; what it came to goes into partial and message. */
static enum fl_status perform(struct client_worker *worker,
                              const struct comms_message *asked,
                              struct comms_client_result *results,
                              struct comms_score *scores,
                              struct comms_message *answer,
                              struct comms_lease *leases,
                              struct fl_error *err)
{
    const struct comms_task *task = &asked->u.task;
    struct comms_partial *partial = &answer->u.partial;
    switch (task->kind) {
    case COMMS_TRAIN:
        FL_TRY(client_train_task(worker, task, results, err));
        partial->clients = results;
        partial->n_clients = task->n_clients;
        return FL_OK;
    case COMMS_COLLECT:
        FL_TRY(client_open_sum(worker, task, err));
        partial->weight = worker->sum_weight;
        answer->tensors[0] =
            (struct comms_tensor){.type = COMMS_I64,
                                  .data = worker->sum,
                                  .n = (int64_t)worker->n_params};
        leases[0] = client_sums_lend(worker->sums, worker->sum);
        answer->n_tensors = 1;
        worker->sum = NULL;
        return FL_OK;
    case COMMS_EVALUATE:
        FL_TRY(do_evaluate(worker, task, scores, err));
        partial->scores = scores;
        partial->n_scores = n_scores_of(worker, task);
        return FL_OK;
    case COMMS_CENTRAL:
        FL_TRY(do_central(worker, asked, &partial->loss_mean, err));
        attach_central(worker, answer);
        return FL_OK;
    case COMMS_LOCAL:
        FL_TRY(
            do_local(worker, task, results, scores, &partial->n_scores, err));
        partial->clients = results;
        partial->n_clients = 1;
        partial->scores = scores;
        return FL_OK;
    case COMMS_TASK_LAST_:
        break;
    }
    return fl_fail(err, FL_E_FORMAT, "task: kind %d", (int)task->kind);
}

enum fl_status client_do(struct client_worker *worker,
                         const struct comms_message *message,
                         struct fl_error *err)
{
    const struct comms_task *task = &message->u.task;
    struct comms_message answer = {
        .kind = COMMS_PARTIAL,
        .u.partial = {.task_id = task->id,
                      .kind = task->kind,
                      .arm = task->arm,
                      .round = task->round,
                      .failure = ""},
    };
    struct comms_lease leases[COMMS_MAX_TENSORS] = {{0}};
    struct comms_client_result *results = NULL;
    struct comms_score *scores = NULL;
    struct fl_error why = {0};
    double start_wall_s = fl_clock_wall_s();
    worker->task_id = task->id;
    enum fl_status status = client_check_task(worker, task, &why);
    if (status == FL_OK) {
        results = fl_calloc(task->n_clients + 1, sizeof *results);
        scores = fl_calloc(n_scores_of(worker, task), sizeof *scores);
        status = results && scores
                     ? perform(worker, message, results, scores, &answer,
                               leases, &why)
                     : fl_fail(&why, FL_E_NOMEM, "out of memory: task");
    }
    worker->task_id = 0;
    answer.u.partial.busy_wall_s = fl_clock_wall_s() - start_wall_s;
    if (status == FL_E_IO || status == FL_E_TIMEOUT) {
        status = fl_fail(err, status, "%s", why.text); /* the connection */
    } else {
        if (status != FL_OK)
            answer.u.partial.failure = why.text;
        status = reply(worker, &answer, leases, err);
    }
    fl_free(results);
    fl_free(scores);
    return status;
}
