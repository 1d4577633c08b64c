/* A peer that does what it should not, for tests/e2e/test_security.py.
 *
 *     hostile_peer TICKET MODE [NUMBER]
 *
 * Ends with 0 once the coordinator has refused it in the way that the mode
 * expects: by closing the connection, or with a BYE, which it prints. It waits
 * for these signs and for nothing else.
 */
#include "base/parse.h"
#include "comms/endpoint.h"
#include "comms/ticket.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#define PATIENCE_WALL_S 60.0
#define MAX_CLIENTS     64

static void die(const char *what, const char *why)
{
    (void)fprintf(stderr, "hostile_peer: %s: %s\n", what, why);
    exit(1);
}

/* Below: strangers, as plain ZeroMQ sockets. */

static void set_text(void *socket, int option, const char *text)
{
    if (zmq_setsockopt(socket, option, text, COMMS_KEY_TEXT) != 0)
        die("key", zmq_strerror(zmq_errno()));
}

static void set_keys(void *socket, const struct comms_keys *keys)
{
    set_text(socket, ZMQ_CURVE_PUBLICKEY, keys->public_key);
    set_text(socket, ZMQ_CURVE_SECRETKEY, keys->secret_key);
    set_text(socket, ZMQ_CURVE_SERVERKEY, keys->peer_key);
}

/* Connects, says one frame, and waits until it is cut off. */
static void be_cut_off(const struct comms_ticket *ticket,
                       const struct comms_keys *keys,
                       size_t n_bytes)
{
    static const char events[] = "inproc://events";
    const int none = 0, patience_ms = (int)(PATIENCE_WALL_S * 1e3);
    void *zmq = zmq_ctx_new();
    void *socket = zmq_socket(zmq, ZMQ_DEALER);
    void *monitor = zmq_socket(zmq, ZMQ_PAIR);
    if (keys)
        set_keys(socket, keys);
    (void)zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none);
    (void)zmq_setsockopt(monitor, ZMQ_RCVTIMEO, &patience_ms,
                         sizeof patience_ms);
    if (zmq_socket_monitor(socket, events, ZMQ_EVENT_DISCONNECTED) != 0 ||
        zmq_connect(monitor, events) != 0 ||
        zmq_connect(socket, ticket->address) != 0)
        die(ticket->address, zmq_strerror(zmq_errno()));
    zmq_msg_t frame;
    if (zmq_msg_init_size(&frame, n_bytes) != 0)
        die("frame", "out of memory");
    memset(zmq_msg_data(&frame), 'x', n_bytes);
    if (zmq_msg_send(&frame, socket, 0) < 0)
        die("send", zmq_strerror(zmq_errno()));
    char event[16];
    if (zmq_recv(monitor, event, sizeof event, 0) < 0)
        die("not cut off", zmq_strerror(zmq_errno()));
    (void)zmq_close(monitor);
    (void)zmq_close(socket);
    (void)zmq_ctx_term(zmq);
}

/* Below: peers that have the ticket. */

struct peer {
    struct comms_context *context;
    struct comms_endpoint *spoke;
    struct comms_hello hello;
};

static void must(enum fl_status status, const struct fl_error *err)
{
    if (status != FL_OK)
        die("failed", err->text);
}

static void say(struct peer *peer, const struct comms_message *message)
{
    struct fl_error err = {0};
    must(comms_send(peer->spoke, 1, message, NULL, &err), &err);
}

static void say_hello(struct peer *peer)
{
    struct comms_message hello = {.kind = COMMS_HELLO, .u.hello = peer->hello};
    say(peer, &hello);
}

static struct comms_received hear(struct peer *peer)
{
    struct comms_received received = {.peer = 0};
    struct fl_error err = {0};
    bool got = false;
    comms_peer closed = 0;
    must(comms_receive(peer->spoke, PATIENCE_WALL_S, -1, &received, &got,
                       &closed, &err),
         &err);
    if (!got)
        die("nothing heard", err.text);
    return received;
}

