/* Leased tensors: never copied by the sender, released exactly once, whatever
 * happens to the message. */
#include "base/alloc.h"
#include "comms/comms_fixture.h"

#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#define N_FLOATS ((int64_t)1000007) /* four frames */

/* A block that counts its releases and writes a byte for each, so that a test
 * can wait for them. */
struct lent {
    float *members;
    atomic_int n_released;
    int ends[2];
};

static void on_release(void *data, void *arg)
{
    struct lent *lent = arg;
    if (data != lent->members)
        return; /* the count will be missed */
    atomic_fetch_add(&lent->n_released, 1);
    (void)!write(lent->ends[1], "x", 1);
}

static struct comms_lease lease_of(struct lent *lent)
{
    return (struct comms_lease){on_release, lent};
}

static void lent_init(struct lent *lent)
{
    *lent = (struct lent){0};
    lent->members = fl_calloc((size_t)N_FLOATS, sizeof *lent->members);
    assert_non_null(lent->members);
    for (int64_t i = 0; i < N_FLOATS; i++)
        lent->members[i] = (float)i;
    assert_int_equal(pipe(lent->ends), 0);
}

static void wait_for_release(struct lent *lent)
{
    char byte;
    struct pollfd item = {.fd = lent->ends[0], .events = POLLIN};
    assert_int_equal(poll(&item, 1, (int)(PATIENCE_WALL_S * 1000)), 1);
    assert_int_equal(read(lent->ends[0], &byte, 1), 1);
}

static void lent_fini(struct lent *lent)
{
    fl_free(lent->members);
    (void)close(lent->ends[0]);
    (void)close(lent->ends[1]);
}

static void test_a_lease_ends_once_when_the_message_arrived(void **state)
{
    (void)state;
    const int64_t sizes[] = {0, 1, 262144, 262145, N_FLOATS};
    struct lent lent;
    lent_init(&lent);
    struct comms_lease lease = lease_of(&lent);
    int sent = 0;
    for (size_t t = 0; transport_names[t]; t++) {
        struct pair pair;
        pair_open(&pair, transport_names[t], NULL);
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            struct fl_error err;
            struct comms_message message =
                tensor_message(COMMS_F32, lent.members, sizes[i]);
            assert_ok(comms_send(pair.spoke, 1, &message, &lease, &err), &err);
            struct comms_received received = must_receive(pair.hub);
            assert_same_message(&received.message, &message);
            comms_received_fini(&received);
            wait_for_release(&lent);
            assert_int_equal(atomic_load(&lent.n_released), ++sent);
        }
        pair_close(&pair);
    }
    assert_int_equal(atomic_load(&lent.n_released), sent);
    lent_fini(&lent);
}

static void test_several_tensors_have_a_lease_each(void **state)
{
    (void)state;
    struct lent lent[COMMS_MAX_TENSORS];
    struct comms_lease leases[COMMS_MAX_TENSORS];
    struct comms_message message = {.kind = COMMS_PARTIAL,
                                    .n_tensors = COMMS_MAX_TENSORS};
    for (size_t i = 0; i < COMMS_MAX_TENSORS; i++) {
        lent_init(&lent[i]);
        leases[i] = lease_of(&lent[i]);
        message.tensors[i] = (struct comms_tensor){
            .type = COMMS_F32, .data = lent[i].members, .n = N_FLOATS / 3};
    }
    leases[1].release = NULL; /* this one is copied */
    struct pair pair;
    struct fl_error err;
    pair_open(&pair, "ipc", NULL);
    assert_ok(comms_send(pair.spoke, 1, &message, leases, &err), &err);
    struct comms_received received = must_receive(pair.hub);
    assert_same_message(&received.message, &message);
    comms_received_fini(&received);
    pair_close(&pair);
    for (size_t i = 0; i < COMMS_MAX_TENSORS; i++) {
        assert_int_equal(atomic_load(&lent[i].n_released), i == 1 ? 0 : 1);
        lent_fini(&lent[i]);
    }
}

static void test_inproc_hands_over_the_block_itself(void **state)
{
    (void)state;
    static _Alignas(64) float block[1 << 19];
    struct lent lent;
    lent_init(&lent);
    float *owned = lent.members;
    lent.members = block; /* what the release is asked for */
    struct comms_lease lease = lease_of(&lent);
    struct comms_message message = tensor_message(COMMS_F32, block, 1 << 19);
    struct pair pair;
    struct fl_error err;
    pair_open(&pair, "inproc", NULL);
    assert_ok(comms_send(pair.spoke, 1, &message, &lease, &err), &err);
    struct comms_received received = must_receive(pair.hub);
    assert_int_equal(received.message.tensors[0].n_pieces, 1);
    assert_ptr_equal(received.message.tensors[0].pieces[0].data, block);
    pair_close(&pair); /* the receiver still holds it */
    assert_int_equal(atomic_load(&lent.n_released), 0);
    comms_received_fini(&received);
    assert_int_equal(atomic_load(&lent.n_released), 1);
    lent.members = owned;
    lent_fini(&lent);
}

