/* What handing out and collecting a round costs, beside plain libzmq moving the
 * same bytes over the same kind of sockets.
 *
 *     bench_dispatch_cost [--smoke]
 *
 * Two processes (threads with contexts of their own) answer tasks at once,
 * without training: what is left is messages, checks, copies and the exact
 * sum. A round sends the model and tasks to both, hears what was trained, asks
 * for the sums and merges them. `dispatch` is coordinator/dispatch.h with a
 * real hub; `zmq` does the same with bare ROUTER and DEALER sockets: frames of
 * 1 MiB that nobody copies when sending, one small message for each task and
 * answer, the same merge. Both take turns, round by round of rounds.
 *
 * Prints CSV: model, transport, how, ms per round, ms per client update, ms per
 * process and round, CPU ms per process and round of both sides together;
 * medians.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/exact.h"
#include "base/log.h"
#include "bench/bench.h"
#include "coordinator/dispatch.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#define N_PROCESSES 2
#define MAX_CLIENTS 128
#define FRAME_BYTES ((size_t)1 << 20)
#define MAX_ROUNDS  401
#define SAMPLES     600

struct model {
    const char *name;
    size_t n_params;
    int n_clients; /* per round */
    int rounds;    /* odd */
    double client_flop;
};
static const struct model models[] = {
    {"logreg", 7850, 100, 201, 2.8e7},
    {"simple_cnn", 1625866, 10, 61, 6e9},
};

static const struct {
    const char *name, *address;
    bool is_encrypted;
} transports[] = {
    {"ipc", "ipc://@dispatch-cost", false},
    {"tcp", "tcp://127.0.0.1:*", false},
    {"tcp_curve", "tcp://127.0.0.1:*", true},
};

static void die(const char *what)
{
    (void)fprintf(stderr, "bench_dispatch_cost: %s\n", what);
    /* check: allow BANNEDFUNC: its threads have nobody to return an error to */
    exit(1);
}

static void check(enum fl_status status, const struct fl_error *err)
{
    if (status != FL_OK)
        die(err->text);
}

static void nothing(void *data, void *arg)
{
    (void)data;
    (void)arg;
}

/* What both ways share. */
struct bench {
    const struct model *model;
    const struct comms_run_keys *keys; /* NULL: not encrypted */
    char address[128];
    int64_t *sum;  /* [n_params] merged */
    int64_t *part; /* [n_params] what every process answers */
    float *params; /* [n_params] of the plain way */
    double rounds_s[MAX_ROUNDS];
    double cpu_s; /* of all rounds, both sides, ZeroMQ's threads included */
};

static void name_address(struct bench *bench, const char *pattern)
{
    static int number;
    (void)snprintf(bench->address, sizeof bench->address, "%s", pattern);
    if (strncmp(pattern, "ipc", 3) == 0)
        (void)snprintf(bench->address, sizeof bench->address, "%s-%ld-%d",
                       pattern, (long)getpid(), number++);
}

/* The dispatcher and its processes. */

struct process {
    struct bench *bench;
    uint32_t slot;
    struct comms_endpoint *spoke;
    int64_t weight;
    float *model; /* [n_params] its copy */
};

static void answer(struct process *process, const struct comms_task *task)
{
    const struct comms_lease lease = {nothing, NULL};
    struct comms_client_result results[MAX_CLIENTS];
    struct fl_error err;
    struct comms_message message = {.kind = COMMS_PARTIAL,
                                    .u.partial = {.task_id = task->id,
                                                  .kind = task->kind,
                                                  .arm = task->arm,
                                                  .round = task->round}};
    for (size_t i = 0; i < task->n_clients; i++)
        results[i] = (struct comms_client_result){
            .client = task->clients[i], .samples = SAMPLES, .loss_mean = 1};
    message.u.partial.clients = results;
    message.u.partial.n_clients = task->n_clients;
    process->weight += (int64_t)task->n_clients * SAMPLES;
    if (task->kind == COMMS_COLLECT) {
        message.u.partial.weight = process->weight;
        process->weight = 0;
        message.tensors[0] = (struct comms_tensor){
            .type = COMMS_I64,
            .data = process->bench->part,
            .n = (int64_t)process->bench->model->n_params};
        message.n_tensors = 1;
    }
    check(comms_send(process->spoke, 1, &message, &lease, &err), &err);
}

