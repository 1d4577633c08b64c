/* The dispatcher: who is given which work, and what becomes of it. */
#include "dispatch_stage.h"

static void test_every_client_is_trained_once_and_summed_once(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, 3);
    assert_int_equal(coord_dispatch_n_peers(stage.dispatch), 3);
    stage_submit(&stage, COMMS_TRAIN, 40);
    stage_work_to_end(&stage, 0, 3);
    for (int i = 0; i < 40; i++)
        assert_int_equal(stage.n_results[i], 1);
    assert_int_equal(stage.n_members, 40);
    assert_int_equal(stage.sum, 40 * 39 / 2);
    assert_true(stage.n_models <= 3); /* once per process */
    stage_close(&stage);
}

static void test_a_fast_process_is_given_more_than_a_slow_one(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, 2);
    stage.client_wall_s[0] = 1;
    stage.client_wall_s[1] = 0.1;
    for (int round = 0; round < 2; round++) { /* measured; then used */
        stage.first_task[0] = stage.first_task[1] = 0;
        stage_submit(&stage, COMMS_TRAIN, 40);
        stage_work_to_end(&stage, 0, 2);
    }
    /* a quarter each, were they alike */
    assert_true(stage.first_task[0] >= 1 && stage.first_task[0] < 5);
    assert_true(stage.first_task[1] >= 2 * stage.first_task[0]);
    assert_int_equal(stage.n_members, 80);
    stage_close(&stage);
}

/* The kinds of the next n tasks that a process is sent. */
static void hear_tasks(struct stage *stage, enum comms_task_kind *ret, int n)
{
    struct comms_received received;
    struct fl_error err = {0};
    for (int at = 0, turns = 0; at < n; turns++) {
        assert_true(turns < 200);
        assert_ok(coord_dispatch_turn(stage->dispatch, 0.1, -1, &err), &err);
        while (stage_hear(stage, 0, &received)) {
            if (received.message.kind == COMMS_TASK && at < n)
                ret[at++] = received.message.u.task.kind;
            comms_received_fini(&received);
        }
    }
}

/* Before anything was measured a client is taken for 0.05 s. */
static void test_the_next_task_is_sent_before_the_first_is_done(void **state)
{
    (void)state;
    struct stage stage;
    enum comms_task_kind kinds[2];
    stage_open(&stage, 1);
    stage_hand_in(&stage, &stage.job, COMMS_TRAIN, false, 4);
    hear_tasks(&stage, kinds, 2);
    assert_int_equal(kinds[0], COMMS_TRAIN);
    assert_int_equal(kinds[1], COMMS_TRAIN);
    stage_close(&stage);
}

static void test_nothing_stands_behind_a_task_that_takes_long(void **state)
{
    (void)state;
    struct stage stage;
    struct comms_received received;
    int n_tasks = 0;
    stage_open(&stage, 1);
    stage.client_wall_s[0] = 1000;
    stage_submit(&stage, COMMS_TRAIN, 4);
    stage_work_to_end(&stage, 0, 1);
    stage_submit(&stage, COMMS_TRAIN, 4);
    while (stage_hear(&stage, 0, &received)) {
        n_tasks += received.message.kind == COMMS_TASK;
        comms_received_fini(&received);
    }
    assert_int_equal(n_tasks, 1);
    stage_close(&stage);
}

static void
test_what_nobody_waits_for_is_scored_behind_the_training(void **state)
{
    (void)state;
    for (int is_patient = 0; is_patient < 2; is_patient++) {
        static const enum comms_task_kind expected[2][3] = {
            {COMMS_EVALUATE, COMMS_TRAIN, COMMS_COLLECT},
            {COMMS_TRAIN, COMMS_COLLECT, COMMS_EVALUATE}};
        struct stage stage;
        struct coord_job scoring;
        enum comms_task_kind kinds[3];
        stage_open(&stage, 1);
        stage_hand_in(&stage, &scoring, COMMS_EVALUATE, is_patient, 1);
        stage_hand_in(&stage, &stage.job, COMMS_TRAIN, false, 1);
        hear_tasks(&stage, kinds, 3);
        assert_memory_equal(kinds, expected[is_patient], sizeof kinds);
        stage_close(&stage);
        coord_job_fini(&scoring);
    }
}

