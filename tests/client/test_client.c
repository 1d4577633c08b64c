/* A real client process against a coordinator that the test plays by hand. */
#include "support/assert_near.h"

#include "base/alloc.h"
#include "base/exact.h"
#include "client/client.h"
#include "comms/endpoint.h"
#include "nn/train.h"
#include "scenarios/scenario.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_WALL_S 60.0

/* Batches as large as the data: an epoch is one step on everything. */
static const char scenario_text[] =
    "name: t\n"
    "data: {dataset: {kind: glyphs, writers: 6, samples_per_writer: 30,\n"
    "                 test_writers: 5}, clients: 6, partition: natural}\n"
    "model: logreg\n"
    "train:\n"
    "  arms: [federated, centralized, local]\n"
    "  strategy: fedavg\n"
    "  clients_per_round: 2\n"
    "  rounds: 3\n"
    "  local: {epochs: 2, batch: 7, lr: 0.1}\n"
    "  centralized: {epochs: 2, batch: 1000, lr: 0.1}\n"
    "  alone: {epochs: 4, batch: 7, lr: 0.1, evaluate_every: 3}\n"
    "fleet: [{device: phone, share: 1, zone: FR, link: lte}]\n"
    "server: {device: cloud_cpu, zone: FR, pue: 1.2}\n"
    "centralized: {device: v100_node, zone: FR, pue: 1.2}\n"
    "carbon: {preset: full, grid: {kind: annual}}\n";

struct stage {
    char dir[64];
    char address[128];
    struct comms_context *context;
    struct comms_endpoint *hub;
    comms_peer peer;
    pid_t child;
    uint64_t last_task;
    struct scn_scenario *scenario;
    struct scn_task task;
    size_t n_params;
};

static void receive(struct stage *stage, struct comms_received *ret)
{
    struct fl_error err = {0};
    for (;;) { /* heartbeats come between */
        bool got = false;
        comms_peer closed = 0;
        assert_ok(comms_receive(stage->hub, WAIT_WALL_S, -1, ret, &got, &closed,
                                &err),
                  &err);
        assert_int_equal(closed, 0);
        assert_true(got);
        if (ret->message.kind != COMMS_HEARTBEAT)
            return;
        comms_received_fini(ret);
    }
}

static void say(struct stage *stage, const struct comms_message *message)
{
    struct fl_error err = {0};
    assert_ok(comms_send(stage->hub, stage->peer, message, NULL, &err), &err);
}

/* In a process of its own: what main does. */
static void be_client(const char *address)
{
    struct fl_error err = {0};
    const struct client_opts opts = {.address = address,
                                     .slot = 3,
                                     .incarnation = 1,
                                     .pid = (int64_t)getpid(),
                                     .host = "test",
                                     .version = "1"};
    _exit((int)client_run(&opts, &err));
}

static void open_stage(struct stage *stage)
{
    struct fl_error err = {0};
    struct comms_received received;
    *stage = (struct stage){.dir = "/tmp/fl-test-client-XXXXXX"};
    assert_non_null(mkdtemp(stage->dir));
    (void)snprintf(stage->address, sizeof stage->address, "ipc://%s/hub",
                   stage->dir);
    stage->child = fork(); /* before this process has ZeroMQ's threads */
    if (stage->child == 0)
        be_client(stage->address);
    assert_ok(comms_context_create(&stage->context, &err), &err);
    assert_ok(comms_hub_create(stage->context, stage->address, NULL,
                               &stage->hub, &err),
              &err);
    assert_ok(scn_scenario_parse("t", scenario_text, sizeof scenario_text - 1,
                                 stderr, &stage->scenario, &err),
              &err);
    assert_ok(scn_task_init(&stage->task, stage->scenario, NULL, stage->dir,
                            stderr, &err),
              &err);
    stage->n_params = (size_t)nn_model_n_params(stage->task.model);
    receive(stage, &received);
    assert_int_equal(received.message.kind, COMMS_HELLO);
    assert_int_equal(received.message.u.hello.slot, 3);
    assert_int_equal(received.message.u.hello.incarnation, COMMS_REJOINS);
    assert_true(strlen(received.message.u.hello.blas_kernel) > 0);
    stage->peer = received.peer;
    comms_received_fini(&received);
    struct comms_message welcome = {.kind = COMMS_WELCOME,
                                    .u.welcome = {.run_id = "r",
                                                  .scenario = scenario_text,
                                                  .cache_dir = stage->dir,
                                                  .data_root = "",
                                                  .heartbeat_wall_s = 0.2}};
    say(stage, &welcome);
}

