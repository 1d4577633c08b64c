/* The dispatcher against client processes that the test plays by hand: each
 * message is sent, and each turn taken, when the test says so. */
#include "support/assert_near.h"

#include "base/exact.h"
#include "base/log.h"
#include "coordinator/dispatch.h"

#include <stdio.h>
#include <string.h>

enum { N_PARAMS = 5, MAX_SPOKES = 4, MAX_ITEMS = 100 };

struct stage {
    struct comms_context *context;
    struct comms_endpoint *hub;
    struct coord_dispatch *dispatch;
    struct coord_shelf *shelf;
    struct coord_vector *model;
    struct comms_endpoint *spokes[MAX_SPOKES];
    /* What the played processes hold. */
    int64_t held[MAX_SPOKES]; /* sum of the ids they have trained */
    int64_t n_held[MAX_SPOKES];
    int64_t model_version[MAX_SPOKES];
    int n_models;
    double client_wall_s[MAX_SPOKES]; /* that they take for a client */
    size_t first_task[MAX_SPOKES];    /* clients in it; 0: none came yet */
    /* What the job was told. */
    struct coord_job job;
    int n_results[MAX_ITEMS]; /* per item */
    int64_t sum;
    int64_t n_members;
    bool is_done;
    bool refuses_next_sum;
    /* How the played processes misbehave. */
    bool says_all_twice;
    int64_t next_shift; /* of the next scores, onto another's samples */
};

static enum fl_status on_part(struct coord_job *job,
                              const struct comms_message *message,
                              struct fl_error *err)
{
    struct stage *stage = job->owner;
    (void)err;
    for (size_t i = 0; i < message->u.partial.n_clients; i++)
        stage->n_results[message->u.partial.clients[i].client]++;
    for (size_t i = 0; i < message->u.partial.n_scores; i++)
        stage->n_results[message->u.partial.scores[i].step /
                         COMMS_SCORE_BLOCK]++;
    return FL_OK;
}

static enum fl_status on_sum(struct coord_job *job,
                             const int64_t *sum,
                             int64_t weight,
                             const int64_t *members,
                             size_t n,
                             struct fl_error *err)
{
    struct stage *stage = job->owner;
    int64_t expected = 0;
    if (stage->refuses_next_sum) {
        stage->refuses_next_sum = false;
        return fl_fail(err, FL_E_FORMAT, "a sum that cannot be");
    }
    for (size_t i = 0; i < n; i++)
        expected += members[i];
    assert_int_equal(weight, expected);
    assert_int_equal(sum[0], expected);
    stage->sum += expected;
    stage->n_members += (int64_t)n;
    return FL_OK;
}

static enum fl_status on_done(struct coord_job *job, struct fl_error *err)
{
    struct stage *stage = job->owner;
    (void)err;
    assert_false(stage->is_done);
    stage->is_done = true;
    return FL_OK;
}

static const struct coord_job_ops ops = {
    .on_part = on_part, .on_sum = on_sum, .on_done = on_done};

static void open_stage(struct stage *stage)
{
    struct fl_error err = {0};
    *stage = (struct stage){0};
    fl_log_level_set(FL_LOG_ERROR);
    assert_ok(comms_context_create(&stage->context, &err), &err);
    assert_ok(comms_hub_create(stage->context, "inproc://hub", NULL,
                               &stage->hub, &err),
              &err);
    const struct coord_dispatch_opts opts = {
        .hub = stage->hub,
        .welcome = {.run_id = "run",
                    .scenario = "name: x",
                    .cache_dir = "",
                    .data_root = "",
                    .heartbeat_wall_s = 1000},
        .n_params = N_PARAMS,
        .version = "1",
        .silence_wall_s = 1000,
        .patience_wall_s = 1000,
    };
    assert_ok(coord_dispatch_create(&opts, &stage->dispatch, &err), &err);
    assert_ok(coord_shelf_create(N_PARAMS, &stage->shelf, &err), &err);
    assert_ok(coord_vector_take(stage->shelf, &stage->model, &err), &err);
}

