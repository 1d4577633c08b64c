/* Sending: a message becomes a parcel of frames that is complete before the
 * first of them goes out, so that a failure leaves nothing half sent. */
#include "base/alloc.h"
#include "comms/endpoint_priv.h"
#include "comms/handover_priv.h"
#include "comms/seal_priv.h"

#include <inttypes.h>
#include <string.h>
#include <zmq.h>

/* A lease that several frames share; the last one to go ends it. */
struct share {
    atomic_size_t n_holders;
    struct comms_lease lease;
    void *data;
};

struct parcel {
    zmq_msg_t *frames;
    size_t n; /* initialised */
    size_t n_bytes;
    struct share *shares[COMMS_MAX_TENSORS];
};

static void release(const struct comms_lease *lease, const void *data)
{
    if (lease->release)
        lease->release((void *)data, lease->arg);
}

static void share_drop(struct share *share)
{
    if (share && atomic_fetch_sub(&share->n_holders, 1) == 1) {
        release(&share->lease, share->data);
        fl_free(share);
    }
}

static void free_share(void *data, void *arg)
{
    (void)data;
    COMMS_TAKE_OVER(arg);
    share_drop(arg);
}

/* When sending ends before the leases were taken over. */
static void release_all(const struct comms_message *message,
                        const struct comms_lease *leases)
{
    for (size_t i = 0;
         leases && i < message->n_tensors && i < COMMS_MAX_TENSORS; i++)
        release(&leases[i], message->tensors[i].data);
}

/* Takes over the leases; on failure they have been released. */
static enum fl_status make_shares(struct parcel *parcel,
                                  const struct comms_message *message,
                                  const struct comms_lease *leases,
                                  struct fl_error *err)
{
    struct share *made[COMMS_MAX_TENSORS] = {0};
    for (size_t i = 0; leases && i < message->n_tensors; i++) {
        if (!leases[i].release)
            continue;
        made[i] = fl_calloc(1, sizeof *made[i]);
        if (!made[i]) {
            for (size_t k = 0; k < i; k++)
                fl_free(made[k]);
            release_all(message, leases);
            return fl_fail(err, FL_E_NOMEM, "out of memory: a lease");
        }
    }
    for (size_t i = 0; i < message->n_tensors; i++) {
        if (!made[i])
            continue;
        atomic_init(&made[i]->n_holders, 1);
        made[i]->lease = leases[i];
        made[i]->data = (void *)message->tensors[i].data;
        parcel->shares[i] = made[i];
    }
    return FL_OK;
}

static enum fl_status no_frame(size_t n_bytes, struct fl_error *err)
{
    return fl_fail(err, FL_E_NOMEM, "out of memory: a frame of %zu bytes",
                   n_bytes);
}

static enum fl_status add_copy(struct parcel *parcel,
                               const void *bytes,
                               size_t n_bytes,
                               struct fl_error *err)
{
    zmq_msg_t *frame = &parcel->frames[parcel->n];
    if (zmq_msg_init_size(frame, n_bytes) != 0)
        return no_frame(n_bytes, err);
    if (n_bytes > 0)
        memcpy(zmq_msg_data(frame), bytes, n_bytes);
    parcel->n++;
    parcel->n_bytes += n_bytes;
    return FL_OK;
}

static enum fl_status add_shared(struct parcel *parcel,
                                 const void *bytes,
                                 size_t n_bytes,
                                 struct share *share,
                                 struct fl_error *err)
{
    zmq_msg_t *frame = &parcel->frames[parcel->n];
    atomic_fetch_add(&share->n_holders, 1);
    COMMS_HAND_OVER(share);
    if (zmq_msg_init_data(frame, (void *)bytes, n_bytes, free_share, share) !=
        0) {
        share_drop(share);
        return no_frame(n_bytes, err);
    }
    parcel->n++;
    parcel->n_bytes += n_bytes;
    return FL_OK;
}

