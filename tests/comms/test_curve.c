/* Encrypted connections: who has the run's keys gets through, nobody else. */
#include "base/alloc.h"
#include "base/clock.h"
#include "comms/comms_fixture.h"
#include "comms/keys.h"

#include <stdio.h>
#include <string.h>
#include <zmq.h>

struct stage {
    struct comms_run_keys keys;
    struct comms_context *context, *other; /* of the hub; of the spokes */
    struct comms_endpoint *hub;
    char dir[64];
};

static void open_stage(struct stage *stage, const char *transport)
{
    struct fl_error err = {0};
    char address[128];
    fresh_address(transport, address, stage->dir);
    assert_ok(comms_run_keys_make(&stage->keys, &err), &err);
    assert_ok(comms_context_create(&stage->context, &err), &err);
    assert_ok(comms_context_create(&stage->other, &err), &err);
    assert_ok(comms_hub_create_keyed(stage->context, address, &stage->keys.hub,
                                     NULL, &stage->hub, &err),
              &err);
}

static void close_stage(struct stage *stage)
{
    comms_context_destroy(stage->other);
    comms_endpoint_destroy(stage->hub, 0);
    comms_context_destroy(stage->context);
    remove_dir(stage->dir);
}

static struct comms_endpoint *join(struct stage *stage,
                                   const struct comms_keys *keys)
{
    struct fl_error err = {0};
    struct comms_endpoint *spoke = NULL;
    struct comms_message message = beat(1);
    assert_ok(comms_spoke_create_keyed(stage->other,
                                       comms_endpoint_address(stage->hub), keys,
                                       NULL, &spoke, &err),
              &err);
    must_send(spoke, 1, &message);
    return spoke;
}

/* Both ways; the hub's peer of the spoke. */
static comms_peer assert_heard(struct stage *stage,
                               struct comms_endpoint *spoke)
{
    struct comms_received received = must_receive(stage->hub);
    comms_peer peer = received.peer;
    assert_int_equal(received.message.kind, COMMS_HEARTBEAT);
    comms_received_fini(&received);
    struct comms_message message = beat(2);
    must_send(stage->hub, peer, &message);
    received = must_receive(spoke);
    assert_same_message(&received.message, &message);
    comms_received_fini(&received);
    return peer;
}

/* Waits until the hub has refused somebody so, and heard nobody. */
static struct comms_refusals assert_refused(struct stage *stage,
                                            enum comms_refusal kind)
{
    double end_wall_s = fl_clock_wall_s() + PATIENCE_WALL_S;
    struct comms_refusals refusals = comms_endpoint_refusals(stage->hub);
    while (refusals.n[kind] == 0 && fl_clock_wall_s() < end_wall_s) {
        struct comms_received received;
        struct fl_error err = {0};
        bool got = false;
        comms_peer closed = 0;
        assert_ok(
            comms_receive(stage->hub, 0.01, -1, &received, &got, &closed, &err),
            &err);
        assert_false(got);
        assert_int_equal(closed, 0);
        refusals = comms_endpoint_refusals(stage->hub);
    }
    assert_true(refusals.n[kind] > 0);
    return refusals;
}

/* The run goes on for who has the keys. */
static void assert_open_for_ours(struct stage *stage)
{
    struct comms_endpoint *spoke = join(stage, &stage->keys.spoke);
    assert_heard(stage, spoke);
    comms_endpoint_destroy(spoke, 0);
}

static void test_who_has_the_keys_talks_over_tcp_and_ipc(void **state)
{
    (void)state;
    static const char *const transports[] = {"tcp", "ipc"};
    for (int i = 0; i < 2; i++) {
        struct stage stage;
        open_stage(&stage, transports[i]);
        struct comms_endpoint *spokes[3];
        for (int k = 0; k < 3; k++) {
            spokes[k] = join(&stage, &stage.keys.spoke);
            assert_int_equal(assert_heard(&stage, spokes[k]), k + 1);
        }
        const struct comms_refusals refusals =
            comms_endpoint_refusals(stage.hub);
        for (int k = 0; k < COMMS_REFUSED_LAST_; k++)
            assert_int_equal(refusals.n[k], 0);
        for (int k = 0; k < 3; k++)
            comms_endpoint_destroy(spokes[k], 0);
        close_stage(&stage);
    }
}

static void test_tensors_of_many_frames_arrive_as_they_were_sent(void **state)
{
    (void)state;
    enum { N = 1200000 }; /* 4.8 MB: 5 frames */
    struct stage stage;
    open_stage(&stage, "tcp");
    struct comms_endpoint *spoke = join(&stage, &stage.keys.spoke);
    comms_peer peer = assert_heard(&stage, spoke);
    float *data = fl_calloc(N, sizeof *data);
    for (int i = 0; i < N; i++)
        data[i] = (float)i;
    struct comms_message message = tensor_message(COMMS_F32, data, N);
    must_send(stage.hub, peer, &message);
    struct comms_received received = must_receive(spoke);
    assert_same_message(&received.message, &message);
    comms_received_fini(&received);
    fl_free(data);
    comms_endpoint_destroy(spoke, 0);
    close_stage(&stage);
}