static void test_a_lease_ends_once_when_sending_fails(void **state)
{
    (void)state;
    struct lent lent;
    lent_init(&lent);
    struct comms_lease leases[COMMS_MAX_TENSORS] = {lease_of(&lent)};
    struct pair pair;
    struct fl_error err;
    pair_open(&pair, "ipc", NULL);
    pair_greet(&pair);
    struct comms_message fine =
        tensor_message(COMMS_F32, lent.members, N_FLOATS);
    struct comms_message bad = fine;
    bad.u.model.version = -5;
    assert_int_equal(comms_send(pair.hub, 77, &fine, leases, &err), FL_E_ARG);
    assert_int_equal(atomic_load(&lent.n_released), 1);
    assert_int_equal(comms_send(pair.hub, pair.peer, &bad, leases, &err),
                     FL_E_ARG);
    assert_int_equal(atomic_load(&lent.n_released), 2);
    comms_peer_close(pair.hub, pair.peer);
    assert_int_equal(comms_send(pair.hub, pair.peer, &fine, leases, &err),
                     FL_E_STATE);
    assert_int_equal(atomic_load(&lent.n_released), 3);
    pair_close(&pair);
    assert_int_equal(atomic_load(&lent.n_released), 3);
    lent_fini(&lent);
}

static void test_a_lease_ends_once_when_memory_fails(void **state)
{
    (void)state;
    struct lent lent[2];
    lent_init(&lent[0]);
    lent_init(&lent[1]);
    const struct comms_lease leases[] = {lease_of(&lent[0]),
                                         lease_of(&lent[1])};
    struct comms_message message =
        tensor_message(COMMS_F32, lent[0].members, N_FLOATS);
    message.n_tensors = 2;
    message.tensors[1] = (struct comms_tensor){
        .type = COMMS_F32, .data = lent[1].members, .n = 1};
    struct pair pair;
    pair_open(&pair, "ipc", NULL);
    int tries = 0;
    enum fl_status status = FL_E_NOMEM;
    for (; status != FL_OK; tries++) {
        (void)fl_alloc_fail_at(tries + 1);
        status = comms_send(pair.spoke, 1, &message, leases, NULL);
        (void)fl_alloc_fail_at(0);
        if (status != FL_OK) {
            assert_int_equal(status, FL_E_NOMEM);
            assert_int_equal(atomic_load(&lent[0].n_released), tries + 1);
            assert_int_equal(atomic_load(&lent[1].n_released), tries + 1);
        }
    }
    assert_true(tries > 3); /* two leases, the frames, the metadata */
    struct comms_received received = must_receive(pair.hub);
    assert_same_message(&received.message, &message);
    comms_received_fini(&received);
    pair_close(&pair);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(atomic_load(&lent[i].n_released), tries);
        lent_fini(&lent[i]);
    }
}

static void test_a_lease_ends_when_nobody_ever_listens(void **state)
{
    (void)state;
    struct lent lent;
    lent_init(&lent);
    struct comms_lease lease = lease_of(&lent);
    struct comms_message message =
        tensor_message(COMMS_F32, lent.members, N_FLOATS);
    struct fl_error err;
    struct comms_context *context;
    struct comms_endpoint *spoke;
    char address[128], dir[64];
    fresh_address("ipc", address, dir);
    assert_ok(comms_context_create(&context, &err), &err);
    assert_ok(comms_spoke_create(context, address, NULL, &spoke, &err), &err);
    for (int i = 0; i < 3; i++)
        assert_ok(comms_send(spoke, 1, &message, &lease, &err), &err);
    comms_endpoint_destroy(spoke, 0.01);
    comms_context_destroy(context);
    assert_int_equal(atomic_load(&lent.n_released), 3);
    remove_dir(dir);
    lent_fini(&lent);
}

static void test_without_a_lease_the_sender_keeps_its_block(void **state)
{
    (void)state;
    struct lent lent;
    lent_init(&lent);
    for (size_t t = 0; transport_names[t]; t++) {
        struct pair pair;
        pair_open(&pair, transport_names[t], NULL);
        struct comms_message message =
            tensor_message(COMMS_F32, lent.members, N_FLOATS);
        must_send(pair.spoke, 1, &message);
        memset(lent.members, 0xff, sizeof(float) * (size_t)N_FLOATS);
        struct comms_received received = must_receive(pair.hub);
        for (int64_t i = 0; i < N_FLOATS; i++)
            lent.members[i] = (float)i;
        assert_same_message(&received.message, &message);
        comms_received_fini(&received);
        pair_close(&pair);
    }
    lent_fini(&lent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_lease_ends_once_when_the_message_arrived),
        cmocka_unit_test(test_several_tensors_have_a_lease_each),
        cmocka_unit_test(test_inproc_hands_over_the_block_itself),
        cmocka_unit_test(test_a_lease_ends_once_when_sending_fails),
        cmocka_unit_test(test_a_lease_ends_once_when_memory_fails),
        cmocka_unit_test(test_a_lease_ends_when_nobody_ever_listens),
        cmocka_unit_test(test_without_a_lease_the_sender_keeps_its_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
