/* Endpoints: a hub (ROUTER, in the coordinator) and spokes (DEALER, in each
 * client process) over ipc, tcp or inproc. Push, never poll; no sleeps.
 *
 *     FL_TRY(comms_context_create(&context, err));
 *     FL_TRY(comms_spoke_create(context, "ipc:///tmp/hub", NULL, &spoke, err));
 *     FL_TRY(comms_send(spoke, 1, &hello, NULL, err));
 *     FL_TRY(comms_receive(spoke, 5.0, -1, &received, &got, &closed, err));
 *     if (got)
 *         comms_received_fini(&received);
 *     comms_endpoint_destroy(spoke, 1.0);
 *     comms_context_destroy(context);
 *
 * Received messages are owned by the receiver (comms_received), tensors
 * included, until comms_received_fini. Sent tensors are handed over with a
 * release callback that runs when the last byte has left (maybe on another
 * thread), so nothing is copied. docs/protocol.md tells what is on the wire.
 */
#ifndef COMMS_ENDPOINT_H
#define COMMS_ENDPOINT_H

#include "base/status.h"
#include "comms/keys.h"
#include "comms/message.h"

#define COMMS_MAX_ADDRESS 512 /* with its NUL */

struct comms_context;  /* opaque: one per process */
struct comms_endpoint; /* opaque: belongs to one thread */

struct comms_limits {
    size_t max_tensor_bytes; /* a larger one is refused; the peer is closed */
    size_t max_meta_bytes;   /* likewise: texts and tables of a message */
};
/* What both ends of a run allow: models of 2^30 parameters. */
extern const struct comms_limits comms_limits_run;

/* Fails FL_E_NOMEM. Free: comms_context_destroy. */
enum fl_status comms_context_create(struct comms_context **ret,
                                    struct fl_error *err) FL_NODISCARD;
/* Only after its endpoints. Waits for what lingers (comms_endpoint_destroy);
 * when it returns, every release callback has run, save for those of inproc
 * messages that a receiver still holds. */
void comms_context_destroy(struct comms_context *context);

/* address: ipc://path, tcp://127.0.0.1:port (0 = any free), inproc://name.
 * limits: NULL = 1 GiB per tensor, 64 MiB of metadata. A stale ipc socket
 * (of a hub that was killed) is replaced; a hub that is destroyed deletes its
 * own.
 * Fails FL_E_IO: in use, not permitted, ipc path too long, unknown host;
 * FL_E_CONFIG: no such transport, no port; all with the address. */
enum fl_status comms_hub_create(struct comms_context *context,
                                const char *address,
                                const struct comms_limits *limits,
                                struct comms_endpoint **ret,
                                struct fl_error *err) FL_NODISCARD;
/* The same, encrypted: only spokes with keys->peer_key are heard. keys are
 * copied; NULL: comms_hub_create. One such hub per context.
 * Fails also FL_E_CONFIG: inproc is never encrypted. */
enum fl_status comms_hub_create_keyed(struct comms_context *context,
                                      const char *address,
                                      const struct comms_keys *keys,
                                      const struct comms_limits *limits,
                                      struct comms_endpoint **ret,
                                      struct fl_error *err) FL_NODISCARD;
/* Whom an encrypted hub did not let in, so far. A plain hub counts none: its
 * strangers are heard, and refused by what they say (comms_counts). */
enum comms_refusal {
    COMMS_REFUSED_PLAIN, /* does not encrypt, or broke off before it did */
    COMMS_REFUSED_KEY,   /* encrypts with a key that is not the run's */
    COMMS_REFUSED_SHAKE, /* its handshake is wrong: replayed, tampered */
    COMMS_REFUSED_LAST_
};
#define COMMS_MAX_PEER_ADDRESS 64
struct comms_refusals {
    int64_t n[COMMS_REFUSED_LAST_];
    /* of the first of COMMS_REFUSED_KEY: "10.0.0.5"; "" before there is one */
    char key_address[COMMS_MAX_PEER_ADDRESS];
};
struct comms_refusals
comms_endpoint_refusals(const struct comms_endpoint *endpoint);
/* "a peer that does not encrypt" ...; "unknown" for anything else. */
const char *comms_refusal_text(enum comms_refusal refusal);

