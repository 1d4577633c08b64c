/* The hub's peers: numbers 1, 2, ... for ZeroMQ's routing ids, never reused.
 * A spoke has one peer, whose routing id is empty. Private to comms/.
 */
#ifndef COMMS_PEERS_PRIV_H
#define COMMS_PEERS_PRIV_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A stranger who connects again and again costs some 50 bytes each time; at
 * this number nobody new is heard. */
#define COMMS_MAX_PEERS ((size_t)1 << 20)

struct comms_peer_entry {
    uint8_t *routing_id; /* owned */
    uint8_t n_bytes;
    bool is_closed;
    uint64_t n_sent, n_received; /* messages of this connection, so far */
};

struct comms_peers {
    struct comms_peer_entry *entries; /* peer p is entries[p - 1] */
    size_t n, capacity;
    uint32_t *slots; /* hash table of peers; 0 = free */
    size_t n_slots;  /* power of two, at least twice n */
};

/* The peer with this routing id, or 0. */
uint64_t comms_peers_find(const struct comms_peers *peers,
                          const uint8_t *routing_id,
                          size_t n_bytes);

/* Fails FL_E_NOMEM; FL_E_RANGE: COMMS_MAX_PEERS are known, or the id is longer
 * than ZeroMQ makes them (255). */
enum fl_status comms_peers_add(struct comms_peers *peers,
                               const uint8_t *routing_id,
                               size_t n_bytes,
                               uint64_t *ret_peer,
                               struct fl_error *err) FL_NODISCARD;

/* NULL for a peer that never was. */
struct comms_peer_entry *comms_peers_get(const struct comms_peers *peers,
                                         uint64_t peer);

void comms_peers_fini(struct comms_peers *peers);

#endif
