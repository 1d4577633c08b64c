/* The centralized arm: the same model on all the data, in a data centre.
 *
 * One epoch is one task; its parameters and the optimiser's state travel with
 * it, so any process may do the next one. Like a round, an epoch is written
 * down when it has been scored.
 */
#include "base/alloc.h"
#include "base/sha256.h"
#include "coordinator/evaluation.h"
#include "coordinator/record.h"
#include "coordinator/run_priv.h"

#include <math.h>
#include <string.h>

enum phase { TRAINING, SCORING, DONE, PHASE_LAST_ };

struct centralized {
    struct coord_run *run;
    int64_t phase;
    int64_t epoch; /* at work, from 0 */
    double t_s;    /* its simulated start */
    int64_t samples;
    struct coord_vector *model;
    size_t n_state;
    struct coord_vector *state[NN_OPTIMIZER_MAX_STATE]; /* of the optimiser */
    double accuracy, loss, train_loss;
    bool has_reached;
    struct coord_record record; /* of what is trained here, or of what
                                   another run trained; not shared: no key */
    struct coord_job job;
    struct coord_evaluation evaluation;
};

static enum fl_status start_epoch(struct centralized *self,
                                  struct fl_error *err);

/* Only what was trained from its first epoch on is known whole. */
static void share(struct centralized *self)
{
    struct coord_record *record = &self->record;
    if (!record->key[0] || record->n != (size_t)self->epoch)
        return;
    fl_sha256_of(self->model->data, self->model->n * sizeof(float),
                 record->model_sha256);
    /* A wish: where it fails, others train for themselves. */
    if (coord_record_save(self->run->opts->share_dir, record, NULL) != FL_OK)
        record->key[0] = '\0';
}

static enum fl_status
finish(struct centralized *self, const char *model_sha256, struct fl_error *err)
{
    self->phase = DONE;
    struct res_outcome outcome = {.arm = SCN_CENTRALIZED,
                                  .accuracy = self->accuracy,
                                  .loss = self->loss,
                                  .rounds = self->epoch,
                                  .sim_time_s = self->t_s,
                                  .has_reached = self->has_reached};
    if (model_sha256)
        memcpy(outcome.model_sha256, model_sha256, sizeof outcome.model_sha256);
    else if (self->model)
        fl_sha256_of(self->model->data, self->model->n * sizeof(float),
                     outcome.model_sha256);
    return res_store_set_outcome(self->run->store, &outcome, err);
}

/* An epoch is through: it is costed and written down. */
static enum fl_status close_epoch(struct centralized *self,
                                  double accuracy,
                                  double loss,
                                  struct fl_error *err)
{
    const struct scn_scenario *scenario = self->run->scenario;
    double start_s = self->t_s, end_s = 0;
    self->accuracy = accuracy;
    self->loss = loss;
    if (self->epoch == 0 && scenario->uploads_data)
        FL_TRY(coord_account_data_upload(self->run, &start_s, err));
    FL_TRY(coord_account_epoch(self->run, self->epoch, start_s, self->samples,
                               &end_s, err));
    struct res_round round = {.arm = SCN_CENTRALIZED,
                              .round = self->epoch,
                              .sim_time_s = end_s,
                              .accuracy = accuracy,
                              .loss = loss,
                              .train_loss = self->train_loss,
                              .updates = 1};
    FL_TRY(res_store_add_round(self->run->store, &round, err));
    nn_profile_lap(self->run->profile, NN_PHASE_LEDGER, NN_NO_LAYER);
    self->t_s = end_s;
    self->epoch++;
    self->has_reached = scenario->centralized.stop_accuracy > 0 &&
                        accuracy >= scenario->centralized.stop_accuracy;
    return FL_OK;
}

static bool is_last(const struct centralized *self)
{
    return self->has_reached ||
           self->epoch == self->run->scenario->centralized.epochs;
}

static enum fl_status
on_scored(void *owner, double accuracy, double loss, struct fl_error *err)
{
    struct centralized *self = owner;
    struct coord_epoch epoch = {accuracy, loss, self->train_loss};
    FL_TRY(close_epoch(self, accuracy, loss, err));
    if (self->record.key[0])
        FL_TRY(coord_record_add(&self->record, epoch, err));
    if (is_last(self)) {
        share(self);
        return finish(self, NULL, err);
    }
    self->phase = TRAINING;
    return start_epoch(self, err);
}

