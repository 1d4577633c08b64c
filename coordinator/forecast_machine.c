/* What a run takes of this machine: time by a measured speed, memory by
 * sizes. Constants are of the programs as they are, measured with them; how far
 * a forecast was off is told at the end of every run. */
#include "coordinator/run_priv.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "nn/train.h"

/* Long enough to be told from the clock's noise, short beside any run. */
#define MEASURE_WALL_S 0.05
#define MEASURE_PASSES 3
/* The measurement itself may not take the memory that it foretells. */
#define MEASURE_BYTES 64e6

/* Processes that start, and a store that is opened. */
#define START_WALL_S 0.4
/* A ledger row is costed and written; summed up, hashed and exported. */
#define ENTRY_WALL_S     4.5e-6
#define END_ENTRY_WALL_S 3e-6
/* A round trip; a model down and a sum up, through memory a few times. */
#define EXCHANGE_WALL_S           0.5e-3
#define EXCHANGE_BYTES_PER_PARAM  12.0
#define EXCHANGE_BYTES_PER_WALL_S 2e9

/* Programs and their libraries, with nothing in them yet. */
#define COORDINATOR_BYTES 17e6
#define CLIENT_BYTES      13e6
/* SQLite's cache, and its file, by ledger row. */
#define STORE_CACHE_BYTES 16e6
#define ENTRY_BYTES       70.0
#define STORE_BYTES       150e3
/* Vectors of the model that are there at once: its versions, the exact sum, a
 * partial sum that arrives, a checkpoint, the export. */
#define COORDINATOR_BYTES_PER_PARAM 45.0
#define MOST_SLOTS                  4
#define SLOTS_BYTES                 32e6

static int64_t batch_of(const struct coord_run *run)
{
    const struct scn_scenario *s = run->scenario;
    if (s->has_arm[SCN_FEDERATED])
        return s->local.batch;
    return s->has_arm[SCN_CENTRALIZED] ? s->centralized.batch : s->alone.batch;
}

static enum fl_status time_gradient(const struct coord_run *run,
                                    int64_t batch,
                                    double *ret_flop_per_s,
                                    struct fl_error *err)
{
    const struct nn_shape *shape = nn_dataset_shape(run->task.dataset);
    size_t n_input = (size_t)(nn_shape_size(shape) * batch);
    struct nn_workspace *ws = NULL;
    FL_TRY(nn_workspace_create(run->task.model, batch, &ws, err));
    nn_real *params = fl_calloc(run->n_params, sizeof *params);
    nn_real *grad = fl_calloc(run->n_params, sizeof *grad);
    nn_real *x = fl_calloc(n_input, sizeof *x); /* zero is a token, too */
    int32_t *labels = fl_calloc((size_t)batch, sizeof *labels);
    struct fl_rng rng =
        fl_rng_stream((uint64_t)run->scenario->seed, FL_RNG_TEST, 0, 0);
    enum fl_status status =
        params && grad && x && labels
            ? FL_OK
            : fl_fail(err, FL_E_NOMEM, "out of memory: estimate");
    double best_wall_s = 0, sum_wall_s = 0, loss = 0;
    if (status == FL_OK)
        nn_model_init_params(run->task.model, 1, params);
    for (int i = 0;
         status == FL_OK && (i < MEASURE_PASSES || sum_wall_s < MEASURE_WALL_S);
         i++) {
        double start_wall_s = fl_clock_wall_s();
        status =
            nn_gradient(ws, params, x, labels, batch, &rng, grad, &loss, err);
        double wall_s = fl_clock_wall_s() - start_wall_s;
        sum_wall_s += wall_s;
        if (i == 0 || wall_s < best_wall_s)
            best_wall_s = wall_s;
    }
    *ret_flop_per_s = coord_train_flop(run, batch) /
                      (best_wall_s > 1e-7 ? best_wall_s : 1e-7);
    fl_free(labels);
    fl_free(x);
    fl_free(grad);
    fl_free(params);
    nn_workspace_destroy(ws);
    return status;
}

/* As many samples as fit; their speed stands for that of the whole batch. */
static int64_t measured_batch(const struct coord_run *run)
{
    double sample_bytes = (double)run->cost.activation_bytes + 1;
    int64_t most = (int64_t)(MEASURE_BYTES / sample_bytes);
    int64_t batch = batch_of(run);
    return most < 1 ? 1 : most < batch ? most : batch;
}

