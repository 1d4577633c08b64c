/* What the files of comms/ share about contexts and endpoints. Private.
 *
 * An endpoint is one ZeroMQ socket and the table of its peers.
 */
#ifndef COMMS_ENDPOINT_PRIV_H
#define COMMS_ENDPOINT_PRIV_H

#include "comms/codec_priv.h"
#include "comms/endpoint.h"
#include "comms/gate_priv.h"
#include "comms/peers_priv.h"

#include <stdatomic.h>

struct comms_context {
    void *zmq;
    struct comms_gate *gate; /* of its encrypted hub; NULL: none */
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
    struct comms_counts counts;
    char address[COMMS_MAX_ADDRESS];
};

enum comms_transport { COMMS_IPC, COMMS_TCP, COMMS_INPROC };

/* Fails FL_E_CONFIG: not an address; FL_E_IO: ipc path too long. */
enum fl_status comms_address_check(const char *address,
                                   enum comms_transport *ret,
                                   struct fl_error *err) FL_NODISCARD;

/* What stands behind "tcp://" and its like. */
const char *comms_address_rest(const char *address, enum comms_transport which);

/* Fails FL_E_CONFIG no port to connect to; FL_E_IO unknown host. */
enum fl_status comms_address_check_host(const char *address,
                                        struct fl_error *err) FL_NODISCARD;

/* An address that was checked, with a number in the place of a host's name. */
void comms_address_to_bind(const char *address,
                           enum comms_transport transport,
                           char ret[COMMS_MAX_ADDRESS]);

/* A configured socket that listens (is_hub) or connects; ret_address gets the
 * address that was really bound. keys: NULL: not encrypted; else a hub gives
 * its context a gate. */
enum fl_status comms_socket_open(struct comms_context *context,
                                 const char *address,
                                 bool is_hub,
                                 const struct comms_keys *keys,
                                 const struct comms_limits *limits,
                                 void **ret_socket,
                                 char ret_address[COMMS_MAX_ADDRESS],
                                 struct fl_error *err) FL_NODISCARD;

#endif
