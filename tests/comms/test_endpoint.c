/* A hub and a spoke that both behave, on every transport. */
#include "base/alloc.h"
#include "comms/comms_fixture.h"

#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define ROUNDS 20

static void test_every_kind_arrives_both_ways(void **state)
{
    (void)state;
    for (size_t t = 0; transport_names[t]; t++) {
        struct pair pair;
        pair_open(&pair, transport_names[t], NULL);
        pair_greet(&pair);
        for (uint64_t i = 0; i < (uint64_t)ROUNDS * COMMS_KIND_LAST_; i++) {
            struct fl_rng rng = fl_rng_stream(4, FL_RNG_TEST, t, i);
            struct room room;
            struct comms_message message = random_message(
                &rng, (enum comms_kind)(i % COMMS_KIND_LAST_), &room);
            must_send(pair.spoke, 1, &message);
            struct comms_received up = must_receive(pair.hub);
            assert_true(up.peer == pair.peer);
            assert_same_message(&up.message, &message);
            memcpy(up.message.tensors, message.tensors,
                   sizeof message.tensors); /* who sends has them in arrays */
            must_send(pair.hub, pair.peer, &up.message);
            struct comms_received down = must_receive(pair.spoke);
            assert_true(down.peer == 1);
            assert_same_message(&down.message, &message);
            comms_received_fini(&up);
            comms_received_fini(&down);
        }
        pair_close(&pair);
    }
}

static float *numbered(int64_t n)
{
    float *members = fl_calloc((size_t)n, sizeof *members);
    assert_non_null(members);
    for (int64_t i = 0; i < n; i++)
        members[i] = (float)(i % 1000003);
    return members;
}

static void assert_in_pieces(const struct comms_tensor *tensor,
                             size_t size,
                             size_t n_pieces)
{
    int64_t n = 0;
    assert_null(tensor->data);
    assert_int_equal(tensor->n_pieces, n_pieces);
    for (size_t i = 0; i < n_pieces; i++) {
        assert_int_equal((uintptr_t)tensor->pieces[i].data % size, 0);
        assert_true(tensor->pieces[i].n > 0);
        n += tensor->pieces[i].n;
    }
    assert_true(n == tensor->n);
}

static void test_tensors_arrive_in_aligned_pieces(void **state)
{
    (void)state;
    const int64_t mib = (int64_t)COMMS_FRAME_BYTES;
    const int64_t sizes[] = {0,       1,           15,      16,     mib / 4 - 1,
                             mib / 4, mib / 4 + 1, 1000007, 3 * mib};
    float *members = numbered(3 * mib + 1);
    for (size_t t = 0; transport_names[t]; t++) {
        struct pair pair;
        pair_open(&pair, transport_names[t], NULL);
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            /* the second one starts at an odd place */
            struct comms_message message =
                tensor_message(COMMS_F32, members, sizes[i]);
            message.n_tensors = 4;
            message.tensors[1] = (struct comms_tensor){
                .type = COMMS_F32, .data = members + 1, .n = sizes[i]};
            message.tensors[2] =
                (struct comms_tensor){.type = COMMS_I64, .data = NULL, .n = 0};
            message.tensors[3] = (struct comms_tensor){
                .type = COMMS_I64, .data = members, .n = 3};
            must_send(pair.spoke, 1, &message);
            struct comms_received received = must_receive(pair.hub);
            assert_same_message(&received.message, &message);
            const struct comms_tensor *tensors = received.message.tensors;
            size_t n_pieces = comms_tensor_frames(
                (size_t)sizes[i] * sizeof(float),
                t == 2 ? COMMS_CUT_WHOLE : COMMS_CUT_FRAMES);
            assert_in_pieces(&tensors[0], sizeof(float), n_pieces);
            assert_in_pieces(&tensors[1], sizeof(float), n_pieces);
            assert_in_pieces(&tensors[2], sizeof(int64_t), 0);
            assert_in_pieces(&tensors[3], sizeof(int64_t), 1);
            comms_received_fini(&received);
        }
        pair_close(&pair);
    }
    fl_free(members);
}

