/* One endpoint per thread: run under ThreadSanitizer. */
#include "base/alloc.h"
#include "comms/comms_fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define N_SPOKES   3
#define N_MESSAGES 40
#define N_FLOATS   300007 /* two frames */

struct worker {
    pthread_t thread;
    struct comms_context *context;
    const char *address;
    uint32_t number;
    atomic_int n_released;
    int n_answers;
};

static void on_release(void *data, void *arg)
{
    struct worker *worker = arg;
    fl_free(data);
    atomic_fetch_add(&worker->n_released, 1);
}

/* Sends a tensor, waits for the answer, and so on. cmocka's asserts jump, so
 * a thread only counts. */
static void *work(void *arg)
{
    struct worker *worker = arg;
    struct comms_endpoint *spoke = NULL;
    if (comms_spoke_create(worker->context, worker->address, NULL, &spoke,
                           NULL) != FL_OK)
        return NULL;
    for (int i = 0; i < N_MESSAGES; i++) {
        float *members = fl_calloc(N_FLOATS, sizeof *members);
        for (int k = 0; members && k < N_FLOATS; k++)
            members[k] = (float)(worker->number + (uint32_t)k);
        struct comms_message message =
            tensor_message(COMMS_F32, members, members ? N_FLOATS : 0);
        message.u.model.arm = worker->number;
        const struct comms_lease lease = {on_release, worker};
        struct comms_received received = {0};
        comms_peer closed = 0;
        bool got = false;
        if (comms_send(spoke, 1, &message, &lease, NULL) == FL_OK &&
            comms_receive(spoke, PATIENCE_WALL_S, -1, &received, &got, &closed,
                          NULL) == FL_OK &&
            got && received.message.u.heartbeat.task_id == worker->number)
            worker->n_answers++;
        comms_received_fini(&received);
    }
    comms_endpoint_destroy(spoke, PATIENCE_WALL_S);
    return NULL;
}

static void serve(struct comms_endpoint *hub)
{
    for (int i = 0; i < N_SPOKES * N_MESSAGES; i++) {
        struct comms_received received = must_receive(hub);
        const struct comms_message *message = &received.message;
        uint32_t number = message->u.model.arm;
        assert_int_equal(message->tensors[0].n, N_FLOATS);
        float members[N_FLOATS];
        comms_tensor_copy(&message->tensors[0], members);
        for (int k = 0; k < N_FLOATS; k++)
            if (members[k] != (float)(number + (uint32_t)k))
                fail_msg("member %d of worker %u is wrong", k, number);
        struct comms_message answer = beat(number);
        must_send(hub, received.peer, &answer);
        comms_received_fini(&received);
    }
}

static void test_threads_with_an_endpoint_each(void **state)
{
    (void)state;
    for (size_t t = 0; transport_names[t]; t++) {
        struct fl_error err;
        struct comms_context *context;
        struct comms_endpoint *hub;
        char address[128], dir[64];
        fresh_address(transport_names[t], address, dir);
        assert_ok(comms_context_create(&context, &err), &err);
        assert_ok(comms_hub_create(context, address, NULL, &hub, &err), &err);
        static struct worker workers[N_SPOKES];
        memset(workers, 0, sizeof workers);
        for (uint32_t i = 0; i < N_SPOKES; i++) {
            workers[i].context = context;
            workers[i].address = comms_endpoint_address(hub);
            workers[i].number = i;
            assert_int_equal(
                pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
        }
        serve(hub);
        for (size_t i = 0; i < N_SPOKES; i++) {
            assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
            assert_int_equal(workers[i].n_answers, N_MESSAGES);
        }
        comms_endpoint_destroy(hub, 0.0);
        comms_context_destroy(context);
        for (size_t i = 0; i < N_SPOKES; i++)
            assert_int_equal(atomic_load(&workers[i].n_released), N_MESSAGES);
        remove_dir(dir);
    }
}

static void *finish(void *arg)
{
    comms_received_fini(arg);
    return NULL;
}

static void test_messages_may_be_freed_on_another_thread(void **state)
{
    (void)state;
    static float members[N_FLOATS];
    struct pair pair;
    pair_open(&pair, "tcp", NULL);
    for (int i = 0; i < 20; i++) {
        struct comms_message message =
            tensor_message(COMMS_F32, members, N_FLOATS);
        must_send(pair.spoke, 1, &message);
        struct comms_received received = must_receive(pair.hub);
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, finish, &received), 0);
        must_send(pair.spoke, 1, &message);
        struct comms_received second = must_receive(pair.hub);
        comms_received_fini(&second);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_null(received.owner);
    }
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_with_an_endpoint_each),
        cmocka_unit_test(test_messages_may_be_freed_on_another_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