static void close_stage(struct stage *stage)
{
    coord_job_fini(&stage->job);
    coord_dispatch_destroy(stage->dispatch);
    for (int i = 0; i < MAX_SPOKES; i++)
        comms_endpoint_destroy(stage->spokes[i], 0);
    comms_endpoint_destroy(stage->hub, 0);
    comms_context_destroy(stage->context);
    coord_vector_drop(stage->model);
    coord_shelf_destroy(stage->shelf);
}

/* Takes turns until nothing more arrives. */
static enum fl_status turns(struct stage *stage, struct fl_error *err)
{
    for (int quiet = 0; quiet < 2;) {
        struct comms_counts before = comms_endpoint_counts(stage->hub);
        FL_TRY(coord_dispatch_turn(stage->dispatch, 0.002, -1, err));
        struct comms_counts after = comms_endpoint_counts(stage->hub);
        bool is_quiet = memcmp(&before, &after, sizeof before) == 0;
        quiet = is_quiet ? quiet + 1 : 0;
    }
    return FL_OK;
}

static void say(struct stage *stage, int who, const struct comms_message *what)
{
    struct fl_error err = {0};
    assert_ok(comms_send(stage->spokes[who], 1, what, NULL, &err), &err);
}

static void join(struct stage *stage,
                 int who,
                 uint32_t slot,
                 uint32_t incarnation,
                 const char *version,
                 const char *kernel)
{
    struct fl_error err = {0};
    assert_ok(comms_spoke_create(stage->context, "inproc://hub", NULL,
                                 &stage->spokes[who], &err),
              &err);
    stage->model_version[who] = -1;
    struct comms_message hello = {.kind = COMMS_HELLO,
                                  .u.hello = {.slot = slot,
                                              .incarnation = incarnation,
                                              .pid = 1,
                                              .host = "h",
                                              .version = version,
                                              .blas_kernel = kernel}};
    say(stage, who, &hello);
    assert_ok(turns(stage, &err), &err);
}

/* The next message for a played process; false: none is there. */
static bool hear(struct stage *stage, int who, struct comms_received *ret)
{
    bool got = false;
    comms_peer closed = 0;
    struct fl_error err = {0};
    assert_ok(
        comms_receive(stage->spokes[who], 0.01, -1, ret, &got, &closed, &err),
        &err);
    assert_int_equal(closed, 0);
    return got;
}

static void answer(struct stage *stage, int who, const struct comms_task *task)
{
    struct comms_client_result results[MAX_ITEMS] = {{0}};
    struct comms_score scores[MAX_ITEMS] = {{0}};
    int64_t sum[N_PARAMS] = {stage->held[who]};
    struct comms_message message = {.kind = COMMS_PARTIAL,
                                    .u.partial = {.task_id = task->id,
                                                  .kind = task->kind,
                                                  .arm = task->arm,
                                                  .round = task->round,
                                                  .clients = results,
                                                  .scores = scores,
                                                  .failure = ""}};
    struct comms_partial *partial = &message.u.partial;
    if (task->kind == COMMS_COLLECT) {
        partial->weight = stage->held[who];
        message.tensors[0] = (struct comms_tensor){COMMS_I64, sum, N_PARAMS};
        message.n_tensors = 1;
        stage->held[who] = stage->n_held[who] = 0;
    }
    for (size_t i = 0; i < task->n_clients; i++) {
        results[i].client = task->clients[i];
        stage->held[who] += task->kind == COMMS_TRAIN ? task->clients[i] : 0;
        stage->n_held[who]++;
    }
    partial->n_clients = task->n_clients;
    partial->busy_wall_s = stage->client_wall_s[who] * (double)task->n_clients;
    if (task->kind == COMMS_TRAIN && stage->first_task[who] == 0)
        stage->first_task[who] = task->n_clients;
    if (task->kind == COMMS_EVALUATE)
        for (int64_t at = 0; at < task->count; at += COMMS_SCORE_BLOCK)
            scores[partial->n_scores++] = (struct comms_score){
                .step = task->first + at + stage->next_shift,
                .n = COMMS_SCORE_BLOCK};
    if (task->kind == COMMS_EVALUATE)
        stage->next_shift = 0;
    say(stage, who, &message);
    if (stage->says_all_twice)
        say(stage, who, &message);
}

