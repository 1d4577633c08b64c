#include "client/client.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "client/worker_priv.h"

#include <stdio.h>
#include <string.h>

/* How long a silent coordinator is waited for: at first, and later. */
#define SILENCE_WALL_S   30.0
#define WELCOME_SILENCES 2.0
#define SILENCE_BEATS    30.0
/* Leaving: time for the last bytes. */
#define LINGER_WALL_S 2.0
/* For the parameters of clients that are added together. */
#define SLOTS_BYTES ((size_t)32 << 20)

enum fl_status client_beat(struct client_worker *worker,
                           double done_ratio,
                           struct fl_error *err)
{
    double now = fl_clock_wall_s();
    if (now - worker->said_wall_s < worker->heartbeat_wall_s)
        return FL_OK;
    worker->said_wall_s = now;
    struct comms_message beat = {
        .kind = COMMS_HEARTBEAT,
        .u.heartbeat = {.task_id = worker->task_id, .done_ratio = done_ratio}};
    return comms_send(worker->spoke, 1, &beat, NULL, err);
}

static enum fl_status say_hello(struct client_worker *worker,
                                const struct client_opts *opts,
                                struct fl_error *err)
{
    /* Everything that decides the bits of a training step. */
    char kernels[128];
    (void)snprintf(kernels, sizeof kernels, "%s, OpenBLAS %s",
                   nn_kernels_name(worker->kernels), nn_blas_kernel());
    struct comms_message hello = {
        .kind = COMMS_HELLO,
        .u.hello = {.slot = opts->slot,
                    .incarnation = opts->incarnation,
                    .pid = opts->pid,
                    .host = opts->host,
                    .version = opts->version,
                    .blas_kernel = kernels},
    };
    return comms_send(worker->spoke, 1, &hello, NULL, err);
}

static int64_t largest(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* What a client process is made for. */
struct sizes {
    int64_t batch, samples, n_state;
};

/* Takes from the arena, or only counts when there is none yet. */
struct taker {
    struct fl_arena *arena;
    size_t bytes;
};

static void *take(struct taker *taker, size_t n, size_t size)
{
    taker->bytes += fl_arena_bytes(n, size);
    return taker->arena ? fl_arena_take(taker->arena, n, size) : NULL;
}

static void take_all(struct taker *taker,
                     struct client_worker *worker,
                     const struct sizes *sizes)
{
    size_t n = worker->n_params, batch = (size_t)sizes->batch;
    size_t samples = (size_t)sizes->samples;
    size_t input =
        (size_t)nn_shape_size(nn_dataset_shape(worker->task.dataset));
    for (size_t i = 0; i < worker->n_slots; i++)
        worker->slots[i].params = take(taker, n, sizeof(float));
    const struct scn_scenario *scenario = worker->scenario;
    for (size_t arm = 0; arm < SCN_ARM_LAST_; arm++) /* that are sent models */
        if (scenario->has_arm[arm] &&
            (arm != SCN_LOCAL || scenario->initial_model))
            worker->models[arm].params = take(taker, n, sizeof(float));
    if (sizes->n_state > 0)
        worker->state = take(taker, (size_t)sizes->n_state * n, sizeof(float));
    worker->x = take(taker, batch * input, sizeof *worker->x);
    worker->labels = take(taker, batch, sizeof *worker->labels);
    worker->index = take(taker, samples, sizeof *worker->index);
    worker->order = take(taker, samples, sizeof *worker->order);
}

static int64_t largest_client(const struct nn_partition *partition)
{
    int64_t most = 0;
    for (int64_t i = 0; i < partition->clients; i++)
        most = largest(most, partition->start[i + 1] - partition->start[i]);
    return most;
}

static struct sizes sizes_of(const struct client_worker *worker)
{
    const struct scn_scenario *scenario = worker->scenario;
    const struct nn_partition *partition = &worker->task.partition;
    struct sizes sizes = {.batch = COMMS_SCORE_BLOCK,
                          .samples = largest_client(partition)};
    const struct scn_training *all[] = {&scenario->local, &scenario->alone,
                                        &scenario->centralized};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        sizes.batch = largest(sizes.batch, all[i]->batch);
        sizes.n_state =
            largest(sizes.n_state, nn_optimizer_n_state(&all[i]->optimizer));
    }
    if (scenario->has_arm[SCN_CENTRALIZED]) /* on everyone's */
        sizes.samples = partition->start[partition->clients];
    return sizes;
}

static size_t n_slots_of(const struct client_worker *worker)
{
    size_t most = SLOTS_BYTES / sizeof(float) / worker->n_params;
    if (!worker->scenario->has_arm[SCN_FEDERATED] || most < 1)
        return 1;
    return most < CLIENT_MAX_SLOTS ? most : CLIENT_MAX_SLOTS;
}

