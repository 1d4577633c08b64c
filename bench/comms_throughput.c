/* How fast tensors travel: comms beside plain libzmq, in one interleaved run.
 *
 *     bench_comms_throughput [--smoke]
 *
 * One thread sends, one receives and reads every cache line; each has its own
 * context. Prints CSV: transport, bytes of the tensor, how, gbytes_per_s,
 * cpu_s_per_gbyte (both sides); and round trips of 64 bytes: median and 99th
 * percentile in microseconds. Medians of the rounds.
 *
 *   comms      comms_send with a lease, comms_receive
 *   zmq_whole  one zmq_msg_init_data frame, read where it arrives
 *   zmq_frames the same tensor in frames of 1 MiB
 *   zmq_copy   one frame that zmq_send copies
 *   comms_curve, zmq_curve_frames   encrypted: comms; zmq_frames
 */
#include "base/alloc.h"
#include "base/arena.h"
#include "base/clock.h"
#include "bench/bench.h"
#include "comms/endpoint.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#define FRAME_BYTES ((size_t)1 << 20)
#define MAX_ROUNDS  7
#define MAX_BYTES   ((size_t)45000000)

enum how {
    COMMS,
    ZMQ_WHOLE,
    ZMQ_FRAMES,
    ZMQ_COPY,
    COMMS_CURVE, /* these two not over inproc, which is never encrypted */
    ZMQ_CURVE_FRAMES,
    HOW_LAST
};
static const char *const how_names[] = {"comms",       "zmq_whole",
                                        "zmq_frames",  "zmq_copy",
                                        "comms_curve", "zmq_curve_frames"};

struct task {
    enum how how;
    char address[128];
    const char *tensor;
    size_t n_bytes;
    int n_messages;
    bool is_echo;                      /* answer each message instead */
    const struct comms_run_keys *keys; /* NULL: not encrypted */
    struct comms_context *context;
};

static void die(const char *what)
{
    (void)fprintf(stderr, "bench_comms_throughput: %s\n", what);
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

static uint64_t read_lines(const void *data, size_t n_bytes)
{
    const unsigned char *bytes = data;
    uint64_t sum = 0;
    for (size_t i = 0; i < n_bytes; i += 64)
        sum += bytes[i];
    return sum;
}

static uint64_t read_pieces(const struct comms_tensor *tensor)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < tensor->n_pieces; i++)
        sum += read_lines(tensor->pieces[i].data,
                          (size_t)tensor->pieces[i].n * sizeof(float));
    return sum;
}

/* Sending side, comms */
static void *comms_side(void *arg)
{
    const struct task *task = arg;
    struct fl_error err;
    struct comms_endpoint *spoke;
    struct comms_received go = {0};
    comms_peer closed;
    bool got;
    const struct comms_lease lease = {nothing, NULL};
    struct comms_message message = {.kind = COMMS_HEARTBEAT};
    check(comms_spoke_create_keyed(task->context, task->address,
                                   task->keys ? &task->keys->spoke : NULL, NULL,
                                   &spoke, &err),
          &err);
    check(comms_send(spoke, 1, &message, NULL, &err), &err);
    if (!task->is_echo) {
        check(comms_receive(spoke, -1, -1, &go, &got, &closed, &err), &err);
        message = (struct comms_message){
            .kind = COMMS_MODEL,
            .n_tensors = 1,
            .tensors = {{.type = COMMS_F32,
                         .data = task->tensor,
                         .n = (int64_t)task->n_bytes / 4}},
        };
    }
    for (int i = 0; i < task->n_messages; i++) {
        if (task->is_echo)
            check(comms_receive(spoke, -1, -1, &go, &got, &closed, &err), &err);
        comms_received_fini(&go);
        check(comms_send(spoke, 1, &message, &lease, &err), &err);
    }
    comms_endpoint_destroy(spoke, 60.0);
    return NULL;
}

static struct comms_received must_receive(struct comms_endpoint *endpoint)
{
    struct fl_error err;
    struct comms_received received;
    comms_peer closed;
    bool got;
    check(comms_receive(endpoint, -1, -1, &received, &got, &closed, &err),
          &err);
    if (!got)
        die("a message was refused");
    return received;
}

