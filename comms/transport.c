/* ZeroMQ sockets: addresses, options, listening and connecting. The one place
 * that decides how a socket behaves, and where encryption is switched on. */
#include "comms/endpoint_priv.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

/* A tcp peer whose machine vanished is noticed in HEARTBEAT_TIMEOUT_MS; the
 * transport's own thread answers, so a process that is busy training passes.
 */
#define HEARTBEAT_IVL_MS     5000
#define HEARTBEAT_TIMEOUT_MS 30000
#define KEY_SIZE             ((size_t)COMMS_KEY_TEXT)
#define ZAP_DOMAIN           "fedcarbon"
/* ZMQ_ZAP_ENFORCE_DOMAIN, which zmq.h shows in builds with drafts alone: a
 * domain without a handler admits nobody. */
#define ZAP_ENFORCE_DOMAIN 93
/* Who has not said who it is by then is cut off: a connection of a stranger
 * costs a descriptor and some 20 KiB for so long. */
#define HANDSHAKE_IVL_MS 15000
/* All processes of a large run connect at the same moment. */
#define BACKLOG 4096
/* Who is refused tries again more and more rarely. */
#define RECONNECT_IVL_MAX_MS 2000
/* Messages that one peer may have waiting here before the transport stops
 * reading from it: what floods stays in the sender's memory. */
#define RECEIVE_HWM 200
/* To each frame, at most. */
#define CURVE_ADDS_BYTES 64

/* ZeroMQ would delete whatever lies at the path, a living hub's socket and a
 * plain file included. What cannot be told here, zmq_bind will tell. */
static enum fl_status check_ipc_free(const char *address, struct fl_error *err)
{
    const char *path = comms_address_rest(address, COMMS_IPC);
    struct stat found;
    if (lstat(path, &found) != 0)
        return FL_OK;
    if (!S_ISSOCK(found.st_mode))
        return fl_fail(err, FL_E_IO,
                       "%s: cannot listen: the path exists and is no socket",
                       address);
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    memcpy(name.sun_path, path, strlen(path) + 1); /* was checked */
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return FL_OK;
    bool is_used =
        connect(fd, (const struct sockaddr *)&name, sizeof name) == 0 ||
        zmq_errno() == EAGAIN; /* it listens, its queue is full */
    (void)close(fd);
    if (is_used)
        return fl_fail(err, FL_E_IO,
                       "%s: cannot listen: address already in use", address);
    return FL_OK;
}

static int configure(void *socket,
                     enum comms_transport transport,
                     bool is_hub,
                     const struct comms_limits *limits)
{
    size_t largest = limits->max_meta_bytes;
    if (largest < COMMS_FRAME_BYTES)
        largest = COMMS_FRAME_BYTES;
    const int64_t max_bytes = (int64_t)largest + CURVE_ADDS_BYTES;
    int rc =
        zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &max_bytes, sizeof max_bytes);
    const struct {
        int option, value;
        bool is_set;
    } rows[] = {
        {ZMQ_LINGER, 0, true},
        {ZMQ_IPV6, 0, true},
        /* Unbounded: sending never blocks, and what is queued is bounded by
         * the work that the coordinator hands out. */
        {ZMQ_SNDHWM, 0, true},
        /* For inproc the two ends share one queue, so it has to be 0 too. */
        {ZMQ_RCVHWM, transport == COMMS_INPROC ? 0 : RECEIVE_HWM, true},
        /* Sending to a peer that is gone is an error, not a loss. */
        {ZMQ_ROUTER_MANDATORY, 1, is_hub},
        {ZMQ_HEARTBEAT_IVL, HEARTBEAT_IVL_MS, transport == COMMS_TCP},
        {ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS, transport == COMMS_TCP},
        {ZMQ_HEARTBEAT_TTL, HEARTBEAT_TIMEOUT_MS, transport == COMMS_TCP},
        {ZMQ_HANDSHAKE_IVL, HANDSHAKE_IVL_MS, true},
        {ZMQ_BACKLOG, BACKLOG, is_hub},
        {ZMQ_RECONNECT_IVL_MAX, RECONNECT_IVL_MAX_MS, transport == COMMS_TCP},
    };
    for (size_t i = 0; rc == 0 && i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].is_set)
            rc = zmq_setsockopt(socket, rows[i].option, &rows[i].value,
                                sizeof rows[i].value);
    return rc;
}

