/* Endpoints: a hub (ROUTER, in the coordinator) and spokes (DEALER, in each
 * client process) over ipc, tcp or inproc. Push, never poll; no sleeps.
 *
 * Received messages are owned by the receiver (comms_received), tensors
 * included: they point into the frames, which live until
 * comms_received_fini. Sent tensors are handed over with a release callback
 * that runs when the last byte has left (maybe on another thread), so nothing
 * is copied.
 */
#ifndef COMMS_ENDPOINT_H
#define COMMS_ENDPOINT_H

#include "base/status.h"
#include "comms/message.h"

struct comms_context;  /* opaque: one per process */
struct comms_endpoint; /* opaque: belongs to one thread */

struct comms_limits {
    size_t max_tensor_bytes; /* a larger frame is refused; the peer is closed */
    size_t max_meta_bytes;
};

enum fl_status comms_context_create(struct comms_context **ret,
                                    struct fl_error *err) FL_NODISCARD;
void comms_context_destroy(struct comms_context *context);

/* address: ipc://path, tcp://127.0.0.1:port (0 = any free), inproc://name.
 * Fails FL_E_IO: in use, not permitted, ipc path too long, with the address. */
enum fl_status comms_hub_create(struct comms_context *context,
                                const char *address,
                                const struct comms_limits *limits,
                                struct comms_endpoint **ret,
                                struct fl_error *err) FL_NODISCARD;
/* The address with the port that was really bound. */
const char *comms_endpoint_address(const struct comms_endpoint *endpoint);

enum fl_status comms_spoke_create(struct comms_context *context,
                                  const char *address,
                                  const struct comms_limits *limits,
                                  struct comms_endpoint **ret,
                                  struct fl_error *err) FL_NODISCARD;
/* Waits at most linger_wall_s for what is still to be sent. */
void comms_endpoint_destroy(struct comms_endpoint *endpoint,
                            double linger_wall_s);

/* A peer as the hub knows it: given at its first valid message, never reused. */
typedef uint64_t comms_peer; /* 0 = none; a spoke's only peer is 1 */

struct comms_received {
    comms_peer peer;
    struct comms_message message; /* strings and tensors live in `owner` */
    void *owner;
};
void comms_received_fini(struct comms_received *received);

/* Runs once, when the frame is no longer needed; also when sending failed. */
typedef void (*comms_release_fn)(void *data, void *arg);
struct comms_lease {
    comms_release_fn release; /* NULL: the tensors are copied instead */
    void *arg;
};

/* One message to one peer. data of tensor i is leased with leases[i]
 * (leases NULL: all are copied).
 * Fails FL_E_STATE the peer is gone; FL_E_IO. Releases run in any case. */
enum fl_status comms_send(struct comms_endpoint *endpoint,
                          comms_peer peer,
                          const struct comms_message *message,
                          const struct comms_lease *leases,
                          struct fl_error *err) FL_NODISCARD;

/* Waits for a message, or for extra_fd to be readable (-1: none), or for the
 * time to pass. *ret_got says whether ret_received was filled. A malformed
 * message closes its peer (counted, see comms_counts), never the endpoint; it
 * is reported as *ret_closed_peer (0: none).
 * timeout_wall_s < 0 waits for ever. Signals end the wait early. */
enum fl_status comms_receive(struct comms_endpoint *endpoint,
                             double timeout_wall_s,
                             int extra_fd,
                             struct comms_received *ret_received,
                             bool *ret_got,
                             comms_peer *ret_closed_peer,
                             struct fl_error *err) FL_NODISCARD;

/* Forgets a peer: later messages of it are dropped. */
void comms_peer_close(struct comms_endpoint *endpoint, comms_peer peer);

struct comms_count {
    int64_t messages;
    int64_t bytes; /* all frames */
};
struct comms_counts {
    struct comms_count sent[COMMS_KIND_LAST_];
    struct comms_count received[COMMS_KIND_LAST_];
    int64_t refused; /* malformed messages */
};
struct comms_counts comms_endpoint_counts(const struct comms_endpoint *endpoint);

#endif