static void *work(void *arg)
{
    struct process *process = arg;
    struct bench *bench = process->bench;
    struct comms_context *context;
    struct fl_error err;
    const struct comms_message hello = {.kind = COMMS_HELLO,
                                        .u.hello = {.slot = process->slot,
                                                    .host = "h",
                                                    .version = "1",
                                                    .blas_kernel = "k"}};
    process->model = fl_calloc(bench->model->n_params, sizeof(float));
    if (!process->model)
        die("out of memory");
    check(comms_context_create(&context, &err), &err);
    check(comms_spoke_create_keyed(context, bench->address,
                                   bench->keys ? &bench->keys->spoke : NULL,
                                   &comms_limits_run, &process->spoke, &err),
          &err);
    check(comms_send(process->spoke, 1, &hello, NULL, &err), &err);
    for (bool is_over = false; !is_over;) {
        struct comms_received received;
        comms_peer closed;
        bool got;
        check(comms_receive(process->spoke, -1, -1, &received, &got, &closed,
                            &err),
              &err);
        if (!got)
            die("a message was refused");
        is_over = received.message.kind == COMMS_BYE;
        if (received.message.kind == COMMS_MODEL)
            comms_tensor_copy(&received.message.tensors[0], process->model);
        if (received.message.kind == COMMS_TASK)
            answer(process, &received.message.u.task);
        comms_received_fini(&received);
    }
    comms_endpoint_destroy(process->spoke, 0);
    comms_context_destroy(context);
    fl_free(process->model);
    return NULL;
}

struct round_state {
    struct bench *bench;
    bool is_done;
};

static enum fl_status on_part(struct coord_job *job,
                              const struct comms_message *message,
                              struct fl_error *err)
{
    (void)job;
    (void)message;
    (void)err;
    return FL_OK;
}

static enum fl_status on_sum(struct coord_job *job,
                             const struct comms_tensor *sum,
                             int64_t weight,
                             const int64_t *members,
                             size_t n,
                             struct fl_error *err)
{
    struct round_state *round = job->owner;
    (void)members;
    if (weight != (int64_t)n * SAMPLES)
        return fl_fail(err, FL_E_STATE, "a sum of another weight");
    return coord_sum_merge(round->bench->sum, sum)
               ? FL_OK
               : fl_fail(err, FL_E_NUMERIC, "the sum overflows");
}

static enum fl_status on_done(struct coord_job *job, struct fl_error *err)
{
    struct round_state *round = job->owner;
    (void)err;
    round->is_done = true;
    return FL_OK;
}

static const struct coord_job_ops ops = {
    .on_part = on_part, .on_sum = on_sum, .on_done = on_done};

static void play_round(struct bench *bench,
                       struct coord_dispatch *dispatch,
                       struct coord_shelf *shelf,
                       int64_t number)
{
    struct coord_item items[MAX_CLIENTS];
    struct round_state round = {.bench = bench};
    struct coord_vector *vector;
    struct fl_error err;
    check(coord_vector_take(shelf, &vector, &err), &err);
    memcpy(vector->data, bench->params,
           bench->model->n_params * sizeof(float)); /* as a strategy's step */
    struct coord_job job = {.kind = COMMS_TRAIN,
                            .round = number,
                            .model = vector,
                            .model_version = number,
                            .ops = &ops,
                            .owner = &round};
    for (int i = 0; i < bench->model->n_clients; i++)
        items[i] = (struct coord_item){i, bench->model->client_flop};
    double start_s = fl_clock_wall_s();
    check(
        coord_job_set_items(&job, items, (size_t)bench->model->n_clients, &err),
        &err);
    check(coord_dispatch_submit(dispatch, &job, &err), &err);
    while (!round.is_done)
        check(coord_dispatch_turn(dispatch, 1.0, -1, &err), &err);
    bench->rounds_s[number] = fl_clock_wall_s() - start_s;
    coord_job_fini(&job);
    coord_vector_drop(vector);
}