static void test_who_does_not_encrypt_is_not_heard(void **state)
{
    (void)state;
    struct stage stage;
    open_stage(&stage, "tcp");
    struct comms_endpoint *plain = join(&stage, NULL);
    assert_refused(&stage, COMMS_REFUSED_PLAIN);
    comms_endpoint_destroy(plain, 0);
    assert_open_for_ours(&stage);
    close_stage(&stage);
}

static void test_a_key_of_another_run_is_not_admitted(void **state)
{
    (void)state;
    struct stage stage;
    struct comms_run_keys others;
    struct fl_error err = {0};
    open_stage(&stage, "tcp");
    assert_ok(comms_run_keys_make(&others, &err), &err);
    /* It knows our public key, which is no secret, but has its own pair. */
    memcpy(others.spoke.peer_key, stage.keys.hub.public_key, COMMS_KEY_TEXT);
    struct comms_endpoint *stranger = join(&stage, &others.spoke);
    struct comms_refusals refusals = assert_refused(&stage, COMMS_REFUSED_KEY);
    assert_string_equal(refusals.key_address, "127.0.0.1");
    comms_endpoint_destroy(stranger, 0);
    assert_open_for_ours(&stage);
    close_stage(&stage);
}

static void test_a_spoke_talks_to_no_other_hub_than_its_own(void **state)
{
    (void)state;
    struct stage stage;
    struct comms_run_keys others;
    struct fl_error err = {0};
    open_stage(&stage, "tcp");
    assert_ok(comms_run_keys_make(&others, &err), &err);
    struct comms_endpoint *lost = join(&stage, &others.spoke);
    assert_refused(&stage, COMMS_REFUSED_SHAKE);
    comms_endpoint_destroy(lost, 0);
    assert_open_for_ours(&stage);
    close_stage(&stage);
}

static void test_an_encrypting_spoke_says_nothing_to_a_plain_hub(void **state)
{
    (void)state;
    struct pair pair;
    struct comms_run_keys keys;
    struct fl_error err = {0};
    pair_open(&pair, "tcp", NULL);
    pair_greet(&pair);
    assert_ok(comms_run_keys_make(&keys, &err), &err);
    struct comms_context *context = NULL;
    struct comms_endpoint *spoke = NULL;
    assert_ok(comms_context_create(&context, &err), &err);
    assert_ok(comms_spoke_create_keyed(context,
                                       comms_endpoint_address(pair.hub),
                                       &keys.spoke, NULL, &spoke, &err),
              &err);
    struct comms_message message = beat(7);
    must_send(spoke, 1, &message);
    /* What the other spoke says later is heard, and nothing else. */
    message = beat(8);
    for (int i = 0; i < 50; i++) {
        must_send(pair.spoke, 1, &message);
        struct comms_received received = must_receive(pair.hub);
        assert_int_equal(received.peer, pair.peer);
        comms_received_fini(&received);
    }
    comms_endpoint_destroy(spoke, 0);
    comms_context_destroy(context);
    pair_close(&pair);
}

/* What our gate relies on beside itself. */
static void test_zeromq_admits_nobody_where_a_domain_has_no_handler(void **_)
{
    (void)_;
    struct comms_run_keys keys;
    struct fl_error err = {0};
    char address[128];
    size_t size = sizeof address;
    const int on = 1, none = 0, wait_ms = 300;
    assert_ok(comms_run_keys_make(&keys, &err), &err);
    void *zmq = zmq_ctx_new();
    void *hub = zmq_socket(zmq, ZMQ_ROUTER),
         *spoke = zmq_socket(zmq, ZMQ_DEALER);
    zmq_setsockopt(hub, ZMQ_CURVE_SERVER, &on, sizeof on);
    zmq_setsockopt(hub, ZMQ_CURVE_SECRETKEY, keys.hub.secret_key,
                   COMMS_KEY_TEXT);
    zmq_setsockopt(hub, ZMQ_ZAP_DOMAIN, "fedcarbon", 9);
    assert_int_equal(zmq_setsockopt(hub, 93, &on, sizeof on), 0);
    zmq_setsockopt(hub, ZMQ_RCVTIMEO, &wait_ms, sizeof wait_ms);
    zmq_setsockopt(hub, ZMQ_LINGER, &none, sizeof none);
    assert_int_equal(zmq_bind(hub, "tcp://127.0.0.1:*"), 0);
    assert_int_equal(zmq_getsockopt(hub, ZMQ_LAST_ENDPOINT, address, &size), 0);
    zmq_setsockopt(spoke, ZMQ_CURVE_PUBLICKEY, keys.spoke.public_key,
                   COMMS_KEY_TEXT);
    zmq_setsockopt(spoke, ZMQ_CURVE_SECRETKEY, keys.spoke.secret_key,
                   COMMS_KEY_TEXT);
    zmq_setsockopt(spoke, ZMQ_CURVE_SERVERKEY, keys.hub.public_key,
                   COMMS_KEY_TEXT);
    zmq_setsockopt(spoke, ZMQ_LINGER, &none, sizeof none);
    assert_int_equal(zmq_connect(spoke, address), 0);
    assert_int_equal(zmq_send(spoke, "x", 1, 0), 1);
    assert_int_equal(zmq_recv(hub, address, sizeof address, 0), -1);
    zmq_close(spoke);
    zmq_close(hub);
    zmq_ctx_term(zmq);
}

