#include "base/arena.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>

#define ALIGNMENT 64u
/* Of a huge page. A mapping that is as large as one begins at such an address
 * and has a whole number of them: else none fits in. */
#define HUGE_BYTES ((size_t)2 << 20)

size_t fl_arena_bytes(size_t n, size_t size)
{
    assert(size == 0 || n <= (SIZE_MAX - ALIGNMENT) / size);
    return (n * size + (ALIGNMENT - 1)) & ~(size_t)(ALIGNMENT - 1);
}

static unsigned char *map(size_t n_bytes)
{
    void *memory = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

/* Keeps n_bytes of a mapping with HUGE_BYTES to spare, from the first address
 * that a huge page can have; gives back the rest. */
static unsigned char *align(unsigned char *memory, size_t n_bytes)
{
    size_t before = HUGE_BYTES - (uintptr_t)memory % HUGE_BYTES;
    before = before == HUGE_BYTES ? 0 : before;
    if (before > 0)
        (void)munmap(memory, before);
    if (before < HUGE_BYTES)
        (void)munmap(memory + before + n_bytes, HUGE_BYTES - before);
    return memory + before;
}

enum fl_status
fl_arena_init(struct fl_arena *arena, size_t size_bytes, struct fl_error *err)
{
    size_t wanted = size_bytes ? size_bytes : ALIGNMENT;
    bool is_huge = wanted >= HUGE_BYTES && wanted <= SIZE_MAX - 2 * HUGE_BYTES;
    if (is_huge)
        wanted = (wanted + HUGE_BYTES - 1) & ~(HUGE_BYTES - 1);
    unsigned char *memory = map(is_huge ? wanted + HUGE_BYTES : wanted);
    if (!memory)
        return fl_fail(err, FL_E_NOMEM, "out of memory: arena of %zu bytes",
                       wanted);
    if (is_huge) {
        memory = align(memory, wanted);
        (void)madvise(memory, wanted, MADV_HUGEPAGE); /* only a wish */
    }
    *arena = (struct fl_arena){.memory = memory, .size_bytes = wanted};
    return FL_OK;
}

void fl_arena_fini(struct fl_arena *arena)
{
    if (arena->memory)
        (void)munmap(arena->memory, arena->size_bytes);
    *arena = (struct fl_arena){0};
}

void *fl_arena_take(struct fl_arena *arena, size_t n, size_t size)
{
    if (size != 0 && n > (SIZE_MAX - ALIGNMENT) / size)
        return NULL;
    size_t bytes = fl_arena_bytes(n, size);
    if (bytes > arena->size_bytes - arena->used_bytes)
        return NULL;
    void *piece = arena->memory + arena->used_bytes;
    arena->used_bytes += bytes;
    return piece;
}

void fl_arena_rewind(struct fl_arena *arena, size_t mark)
{
    assert(mark <= arena->used_bytes);
    arena->used_bytes = mark;
}
