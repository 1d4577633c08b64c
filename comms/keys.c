#include "comms/keys.h"

#include <sodium/utils.h>
#include <string.h>
#include <zmq.h>

#define KEY_BYTES 32

static enum fl_status make_pair(struct comms_keys *ret, struct fl_error *err)
{
    if (zmq_curve_keypair(ret->public_key, ret->secret_key) == 0)
        return FL_OK;
    return fl_fail(err, FL_E_IO, "keys of the run: cannot be made: %s",
                   zmq_strerror(zmq_errno()));
}

enum fl_status comms_run_keys_make(struct comms_run_keys *ret,
                                   struct fl_error *err)
{
    struct comms_run_keys keys = {0};
    if (!zmq_has("curve"))
        return fl_fail(err, FL_E_IO,
                       "keys of the run: this libzmq was built without CURVE");
    FL_TRY(make_pair(&keys.hub, err));
    FL_TRY(make_pair(&keys.spoke, err));
    memcpy(keys.hub.peer_key, keys.spoke.public_key, COMMS_KEY_TEXT);
    memcpy(keys.spoke.peer_key, keys.hub.public_key, COMMS_KEY_TEXT);
    *ret = keys;
    comms_run_keys_forget(&keys);
    return FL_OK;
}

static bool is_key(const char text[COMMS_KEY_TEXT])
{
    uint8_t bytes[KEY_BYTES];
    bool is_sound = strnlen(text, COMMS_KEY_TEXT) == COMMS_KEY_TEXT - 1 &&
                    zmq_z85_decode(bytes, text) != NULL;
    sodium_memzero(bytes, sizeof bytes);
    return is_sound;
}

bool comms_keys_are_sound(const struct comms_keys *keys)
{
    char derived[COMMS_KEY_TEXT];
    return is_key(keys->public_key) && is_key(keys->secret_key) &&
           is_key(keys->peer_key) &&
           zmq_curve_public(derived, keys->secret_key) == 0 &&
           memcmp(derived, keys->public_key, COMMS_KEY_TEXT) == 0;
}

void comms_keys_forget(struct comms_keys *keys)
{
    sodium_memzero(keys, sizeof *keys);
}

void comms_run_keys_forget(struct comms_run_keys *keys)
{
    sodium_memzero(keys, sizeof *keys);
}