static void run_dispatch(struct bench *bench, int rounds)
{
    struct comms_context *context;
    struct coord_shelf *shelf;
    struct coord_dispatch *dispatch;
    struct process processes[N_PROCESSES];
    pthread_t threads[N_PROCESSES];
    struct fl_error err;
    struct coord_dispatch_opts opts = {
        .welcome = {.run_id = "r", .scenario = "s", .heartbeat_wall_s = 1},
        .n_params = (int64_t)bench->model->n_params,
        .version = "1",
        .silence_wall_s = 60,
        .patience_wall_s = 60};
    check(comms_context_create(&context, &err), &err);
    check(comms_hub_create_keyed(context, bench->address,
                                 bench->keys ? &bench->keys->hub : NULL,
                                 &comms_limits_run, &opts.hub, &err),
          &err);
    (void)snprintf(bench->address, sizeof bench->address, "%s",
                   comms_endpoint_address(opts.hub));
    check(coord_shelf_create(bench->model->n_params, &shelf, &err), &err);
    check(coord_dispatch_create(&opts, &dispatch, &err), &err);
    for (uint32_t i = 0; i < N_PROCESSES; i++) {
        processes[i] = (struct process){.bench = bench, .slot = i};
        if (pthread_create(&threads[i], NULL, work, &processes[i]) != 0)
            die("pthread_create");
    }
    while (coord_dispatch_n_peers(dispatch) < N_PROCESSES)
        check(coord_dispatch_turn(dispatch, 1.0, -1, &err), &err);
    double start_cpu_s = fl_clock_cpu_s();
    for (int round = 0; round < rounds; round++)
        play_round(bench, dispatch, shelf, round);
    bench->cpu_s = fl_clock_cpu_s() - start_cpu_s;
    coord_dispatch_dismiss(dispatch, "");
    for (int i = 0; i < N_PROCESSES; i++)
        (void)pthread_join(threads[i], NULL);
    coord_dispatch_destroy(dispatch);
    comms_endpoint_destroy(opts.hub, 0);
    comms_context_destroy(context);
    coord_shelf_destroy(shelf);
}

/* The same with bare sockets. */

static void set_key(void *socket, int option, const char *key)
{
    if (zmq_setsockopt(socket, option, key, COMMS_KEY_TEXT) != 0)
        die("zmq_setsockopt: a key");
}

static void *plain_socket(void *zmq, int type, const struct bench *bench)
{
    const int zero = 0, on = 1;
    bool is_hub = type == ZMQ_ROUTER;
    void *socket = zmq_socket(zmq, type);
    if (!socket || zmq_setsockopt(socket, ZMQ_SNDHWM, &zero, sizeof zero) ||
        zmq_setsockopt(socket, ZMQ_RCVHWM, &zero, sizeof zero) ||
        zmq_setsockopt(socket, ZMQ_LINGER, &zero, sizeof zero))
        die("zmq_socket");
    if (!bench->keys)
        return socket;
    const struct comms_keys *keys =
        is_hub ? &bench->keys->hub : &bench->keys->spoke;
    set_key(socket, ZMQ_CURVE_PUBLICKEY, keys->public_key);
    set_key(socket, ZMQ_CURVE_SECRETKEY, keys->secret_key);
    if (!is_hub)
        set_key(socket, ZMQ_CURVE_SERVERKEY, keys->peer_key);
    else if (zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &on, sizeof on) != 0)
        die("zmq_setsockopt: server");
    return socket;
}

static void say(void *socket, const void *bytes, size_t n, int more)
{
    if (zmq_send(socket, bytes, n, more) < 0)
        die("zmq_send");
}

