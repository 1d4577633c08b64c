/* A man in the middle: what a spoke says is caught by a plain ROUTER, changed,
 * and said to a real hub by a plain DEALER. */
#include "comms/comms_fixture.h"
#include "comms/seal_priv.h"

#include <string.h>
#include <unistd.h>
#include <zmq.h>

#define MAX_FRAMES 4
#define MAX_BYTES  512
#define N_CAUGHT   3

struct caught {
    uint8_t bytes[MAX_FRAMES][MAX_BYTES];
    size_t n_bytes[MAX_FRAMES];
    size_t n;
};

static void catch_one(void *router, struct caught *ret)
{
    int more = 1;
    size_t size = sizeof more;
    uint8_t id[255];
    assert_true(zmq_recv(router, id, sizeof id, 0) > 0);
    for (ret->n = 0; more; ret->n++) {
        assert_true(ret->n < MAX_FRAMES);
        int n = zmq_recv(router, ret->bytes[ret->n], MAX_BYTES, 0);
        assert_true(n >= 0 && n <= MAX_BYTES);
        ret->n_bytes[ret->n] = (size_t)n;
        assert_int_equal(zmq_getsockopt(router, ZMQ_RCVMORE, &more, &size), 0);
    }
}

/* Three messages of one connection, the second with a tensor. */
static void catch_all(struct caught ret[N_CAUGHT])
{
    static const float members[] = {1.5F, -2.0F, 0.0F, 3.25F, 1e-9F};
    char address[128], dir[64];
    struct comms_context *context;
    struct comms_endpoint *spoke;
    struct fl_error err;
    fresh_address("ipc", address, dir);
    void *zmq = zmq_ctx_new(), *router = zmq_socket(zmq, ZMQ_ROUTER);
    assert_int_equal(zmq_bind(router, address), 0);
    assert_ok(comms_context_create(&context, &err), &err);
    assert_ok(comms_spoke_create(context, address, NULL, &spoke, &err), &err);
    const struct comms_message messages[N_CAUGHT] = {
        beat(7), tensor_message(COMMS_F32, members, 5), beat(8)};
    for (size_t i = 0; i < N_CAUGHT; i++) {
        must_send(spoke, 1, &messages[i]);
        catch_one(router, &ret[i]);
    }
    comms_endpoint_destroy(spoke, 0.0);
    comms_context_destroy(context);
    assert_int_equal(zmq_close(router), 0);
    assert_int_equal(zmq_ctx_term(zmq), 0);
    (void)unlink(address + strlen("ipc://")); /* plain ZeroMQ leaves it */
    remove_dir(dir);
}

/* The hub's end, and a new connection for each attempt. */
struct stage {
    struct pair pair;
    void *zmq, *dealer;
};

static void stage_open(struct stage *stage)
{
    pair_open(&stage->pair, "ipc", NULL);
    stage->zmq = zmq_ctx_new();
    stage->dealer = NULL;
}

static void connect_anew(struct stage *stage)
{
    int none = 0;
    if (stage->dealer)
        assert_int_equal(zmq_close(stage->dealer), 0);
    stage->dealer = zmq_socket(stage->zmq, ZMQ_DEALER);
    assert_int_equal(
        zmq_setsockopt(stage->dealer, ZMQ_LINGER, &none, sizeof none), 0);
    assert_int_equal(
        zmq_connect(stage->dealer, comms_endpoint_address(stage->pair.hub)), 0);
}

static void stage_close(struct stage *stage)
{
    assert_int_equal(zmq_close(stage->dealer), 0);
    assert_int_equal(zmq_ctx_term(stage->zmq), 0);
    pair_close(&stage->pair);
}

static void say(struct stage *stage, const struct caught *what)
{
    for (size_t i = 0; i < what->n; i++)
        assert_true(zmq_send(stage->dealer, what->bytes[i], what->n_bytes[i],
                             i + 1 < what->n ? ZMQ_SNDMORE : 0) >= 0);
}

static void must_pass(struct stage *stage, const struct caught *what)
{
    say(stage, what);
    struct comms_received received = must_receive(stage->pair.hub);
    comms_received_fini(&received);
}

static void
must_be_refused(struct stage *stage, const struct caught *what, const char *why)
{
    struct fl_error text;
    say(stage, what);
    (void)must_close(stage->pair.hub, &text);
    if (!strstr(text.text, why))
        fail_msg("expected '%s' in: %s", why, text.text);
}

