/* Peers that come, die and are replaced. */
#include "base/alloc.h"
#include "base/clock.h"
#include "comms/comms_fixture.h"
#include "comms/peers_priv.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_routing_ids_become_lasting_numbers(void **state)
{
    (void)state;
    struct comms_peers peers = {0};
    struct fl_error err;
    uint64_t peer = 9;
    assert_true(comms_peers_find(&peers, NULL, 0) == 0);
    assert_ok(comms_peers_add(&peers, NULL, 0, &peer, &err), &err);
    assert_true(peer == 1);
    for (uint32_t i = 0; i < 20000; i++) {
        uint8_t id[5] = {0};
        memcpy(id + 1, &i, sizeof i);
        assert_true(comms_peers_find(&peers, id, sizeof id) == 0);
        assert_ok(comms_peers_add(&peers, id, sizeof id, &peer, &err), &err);
        assert_true(peer == i + 2);
    }
    for (uint32_t i = 0; i < 20000; i++) {
        uint8_t id[5] = {0};
        memcpy(id + 1, &i, sizeof i);
        assert_true(comms_peers_find(&peers, id, sizeof id) == i + 2);
        const struct comms_peer_entry *entry = comms_peers_get(&peers, i + 2);
        assert_memory_equal(entry->routing_id, id, sizeof id);
    }
    assert_true(comms_peers_find(&peers, NULL, 0) == 1);
    assert_null(comms_peers_get(&peers, 0));
    assert_null(comms_peers_get(&peers, 20002));
    uint8_t endless[256] = {0};
    assert_int_equal(comms_peers_add(&peers, endless, 256, &peer, &err),
                     FL_E_RANGE);
    comms_peers_fini(&peers);
}

static void test_a_failed_allocation_adds_no_peer(void **state)
{
    (void)state;
    struct comms_peers peers = {0};
    struct fl_error err;
    uint64_t peer = 0;
    int failures = 0;
    for (uint8_t id = 0; id < 100; id++) {
        enum fl_status status = FL_E_NOMEM;
        for (long nth = 1; status != FL_OK; nth++) {
            (void)fl_alloc_fail_at(nth);
            status = comms_peers_add(&peers, &id, 1, &peer, &err);
            (void)fl_alloc_fail_at(0);
            assert_true(status == FL_OK || status == FL_E_NOMEM);
            failures += status == FL_E_NOMEM;
            assert_int_equal(peers.n, id + (status == FL_OK));
        }
    }
    assert_true(failures > 100); /* each id, and each growth of the tables */
    for (uint8_t id = 0; id < 100; id++)
        assert_true(comms_peers_find(&peers, &id, 1) == id + 1u);
    comms_peers_fini(&peers);
}

/* A process of its own: says HELLO and then, if asked to, tensors for ever,
 * else it waits to be killed. */
static pid_t start_client(const char *address, bool is_talking)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid != 0)
        return pid;
    static float members[3 << 18]; /* three frames */
    struct comms_context *context;
    struct comms_endpoint *spoke;
    struct comms_message message = {.kind = COMMS_HELLO,
                                    .u.hello.pid = getpid()};
    if (comms_context_create(&context, NULL) != FL_OK ||
        comms_spoke_create(context, address, NULL, &spoke, NULL) != FL_OK ||
        comms_send(spoke, 1, &message, NULL, NULL) != FL_OK)
        _exit(1);
    for (;;) {
        struct comms_received received = {0};
        comms_peer closed;
        bool got = false;
        /* goes on at each message of the hub */
        if (comms_receive(spoke, -1.0, -1, &received, &got, &closed, NULL) !=
            FL_OK)
            _exit(1);
        comms_received_fini(&received);
        message = tensor_message(COMMS_F32, members, 3 << 18);
        for (int i = 0; is_talking && i < 20; i++)
            if (comms_send(spoke, 1, &message, NULL, NULL) != FL_OK)
                _exit(1);
    }
}

static void kill_client(pid_t pid)
{
    int how = 0;
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &how, 0), pid);
    assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
}

/* The hub learns of a death when the connection breaks; until then sending is
 * fine. Each try waits a moment for messages, of which there are none. */
static void assert_gone(struct comms_endpoint *hub, comms_peer peer)
{
    struct comms_message message = beat(1);
    enum fl_status status = FL_OK;
    double end_wall_s = fl_clock_wall_s() + PATIENCE_WALL_S;
    struct fl_error err = {0};
    while (status == FL_OK && fl_clock_wall_s() < end_wall_s) {
        struct comms_received received = {0};
        comms_peer closed;
        bool got;
        assert_ok(comms_receive(hub, 0.005, -1, &received, &got, &closed, &err),
                  &err);
        assert_true(closed == 0); /* dying is not misbehaving */
        comms_received_fini(&received);
        status = comms_send(hub, peer, &message, NULL, &err);
    }
    assert_int_equal(status, FL_E_STATE);
    assert_non_null(strstr(err.text, "is gone"));
}

