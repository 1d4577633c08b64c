/* The gate of an encrypted hub: a thread that answers ZeroMQ when it asks
 * whether a key may come in (ZAP, RFC 27), and counts who did not.
 *
 * A thread and not the hub's own loop: connections are made while the
 * coordinator is busy with a sum, and a handler that is always there cannot be
 * starved by peers that flood. It holds nothing but one public key and
 * counters. It lives as long as its context: ZeroMQ lets everybody in where it
 * finds no handler, so the handler is there before the hub listens and ends
 * after the hub is closed (and ZAP_ENFORCE_DOMAIN closes the door without it).
 * Private to comms/.
 */
#ifndef COMMS_GATE_PRIV_H
#define COMMS_GATE_PRIV_H

#include "base/status.h"
#include "comms/endpoint.h"

struct comms_gate; /* opaque: one per context */

/* hub: its socket, not bound yet; only `key` (Z85) will be admitted.
 * Fails FL_E_IO: a context has one; no thread. */
enum fl_status comms_gate_create(void *zmq,
                                 void *hub,
                                 const char *key,
                                 struct comms_gate **ret,
                                 struct fl_error *err) FL_NODISCARD;
/* After zmq_ctx_term, which ends its thread. NULL is fine. */
void comms_gate_destroy(struct comms_gate *gate);

struct comms_refusals comms_gate_refusals(const struct comms_gate *gate);

#endif