static void send_vector(void *socket, const void *vector, size_t n_bytes)
{
    const char *bytes = vector;
    for (size_t at = 0; at < n_bytes; at += FRAME_BYTES) {
        size_t n = n_bytes - at < FRAME_BYTES ? n_bytes - at : FRAME_BYTES;
        zmq_msg_t frame;
        if (zmq_msg_init_data(&frame, (void *)(uintptr_t)(bytes + at), n,
                              nothing, NULL) != 0 ||
            zmq_msg_send(&frame, socket, at + n < n_bytes ? ZMQ_SNDMORE : 0) <
                0)
            die("zmq_msg_send");
    }
}

/* A whole message; frames that are large go to `into` in turn. */
static size_t hear(void *socket, char *into, char *ret_first)
{
    size_t at = 0;
    int more = 1;
    for (int i = 0; more; i++) {
        zmq_msg_t frame;
        (void)zmq_msg_init(&frame);
        if (zmq_msg_recv(&frame, socket, 0) < 0)
            die("zmq_msg_recv");
        size_t n = zmq_msg_size(&frame);
        more = zmq_msg_more(&frame);
        if (i == 0 && ret_first)
            memcpy(ret_first, zmq_msg_data(&frame), n < 16 ? n : 16);
        else if (into) {
            memcpy(into + at, zmq_msg_data(&frame), n);
            at += n;
        }
        (void)zmq_msg_close(&frame);
    }
    return at;
}

/* Tells each message by its first byte: Model, Task, Collect, Bye. */
static void *plain_work(void *arg)
{
    struct process *process = arg;
    const struct bench *bench = process->bench;
    size_t n = bench->model->n_params;
    void *zmq = zmq_ctx_new();
    void *socket = plain_socket(zmq, ZMQ_DEALER, bench);
    float *model = fl_calloc(n, sizeof *model);
    char first[16] = {0}, small[128] = {0};
    if (!model || zmq_connect(socket, bench->address) != 0)
        die("zmq_connect");
    say(socket, small, 1, 0);
    while (first[0] != 'B') {
        (void)hear(socket, (char *)model, first);
        if (first[0] == 'T')
            say(socket, small, sizeof small, 0);
        if (first[0] == 'C')
            send_vector(socket, bench->part, n * sizeof(int64_t));
    }
    (void)zmq_close(socket);
    (void)zmq_ctx_term(zmq);
    fl_free(model);
    return NULL;
}

static void plain_round(struct bench *bench,
                        void *hub,
                        char ids[N_PROCESSES][16],
                        int n_tasks,
                        int64_t *room)
{
    size_t n = bench->model->n_params;
    char small[128] = {0}, id[16];
    for (int i = 0; i < N_PROCESSES; i++) {
        say(hub, ids[i], 5, ZMQ_SNDMORE);
        say(hub, "M", 1, ZMQ_SNDMORE);
        send_vector(hub, bench->params, n * sizeof(float));
        small[0] = 'T';
        for (int k = 0; k < n_tasks; k++) {
            say(hub, ids[i], 5, ZMQ_SNDMORE);
            say(hub, small, sizeof small, 0);
        }
    }
    for (int i = 0; i < N_PROCESSES * n_tasks; i++)
        (void)hear(hub, NULL, id);
    for (int i = 0; i < N_PROCESSES; i++) {
        say(hub, ids[i], 5, ZMQ_SNDMORE);
        say(hub, "C", 1, 0);
    }
    for (int i = 0; i < N_PROCESSES; i++) {
        if (hear(hub, (char *)room, id) != n * sizeof(int64_t))
            die("a sum of another size");
        if (!fl_exact_merge(bench->sum, room, n))
            die("the sum overflows");
    }
}

