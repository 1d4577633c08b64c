#include "comms/gate_priv.h"

#include "base/alloc.h"

#include <pthread.h>
#include <signal.h>
#include <sodium/utils.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#define KEY_BYTES   32
#define FRAME_BYTES 256
/* version, request id, domain, address, routing id, mechanism, credentials */
#define REQUEST_FRAMES 7
#define WATCHED                                                                \
    (ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL)

struct comms_gate {
    void *asks;   /* REP: ZeroMQ asks about a key */
    void *events; /* PAIR: what befell the hub's connections */
    pthread_t thread;
    uint8_t admitted[KEY_BYTES];
    atomic_llong n[COMMS_REFUSED_LAST_];
    char address[COMMS_MAX_PEER_ADDRESS]; /* of the first with a wrong key;
                                 written before n[COMMS_REFUSED_KEY] is 1 */
};

static const char *const texts[] = {
    [COMMS_REFUSED_PLAIN] = "a connection that does not encrypt, or broke off",
    [COMMS_REFUSED_KEY] = "a peer with a key that is not this run's",
    [COMMS_REFUSED_SHAKE] = ("a peer whose handshake does not fit this run's "
                             "keys: another run's ticket, or a replay"),
};
_Static_assert(sizeof texts / sizeof texts[0] == COMMS_REFUSED_LAST_,
               "every refusal needs a text");

const char *comms_refusal_text(enum comms_refusal refusal)
{
    return (unsigned)refusal < COMMS_REFUSED_LAST_ ? texts[refusal] : "unknown";
}

struct frame {
    unsigned char bytes[FRAME_BYTES];
    size_t n; /* may exceed FRAME_BYTES: it was cut */
};

/* All frames of a message, the first `room` of them kept. 0: nothing there. */
static size_t take_frames(void *socket, struct frame *ret, size_t room)
{
    size_t n = 0;
    int more = 1;
    while (more) {
        struct frame frame;
        size_t size = sizeof more;
        int got = zmq_recv(socket, frame.bytes, FRAME_BYTES, ZMQ_DONTWAIT);
        if (got < 0 && zmq_errno() == EINTR)
            continue;
        if (got < 0 || zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size) != 0)
            return 0;
        frame.n = (size_t)got;
        if (n < room)
            ret[n] = frame;
        n++;
    }
    return n;
}

static void say(void *socket, const void *bytes, size_t n, int more)
{
    while (zmq_send(socket, bytes, n, more) < 0 && zmq_errno() == EINTR)
        continue;
}

static bool
is_admitted(const struct comms_gate *gate, const struct frame *frames, size_t n)
{
    const struct frame *mechanism = &frames[5], *key = &frames[6];
    return n == REQUEST_FRAMES && mechanism->n == 5 &&
           memcmp(mechanism->bytes, "CURVE", 5) == 0 && key->n == KEY_BYTES &&
           sodium_memcmp(key->bytes, gate->admitted, KEY_BYTES) == 0;
}

static void count(struct comms_gate *gate, enum comms_refusal refusal)
{
    atomic_fetch_add(&gate->n[refusal], 1);
}

static void note_address(struct comms_gate *gate, const struct frame *frame)
{
    if (atomic_load(&gate->n[COMMS_REFUSED_KEY]) > 0)
        return;
    size_t n = frame->n < sizeof gate->address - 1 ? frame->n
                                                   : sizeof gate->address - 1;
    memcpy(gate->address, frame->bytes, n);
    for (size_t i = 0; i < n; i++)
        if (gate->address[i] <= ' ' || gate->address[i] > '~')
            gate->address[i] = '?';
}

static void answer(struct comms_gate *gate)
{
    struct frame frames[REQUEST_FRAMES] = {0};
    size_t n = take_frames(gate->asks, frames, REQUEST_FRAMES);
    if (n == 0)
        return;
    bool is_welcome = is_admitted(gate, frames, n);
    if (!is_welcome) {
        note_address(gate, &frames[3]);
        count(gate, COMMS_REFUSED_KEY);
    }
    size_t n_id = frames[1].n < FRAME_BYTES ? frames[1].n : 0;
    say(gate->asks, "1.0", 3, ZMQ_SNDMORE);
    say(gate->asks, frames[1].bytes, n_id, ZMQ_SNDMORE);
    say(gate->asks, is_welcome ? "200" : "400", 3, ZMQ_SNDMORE);
    say(gate->asks, "", 0, ZMQ_SNDMORE);
    say(gate->asks, "", 0, ZMQ_SNDMORE);
    say(gate->asks, "", 0, 0);
}

