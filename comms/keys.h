/* Keys of encrypted connections (CURVE: Curve25519, as ZeroMQ does it).
 *
 * A coordinator makes two pairs when it starts: its own, whose secret never
 * leaves its memory, and one that every client process of the run shares. The
 * second, with the public half of the first, is what a ticket holds
 * (comms/ticket.h). Whoever has it may take part; nobody else is heard.
 *
 *     struct comms_run_keys keys;
 *     FL_TRY(comms_run_keys_make(&keys, err));
 *     ... comms_hub_create_keyed(context, address, &keys.hub, ...) ...
 *     comms_run_keys_forget(&keys);
 *
 * Threads: safe, no shared state.
 */
#ifndef COMMS_KEYS_H
#define COMMS_KEYS_H

#include "base/status.h"

#include <stdbool.h>

/* 32 bytes as Z85 text (ZeroMQ RFC 32), and its NUL. */
#define COMMS_KEY_TEXT 41

/* What one end of a connection needs. */
struct comms_keys {
    char public_key[COMMS_KEY_TEXT];
    char secret_key[COMMS_KEY_TEXT];
    char peer_key[COMMS_KEY_TEXT]; /* public: whom it talks to, alone */
};

struct comms_run_keys {
    struct comms_keys hub;   /* of the coordinator */
    struct comms_keys spoke; /* of all its client processes */
};

/* Fresh pairs from the system's random numbers.
 * Fails FL_E_IO: ZeroMQ was built without CURVE, or there is no randomness. */
enum fl_status comms_run_keys_make(struct comms_run_keys *ret,
                                   struct fl_error *err) FL_NODISCARD;

/* Whether each is the text of a key, and the first two belong together. */
bool comms_keys_are_sound(const struct comms_keys *keys);

/* Wipes them from memory. */
void comms_keys_forget(struct comms_keys *keys);
void comms_run_keys_forget(struct comms_run_keys *keys);

#endif
