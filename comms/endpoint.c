/* Contexts and endpoints: their lives, their peers, their counts. Sending and
 * receiving are in comms_send.c and comms_receive.c. */
#include "base/alloc.h"
#include "comms/endpoint_priv.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

enum fl_status comms_context_create(struct comms_context **ret,
                                    struct fl_error *err)
{
    struct comms_context *context = fl_calloc(1, sizeof *context);
    if (!context)
        return fl_fail(err, FL_E_NOMEM, "out of memory: a context");
    context->zmq = zmq_ctx_new();
    if (!context->zmq) {
        fl_free(context);
        return fl_fail(err, FL_E_NOMEM, "no ZeroMQ context: %s",
                       zmq_strerror(zmq_errno()));
    }
    *ret = context;
    return FL_OK;
}

void comms_context_destroy(struct comms_context *context)
{
    if (!context)
        return;
    assert(atomic_load(&context->n_endpoints) == 0);
    while (zmq_ctx_term(context->zmq) != 0 && zmq_errno() == EINTR)
        continue; /* a signal is no reason to lose what lingers */
    comms_gate_destroy(context->gate);
    fl_free(context);
}

static enum fl_status endpoint_create(struct comms_context *context,
                                      const char *address,
                                      bool is_hub,
                                      const struct comms_keys *keys,
                                      const struct comms_limits *limits,
                                      struct comms_endpoint **ret,
                                      struct fl_error *err)
{
    struct comms_endpoint *endpoint = fl_calloc(1, sizeof *endpoint);
    if (!endpoint)
        return fl_fail(err, FL_E_NOMEM, "out of memory: an endpoint");
    endpoint->context = context;
    endpoint->is_hub = is_hub;
    endpoint->limits = limits ? *limits : comms_limits_default;
    atomic_fetch_add(&context->n_endpoints, 1);
    enum comms_transport transport = COMMS_IPC;
    uint64_t peer = 0;
    enum fl_status status = comms_address_check(address, &transport, err);
    if (status != FL_OK)
        goto out;
    endpoint->cut =
        transport == COMMS_INPROC ? COMMS_CUT_WHOLE : COMMS_CUT_FRAMES;
    if (!is_hub)
        status = comms_peers_add(&endpoint->peers, NULL, 0, &peer, err);
    if (status != FL_OK)
        goto out;
    status =
        comms_socket_open(context, address, is_hub, keys, &endpoint->limits,
                          &endpoint->socket, endpoint->address, err);
    endpoint->has_file = status == FL_OK && is_hub && transport == COMMS_IPC &&
                         strcmp(address, endpoint->address) == 0;
out:
    if (status == FL_OK)
        *ret = endpoint;
    else
        comms_endpoint_destroy(endpoint, 0.0);
    return status;
}

enum fl_status comms_hub_create(struct comms_context *context,
                                const char *address,
                                const struct comms_limits *limits,
                                struct comms_endpoint **ret,
                                struct fl_error *err)
{
    return endpoint_create(context, address, true, NULL, limits, ret, err);
}

enum fl_status comms_hub_create_keyed(struct comms_context *context,
                                      const char *address,
                                      const struct comms_keys *keys,
                                      const struct comms_limits *limits,
                                      struct comms_endpoint **ret,
                                      struct fl_error *err)
{
    return endpoint_create(context, address, true, keys, limits, ret, err);
}

enum fl_status comms_spoke_create(struct comms_context *context,
                                  const char *address,
                                  const struct comms_limits *limits,
                                  struct comms_endpoint **ret,
                                  struct fl_error *err)
{
    return endpoint_create(context, address, false, NULL, limits, ret, err);
}

enum fl_status comms_spoke_create_keyed(struct comms_context *context,
                                        const char *address,
                                        const struct comms_keys *keys,
                                        const struct comms_limits *limits,
                                        struct comms_endpoint **ret,
                                        struct fl_error *err)
{
    return endpoint_create(context, address, false, keys, limits, ret, err);
}

void comms_endpoint_destroy(struct comms_endpoint *endpoint,
                            double linger_wall_s)
{
    if (!endpoint)
        return;
    if (endpoint->has_file) /* ZeroMQ would leave it */
        (void)unlink(endpoint->address + strlen("ipc://"));
    if (endpoint->socket) {
        int linger_ms = 0;
        if (linger_wall_s > 0)
            linger_ms =
                linger_wall_s < 1e6 ? (int)(linger_wall_s * 1e3) + 1 : (int)1e9;
        (void)zmq_setsockopt(endpoint->socket, ZMQ_LINGER, &linger_ms,
                             sizeof linger_ms);
        (void)zmq_close(endpoint->socket);
    }
    comms_peers_fini(&endpoint->peers);
    atomic_fetch_sub(&endpoint->context->n_endpoints, 1);
    fl_free(endpoint);
}

const char *comms_endpoint_address(const struct comms_endpoint *endpoint)
{
    return endpoint->address;
}

struct comms_counts comms_endpoint_counts(const struct comms_endpoint *endpoint)
{
    return endpoint->counts;
}

struct comms_refusals
comms_endpoint_refusals(const struct comms_endpoint *endpoint)
{
    struct comms_refusals none = {.n = {0}};
    return endpoint->is_hub && endpoint->context->gate
               ? comms_gate_refusals(endpoint->context->gate)
               : none;
}

void comms_peer_close(struct comms_endpoint *endpoint, comms_peer peer)
{
    struct comms_peer_entry *entry = comms_peers_get(&endpoint->peers, peer);
    if (entry)
        entry->is_closed = true;
}