static void bye(struct stage *stage, const char *reason)
{
    struct comms_message message = {.kind = COMMS_BYE,
                                    .u.bye = {.reason = reason}};
    say(stage, &message);
}

/* Waits for the client's end and returns its status. */
static int close_stage(struct stage *stage)
{
    int status = -1;
    char command[128];
    assert_int_equal(waitpid(stage->child, &status, 0), stage->child);
    comms_endpoint_destroy(stage->hub, 0);
    comms_context_destroy(stage->context);
    scn_task_fini(&stage->task);
    scn_scenario_destroy(stage->scenario);
    (void)snprintf(command, sizeof command, "rm -r %s", stage->dir);
    FILE *shell = popen(command, "r");
    assert_non_null(shell);
    assert_int_equal(pclose(shell), 0);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void send_model(struct stage *stage,
                       uint32_t arm,
                       int64_t version,
                       const float *params)
{
    struct comms_message message = {
        .kind = COMMS_MODEL,
        .u.model = {.arm = arm, .version = version},
        .tensors = {{.type = COMMS_F32,
                     .data = params,
                     .n = (int64_t)stage->n_params}},
        .n_tensors = 1};
    say(stage, &message);
}

/* Hands out a task and waits for its answer. */
static void ask(struct stage *stage,
                struct comms_task task,
                const struct comms_tensor *tensor,
                struct comms_received *ret)
{
    struct comms_message message = {.kind = COMMS_TASK};
    task.id = ++stage->last_task;
    message.u.task = task;
    if (tensor) {
        message.tensors[0] = *tensor;
        message.n_tensors = 1;
    }
    say(stage, &message);
    receive(stage, ret);
    assert_int_equal(ret->message.kind, COMMS_PARTIAL);
    assert_int_equal(ret->message.u.partial.task_id, task.id);
    assert_int_equal(ret->message.u.partial.kind, task.kind);
}

static float *start_params(struct stage *stage)
{
    float *params = fl_calloc(stage->n_params, sizeof *params);
    assert_non_null(params);
    nn_model_init_params(stage->task.model, (uint64_t)stage->scenario->seed,
                         params);
    return params;
}

static struct comms_task train_task(const int64_t *clients, size_t n)
{
    return (struct comms_task){.kind = COMMS_TRAIN,
                               .arm = SCN_FEDERATED,
                               .round = 0,
                               .model_version = 0,
                               .clients = clients,
                               .n_clients = n,
                               .scale_log2 = 30};
}

static const struct comms_task collect_task = {
    .kind = COMMS_COLLECT, .arm = SCN_FEDERATED, .scale_log2 = 30};

/* Trains clients in the given order and takes the sum. */
static void train_and_collect(struct stage *stage,
                              const int64_t *clients,
                              size_t n,
                              int64_t *ret_sum)
{
    struct comms_received received;
    for (size_t i = 0; i < n; i++) {
        ask(stage, train_task(&clients[i], 1), NULL, &received);
        const struct comms_partial *partial = &received.message.u.partial;
        assert_string_equal(partial->failure, "");
        assert_int_equal(partial->n_clients, 1);
        assert_int_equal(partial->clients[0].samples, 30);
        assert_int_equal(partial->clients[0].steps, 2 * 5); /* ceil(30/7) */
        assert_false(partial->clients[0].is_refused);
        comms_received_fini(&received);
    }
    ask(stage, collect_task, NULL, &received);
    assert_int_equal(received.message.u.partial.weight, 30 * (int64_t)n);
    assert_int_equal(received.message.n_tensors, 1);
    assert_int_equal(received.message.tensors[0].n, stage->n_params);
    comms_tensor_copy(&received.message.tensors[0], ret_sum);
    comms_received_fini(&received);
}

static void test_an_update_is_a_pure_function(void **state)
{
    (void)state;
    static const int64_t forward[] = {0, 4, 2}, backward[] = {2, 0, 4};
    struct stage stage;
    open_stage(&stage);
    float *params = start_params(&stage);
    int64_t *first = fl_calloc(stage.n_params, sizeof *first);
    int64_t *second = fl_calloc(stage.n_params, sizeof *second);
    assert_non_null(first);
    assert_non_null(second);
    send_model(&stage, SCN_FEDERATED, 0, params);
    train_and_collect(&stage, forward, 3, first);
    train_and_collect(&stage, backward, 3, second);
    assert_memory_equal(first, second, stage.n_params * sizeof *first);
    train_and_collect(&stage, forward, 2, second); /* other clients: another */
    assert_memory_not_equal(first, second, stage.n_params * sizeof *first);
    fl_free(params);
    fl_free(first);
    fl_free(second);
    bye(&stage, "");
    assert_int_equal(close_stage(&stage), FL_OK);
}

static void test_a_model_of_nan_is_refused_not_averaged(void **state)
{
    (void)state;
    static const int64_t client = 1;
    struct stage stage;
    struct comms_received received;
    open_stage(&stage);
    float *params = start_params(&stage);
    params[7] = (float)NAN;
    send_model(&stage, SCN_FEDERATED, 0, params);
    ask(&stage, train_task(&client, 1), NULL, &received);
    assert_true(received.message.u.partial.clients[0].is_refused);
    comms_received_fini(&received);
    ask(&stage, collect_task, NULL, &received);
    assert_int_equal(received.message.u.partial.weight, 0);
    const struct comms_tensor *sum = &received.message.tensors[0];
    for (size_t k = 0; k < sum->n_pieces; k++)
        for (int64_t i = 0; i < sum->pieces[k].n; i++)
            assert_int_equal(((const int64_t *)sum->pieces[k].data)[i], 0);
    comms_received_fini(&received);
    fl_free(params);
    bye(&stage, "");
    assert_int_equal(close_stage(&stage), FL_OK);
}

/* One epoch of the centralized arm is one step on all 180 samples. By hand:
 * the same gradient from our own workspace; only the order of samples in the
 * sum differs. */
static void test_centralized_training_is_a_step_on_all_data(void **state)
{
    (void)state;
    struct stage stage;
    struct comms_received received;
    struct fl_error err = {0};
    open_stage(&stage);
    float *params = start_params(&stage);
    float *expected = start_params(&stage);
    struct comms_tensor tensor = {
        .type = COMMS_F32, .data = params, .n = (int64_t)stage.n_params};
    ask(&stage,
        (struct comms_task){.kind = COMMS_CENTRAL, .arm = SCN_CENTRALIZED},
        &tensor, &received);
    assert_string_equal(received.message.u.partial.failure, "");

    struct nn_workspace *ws = NULL;
    float *x = fl_calloc(180 * 784, sizeof *x);
    int32_t labels[180];
    int64_t index[180];
    double loss = 0;
    struct fl_rng rng = fl_rng_stream(1, FL_RNG_TEST, 0, 0);
    assert_non_null(x);
    for (int i = 0; i < 180; i++)
        index[i] = i;
    nn_dataset_gather(stage.task.dataset, nn_dataset_train(stage.task.dataset),
                      stage.scenario->normalize, index, 180, x, labels);
    assert_ok(nn_workspace_create(stage.task.model, 180, &ws, &err), &err);
    assert_ok(nn_train_step(ws, &stage.scenario->centralized.optimizer,
                            expected, NULL, NULL, x, labels, 180, &rng, &loss,
                            &err),
              &err);
    float *got = fl_calloc(stage.n_params, sizeof *got);
    assert_non_null(got);
    comms_tensor_copy(&received.message.tensors[0], got);
    /* 180 summands in another order, each of up to 0.1 * 3: some 2^-20. */
    for (size_t i = 0; i < stage.n_params; i++)
        assert_near((double)got[i], (double)expected[i], 0, 1e-6);
    assert_near(received.message.u.partial.loss_mean, loss, 1e-5, 0);
    nn_workspace_destroy(ws);
    fl_free(x);
    fl_free(got);
    fl_free(params);
    fl_free(expected);
    comms_received_fini(&received);
    bye(&stage, "");
    assert_int_equal(close_stage(&stage), FL_OK);
}

static void test_evaluation_scores_every_sample_in_blocks(void **state)
{
    (void)state;
    struct stage stage;
    struct comms_received received;
    open_stage(&stage);
    float *params = start_params(&stage);
    int64_t n = nn_dataset_test(stage.task.dataset)->n;
    send_model(&stage, SCN_FEDERATED, 5, params);
    ask(&stage,
        (struct comms_task){.kind = COMMS_EVALUATE,
                            .arm = SCN_FEDERATED,
                            .model_version = 5,
                            .count = n},
        NULL, &received);
    const struct comms_partial *partial = &received.message.u.partial;
    int64_t scored = 0;
    assert_int_equal(partial->n_scores, (n + 99) / 100);
    for (size_t i = 0; i < partial->n_scores; i++) {
        assert_int_equal(partial->scores[i].step, 100 * i);
        scored += partial->scores[i].n;
    }
    assert_int_equal(scored, n);
    comms_received_fini(&received);
    fl_free(params);
    bye(&stage, "");
    assert_int_equal(close_stage(&stage), FL_OK);
}

static void test_a_client_alone_is_scored_as_it_goes(void **state)
{
    (void)state;
    static const int64_t client = 2;
    struct stage stage;
    struct comms_received received;
    open_stage(&stage);
    ask(&stage,
        (struct comms_task){.kind = COMMS_LOCAL,
                            .arm = SCN_LOCAL,
                            .clients = &client,
                            .n_clients = 1},
        NULL, &received);
    const struct comms_partial *partial = &received.message.u.partial;
    assert_string_equal(partial->failure, "");
    assert_int_equal(partial->n_scores, 2); /* after 3 epochs and after 4 */
    assert_int_equal(partial->scores[0].step, 3);
    assert_int_equal(partial->scores[1].step, 4);
    assert_int_equal(partial->clients[0].steps, 4 * 5);
    comms_received_fini(&received);
    bye(&stage, "");
    assert_int_equal(close_stage(&stage), FL_OK);
}

static void
expect_failure(struct stage *stage, struct comms_task task, const char *part)
{
    struct comms_received received;
    ask(stage, task, NULL, &received);
    if (!strstr(received.message.u.partial.failure, part))
        fail_msg("'%s' lacks '%s'", received.message.u.partial.failure, part);
    comms_received_fini(&received);
}

static void test_impossible_tasks_are_answered_with_a_reason(void **state)
{
    (void)state;
    static const int64_t stranger = 6, known = 0;
    struct stage stage;
    open_stage(&stage);
    float *params = start_params(&stage);
    expect_failure(&stage, train_task(&known, 1), "model version 0, found -1");
    struct comms_task odd = train_task(&known, 1);
    odd.model_version = -1; /* what says that there is none */
    expect_failure(&stage, odd, "model version -1, found -1");
    send_model(&stage, SCN_FEDERATED, 0, params);
    expect_failure(&stage, train_task(&stranger, 1), "client 6");
    expect_failure(&stage,
                   (struct comms_task){.kind = COMMS_EVALUATE,
                                       .arm = SCN_FEDERATED,
                                       .first = 10,
                                       .count = 1000000},
                   "samples 10");
    expect_failure(&stage, (struct comms_task){.kind = COMMS_CENTRAL, .arm = 1},
                   "0 tensors");
    expect_failure(&stage, (struct comms_task){.kind = COMMS_TRAIN, .arm = 9},
                   "arm 9");
    expect_failure(&stage, (struct comms_task){.kind = COMMS_LOCAL, .arm = 2},
                   "0 clients");
    odd = train_task(&known, 1);
    odd.arm = SCN_LOCAL;
    expect_failure(&stage, odd, "arm 2 for a task of kind 0");
    odd = train_task(&known, 1);
    odd.round = INT64_MAX;
    expect_failure(&stage, odd, "round 9223372036854775807");
    odd = train_task(&known, 1);
    odd.scale_log2 = 1000; /* numbers that no sum could hold */
    expect_failure(&stage, odd, "units of 2^-1000");
    expect_failure(&stage,
                   (struct comms_task){.kind = COMMS_EVALUATE,
                                       .arm = SCN_FEDERATED,
                                       .count = INT64_MAX},
                   "samples 0 + 9223372036854775807");
    fl_free(params);
    bye(&stage, ""); /* and it is still there to be told so */
    assert_int_equal(close_stage(&stage), FL_OK);
}

static void test_a_client_that_is_sent_away_says_so(void **state)
{
    (void)state;
    struct stage stage;
    open_stage(&stage);
    bye(&stage, "other kernels");
    assert_int_equal(close_stage(&stage), FL_E_STATE);
}

static void test_what_a_coordinator_never_says_ends_the_client(void **state)
{
    (void)state;
    struct stage stage;
    struct comms_received received;
    open_stage(&stage);
    struct comms_message hello = {
        .kind = COMMS_HELLO,
        .u.hello = {.host = "x", .version = "1", .blas_kernel = "k"}};
    say(&stage, &hello);
    receive(&stage, &received);
    assert_int_equal(received.message.kind, COMMS_BYE); /* with its reason */
    assert_non_null(strstr(received.message.u.bye.reason, "HELLO"));
    comms_received_fini(&received);
    assert_int_equal(close_stage(&stage), FL_E_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_update_is_a_pure_function),
        cmocka_unit_test(test_a_model_of_nan_is_refused_not_averaged),
        cmocka_unit_test(test_centralized_training_is_a_step_on_all_data),
        cmocka_unit_test(test_evaluation_scores_every_sample_in_blocks),
        cmocka_unit_test(test_a_client_alone_is_scored_as_it_goes),
        cmocka_unit_test(test_impossible_tasks_are_answered_with_a_reason),
        cmocka_unit_test(test_a_client_that_is_sent_away_says_so),
        cmocka_unit_test(test_what_a_coordinator_never_says_ends_the_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
