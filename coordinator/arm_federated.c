/* The federated arm: synchronous rounds.
 *
 * A round selects a cohort, has it trained, steps the strategy with the exact
 * sum of the updates, scores the new model where a score is due, and only then
 * is written down: the ledger, the round and the clock move together. Between
 * those moments the arm is in one of two phases, and a checkpoint of either
 * goes on to the same bits: who was selected and how long it took is computed
 * again, not stored.
 *
 * While a model is scored the next round trains from it already, where its
 * score cannot end the arm: processes that would wait for the last client of
 * a round score instead. Nothing of that is in the simulated time, and a
 * checkpoint knows nothing of it: what trained ahead is trained again.
 */
#include "base/alloc.h"
#include "base/exact.h"
#include "base/sha256.h"
#include "coordinator/cohort.h"
#include "coordinator/evaluation.h"
#include "coordinator/run_priv.h"
#include "coordinator/selection.h"
#include "coordinator/strategy.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum phase { TRAINING, SCORING, DONE, PHASE_LAST_ };

struct federated {
    struct coord_run *run;
    struct coord_strategy strategy;
    struct coord_selection selection;
    int64_t phase;
    int64_t round; /* at work, from 0 */
    double t_s;    /* its simulated start */
    struct coord_vector *model;
    float *state[COORD_MAX_STATE]; /* of the strategy, [n_params] */
    double accuracy, loss;         /* the latest; NaN: none yet */
    bool has_reached;

    struct coord_cohort cohorts[2];
    struct coord_cohort *now;  /* of the round at work */
    struct coord_cohort *next; /* of the one after it, which trains ahead */
    bool is_ahead;             /* `next` trains, or has trained */
    bool is_ahead_trained;

    int64_t weight; /* of the sums that came */
    int64_t *sum;   /* [n_params] */
    float *scratch; /* [n_params] */
    struct coord_job job;
    struct coord_evaluation evaluation;
};

static enum fl_status begin_round(struct federated *self, struct fl_error *err);

static bool is_score_due(const struct federated *self)
{
    const struct scn_scenario *scenario = self->run->scenario;
    return (self->round + 1) % scenario->evaluate_every == 0 ||
           self->round + 1 == scenario->rounds;
}

/* Whose clients train. */
static struct coord_cohort *trainees(struct federated *self)
{
    return self->is_ahead ? self->next : self->now;
}

static enum fl_status on_trained(struct coord_job *job,
                                 const struct comms_message *message,
                                 struct fl_error *err)
{
    struct federated *self = job->owner;
    struct coord_cohort *cohort = trainees(self);
    const struct comms_partial *partial = &message->u.partial;
    for (size_t i = 0; i < partial->n_clients; i++) {
        const struct comms_client_result *result = &partial->clients[i];
        int64_t at = coord_cohort_position(cohort, result->client);
        if (at == cohort->n || cohort->clients[at] != result->client ||
            result->samples != coord_client_samples(self->run, result->client))
            return fl_fail(err, FL_E_FORMAT,
                           "round %lld: a result of client %lld that does not "
                           "fit it",
                           (long long)job->round + 1,
                           (long long)result->client);
        cohort->is_refused[at] = result->is_refused;
        cohort->losses[at] = result->loss_mean;
    }
    return FL_OK;
}

static enum fl_status on_sum(struct coord_job *job,
                             const struct comms_tensor *sum,
                             int64_t weight,
                             const int64_t *members,
                             size_t n,
                             struct fl_error *err)
{
    struct federated *self = job->owner;
    const struct coord_cohort *cohort = trainees(self);
    int64_t expected = 0;
    for (size_t i = 0; i < n; i++)
        if (!cohort->is_refused[coord_cohort_position(cohort, members[i])])
            expected += coord_client_samples(self->run, members[i]);
    if (weight != expected)
        return fl_fail(err, FL_E_FORMAT,
                       "round %lld: a sum of %lld samples, expected %lld",
                       (long long)job->round + 1, (long long)weight,
                       (long long)expected);
    if (!coord_sum_merge(self->sum, sum))
        return fl_fail(err, FL_E_NUMERIC, "round %lld: the sum overflows",
                       (long long)job->round + 1);
    self->weight += weight;
    nn_profile_lap(self->run->profile, NN_PHASE_SERVER, NN_NO_LAYER);
    return FL_OK;
}

/* Until now every client was one that may train. */
static enum fl_status put_participants(struct coord_run *run,
                                       struct fl_error *err)
{
    struct res_arm arm = coord_arm_row(run, SCN_FEDERATED);
    FL_TRY(res_store_count_clients(run->store, SCN_FEDERATED, CARBON_TRAIN,
                                   &arm.participants, err));
    return res_store_add_arm(run->store, &arm, err);
}

