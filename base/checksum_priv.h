/* The ways to take blocks into a checksum's lanes. All give the same lanes; a
 * sum goes the first way that the CPU has, and tests go each by itself.
 *
 * Test  tests/base/test_checksum.c
 */
#ifndef BASE_CHECKSUM_PRIV_H
#define BASE_CHECKSUM_PRIV_H

#include "base/checksum.h"

#include <stdbool.h>

/* Blocks into the lanes, which go on from what they were. */
typedef void (*fl_checksum_blocks_fn)(uint32_t lanes[FL_CHECKSUM_LANES],
                                      const uint8_t *bytes,
                                      size_t n_blocks);

struct fl_checksum_way {
    const char *name;
    bool (*is_here)(void); /* on this CPU */
    fl_checksum_blocks_fn blocks;
};

/* Fastest first. The last is `portable`, which every CPU has; NULL ends it. */
extern const struct fl_checksum_way *const fl_checksum_ways[];

/* As fl_checksum_add, going this way. */
void fl_checksum_add_by(struct fl_checksum *sum,
                        const void *bytes,
                        size_t n,
                        const struct fl_checksum_way *way);

#if defined(__x86_64__)
/* base/checksum_x86.c */
extern const struct fl_checksum_way fl_checksum_way_sse42;
extern const struct fl_checksum_way fl_checksum_way_avx512;
#endif

#endif
