/* Frames of one message from anywhere. The input is a header frame and a
 * metadata frame, each behind its length (4 bytes, little endian), and then
 * the lengths of tensor frames, whose contents nobody looks at.
 *
 * What is accepted has to be a message that could have been sent: encoded and
 * decoded again it stays what it is.
 */
#include "base/alloc.h"
#include "comms/codec_priv.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static const struct comms_limits limits = {.max_tensor_bytes = 16 << 20,
                                           .max_meta_bytes = 1 << 16};

struct input {
    const uint8_t *bytes;
    size_t left;
};

static bool take_length(struct input *input, size_t *ret)
{
    if (input->left < 4)
        return false;
    *ret = input->bytes[0] | (size_t)input->bytes[1] << 8 |
           (size_t)input->bytes[2] << 16 | (size_t)input->bytes[3] << 24;
    input->bytes += 4;
    input->left -= 4;
    return true;
}

/* A copy of just its size, so that a sanitizer sees a read beyond it. */
static uint8_t *take_frame(struct input *input, size_t *ret_bytes)
{
    if (!take_length(input, ret_bytes))
        return NULL;
    if (*ret_bytes > input->left)
        *ret_bytes = input->left;
    uint8_t *frame = fl_calloc(*ret_bytes, 1);
    if (!frame)
        return NULL;
    if (*ret_bytes > 0)
        memcpy(frame, input->bytes, *ret_bytes);
    input->bytes += *ret_bytes;
    input->left -= *ret_bytes;
    return frame;
}

static void must(bool is_true)
{
    if (!is_true)
        __builtin_trap();
}

static uint8_t *encode(const struct comms_message *message, size_t *ret_bytes)
{
    uint8_t *meta = NULL;
    must(comms_message_check(message, &limits, FL_E_ARG, NULL) == FL_OK);
    must(comms_meta_encode(message, &limits, COMMS_CUT_FRAMES, &meta, ret_bytes,
                           NULL) == FL_OK);
    return meta;
}

static void must_survive(const struct comms_message *message)
{
    size_t n_first = 0, n_second = 0;
    uint8_t header[COMMS_HEADER_BYTES];
    struct comms_decoder again = {.limits = &limits};
    uint8_t *first = encode(message, &n_first);
    comms_header_write(message->kind, header);
    must(comms_decode_header(&again, header, sizeof header, NULL) == FL_OK);
    must(comms_decode_meta(&again, first, n_first, NULL) == FL_OK);
    uint8_t *second = encode(&again.message, &n_second);
    must(n_first == n_second && memcmp(first, second, n_first) == 0);
    comms_decoder_fini(&again);
    fl_free(first);
    fl_free(second);
}

static void decode_tensors(struct comms_decoder *decoder, struct input *input)
{
    size_t n_bytes = 0, n_frames = 0, at = 0;
    size_t bytes[COMMS_MAX_TENSORS] = {0};
    while (take_length(input, &n_bytes)) {
        size_t which = 0;
        if (comms_decode_next(decoder, n_bytes, &which, NULL) != FL_OK)
            return;
        must(which >= at && which < decoder->message.n_tensors);
        must(++n_frames <= decoder->n_frames);
        at = which;
        bytes[which] += n_bytes;
    }
    if (comms_decode_end(decoder, NULL) != FL_OK)
        return;
    must(n_frames == decoder->n_frames); /* every byte had its place */
    for (size_t i = 0; i < decoder->message.n_tensors; i++)
        must(bytes[i] == decoder->expected[i].n_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct input input = {bytes, n_bytes};
    struct comms_decoder decoder = {.limits = &limits};
    size_t n_header = 0, n_meta = 0;
    uint8_t *header = take_frame(&input, &n_header);
    uint8_t *meta = take_frame(&input, &n_meta);
    if (header && meta &&
        comms_decode_header(&decoder, header, n_header, NULL) == FL_OK &&
        comms_decode_meta(&decoder, meta, n_meta, NULL) == FL_OK) {
        must_survive(&decoder.message);
        decode_tensors(&decoder, &input);
    }
    comms_decoder_fini(&decoder);
    fl_free(header);
    fl_free(meta);
    return 0;
}
