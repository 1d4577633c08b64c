/* Peers that send what they should not: they are closed, and nobody else
 * notices. Strangers are plain ZeroMQ or TCP sockets. */
#include "base/parse.h"
#include "comms/comms_fixture.h"
#include "comms/seal_priv.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

struct frame {
    const void *bytes;
    size_t n;
};

static void *stranger_open(void **zmq, int type, const char *address)
{
    *zmq = zmq_ctx_new();
    assert_non_null(*zmq);
    void *socket = zmq_socket(*zmq, type);
    assert_non_null(socket);
    int none = 0;
    assert_int_equal(zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none), 0);
    if (type == ZMQ_ROUTER)
        assert_int_equal(zmq_bind(socket, address), 0);
    else
        assert_int_equal(zmq_connect(socket, address), 0);
    return socket;
}

static void stranger_close(void *zmq, void *socket)
{
    assert_int_equal(zmq_close(socket), 0);
    assert_int_equal(zmq_ctx_term(zmq), 0);
}

static void say(void *socket, const struct frame *frames, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_true(zmq_send(socket, frames[i].bytes, frames[i].n,
                             i + 1 < n ? ZMQ_SNDMORE : 0) >= 0);
}

/* The good peer gets through, both ways. */
static void assert_pair_works(struct pair *pair, uint64_t number)
{
    struct comms_message message = beat(number);
    must_send(pair->spoke, 1, &message);
    struct comms_received received = must_receive(pair->hub);
    assert_true(received.peer == pair->peer);
    assert_same_message(&received.message, &message);
    comms_received_fini(&received);
    must_send(pair->hub, pair->peer, &message);
    received = must_receive(pair->spoke);
    assert_same_message(&received.message, &message);
    comms_received_fini(&received);
}

#define TEXT(literal)                                                          \
    {                                                                          \
        literal, sizeof literal - 1                                            \
    }
/* The first message of a connection, with a checksum that is none. */
#define SEAL                                                                   \
    "\x01\x00\x00\x00\x00\x00\x00\x00"                                         \
    "0123456789abcdef"
#define HEADER_MODEL TEXT("FCW1\x03\x00\x02\x00" SEAL)
#define HEADER_BEAT  TEXT("FCW1\x03\x00\x05\x00" SEAL)

/* A MODEL with one tensor of 3 floats in one frame. */
#define META_3_FLOATS TEXT("\x0a\x04\x10\x03\x18\x01\x22\x00")

static const struct {
    const char *why; /* is in the error's text */
    size_t n;
    struct frame frames[6];
} junk[] = {
    {"header of 0 bytes", 1, {TEXT("")}},
    {"header of 5 bytes", 1, {TEXT("hello")}},
    {"header of 8 bytes", 2, {TEXT("FCW1\x03\x00\x05\x00"), TEXT("\x3a\x00")}},
    {"its checksum is wrong", 2, {HEADER_BEAT, TEXT("\x3a\x00")}},
    {"header starts with 47 45", 1, {TEXT("GET / HT" SEAL)}},
    {"protocol version 1",
     2,
     {TEXT("FCW1\x01\x00\x05\x00" SEAL), TEXT("\x3a\x00")}},
    {"message kind 7",
     2,
     {TEXT("FCW1\x03\x00\x07\x00" SEAL), TEXT("\x3a\x00")}},
    {"message kind 65535", 1, {TEXT("FCW1\x03\x00\xff\xff" SEAL)}},
    {"too few frames", 1, {HEADER_BEAT}},
    {"metadata are no protobuf", 2, {HEADER_BEAT, TEXT("\xff\xff\xff")}},
    {"of another kind", 2, {HEADER_BEAT, TEXT("\x42\x00")}},
    {"of another kind", 2, {HEADER_BEAT, TEXT("")}},
    {"more frames than it says", 3, {HEADER_BEAT, TEXT("\x3a\x00"), TEXT("")}},
    {"ends before frame 0 of tensor 0", 2, {HEADER_MODEL, META_3_FLOATS}},
    {"has 11 bytes, allowed 12",
     3,
     {HEADER_MODEL, META_3_FLOATS, TEXT("elevenbytes")}},
    {"has 0 bytes, allowed 12", 3, {HEADER_MODEL, META_3_FLOATS, TEXT("")}},
    {"more frames than it says",
     4,
     {HEADER_MODEL, META_3_FLOATS, TEXT("twelve bytes"), TEXT("x")}},
};
#define N_JUNK (sizeof junk / sizeof junk[0])

