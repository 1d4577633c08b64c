/* A man in the middle between client processes and their coordinator: each
 * message stops here until somebody says what becomes of it.
 *
 *     proxy HUB-ADDRESS
 *
 * Listens on a tcp port of its own and gives each client process a connection
 * of its own to the hub. Writes "listen ADDRESS", and then a line for every
 * message:
 *
 *     MESSAGE PEER up|down WHAT CLIENT-PID
 *
 * WHAT is the kind of the message, or of the task that it is about. Everything
 * stands still until a line on standard input answers:
 *
 *     pass            on its way
 *     drop            lost
 *     twice           doubled
 *     swap            the next one of its peer and direction overtakes it
 *     delay MS        it and all behind it come later
 *     flip FRAME BYTE a bit of it changes (FRAME counts from 0; modulo each)
 *     cut             its last frame is missing
 *     reset           lost, with all connections: as if a switch had rebooted
 *     deaf MS         nothing of this peer and direction arrives any more, for
 *                     so long; it all comes later
 *
 * Ends with its standard input.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/parse.h"
#include "comms/codec_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <zmq.h>

#define MAX_PEERS  256
#define MAX_FRAMES 64
#define SWAP_MS    50.0

enum direction { UP, DOWN, DIRECTION_LAST };
static const char *const direction_names[] = {"up", "down"};
static const char *const task_names[] = {
    [COMMS_TRAIN] = "TRAIN",    [COMMS_COLLECT] = "COLLECT",
    [COMMS_EVALUATE] = "SCORE", [COMMS_CENTRAL] = "CENTRAL",
    [COMMS_LOCAL] = "LOCAL",
};

struct message {
    zmq_msg_t frames[MAX_FRAMES]; /* without a routing id */
    size_t n;
    size_t peer;
    enum direction direction;
    double due_ms;   /* not before */
    bool is_swapped; /* the next one goes first */
    struct message *next;
};

struct peer {
    uint8_t id[255];
    size_t n_id;
    void *hub; /* DEALER; NULL: the peer is gone */
    int64_t pid;
    int pid_fd; /* readable when the process has ended; -1: not known */
    double deaf_until_ms[DIRECTION_LAST];
};

struct proxy {
    void *zmq, *front;
    char listen[128];
    const char *hub_address;
    struct peer peers[MAX_PEERS];
    size_t n_peers;
    struct message *waiting; /* in the order they came */
    int64_t n_messages;
};

static void die(const char *what)
{
    (void)fprintf(stderr, "proxy: %s\n", what);
    exit(1);
}

static void check(bool is_fine, const char *what)
{
    if (!is_fine)
        die(what);
}

static double now_ms(void)
{
    return fl_clock_wall_s() * 1e3;
}

static void *open_socket(struct proxy *proxy, int type)
{
    const int none = 0;
    void *socket = zmq_socket(proxy->zmq, type);
    check(socket != NULL, "no socket");
    (void)zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none);
    (void)zmq_setsockopt(socket, ZMQ_SNDHWM, &none, sizeof none);
    (void)zmq_setsockopt(socket, ZMQ_RCVHWM, &none, sizeof none);
    return socket;
}

/* The port of a socket that was closed may take a moment to be free. */
static void listen_again(struct proxy *proxy)
{
    proxy->front = open_socket(proxy, ZMQ_ROUTER);
    double until_ms = now_ms() + 10000;
    while (zmq_bind(proxy->front, proxy->listen) != 0)
        check(now_ms() < until_ms, "cannot listen");
    size_t size = sizeof proxy->listen;
    check(zmq_getsockopt(proxy->front, ZMQ_LAST_ENDPOINT, proxy->listen,
                         &size) == 0,
          "where it listens");
}

static void message_free(struct message *message)
{
    for (size_t i = 0; i < message->n; i++)
        (void)zmq_msg_close(&message->frames[i]);
    fl_free(message);
}

