/* The dispatcher: who may join, and what peers do that they should not. */
#include "dispatch_stage.h"

#include <string.h>

/* The reason of the BYE that comes next, once other messages are read. */
static void assert_dismissed(struct stage *stage, int who, const char *word)
{
    struct comms_received received;
    for (bool is_over = false; !is_over;) {
        assert_true(stage_hear(stage, who, &received));
        is_over = received.message.kind == COMMS_BYE;
        if (is_over)
            if (!strstr(received.message.u.bye.reason, word))
                fail_msg("'%s' is not in: %s", word,
                         received.message.u.bye.reason);
        comms_received_fini(&received);
    }
}

static void
test_processes_that_would_compute_other_bits_are_sent_away(void **state)
{
    (void)state;
    static const char *const odd[][2] = {{"2", "k"}, {"1", "other"}};
    struct stage stage;
    stage_open(&stage, 1);
    for (int i = 0; i < 2; i++) {
        struct comms_received received;
        stage_join(&stage, 1 + i, 1, 0, odd[i][0], odd[i][1]);
        assert_true(stage_hear(&stage, 1 + i, &received));
        assert_int_equal(received.message.kind, COMMS_BYE);
        assert_non_null(strstr(received.message.u.bye.reason, "allowed"));
        comms_received_fini(&received);
    }
    assert_int_equal(coord_dispatch_n_peers(stage.dispatch), 1);
    stage_close(&stage);
}

static void test_a_wrong_answer_costs_the_peer_not_the_run(void **state)
{
    (void)state;
    struct stage stage;
    struct fl_error err = {0};
    stage_open(&stage, 2);
    stage_submit(&stage, COMMS_TRAIN, 10);
    struct comms_message lie = {
        .kind = COMMS_PARTIAL,
        .u.partial = {.task_id = 999, .kind = COMMS_TRAIN, .round = 3}};
    stage_say(&stage, 0, &lie);
    assert_ok(stage_turns(&stage, &err), &err);
    assert_int_equal(coord_dispatch_n_peers(stage.dispatch), 1);
    stage_work_to_end(&stage, 1, 2);
    assert_int_equal(stage.sum, 10 * 9 / 2);
    stage_close(&stage);
}

static void test_strangers_and_unasked_messages_are_ignored(void **state)
{
    (void)state;
    struct stage stage;
    struct fl_error err = {0};
    stage_open(&stage, 1);
    assert_ok(comms_spoke_create(stage.context, "inproc://hub", NULL,
                                 &stage.spokes[1], &err),
              &err);
    struct comms_message partial = {.kind = COMMS_PARTIAL,
                                    .u.partial = {.task_id = 1}};
    stage_say(&stage, 1, &partial); /* never said hello */
    stage_submit(&stage, COMMS_TRAIN, 5);
    stage_work_to_end(&stage, 0, 1);
    assert_int_equal(stage.sum, 10);
    assert_int_equal(coord_dispatch_n_peers(stage.dispatch), 1);
    struct comms_message welcome = {.kind = COMMS_WELCOME,
                                    .u.welcome = {.run_id = "x"}};
    stage_say(&stage, 0, &welcome); /* only a coordinator says that */
    assert_ok(stage_turns(&stage, &err), &err);
    assert_int_equal(coord_dispatch_n_peers(stage.dispatch), 0);
    stage_close(&stage);
}

static void test_who_has_a_number_keeps_it_from_all_but_its_successor(void **_)
{
    (void)_;
    struct stage stage;
    struct fl_error err = {0};
    stage_open(&stage, 0);
    stage_join(&stage, 0, 4, 2, "1", "k");
    for (int who = 1; who < 3; who++) { /* the same, and an older one */
        stage_join(&stage, who, 4, who == 1 ? 2 : 1, "1", "k");
        assert_dismissed(&stage, who, "client process 4 already");
    }
    assert_int_equal(stage_refused(&stage, COORD_REFUSED_SLOT), 2);
    assert_int_equal(coord_dispatch_n_lost(stage.dispatch), 0);
    stage_submit(&stage, COMMS_TRAIN, 10);
    stage_join(&stage, 3, 4, 3, "1", "k");
    assert_dismissed(&stage, 0, "its place");
    assert_int_equal(coord_dispatch_n_peers(stage.dispatch), 1);
    stage_work_to_end(&stage, 3, 4);
    assert_int_equal(stage.sum, 10 * 9 / 2);
    assert_ok(stage_turns(&stage, &err), &err);
    stage_close(&stage);
}

