/* The local arm: each client trains alone on its own data, nobody talks.
 *
 * Processes draw the common start themselves; one that came from a file is
 * sent to them, for they may be elsewhere.
 *
 * With many clients a sample of them is trained; which, is drawn from the
 * seed. Results are written down when all are there, in client order.
 */
#include "base/alloc.h"
#include "base/rng.h"
#include "base/sha256.h"
#include "coordinator/run_priv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct alone { /* what one client came to; written as it is */
    int64_t client;
    int64_t is_there;
    int64_t epochs;
    int64_t n, correct;
    double loss; /* test loss */
    double train_loss;
    int64_t has_diverged;
};

struct local {
    struct coord_run *run;
    struct alone *all; /* [n], by client */
    int64_t n;
    int64_t is_over;
    int64_t n_there;
    double accuracy; /* mean; NaN before the end */
    double sim_time_s;
    struct coord_vector *start; /* sent to everyone; NULL: they draw it */
    struct coord_job job;
};

static int by_client(const void *key, const void *member)
{
    const struct alone *alone = member;
    int64_t client = *(const int64_t *)key;
    return (client > alone->client) - (client < alone->client);
}

static struct alone *find(struct local *self, int64_t client)
{
    return bsearch(&client, self->all, (size_t)self->n, sizeof *self->all,
                   by_client);
}

static bool has_reached(const struct local *self, const struct alone *alone)
{
    double target = self->run->scenario->alone.stop_accuracy;
    return target > 0 && !alone->has_diverged &&
           (double)alone->correct >= target * (double)alone->n;
}

static enum fl_status on_part(struct coord_job *job,
                              const struct comms_message *message,
                              struct fl_error *err)
{
    struct local *self = job->owner;
    const struct comms_partial *partial = &message->u.partial;
    const struct comms_client_result *result = &partial->clients[0];
    struct alone *alone = find(self, result->client);
    const struct comms_score *last =
        partial->n_scores ? &partial->scores[partial->n_scores - 1] : NULL;
    int64_t tested = self->run->task.test_samples;
    bool fits_last = !last || (last->step >= 1 && last->n == tested &&
                               last->step <= self->run->scenario->alone.epochs);
    if (!alone || !fits_last || (!last && !result->is_refused) ||
        !(isfinite(result->loss_mean) || result->is_refused) ||
        result->samples != coord_client_samples(self->run, result->client))
        return fl_fail(err, FL_E_FORMAT,
                       "local arm: a result of client %lld that does not fit",
                       (long long)result->client);
    alone->is_there = 1;
    alone->has_diverged = result->is_refused;
    alone->train_loss = result->loss_mean;
    alone->epochs = last ? last->step : 0;
    alone->n = last ? last->n : 1;
    alone->correct = last ? last->correct : 0;
    alone->loss = last ? last->loss_sum / (double)last->n : (double)NAN;
    self->n_there++;
    return FL_OK;
}

static enum fl_status write_down(struct local *self,
                                 const struct alone *alone,
                                 double *acc_time_s,
                                 struct fl_error *err)
{
    double end_s = 0;
    /* One that diverged has trained to its last epoch for nothing. */
    double accuracy = coord_is_mock(self->run)
                          ? self->accuracy
                          : (double)alone->correct / (double)alone->n;
    int64_t epochs =
        alone->has_diverged ? self->run->scenario->alone.epochs : alone->epochs;
    FL_TRY(coord_account_alone(self->run, alone->client, epochs, &end_s, err));
    struct res_round round = {
        .arm = SCN_LOCAL,
        .round = alone->client,
        .sim_time_s = end_s,
        .accuracy = accuracy,
        .loss = alone->loss,
        .train_loss = alone->train_loss,
        .updates = !alone->has_diverged,
        .refused = alone->has_diverged,
    };
    *acc_time_s += end_s;
    return res_store_add_round(self->run->store, &round, err);
}