/* Plays one message; returns its kind, or COMMS_KIND_LAST_ for none. */
static enum comms_kind play(struct stage *stage, int who)
{
    struct comms_received received;
    if (!hear(stage, who, &received))
        return COMMS_KIND_LAST_;
    enum comms_kind kind = received.message.kind;
    if (kind == COMMS_MODEL) {
        stage->model_version[who] = received.message.u.model.version;
        stage->n_models++;
    }
    if (kind == COMMS_TASK) {
        const struct comms_task *task = &received.message.u.task;
        if (task->kind == COMMS_TRAIN || task->kind == COMMS_EVALUATE)
            assert_int_equal(stage->model_version[who], task->model_version);
        answer(stage, who, task);
    }
    comms_received_fini(&received);
    return kind;
}

static void submit(struct stage *stage, enum comms_task_kind kind, int n)
{
    struct coord_item items[MAX_ITEMS];
    struct fl_error err = {0};
    for (int i = 0; i < n; i++)
        items[i] = (struct coord_item){
            .id = kind == COMMS_EVALUATE ? COMMS_SCORE_BLOCK * i : i,
            .cost_flop = 1e9};
    coord_job_fini(&stage->job); /* of a round before */
    stage->job = (struct coord_job){.kind = kind,
                                    .round = 3,
                                    .model = stage->model,
                                    .model_version = 3,
                                    .slice = COMMS_SCORE_BLOCK,
                                    .limit = COMMS_SCORE_BLOCK * n,
                                    .ops = &ops,
                                    .owner = stage};
    stage->is_done = false;
    assert_ok(coord_job_set_items(&stage->job, items, (size_t)n, &err), &err);
    assert_ok(coord_dispatch_submit(stage->dispatch, &stage->job, &err), &err);
    assert_ok(turns(stage, &err), &err);
}

/* Lets processes [from, to) work until the job is done. */
static void work_to_end(struct stage *stage, int from, int to)
{
    struct fl_error err = {0};
    for (int idle = 0; !stage->is_done;) {
        bool has_played = false;
        for (int who = from; who < to; who++)
            has_played |= play(stage, who) != COMMS_KIND_LAST_;
        assert_ok(turns(stage, &err), &err);
        idle = has_played ? 0 : idle + 1;
        assert_true(idle < 100); /* nobody has work, yet it is not done */
    }
}

static void test_every_client_is_trained_once_and_summed_once(void **state)
{
    (void)state;
    struct stage stage;
    open_stage(&stage);
    for (int who = 0; who < 3; who++)
        join(&stage, who, (uint32_t)who, 0, "1", "k");
    assert_int_equal(coord_dispatch_n_peers(stage.dispatch), 3);
    submit(&stage, COMMS_TRAIN, 40);
    work_to_end(&stage, 0, 3);
    for (int i = 0; i < 40; i++)
        assert_int_equal(stage.n_results[i], 1);
    assert_int_equal(stage.n_members, 40);
    assert_int_equal(stage.sum, 40 * 39 / 2);
    assert_true(stage.n_models <= 3); /* once per process */
    close_stage(&stage);
}

static void test_a_fast_process_is_given_more_than_a_slow_one(void **state)
{
    (void)state;
    struct stage stage;
    open_stage(&stage);
    for (int who = 0; who < 2; who++)
        join(&stage, who, (uint32_t)who, 0, "1", "k");
    stage.client_wall_s[0] = 1;
    stage.client_wall_s[1] = 0.1;
    for (int round = 0; round < 2; round++) { /* measured; then used */
        stage.first_task[0] = stage.first_task[1] = 0;
        submit(&stage, COMMS_TRAIN, 40);
        work_to_end(&stage, 0, 2);
    }
    /* a quarter each, were they alike */
    assert_true(stage.first_task[0] >= 1 && stage.first_task[0] < 5);
    assert_true(stage.first_task[1] >= 2 * stage.first_task[0]);
    assert_int_equal(stage.n_members, 80);
    close_stage(&stage);
}