static enum fl_status add_tensor(struct parcel *parcel,
                                 const struct comms_tensor *tensor,
                                 struct share *share,
                                 enum comms_cut cut,
                                 struct fl_error *err)
{
    const unsigned char *bytes = tensor->data;
    size_t left = (size_t)tensor->n * comms_type_bytes(tensor->type);
    size_t n_frames = comms_tensor_frames(left, cut);
    for (size_t i = 0; i < n_frames; i++) {
        size_t n = i + 1 < n_frames ? COMMS_FRAME_BYTES : left;
        FL_TRY(share ? add_shared(parcel, bytes, n, share, err)
                     : add_copy(parcel, bytes, n, err));
        bytes += n;
        left -= n;
    }
    return FL_OK;
}

static enum fl_status add_meta(struct parcel *parcel,
                               const struct comms_message *message,
                               const struct comms_endpoint *endpoint,
                               struct fl_error *err)
{
    uint8_t *meta = NULL;
    size_t n_bytes = 0;
    FL_TRY(comms_meta_encode(message, &endpoint->limits, endpoint->cut, &meta,
                             &n_bytes, err));
    enum fl_status status = add_copy(parcel, meta, n_bytes, err);
    fl_free(meta);
    return status;
}

/* Writes the header frame, once the others are there. Tensors that are handed
 * over as pointers (inproc) are not summed: they go nowhere. */
static void seal(struct parcel *parcel,
                 enum comms_kind kind,
                 uint64_t number,
                 enum comms_cut cut)
{
    struct fl_checksum sum;
    uint8_t *header = zmq_msg_data(&parcel->frames[0]);
    size_t n = cut == COMMS_CUT_FRAMES ? parcel->n : 2;
    comms_seal_begin(kind, number, header, &sum);
    for (size_t i = 1; i < n; i++)
        fl_checksum_add(&sum, zmq_msg_data(&parcel->frames[i]),
                        zmq_msg_size(&parcel->frames[i]));
    comms_seal_end(header, &sum);
}

static enum fl_status parcel_fill(struct parcel *parcel,
                                  const struct comms_endpoint *endpoint,
                                  uint64_t number,
                                  const struct comms_message *message,
                                  struct fl_error *err)
{
    size_t n_frames = 2;
    for (size_t i = 0; i < message->n_tensors; i++) {
        const struct comms_tensor *tensor = &message->tensors[i];
        n_frames += comms_tensor_frames(
            (size_t)tensor->n * comms_type_bytes(tensor->type), endpoint->cut);
    }
    parcel->frames = fl_calloc(n_frames, sizeof *parcel->frames);
    if (!parcel->frames)
        return fl_fail(err, FL_E_NOMEM, "out of memory: %zu frames", n_frames);
    static const uint8_t header[COMMS_SEALED_BYTES] = {0}; /* its place */
    FL_TRY(add_copy(parcel, header, sizeof header, err));
    FL_TRY(add_meta(parcel, message, endpoint, err));
    for (size_t i = 0; i < message->n_tensors; i++)
        FL_TRY(add_tensor(parcel, &message->tensors[i], parcel->shares[i],
                          endpoint->cut, err));
    seal(parcel, message->kind, number, endpoint->cut);
    return FL_OK;
}

/* Frames that were sent are empty by now. */
static void parcel_fini(struct parcel *parcel)
{
    for (size_t i = 0; i < parcel->n; i++)
        (void)zmq_msg_close(&parcel->frames[i]);
    fl_free(parcel->frames);
    for (size_t i = 0; i < COMMS_MAX_TENSORS; i++)
        share_drop(parcel->shares[i]);
}

static int send_frame(void *socket, zmq_msg_t *frame, int more)
{
    int rc;
    COMMS_HAND_OVER(zmq_msg_data(frame));
    do
        rc = zmq_msg_send(frame, socket, ZMQ_DONTWAIT | more);
    while (rc < 0 && zmq_errno() == EINTR);
    return rc;
}