static enum fl_status speed_of(const struct coord_run *run,
                               struct coord_speeds *speeds,
                               double *ret_flop_per_s,
                               struct fl_error *err)
{
    struct coord_speed key = {.macs = run->cost.macs,
                              .params = run->cost.params,
                              .batch = batch_of(run)};
    for (size_t i = 0; i < speeds->n; i++) {
        const struct coord_speed *known = &speeds->all[i];
        if (known->macs == key.macs && known->params == key.params &&
            known->batch == key.batch) {
            *ret_flop_per_s = known->train_flop_per_s;
            return FL_OK;
        }
    }
    (void)nn_blas_kernel(); /* one thread, as the client processes */
    FL_TRY(time_gradient(run, measured_batch(run), &key.train_flop_per_s, err));
    if (speeds->n < COORD_MAX_SPEEDS)
        speeds->all[speeds->n++] = key;
    *ret_flop_per_s = key.train_flop_per_s;
    return FL_OK;
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

static double lesser(double a, double b)
{
    return a < b ? a : b;
}

/* Its arena is not touched, so it costs nothing to ask. */
static enum fl_status workspace_bytes(const struct coord_run *run,
                                      int64_t batch,
                                      double *ret,
                                      struct fl_error *err)
{
    struct nn_workspace *ws = NULL;
    FL_TRY(nn_workspace_create(run->task.model, batch, &ws, err));
    *ret = (double)nn_workspace_bytes(ws);
    nn_workspace_destroy(ws);
    return FL_OK;
}

/* As client/ takes it: slots, models of the arms, optimiser, two sums. */
static enum fl_status
client_bytes(const struct coord_run *run, double *ret, struct fl_error *err)
{
    const struct scn_scenario *s = run->scenario;
    const struct scn_training *all[] = {&s->local, &s->alone, &s->centralized};
    int64_t batch = COMMS_SCORE_BLOCK, n_state = 0, n_models = 0;
    for (size_t i = 0; i < 3; i++) {
        int64_t n = nn_optimizer_n_state(&all[i]->optimizer);
        batch = all[i]->batch > batch ? all[i]->batch : batch;
        n_state = n > n_state ? n : n_state;
    }
    for (int arm = 0; arm < SCN_ARM_LAST_; arm++)
        n_models += s->has_arm[arm] && arm != SCN_LOCAL;
    double vector = 4.0 * (double)run->n_params, ws = 0;
    double slots = s->has_arm[SCN_FEDERATED]
                       ? lesser(MOST_SLOTS, larger(1, SLOTS_BYTES / vector))
                       : 1;
    double sums = s->has_arm[SCN_FEDERATED] ? 2 * 2 * vector : 0;
    double sample = (double)nn_shape_size(nn_dataset_shape(run->task.dataset));
    double samples = (double)nn_dataset_train(run->task.dataset)->n;
    FL_TRY(workspace_bytes(run, batch, &ws, err));
    *ret = CLIENT_BYTES + ws + sums +
           vector * (slots + (double)(n_models + n_state)) +
           4 * sample * (double)batch + 8 * samples + 8 * (double)run->clients +
           (double)nn_dataset_resident_bytes(run->task.dataset);
    return FL_OK;
}

enum fl_status coord_forecast_machine(const struct coord_run *run,
                                      struct coord_speeds *speeds,
                                      struct coord_forecast *acc,
                                      struct fl_error *err)
{
    const struct scn_scenario *s = run->scenario;
    double params = (double)run->n_params, flop_per_s = 0;
    double per_client = sizeof(int32_t) + sizeof(int64_t);
    acc->stored_bytes = STORE_BYTES + ENTRY_BYTES * acc->entries;
    acc->coordinator_bytes = COORDINATOR_BYTES +
                             per_client * (double)run->clients +
                             lesser(STORE_CACHE_BYTES, acc->stored_bytes);
    if (coord_is_mock(run))
        return FL_OK;
    acc->stored_bytes += 4 * params; /* model.safetensors */
    acc->coordinator_bytes += COORDINATOR_BYTES_PER_PARAM * params;
    FL_TRY(client_bytes(run, &acc->client_bytes, err));
    FL_TRY(speed_of(run, speeds, &flop_per_s, err));
    acc->process_wall_s = acc->work_flop / flop_per_s;
    acc->chain_wall_s = acc->arms[SCN_CENTRALIZED].work_flop / flop_per_s;
    if (s->has_arm[SCN_FEDERATED])
        acc->exchange_wall_s =
            (double)s->rounds *
            (EXCHANGE_WALL_S +
             EXCHANGE_BYTES_PER_PARAM * params / EXCHANGE_BYTES_PER_WALL_S);
    return FL_OK;
}

double coord_forecast_wall_s(const struct coord_forecast *forecast,
                             int64_t processes)
{
    double n = processes > 1 ? (double)processes : 1;
    return START_WALL_S +
           larger(forecast->process_wall_s / n, forecast->chain_wall_s) +
           forecast->exchange_wall_s * n + forecast->entries * ENTRY_WALL_S;
}

double coord_forecast_end_wall_s(const struct coord_forecast *forecast)
{
    return forecast->entries * END_ENTRY_WALL_S;
}
