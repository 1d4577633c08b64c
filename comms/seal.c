#include "comms/seal_priv.h"

#include <string.h>

#define NUMBER_AT COMMS_HEADER_BYTES
#define SUM_AT    (COMMS_HEADER_BYTES + 8)

static void begin(const uint8_t frame[COMMS_SEALED_BYTES],
                  struct fl_checksum *ret_sum)
{
    fl_checksum_init(ret_sum);
    fl_checksum_add(ret_sum, frame, SUM_AT);
}

void comms_seal_begin(enum comms_kind kind,
                      uint64_t number,
                      uint8_t ret_frame[COMMS_SEALED_BYTES],
                      struct fl_checksum *ret_sum)
{
    comms_header_write(kind, ret_frame);
    for (size_t i = 0; i < 8; i++)
        ret_frame[NUMBER_AT + i] = (uint8_t)(number >> 8 * i & 0xff);
    begin(ret_frame, ret_sum);
}

uint64_t comms_seal_read(const uint8_t frame[COMMS_SEALED_BYTES],
                         struct fl_checksum *ret_sum)
{
    uint64_t number = 0;
    for (size_t i = 0; i < 8; i++)
        number |= (uint64_t)frame[NUMBER_AT + i] << 8 * i;
    begin(frame, ret_sum);
    return number;
}

void comms_seal_end(uint8_t frame[COMMS_SEALED_BYTES], struct fl_checksum *sum)
{
    fl_checksum_end(sum, frame + SUM_AT);
}

bool comms_seal_holds(const uint8_t frame[COMMS_SEALED_BYTES],
                      struct fl_checksum *sum)
{
    uint8_t found[FL_CHECKSUM_BYTES];
    fl_checksum_end(sum, found);
    return memcmp(found, frame + SUM_AT, sizeof found) == 0;
}
