/* What the files of comms/ share about contexts and endpoints. Private.
 *
 * An endpoint is one ZeroMQ socket, the table of its peers and a pool of
 * buffers that received tensors are put together in.
 */
#ifndef COMMS_ENDPOINT_PRIV_H
#define COMMS_ENDPOINT_PRIV_H

#include "comms/codec_priv.h"
#include "comms/endpoint.h"
#include "comms/peers_priv.h"
#include "comms/buffers_priv.h"

#include <stdatomic.h>

#define COMMS_MAX_ADDRESS 512

struct comms_context {
    void *zmq;
    atomic_int n_endpoints;
};

struct comms_endpoint {
    struct comms_context *context;
    void *socket;
    bool is_hub;
    bool has_file;  /* an ipc socket to delete at the end */
    bool is_broken; /* half a message was sent: no more sending */
    enum comms_cut cut;
    struct comms_limits limits;
    struct comms_peers peers;
    struct comms_pool *pool;
    struct comms_counts counts;
    char address[COMMS_MAX_ADDRESS];
};

enum comms_transport { COMMS_IPC, COMMS_TCP, COMMS_INPROC };

/* Fails FL_E_CONFIG: not an address; FL_E_IO: ipc path too long. */
enum fl_status comms_address_check(const char *address,
                                   enum comms_transport *ret,
                                   struct fl_error *err) FL_NODISCARD;

/* A configured socket that listens (is_hub) or connects; ret_address gets the
 * address that was really bound. */
enum fl_status comms_socket_open(void *zmq,
                                 const char *address,
                                 bool is_hub,
                                 const struct comms_limits *limits,
                                 void **ret_socket,
                                 char ret_address[COMMS_MAX_ADDRESS],
                                 struct fl_error *err) FL_NODISCARD;

#endif