/* Waits for a message of a kind; others are passed over, but a BYE. */
static struct comms_received hear_kind(struct peer *peer, enum comms_kind kind)
{
    for (;;) {
        struct comms_received received = hear(peer);
        if (received.message.kind == kind)
            return received;
        if (received.message.kind == COMMS_BYE)
            die("sent away early", received.message.u.bye.reason);
        comms_received_fini(&received);
    }
}

/* Passes over what was under way until the BYE comes. */
static void be_sent_away(struct peer *peer)
{
    struct comms_received received = hear_kind(peer, COMMS_BYE);
    (void)printf("%s\n", received.message.u.bye.reason);
    comms_received_fini(&received);
}

static void join(struct peer *peer)
{
    say_hello(peer);
    struct comms_received welcome = hear_kind(peer, COMMS_WELCOME);
    comms_received_fini(&welcome);
}

/* What an honest process would say to a task, as far as can be known. */
struct answer {
    struct comms_message message;
    struct comms_client_result results[MAX_CLIENTS];
    int64_t members[MAX_CLIENTS];
};

static void begin_answer(struct answer *answer,
                         const struct comms_task *task,
                         int64_t samples)
{
    *answer = (struct answer){.message = {.kind = COMMS_PARTIAL}};
    struct comms_partial *partial = &answer->message.u.partial;
    partial->task_id = task->id;
    partial->kind = task->kind;
    partial->arm = task->arm;
    partial->round = task->round;
    if (task->n_clients >= MAX_CLIENTS)
        die("task", "too many clients");
    for (size_t i = 0; i < task->n_clients; i++)
        answer->results[i] = (struct comms_client_result){
            .client = task->clients[i], .samples = samples, .loss_mean = 1};
    partial->clients = answer->results;
    partial->n_clients = task->n_clients;
}

/* Lies about a TRAIN task. */
static void bend(struct answer *answer, const char *mode)
{
    struct comms_partial *partial = &answer->message.u.partial;
    if (strcmp(mode, "foreign_task") == 0)
        partial->task_id += 1000;
    else if (strcmp(mode, "wrong_round") == 0)
        partial->round += 1;
    else if (strcmp(mode, "wrong_arm") == 0)
        partial->arm += 1;
    else if (strcmp(mode, "wrong_kind") == 0)
        partial->kind = COMMS_LOCAL;
    else if (strcmp(mode, "foreign_client") == 0)
        answer->results[0].client += 1;
    else if (strcmp(mode, "too_few_clients") == 0)
        partial->n_clients--;
    else if (strcmp(mode, "wrong_samples") == 0)
        answer->results[0].samples++;
    else if (strcmp(mode, "odd_tensor") == 0) {
        answer->message.tensors[0] = (struct comms_tensor){
            .type = COMMS_I64, .data = answer->members, .n = MAX_CLIENTS};
        answer->message.n_tensors = 1;
    } else
        die("no such mode", mode);
}

static void
lie_about_training(struct peer *peer, const char *mode, int64_t samples)
{
    struct answer answer;
    join(peer);
    struct comms_received asked = hear_kind(peer, COMMS_TASK);
    begin_answer(&answer, &asked.message.u.task, samples);
    bend(&answer, mode);
    say(peer, &answer.message);
    comms_received_fini(&asked);
    be_sent_away(peer);
}

/* Says that it has trained, and then sends a sum of another size. */
static void lie_about_a_sum(struct peer *peer, int64_t samples)
{
    struct answer answer;
    join(peer);
    for (bool is_over = false; !is_over;) {
        struct comms_received asked = hear_kind(peer, COMMS_TASK);
        begin_answer(&answer, &asked.message.u.task, samples);
        is_over = asked.message.u.task.kind == COMMS_COLLECT;
        if (is_over) {
            answer.message.u.partial.weight = samples;
            answer.message.tensors[0] = (struct comms_tensor){
                .type = COMMS_I64, .data = answer.members, .n = MAX_CLIENTS};
            answer.message.n_tensors = 1;
        }
        say(peer, &answer.message);
        comms_received_fini(&asked);
    }
    be_sent_away(peer);
}

