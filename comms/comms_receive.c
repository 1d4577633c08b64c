/* Receiving: frames are decoded as they come out of the socket; a tensor's stay
 * where they are. */
#include "base/alloc.h"
#include "base/clock.h"
#include "comms/endpoint_priv.h"
#include "comms/handover_priv.h"
#include "comms/seal_priv.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <zmq.h>

/* A closed peer that floods must not keep the caller from its other work:
 * after so many messages the clock and the other descriptor are looked at. */
#define DROPPED_PER_LOOK 256

/* What keeps a received message alive. */
struct owner {
    void *block;                /* texts and tables */
    struct comms_piece *pieces; /* of all tensors */
    zmq_msg_t *frames;          /* [n_frames] they lie in */
    size_t n_frames;
};

enum outcome { NOTHING, INTERRUPTED, GOT, REFUSED, DROPPED };

static void owner_destroy(struct owner *owner)
{
    if (!owner)
        return;
    for (size_t i = 0; i < owner->n_frames; i++)
        (void)zmq_msg_close(&owner->frames[i]);
    fl_free(owner->frames);
    fl_free(owner->pieces);
    fl_free(owner->block);
    fl_free(owner);
}

void comms_received_fini(struct comms_received *received)
{
    owner_destroy(received->owner);
    *received = (struct comms_received){0};
}

/* The further frames of a message are there once its first one is. */
static enum fl_status next_frame(const struct comms_endpoint *endpoint,
                                 zmq_msg_t *frame,
                                 struct fl_error *err)
{
    int rc;
    do
        rc = zmq_msg_recv(frame, endpoint->socket, ZMQ_DONTWAIT);
    while (rc < 0 && zmq_errno() == EINTR);
    if (rc < 0)
        return fl_fail(err, FL_E_IO, "%s: cannot receive: %s",
                       endpoint->address, zmq_strerror(zmq_errno()));
    COMMS_TAKE_OVER(zmq_msg_data(frame));
    return FL_OK;
}

/* Throws the rest of a message away. */
static void drain(const struct comms_endpoint *endpoint, bool has_more)
{
    while (has_more) {
        zmq_msg_t frame;
        (void)zmq_msg_init(&frame);
        has_more =
            next_frame(endpoint, &frame, NULL) == FL_OK && zmq_msg_more(&frame);
        (void)zmq_msg_close(&frame);
    }
}

/* A message on its way in. */
struct arrival {
    struct comms_endpoint *endpoint;
    struct comms_decoder decoder;
    struct owner *owner;
    zmq_msg_t frame; /* the current one; always initialised */
    bool has_more;
    int64_t n_bytes;
    uint64_t number; /* that is due */
    uint8_t header[COMMS_SEALED_BYTES];
    struct fl_checksum sum;
};

static enum fl_status step(struct arrival *arrival, struct fl_error *err)
{
    if (!arrival->has_more)
        return fl_fail(err, FL_E_FORMAT, "a message of too few frames");
    FL_TRY(next_frame(arrival->endpoint, &arrival->frame, err));
    arrival->has_more = zmq_msg_more(&arrival->frame);
    arrival->n_bytes += (int64_t)zmq_msg_size(&arrival->frame);
    return FL_OK;
}

static void free_copy(void *data, void *arg)
{
    (void)arg;
    fl_free(data);
}

/* ZeroMQ cuts small frames out of what it has read, wherever they lie. */
static enum fl_status
align_frame(zmq_msg_t *frame, size_t alignment, struct fl_error *err)
{
    size_t n_bytes = zmq_msg_size(frame);
    if ((uintptr_t)zmq_msg_data(frame) % alignment == 0)
        return FL_OK;
    zmq_msg_t aligned;
    void *copy = fl_calloc(n_bytes, 1);
    if (!copy ||
        zmq_msg_init_data(&aligned, copy, n_bytes, free_copy, NULL) != 0) {
        fl_free(copy);
        return fl_fail(err, FL_E_NOMEM, "out of memory: a frame of %zu bytes",
                       n_bytes);
    }
    memcpy(copy, zmq_msg_data(frame), n_bytes);
    (void)zmq_msg_move(frame, &aligned); /* closes what it was */
    (void)zmq_msg_close(&aligned);
    return FL_OK;
}

