/* A hub and a spoke on any transport, messages with random fields, and their
 * comparison. Nothing here sleeps: waiting is comms_receive with a limit that
 * only a broken build reaches.
 */
#ifndef COMMS_FIXTURE_H
#define COMMS_FIXTURE_H

#include "base/rng.h"
#include "comms/codec_priv.h"
#include "comms/endpoint.h"
#include "support/assert_near.h"

#define PATIENCE_WALL_S 60.0

struct pair {
    struct comms_context *context;
    struct comms_endpoint *hub, *spoke;
    comms_peer peer; /* the spoke, as the hub knows it; 0 before pair_greet */
    char dir[64];    /* of an ipc socket; "" for the others */
};

extern const char *const transport_names[]; /* "ipc" "tcp" "inproc" NULL */

/* An address nobody uses. dir gets a fresh directory to remove, or "". */
void fresh_address(const char *transport, char address[128], char dir[64]);
void remove_dir(const char *dir);

void pair_open(struct pair *pair,
               const char *transport,
               const struct comms_limits *limits);
/* The spoke says HELLO, so that the hub knows it. */
void pair_greet(struct pair *pair);
void pair_close(struct pair *pair);

/* The next message; fails the test when none comes or a peer is closed. */
struct comms_received must_receive(struct comms_endpoint *endpoint);
/* Waits for a peer to be closed; why (may be NULL) gets the text. */
comms_peer must_close(struct comms_endpoint *endpoint, struct fl_error *why);
void must_send(struct comms_endpoint *endpoint,
               comms_peer peer,
               const struct comms_message *message);

/* A valid message of a kind, all fields random; its memory is in `room`. */
#define ROOM_ROWS 40
struct room {
    char texts[8][64];
    int64_t clients[ROOM_ROWS];
    struct comms_client_result results[ROOM_ROWS];
    struct comms_score scores[ROOM_ROWS];
    double times[ROOM_ROWS];
    int64_t calls[ROOM_ROWS];
    _Alignas(64) int64_t members[COMMS_MAX_TENSORS][ROOM_ROWS];
};
struct comms_message
random_message(struct fl_rng *rng, enum comms_kind kind, struct room *room);

/* Equal in every field; doubles bit by bit, so that NaN equals itself. */
void assert_same_message(const struct comms_message *a,
                         const struct comms_message *b);

/* A HEARTBEAT that is told from others by its number. */
struct comms_message beat(uint64_t number);
struct comms_message
tensor_message(enum comms_type type, const void *data, int64_t n);

#endif
