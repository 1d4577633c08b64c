/* TFRecord's framing: length (8 bytes), masked CRC of the length (4), the
 * bytes, masked CRC of the bytes (4), little-endian. The CRC is CRC-32C
 * (Castagnoli, RFC 3720), and masked so that a CRC of bytes that hold CRCs
 * stays a good one. Source: tensorflow/core/lib/io/record_writer.h,
 * tsl/lib/hash/crc32c.h. Private to results/ and its tests.
 */
#ifndef RESULTS_TREES_TFRECORD_H
#define RESULTS_TREES_TFRECORD_H

#include "results/res_text.h"

#include <stddef.h>
#include <stdint.h>

/* fl_crc32c of the bytes, turned right by 15 bits, plus 0xa282ead8. */
uint32_t res_crc32c_masked(const void *bytes, size_t n);
/* One record more. */
void res_tfrecord(struct res_text *out, const void *bytes, size_t n);

#endif