/* The frame stays where it is, as a piece of its tensor. Small ones live inside
 * their zmq_msg_t, so it is the moved one that counts. */
static enum fl_status keep_frame(struct arrival *arrival, struct fl_error *err)
{
    struct owner *owner = arrival->owner;
    size_t which = 0, n_bytes = zmq_msg_size(&arrival->frame);
    FL_TRY(comms_decode_next(&arrival->decoder, n_bytes, &which, err));
    struct comms_tensor *tensor = &arrival->decoder.message.tensors[which];
    size_t size = comms_type_bytes(tensor->type);
    zmq_msg_t *kept = &owner->frames[owner->n_frames];
    struct comms_piece *piece = &owner->pieces[owner->n_frames++];
    (void)zmq_msg_init(kept);
    (void)zmq_msg_move(kept, &arrival->frame);
    FL_TRY(align_frame(kept, size, err));
    *piece =
        (struct comms_piece){zmq_msg_data(kept), (int64_t)(n_bytes / size)};
    if (tensor->n_pieces++ == 0)
        tensor->pieces = piece;
    if (arrival->endpoint->cut == COMMS_CUT_FRAMES)
        fl_checksum_add(&arrival->sum, piece->data, n_bytes);
    return FL_OK;
}

static enum fl_status make_room(struct arrival *arrival, struct fl_error *err)
{
    struct owner *owner = arrival->owner;
    size_t n = arrival->decoder.n_frames;
    if (n == 0)
        return FL_OK;
    owner->pieces = fl_calloc(n, sizeof *owner->pieces);
    owner->frames = fl_calloc(n, sizeof *owner->frames);
    if (owner->pieces && owner->frames)
        return FL_OK;
    return fl_fail(err, FL_E_NOMEM, "out of memory: %zu frames", n);
}

static enum fl_status decode_seal(struct arrival *arrival, struct fl_error *err)
{
    size_t n_bytes = zmq_msg_size(&arrival->frame);
    if (n_bytes != COMMS_SEALED_BYTES)
        return fl_fail(err, FL_E_FORMAT, "header of %zu bytes, allowed %d",
                       n_bytes, COMMS_SEALED_BYTES);
    memcpy(arrival->header, zmq_msg_data(&arrival->frame), n_bytes);
    FL_TRY(comms_decode_header(&arrival->decoder, arrival->header,
                               COMMS_HEADER_BYTES, err));
    uint64_t number = comms_seal_read(arrival->header, &arrival->sum);
    if (number != arrival->number)
        return fl_fail(err, FL_E_FORMAT,
                       "message %" PRIu64 " where %" PRIu64
                       " was due: lost, doubled or overtaken",
                       number, arrival->number);
    return FL_OK;
}

static enum fl_status decode(struct arrival *arrival, struct fl_error *err)
{
    struct comms_decoder *decoder = &arrival->decoder;
    zmq_msg_t *frame = &arrival->frame;
    FL_TRY(decode_seal(arrival, err));
    FL_TRY(step(arrival, err));
    fl_checksum_add(&arrival->sum, zmq_msg_data(frame), zmq_msg_size(frame));
    FL_TRY(comms_decode_meta(decoder, zmq_msg_data(frame), zmq_msg_size(frame),
                             err));
    FL_TRY(make_room(arrival, err));
    while (arrival->has_more) {
        FL_TRY(step(arrival, err));
        FL_TRY(keep_frame(arrival, err));
    }
    FL_TRY(comms_decode_end(decoder, err));
    if (!comms_seal_holds(arrival->header, &arrival->sum))
        return fl_fail(err, FL_E_FORMAT,
                       "%s: its checksum is wrong: changed on the way",
                       comms_kind_name(decoder->message.kind));
    return FL_OK;
}

