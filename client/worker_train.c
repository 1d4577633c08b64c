/* Training and scoring: the part that takes the time. */
#include "client/worker_priv.h"

#include <string.h>

/* Steps after which samples of a large data set leave the process. */
#define REST_STEPS 64

/* The samples of one epoch in the client's own order. */
static void shuffle(struct client_worker *worker,
                    const int64_t *samples,
                    int64_t n,
                    struct fl_rng *rng)
{
    fl_rng_permutation(rng, n, worker->order);
    for (int64_t i = 0; i < n; i++)
        worker->index[i] = samples[worker->order[i]];
}

static void gather(struct client_worker *worker,
                   const struct nn_split *split,
                   const int64_t *index,
                   int64_t n)
{
    nn_dataset_gather(worker->task.dataset, split, worker->scenario->normalize,
                      index, n, worker->x, worker->labels);
}

/* What the optimiser does in the steps of one epoch. */
static void start_epoch(const struct client_worker *worker,
                        const struct client_work *work,
                        int64_t epoch,
                        struct nn_optimizer_opts *opts)
{
    const struct scn_training *training = work->training;
    int64_t at = work->is_federated ? work->round : work->round + epoch;
    int64_t total =
        work->is_federated ? worker->scenario->rounds : training->epochs;
    int64_t steps = (work->n + training->batch - 1) / training->batch;
    opts->lr =
        nn_schedule_lr(&training->schedule, training->optimizer.lr, at, total);
    opts->step = steps * (work->is_federated ? epoch : work->round + epoch);
}

enum fl_status client_train(struct client_worker *worker,
                            const struct client_work *work,
                            struct client_outcome *ret,
                            struct fl_error *err)
{
    const struct scn_training *training = work->training;
    int64_t n = work->n, epochs = work->epochs;
    uint64_t seed = (uint64_t)worker->scenario->seed;
    uint64_t at = (uint64_t)work->round, stream = work->stream;
    struct fl_rng order = fl_rng_stream(seed, FL_RNG_SHUFFLE, stream, at);
    struct fl_rng dropout = fl_rng_stream(seed, FL_RNG_DROPOUT, stream, at);
    struct fl_rng augment = fl_rng_stream(seed, FL_RNG_AUGMENT, stream, at);
    const struct nn_split *train = nn_dataset_train(worker->task.dataset);
    struct nn_optimizer_opts opts = training->optimizer;
    opts.prox_mu = work->prox_mu;
    struct client_outcome outcome = {0};
    double loss_sum = 0;
    int64_t total = (n + training->batch - 1) / training->batch * epochs;
    for (int64_t epoch = 0; epoch < epochs; epoch++) {
        start_epoch(worker, work, epoch, &opts);
        shuffle(worker, work->samples, n, &order);
        for (int64_t first = 0; first < n; first += training->batch) {
            int64_t left = n - first;
            int64_t size = left < training->batch ? left : training->batch;
            double loss = 0;
            gather(worker, train, worker->index + first, size);
            nn_augment_batch(&worker->scenario->augment, worker->task.dataset,
                             worker->scenario->normalize, &augment, size,
                             worker->x);
            nn_profile_lap(worker->profile, NN_PHASE_DATA, NN_NO_LAYER);
            enum fl_status status = nn_train_step(
                worker->ws, &opts, worker->params, worker->state, work->anchor,
                worker->x, worker->labels, size, &dropout, &loss, err);
            outcome.has_diverged = status == FL_E_NUMERIC;
            if (outcome.has_diverged) {
                *ret = outcome;
                return FL_OK;
            }
            FL_TRY(status);
            loss_sum += loss;
            outcome.steps++;
            opts.step++;
            if (outcome.steps % REST_STEPS == 0)
                nn_dataset_rest(worker->task.dataset);
            FL_TRY(client_beat(worker, (double)outcome.steps / (double)total,
                               err));
        }
    }
    nn_dataset_rest(worker->task.dataset);
    outcome.loss_mean =
        outcome.steps > 0 ? loss_sum / (double)outcome.steps : 0;
    *ret = outcome;
    return FL_OK;
}

enum fl_status client_score(struct client_worker *worker,
                            const float *params,
                            int64_t first,
                            int64_t count,
                            struct nn_score *ret,
                            struct fl_error *err)
{
    const struct nn_split *test = nn_dataset_test(worker->task.dataset);
    struct nn_score score = {0};
    int64_t index[COMMS_SCORE_BLOCK];
    for (int64_t at = 0; at < count; at += COMMS_SCORE_BLOCK) {
        int64_t left = count - at;
        int64_t size = left < COMMS_SCORE_BLOCK ? left : COMMS_SCORE_BLOCK;
        for (int64_t i = 0; i < size; i++)
            index[i] = first + at + i;
        gather(worker, test, index, size);
        nn_profile_lap(worker->profile, NN_PHASE_DATA, NN_NO_LAYER);
        FL_TRY(nn_evaluate(worker->ws, params, worker->x, worker->labels, size,
                           &score, err));
        FL_TRY(client_beat(worker, (double)at / (double)count, err));
    }
    nn_dataset_rest(worker->task.dataset);
    *ret = score;
    return FL_OK;
}