static void peer_close(struct peer *peer)
{
    if (peer->hub)
        (void)zmq_close(peer->hub);
    if (peer->pid_fd >= 0)
        (void)close(peer->pid_fd);
    peer->hub = NULL;
    peer->pid_fd = -1;
}

static void reset(struct proxy *proxy)
{
    for (size_t i = 0; i < proxy->n_peers; i++)
        peer_close(&proxy->peers[i]);
    while (proxy->waiting) {
        struct message *first = proxy->waiting;
        proxy->waiting = first->next;
        message_free(first);
    }
    (void)zmq_close(proxy->front);
    listen_again(proxy);
}

static struct peer *peer_of(struct proxy *proxy, const void *id, size_t n_id)
{
    for (size_t i = 0; i < proxy->n_peers; i++)
        if (proxy->peers[i].n_id == n_id &&
            memcmp(proxy->peers[i].id, id, n_id) == 0)
            return &proxy->peers[i];
    check(proxy->n_peers < MAX_PEERS, "too many peers");
    struct peer *peer = &proxy->peers[proxy->n_peers++];
    *peer = (struct peer){.n_id = n_id, .pid_fd = -1};
    memcpy(peer->id, id, n_id);
    peer->hub = open_socket(proxy, ZMQ_DEALER);
    check(zmq_connect(peer->hub, proxy->hub_address) == 0, "no hub");
    return peer;
}

static bool take_frame(void *socket, zmq_msg_t *frame)
{
    (void)zmq_msg_init(frame);
    return zmq_msg_recv(frame, socket, ZMQ_DONTWAIT) >= 0;
}

/* The frames that are left of the message that is being received. */
static struct message *take_rest(void *socket, bool has_more)
{
    struct message *message = fl_calloc(1, sizeof *message);
    check(message != NULL, "out of memory");
    while (has_more) {
        check(message->n < MAX_FRAMES, "too many frames");
        zmq_msg_t *frame = &message->frames[message->n++];
        check(take_frame(socket, frame), "half a message");
        has_more = zmq_msg_more(frame);
    }
    return message;
}

static const char *what_is(const struct message *message, int64_t *ret_pid)
{
    struct comms_decoder decoder = {.limits = &comms_limits_default};
    const char *what = "JUNK";
    zmq_msg_t *frames = (zmq_msg_t *)message->frames;
    if (message->n >= 2 && zmq_msg_size(&frames[0]) >= COMMS_HEADER_BYTES &&
        comms_decode_header(&decoder, zmq_msg_data(&frames[0]),
                            COMMS_HEADER_BYTES, NULL) == FL_OK &&
        comms_decode_meta(&decoder, zmq_msg_data(&frames[1]),
                          zmq_msg_size(&frames[1]), NULL) == FL_OK) {
        const struct comms_message *decoded = &decoder.message;
        what = comms_kind_name(decoded->kind);
        if (decoded->kind == COMMS_TASK)
            what = task_names[decoded->u.task.kind];
        if (decoded->kind == COMMS_PARTIAL)
            what = task_names[decoded->u.partial.kind];
        if (decoded->kind == COMMS_HELLO)
            *ret_pid = decoded->u.hello.pid;
    }
    comms_decoder_fini(&decoder);
    return what;
}

static void send_on(struct proxy *proxy, const struct message *message)
{
    struct peer *peer = &proxy->peers[message->peer];
    if (!peer->hub)
        return; /* its connections are gone */
    void *socket = message->direction == UP ? peer->hub : proxy->front;
    if (message->direction == DOWN &&
        zmq_send(socket, peer->id, peer->n_id, ZMQ_SNDMORE) < 0)
        return;
    for (size_t i = 0; i < message->n; i++) {
        zmq_msg_t copy;
        (void)zmq_msg_init(&copy);
        (void)zmq_msg_copy(&copy, (zmq_msg_t *)&message->frames[i]);
        if (zmq_msg_send(&copy, socket, i + 1 < message->n ? ZMQ_SNDMORE : 0) <
            0)
            (void)zmq_msg_close(&copy);
    }
}