/* arrival->frame is the header. */
static enum fl_status read_message(struct arrival *arrival,
                                   struct comms_received *ret,
                                   struct fl_error *err)
{
    arrival->decoder.limits = &arrival->endpoint->limits;
    arrival->owner = fl_calloc(1, sizeof *arrival->owner);
    enum fl_status status =
        arrival->owner ? decode(arrival, err)
                       : fl_fail(err, FL_E_NOMEM, "out of memory: a message");
    if (status == FL_OK) {
        arrival->owner->block = arrival->decoder.block;
        arrival->decoder.block = NULL;
        ret->message = arrival->decoder.message;
        ret->owner = arrival->owner;
        arrival->owner = NULL;
    }
    owner_destroy(arrival->owner);
    comms_decoder_fini(&arrival->decoder);
    return status;
}

/* Who it is from. On the hub, `frame` is the routing id and becomes the first
 * frame of the message. */
static enum fl_status
identify(struct arrival *arrival, comms_peer *ret_peer, struct fl_error *err)
{
    struct comms_endpoint *endpoint = arrival->endpoint;
    *ret_peer = 1;
    if (!endpoint->is_hub)
        return FL_OK;
    const uint8_t *id = zmq_msg_data(&arrival->frame);
    size_t n = zmq_msg_size(&arrival->frame);
    *ret_peer = comms_peers_find(&endpoint->peers, id, n);
    if (*ret_peer == 0)
        FL_TRY(comms_peers_add(&endpoint->peers, id, n, ret_peer, err));
    arrival->n_bytes = 0;
    return step(arrival, err);
}

static enum fl_status refuse(struct comms_endpoint *endpoint,
                             comms_peer peer,
                             const struct fl_error *why,
                             enum outcome *ret_outcome,
                             struct fl_error *err)
{
    /* It is told, if it can be: an honest one may join anew. */
    const struct comms_message bye = {.kind = COMMS_BYE,
                                      .u.bye = {.reason = COMMS_BYE_UNKNOWN}};
    enum fl_status told =
        endpoint->is_hub ? comms_send(endpoint, peer, &bye, NULL, NULL) : FL_OK;
    (void)told;
    comms_peer_close(endpoint, peer);
    endpoint->counts.refused++;
    (void)fl_fail(err, FL_E_FORMAT, "%s: peer %" PRIu64 " closed: %s",
                  endpoint->address, peer, why->text);
    *ret_outcome = REFUSED;
    return FL_OK;
}

static enum fl_status take_in(struct arrival *arrival,
                              struct comms_received *ret_received,
                              enum outcome *ret_outcome,
                              comms_peer *ret_peer,
                              struct fl_error *err)
{
    struct comms_endpoint *endpoint = arrival->endpoint;
    struct fl_error why = {0};
    enum fl_status status = identify(arrival, ret_peer, &why);
    if (status == FL_E_RANGE) { /* too many strangers */
        endpoint->counts.dropped++;
        *ret_outcome = DROPPED;
        return FL_OK;
    }
    if (status != FL_OK)
        return fl_fail(err, status, "%s", why.text);
    struct comms_peer_entry *entry =
        comms_peers_get(&endpoint->peers, *ret_peer);
    if (entry->is_closed) {
        endpoint->counts.dropped++;
        *ret_outcome = DROPPED;
        return FL_OK;
    }
    struct comms_received received = {.peer = *ret_peer};
    arrival->number = entry->n_received + 1;
    status = read_message(arrival, &received, &why);
    if (status == FL_E_FORMAT)
        return refuse(endpoint, *ret_peer, &why, ret_outcome, err);
    entry->n_received++; /* also one that is lost to memory: its number is */
    if (status != FL_OK)
        return fl_fail(err, status, "%s", why.text);
    struct comms_count *count =
        &endpoint->counts.received[received.message.kind];
    count->messages++;
    count->bytes += arrival->n_bytes;
    *ret_received = received;
    *ret_outcome = GOT;
    return FL_OK;
}

