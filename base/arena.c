#include "base/arena.h"

#include <assert.h>
#include <stdint.h>
#include <sys/mman.h>

#define ALIGNMENT 64u

size_t fl_arena_bytes(size_t n, size_t size)
{
    assert(size == 0 || n <= (SIZE_MAX - ALIGNMENT) / size);
    return (n * size + (ALIGNMENT - 1)) & ~(size_t)(ALIGNMENT - 1);
}

enum fl_status
fl_arena_init(struct fl_arena *arena, size_t size_bytes, struct fl_error *err)
{
    size_t wanted = size_bytes ? size_bytes : ALIGNMENT;
    void *memory = mmap(NULL, wanted, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return fl_fail(err, FL_E_NOMEM, "out of memory: arena of %zu bytes",
                       wanted);
    (void)madvise(memory, wanted, MADV_HUGEPAGE); /* only a wish */
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