static enum fl_status finish(struct federated *self, struct fl_error *err)
{
    self->phase = DONE;
    FL_TRY(put_participants(self->run, err));
    struct res_outcome outcome = {.arm = SCN_FEDERATED,
                                  .accuracy = self->accuracy,
                                  .loss = self->loss,
                                  .rounds = self->round,
                                  .sim_time_s = self->t_s,
                                  .has_reached = self->has_reached};
    if (self->model)
        fl_sha256_of(self->model->data, self->model->n * sizeof(float),
                     outcome.model_sha256);
    return res_store_set_outcome(self->run->store, &outcome, err);
}

/* Writes the round down; the phase is then TRAINING of the next, or DONE. */
static enum fl_status
write_round(struct federated *self, bool is_scored, struct fl_error *err)
{
    const struct scn_scenario *scenario = self->run->scenario;
    const struct coord_cohort *cohort = self->now;
    double start_s = self->t_s, end_s = self->t_s, loss_sum = 0;
    int64_t refused = 0;
    if (self->round == 0)
        FL_TRY(coord_account_software(self->run, &start_s, err));
    const struct coord_round played =
        coord_cohort_round(cohort, self->round, start_s, is_scored);
    FL_TRY(coord_account_round(self->run, &played, &end_s, err));
    for (int64_t i = 0; i < cohort->n; i++) {
        if (cohort->turns[i].fate != COORD_COUNTS)
            continue;
        refused += cohort->is_refused[i];
        loss_sum += cohort->is_refused[i] ? 0 : cohort->losses[i];
    }
    struct res_round round = {
        .arm = SCN_FEDERATED,
        .round = self->round,
        .sim_time_s = end_s,
        .accuracy = is_scored ? self->accuracy : (double)NAN,
        .loss = is_scored ? self->loss : (double)NAN,
        .train_loss = cohort->counted > refused
                          ? loss_sum / (double)(cohort->counted - refused)
                          : (double)NAN,
        .updates = cohort->counted - refused,
        .refused = refused,
    };
    FL_TRY(res_store_add_round(self->run->store, &round, err));
    nn_profile_lap(self->run->profile, NN_PHASE_LEDGER, NN_NO_LAYER);
    self->t_s = end_s;
    self->round++;
    self->has_reached = is_scored && scenario->stop_accuracy > 0 &&
                        self->accuracy >= scenario->stop_accuracy;
    if (self->has_reached || self->round == scenario->rounds)
        return finish(self, err);
    self->phase = TRAINING;
    return FL_OK;
}

static enum fl_status
close_round(struct federated *self, bool is_scored, struct fl_error *err)
{
    FL_TRY(write_round(self, is_scored, err));
    return begin_round(self, err);
}

static enum fl_status select_cohort(struct federated *self,
                                    int64_t round,
                                    struct coord_cohort *cohort,
                                    struct fl_error *err)
{
    memset(cohort->is_refused, 0,
           (size_t)cohort->n * sizeof *cohort->is_refused);
    return coord_cohort_select(self->run, &self->selection, round, cohort, err);
}

/* Those of the cohort that count, off to train. */
static enum fl_status submit(struct federated *self,
                             int64_t round,
                             const struct coord_cohort *cohort,
                             struct fl_error *err)
{
    struct coord_run *run = self->run;
    struct coord_item *items = fl_calloc((size_t)cohort->n, sizeof *items);
    if (!items)
        return fl_fail(err, FL_E_NOMEM, "out of memory: round");
    size_t n_items = 0;
    for (int64_t i = 0; i < cohort->n; i++) {
        if (cohort->turns[i].fate != COORD_COUNTS)
            continue;
        int64_t samples = coord_client_samples(run, cohort->clients[i]);
        items[n_items++] = (struct coord_item){
            .id = cohort->clients[i],
            .cost_flop = coord_train_flop(run, samples) *
                         (double)run->scenario->local.epochs};
    }
    memset(self->sum, 0, run->n_params * sizeof *self->sum);
    self->weight = 0;
    self->job.round = round;
    self->job.model = self->model;
    self->job.model_version = round;
    self->job.scale_log2 =
        fl_exact_scale(cohort->largest_weight, cohort->total_weight);
    self->job.prox_mu = coord_strategy_prox_mu(&self->strategy);
    enum fl_status status =
        coord_job_set_items(&self->job, items, n_items, err);
    fl_free(items);
    if (status == FL_OK)
        status = coord_dispatch_submit(run->dispatch, &self->job, err);
    return status;
}

/* The round after this one trains already, unless this one's score may end the
 * arm, or nobody of it is through. */
static enum fl_status train_ahead(struct federated *self, struct fl_error *err)
{
    const struct scn_scenario *scenario = self->run->scenario;
    int64_t round = self->round + 1;
    if (scenario->stop_accuracy > 0 || round == scenario->rounds)
        return FL_OK;
    FL_TRY(select_cohort(self, round, self->next, err));
    if (self->next->counted == 0)
        return FL_OK;
    self->is_ahead = true;
    self->is_ahead_trained = false;
    return submit(self, round, self->next, err);
}