/* Sending side, plain */
static void send_plain(void *socket, const struct task *task)
{
    bool is_cut = task->how == ZMQ_FRAMES || task->how == ZMQ_CURVE_FRAMES;
    size_t step = is_cut ? FRAME_BYTES : task->n_bytes;
    for (size_t at = 0; at < task->n_bytes; at += step) {
        size_t n = task->n_bytes - at < step ? task->n_bytes - at : step;
        int more = at + n < task->n_bytes ? ZMQ_SNDMORE : 0;
        char *bytes = (char *)task->tensor + at;
        zmq_msg_t frame;
        if (task->how == ZMQ_COPY) {
            if (zmq_send(socket, bytes, n, more) < 0)
                die("zmq_send");
            continue;
        }
        if (zmq_msg_init_data(&frame, bytes, n, nothing, NULL) != 0 ||
            zmq_msg_send(&frame, socket, more) < 0)
            die("zmq_msg_send");
    }
}

static void set_key(void *socket, int option, const char *key)
{
    if (zmq_setsockopt(socket, option, key, COMMS_KEY_TEXT) != 0)
        die("zmq_setsockopt: a key");
}

static void encrypt(void *socket, const struct comms_keys *keys, bool is_server)
{
    const int on = 1;
    set_key(socket, ZMQ_CURVE_PUBLICKEY, keys->public_key);
    set_key(socket, ZMQ_CURVE_SECRETKEY, keys->secret_key);
    if (!is_server)
        set_key(socket, ZMQ_CURVE_SERVERKEY, keys->peer_key);
    else if (zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &on, sizeof on) != 0)
        die("zmq_setsockopt: server");
}

static void *plain_socket(void *zmq)
{
    int zero = 0, linger_ms = 60000;
    void *socket = zmq_socket(zmq, ZMQ_DEALER);
    if (!socket || zmq_setsockopt(socket, ZMQ_SNDHWM, &zero, sizeof zero) ||
        zmq_setsockopt(socket, ZMQ_RCVHWM, &zero, sizeof zero) ||
        zmq_setsockopt(socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms))
        die("zmq_socket");
    return socket;
}

struct plain_arg {
    const struct task *task;
    void *zmq;
};

static void *plain_side(void *arg)
{
    const struct plain_arg *plain = arg;
    const struct task *task = plain->task;
    char small[64] = {0};
    void *socket = plain_socket(plain->zmq);
    if (task->keys)
        encrypt(socket, &task->keys->spoke, false);
    if (zmq_connect(socket, task->address) != 0 ||
        zmq_send(socket, small, sizeof small, 0) < 0)
        die("zmq_connect");
    if (!task->is_echo && zmq_recv(socket, small, sizeof small, 0) < 0)
        die("zmq_recv");
    for (int i = 0; i < task->n_messages; i++) {
        if (!task->is_echo)
            send_plain(socket, task);
        else if (zmq_recv(socket, small, sizeof small, 0) < 0 ||
                 zmq_send(socket, small, sizeof small, 0) < 0)
            die("echo");
    }
    (void)zmq_close(socket);
    return NULL;
}

static uint64_t receive_plain(void *socket)
{
    uint64_t sum = 0;
    int more = 1;
    while (more) {
        zmq_msg_t frame;
        (void)zmq_msg_init(&frame);
        if (zmq_msg_recv(&frame, socket, 0) < 0)
            die("zmq_msg_recv");
        sum += read_lines(zmq_msg_data(&frame), zmq_msg_size(&frame));
        more = zmq_msg_more(&frame);
        (void)zmq_msg_close(&frame);
    }
    return sum;
}

struct outcome {
    double wall_s, cpu_s;
    double *trips_s; /* of an echo; n_messages of them */
    uint64_t sum;    /* so that reading is not optimised away */
};

static void start(pthread_t *thread, void *(*side)(void *), void *arg)
{
    if (pthread_create(thread, NULL, side, arg) != 0)
        die("pthread_create");
}