static void test_slices_of_an_evaluation_are_scored_once(void **state)
{
    (void)state;
    struct stage stage;
    open_stage(&stage);
    join(&stage, 0, 0, 0, "1", "k");
    join(&stage, 1, 1, 0, "1", "k");
    submit(&stage, COMMS_EVALUATE, 33);
    work_to_end(&stage, 0, 2);
    for (int i = 0; i < 33; i++)
        assert_int_equal(stage.n_results[i], 1);
    close_stage(&stage);
}

static void test_the_work_of_a_replaced_process_is_done_again(void **state)
{
    (void)state;
    struct stage stage;
    struct fl_error err = {0};
    open_stage(&stage);
    join(&stage, 0, 0, 0, "1", "k");
    join(&stage, 1, 1, 0, "1", "k");
    submit(&stage, COMMS_TRAIN, 40);
    /* Process 0 trains something that is never collected, and dies with more
     * in its queue. */
    while (stage.n_held[0] == 0)
        assert_true(play(&stage, 0) != COMMS_KIND_LAST_);
    assert_ok(turns(&stage, &err), &err);
    comms_endpoint_destroy(stage.spokes[0], 0);
    stage.spokes[0] = NULL;
    join(&stage, 2, 0, 1, "1", "k"); /* slot 0, next incarnation */
    assert_int_equal(coord_dispatch_n_peers(stage.dispatch), 2);
    assert_int_equal(coord_dispatch_n_lost(stage.dispatch), 1);
    work_to_end(&stage, 1, 3);
    assert_int_equal(stage.n_members, 40);
    assert_int_equal(stage.sum, 40 * 39 / 2);
    close_stage(&stage);
}

static void
test_processes_that_would_compute_other_bits_are_sent_away(void **state)
{
    (void)state;
    static const char *const odd[][2] = {{"2", "k"}, {"1", "other"}};
    struct stage stage;
    open_stage(&stage);
    join(&stage, 0, 0, 0, "1", "k");
    for (int i = 0; i < 2; i++) {
        struct comms_received received;
        join(&stage, 1 + i, 1, 0, odd[i][0], odd[i][1]);
        assert_true(hear(&stage, 1 + i, &received));
        assert_int_equal(received.message.kind, COMMS_BYE);
        assert_non_null(strstr(received.message.u.bye.reason, "allowed"));
        comms_received_fini(&received);
    }
    assert_int_equal(coord_dispatch_n_peers(stage.dispatch), 1);
    close_stage(&stage);
}

static void test_a_wrong_answer_costs_the_peer_not_the_run(void **state)
{
    (void)state;
    struct stage stage;
    struct fl_error err = {0};
    open_stage(&stage);
    join(&stage, 0, 0, 0, "1", "k");
    join(&stage, 1, 1, 0, "1", "k");
    submit(&stage, COMMS_TRAIN, 10);
    struct comms_message lie = {
        .kind = COMMS_PARTIAL,
        .u.partial = {.task_id = 999, .kind = COMMS_TRAIN, .round = 3}};
    say(&stage, 0, &lie);
    assert_ok(turns(&stage, &err), &err);
    assert_int_equal(coord_dispatch_n_peers(stage.dispatch), 1);
    work_to_end(&stage, 1, 2);
    assert_int_equal(stage.sum, 10 * 9 / 2);
    close_stage(&stage);
}

static void test_a_sum_that_cannot_be_is_made_again_by_others(void **state)
{
    (void)state;
    struct stage stage;
    open_stage(&stage);
    join(&stage, 0, 0, 0, "1", "k");
    join(&stage, 1, 1, 0, "1", "k");
    stage.refuses_next_sum = true;
    submit(&stage, COMMS_TRAIN, 20);
    work_to_end(&stage, 0, 2);
    assert_int_equal(coord_dispatch_n_peers(stage.dispatch), 1);
    assert_int_equal(stage.n_members, 20);
    assert_int_equal(stage.sum, 20 * 19 / 2);
    close_stage(&stage);
}