static enum fl_status start_scoring(struct centralized *self,
                                    struct fl_error *err)
{
    self->phase = SCORING;
    return coord_evaluation_start(&self->evaluation, self->run, self->model,
                                  self->epoch + 1, err);
}

/* A fresh vector with a tensor's contents, in place of *vector. */
static enum fl_status replace(struct coord_run *run,
                              struct coord_vector **vector,
                              const struct comms_tensor *tensor,
                              struct fl_error *err)
{
    struct coord_vector *next = NULL;
    FL_TRY(coord_vector_take(run->shelf, &next, err));
    comms_tensor_copy(tensor, next->data);
    coord_vector_drop(*vector);
    *vector = next;
    return FL_OK;
}

static enum fl_status on_part(struct coord_job *job,
                              const struct comms_message *message,
                              struct fl_error *err)
{
    struct centralized *self = job->owner;
    if (message->n_tensors != 1 + self->n_state)
        return fl_fail(err, FL_E_FORMAT, "epoch %lld: %zu tensors came back",
                       (long long)self->epoch + 1, message->n_tensors);
    FL_TRY(replace(self->run, &self->model, &message->tensors[0], err));
    for (size_t i = 0; i < self->n_state; i++)
        FL_TRY(
            replace(self->run, &self->state[i], &message->tensors[1 + i], err));
    self->train_loss = message->u.partial.loss_mean;
    nn_profile_lap(self->run->profile, NN_PHASE_SERVER, NN_NO_LAYER);
    return FL_OK;
}

static enum fl_status on_done(struct coord_job *job, struct fl_error *err)
{
    return start_scoring(job->owner, err);
}

static const struct coord_job_ops ops = {.on_part = on_part,
                                         .on_done = on_done};

static enum fl_status start_epoch(struct centralized *self,
                                  struct fl_error *err)
{
    struct coord_item item = {.cost_flop =
                                  coord_train_flop(self->run, self->samples)};
    self->job.round = self->epoch;
    self->job.model = self->model;
    memcpy(self->job.state, self->state, sizeof self->job.state);
    FL_TRY(coord_job_set_items(&self->job, &item, 1, err));
    return coord_dispatch_submit(self->run->dispatch, &self->job, err);
}

/* Goes on with what another run's epochs were, from where this arm stands. Its
 * model is not here, so nobody else may want it. */
static enum fl_status
replay(struct centralized *self, bool *ret_is_done, struct fl_error *err)
{
    const struct coord_run *run = self->run;
    const char *dir = run->opts->share_dir;
    char key[65];
    if (!dir || self->phase == DONE || !run->scenario->has_arm[SCN_FEDERATED])
        return FL_OK;
    FL_TRY(coord_record_key(run, key, err));
    FL_TRY(coord_record_load(dir, key, &self->record, err));
    if (self->record.n <= (size_t)self->epoch) {
        coord_record_fini(&self->record);
        memcpy(self->record.key, key, sizeof key);
        return FL_OK;
    }
    while (!is_last(self)) {
        if ((size_t)self->epoch >= self->record.n)
            return fl_fail(err, FL_E_FORMAT,
                           "%s: the shared centralized arm %.16s has %zu "
                           "epochs, allowed more",
                           dir, key, self->record.n);
        struct coord_epoch epoch = self->record.epochs[self->epoch];
        self->train_loss = epoch.train_loss;
        FL_TRY(close_epoch(self, epoch.accuracy, epoch.loss, err));
    }
    FL_TRY(res_store_set(run->store, "centralized_shared", key, err));
    *ret_is_done = true;
    return finish(self, self->record.model_sha256, err);
}

static enum fl_status start(void *arm, struct fl_error *err)
{
    struct centralized *self = arm;
    bool is_replayed = false;
    FL_TRY(replay(self, &is_replayed, err));
    if (is_replayed)
        return FL_OK;
    if (self->phase == TRAINING)
        return start_epoch(self, err);
    return self->phase == SCORING ? start_scoring(self, err) : FL_OK;
}

static enum fl_status mock(void *arm, struct fl_error *err)
{
    struct centralized *self = arm;
    double accuracy = 0;
    FL_TRY(coord_mock_accuracy(self->run, SCN_CENTRALIZED, self->epoch,
                               &accuracy, err));
    FL_TRY(close_epoch(self, accuracy, (double)NAN, err));
    return is_last(self) ? finish(self, NULL, err) : FL_OK;
}