/* One message, if there is one, all of it. */
static enum fl_status receive_one(struct comms_endpoint *endpoint,
                                  struct comms_received *ret_received,
                                  enum outcome *ret_outcome,
                                  comms_peer *ret_peer,
                                  struct fl_error *err)
{
    struct arrival arrival = {.endpoint = endpoint};
    (void)zmq_msg_init(&arrival.frame);
    enum fl_status status = FL_OK;
    if (zmq_msg_recv(&arrival.frame, endpoint->socket, ZMQ_DONTWAIT) >= 0) {
        COMMS_TAKE_OVER(zmq_msg_data(&arrival.frame));
        arrival.has_more = zmq_msg_more(&arrival.frame);
        arrival.n_bytes = (int64_t)zmq_msg_size(&arrival.frame);
        status = take_in(&arrival, ret_received, ret_outcome, ret_peer, err);
        drain(endpoint, arrival.has_more);
    } else if (zmq_errno() == EAGAIN) {
        *ret_outcome = NOTHING;
    } else if (zmq_errno() == EINTR) {
        *ret_outcome = INTERRUPTED;
    } else {
        status = fl_fail(err, FL_E_IO, "%s: cannot receive: %s",
                         endpoint->address, zmq_strerror(zmq_errno()));
    }
    (void)zmq_msg_close(&arrival.frame);
    return status;
}

struct readable {
    bool socket, extra;
};

/* Until one of them is readable, a signal comes or the time is over.
 * left_wall_s < 0: no limit. */
static enum fl_status wait_for(const struct comms_endpoint *endpoint,
                               double left_wall_s,
                               int extra_fd,
                               struct readable *ret,
                               struct fl_error *err)
{
    zmq_pollitem_t items[] = {
        {.socket = endpoint->socket, .events = ZMQ_POLLIN},
        {.fd = extra_fd, .events = ZMQ_POLLIN},
    };
    long left_ms = -1;
    if (left_wall_s >= 0) /* a day at a time; the caller comes back */
        left_ms =
            left_wall_s < 86400 ? (long)ceil(left_wall_s * 1e3) : 86400L * 1000;
    int n = zmq_poll(items, extra_fd >= 0 ? 2 : 1, left_ms);
    if (n < 0 && zmq_errno() != EINTR)
        return fl_fail(err, FL_E_IO, "%s: cannot wait: %s", endpoint->address,
                       zmq_strerror(zmq_errno()));
    *ret = (struct readable){
        .socket = n > 0 && items[0].revents != 0,
        .extra = n > 0 && items[1].revents != 0,
    };
    return FL_OK;
}

enum fl_status comms_receive(struct comms_endpoint *endpoint,
                             double timeout_wall_s,
                             int extra_fd,
                             struct comms_received *ret_received,
                             bool *ret_got,
                             comms_peer *ret_closed_peer,
                             struct fl_error *err)
{
    if (isnan(timeout_wall_s))
        return fl_fail(err, FL_E_ARG, "%s: a timeout that is not a number",
                       endpoint->address);
    bool is_forever = timeout_wall_s < 0;
    double end_wall_s = is_forever ? 0 : fl_clock_wall_s() + timeout_wall_s;
    *ret_got = false;
    *ret_closed_peer = 0;
    for (int dropped = 0;;) {
        enum outcome outcome = NOTHING;
        comms_peer peer = 0;
        FL_TRY(receive_one(endpoint, ret_received, &outcome, &peer, err));
        if (outcome == DROPPED && ++dropped % DROPPED_PER_LOOK != 0)
            continue;
        *ret_got = outcome == GOT;
        *ret_closed_peer = outcome == REFUSED ? peer : 0;
        if (outcome != NOTHING && outcome != DROPPED)
            return FL_OK;
        double left_wall_s = -1.0;
        if (!is_forever)
            left_wall_s = fmax(end_wall_s - fl_clock_wall_s(), 0.0);
        struct readable readable = {false, false};
        FL_TRY(wait_for(endpoint, left_wall_s, extra_fd, &readable, err));
        if (!readable.socket || (outcome == DROPPED && readable.extra))
            return FL_OK;
        if (left_wall_s == 0.0 && outcome == DROPPED)
            return FL_OK;
    }
}