static void run_comms(struct task *task, struct outcome *ret)
{
    struct fl_error err;
    struct comms_context *own = NULL;
    struct comms_endpoint *hub;
    pthread_t thread;
    bool is_inproc = strncmp(task->address, "inproc", 6) == 0;
    check(comms_context_create(&own, &err), &err);
    task->context = own;
    if (!is_inproc)
        check(comms_context_create(&task->context, &err), &err);
    check(comms_hub_create_keyed(own, task->address,
                                 task->keys ? &task->keys->hub : NULL, NULL,
                                 &hub, &err),
          &err);
    (void)snprintf(task->address, sizeof task->address, "%s",
                   comms_endpoint_address(hub));
    start(&thread, comms_side, task);
    struct comms_received hello = must_receive(hub);
    comms_peer peer = hello.peer;
    const struct comms_message go = hello.message;
    double from_wall_s = fl_clock_wall_s(), from_cpu_s = fl_clock_cpu_s();
    if (!task->is_echo)
        check(comms_send(hub, peer, &go, NULL, &err), &err);
    for (int i = 0; i < task->n_messages; i++) {
        double sent_s = fl_clock_wall_s();
        if (task->is_echo)
            check(comms_send(hub, peer, &go, NULL, &err), &err);
        struct comms_received received = must_receive(hub);
        if (task->is_echo)
            ret->trips_s[i] = fl_clock_wall_s() - sent_s;
        else
            ret->sum += read_pieces(&received.message.tensors[0]);
        comms_received_fini(&received);
    }
    ret->wall_s = fl_clock_wall_s() - from_wall_s;
    ret->cpu_s = fl_clock_cpu_s() - from_cpu_s;
    comms_received_fini(&hello);
    (void)pthread_join(thread, NULL);
    comms_endpoint_destroy(hub, 0.0);
    if (!is_inproc)
        comms_context_destroy(task->context);
    comms_context_destroy(own);
}

static void run_plain(struct task *task, struct outcome *ret)
{
    char small[64] = {0};
    bool is_inproc = strncmp(task->address, "inproc", 6) == 0;
    void *own = zmq_ctx_new();
    struct plain_arg arg = {task, is_inproc ? own : zmq_ctx_new()};
    void *socket = plain_socket(own);
    if (task->keys)
        encrypt(socket, &task->keys->hub, true);
    size_t size = sizeof task->address;
    pthread_t thread;
    if (zmq_bind(socket, task->address) != 0 ||
        zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, task->address, &size) != 0)
        die("zmq_bind");
    start(&thread, plain_side, &arg);
    if (zmq_recv(socket, small, sizeof small, 0) < 0)
        die("zmq_recv");
    double from_wall_s = fl_clock_wall_s(), from_cpu_s = fl_clock_cpu_s();
    if (!task->is_echo && zmq_send(socket, small, sizeof small, 0) < 0)
        die("zmq_send");
    for (int i = 0; i < task->n_messages; i++) {
        double sent_s = fl_clock_wall_s();
        if (!task->is_echo) {
            ret->sum += receive_plain(socket);
            continue;
        }
        if (zmq_send(socket, small, sizeof small, 0) < 0 ||
            zmq_recv(socket, small, sizeof small, 0) < 0)
            die("round trip");
        ret->trips_s[i] = fl_clock_wall_s() - sent_s;
    }
    ret->wall_s = fl_clock_wall_s() - from_wall_s;
    ret->cpu_s = fl_clock_cpu_s() - from_cpu_s;
    (void)pthread_join(thread, NULL);
    (void)zmq_close(socket);
    if (!is_inproc)
        (void)zmq_ctx_term(arg.zmq);
    (void)zmq_ctx_term(own);
}