static void test_inproc_with_keys_and_a_second_gate_are_errors(void **state)
{
    (void)state;
    struct stage stage;
    struct fl_error err = {0};
    struct comms_endpoint *second = NULL;
    open_stage(&stage, "tcp");
    assert_int_equal(comms_hub_create_keyed(stage.other, "inproc://x",
                                            &stage.keys.hub, NULL, &second,
                                            &err),
                     FL_E_CONFIG);
    assert_non_null(strstr(err.text, "never encrypted"));
    assert_int_equal(comms_hub_create_keyed(stage.context, "tcp://127.0.0.1:0",
                                            &stage.keys.hub, NULL, &second,
                                            &err),
                     FL_E_IO);
    assert_non_null(strstr(err.text, "a context has one"));
    assert_null(second);
    assert_open_for_ours(&stage);
    close_stage(&stage);
}

static void test_keys_of_two_runs_differ_and_damage_is_seen(void **state)
{
    (void)state;
    struct comms_run_keys a, b;
    struct fl_error err = {0};
    assert_ok(comms_run_keys_make(&a, &err), &err);
    assert_ok(comms_run_keys_make(&b, &err), &err);
    assert_true(comms_keys_are_sound(&a.hub) && comms_keys_are_sound(&a.spoke));
    assert_string_equal(a.hub.peer_key, a.spoke.public_key);
    assert_string_equal(a.spoke.peer_key, a.hub.public_key);
    assert_string_not_equal(a.hub.secret_key, a.spoke.secret_key);
    assert_string_not_equal(a.hub.secret_key, b.hub.secret_key);
    assert_string_not_equal(a.spoke.secret_key, b.spoke.secret_key);
    struct comms_keys mixed = a.spoke;
    memcpy(mixed.secret_key, b.spoke.secret_key, COMMS_KEY_TEXT);
    assert_false(comms_keys_are_sound(&mixed));
    mixed = a.spoke;
    mixed.peer_key[3] = ' '; /* no Z85 */
    assert_false(comms_keys_are_sound(&mixed));
    mixed = a.spoke;
    mixed.secret_key[20] = '\0';
    assert_false(comms_keys_are_sound(&mixed));
    comms_run_keys_forget(&a);
    const struct comms_run_keys nothing = {0};
    assert_memory_equal(&a, &nothing, sizeof a);
}

static void test_what_stays_on_this_host_is_told_from_what_does_not(void **_)
{
    (void)_;
    static const struct {
        const char *address;
        bool is_private;
    } rows[] = {
        {"ipc:///tmp/x", true},
        {"inproc://x", true},
        {"tcp://127.0.0.1:1", true},
        {"tcp://127.8.9.10:0", true},
        {"tcp://localhost:5", true},
        {"tcp://*:0", false},
        {"tcp://0.0.0.0:7", false},
        {"tcp://192.0.2.1:7", false},
        {"tcp://128.0.0.1:7", false},
        {"tcp://eth0:7", false},
        {"tcp://no.such.invalid:7", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fl_error err = {0};
        bool is_private = !rows[i].is_private;
        assert_ok(comms_address_is_private(rows[i].address, &is_private, &err),
                  &err);
        if (is_private != rows[i].is_private)
            fail_msg("%s is taken for %s", rows[i].address,
                     is_private ? "private" : "public");
    }
    bool is_private = false;
    assert_int_equal(comms_address_is_private("udp://x:1", &is_private, NULL),
                     FL_E_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_has_the_keys_talks_over_tcp_and_ipc),
        cmocka_unit_test(test_tensors_of_many_frames_arrive_as_they_were_sent),
        cmocka_unit_test(test_who_does_not_encrypt_is_not_heard),
        cmocka_unit_test(test_a_key_of_another_run_is_not_admitted),
        cmocka_unit_test(test_a_spoke_talks_to_no_other_hub_than_its_own),
        cmocka_unit_test(test_an_encrypting_spoke_says_nothing_to_a_plain_hub),
        cmocka_unit_test(
            test_zeromq_admits_nobody_where_a_domain_has_no_handler),
        cmocka_unit_test(test_inproc_with_keys_and_a_second_gate_are_errors),
        cmocka_unit_test(test_keys_of_two_runs_differ_and_damage_is_seen),
        cmocka_unit_test(
            test_what_stays_on_this_host_is_told_from_what_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