static void test_received_messages_outlive_their_endpoint(void **state)
{
    (void)state;
    int64_t n = 1000007;
    float *members = numbered(n);
    struct comms_message message = tensor_message(COMMS_F32, members, n);
    for (size_t t = 0; transport_names[t]; t++) {
        struct pair pair;
        pair_open(&pair, transport_names[t], NULL);
        struct comms_received received[10];
        for (size_t i = 0; i < 10; i++) {
            must_send(pair.spoke, 1, &message);
            received[i] = must_receive(pair.hub);
        }
        for (size_t i = 0; i < 9; i++)
            comms_received_fini(&received[i]);
        pair_close(&pair);
        assert_same_message(&received[9].message, &message);
        comms_received_fini(&received[9]);
        comms_received_fini(&received[9]); /* zeroed by now */
    }
    fl_free(members);
}

static void test_messages_arrive_as_sent_doubled_and_in_order(void **state)
{
    (void)state;
    for (size_t t = 0; transport_names[t]; t++) {
        struct pair pair;
        pair_open(&pair, transport_names[t], NULL);
        const uint64_t numbers[] = {5, 5, 2, 9, 2, 1};
        for (size_t i = 0; i < 6; i++) {
            struct comms_message message = beat(numbers[i]);
            must_send(pair.spoke, 1, &message);
        }
        for (size_t i = 0; i < 6; i++) {
            struct comms_received received = must_receive(pair.hub);
            assert_true(received.message.u.heartbeat.task_id == numbers[i]);
            comms_received_fini(&received);
        }
        pair_close(&pair);
    }
}

static void test_what_was_sent_before_the_hub_listens_arrives(void **state)
{
    (void)state;
    struct fl_error err;
    struct comms_context *context;
    struct comms_endpoint *hub, *spoke;
    char address[128], dir[64];
    fresh_address("ipc", address, dir);
    assert_ok(comms_context_create(&context, &err), &err);
    assert_ok(comms_spoke_create(context, address, NULL, &spoke, &err), &err);
    struct comms_message message = beat(7);
    must_send(spoke, 1, &message);
    assert_ok(comms_hub_create(context, address, NULL, &hub, &err), &err);
    struct comms_received received = must_receive(hub);
    assert_same_message(&received.message, &message);
    comms_received_fini(&received);
    comms_endpoint_destroy(spoke, 0.0);
    comms_endpoint_destroy(hub, 0.0);
    comms_context_destroy(context);
    remove_dir(dir);
}

static void test_what_lingers_arrives_after_the_spoke_is_gone(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, "tcp", NULL);
    struct fl_error err;
    struct comms_context *other;
    struct comms_endpoint *spoke;
    assert_ok(comms_context_create(&other, &err), &err);
    assert_ok(comms_spoke_create(other, comms_endpoint_address(pair.hub), NULL,
                                 &spoke, &err),
              &err);
    struct comms_message message = beat(1);
    must_send(spoke, 1, &message);
    comms_endpoint_destroy(spoke, PATIENCE_WALL_S);
    comms_context_destroy(other);
    struct comms_received received = must_receive(pair.hub);
    assert_same_message(&received.message, &message);
    comms_received_fini(&received);
    pair_close(&pair);
}

static void test_both_ends_count_the_same_bytes(void **state)
{
    (void)state;
    for (size_t t = 0; transport_names[t]; t++) {
        struct pair pair;
        pair_open(&pair, transport_names[t], NULL);
        struct comms_counts expected = {0};
        for (uint64_t i = 0; i < 70; i++) {
            struct fl_rng rng = fl_rng_stream(5, FL_RNG_TEST, t, i);
            struct room room;
            struct fl_error err;
            struct comms_message message = random_message(
                &rng, (enum comms_kind)(i % COMMS_KIND_LAST_), &room);
            int64_t bytes = 0;
            assert_ok(comms_message_bytes(&message, &bytes, &err), &err);
            assert_true(bytes >= COMMS_HEADER_BYTES);
            expected.sent[message.kind].messages++;
            expected.sent[message.kind].bytes += bytes;
            must_send(pair.spoke, 1, &message);
            struct comms_received received = must_receive(pair.hub);
            comms_received_fini(&received);
        }
        struct comms_counts spoke = comms_endpoint_counts(pair.spoke);
        struct comms_counts hub = comms_endpoint_counts(pair.hub);
        assert_memory_equal(spoke.sent, expected.sent, sizeof spoke.sent);
        assert_memory_equal(hub.received, expected.sent, sizeof hub.received);
        assert_true(hub.refused == 0 && hub.dropped == 0);
        pair_close(&pair);
    }
}