static int compare(const void *a, const void *b)
{
    double x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

static double quantile(double *values, size_t n, double q)
{
    qsort(values, n, sizeof *values, compare);
    return values[(size_t)(q * (double)(n - 1))];
}

/* Abstract ipc names leave no file behind. */
static void name_address(struct task *task, const char *transport, int number)
{
    size_t size = sizeof task->address;
    if (strcmp(transport, "ipc") == 0)
        (void)snprintf(task->address, size, "ipc://@bench-%ld-%d",
                       (long)getpid(), number);
    else
        (void)snprintf(task->address, size, "%s",
                       strcmp(transport, "tcp") == 0 ? "tcp://127.0.0.1:*"
                                                     : "inproc://bench");
}

static void run(struct task *task, const char *transport, struct outcome *ret)
{
    static int number;
    name_address(task, transport, number++);
    if (task->how == COMMS || task->how == COMMS_CURVE)
        run_comms(task, ret);
    else
        run_plain(task, ret);
}

static bool is_encrypted(enum how how)
{
    return how == COMMS_CURVE || how == ZMQ_CURVE_FRAMES;
}

static void throughput(const char *transport,
                       const struct comms_run_keys *keys,
                       const char *tensor,
                       size_t n_bytes,
                       double gbytes,
                       int rounds)
{
    double rates[HOW_LAST][MAX_ROUNDS], costs[HOW_LAST][MAX_ROUNDS];
    int n_messages = (int)(gbytes * 1e9 / (double)n_bytes) + 1;
    double moved = (double)n_messages * (double)n_bytes / 1e9;
    int n_hows = strcmp(transport, "inproc") == 0 ? COMMS_CURVE : HOW_LAST;
    for (int round = 0; round < rounds; round++)
        for (int k = 0; k < n_hows; k++) {
            /* in turn: what ran before leaves its mark on the heap */
            int how = (k + round) % n_hows;
            struct task task = {.how = (enum how)how,
                                .keys =
                                    is_encrypted((enum how)how) ? keys : NULL,
                                .tensor = tensor,
                                .n_bytes = n_bytes,
                                .n_messages = n_messages};
            struct outcome outcome = {0};
            run(&task, transport, &outcome);
            if (outcome.sum == 0)
                die("nothing arrived");
            rates[how][round] = moved / outcome.wall_s;
            costs[how][round] = outcome.cpu_s / moved;
        }
    for (int how = 0; how < n_hows; how++)
        printf("%s,%zu,%s,%.2f,%.3f\n", transport, n_bytes, how_names[how],
               quantile(rates[how], (size_t)rounds, 0.5),
               quantile(costs[how], (size_t)rounds, 0.5));
    (void)fflush(stdout);
}

static void round_trips(const char *transport,
                        const struct comms_run_keys *keys,
                        int n,
                        int rounds)
{
    double medians[4][MAX_ROUNDS], tails[4][MAX_ROUNDS];
    static const enum how hows[] = {COMMS, ZMQ_COPY, COMMS_CURVE,
                                    ZMQ_CURVE_FRAMES};
    int n_hows = strcmp(transport, "inproc") == 0 ? 2 : 4;
    double *trips_s = fl_calloc((size_t)n, sizeof *trips_s);
    if (!trips_s)
        die("out of memory");
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < n_hows; i++) {
            struct task task = {.how = hows[i],
                                .keys = is_encrypted(hows[i]) ? keys : NULL,
                                .n_messages = n,
                                .is_echo = true};
            struct outcome outcome = {.trips_s = trips_s};
            run(&task, transport, &outcome);
            medians[i][round] = quantile(trips_s, (size_t)n, 0.5) * 1e6;
            tails[i][round] = quantile(trips_s, (size_t)n, 0.99) * 1e6;
        }
    for (int i = 0; i < n_hows; i++)
        printf("%s,64,%s,%.1f,%.1f\n", transport, how_names[hows[i]],
               quantile(medians[i], (size_t)rounds, 0.5),
               quantile(tails[i], (size_t)rounds, 0.5));
    fl_free(trips_s);
    (void)fflush(stdout);
}

int main(int argc, char **argv)
{
    bool is_smoke = argc == 2 && strcmp(argv[1], "--smoke") == 0;
    if (argc > 1 && !is_smoke)
        die("allowed: --smoke");
    static const char *const transports[] = {"tcp", "ipc", "inproc"};
    static const size_t sizes[] = {250000, 6500000, MAX_BYTES};
    size_t n_sizes = is_smoke ? 2 : 3;
    int rounds = is_smoke ? 1 : MAX_ROUNDS;
    double gbytes = is_smoke ? 0.01 : 0.9;
    struct fl_arena arena;
    struct comms_run_keys keys;
    struct fl_error err;
    fl_alloc_keep_memory(); /* as the programs do */
    check(comms_run_keys_make(&keys, &err), &err);
    check(fl_arena_init(&arena, fl_arena_bytes(MAX_BYTES, 1), &err), &err);
    char *tensor = fl_arena_take(&arena, MAX_BYTES, 1);
    memset(tensor, 1, MAX_BYTES);
    bench_print_machine();
    printf("transport,bytes,how,gbytes_per_s,cpu_s_per_gbyte\n");
    for (size_t t = 0; t < 3; t++)
        for (size_t i = 0; i < n_sizes; i++)
            throughput(transports[t], &keys, tensor, sizes[i], gbytes, rounds);
    printf("transport,bytes,how,round_trip_median_us,round_trip_p99_us\n");
    for (size_t t = 0; t < 3; t++)
        round_trips(transports[t], &keys, is_smoke ? 20 : 4000, rounds);
    fl_arena_fini(&arena);
    return 0;
}
