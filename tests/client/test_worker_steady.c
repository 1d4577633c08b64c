/* What a client process does with clients, without a coordinator: training and
 * scoring ask for no memory, neither per step nor per client, however long they
 * go on; what is refused leaves no trace. */
#include "support/assert_near.h"

#include "base/alloc.h"
#include "base/exact.h"
#include "client/worker_priv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char scenario_format[] =
    "name: t\n"
    "data: {dataset: {kind: glyphs, writers: 6, samples_per_writer: 30,\n"
    "                 test_writers: 5}, clients: 6, partition: natural}\n"
    "model: %s\n"
    "train:\n"
    "  arms: [federated]\n"
    "  strategy: fedavg\n"
    "  clients_per_round: 2\n"
    "  rounds: 3\n"
    "  local: {epochs: 2, batch: 7, lr: 0.1, momentum: 0.9}\n"
    "fleet: [{device: phone, share: 1, zone: FR, link: lte}]\n"
    "server: {device: cloud_cpu, zone: FR, pue: 1.2}\n"
    "carbon: {preset: full, grid: {kind: annual}}\n";

#define BATCH   COMMS_SCORE_BLOCK
#define SAMPLES 64

static void *numbers(size_t n, size_t size)
{
    void *memory = fl_calloc(n, size);
    assert_non_null(memory);
    return memory;
}

/* A worker as client.c makes one, but for the connection, which is not used
 * before a heartbeat is due. */
static void
worker_init(struct client_worker *worker, const char *model, const char *dir)
{
    struct fl_error err;
    char text[1024];
    int length = snprintf(text, sizeof text, scenario_format, model);
    assert_true(length > 0 && (size_t)length < sizeof text);
    *worker = (struct client_worker){.heartbeat_wall_s = 1e9,
                                     .n_slots = CLIENT_MAX_SLOTS};
    assert_ok(scn_scenario_parse("t", text, (size_t)length, stderr,
                                 &worker->scenario, &err),
              &err);
    assert_ok(
        scn_task_init(&worker->task, worker->scenario, NULL, dir, stderr, &err),
        &err);
    worker->n_params = (size_t)nn_model_n_params(worker->task.model);
    assert_ok(nn_workspace_create(worker->task.model, BATCH, &worker->ws, &err),
              &err);
    size_t input =
        (size_t)nn_shape_size(nn_dataset_shape(worker->task.dataset));
    for (size_t i = 0; i < worker->n_slots; i++)
        worker->slots[i].params = numbers(worker->n_params, sizeof(float));
    client_forget_models(worker);
    client_use_slot(worker, 0);
    worker->state = numbers(worker->n_params, sizeof(float));
    worker->x = numbers(BATCH * input, sizeof(float));
    worker->labels = numbers(BATCH, sizeof *worker->labels);
    worker->index = numbers(SAMPLES, sizeof *worker->index);
    worker->order = numbers(SAMPLES, sizeof *worker->order);
    nn_model_init_params(worker->task.model, 1, worker->params);
}

static void worker_fini(struct client_worker *worker)
{
    nn_workspace_destroy(worker->ws);
    for (size_t i = 0; i < CLIENT_MAX_SLOTS; i++)
        fl_free(worker->slots[i].params);
    fl_free(worker->state);
    fl_free(worker->x);
    fl_free(worker->labels);
    fl_free(worker->index);
    fl_free(worker->order);
    scn_task_fini(&worker->task);
    scn_scenario_destroy(worker->scenario);
}

static void train(struct client_worker *worker, int64_t client, int64_t epochs)
{
    struct fl_error err;
    struct client_outcome outcome;
    int64_t n = 0;
    const int64_t *samples =
        nn_partition_client(&worker->task.partition, client, &n);
    assert_true(n <= SAMPLES);
    const struct client_work work = {.training = &worker->scenario->local,
                                     .samples = samples,
                                     .n = n,
                                     .epochs = epochs,
                                     .stream = (uint64_t)client,
                                     .is_federated = true};
    assert_ok(client_train(worker, &work, &outcome, &err), &err);
    int64_t batch = worker->scenario->local.batch;
    assert_true(outcome.steps == epochs * ((n + batch - 1) / batch));
}

static void remove_dir(const char *dir)
{
    char command[64];
    (void)snprintf(command, sizeof command, "rm -r %s", dir);
    FILE *shell = popen(command, "r");
    assert_non_null(shell);
    assert_int_equal(pclose(shell), 0);
}

static void test_training_and_scoring_ask_for_no_memory(void **state)
{
    (void)state;
    char dir[] = "/tmp/fl-test-steady-XXXXXX";
    struct client_worker worker;
    struct nn_score score;
    struct fl_error err;
    assert_non_null(mkdtemp(dir));
    worker_init(&worker, "lenet5", dir);
    (void)fl_alloc_fail_at(0);
    for (int64_t client = 0; client < 6; client++)
        train(&worker, client, 3);
    assert_ok(client_score(&worker, worker.params, 0,
                           nn_dataset_test(worker.task.dataset)->n, &score,
                           &err),
              &err);
    assert_int_equal(fl_alloc_fail_at(0), 0);
    worker_fini(&worker);
    remove_dir(dir);
}

#define CLIENTS 3
#define SCALE   20

/* A worker whose clients take one step, with all of their samples, into a sum:
 * how far they move is as the rate. */
struct stepper {
    char dir[32];
    struct client_worker worker;
    struct client_model *model;
    struct scn_training *local;
    struct comms_client_result results[CLIENTS];
};