static void keep(struct proxy *proxy, struct message *message)
{
    struct message **at = &proxy->waiting;
    while (*at)
        at = &(*at)->next;
    message->next = NULL;
    *at = message;
}

static bool is_before(const struct message *one, const struct message *other)
{
    return one->peer == other->peer && one->direction == other->direction;
}

/* What is due, in order; a swapped one lets the next go first. */
static void release(struct proxy *proxy)
{
    double now = now_ms();
    for (struct message **at = &proxy->waiting; *at;) {
        struct message *message = *at;
        bool is_due = message->due_ms <= now;
        for (const struct message *other = proxy->waiting;
             other != message && is_due; other = other->next)
            is_due = !is_before(other, message) || other->is_swapped;
        if (!is_due) {
            at = &message->next;
            continue;
        }
        send_on(proxy, message);
        *at = message->next;
        for (struct message *other = proxy->waiting; other; other = other->next)
            if (is_before(other, message) && other->is_swapped)
                other->due_ms = now;
        message_free(message);
        at = &proxy->waiting; /* it may have held others up */
    }
}

/* The next word of a line, cut off; "" at its end. */
static char *next_word(char **at)
{
    char *word = *at;
    size_t n = strcspn(word, " \n");
    *at = word[n] ? word + n + 1 : word + n;
    word[n] = '\0';
    return word;
}

static int64_t next_number(char **at, int64_t most)
{
    int64_t value = 0;
    check(fl_parse_int(next_word(at), 0, most, &value, NULL) == FL_OK,
          "not a number");
    return value;
}

/* A copy of the frame with a bit changed: the frame itself may be shared. */
static void flip(struct message *message, int64_t frame, int64_t byte)
{
    zmq_msg_t *from = &message->frames[(size_t)frame % message->n], to;
    size_t n_bytes = zmq_msg_size(from);
    if (n_bytes == 0)
        return;
    check(zmq_msg_init_size(&to, n_bytes) == 0, "out of memory");
    uint8_t *bytes = zmq_msg_data(&to);
    memcpy(bytes, zmq_msg_data(from), n_bytes);
    bytes[(size_t)byte % n_bytes] ^= (uint8_t)(1u << byte % 8);
    (void)zmq_msg_move(from, &to);
}

/* What becomes of it; whatever does not say otherwise passes. */
static void obey(struct proxy *proxy, struct message *message, char *line)
{
    const char *verb = next_word(&line);
    struct peer *peer = &proxy->peers[message->peer];
    double *deaf_until_ms = &peer->deaf_until_ms[message->direction];
    if (strcmp(verb, "drop") == 0 || strcmp(verb, "reset") == 0) {
        message_free(message);
        if (verb[0] == 'r')
            reset(proxy);
        return;
    }
    if (strcmp(verb, "twice") == 0) {
        send_on(proxy, message);
    } else if (strcmp(verb, "swap") == 0) {
        message->is_swapped = true;
        message->due_ms = now_ms() + SWAP_MS;
    } else if (strcmp(verb, "delay") == 0) {
        message->due_ms = now_ms() + (double)next_number(&line, 1000000);
    } else if (strcmp(verb, "deaf") == 0) {
        *deaf_until_ms = now_ms() + (double)next_number(&line, 1000000);
    } else if (strcmp(verb, "flip") == 0) {
        int64_t frame = next_number(&line, MAX_FRAMES);
        flip(message, frame, next_number(&line, INT32_MAX));
    } else if (strcmp(verb, "cut") == 0) {
        if (message->n > 1)
            (void)zmq_msg_close(&message->frames[--message->n]);
    } else {
        check(strcmp(verb, "pass") == 0, "what becomes of it?");
    }
    if (message->due_ms < *deaf_until_ms)
        message->due_ms = *deaf_until_ms;
    keep(proxy, message);
}