static enum fl_status send_routing_id(struct comms_endpoint *endpoint,
                                      comms_peer peer,
                                      struct fl_error *err)
{
    const struct comms_peer_entry *entry =
        comms_peers_get(&endpoint->peers, peer);
    int rc;
    do
        rc = zmq_send(endpoint->socket, entry->routing_id, entry->n_bytes,
                      ZMQ_DONTWAIT | ZMQ_SNDMORE);
    while (rc < 0 && zmq_errno() == EINTR);
    if (rc >= 0)
        return FL_OK;
    if (zmq_errno() == EHOSTUNREACH)
        return fl_fail(err, FL_E_STATE, "%s: peer %" PRIu64 " is gone",
                       endpoint->address, peer);
    return fl_fail(err, FL_E_IO, "%s: cannot send to peer %" PRIu64 ": %s",
                   endpoint->address, peer, zmq_strerror(zmq_errno()));
}

static enum fl_status parcel_send(struct parcel *parcel,
                                  struct comms_endpoint *endpoint,
                                  comms_peer peer,
                                  struct fl_error *err)
{
    if (endpoint->is_hub)
        FL_TRY(send_routing_id(endpoint, peer, err));
    for (size_t i = 0; i < parcel->n; i++) {
        int more = i + 1 < parcel->n ? ZMQ_SNDMORE : 0;
        if (send_frame(endpoint->socket, &parcel->frames[i], more) >= 0)
            continue;
        endpoint->is_broken = endpoint->is_hub || i > 0;
        return fl_fail(err, FL_E_IO, "%s: cannot send to peer %" PRIu64 ": %s",
                       endpoint->address, peer, zmq_strerror(zmq_errno()));
    }
    return FL_OK;
}

static enum fl_status check_send(const struct comms_endpoint *endpoint,
                                 comms_peer peer,
                                 const struct comms_message *message,
                                 struct fl_error *err)
{
    const struct comms_peer_entry *entry =
        comms_peers_get(&endpoint->peers, peer);
    if (!entry)
        return fl_fail(err, FL_E_ARG, "%s: no peer %" PRIu64, endpoint->address,
                       peer);
    if (entry->is_closed)
        return fl_fail(err, FL_E_STATE, "%s: peer %" PRIu64 " was closed",
                       endpoint->address, peer);
    if (endpoint->is_broken)
        return fl_fail(err, FL_E_IO, "%s: broken by an earlier failure",
                       endpoint->address);
    FL_TRY(comms_message_check(message, &endpoint->limits, FL_E_ARG, err));
    for (size_t i = 0; i < message->n_tensors; i++)
        if (message->tensors[i].n > 0 && !message->tensors[i].data)
            return fl_fail(err, FL_E_ARG, "%s: tensor %zu has no data",
                           comms_kind_name(message->kind), i);
    return FL_OK;
}

enum fl_status comms_send(struct comms_endpoint *endpoint,
                          comms_peer peer,
                          const struct comms_message *message,
                          const struct comms_lease *leases,
                          struct fl_error *err)
{
    enum fl_status status = check_send(endpoint, peer, message, err);
    if (status != FL_OK) {
        release_all(message, leases);
        return status;
    }
    struct parcel parcel = {0};
    FL_TRY(make_shares(&parcel, message, leases, err));
    struct comms_peer_entry *entry = comms_peers_get(&endpoint->peers, peer);
    status = parcel_fill(&parcel, endpoint, entry->n_sent + 1, message, err);
    if (status == FL_OK)
        status = parcel_send(&parcel, endpoint, peer, err);
    if (status == FL_OK) {
        entry->n_sent++;
        struct comms_count *count = &endpoint->counts.sent[message->kind];
        count->messages++;
        count->bytes += (int64_t)parcel.n_bytes;
    }
    parcel_fini(&parcel);
    return status;
}
