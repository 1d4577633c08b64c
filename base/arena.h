/* Bump allocator on one mapping: one reservation, no free of single pieces,
 * no page faults after the first use. Huge pages where the system gives them
 * (transparent_hugepage/enabled is madvise or always): arenas of 2 MiB and more
 * are aligned to them and rounded up to a whole number.
 *
 * Threads: an arena belongs to one thread.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/status.h"

#include <stddef.h>

struct fl_arena {
    unsigned char *memory;
    size_t size_bytes;
    size_t used_bytes;
};

/* Fails FL_E_NOMEM. Free: fl_arena_fini (copes with a zeroed arena). */
enum fl_status fl_arena_init(struct fl_arena *arena,
                             size_t size_bytes,
                             struct fl_error *err) FL_NODISCARD;
void fl_arena_fini(struct fl_arena *arena);

/* n * size zeroed-at-first-use bytes aligned to 64; NULL when the arena is
 * exhausted (a bug of the caller that sized it). */
void *fl_arena_take(struct fl_arena *arena, size_t n, size_t size);

/* How many bytes fl_arena_take(n, size) uses, for sizing. */
size_t fl_arena_bytes(size_t n, size_t size);

/* Forgets everything taken after `mark` (a former used_bytes). */
void fl_arena_rewind(struct fl_arena *arena, size_t mark);

#endif