static void ask(struct proxy *proxy, struct message *message)
{
    char line[128];
    struct peer *peer = &proxy->peers[message->peer];
    int64_t pid = 0;
    const char *what = what_is(message, &pid);
    if (pid > 0 && peer->pid_fd < 0) {
        peer->pid = pid;
        peer->pid_fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
    }
    (void)printf("%lld %zu %s %s %lld\n", (long long)++proxy->n_messages,
                 message->peer, direction_names[message->direction], what,
                 (long long)peer->pid);
    if (fflush(stdout) != 0 || !fgets(line, sizeof line, stdin)) {
        message_free(message);
        exit(0);
    }
    obey(proxy, message, line);
}

static void take_up(struct proxy *proxy)
{
    zmq_msg_t id;
    while (take_frame(proxy->front, &id)) {
        struct peer *peer =
            peer_of(proxy, zmq_msg_data(&id), zmq_msg_size(&id));
        bool has_more = zmq_msg_more(&id);
        (void)zmq_msg_close(&id);
        struct message *message = take_rest(proxy->front, has_more);
        message->peer = (size_t)(peer - proxy->peers);
        message->direction = UP;
        ask(proxy, message);
        release(proxy);
    }
}

static void take_down(struct proxy *proxy, size_t peer)
{
    int events = 0;
    size_t size = sizeof events;
    while (proxy->peers[peer].hub &&
           zmq_getsockopt(proxy->peers[peer].hub, ZMQ_EVENTS, &events, &size) ==
               0 &&
           (events & ZMQ_POLLIN)) {
        struct message *message = take_rest(proxy->peers[peer].hub, true);
        message->peer = peer;
        message->direction = DOWN;
        ask(proxy, message);
        release(proxy);
    }
}

static long timeout_ms(const struct proxy *proxy)
{
    double first_ms = -1, now = now_ms();
    for (const struct message *m = proxy->waiting; m; m = m->next)
        if (first_ms < 0 || m->due_ms < first_ms)
            first_ms = m->due_ms;
    if (first_ms < 0)
        return -1;
    return first_ms > now ? (long)(first_ms - now) + 1 : 0;
}

static void turn(struct proxy *proxy)
{
    static zmq_pollitem_t items[2 + 2 * MAX_PEERS];
    size_t n = proxy->n_peers;
    items[0] = (zmq_pollitem_t){.socket = proxy->front, .events = ZMQ_POLLIN};
    items[1] = (zmq_pollitem_t){.fd = STDIN_FILENO, .events = ZMQ_POLLIN};
    size_t used = 2;
    for (size_t i = 0; i < n; i++) {
        const struct peer *peer = &proxy->peers[i];
        if (peer->hub)
            items[used++] =
                (zmq_pollitem_t){.socket = peer->hub, .events = ZMQ_POLLIN};
        if (peer->hub && peer->pid_fd >= 0)
            items[used++] =
                (zmq_pollitem_t){.fd = peer->pid_fd, .events = ZMQ_POLLIN};
    }
    if (zmq_poll(items, (int)used, timeout_ms(proxy)) < 0)
        return;
    if (items[1].revents) /* nobody asks out of turn: it has ended */
        exit(0);
    for (size_t i = 2; i < used; i++)
        for (size_t k = 0; k < n && !items[i].socket; k++)
            if (items[i].revents && items[i].fd == proxy->peers[k].pid_fd) {
                peer_close(&proxy->peers[k]);
                break;
            }
    take_up(proxy);
    for (size_t i = 0; i < proxy->n_peers; i++)
        take_down(proxy, i);
    release(proxy);
}

int main(int argc, char **argv)
{
    static struct proxy proxy = {.listen = "tcp://127.0.0.1:*"};
    if (argc != 2)
        die("one argument: the hub's address");
    proxy.hub_address = argv[1];
    proxy.zmq = zmq_ctx_new();
    check(proxy.zmq != NULL, "no context");
    listen_again(&proxy);
    (void)printf("listen %s\n", proxy.listen);
    check(fflush(stdout) == 0, "nobody reads");
    for (;;)
        turn(&proxy);
}