static void test_bytes_are_header_metadata_and_tensors(void **state)
{
    (void)state;
    struct fl_error err;
    struct comms_message message = tensor_message(COMMS_F32, NULL, 1000000);
    int64_t bytes = 0;
    assert_ok(comms_message_bytes(&message, &bytes, &err), &err);
    /* 32 header; tensor: 2 + n (1 + 3) + frames (1 + 1); model: 2 */
    assert_true(bytes == 32 + 8 + 2 + 4000000);
}

static void test_no_message_in_time_is_no_error(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, "inproc", NULL);
    struct fl_error err;
    struct comms_received received;
    comms_peer closed = 9;
    bool got = true;
    const double waits_wall_s[] = {0.0, 1e-9, 0.01};
    for (size_t i = 0; i < 3; i++) {
        assert_ok(comms_receive(pair.hub, waits_wall_s[i], -1, &received, &got,
                                &closed, &err),
                  &err);
        assert_false(got);
        assert_true(closed == 0);
    }
    assert_int_equal(comms_receive(pair.hub, (double)NAN, -1, &received, &got,
                                   &closed, &err),
                     FL_E_ARG);
    pair_close(&pair);
}

static void test_another_descriptor_ends_the_wait(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    struct pair pair;
    pair_open(&pair, "tcp", NULL);
    struct fl_error err;
    struct comms_received received;
    comms_peer closed = 0;
    bool got = true;
    assert_ok(
        comms_receive(pair.hub, -1.0, ends[0], &received, &got, &closed, &err),
        &err);
    assert_false(got);
    pair_greet(&pair); /* and messages still come */
    (void)close(ends[0]);
    (void)close(ends[1]);
    pair_close(&pair);
}

static void on_alarm(int number)
{
    (void)number;
}

static void test_a_signal_ends_the_wait(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, "ipc", NULL);
    const struct sigaction action = {.sa_handler = on_alarm};
    struct sigaction before;
    assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
    /* again and again, in case one comes before the wait has begun */
    const struct itimerval soon = {{0, 20000}, {0, 20000}}, never = {{0}, {0}};
    assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
    struct fl_error err;
    struct comms_received received;
    comms_peer closed = 0;
    bool got = true;
    enum fl_status status =
        comms_receive(pair.hub, -1.0, -1, &received, &got, &closed, &err);
    assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
    assert_ok(status, &err);
    assert_false(got);
    pair_close(&pair);
}

static void test_impossible_messages_are_not_sent(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, "inproc", NULL);
    pair_greet(&pair);
    struct fl_error err;
    struct comms_message no_data = tensor_message(COMMS_F32, NULL, 1);
    assert_int_equal(comms_send(pair.spoke, 1, &no_data, NULL, &err), FL_E_ARG);
    struct comms_message fine = beat(1);
    assert_int_equal(comms_send(pair.spoke, 2, &fine, NULL, &err), FL_E_ARG);
    assert_int_equal(comms_send(pair.spoke, 0, &fine, NULL, &err), FL_E_ARG);
    assert_int_equal(comms_send(pair.hub, 99, &fine, NULL, &err), FL_E_ARG);
    must_send(pair.spoke, 1, &fine); /* nothing is left half sent */
    struct comms_received received = must_receive(pair.hub);
    assert_same_message(&received.message, &fine);
    comms_received_fini(&received);
    pair_close(&pair);
}

static void test_a_closed_peer_is_neither_heard_nor_told(void **state)
{
    (void)state;
    for (size_t t = 0; transport_names[t]; t++) {
        struct pair pair;
        struct comms_endpoint *other;
        struct fl_error err;
        pair_open(&pair, transport_names[t], NULL);
        pair_greet(&pair);
        assert_ok(comms_spoke_create(pair.context,
                                     comms_endpoint_address(pair.hub), NULL,
                                     &other, &err),
                  &err);
        comms_peer_close(pair.hub, pair.peer);
        comms_peer_close(pair.hub, 12345); /* unknown: nothing happens */
        struct comms_message message = beat(1);
        assert_int_equal(comms_send(pair.hub, pair.peer, &message, NULL, &err),
                         FL_E_STATE);
        for (int i = 0; i < 3; i++)
            must_send(pair.spoke, 1, &message);
        /* The hub takes its peers in turn, so among 8 messages of the other
         * one, those 3 have been seen. */
        struct comms_message last = beat(2);
        for (int i = 0; i < 8; i++)
            must_send(other, 1, &last);
        for (int i = 0; i < 8; i++) {
            struct comms_received received = must_receive(pair.hub);
            assert_true(received.peer == 2);
            assert_same_message(&received.message, &last);
            comms_received_fini(&received);
        }
        struct comms_received none;
        comms_peer closed;
        bool got;
        while (comms_endpoint_counts(pair.hub).dropped < 3)
            assert_ok(
                comms_receive(pair.hub, 0.01, -1, &none, &got, &closed, &err),
                &err);
        assert_true(comms_endpoint_counts(pair.hub).refused == 0);
        comms_endpoint_destroy(other, 0.0);
        pair_close(&pair);
    }
}