/* What the first rounds would wait for: pages of memory and of the data set. */
static enum fl_status touch_memory(struct client_worker *worker,
                                   struct fl_error *err)
{
    nn_dataset_read_ahead(worker->task.dataset);
    memset(worker->memory.memory, 0, worker->memory.used_bytes);
    if (!worker->scenario->has_arm[SCN_FEDERATED])
        return FL_OK;
    int64_t *sum = NULL; /* free again at once, with its pages */
    return client_sums_take(worker->sums, &sum, err);
}

static enum fl_status allocate(struct client_worker *worker,
                               struct fl_error *err)
{
    struct sizes sizes = sizes_of(worker);
    struct taker count = {.arena = NULL}, taker = {.arena = &worker->memory};
    worker->n_params = (size_t)nn_model_n_params(worker->task.model);
    worker->n_slots = n_slots_of(worker);
    FL_TRY(
        nn_workspace_create(worker->task.model, sizes.batch, &worker->ws, err));
    nn_workspace_use_kernels(worker->ws, worker->kernels);
    FL_TRY(nn_workspace_profile(worker->ws, worker->profile, err));
    FL_TRY(client_sums_create(worker->n_params, &worker->sums, err));
    take_all(&count, worker, &sizes);
    FL_TRY(fl_arena_init(&worker->memory, count.bytes, err));
    take_all(&taker, worker, &sizes);
    nn_dataset_rest(worker->task.dataset); /* what the partition has read */
    FL_TRY(touch_memory(worker, err));
    client_forget_models(worker);
    client_use_slot(worker, 0);
    return FL_OK;
}

static enum fl_status settle_in(struct client_worker *worker,
                                const struct client_opts *opts,
                                const struct comms_welcome *welcome,
                                struct fl_error *err)
{
    if (!(welcome->heartbeat_wall_s > 0))
        return fl_fail(err, FL_E_FORMAT, "welcome: heartbeat of %g s",
                       welcome->heartbeat_wall_s);
    if (opts->run_id && strcmp(opts->run_id, welcome->run_id) != 0)
        return fl_fail(err, FL_E_STATE,
                       "%s: a coordinator of run %.80s, allowed %.80s, whose "
                       "ticket this is",
                       opts->address, welcome->run_id, opts->run_id);
    worker->heartbeat_wall_s = welcome->heartbeat_wall_s;
    if (welcome->is_profiled)
        FL_TRY(nn_profile_create(&worker->profile, err));
    FL_TRY(scn_scenario_parse("scenario of the coordinator", welcome->scenario,
                              strlen(welcome->scenario), NULL,
                              &worker->scenario, err));
    const char *root = opts->data_root ? opts->data_root : welcome->data_root;
    const char *cache = opts->cache_dir ? opts->cache_dir : welcome->cache_dir;
    FL_TRY(
        scn_task_init(&worker->task, worker->scenario, root, cache, NULL, err));
    FL_TRY(allocate(worker, err));
    nn_profile_lap(worker->profile, NN_PHASE_START, NN_NO_LAYER);
    return FL_OK;
}

static enum fl_status take_model(struct client_worker *worker,
                                 const struct comms_message *message,
                                 struct fl_error *err)
{
    const struct comms_model *model = &message->u.model;
    if (model->arm >= SCN_ARM_LAST_ || !worker->models[model->arm].params ||
        message->n_tensors != 1 || message->tensors[0].type != COMMS_F32 ||
        message->tensors[0].n != (int64_t)worker->n_params)
        return fl_fail(err, FL_E_FORMAT, "model: not of this scenario");
    struct client_model *mine = &worker->models[model->arm];
    comms_tensor_copy(&message->tensors[0], mine->params);
    nn_profile_lap(worker->profile, NN_PHASE_COPY, NN_NO_LAYER);
    mine->version = model->version;
    client_forget_models(worker); /* even if it is that again */
    return FL_OK;
}

static enum fl_status handle(struct client_worker *worker,
                             const struct client_opts *opts,
                             const struct comms_message *message,
                             bool *ret_is_over,
                             struct fl_error *err)
{
    switch (message->kind) {
    case COMMS_WELCOME:
        if (worker->scenario)
            return fl_fail(err, FL_E_FORMAT, "a second welcome");
        return settle_in(worker, opts, &message->u.welcome, err);
    case COMMS_BYE:
        *ret_is_over = true;
        worker->is_lost = strcmp(message->u.bye.reason, COMMS_BYE_UNKNOWN) == 0;
        if (!worker->is_lost && message->u.bye.reason[0])
            return fl_fail(err, FL_E_STATE, "the coordinator says: %s",
                           message->u.bye.reason);
        return FL_OK;
    case COMMS_HEARTBEAT:
        return FL_OK;
    case COMMS_MODEL:
    case COMMS_TASK:
        if (!worker->scenario)
            return fl_fail(err, FL_E_FORMAT, "work before the welcome");
        return message->kind == COMMS_MODEL ? take_model(worker, message, err)
                                            : client_do(worker, message, err);
    default:
        return fl_fail(err, FL_E_FORMAT, "a %s from the coordinator",
                       comms_kind_name(message->kind));
    }
}