/* A libzmq that does not know the last option has a gate all the same. */
static enum fl_status encrypt(void *socket,
                              bool is_hub,
                              const struct comms_keys *keys,
                              struct fl_error *err)
{
    const int on = 1;
    int rc =
        zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, keys->public_key, KEY_SIZE);
    if (rc == 0)
        rc = zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, keys->secret_key,
                            KEY_SIZE);
    if (rc == 0 && !is_hub)
        rc = zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, keys->peer_key,
                            KEY_SIZE);
    if (rc == 0 && is_hub)
        rc = zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &on, sizeof on);
    if (rc == 0 && is_hub)
        rc = zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, ZAP_DOMAIN,
                            strlen(ZAP_DOMAIN));
    if (rc != 0)
        return fl_fail(err, FL_E_IO, "cannot encrypt: %s",
                       zmq_strerror(zmq_errno()));
    if (is_hub)
        (void)zmq_setsockopt(socket, ZAP_ENFORCE_DOMAIN, &on, sizeof on);
    return FL_OK;
}

static enum fl_status listen_at(void *socket,
                                const char *address,
                                char ret_address[COMMS_MAX_ADDRESS],
                                struct fl_error *err)
{
    if (zmq_bind(socket, address) != 0)
        return fl_fail(err, FL_E_IO, "%s: cannot listen: %s", address,
                       zmq_strerror(zmq_errno()));
    size_t size = COMMS_MAX_ADDRESS;
    if (zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, ret_address, &size) != 0)
        return fl_fail(err, FL_E_IO, "%s: where it listens: %s", address,
                       zmq_strerror(zmq_errno()));
    return FL_OK;
}

static enum fl_status connect_to(void *socket,
                                 const char *address,
                                 char ret_address[COMMS_MAX_ADDRESS],
                                 struct fl_error *err)
{
    if (zmq_connect(socket, address) != 0)
        return fl_fail(err, FL_E_IO, "%s: cannot connect: %s", address,
                       zmq_strerror(zmq_errno()));
    (void)snprintf(ret_address, COMMS_MAX_ADDRESS, "%s", address);
    return FL_OK;
}

enum fl_status comms_socket_open(struct comms_context *context,
                                 const char *address,
                                 bool is_hub,
                                 const struct comms_keys *keys,
                                 const struct comms_limits *limits,
                                 void **ret_socket,
                                 char ret_address[COMMS_MAX_ADDRESS],
                                 struct fl_error *err)
{
    enum comms_transport transport = COMMS_IPC;
    char to_bind[COMMS_MAX_ADDRESS];
    FL_TRY(comms_address_check(address, &transport, err));
    if (keys && transport == COMMS_INPROC)
        return fl_fail(err, FL_E_CONFIG, "%s: inproc is never encrypted",
                       address);
    if (is_hub && transport == COMMS_IPC)
        FL_TRY(check_ipc_free(address, err));
    if (!is_hub && transport == COMMS_TCP)
        FL_TRY(comms_address_check_host(address, err));
    void *socket = zmq_socket(context->zmq, is_hub ? ZMQ_ROUTER : ZMQ_DEALER);
    if (!socket)
        return fl_fail(err, FL_E_IO, "%s: no socket: %s", address,
                       zmq_strerror(zmq_errno()));
    enum fl_status status = FL_OK;
    if (configure(socket, transport, is_hub, limits) != 0)
        status = fl_fail(err, FL_E_IO, "%s: cannot configure: %s", address,
                         zmq_strerror(zmq_errno()));
    if (status == FL_OK && keys)
        status = encrypt(socket, is_hub, keys, err);
    if (status == FL_OK && keys && is_hub)
        status = comms_gate_create(context->zmq, socket, keys->peer_key,
                                   &context->gate, err);
    comms_address_to_bind(address, transport, to_bind);
    if (status == FL_OK)
        status = is_hub ? listen_at(socket, to_bind, ret_address, err)
                        : connect_to(socket, address, ret_address, err);
    if (status == FL_OK)
        *ret_socket = socket;
    else
        (void)zmq_close(socket);
    return status;
}