static void stepper_init(struct stepper *s)
{
    struct fl_error err;
    (void)snprintf(s->dir, sizeof s->dir, "/tmp/fl-test-refused-XXXXXX");
    assert_non_null(mkdtemp(s->dir));
    worker_init(&s->worker, "logreg", s->dir);
    assert_ok(client_sums_create(s->worker.n_params, &s->worker.sums, &err),
              &err);
    s->model = &s->worker.models[SCN_FEDERATED];
    s->model->params = numbers(s->worker.n_params, sizeof(float));
    s->model->version = 0;
    s->local = &s->worker.scenario->local;
    s->local->epochs = 1;
    s->local->batch = BATCH;
}

static void stepper_fini(struct stepper *s)
{
    fl_free(s->model->params);
    client_sums_destroy(s->worker.sums);
    worker_fini(&s->worker);
    remove_dir(s->dir);
}

/* One task, into an empty sum. */
static void run_task(struct stepper *s, const int64_t *clients, double lr)
{
    struct fl_error err;
    struct comms_task task = {.kind = COMMS_TRAIN,
                              .arm = SCN_FEDERATED,
                              .clients = clients,
                              .n_clients = CLIENTS,
                              .scale_log2 = SCALE};
    s->worker.sum = NULL;
    s->local->optimizer.lr = lr;
    assert_ok(client_train_task(&s->worker, &task, s->results, &err), &err);
}

/* Where one step from the model leads a client, in new memory. */
static float *step_alone(struct stepper *s, int64_t client, double lr)
{
    float *after = numbers(s->worker.n_params, sizeof *after);
    s->local->optimizer.lr = lr;
    client_use_slot(&s->worker, 0);
    memcpy(s->worker.params, s->model->params,
           s->worker.n_params * sizeof(float));
    client_rest(&s->worker, s->local);
    train(&s->worker, client, 1);
    memcpy(after, s->worker.params, s->worker.n_params * sizeof(float));
    return after;
}

/* The sum of the task just done is what its clients add one by one; as many
 * as that were refused. */
static void
check_sum(struct stepper *s, const int64_t *clients, double lr, int n_refused)
{
    size_t n = s->worker.n_params;
    int64_t *expected = numbers(n, sizeof *expected), weight = 0;
    int found = 0;
    for (size_t i = 0; i < CLIENTS; i++) {
        float *after = step_alone(s, clients[i], lr);
        bool is_added = fl_exact_add(expected, s->model->params, after, n,
                                     s->results[i].samples, SCALE);
        assert_int_equal(s->results[i].client, clients[i]);
        assert_int_equal(s->results[i].steps, 1);
        assert_true(s->results[i].is_refused == !is_added);
        weight += is_added ? s->results[i].samples : 0;
        found += !is_added;
        fl_free(after);
    }
    assert_int_equal(found, n_refused);
    assert_int_equal(s->worker.sum_weight, weight);
    assert_memory_equal(s->worker.sum, expected, n * sizeof *expected);
    fl_free(expected);
}

/* At a rate at which the updates of most pixels are beyond the limit, but not
 * those of the corner, which is always blank: a part of each update is in the
 * sum before the rest is refused. Those after it start from the model. */
static void test_a_refused_client_leaves_no_trace_in_the_sum(void **state)
{
    (void)state;
    static const int64_t clients[CLIENTS] = {0, 1, 2};
    struct stepper s;
    stepper_init(&s);
    for (size_t slots = 1; slots <= CLIENT_MAX_SLOTS; slots++) {
        s.worker.n_slots = slots;
        run_task(&s, clients, 1e6);
        check_sum(&s, clients, 1e6, CLIENTS);
        run_task(&s, clients, 0.1);
        check_sum(&s, clients, 0.1, 0);
    }
    stepper_fini(&s);
}

/* How far a client's step at rate 1 goes. */
static double reach(struct stepper *s, int64_t client)
{
    float *after = step_alone(s, client, 1);
    double most = 0;
    for (size_t i = 0; i < s->worker.n_params; i++) {
        double moved = (double)after[i] - (double)s->model->params[i];
        most = fabs(moved) > most ? fabs(moved) : most;
    }
    fl_free(after);
    return most;
}

/* The rate lies between those at which the client that goes furthest and the
 * next one are refused; that client comes first, in the middle, last. */
static void test_a_refused_client_stops_no_other(void **state)
{
    (void)state;
    struct stepper s;
    int64_t furthest = 0;
    double most = 0, second = 0;
    stepper_init(&s);
    for (int64_t i = 0; i < CLIENTS; i++) {
        double far = reach(&s, i);
        second = far > most ? most : far > second ? far : second;
        furthest = far > most ? i : furthest;
        most = far > most ? far : most;
    }
    double lr = 2 * FL_EXACT_LIMIT / (most + second);
    for (size_t slots = 1; slots <= CLIENT_MAX_SLOTS; slots++)
        for (int64_t at = 0; at < CLIENTS; at++) {
            int64_t clients[CLIENTS];
            for (int64_t i = 0; i < CLIENTS; i++)
                clients[(at + i) % CLIENTS] = (furthest + i) % CLIENTS;
            s.worker.n_slots = slots;
            run_task(&s, clients, lr);
            check_sum(&s, clients, lr, 1);
            assert_true(s.results[at].is_refused);
        }
    stepper_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_training_and_scoring_ask_for_no_memory),
        cmocka_unit_test(test_a_refused_client_leaves_no_trace_in_the_sum),
        cmocka_unit_test(test_a_refused_client_stops_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