static void test_whole_and_in_order_they_pass(void **state)
{
    (void)state;
    struct caught caught[N_CAUGHT];
    struct stage stage;
    catch_all(caught);
    stage_open(&stage);
    connect_anew(&stage);
    for (size_t i = 0; i < N_CAUGHT; i++)
        must_pass(&stage, &caught[i]);
    stage_close(&stage);
}

/* The message with a tensor, as the first of a connection: its number is the
 * only thing that was wrong with it, so it is sealed anew. */
static struct caught first_with_tensor(void)
{
    struct caught caught[N_CAUGHT];
    struct fl_checksum sum;
    catch_all(caught);
    comms_seal_begin(COMMS_MODEL, 1, caught[1].bytes[0], &sum);
    for (size_t i = 1; i < caught[1].n; i++)
        fl_checksum_add(&sum, caught[1].bytes[i], caught[1].n_bytes[i]);
    comms_seal_end(caught[1].bytes[0], &sum);
    return caught[1];
}

/* Whatever the frames then say, it is not believed. */
static void test_any_changed_byte_closes_the_peer(void **state)
{
    (void)state;
    struct caught model = first_with_tensor();
    struct stage stage;
    stage_open(&stage);
    connect_anew(&stage);
    must_pass(&stage, &model);
    assert_int_equal(model.n, 3);
    for (size_t frame = 0; frame < model.n; frame++) {
        for (size_t i = 0; i < model.n_bytes[frame]; i++) {
            connect_anew(&stage);
            model.bytes[frame][i] ^= (uint8_t)(1u << i % 8);
            must_be_refused(&stage, &model, "");
            model.bytes[frame][i] ^= (uint8_t)(1u << i % 8);
        }
    }
    stage_close(&stage);
}

static void test_a_tensor_that_was_changed_is_named(void **state)
{
    (void)state;
    struct caught model = first_with_tensor();
    struct stage stage;
    stage_open(&stage);
    connect_anew(&stage);
    model.bytes[2][3] ^= 0x40;
    must_be_refused(&stage, &model, "MODEL: its checksum is wrong");
    stage_close(&stage);
}

static void test_doubled_lost_and_overtaken_ones_close_the_peer(void **state)
{
    (void)state;
    struct caught caught[N_CAUGHT];
    struct stage stage;
    catch_all(caught);
    stage_open(&stage);
    connect_anew(&stage);
    must_pass(&stage, &caught[0]);
    must_be_refused(&stage, &caught[0], "message 1 where 2 was due");
    connect_anew(&stage);
    must_pass(&stage, &caught[0]);
    must_be_refused(&stage, &caught[2], "message 3 where 2 was due");
    connect_anew(&stage);
    must_be_refused(&stage, &caught[1], "message 2 where 1 was due");
    stage_close(&stage);
}

/* What was caught on one connection is of no use on another, unless it is
 * its first. */
static void test_the_hub_says_that_one_may_come_again(void **state)
{
    (void)state;
    struct caught caught[N_CAUGHT];
    struct fl_error err;
    struct stage stage;
    catch_all(caught);
    stage_open(&stage);
    connect_anew(&stage);
    must_be_refused(&stage, &caught[2], "was due");
    struct caught answer = {.n = 0};
    int more = 1;
    size_t size = sizeof more;
    for (; more; answer.n++) {
        int n = zmq_recv(stage.dealer, answer.bytes[answer.n], MAX_BYTES, 0);
        assert_true(n >= 0 && n <= MAX_BYTES);
        answer.n_bytes[answer.n] = (size_t)n;
        assert_int_equal(
            zmq_getsockopt(stage.dealer, ZMQ_RCVMORE, &more, &size), 0);
    }
    struct comms_decoder decoder = {.limits = &comms_limits_default};
    assert_ok(comms_decode_header(&decoder, answer.bytes[0], COMMS_HEADER_BYTES,
                                  &err),
              &err);
    assert_ok(
        comms_decode_meta(&decoder, answer.bytes[1], answer.n_bytes[1], &err),
        &err);
    assert_int_equal(decoder.message.kind, COMMS_BYE);
    assert_string_equal(decoder.message.u.bye.reason, COMMS_BYE_UNKNOWN);
    comms_decoder_fini(&decoder);
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_and_in_order_they_pass),
        cmocka_unit_test(test_any_changed_byte_closes_the_peer),
        cmocka_unit_test(test_a_tensor_that_was_changed_is_named),
        cmocka_unit_test(test_doubled_lost_and_overtaken_ones_close_the_peer),
        cmocka_unit_test(test_the_hub_says_that_one_may_come_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