static void test_a_stranger_with_junk_is_closed_and_no_one_else(void **state)
{
    (void)state;
    const char *const transports[] = {"ipc", "tcp"};
    for (size_t t = 0; t < 2; t++) {
        struct pair pair;
        pair_open(&pair, transports[t], NULL);
        pair_greet(&pair);
        comms_peer last = pair.peer;
        for (size_t i = 0; i < N_JUNK; i++) {
            void *zmq;
            void *stranger = stranger_open(&zmq, ZMQ_DEALER,
                                           comms_endpoint_address(pair.hub));
            say(stranger, junk[i].frames, junk[i].n);
            struct fl_error why;
            comms_peer closed = must_close(pair.hub, &why);
            if (!strstr(why.text, junk[i].why))
                fail_msg("expected '%s' in: %s", junk[i].why, why.text);
            assert_true(closed == ++last); /* never reused */
            assert_pair_works(&pair, i);
            stranger_close(zmq, stranger);
        }
        assert_int_equal(comms_endpoint_counts(pair.hub).refused, N_JUNK);
        pair_close(&pair);
    }
}

static void test_a_closed_stranger_is_not_heard_again(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, "tcp", NULL);
    pair_greet(&pair);
    void *zmq;
    void *stranger =
        stranger_open(&zmq, ZMQ_DEALER, comms_endpoint_address(pair.hub));
    say(stranger, junk[0].frames, junk[0].n);
    comms_peer closed = must_close(pair.hub, NULL);
    const struct frame fine[] = {HEADER_BEAT, TEXT("\x3a\x00")};
    for (int i = 0; i < 1000; i++)
        say(stranger, i % 2 ? fine : junk[0].frames, i % 2 ? 2 : 1);
    for (uint64_t i = 0; i < 20; i++)
        assert_pair_works(&pair, i);
    struct comms_message message = beat(1);
    assert_int_equal(comms_send(pair.hub, closed, &message, NULL, NULL),
                     FL_E_STATE);
    while (comms_endpoint_counts(pair.hub).dropped < 1000) {
        struct comms_received none;
        struct fl_error err;
        bool got;
        assert_ok(comms_receive(pair.hub, 0.1, -1, &none, &got, &closed, &err),
                  &err);
        assert_true(!got && closed == 0);
    }
    assert_int_equal(comms_endpoint_counts(pair.hub).refused, 1);
    stranger_close(zmq, stranger);
    pair_close(&pair);
}

static void test_thousands_of_frames_are_thrown_away(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, "ipc", NULL);
    pair_greet(&pair);
    void *zmq;
    void *stranger =
        stranger_open(&zmq, ZMQ_DEALER, comms_endpoint_address(pair.hub));
    const struct frame start[] = {HEADER_BEAT, TEXT("\x3a\x00")};
    for (size_t i = 0; i < 2; i++)
        assert_true(
            zmq_send(stranger, start[i].bytes, start[i].n, ZMQ_SNDMORE) >= 0);
    for (int i = 0; i < 20000; i++)
        assert_true(zmq_send(stranger, "", 0, i < 19999 ? ZMQ_SNDMORE : 0) >=
                    0);
    struct fl_error why;
    (void)must_close(pair.hub, &why);
    assert_non_null(strstr(why.text, "more frames than it says"));
    assert_pair_works(&pair, 1);
    stranger_close(zmq, stranger);
    pair_close(&pair);
}

static void test_a_frame_beyond_the_limit_never_gets_in(void **state)
{
    (void)state;
    static unsigned char large[2 << 20];
    const struct comms_limits limits = {1 << 20, 1 << 16};
    struct pair pair;
    pair_open(&pair, "tcp", &limits);
    pair_greet(&pair);
    void *zmq;
    void *stranger =
        stranger_open(&zmq, ZMQ_DEALER, comms_endpoint_address(pair.hub));
    const struct frame frames[] = {
        HEADER_MODEL, META_3_FLOATS, {large, sizeof large}};
    say(stranger, frames, 3);
    for (uint64_t i = 0; i < 20; i++)
        assert_pair_works(&pair, i);
    assert_int_equal(
        comms_endpoint_counts(pair.hub).received[COMMS_MODEL].messages, 0);
    stranger_close(zmq, stranger);
    pair_close(&pair);
}

static void test_a_tensor_beyond_the_limit_closes_the_peer(void **state)
{
    (void)state;
    static float members[1 << 12];
    const struct comms_limits narrow = {1 << 12, 1 << 10};
    for (size_t t = 0; transport_names[t]; t++) {
        struct pair pair;
        struct comms_endpoint *other;
        struct fl_error err;
        pair_open(&pair, transport_names[t], &narrow);
        pair_greet(&pair);
        assert_ok(comms_spoke_create(pair.context,
                                     comms_endpoint_address(pair.hub), NULL,
                                     &other, &err),
                  &err);
        struct comms_message message =
            tensor_message(COMMS_F32, members, 1 << 12);
        assert_int_equal(comms_send(pair.spoke, 1, &message, NULL, &err),
                         FL_E_ARG); /* by its own limit */
        must_send(other, 1, &message);
        struct fl_error why;
        (void)must_close(pair.hub, &why);
        assert_non_null(strstr(why.text, "allowed 4096 bytes"));
        assert_pair_works(&pair, t);
        comms_endpoint_destroy(other, 0.0);
        pair_close(&pair);
    }
}