static void test_processes_without_a_number_are_given_different_ones(void **_)
{
    (void)_;
    struct stage stage;
    stage_open(&stage, 0);
    for (int who = 0; who < 4; who++)
        stage_join(&stage, who, COMMS_ANY_SLOT, 0, "1", "k");
    assert_int_equal(coord_dispatch_n_peers(stage.dispatch), 4);
    stage_submit(&stage, COMMS_TRAIN, 40);
    stage_work_to_end(&stage, 0, 4);
    assert_int_equal(stage.n_members, 40);
    stage_close(&stage);
}

static void
test_messages_that_come_twice_are_counted_and_change_nothing(void **state)
{
    (void)state;
    static const enum comms_task_kind kinds[] = {COMMS_TRAIN, COMMS_EVALUATE};
    for (int i = 0; i < 2; i++) {
        struct stage stage;
        stage_open(&stage, 1);
        struct comms_message hello = {.kind = COMMS_HELLO,
                                      .u.hello = {.incarnation = 1,
                                                  .version = "1",
                                                  .host = "h",
                                                  .blas_kernel = "k"}};
        stage_say(&stage, 0, &hello);
        stage.says_all_twice = true;
        stage_submit(&stage, kinds[i], 20);
        stage_work_to_end(&stage, 0, 1);
        for (int k = 0; k < 20; k++)
            assert_int_equal(stage.n_results[k], 1);
        assert_int_equal(coord_dispatch_n_peers(stage.dispatch), 1);
        assert_int_equal(coord_dispatch_n_lost(stage.dispatch), 0);
        assert_true(stage_refused(&stage, COORD_REFUSED_AGAIN) >= 2);
        stage_close(&stage);
    }
}

static void test_scores_of_samples_that_were_not_asked_for_are_refused(void **_)
{
    (void)_;
    static const int64_t shifts[] = {COMMS_SCORE_BLOCK, 1,
                                     1000 * COMMS_SCORE_BLOCK};
    for (size_t i = 0; i < sizeof shifts / sizeof shifts[0]; i++) {
        struct stage stage;
        stage_open(&stage, 2);
        stage.next_shift = shifts[i];
        stage_submit(&stage, COMMS_EVALUATE, 33);
        stage_work_to_end(&stage, 0, 2);
        for (int k = 0; k < 33; k++)
            assert_int_equal(stage.n_results[k], 1);
        assert_int_equal(coord_dispatch_n_peers(stage.dispatch), 1);
        assert_int_equal(stage_refused(&stage, COORD_REFUSED_LIE), 1);
        stage_close(&stage);
    }
}

static void test_who_floods_is_sent_away_and_its_work_done_by_others(void **_)
{
    (void)_;
    struct stage stage;
    struct fl_error err = {0};
    struct comms_message beat = {.kind = COMMS_HEARTBEAT};
    stage_open(&stage, 2);
    stage_submit(&stage, COMMS_TRAIN, 20);
    for (int i = 0; i < 1000; i++)
        stage_say(&stage, 0, &beat);
    assert_ok(stage_turns(&stage, &err), &err);
    assert_dismissed(&stage, 0, "floods");
    assert_int_equal(stage_refused(&stage, COORD_REFUSED_FLOOD), 1);
    assert_int_equal(coord_dispatch_n_peers(stage.dispatch), 1);
    stage_work_to_end(&stage, 1, 2);
    assert_int_equal(stage.n_members, 20);
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_processes_that_would_compute_other_bits_are_sent_away),
        cmocka_unit_test(test_a_wrong_answer_costs_the_peer_not_the_run),
        cmocka_unit_test(test_strangers_and_unasked_messages_are_ignored),
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
