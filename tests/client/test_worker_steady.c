/* Training and scoring in a client process ask for no memory: neither per step
 * nor per client, however long they go on. */
#include "support/assert_near.h"

#include "base/alloc.h"
#include "client/worker_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char scenario_text[] =
    "name: t\n"
    "data: {dataset: {kind: glyphs, writers: 6, samples_per_writer: 30,\n"
    "                 test_writers: 5}, clients: 6, partition: natural}\n"
    "model: lenet5\n"
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
static void worker_init(struct client_worker *worker, const char *dir)
{
    struct fl_error err;
    *worker = (struct client_worker){.heartbeat_wall_s = 1e9};
    assert_ok(scn_scenario_parse("t", scenario_text, sizeof scenario_text - 1,
                                 stderr, &worker->scenario, &err),
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
    assert_true(outcome.steps == epochs * ((n + 6) / 7));
}

static void test_training_and_scoring_ask_for_no_memory(void **state)
{
    (void)state;
    char dir[] = "/tmp/fl-test-steady-XXXXXX";
    struct client_worker worker;
    struct nn_score score;
    struct fl_error err;
    assert_non_null(mkdtemp(dir));
    worker_init(&worker, dir);
    (void)fl_alloc_fail_at(0);
    for (int64_t client = 0; client < 6; client++)
        train(&worker, client, 3);
    assert_ok(client_score(&worker, worker.params, 0,
                           nn_dataset_test(worker.task.dataset)->n, &score,
                           &err),
              &err);
    assert_int_equal(fl_alloc_fail_at(0), 0);
    worker_fini(&worker);
    char command[64];
    (void)snprintf(command, sizeof command, "rm -r %s", dir);
    FILE *shell = popen(command, "r");
    assert_non_null(shell);
    assert_int_equal(pclose(shell), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_training_and_scoring_ask_for_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