static void run_death(bool is_talking)
{
    struct fl_error err;
    struct comms_context *context;
    struct comms_endpoint *hub;
    char address[128], dir[64];
    fresh_address("ipc", address, dir);
    pid_t pids[2];
    comms_peer peers[2] = {0};
    pids[0] = start_client(address, is_talking); /* threads must not fork: so */
    pids[1] = start_client(address, is_talking); /* before the context */
    assert_ok(comms_context_create(&context, &err), &err);
    assert_ok(comms_hub_create(context, address, NULL, &hub, &err), &err);
    for (int i = 0; i < 2; i++) {
        struct comms_received received = must_receive(hub);
        assert_int_equal(received.message.kind, COMMS_HELLO);
        size_t which = received.message.u.hello.pid == pids[1];
        assert_true(received.message.u.hello.pid == pids[which]);
        peers[which] = received.peer;
        comms_received_fini(&received);
    }
    assert_true(peers[0] != 0 && peers[1] != 0 && peers[0] != peers[1]);
    struct comms_message message = beat(1);
    if (is_talking) {
        must_send(hub, peers[0], &message);
        struct comms_received received = must_receive(hub);
        assert_int_equal(received.message.kind, COMMS_MODEL);
        comms_received_fini(&received);
    }
    kill_client(pids[0]); /* talking: in the middle of its tensors */
    assert_gone(hub, peers[0]);
    must_send(hub, peers[1], &message); /* the other one lives */
    if (is_talking)
        for (int i = 0; i < 20; i++) {
            struct comms_received received = must_receive(hub);
            i -= received.peer == peers[0]; /* whole ones that had arrived */
            assert_int_equal(received.message.tensors[0].n, 3 << 18);
            comms_received_fini(&received);
        }
    kill_client(pids[1]);
    assert_gone(hub, peers[1]);
    assert_int_equal(comms_endpoint_counts(hub).refused, 0);
    comms_endpoint_destroy(hub, 0.0);
    comms_context_destroy(context);
    remove_dir(dir);
}

static void test_a_killed_peer_is_an_error_to_send_to(void **state)
{
    (void)state;
    run_death(false);
}

static void test_a_peer_killed_amid_a_tensor_leaves_nothing_half(void **state)
{
    (void)state;
    run_death(true);
}

/* Numbers of messages begin anew with a hub, so what goes on counting is sent
 * away, and told: a spoke made anew is heard. */
static void test_a_hub_that_took_over_wants_spokes_made_anew(void **state)
{
    (void)state;
    struct pair pair;
    struct fl_error err;
    char address[128];
    pair_open(&pair, "tcp", NULL);
    pair_greet(&pair);
    (void)snprintf(address, sizeof address, "%s",
                   comms_endpoint_address(pair.hub));
    struct comms_context *context;
    struct comms_endpoint *spoke;
    assert_ok(comms_context_create(&context, &err), &err);
    assert_ok(comms_spoke_create(context, address, NULL, &spoke, &err), &err);
    struct comms_message message = beat(1);
    must_send(spoke, 1, &message);
    struct comms_received received = must_receive(pair.hub);
    comms_received_fini(&received);
    pair_close(&pair); /* the first hub and its port */
    struct comms_context *later;
    struct comms_endpoint *hub;
    assert_ok(comms_context_create(&later, &err), &err);
    assert_ok(comms_hub_create(later, address, NULL, &hub, &err), &err);
    /* One that was written to the dead connection is lost: so until heard. */
    bool got = false;
    comms_peer closed = 0;
    double end_wall_s = fl_clock_wall_s() + PATIENCE_WALL_S;
    for (uint64_t i = 2; closed == 0 && fl_clock_wall_s() < end_wall_s; i++) {
        message = beat(i);
        must_send(spoke, 1, &message);
        assert_ok(comms_receive(hub, 0.05, -1, &received, &got, &closed, &err),
                  &err);
        assert_false(got);
    }
    assert_true(closed == 1);
    received = must_receive(spoke);
    assert_int_equal(received.message.kind, COMMS_BYE);
    assert_string_equal(received.message.u.bye.reason, COMMS_BYE_UNKNOWN);
    comms_received_fini(&received);
    comms_endpoint_destroy(spoke, 0.0);
    assert_ok(comms_spoke_create(context, address, NULL, &spoke, &err), &err);
    message = beat(1);
    must_send(spoke, 1, &message);
    /* What the first one sent before it was told is dropped in silence. */
    received = must_receive(hub);
    assert_true(received.peer == 2);
    comms_received_fini(&received);
    comms_endpoint_destroy(hub, 0.0);
    comms_context_destroy(later);
    comms_endpoint_destroy(spoke, 0.0);
    comms_context_destroy(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_routing_ids_become_lasting_numbers),
        cmocka_unit_test(test_a_failed_allocation_adds_no_peer),
        cmocka_unit_test(test_a_killed_peer_is_an_error_to_send_to),
        cmocka_unit_test(test_a_peer_killed_amid_a_tensor_leaves_nothing_half),
        cmocka_unit_test(test_a_hub_that_took_over_wants_spokes_made_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