static double welcome_wall_s(const struct client_opts *opts)
{
    return WELCOME_SILENCES *
           (opts->silence_wall_s > 0 ? opts->silence_wall_s : SILENCE_WALL_S);
}

static enum fl_status work(struct client_worker *worker,
                           const struct client_opts *opts,
                           struct fl_error *err)
{
    FL_TRY(say_hello(worker, opts, err));
    bool is_over = false;
    while (!is_over) {
        double patience = worker->scenario
                              ? SILENCE_BEATS * worker->heartbeat_wall_s
                              : welcome_wall_s(opts);
        double wait = worker->scenario ? worker->heartbeat_wall_s : patience;
        struct comms_received received;
        bool got = false;
        comms_peer closed = 0;
        nn_profile_before_wait(worker->profile, NN_PHASE_OTHER);
        struct fl_error malformed = {0};
        enum fl_status status = comms_receive(
            worker->spoke, wait, -1, &received, &got, &closed, &malformed);
        if (status != FL_OK)
            return fl_fail(err, status, "%s", malformed.text);
        nn_profile_after_wait(worker->profile, NN_PHASE_RECEIVE);
        if (closed) {
            worker->is_lost = true;
            return fl_fail(err, FL_E_FORMAT, "%s: from the coordinator: %s",
                           opts->address, malformed.text);
        }
        if (got) {
            status = handle(worker, opts, &received.message, &is_over, err);
            comms_received_fini(&received);
            FL_TRY(status);
            worker->heard_wall_s = fl_clock_wall_s();
        } else if (fl_clock_wall_s() - worker->heard_wall_s > patience) {
            worker->is_lost = worker->scenario != NULL;
            return fl_fail(err, FL_E_TIMEOUT,
                           "%s: no word from the coordinator for %.0f s%s",
                           opts->address, patience,
                           opts->keys && !worker->scenario
                               ? "; is the ticket another run's?"
                               : "");
        }
        if (worker->scenario)
            FL_TRY(client_beat(worker, 0, err));
    }
    return FL_OK;
}

/* Tells the coordinator why we leave, when we leave with an error. */
static void say_why(struct client_worker *worker, const struct fl_error *why)
{
    struct comms_message bye = {.kind = COMMS_BYE,
                                .u.bye = {.reason = why->text}};
    enum fl_status told = comms_send(worker->spoke, 1, &bye, NULL, NULL);
    (void)told; /* the reason is on stderr, too */
}

/* The context goes before the sums: it waits until what was lent is back. */
static void worker_fini(struct client_worker *worker,
                        struct comms_context *context)
{
    comms_endpoint_destroy(worker->spoke, LINGER_WALL_S);
    comms_context_destroy(context);
    client_sums_destroy(worker->sums);
    nn_workspace_destroy(worker->ws);
    nn_profile_destroy(worker->profile);
    scn_task_fini(&worker->task);
    scn_scenario_destroy(worker->scenario);
    fl_free(worker->everyone);
    fl_arena_fini(&worker->memory);
}

/* From HELLO to BYE. *ret_is_lost: the coordinator was there and is not, or
 * does not know us any more. */
static enum fl_status take_part(const struct client_opts *opts,
                                bool *ret_is_lost,
                                struct fl_error *err)
{
    struct client_worker worker = {.heard_wall_s = fl_clock_wall_s()};
    struct comms_context *context = NULL;
    for (size_t i = 0; i < SCN_ARM_LAST_; i++)
        worker.models[i].version = CLIENT_NO_VERSION;
    enum fl_status status =
        nn_kernels_find(opts->kernels, &worker.kernels, err);
    if (status == FL_OK)
        status = comms_context_create(&context, err);
    if (status == FL_OK)
        status =
            comms_spoke_create_keyed(context, opts->address, opts->keys,
                                     &comms_limits_run, &worker.spoke, err);
    if (status == FL_OK) {
        status = work(&worker, opts, err);
        if (status != FL_OK && status != FL_E_TIMEOUT)
            say_why(&worker, err);
    }
    *ret_is_lost = worker.is_lost;
    worker_fini(&worker, context);
    return status;
}

/* A connection may break, or be silent for too long, and come back. Whoever
 * was given up begins anew, as another process in its place would. */
enum fl_status client_run(const struct client_opts *opts, struct fl_error *err)
{
    struct client_opts now = *opts;
    struct fl_error why = {FL_OK, ""};
    bool is_lost = true;
    enum fl_status status = FL_OK;
    now.incarnation = opts->incarnation * COMMS_REJOINS;
    for (uint32_t i = 0; is_lost && i < COMMS_REJOINS; i++, now.incarnation++)
        status = take_part(&now, &is_lost, &why);
    if (is_lost)
        return fl_fail(err, FL_E_STATE, "%s: lost the coordinator %u times",
                       opts->address, COMMS_REJOINS);
    return status == FL_OK ? FL_OK : fl_fail(err, status, "%s", why.text);
}