/* Speaks TCP only: noise, then half of ZeroMQ's greeting and silence. */
static void test_bytes_that_are_not_even_zeromq_are_ignored(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, "tcp", NULL);
    pair_greet(&pair);
    int64_t port = 0;
    struct fl_error err;
    const char *colon = strrchr(comms_endpoint_address(pair.hub), ':');
    assert_ok(fl_parse_int(colon + 1, 1, 65535, &port, &err), &err);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    static const char noise[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    static const unsigned char greeting[] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1};
    const struct frame both[] = {{noise, sizeof noise},
                                 {greeting, sizeof greeting}};
    int fds[2];
    for (size_t i = 0; i < 2; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM, 0);
        assert_true(fds[i] >= 0);
        assert_int_equal(
            connect(fds[i], (const struct sockaddr *)&to, sizeof to), 0);
        assert_int_equal(send(fds[i], both[i].bytes, both[i].n, MSG_NOSIGNAL),
                         both[i].n);
        assert_pair_works(&pair, i);
    }
    for (size_t i = 0; i < 2; i++)
        (void)close(fds[i]);
    assert_pair_works(&pair, 2);
    assert_int_equal(comms_endpoint_counts(pair.hub).refused, 0);
    pair_close(&pair);
}

static void test_a_stranger_cannot_take_the_name_of_another(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, "tcp", NULL);
    void *zmq = zmq_ctx_new();
    assert_non_null(zmq);
    void *named[2];
    uint8_t header[COMMS_SEALED_BYTES];
    struct fl_checksum sum;
    comms_seal_begin(COMMS_HEARTBEAT, 1, header, &sum);
    fl_checksum_add(&sum, "\x3a\x00", 2);
    comms_seal_end(header, &sum);
    const struct frame fine[] = {{header, sizeof header}, TEXT("\x3a\x00")};
    for (size_t i = 0; i < 2; i++) {
        int none = 0;
        named[i] = zmq_socket(zmq, ZMQ_DEALER);
        assert_non_null(named[i]);
        (void)zmq_setsockopt(named[i], ZMQ_LINGER, &none, sizeof none);
        assert_int_equal(zmq_setsockopt(named[i], ZMQ_ROUTING_ID, "same", 4),
                         0);
        assert_int_equal(
            zmq_connect(named[i], comms_endpoint_address(pair.hub)), 0);
        say(named[i], fine, 2);
        if (i == 0) {
            struct comms_received received = must_receive(pair.hub);
            assert_true(received.peer == 1);
            comms_received_fini(&received);
        }
    }
    struct comms_message message = beat(3);
    must_send(pair.hub, 1, &message);
    zmq_msg_t frame;
    assert_int_equal(zmq_msg_init(&frame), 0);
    assert_int_equal(zmq_msg_recv(&frame, named[0], 0), COMMS_SEALED_BYTES);
    (void)zmq_msg_close(&frame);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(zmq_close(named[i]), 0);
    assert_int_equal(zmq_ctx_term(zmq), 0);
    pair_close(&pair);
}

static void test_a_hub_that_sends_junk_is_closed_by_the_spoke(void **state)
{
    (void)state;
    char address[128], dir[64];
    fresh_address("ipc", address, dir);
    void *zmq;
    void *hub = stranger_open(&zmq, ZMQ_ROUTER, address);
    struct fl_error err;
    struct comms_context *context;
    struct comms_endpoint *spoke;
    assert_ok(comms_context_create(&context, &err), &err);
    assert_ok(comms_spoke_create(context, address, NULL, &spoke, &err), &err);
    struct comms_message message = beat(1);
    must_send(spoke, 1, &message);
    char id[255];
    int n = zmq_recv(hub, id, sizeof id, 0);
    assert_true(n > 0);
    const struct frame answer[] = {{id, (size_t)n}, TEXT("junk")};
    say(hub, answer, 2);
    assert_true(must_close(spoke, NULL) == 1);
    assert_int_equal(comms_send(spoke, 1, &message, NULL, &err), FL_E_STATE);
    comms_endpoint_destroy(spoke, 0.0);
    comms_context_destroy(context);
    stranger_close(zmq, hub);
    (void)unlink(address + strlen("ipc://")); /* plain ZeroMQ leaves it */
    remove_dir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_stranger_with_junk_is_closed_and_no_one_else),
        cmocka_unit_test(test_a_closed_stranger_is_not_heard_again),
        cmocka_unit_test(test_thousands_of_frames_are_thrown_away),
        cmocka_unit_test(test_a_frame_beyond_the_limit_never_gets_in),
        cmocka_unit_test(test_a_tensor_beyond_the_limit_closes_the_peer),
        cmocka_unit_test(test_bytes_that_are_not_even_zeromq_are_ignored),
        cmocka_unit_test(test_a_stranger_cannot_take_the_name_of_another),
        cmocka_unit_test(test_a_hub_that_sends_junk_is_closed_by_the_spoke),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