/* After the strategy's step: the model is that of the next round. */
static enum fl_status score_or_close(struct federated *self,
                                     struct fl_error *err)
{
    self->phase = SCORING;
    if (!is_score_due(self))
        return close_round(self, false, err);
    FL_TRY(train_ahead(self, err));
    self->evaluation.job.is_patient = self->is_ahead;
    return coord_evaluation_start(&self->evaluation, self->run, self->model,
                                  self->round + 1, err);
}

/* The round's updates are all in its sum. */
static enum fl_status step(struct federated *self, struct fl_error *err)
{
    struct coord_vector *next = NULL;
    if (self->weight == 0)
        return fl_fail(err, FL_E_NUMERIC,
                       "round %lld: every update was refused (not finite, or "
                       "out of range); lower train.local.lr",
                       (long long)self->round + 1);
    FL_TRY(coord_vector_take(self->run->shelf, &next, err));
    memcpy(next->data, self->model->data, next->n * sizeof(float));
    coord_vector_drop(self->model);
    self->model = next;
    FL_TRY(coord_strategy_step(&self->strategy, self->sum, next->n,
                               self->weight, self->job.scale_log2, next->data,
                               self->state, self->scratch, err));
    nn_profile_lap(self->run->profile, NN_PHASE_SERVER, NN_NO_LAYER);
    return score_or_close(self, err);
}

static enum fl_status on_round_trained(struct coord_job *job,
                                       struct fl_error *err)
{
    struct federated *self = job->owner;
    self->is_ahead_trained = self->is_ahead;
    return self->is_ahead ? FL_OK : step(self, err);
}

static const struct coord_job_ops ops = {
    .on_part = on_trained, .on_sum = on_sum, .on_done = on_round_trained};

static enum fl_status
on_scored(void *owner, double accuracy, double loss, struct fl_error *err)
{
    struct federated *self = owner;
    self->accuracy = accuracy;
    self->loss = loss;
    if (!self->is_ahead)
        return close_round(self, true, err);
    struct coord_cohort *written = self->now;
    FL_TRY(write_round(self, true, err));
    self->now = self->next;
    self->next = written;
    self->is_ahead = false;
    return self->is_ahead_trained ? step(self, err) : FL_OK;
}

/* A round in which nobody is through leaves the model as it is. */
static enum fl_status begin_round(struct federated *self, struct fl_error *err)
{
    while (self->phase == TRAINING) {
        FL_TRY(select_cohort(self, self->round, self->now, err));
        if (self->now->counted > 0)
            return submit(self, self->round, self->now, err);
        if (is_score_due(self))
            return score_or_close(self, err);
        FL_TRY(write_round(self, false, err));
    }
    return FL_OK;
}

static enum fl_status start(void *arm, struct fl_error *err)
{
    struct federated *self = arm;
    switch (self->phase) {
    case TRAINING:
        return begin_round(self, err);
    case SCORING: /* resumed between the step and its score */
        FL_TRY(coord_cohort_select(self->run, &self->selection, self->round,
                                   self->now, err));
        return score_or_close(self, err);
    default:
        return FL_OK;
    }
}

/* Once around: a round that everybody who counts was through, and that is
 * scored as the curve has it. */
static enum fl_status mock(void *arm, struct fl_error *err)
{
    struct federated *self = arm;
    bool is_scored = is_score_due(self);
    FL_TRY(select_cohort(self, self->round, self->now, err));
    if (is_scored)
        FL_TRY(coord_mock_accuracy(self->run, SCN_FEDERATED, self->round,
                                   &self->accuracy, err));
    return write_round(self, is_scored, err);
}

static void destroy(void *arm)
{
    struct federated *self = arm;
    if (!self)
        return;
    coord_strategy_fini(&self->strategy);
    coord_selection_fini(&self->selection);
    coord_evaluation_fini(&self->evaluation);
    coord_job_fini(&self->job);
    coord_vector_drop(self->model);
    for (size_t i = 0; i < COORD_MAX_STATE; i++)
        fl_free(self->state[i]);
    for (size_t i = 0; i < 2; i++)
        coord_cohort_fini(&self->cohorts[i]);
    fl_free(self->sum);
    fl_free(self->scratch);
    fl_free(self);
}

