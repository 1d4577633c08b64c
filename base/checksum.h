/* A checksum of bytes on their way, against what wires, switches and disks do
 * to them by accident. It is no proof against an enemy, who can make his own.
 *
 * Word i (8 bytes, little endian) goes to lane i % 4, a CRC-32C (RFC 3720) of
 * its own: four of them keep a CPU's crc32 instruction busy, and fill a vector
 * of 512 bits where a CPU multiplies polynomials in such. The last block is
 * filled up with zeros, and a block with the number of bytes follows. Changed
 * bits of one word, or of one burst of up to 32 bits, are always found; of
 * anything else one in 2^32 at most passes.
 *
 *     struct fl_checksum sum;
 *     fl_checksum_init(&sum);
 *     fl_checksum_add(&sum, bytes, n); ...
 *     fl_checksum_end(&sum, ret);
 *
 * Cost: a pass over the bytes at the speed of memory.  Threads: safe.
 * Test  tests/base/test_checksum.c
 */
#ifndef BASE_CHECKSUM_H
#define BASE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

#define FL_CHECKSUM_LANES 4
#define FL_CHECKSUM_BYTES 16 /* its lanes, little endian */
#define FL_CHECKSUM_BLOCK 32 /* one word for each lane */

struct fl_checksum {
    uint32_t lanes[FL_CHECKSUM_LANES];
    uint8_t rest[FL_CHECKSUM_BLOCK]; /* of a block that is not full yet */
    size_t n_rest;
    uint64_t n_bytes; /* so far */
};

/* Starts a sum. */
void fl_checksum_init(struct fl_checksum *sum);
/* Bytes, in any number of pieces. */
void fl_checksum_add(struct fl_checksum *sum, const void *bytes, size_t n);
/* Ends it: the sum itself. */
void fl_checksum_end(struct fl_checksum *sum, uint8_t ret[FL_CHECKSUM_BYTES]);

/* CRC-32C (Castagnoli) of the bytes: polynomial 0x1edc6f41, reflected, begun
 * and ended with ones, as file formats want it.
 *
 * In    bytes  may be NULL where n is 0
 * Cost  O(n), a table's look-up a byte; for few bytes.  Threads: safe.
 * Source RFC 3720, 12.1; known values: its B.4
 * Test  tests/results/test_trees.c
 */
uint32_t fl_crc32c(const void *bytes, size_t n);

#endif