static enum fl_status on_done(struct coord_job *job, struct fl_error *err)
{
    struct local *self = job->owner;
    double accuracy = 0, loss = 0, time_s = 0;
    int64_t reached = 0, epochs = 0;
    struct fl_sha256 sha;
    struct res_outcome outcome = {.arm = SCN_LOCAL};
    fl_sha256_init(
        &sha); /* there is no single model: the results stand for it */
    for (int64_t i = 0; i < self->n; i++) {
        const struct alone *alone = &self->all[i];
        FL_TRY(write_down(self, alone, &time_s, err));
        accuracy += (double)alone->correct / (double)alone->n;
        loss += alone->loss;
        reached += has_reached(self, alone);
        epochs = alone->epochs > epochs ? alone->epochs : epochs;
        fl_sha256_add(&sha, alone, sizeof *alone);
    }
    outcome.accuracy = accuracy / (double)self->n;
    outcome.loss = loss / (double)self->n;
    outcome.rounds = epochs;
    outcome.sim_time_s = time_s / (double)self->n;
    outcome.has_reached = reached == self->n;
    fl_sha256_hex(&sha, outcome.model_sha256);
    self->accuracy = outcome.accuracy;
    self->sim_time_s = outcome.sim_time_s;
    self->is_over = 1;
    return res_store_set_outcome(self->run->store, &outcome, err);
}

/* All clients alike: as many epochs as the curve takes to the target, or all
 * of them, scored where they would be. */
static enum fl_status mock(void *arm, struct fl_error *err)
{
    struct local *self = arm;
    const struct scn_scenario *s = self->run->scenario;
    struct res_outcome outcome = {.arm = SCN_LOCAL, .loss = (double)NAN};
    double time_s = 0;
    int64_t epochs = 0;
    while (epochs < s->alone.epochs && !outcome.has_reached) {
        int64_t left = s->alone.epochs - epochs;
        epochs +=
            left < s->alone_evaluate_every ? left : s->alone_evaluate_every;
        FL_TRY(coord_mock_accuracy(self->run, SCN_LOCAL, epochs - 1,
                                   &self->accuracy, err));
        outcome.has_reached = s->alone.stop_accuracy > 0 &&
                              self->accuracy >= s->alone.stop_accuracy;
    }
    for (int64_t i = 0; i < self->n; i++) {
        const struct alone alone = {.client = self->all[i].client,
                                    .epochs = epochs,
                                    .n = 1,
                                    .loss = (double)NAN,
                                    .train_loss = (double)NAN};
        FL_TRY(write_down(self, &alone, &time_s, err));
    }
    outcome.accuracy = self->accuracy;
    outcome.rounds = epochs;
    outcome.sim_time_s = self->sim_time_s = time_s / (double)self->n;
    self->n_there = self->n;
    self->is_over = 1;
    return res_store_set_outcome(self->run->store, &outcome, err);
}

static const struct coord_job_ops ops = {.on_part = on_part,
                                         .on_done = on_done};

static double cost_flop(const struct coord_run *run, int64_t client)
{
    const struct scn_scenario *scenario = run->scenario;
    int64_t epochs = scenario->alone.epochs;
    int64_t tested = run->task.test_samples;
    double scores = (double)epochs / (double)scenario->alone_evaluate_every;
    return coord_train_flop(run, coord_client_samples(run, client)) *
               (double)epochs +
           coord_evaluate_flop(run, tested) * scores;
}

static enum fl_status start(void *arm, struct fl_error *err)
{
    struct local *self = arm;
    if (self->is_over)
        return FL_OK;
    struct coord_item *items = fl_calloc((size_t)self->n, sizeof *items);
    if (!items)
        return fl_fail(err, FL_E_NOMEM, "out of memory: local arm");
    size_t n = 0;
    for (int64_t i = 0; i < self->n; i++)
        if (!self->all[i].is_there)
            items[n++] = (struct coord_item){
                .id = self->all[i].client,
                .cost_flop = cost_flop(self->run, self->all[i].client)};
    enum fl_status status = coord_job_set_items(&self->job, items, n, err);
    fl_free(items);
    FL_TRY(status);
    if (n == 0) /* stopped between the last result and the end */
        return on_done(&self->job, err);
    return coord_dispatch_submit(self->run->dispatch, &self->job, err);
}