static enum fl_status allocate(struct federated *self, struct fl_error *err)
{
    const struct coord_run *run = self->run;
    size_t n_params = run->n_params;
    assert(self->strategy.type->n_state <= COORD_MAX_STATE);
    self->now = &self->cohorts[0];
    self->next = &self->cohorts[1];
    FL_TRY(coord_cohort_init(self->now, run, err));
    if (coord_is_mock(run))
        return FL_OK;
    FL_TRY(coord_cohort_init(self->next, run, err));
    self->sum = fl_calloc(n_params, sizeof *self->sum);
    self->scratch = fl_calloc(n_params, sizeof *self->scratch);
    bool has_all = self->sum && self->scratch;
    for (size_t i = 0; i < self->strategy.type->n_state; i++) {
        self->state[i] = fl_calloc(n_params, sizeof(float));
        has_all = has_all && self->state[i];
    }
    if (!has_all)
        return fl_fail(err, FL_E_NOMEM, "out of memory: federated arm");
    return FL_OK;
}

static enum fl_status set_up(struct federated *self, struct fl_error *err)
{
    struct coord_run *run = self->run;
    const struct scn_scenario *scenario = run->scenario;
    FL_TRY(coord_strategy_init(&self->strategy, scenario->config,
                               scenario->strategy, err));
    FL_TRY(coord_selection_init(&self->selection, scenario->config,
                                scenario->selection, err));
    FL_TRY(fl_config_check(scenario->config, err));
    FL_TRY(allocate(self, err));
    if (coord_is_mock(run))
        return FL_OK;
    FL_TRY(coord_vector_take(run->shelf, &self->model, err));
    coord_take_start(run, self->model->data);
    FL_TRY(coord_evaluation_init(&self->evaluation, run, SCN_FEDERATED, err));
    self->evaluation.on_scored = on_scored;
    self->evaluation.owner = self;
    self->job = (struct coord_job){
        .kind = COMMS_TRAIN, .arm = SCN_FEDERATED, .ops = &ops, .owner = self};
    return FL_OK;
}

static enum fl_status
create(struct coord_run *run, void **ret, struct fl_error *err)
{
    struct federated *self = fl_calloc(1, sizeof *self);
    if (!self)
        return fl_fail(err, FL_E_NOMEM, "out of memory: federated arm");
    self->run = run;
    self->accuracy = self->loss = (double)NAN;
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
    struct federated *self = arm;
    struct coord_cohort *cohort = self->now;
    int64_t has_reached = self->has_reached;
    coord_blob_i64(blob, &self->phase);
    coord_blob_i64(blob, &self->round);
    coord_blob_f64(blob, &self->t_s);
    coord_blob_f64(blob, &self->accuracy);
    coord_blob_f64(blob, &self->loss);
    coord_blob_i64(blob, &has_reached);
    coord_blob_i64(blob, &self->weight);
    for (int64_t i = 0; i < cohort->n; i++) {
        int64_t is_refused = cohort->is_refused[i];
        coord_blob_i64(blob, &is_refused);
        cohort->is_refused[i] = is_refused != 0;
    }
    coord_blob_bytes(blob, cohort->losses,
                     (size_t)cohort->n * sizeof *cohort->losses);
    if (self->model)
        coord_blob_bytes(blob, self->model->data,
                         self->model->n * sizeof(float));
    for (size_t i = 0; self->model && i < self->strategy.type->n_state; i++)
        coord_blob_bytes(blob, self->state[i], self->model->n * sizeof(float));
    self->has_reached = has_reached != 0;
    if (self->phase < 0 || self->phase >= PHASE_LAST_ || self->round < 0 ||
        self->round > self->run->scenario->rounds ||
        (self->phase != DONE && self->round == self->run->scenario->rounds))
        blob->has_failed = true;
}

static void standing(const void *arm, struct coord_standing *ret)
{
    const struct federated *self = arm;
    const struct coord_run *run = self->run;
    const struct scn_scenario *scenario = run->scenario;
    double samples = (double)run->task.samples / (double)run->clients *
                     (double)scenario->clients_per_round *
                     (double)scenario->local.epochs;
    double scored =
        (double)run->task.test_samples / (double)scenario->evaluate_every;
    double round_flop = coord_train_flop(run, 1) * samples +
                        coord_evaluate_flop(run, 1) * scored;
    int64_t left = self->phase == DONE ? 0 : scenario->rounds - self->round;
    *ret = (struct coord_standing){
        .step = self->round,
        .steps = scenario->rounds,
        .done_flop = round_flop * (double)self->round,
        .left_flop = round_flop * (double)left,
        .accuracy = self->accuracy,
        .sim_time_s = self->t_s,
    };
}

static bool is_done(const void *arm)
{
    const struct federated *self = arm;
    return self->phase == DONE;
}

static const float *model(const void *arm)
{
    const struct federated *self = arm;
    return self->model ? self->model->data : NULL;
}

const struct coord_arm_type coord_arm_federated = {
    .arm = SCN_FEDERATED,
    .create = create,
    .destroy = destroy,
    .start = start,
    .state = state,
    .standing = standing,
    .is_done = is_done,
    .mock = mock,
    .model = model,
};