static void test_strangers_and_unasked_messages_are_ignored(void **state)
{
    (void)state;
    struct stage stage;
    struct fl_error err = {0};
    open_stage(&stage);
    join(&stage, 0, 0, 0, "1", "k");
    assert_ok(comms_spoke_create(stage.context, "inproc://hub", NULL,
                                 &stage.spokes[1], &err),
              &err);
    struct comms_message partial = {.kind = COMMS_PARTIAL,
                                    .u.partial = {.task_id = 1}};
    say(&stage, 1, &partial); /* never said hello */
    submit(&stage, COMMS_TRAIN, 5);
    work_to_end(&stage, 0, 1);
    assert_int_equal(stage.sum, 10);
    assert_int_equal(coord_dispatch_n_peers(stage.dispatch), 1);
    struct comms_message welcome = {.kind = COMMS_WELCOME,
                                    .u.welcome = {.run_id = "x"}};
    say(&stage, 0, &welcome); /* only a coordinator says that */
    assert_ok(turns(&stage, &err), &err);
    assert_int_equal(coord_dispatch_n_peers(stage.dispatch), 0);
    close_stage(&stage);
}

static void test_a_failed_task_ends_the_run_with_its_reason(void **state)
{
    (void)state;
    struct stage stage;
    struct fl_error err = {0};
    struct comms_received received;
    open_stage(&stage);
    join(&stage, 0, 7, 0, "1", "k");
    submit(&stage, COMMS_LOCAL, 1);
    uint64_t id = 0;
    while (id == 0) {
        assert_true(hear(&stage, 0, &received));
        if (received.message.kind == COMMS_TASK)
            id = received.message.u.task.id;
        comms_received_fini(&received);
    }
    struct comms_message failed = {.kind = COMMS_PARTIAL,
                                   .u.partial = {.task_id = id,
                                                 .kind = COMMS_LOCAL,
                                                 .round = 3,
                                                 .failure = "no disk"}};
    say(&stage, 0, &failed);
    assert_int_equal(turns(&stage, &err), FL_E_STATE);
    assert_string_equal(err.text, "client process 7: no disk");
    close_stage(&stage);
}

static int64_t n_refused(const struct stage *stage, enum coord_refusal kind)
{
    return coord_dispatch_refusals(stage->dispatch)->n[kind];
}

/* The reason of the BYE that comes next, once other messages are read. */
static void assert_dismissed(struct stage *stage, int who, const char *word)
{
    struct comms_received received;
    for (bool is_over = false; !is_over;) {
        assert_true(hear(stage, who, &received));
        is_over = received.message.kind == COMMS_BYE;
        if (is_over)
            if (!strstr(received.message.u.bye.reason, word))
                fail_msg("'%s' is not in: %s", word,
                         received.message.u.bye.reason);
        comms_received_fini(&received);
    }
}

static void test_who_has_a_number_keeps_it_from_all_but_its_successor(void **_)
{
    (void)_;
    struct stage stage;
    struct fl_error err = {0};
    open_stage(&stage);
    join(&stage, 0, 4, 2, "1", "k");
    for (int who = 1; who < 3; who++) { /* the same, and an older one */
        join(&stage, who, 4, who == 1 ? 2 : 1, "1", "k");
        assert_dismissed(&stage, who, "client process 4 already");
    }
    assert_int_equal(n_refused(&stage, COORD_REFUSED_SLOT), 2);
    assert_int_equal(coord_dispatch_n_lost(stage.dispatch), 0);
    submit(&stage, COMMS_TRAIN, 10);
    join(&stage, 3, 4, 3, "1", "k");
    assert_dismissed(&stage, 0, "its place");
    assert_int_equal(coord_dispatch_n_peers(stage.dispatch), 1);
    work_to_end(&stage, 3, 4);
    assert_int_equal(stage.sum, 10 * 9 / 2);
    assert_ok(turns(&stage, &err), &err);
    close_stage(&stage);
}

static void test_processes_without_a_number_are_given_different_ones(void **_)
{
    (void)_;
    struct stage stage;
    open_stage(&stage);
    for (int who = 0; who < 4; who++)
        join(&stage, who, COMMS_ANY_SLOT, 0, "1", "k");
    assert_int_equal(coord_dispatch_n_peers(stage.dispatch), 4);
    submit(&stage, COMMS_TRAIN, 40);
    work_to_end(&stage, 0, 4);
    assert_int_equal(stage.n_members, 40);
    close_stage(&stage);
}