static void destroy(void *arm)
{
    struct local *self = arm;
    if (!self)
        return;
    coord_job_fini(&self->job);
    coord_vector_drop(self->start);
    fl_free(self->all);
    fl_free(self);
}

static int by_number(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

/* The first n of a random order, by number. */
static enum fl_status draw_clients(struct local *self, struct fl_error *err)
{
    struct coord_run *run = self->run;
    int64_t *order = fl_calloc((size_t)run->clients, sizeof *order);
    if (!order)
        return fl_fail(err, FL_E_NOMEM, "out of memory: local arm");
    struct fl_rng rng =
        fl_rng_stream((uint64_t)run->scenario->seed, FL_RNG_LOCAL, 0, 0);
    fl_rng_permutation(&rng, run->clients, order);
    qsort(order, (size_t)self->n, sizeof *order, by_number);
    for (int64_t i = 0; i < self->n; i++)
        self->all[i].client = order[i];
    fl_free(order);
    return FL_OK;
}

static enum fl_status
create(struct coord_run *run, void **ret, struct fl_error *err)
{
    struct local *self = fl_calloc(1, sizeof *self);
    if (!self)
        return fl_fail(err, FL_E_NOMEM, "out of memory: local arm");
    int64_t wanted = run->scenario->alone_clients;
    self->run = run;
    self->n = wanted == 0 || wanted > run->clients ? run->clients : wanted;
    self->accuracy = (double)NAN;
    self->job = (struct coord_job){
        .kind = COMMS_LOCAL, .arm = SCN_LOCAL, .ops = &ops, .owner = self};
    self->all = fl_calloc((size_t)self->n, sizeof *self->all);
    enum fl_status status =
        self->all ? draw_clients(self, err)
                  : fl_fail(err, FL_E_NOMEM, "out of memory: local arm");
    if (status == FL_OK && run->start) {
        status = coord_vector_take(run->shelf, &self->start, err);
        if (status == FL_OK)
            coord_take_start(run, self->start->data);
        self->job.model = self->start;
    }
    if (status != FL_OK) {
        destroy(self);
        return status;
    }
    *ret = self;
    return FL_OK;
}

static void state(void *arm, struct coord_blob *blob)
{
    struct local *self = arm;
    coord_blob_i64(blob, &self->is_over);
    coord_blob_i64(blob, &self->n_there);
    coord_blob_f64(blob, &self->accuracy);
    coord_blob_f64(blob, &self->sim_time_s);
    for (int64_t i = 0; i < self->n; i++) {
        struct alone *alone = &self->all[i];
        int64_t client = alone->client; /* drawn: not the checkpoint's to say */
        coord_blob_bytes(blob, alone, sizeof *alone);
        if (alone->client != client || alone->is_there < 0 ||
            alone->is_there > 1 || (alone->is_there && alone->n < 1) ||
            alone->epochs < 0 ||
            alone->epochs > self->run->scenario->alone.epochs)
            blob->has_failed = true;
        alone->client = client;
    }
}

static void standing(const void *arm, struct coord_standing *ret)
{
    const struct local *self = arm;
    *ret = (struct coord_standing){.step = self->n_there,
                                   .steps = self->n,
                                   .accuracy = self->accuracy,
                                   .sim_time_s = self->sim_time_s};
    for (int64_t i = 0; i < self->n; i++) {
        double flop = cost_flop(self->run, self->all[i].client);
        if (self->all[i].is_there)
            ret->done_flop += flop;
        else
            ret->left_flop += flop;
    }
}

static bool is_done(const void *arm)
{
    const struct local *self = arm;
    return self->is_over != 0;
}

static const float *model(const void *arm)
{
    (void)arm;
    return NULL;
}

const struct coord_arm_type coord_arm_local = {
    .arm = SCN_LOCAL,
    .create = create,
    .destroy = destroy,
    .start = start,
    .state = state,
    .standing = standing,
    .is_done = is_done,
    .mock = mock,
    .model = model,
};
