#include "comms/peers_priv.h"

#include "base/alloc.h"

#include <string.h>

/* FNV-1a */
static size_t hash_of(const uint8_t *bytes, size_t n_bytes)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < n_bytes; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(1099511628211);
    return (size_t)(hash ^ hash >> 32);
}

/* The slot that holds the id, or the free one where it would go. */
static size_t slot_of(const struct comms_peers *peers,
                      const uint8_t *routing_id,
                      size_t n_bytes)
{
    size_t mask = peers->n_slots - 1;
    size_t slot = hash_of(routing_id, n_bytes) & mask;
    for (;; slot = (slot + 1) & mask) {
        uint32_t peer = peers->slots[slot];
        if (peer == 0)
            return slot;
        const struct comms_peer_entry *entry = &peers->entries[peer - 1];
        if (entry->n_bytes == n_bytes &&
            (n_bytes == 0 ||
             memcmp(entry->routing_id, routing_id, n_bytes) == 0))
            return slot;
    }
}

uint64_t comms_peers_find(const struct comms_peers *peers,
                          const uint8_t *routing_id,
                          size_t n_bytes)
{
    if (peers->n == 0)
        return 0;
    return peers->slots[slot_of(peers, routing_id, n_bytes)];
}

static enum fl_status widen(struct comms_peers *peers, struct fl_error *err)
{
    if (2 * (peers->n + 1) <= peers->n_slots)
        return FL_OK;
    size_t n_slots = peers->n_slots ? 2 * peers->n_slots : 16;
    uint32_t *slots = fl_calloc(n_slots, sizeof *slots);
    if (!slots)
        return fl_fail(err, FL_E_NOMEM, "out of memory: %zu peers", n_slots);
    fl_free(peers->slots);
    peers->slots = slots;
    peers->n_slots = n_slots;
    for (size_t i = 0; i < peers->n; i++) {
        const struct comms_peer_entry *entry = &peers->entries[i];
        slots[slot_of(peers, entry->routing_id, entry->n_bytes)] =
            (uint32_t)(i + 1);
    }
    return FL_OK;
}

enum fl_status comms_peers_add(struct comms_peers *peers,
                               const uint8_t *routing_id,
                               size_t n_bytes,
                               uint64_t *ret_peer,
                               struct fl_error *err)
{
    if (peers->n >= COMMS_MAX_PEERS || n_bytes > UINT8_MAX)
        return fl_fail(err, FL_E_RANGE, "%zu peers, allowed %zu", peers->n + 1,
                       COMMS_MAX_PEERS);
    FL_TRY(fl_grow(&peers->entries, &peers->capacity, peers->n + 1,
                   sizeof *peers->entries, err));
    FL_TRY(widen(peers, err));
    uint8_t *copy = fl_calloc(n_bytes, 1);
    if (!copy)
        return fl_fail(err, FL_E_NOMEM, "out of memory: a peer");
    if (n_bytes > 0)
        memcpy(copy, routing_id, n_bytes);
    size_t slot = slot_of(peers, copy, n_bytes);
    peers->entries[peers->n++] = (struct comms_peer_entry){
        .routing_id = copy, .n_bytes = (uint8_t)n_bytes};
    peers->slots[slot] = (uint32_t)peers->n;
    *ret_peer = peers->n;
    return FL_OK;
}

struct comms_peer_entry *comms_peers_get(const struct comms_peers *peers,
                                         uint64_t peer)
{
    if (peer == 0 || peer > peers->n)
        return NULL;
    return &peers->entries[peer - 1];
}

void comms_peers_fini(struct comms_peers *peers)
{
    for (size_t i = 0; i < peers->n; i++)
        fl_free(peers->entries[i].routing_id);
    fl_free(peers->entries);
    fl_free(peers->slots);
    *peers = (struct comms_peers){0};
}