static void watch(struct comms_gate *gate)
{
    struct frame frames[2] = {0};
    uint16_t event = 0;
    uint32_t value = 0;
    if (take_frames(gate->events, frames, 2) == 0 || frames[0].n < 6)
        return;
    memcpy(&event, frames[0].bytes, sizeof event);
    memcpy(&value, frames[0].bytes + sizeof event, sizeof value);
    /* Who does not encrypt sees that we do, and may be gone before we know. */
    bool is_plain = event == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL ||
                    value == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH;
    count(gate, is_plain ? COMMS_REFUSED_PLAIN : COMMS_REFUSED_SHAKE);
}

/* Until the context ends. */
static void *keep(void *arg)
{
    struct comms_gate *gate = arg;
    for (;;) {
        zmq_pollitem_t items[] = {
            {.socket = gate->asks, .events = ZMQ_POLLIN},
            {.socket = gate->events, .events = ZMQ_POLLIN},
        };
        if (zmq_poll(items, 2, -1) < 0) {
            if (zmq_errno() == ETERM)
                break;
            continue;
        }
        if (items[0].revents)
            answer(gate);
        if (items[1].revents)
            watch(gate);
    }
    (void)zmq_close(gate->asks);
    (void)zmq_close(gate->events);
    return NULL;
}

static enum fl_status problem(const char *what, struct fl_error *err)
{
    return fl_fail(err, FL_E_IO, "the gate of an encrypted hub: %s: %s", what,
                   zmq_strerror(zmq_errno()));
}

static enum fl_status open_sockets(struct comms_gate *gate,
                                   void *zmq,
                                   void *hub,
                                   struct fl_error *err)
{
    static const char zap[] = "inproc://zeromq.zap.01";
    static const char events[] = "inproc://fedcarbon.gate";
    gate->asks = zmq_socket(zmq, ZMQ_REP);
    gate->events = zmq_socket(zmq, ZMQ_PAIR);
    if (!gate->asks || !gate->events)
        return problem("no socket", err);
    int linger_ms = 0;
    (void)zmq_setsockopt(gate->asks, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    if (zmq_bind(gate->asks, zap) != 0)
        return problem("a context has one", err);
    if (zmq_socket_monitor(hub, events, WATCHED) != 0 ||
        zmq_connect(gate->events, events) != 0)
        return problem("cannot watch connections", err);
    return FL_OK;
}

/* Signals are for the program's own thread. */
static int start_thread(struct comms_gate *gate)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&gate->thread, NULL, keep, gate);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

enum fl_status comms_gate_create(void *zmq,
                                 void *hub,
                                 const char *key,
                                 struct comms_gate **ret,
                                 struct fl_error *err)
{
    struct comms_gate *gate = fl_calloc(1, sizeof *gate);
    if (!gate)
        return fl_fail(err, FL_E_NOMEM, "out of memory: a gate");
    enum fl_status status = FL_OK;
    if (!zmq_z85_decode(gate->admitted, key))
        status = fl_fail(err, FL_E_ARG, "a key that is none");
    if (status == FL_OK)
        status = open_sockets(gate, zmq, hub, err);
    if (status == FL_OK && start_thread(gate) != 0)
        status = fl_fail(err, FL_E_IO,
                         "the gate of an encrypted hub: no thread for it");
    if (status == FL_OK) {
        *ret = gate;
        return FL_OK;
    }
    if (gate->asks)
        (void)zmq_close(gate->asks);
    if (gate->events)
        (void)zmq_close(gate->events);
    fl_free(gate);
    return status;
}

void comms_gate_destroy(struct comms_gate *gate)
{
    if (!gate)
        return;
    (void)pthread_join(gate->thread, NULL);
    fl_free(gate);
}

struct comms_refusals comms_gate_refusals(const struct comms_gate *gate)
{
    struct comms_refusals ret = {.n = {0}};
    for (size_t i = 0; i < COMMS_REFUSED_LAST_; i++)
        ret.n[i] = atomic_load(&gate->n[i]);
    if (ret.n[COMMS_REFUSED_KEY] > 0)
        memcpy(ret.key_address, gate->address, sizeof ret.key_address);
    return ret;
}