/* Whether what goes to an address stays on this host: ipc, inproc, or tcp over
 * loopback alone. A host that cannot be told is not private.
 * Fails FL_E_CONFIG, as comms_hub_create does. */
enum fl_status comms_address_is_private(const char *address,
                                        bool *ret,
                                        struct fl_error *err) FL_NODISCARD;

/* The address with the port that was really bound. */
const char *comms_endpoint_address(const struct comms_endpoint *endpoint);

/* The hub need not be there yet: what is sent waits for it.
 * A hub that takes the place of another at the address sends spokes of before
 * away (BYE, COMMS_BYE_UNKNOWN): they are to be made anew.
 * address, limits, Fails: as for a hub. */
enum fl_status comms_spoke_create(struct comms_context *context,
                                  const char *address,
                                  const struct comms_limits *limits,
                                  struct comms_endpoint **ret,
                                  struct fl_error *err) FL_NODISCARD;
/* The same, encrypted: it talks to the hub with keys->peer_key, alone. */
enum fl_status comms_spoke_create_keyed(struct comms_context *context,
                                        const char *address,
                                        const struct comms_keys *keys,
                                        const struct comms_limits *limits,
                                        struct comms_endpoint **ret,
                                        struct fl_error *err) FL_NODISCARD;
/* What is still to be sent has linger_wall_s (0: none) from now on; it is
 * comms_context_destroy that waits. */
void comms_endpoint_destroy(struct comms_endpoint *endpoint,
                            double linger_wall_s);

/* A peer as the hub knows it: given at its first message, never reused. A
 * spoke that lost its connection and made a new one is a new peer. */
typedef uint64_t comms_peer; /* 0 = none; a spoke's only peer is 1 */

struct comms_received {
    comms_peer peer;
    struct comms_message message; /* texts, tables, tensors live in `owner` */
    void *owner;
};
/* Any thread; also after the endpoint is gone. A zeroed one is fine. */
void comms_received_fini(struct comms_received *received);

/* Runs once, when the tensor is no longer needed; also when sending failed.
 * Maybe on a thread of the transport: it must not block or send. */
typedef void (*comms_release_fn)(void *data, void *arg);
struct comms_lease {
    comms_release_fn release; /* NULL: the tensors are copied instead */
    void *arg;
};

/* One message to one peer. data of tensor i is leased with leases[i]
 * (leases NULL: all are copied). Never blocks: what a peer is slow to take is
 * queued. Sending succeeded means queued, not arrived.
 * Fails FL_E_STATE the peer is gone or closed; FL_E_ARG what the receiver
 * would refuse (nothing was sent); FL_E_IO; FL_E_NOMEM. Releases run in any
 * case. */
enum fl_status comms_send(struct comms_endpoint *endpoint,
                          comms_peer peer,
                          const struct comms_message *message,
                          const struct comms_lease *leases,
                          struct fl_error *err) FL_NODISCARD;

/* Waits for a message, or for extra_fd to be readable (-1: none), or for the
 * time to pass. *ret_got says whether ret_received was filled; a message is
 * preferred, so look at extra_fd after each call. A malformed message closes
 * its peer (counted, see comms_counts), never the endpoint; it is reported as
 * *ret_closed_peer (0: none), with the reason in err->text although the status
 * is FL_OK. timeout_wall_s < 0 waits for ever. Signals end the wait early.
 * Fails FL_E_IO; FL_E_NOMEM the message is lost; FL_E_ARG timeout is NaN. */
enum fl_status comms_receive(struct comms_endpoint *endpoint,
                             double timeout_wall_s,
                             int extra_fd,
                             struct comms_received *ret_received,
                             bool *ret_got,
                             comms_peer *ret_closed_peer,
                             struct fl_error *err) FL_NODISCARD;

/* Forgets a peer: later messages of it are counted and dropped, and sending
 * to it fails. One that is closed or unknown: no-op. */
void comms_peer_close(struct comms_endpoint *endpoint, comms_peer peer);

struct comms_count {
    int64_t messages;
    int64_t bytes; /* all frames */
};
struct comms_counts {
    struct comms_count sent[COMMS_KIND_LAST_];
    struct comms_count received[COMMS_KIND_LAST_];
    int64_t refused; /* malformed messages */
    int64_t dropped; /* messages of closed peers */
};
struct comms_counts
comms_endpoint_counts(const struct comms_endpoint *endpoint);

#endif