static void test_every_failed_allocation_of_a_life_is_told(void **state)
{
    (void)state;
    struct fl_rng rng = fl_rng_stream(6, FL_RNG_TEST, 0, 0);
    struct room room;
    struct comms_message message = random_message(&rng, COMMS_PARTIAL, &room);
    message.n_tensors = 1;
    message.tensors[0] = (struct comms_tensor){
        .type = COMMS_I64, .data = room.members[0], .n = 9};
    struct fl_error err;
    enum fl_status status = FL_E_NOMEM;
    long nth = 0;
    while (status != FL_OK) {
        struct comms_context *context = NULL;
        struct comms_endpoint *hub = NULL, *spoke = NULL;
        struct comms_received received = {0};
        comms_peer closed = 0;
        bool got = false;
        (void)fl_alloc_fail_at(++nth);
        status = comms_context_create(&context, &err);
        if (status == FL_OK)
            status =
                comms_hub_create(context, "inproc://hub", NULL, &hub, &err);
        if (status == FL_OK)
            status =
                comms_spoke_create(context, "inproc://hub", NULL, &spoke, &err);
        if (status == FL_OK)
            status = comms_send(spoke, 1, &message, NULL, &err);
        if (status == FL_OK)
            status = comms_receive(hub, PATIENCE_WALL_S, -1, &received, &got,
                                   &closed, &err);
        (void)fl_alloc_fail_at(0);
        assert_true(status == FL_OK ? got : status == FL_E_NOMEM);
        comms_received_fini(&received);
        comms_endpoint_destroy(spoke, 0.0);
        comms_endpoint_destroy(hub, 0.0);
        comms_context_destroy(context);
    }
    assert_true(nth > 15);
}

static void
test_a_message_lost_to_memory_leaves_the_next_one_whole(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, "ipc", NULL);
    pair_greet(&pair);
    int64_t n = 700001; /* three frames */
    float *members = numbered(n);
    struct comms_message message = tensor_message(COMMS_F32, members, n);
    struct fl_error err;
    enum fl_status status = FL_E_NOMEM;
    for (long nth = 1; status != FL_OK; nth++) {
        struct comms_received received = {0};
        comms_peer closed = 0;
        bool got = false;
        must_send(pair.spoke, 1, &message);
        (void)fl_alloc_fail_at(nth);
        status = comms_receive(pair.hub, PATIENCE_WALL_S, -1, &received, &got,
                               &closed, &err);
        (void)fl_alloc_fail_at(0);
        assert_true(status == FL_OK ? got : status == FL_E_NOMEM);
        if (got)
            assert_same_message(&received.message, &message);
        comms_received_fini(&received);
    }
    fl_free(members);
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_arrives_both_ways),
        cmocka_unit_test(test_tensors_arrive_in_aligned_pieces),
        cmocka_unit_test(test_received_messages_outlive_their_endpoint),
        cmocka_unit_test(test_messages_arrive_as_sent_doubled_and_in_order),
        cmocka_unit_test(test_what_was_sent_before_the_hub_listens_arrives),
        cmocka_unit_test(test_what_lingers_arrives_after_the_spoke_is_gone),
        cmocka_unit_test(test_both_ends_count_the_same_bytes),
        cmocka_unit_test(test_bytes_are_header_metadata_and_tensors),
        cmocka_unit_test(test_no_message_in_time_is_no_error),
        cmocka_unit_test(test_another_descriptor_ends_the_wait),
        cmocka_unit_test(test_a_signal_ends_the_wait),
        cmocka_unit_test(test_impossible_messages_are_not_sent),
        cmocka_unit_test(test_a_closed_peer_is_neither_heard_nor_told),
        cmocka_unit_test(test_every_failed_allocation_of_a_life_is_told),
        cmocka_unit_test(
            test_a_message_lost_to_memory_leaves_the_next_one_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