static void test_slices_of_an_evaluation_are_scored_once(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, 2);
    stage_submit(&stage, COMMS_EVALUATE, 33);
    stage_work_to_end(&stage, 0, 2);
    for (int i = 0; i < 33; i++)
        assert_int_equal(stage.n_results[i], 1);
    stage_close(&stage);
}

static void test_the_work_of_a_replaced_process_is_done_again(void **state)
{
    (void)state;
    struct stage stage;
    struct fl_error err = {0};
    stage_open(&stage, 2);
    stage_submit(&stage, COMMS_TRAIN, 40);
    /* Process 0 trains something that is never collected, and dies with more
     * in its queue. */
    while (stage.n_held[0] == 0)
        assert_true(stage_play(&stage, 0) != COMMS_KIND_LAST_);
    assert_ok(stage_turns(&stage, &err), &err);
    comms_endpoint_destroy(stage.spokes[0], 0);
    stage.spokes[0] = NULL;
    stage_join(&stage, 2, 0, 1, "1", "k"); /* slot 0, next incarnation */
    assert_int_equal(coord_dispatch_n_peers(stage.dispatch), 2);
    assert_int_equal(coord_dispatch_n_lost(stage.dispatch), 1);
    stage_work_to_end(&stage, 1, 3);
    assert_int_equal(stage.n_members, 40);
    assert_int_equal(stage.sum, 40 * 39 / 2);
    stage_close(&stage);
}

static void test_a_sum_that_cannot_be_is_made_again_by_others(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, 2);
    stage.refuses_next_sum = true;
    stage_submit(&stage, COMMS_TRAIN, 20);
    stage_work_to_end(&stage, 0, 2);
    assert_int_equal(coord_dispatch_n_peers(stage.dispatch), 1);
    assert_int_equal(stage.n_members, 20);
    assert_int_equal(stage.sum, 20 * 19 / 2);
    stage_close(&stage);
}

static void test_a_failed_task_ends_the_run_with_its_reason(void **state)
{
    (void)state;
    struct stage stage;
    struct fl_error err = {0};
    struct comms_received received;
    stage_open(&stage, 0);
    stage_join(&stage, 0, 7, 0, "1", "k");
    stage_submit(&stage, COMMS_LOCAL, 1);
    uint64_t id = 0;
    while (id == 0) {
        assert_true(stage_hear(&stage, 0, &received));
        if (received.message.kind == COMMS_TASK)
            id = received.message.u.task.id;
        comms_received_fini(&received);
    }
    struct comms_message failed = {.kind = COMMS_PARTIAL,
                                   .u.partial = {.task_id = id,
                                                 .kind = COMMS_LOCAL,
                                                 .round = 3,
                                                 .failure = "no disk"}};
    stage_say(&stage, 0, &failed);
    assert_int_equal(stage_turns(&stage, &err), FL_E_STATE);
    assert_string_equal(err.text, "client process 7: no disk");
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_client_is_trained_once_and_summed_once),
        cmocka_unit_test(test_a_fast_process_is_given_more_than_a_slow_one),
        cmocka_unit_test(test_the_next_task_is_sent_before_the_first_is_done),
        cmocka_unit_test(test_nothing_stands_behind_a_task_that_takes_long),
        cmocka_unit_test(
            test_what_nobody_waits_for_is_scored_behind_the_training),
        cmocka_unit_test(test_slices_of_an_evaluation_are_scored_once),
        cmocka_unit_test(test_the_work_of_a_replaced_process_is_done_again),
        cmocka_unit_test(test_a_sum_that_cannot_be_is_made_again_by_others),
        cmocka_unit_test(test_a_failed_task_ends_the_run_with_its_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
