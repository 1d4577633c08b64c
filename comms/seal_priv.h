/* The seal in a message's header frame: its number on its connection, and a
 * checksum of all its frames. With it a message that was changed, lost, doubled
 * or overtaken on the way is found out, whatever carried it. Private to comms/
 * and its tests.
 *
 * header frame   8 bytes header (codec_priv.h)   u64 number, from 1
 *                16 bytes checksum of these 16, the metadata and the tensors
 */
#ifndef COMMS_SEAL_PRIV_H
#define COMMS_SEAL_PRIV_H

#include "base/checksum.h"
#include "comms/codec_priv.h"

#define COMMS_SEALED_BYTES (COMMS_HEADER_BYTES + 8 + FL_CHECKSUM_BYTES)

/* Header and number into the frame; the sum is of them so far. */
void comms_seal_begin(enum comms_kind kind,
                      uint64_t number,
                      uint8_t ret_frame[COMMS_SEALED_BYTES],
                      struct fl_checksum *ret_sum);
/* What came: its number, and the sum of what it is of so far. */
uint64_t comms_seal_read(const uint8_t frame[COMMS_SEALED_BYTES],
                         struct fl_checksum *ret_sum);

/* Writes the sum, or compares it; sum is used up. */
void comms_seal_end(uint8_t frame[COMMS_SEALED_BYTES], struct fl_checksum *sum);
bool comms_seal_holds(const uint8_t frame[COMMS_SEALED_BYTES],
                      struct fl_checksum *sum);

#endif