static void run_plain(struct bench *bench, int rounds)
{
    void *zmq = zmq_ctx_new();
    void *hub = plain_socket(zmq, ZMQ_ROUTER, bench);
    size_t size = sizeof bench->address, n = bench->model->n_params;
    struct process processes[N_PROCESSES];
    pthread_t threads[N_PROCESSES];
    char ids[N_PROCESSES][16];
    int64_t *room = fl_calloc(n, sizeof *room);
    /* As many tasks as the dispatcher makes of so many clients, or so. */
    int n_tasks = bench->model->n_clients > 20 ? 6 : 3;
    if (!room || zmq_bind(hub, bench->address) != 0 ||
        zmq_getsockopt(hub, ZMQ_LAST_ENDPOINT, bench->address, &size) != 0)
        die("zmq_bind");
    for (uint32_t i = 0; i < N_PROCESSES; i++) {
        processes[i] = (struct process){.bench = bench, .slot = i};
        if (pthread_create(&threads[i], NULL, plain_work, &processes[i]) != 0)
            die("pthread_create");
    }
    for (int i = 0; i < N_PROCESSES; i++)
        (void)hear(hub, NULL, ids[i]);
    double start_cpu_s = fl_clock_cpu_s();
    for (int round = 0; round < rounds; round++) {
        double start_s = fl_clock_wall_s();
        plain_round(bench, hub, ids, n_tasks, room);
        bench->rounds_s[round] = fl_clock_wall_s() - start_s;
    }
    bench->cpu_s = fl_clock_cpu_s() - start_cpu_s;
    for (int i = 0; i < N_PROCESSES; i++) {
        say(hub, ids[i], 5, ZMQ_SNDMORE);
        say(hub, "B", 1, 0);
    }
    for (int i = 0; i < N_PROCESSES; i++)
        (void)pthread_join(threads[i], NULL);
    (void)zmq_close(hub);
    (void)zmq_ctx_term(zmq);
    fl_free(room);
}

#define MAX_REPEATS 5

static void measure(struct bench *bench, size_t t, int rounds, int repeats)
{
    static const char *const names[] = {"dispatch", "zmq"};
    double medians_s[2][MAX_REPEATS], cpus_s[2][MAX_REPEATS];
    for (int repeat = 0; repeat < repeats; repeat++)
        for (int k = 0; k < 2; k++) {
            int how = (k + repeat) % 2;
            memset(bench->sum, 0, bench->model->n_params * sizeof(int64_t));
            name_address(bench, transports[t].address);
            if (how == 0)
                run_dispatch(bench, rounds);
            else
                run_plain(bench, rounds);
            medians_s[how][repeat] =
                bench_median(bench->rounds_s, (size_t)rounds);
            cpus_s[how][repeat] = bench->cpu_s / rounds;
        }
    for (int how = 0; how < 2; how++) {
        double ms = bench_median(medians_s[how], (size_t)repeats) * 1e3;
        double cpu_ms = bench_median(cpus_s[how], (size_t)repeats) * 1e3;
        printf("%s,%s,%s,%.3f,%.4f,%.3f,%.3f\n", bench->model->name,
               transports[t].name, names[how], ms, ms / bench->model->n_clients,
               ms / N_PROCESSES, cpu_ms / N_PROCESSES);
    }
    (void)fflush(stdout);
}

int main(int argc, char **argv)
{
    bool is_smoke = argc == 2 && strcmp(argv[1], "--smoke") == 0;
    struct comms_run_keys keys;
    struct fl_error err;
    if (argc > 1 && !is_smoke)
        die("allowed: --smoke");
    fl_alloc_keep_memory();
    check(comms_run_keys_make(&keys, &err), &err);
    bench_print_machine();
    printf("model,transport,how,ms_per_round,ms_per_client_update,"
           "ms_per_process_and_round,cpu_ms_per_process_and_round\n");
    for (size_t m = 0; m < sizeof models / sizeof models[0]; m++) {
        size_t n = models[m].n_params;
        struct bench bench = {.model = &models[m],
                              .sum = fl_calloc(n, sizeof(int64_t)),
                              .part = fl_calloc(n, sizeof(int64_t)),
                              .params = fl_calloc(n, sizeof(float))};
        if (!bench.sum || !bench.part || !bench.params)
            die("out of memory");
        for (size_t t = 0; t < 3; t++) {
            bench.keys = transports[t].is_encrypted ? &keys : NULL;
            measure(&bench, t, is_smoke ? 3 : models[m].rounds,
                    is_smoke ? 1 : MAX_REPEATS);
        }
        fl_free(bench.sum);
        fl_free(bench.part);
        fl_free(bench.params);
    }
    return 0;
}