static void flood(struct peer *peer)
{
    struct comms_message beat = {.kind = COMMS_HEARTBEAT};
    join(peer);
    for (int i = 0; i < 20000; i++)
        say(peer, &beat);
    be_sent_away(peer);
}

/* Is there until somebody closes its standard input. */
static void hold(struct peer *peer)
{
    char byte;
    join(peer);
    (void)printf("joined\n");
    (void)fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
}

static void speak_as_coordinator(struct peer *peer)
{
    struct comms_message model = {.kind = COMMS_MODEL, .u.model.version = 1};
    say(peer, &model);
    be_sent_away(peer);
}

/* Joins, and says HELLO again, which changes nothing and is not answered: what
 * is answered behind it tells that it was read. */
static void greet_twice(struct peer *peer)
{
    join(peer);
    peer->hello.slot = 0;
    peer->hello.incarnation++;
    say_hello(peer);
    speak_as_coordinator(peer);
}

static void
run_peer(const struct comms_ticket *ticket, const char *mode, int64_t number)
{
    struct peer peer = {.hello = {.slot = COMMS_ANY_SLOT,
                                  .host = "hostile",
                                  .version = getenv("HOSTILE_VERSION"),
                                  .blas_kernel = getenv("HOSTILE_KERNEL")}};
    struct fl_error err = {0};
    must(comms_context_create(&peer.context, &err), &err);
    must(comms_spoke_create_keyed(peer.context, ticket->address,
                                  ticket->is_encrypted ? &ticket->keys : NULL,
                                  NULL, &peer.spoke, &err),
         &err);
    if (strcmp(mode, "claim") == 0 || strcmp(mode, "hold") == 0)
        peer.hello.slot = (uint32_t)number;
    if (strcmp(mode, "greet") == 0) {
        join(&peer);
    } else if (strcmp(mode, "hold") == 0) {
        hold(&peer);
    } else if (strcmp(mode, "claim") == 0) {
        say_hello(&peer);
        be_sent_away(&peer);
    } else if (strcmp(mode, "flood") == 0) {
        flood(&peer);
    } else if (strcmp(mode, "greet_twice") == 0) {
        greet_twice(&peer);
    } else if (strcmp(mode, "as_coordinator") == 0) {
        join(&peer);
        speak_as_coordinator(&peer);
    } else if (strcmp(mode, "odd_sum") == 0) {
        lie_about_a_sum(&peer, number);
    } else {
        lie_about_training(&peer, mode, number);
    }
    comms_endpoint_destroy(peer.spoke, 1.0);
    comms_context_destroy(peer.context);
}

int main(int argc, char **argv)
{
    struct comms_ticket ticket;
    struct comms_run_keys others;
    struct fl_error err = {0};
    int64_t number = 0;
    if (argc < 3)
        die("usage", "hostile_peer TICKET MODE [NUMBER]");
    must(comms_ticket_read(argv[1], &ticket, &err), &err);
    must(comms_run_keys_make(&others, &err), &err);
    if (argc > 3)
        must(fl_parse_int(argv[3], 0, UINT32_MAX, &number, &err), &err);
    const char *mode = argv[2];
    if (strcmp(mode, "plain") == 0) {
        be_cut_off(&ticket, NULL, 5);
    } else if (strcmp(mode, "other_key") == 0) {
        /* it knows the coordinator's public key, which is no secret */
        memcpy(others.spoke.peer_key, ticket.keys.peer_key, COMMS_KEY_TEXT);
        be_cut_off(&ticket, &others.spoke, 5);
    } else if (strcmp(mode, "other_run") == 0) {
        be_cut_off(&ticket, &others.spoke, 5);
    } else if (strcmp(mode, "oversized") == 0) {
        be_cut_off(&ticket, ticket.is_encrypted ? &ticket.keys : NULL,
                   (size_t)number);
    } else {
        run_peer(&ticket, mode, number);
    }
    return 0;
}
