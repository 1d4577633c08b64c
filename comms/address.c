/* Addresses: which transport, which host, and whether it is this one alone. */
#include "base/parse.h"
#include "comms/endpoint_priv.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

static const struct {
    const char *prefix;
    size_t n;
} transports[] = {
    [COMMS_IPC] = {"ipc://", 6},
    [COMMS_TCP] = {"tcp://", 6},
    [COMMS_INPROC] = {"inproc://", 9},
};

const char *comms_address_rest(const char *address, enum comms_transport which)
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
    const char *host = comms_address_rest(address, COMMS_TCP);
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

/* Of a tcp address that was checked. */
static void host_of(const char *address, char ret[COMMS_MAX_ADDRESS])
{
    const char *host = comms_address_rest(address, COMMS_TCP);
    size_t n = (size_t)(strrchr(host, ':') - host);
    memcpy(ret, host, n);
    ret[n] = '\0';
}

static int look_up(const char *name, struct addrinfo **ret)
{
    const struct addrinfo hints = {.ai_family = AF_INET,
                                   .ai_socktype = SOCK_STREAM};
    return getaddrinfo(name, NULL, &hints, ret);
}

static struct in_addr number_of(const struct addrinfo *info)
{
    struct sockaddr_in socket_address; /* for its alignment */
    memcpy(&socket_address, info->ai_addr, sizeof socket_address);
    return socket_address.sin_addr;
}

/* ZeroMQ looks names up later, on its own thread, and only ever tries again;
 * a misspelt one should be told to whoever wrote it. */
enum fl_status comms_address_check_host(const char *address,
                                        struct fl_error *err)
{
    const char *colon = strrchr(address, ':'); /* was checked */
    FL_TRY(check_port(address, colon + 1, 1, err));
    char name[COMMS_MAX_ADDRESS];
    host_of(address, name);
    struct addrinfo *found = NULL;
    int problem = look_up(name, &found);
    if (problem != 0)
        return fl_fail(err, FL_E_IO, "%s: unknown host '%s': %s", address, name,
                       gai_strerror(problem));
    freeaddrinfo(found);
    return FL_OK;
}

enum fl_status
comms_address_is_private(const char *address, bool *ret, struct fl_error *err)
{
    enum comms_transport transport = COMMS_IPC;
    FL_TRY(comms_address_check(address, &transport, err));
    *ret = transport != COMMS_TCP;
    if (*ret)
        return FL_OK;
    char name[COMMS_MAX_ADDRESS];
    host_of(address, name);
    struct addrinfo *found = NULL;
    if (look_up(name, &found) != 0) /* "*" and interfaces, too */
        return FL_OK;
    *ret = true;
    for (const struct addrinfo *at = found; at; at = at->ai_next)
        *ret = *ret && ntohl(number_of(at).s_addr) >> 24 == IN_LOOPBACKNET;
    freeaddrinfo(found);
    return FL_OK;
}

/* ZeroMQ listens at interfaces and numbers, but knows no names there. */
void comms_address_to_bind(const char *address,
                           enum comms_transport transport,
                           char ret[COMMS_MAX_ADDRESS])
{
    char name[COMMS_MAX_ADDRESS], number[INET_ADDRSTRLEN];
    struct addrinfo *found = NULL;
    (void)snprintf(ret, COMMS_MAX_ADDRESS, "%s", address);
    if (transport != COMMS_TCP)
        return;
    host_of(address, name);
    if (if_nametoindex(name) != 0 || look_up(name, &found) != 0)
        return;
    const struct in_addr first = number_of(found);
    freeaddrinfo(found);
    if (inet_ntop(AF_INET, &first, number, sizeof number))
        (void)snprintf(ret, COMMS_MAX_ADDRESS, "tcp://%s%s", number,
                       strrchr(address, ':'));
}
