/* Between plain messages and frames. Private to comms/ and its tests.
 *
 * A message is a header frame, a metadata frame and its tensors' frames. To
 * encode: comms_header_write, comms_meta_encode, and comms_tensor_frames says
 * how each tensor is cut. To decode, frames are pushed as they come in:
 *
 *     struct comms_decoder d = {.limits = limits};
 *     FL_TRY(comms_decode_header(&d, bytes, n, err));
 *     FL_TRY(comms_decode_meta(&d, bytes, n, err));
 *     for (each further frame)
 *         FL_TRY(comms_decode_next(&d, n_bytes, &tensor, err)); ... keep it ...
 *     FL_TRY(comms_decode_end(&d, err));
 *     ... d.message ...
 *     comms_decoder_fini(&d);
 *
 * d.message's texts and tables live in d.block; tensor data is the caller's.
 */
#ifndef COMMS_CODEC_PRIV_H
#define COMMS_CODEC_PRIV_H

#include "base/status.h"
#include "comms/endpoint.h"
#include "comms/message.h"

#define COMMS_HEADER_BYTES 8
/* A tensor that is larger travels in frames of this size and a last, shorter
 * one: measured 3 times as fast as one frame of 45 MB (page faults). */
#define COMMS_FRAME_BYTES ((size_t)1 << 20)
#define COMMS_MAX_META_BYTES                                                   \
    ((size_t)1 << 30) /* protobuf's own limit: 2^31                            \
                       */

/* How tensors are cut; inproc passes pointers, so there nothing is cut. */
enum comms_cut { COMMS_CUT_FRAMES, COMMS_CUT_WHOLE };

extern const struct comms_limits comms_limits_default;

/* The rules that hold for what is sent (code FL_E_ARG) and for what is
 * received (FL_E_FORMAT) alike: enums, counts, texts, tensor sizes. */
enum fl_status comms_message_check(const struct comms_message *message,
                                   const struct comms_limits *limits,
                                   enum fl_status code,
                                   struct fl_error *err) FL_NODISCARD;

bool comms_kind_has_tensors(enum comms_kind kind);

/* Bytes of one member; 0 for an unknown type. */
size_t comms_type_bytes(enum comms_type type);
/* Frames that a tensor of n_bytes takes; 0 for an empty one. */
size_t comms_tensor_frames(size_t n_bytes, enum comms_cut cut);

void comms_header_write(enum comms_kind kind, uint8_t ret[COMMS_HEADER_BYTES]);

/* The metadata frame of a checked message. ret_meta may be NULL: only the
 * size. Fails FL_E_NOMEM; FL_E_ARG larger than the limits. Free: fl_free. */
enum fl_status comms_meta_encode(const struct comms_message *message,
                                 const struct comms_limits *limits,
                                 enum comms_cut cut,
                                 uint8_t **ret_meta,
                                 size_t *ret_bytes,
                                 struct fl_error *err) FL_NODISCARD;

struct comms_decoder {
    const struct comms_limits *limits; /* borrowed */
    struct comms_message message;
    void *block; /* texts and tables of message */
    struct comms_expected {
        size_t n_bytes;
        size_t n_frames;
    } expected[COMMS_MAX_TENSORS];
    size_t n_frames;      /* of all tensors */
    size_t tensor, frame; /* what comes next */
};

/* All fail FL_E_FORMAT: not what this protocol version sends; FL_E_NOMEM. */
enum fl_status comms_decode_header(struct comms_decoder *decoder,
                                   const uint8_t *bytes,
                                   size_t n_bytes,
                                   struct fl_error *err) FL_NODISCARD;
enum fl_status comms_decode_meta(struct comms_decoder *decoder,
                                 const uint8_t *bytes,
                                 size_t n_bytes,
                                 struct fl_error *err) FL_NODISCARD;
enum fl_status comms_decode_next(struct comms_decoder *decoder,
                                 size_t n_bytes,
                                 size_t *ret_tensor,
                                 struct fl_error *err) FL_NODISCARD;
enum fl_status comms_decode_end(const struct comms_decoder *decoder,
                                struct fl_error *err) FL_NODISCARD;
void comms_decoder_fini(struct comms_decoder *decoder);

#endif