static void
test_messages_that_come_twice_are_counted_and_change_nothing(void **state)
{
    (void)state;
    static const enum comms_task_kind kinds[] = {COMMS_TRAIN, COMMS_EVALUATE};
    for (int i = 0; i < 2; i++) {
        struct stage stage;
        open_stage(&stage);
        join(&stage, 0, 0, 0, "1", "k");
        struct comms_message hello = {.kind = COMMS_HELLO,
                                      .u.hello = {.incarnation = 1,
                                                  .version = "1",
                                                  .host = "h",
                                                  .blas_kernel = "k"}};
        say(&stage, 0, &hello);
        stage.says_all_twice = true;
        submit(&stage, kinds[i], 20);
        work_to_end(&stage, 0, 1);
        for (int k = 0; k < 20; k++)
            assert_int_equal(stage.n_results[k], 1);
        assert_int_equal(coord_dispatch_n_peers(stage.dispatch), 1);
        assert_int_equal(coord_dispatch_n_lost(stage.dispatch), 0);
        assert_true(n_refused(&stage, COORD_REFUSED_AGAIN) >= 2);
        close_stage(&stage);
    }
}

static void test_scores_of_samples_that_were_not_asked_for_are_refused(void **_)
{
    (void)_;
    static const int64_t shifts[] = {COMMS_SCORE_BLOCK, 1,
                                     1000 * COMMS_SCORE_BLOCK};
    for (size_t i = 0; i < sizeof shifts / sizeof shifts[0]; i++) {
        struct stage stage;
        open_stage(&stage);
        join(&stage, 0, 0, 0, "1", "k");
        join(&stage, 1, 1, 0, "1", "k");
        stage.next_shift = shifts[i];
        submit(&stage, COMMS_EVALUATE, 33);
        work_to_end(&stage, 0, 2);
        for (int k = 0; k < 33; k++)
            assert_int_equal(stage.n_results[k], 1);
        assert_int_equal(coord_dispatch_n_peers(stage.dispatch), 1);
        assert_int_equal(n_refused(&stage, COORD_REFUSED_LIE), 1);
        close_stage(&stage);
    }
}

static void test_who_floods_is_sent_away_and_its_work_done_by_others(void **_)
{
    (void)_;
    struct stage stage;
    struct fl_error err = {0};
    struct comms_message beat = {.kind = COMMS_HEARTBEAT};
    open_stage(&stage);
    join(&stage, 0, 0, 0, "1", "k");
    join(&stage, 1, 1, 0, "1", "k");
    submit(&stage, COMMS_TRAIN, 20);
    for (int i = 0; i < 1000; i++)
        say(&stage, 0, &beat);
    assert_ok(turns(&stage, &err), &err);
    assert_dismissed(&stage, 0, "floods");
    assert_int_equal(n_refused(&stage, COORD_REFUSED_FLOOD), 1);
    assert_int_equal(coord_dispatch_n_peers(stage.dispatch), 1);
    work_to_end(&stage, 1, 2);
    assert_int_equal(stage.n_members, 20);
    close_stage(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_who_has_a_number_keeps_it_from_all_but_its_successor),
        cmocka_unit_test(
            test_processes_without_a_number_are_given_different_ones),
        cmocka_unit_test(
            test_messages_that_come_twice_are_counted_and_change_nothing),
        cmocka_unit_test(
            test_scores_of_samples_that_were_not_asked_for_are_refused),
        cmocka_unit_test(
            test_who_floods_is_sent_away_and_its_work_done_by_others),
        cmocka_unit_test(test_every_client_is_trained_once_and_summed_once),
        cmocka_unit_test(test_a_fast_process_is_given_more_than_a_slow_one),
        cmocka_unit_test(test_slices_of_an_evaluation_are_scored_once),
        cmocka_unit_test(test_the_work_of_a_replaced_process_is_done_again),
        cmocka_unit_test(
            test_processes_that_would_compute_other_bits_are_sent_away),
        cmocka_unit_test(test_a_wrong_answer_costs_the_peer_not_the_run),
        cmocka_unit_test(test_a_sum_that_cannot_be_is_made_again_by_others),
        cmocka_unit_test(test_strangers_and_unasked_messages_are_ignored),
        cmocka_unit_test(test_a_failed_task_ends_the_run_with_its_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