static void destroy(void *arm)
{
    struct centralized *self = arm;
    if (!self)
        return;
    coord_evaluation_fini(&self->evaluation);
    coord_record_fini(&self->record);
    coord_job_fini(&self->job);
    coord_vector_drop(self->model);
    for (size_t i = 0; i < self->n_state; i++)
        coord_vector_drop(self->state[i]);
    fl_free(self);
}

static enum fl_status set_up(struct centralized *self, struct fl_error *err)
{
    struct coord_run *run = self->run;
    if (coord_is_mock(run))
        return FL_OK;
    FL_TRY(coord_vector_take(run->shelf, &self->model, err));
    coord_take_start(run, self->model->data);
    self->n_state =
        (size_t)nn_optimizer_n_state(&run->scenario->centralized.optimizer);
    for (size_t i = 0; i < self->n_state; i++) {
        FL_TRY(coord_vector_take(run->shelf, &self->state[i], err));
        memset(self->state[i]->data, 0, self->state[i]->n * sizeof(float));
    }
    FL_TRY(coord_evaluation_init(&self->evaluation, run, SCN_CENTRALIZED, err));
    self->evaluation.on_scored = on_scored;
    self->evaluation.owner = self;
    self->job = (struct coord_job){.kind = COMMS_CENTRAL,
                                   .arm = SCN_CENTRALIZED,
                                   .ops = &ops,
                                   .owner = self};
    return FL_OK;
}

static enum fl_status
create(struct coord_run *run, void **ret, struct fl_error *err)
{
    struct centralized *self = fl_calloc(1, sizeof *self);
    if (!self)
        return fl_fail(err, FL_E_NOMEM, "out of memory: centralized arm");
    self->run = run;
    self->samples = run->task.samples;
    self->accuracy = self->loss = self->train_loss = (double)NAN;
    enum fl_status status = set_up(self, err);
    if (status != FL_OK) {
        destroy(self);
        return status;
    }
    *ret = self;
    return FL_OK;
}

static void state(void *arm, struct coord_blob *blob)
{
    struct centralized *self = arm;
    int64_t has_reached = self->has_reached;
    coord_blob_i64(blob, &self->phase);
    coord_blob_i64(blob, &self->epoch);
    coord_blob_f64(blob, &self->t_s);
    coord_blob_f64(blob, &self->accuracy);
    coord_blob_f64(blob, &self->loss);
    coord_blob_f64(blob, &self->train_loss);
    coord_blob_i64(blob, &has_reached);
    if (self->model)
        coord_blob_bytes(blob, self->model->data,
                         self->model->n * sizeof(float));
    for (size_t i = 0; i < self->n_state; i++)
        coord_blob_bytes(blob, self->state[i]->data,
                         self->state[i]->n * sizeof(float));
    self->has_reached = has_reached != 0;
    if (self->phase < 0 || self->phase >= PHASE_LAST_ || self->epoch < 0 ||
        self->epoch > self->run->scenario->centralized.epochs ||
        (self->phase != DONE &&
         self->epoch == self->run->scenario->centralized.epochs))
        blob->has_failed = true;
}

static void standing(const void *arm, struct coord_standing *ret)
{
    const struct centralized *self = arm;
    const struct coord_run *run = self->run;
    int64_t epochs = run->scenario->centralized.epochs;
    int64_t left = self->phase == DONE ? 0 : epochs - self->epoch;
    int64_t tested = run->task.test_samples;
    double epoch_flop =
        coord_train_flop(run, self->samples) + coord_evaluate_flop(run, tested);
    *ret = (struct coord_standing){
        .step = self->epoch,
        .steps = epochs,
        .done_flop = epoch_flop * (double)self->epoch,
        .left_flop = epoch_flop * (double)left,
        .accuracy = self->accuracy,
        .sim_time_s = self->t_s,
    };
}

static bool is_done(const void *arm)
{
    const struct centralized *self = arm;
    return self->phase == DONE;
}

static const float *model(const void *arm)
{
    const struct centralized *self = arm;
    return self->model ? self->model->data : NULL;
}

const struct coord_arm_type coord_arm_centralized = {
    .arm = SCN_CENTRALIZED,
    .create = create,
    .destroy = destroy,
    .start = start,
    .state = state,
    .standing = standing,
    .is_done = is_done,
    .mock = mock,
    .model = model,
};
