/* ZeroMQ sockets: addresses, options, listening and connecting. The one place
 * that decides how a socket behaves, and where encryption will be switched on.
 */
#include "base/parse.h"
#include "comms/endpoint_priv.h"

#include <inttypes.h>
#include <netdb.h>
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
/* Messages that one peer may have waiting here before the transport stops
 * reading from it: what floods stays in the sender's memory. */
#define RECEIVE_HWM 1000

static const struct {
    const char *prefix;
    size_t n;
} transports[] = {
    [COMMS_IPC] = {"ipc://", 6},
    [COMMS_TCP] = {"tcp://", 6},
    [COMMS_INPROC] = {"inproc://", 9},
};

static const char *after_prefix(const char *address, enum comms_transport which)
{
    return address + transports[which].n;
}

/* ZeroMQ itself takes 65536 for 0. */
static enum fl_status check_port(const char *address,
                                 const char *port,
                                 int64_t min,
                                 struct fl_error *err)
{
    int64_t number = 0;
    if (fl_parse_int(port, min, 65535, &number, NULL) == FL_OK)
        return FL_OK;
    return fl_fail(err, FL_E_CONFIG,
                   "%s: port '%s', allowed %" PRId64 " to 65535", address, port,
                   min);
}

static enum fl_status check_tcp(const char *address, struct fl_error *err)
{
    const char *host = after_prefix(address, COMMS_TCP);
    const char *colon = strrchr(host, ':');
    if (!colon || colon == host)
        return fl_fail(err, FL_E_CONFIG, "%s: no port, allowed tcp://host:port",
                       address);
    if (strcmp(colon, ":*") == 0)
        return FL_OK;
    return check_port(address, colon + 1, 0, err);
}

enum fl_status comms_address_check(const char *address,
                                   enum comms_transport *ret,
                                   struct fl_error *err)
{
    if (strlen(address) >= COMMS_MAX_ADDRESS)
        return fl_fail(err, FL_E_IO,
                       "%.40s...: address of %zu bytes, allowed %d", address,
                       strlen(address), COMMS_MAX_ADDRESS - 1);
    size_t which = 0;
    while (which <= COMMS_INPROC &&
           strncmp(address, transports[which].prefix, transports[which].n) != 0)
        which++;
    if (which > COMMS_INPROC)
        return fl_fail(err, FL_E_CONFIG,
                       "%s: no such transport, allowed ipc://path, "
                       "tcp://host:port, inproc://name",
                       address);
    const char *rest = address + transports[which].n;
    if (*rest == '\0')
        return fl_fail(err, FL_E_CONFIG, "%s: nothing behind %s", address,
                       transports[which].prefix);
    struct sockaddr_un name;
    if (which == COMMS_IPC && strlen(rest) >= sizeof name.sun_path)
        return fl_fail(err, FL_E_IO,
                       "%s: ipc path of %zu bytes, allowed %zu: choose a "
                       "shorter directory",
                       address, strlen(rest), sizeof name.sun_path - 1);
    if (which == COMMS_TCP)
        FL_TRY(check_tcp(address, err));
    *ret = (enum comms_transport)which;
    return FL_OK;
}

/* ZeroMQ would delete whatever lies at the path, a living hub's socket and a
 * plain file included. What cannot be told here, zmq_bind will tell. */
static enum fl_status check_ipc_free(const char *address, struct fl_error *err)
{
    const char *path = after_prefix(address, COMMS_IPC);
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

/* ZeroMQ looks names up later, on its own thread, and only ever tries again;
 * a misspelt one should be told to whoever wrote it. */
static enum fl_status check_host(const char *address, struct fl_error *err)
{
    const char *host = after_prefix(address, COMMS_TCP);
    const char *colon = strrchr(host, ':'); /* was checked */
    FL_TRY(check_port(address, colon + 1, 1, err));
    char name[COMMS_MAX_ADDRESS];
    size_t n = (size_t)(colon - host);
    memcpy(name, host, n);
    name[n] = '\0';
    const struct addrinfo hints = {.ai_family = AF_INET,
                                   .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int problem = getaddrinfo(name, NULL, &hints, &found);
    if (problem != 0)
        return fl_fail(err, FL_E_IO, "%s: unknown host '%s': %s", address, name,
                       gai_strerror(problem));
    freeaddrinfo(found);
    return FL_OK;
}

/* Between hosts, keys will have to be set here, before listening or
 * connecting (ZMQ_CURVE_SERVER, _PUBLICKEY, _SECRETKEY, _SERVERKEY). Without
 * them, anyone who reaches the port is heard, if not believed. */
static int configure(void *socket,
                     enum comms_transport transport,
                     bool is_hub,
                     const struct comms_limits *limits)
{
    size_t largest = limits->max_meta_bytes;
    if (largest < COMMS_FRAME_BYTES)
        largest = COMMS_FRAME_BYTES;
    const int64_t max_bytes = (int64_t)largest;
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
    };
    for (size_t i = 0; rc == 0 && i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].is_set)
            rc = zmq_setsockopt(socket, rows[i].option, &rows[i].value,
                                sizeof rows[i].value);
    return rc;
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

enum fl_status comms_socket_open(void *zmq,
                                 const char *address,
                                 bool is_hub,
                                 const struct comms_limits *limits,
                                 void **ret_socket,
                                 char ret_address[COMMS_MAX_ADDRESS],
                                 struct fl_error *err)
{
    enum comms_transport transport = COMMS_IPC;
    FL_TRY(comms_address_check(address, &transport, err));
    if (is_hub && transport == COMMS_IPC)
        FL_TRY(check_ipc_free(address, err));
    if (!is_hub && transport == COMMS_TCP)
        FL_TRY(check_host(address, err));
    void *socket = zmq_socket(zmq, is_hub ? ZMQ_ROUTER : ZMQ_DEALER);
    if (!socket)
        return fl_fail(err, FL_E_IO, "%s: no socket: %s", address,
                       zmq_strerror(zmq_errno()));
    enum fl_status status = FL_OK;
    if (configure(socket, transport, is_hub, limits) != 0)
        status = fl_fail(err, FL_E_IO, "%s: cannot configure: %s", address,
                         zmq_strerror(zmq_errno()));
    else if (is_hub)
        status = listen_at(socket, address, ret_address, err);
    else
        status = connect_to(socket, address, ret_address, err);
    if (status == FL_OK)
        *ret_socket = socket;
    else
        (void)zmq_close(socket);
    return status;
}
