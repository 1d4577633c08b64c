/* What a client process does with clients, without a coordinator: training and
 * scoring ask for no memory, neither per step nor per client, however long they
 * go on; what is refused leaves no trace. */
#include "support/assert_near.h"

#include "base/alloc.h"
#include "base/exact.h"
#include "client/worker_priv.h"

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
                                     .params_version = CLIENT_NO_VERSION};
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
    worker->params = numbers(worker->n_params, sizeof(float));
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
    fl_free(worker->params);
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

/* One step at a rate at which the updates of most pixels are beyond the limit,
 * but not those of the corner, which is always blank: a part of each update is
 * in the sum before the rest is refused. */
static void test_a_refused_client_leaves_no_trace_in_the_sum(void **state)
{
    (void)state;
    static const int64_t clients[] = {0, 1, 2};
    char dir[] = "/tmp/fl-test-refused-XXXXXX";
    struct client_worker worker;
    struct comms_client_result results[3];
    struct fl_error err;
    assert_non_null(mkdtemp(dir));
    worker_init(&worker, "logreg", dir);
    assert_ok(client_sums_create(worker.n_params, &worker.sums, &err), &err);
    struct client_model *model = &worker.models[SCN_FEDERATED];
    model->params = numbers(worker.n_params, sizeof(float));
    model->version = 0;
    struct comms_task task = {.kind = COMMS_TRAIN,
                              .arm = SCN_FEDERATED,
                              .clients = clients,
                              .n_clients = 3,
                              .scale_log2 = 20};
    struct scn_training *local = &worker.scenario->local;
    local->epochs = 1;
    local->batch = BATCH; /* all of a client's samples */
    local->optimizer.lr = 1e6;
    assert_ok(client_train_task(&worker, &task, results, &err), &err);
    for (size_t i = 0; i < 3; i++)
        assert_true(results[i].is_refused && results[i].steps == 1);
    assert_int_equal(worker.sum_weight, 0);
    for (size_t i = 0; i < worker.n_params; i++)
        assert_int_equal(worker.sum[i], 0);

    /* And the next clients are trained from the model, as if nothing had been:
     * the sum is what they add one by one. */
    local->optimizer.lr = 0.1;
    assert_ok(client_train_task(&worker, &task, results, &err), &err);
    int64_t *expected = numbers(worker.n_params, sizeof *expected);
    int64_t weight = 0;
    for (size_t i = 0; i < 3; i++) {
        assert_false(results[i].is_refused);
        memcpy(worker.params, model->params, worker.n_params * sizeof(float));
        client_rest(&worker, local);
        train(&worker, clients[i], 1);
        assert_true(fl_exact_add(expected, model->params, worker.params,
                                 worker.n_params, results[i].samples, 20));
        weight += results[i].samples;
    }
    assert_int_equal(worker.sum_weight, weight);
    assert_memory_equal(worker.sum, expected,
                        worker.n_params * sizeof *expected);
    fl_free(expected);
    fl_free(model->params);
    client_sums_destroy(worker.sums);
    worker_fini(&worker);
    remove_dir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_training_and_scoring_ask_for_no_memory),
        cmocka_unit_test(test_a_refused_client_leaves_no_trace_in_the_sum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
