#include "base/alloc.h"

#include <limits.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* check: allow STATICSTATE: tests reach every allocation through it */
static atomic_long asked; /* since the last fl_alloc_fail_at */
/* check: allow STATICSTATE: likewise */
static atomic_long fail_at; /* 0 = never */

long fl_alloc_fail_at(long nth)
{
    long before = atomic_exchange(&asked, 0);
    atomic_store(&fail_at, nth);
    return before;
}

static int refused(void)
{
    long mine = atomic_fetch_add(&asked, 1) + 1;
    return mine == atomic_load(&fail_at);
}

void *fl_calloc(size_t n, size_t size)
{
    if (refused())
        return NULL;
    return calloc(n ? n : 1, size ? size : 1); /* calloc checks the product */
}

char *fl_strdup(const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = fl_calloc(bytes, 1);
    if (copy)
        memcpy(copy, text, bytes);
    return copy;
}

enum fl_status fl_grow(void *array,
                       size_t *capacity,
                       size_t need,
                       size_t size,
                       struct fl_error *err)
{
    if (need <= *capacity)
        return FL_OK;
    size_t larger = *capacity + *capacity / 2;
    if (larger < need)
        larger = need;
    if (larger < 8)
        larger = 8;
    if (larger > SIZE_MAX / size || refused())
        return fl_fail(err, FL_E_NOMEM,
                       "out of memory: %zu members of %zu bytes", larger, size);
    void *old;
    memcpy(&old, array, sizeof old);
    char *grown = realloc(old, larger * size);
    if (!grown)
        return fl_fail(err, FL_E_NOMEM,
                       "out of memory: %zu members of %zu bytes", larger, size);
    memset(grown + *capacity * size, 0, (larger - *capacity) * size);
    void *moved = grown;
    memcpy(array, &moved, sizeof moved);
    *capacity = larger;
    return FL_OK;
}

void fl_free(void *memory)
{
    free(memory);
}

void fl_alloc_keep_memory(void)
{
#ifdef __GLIBC__
    /* Both or neither: what is mapped by itself is given back when freed. */
    (void)mallopt(M_MMAP_THRESHOLD, 1 << 30);
    (void)mallopt(M_TRIM_THRESHOLD, INT_MAX);
    (void)mallopt(M_ARENA_MAX, 1); /* what one thread frees another may use */
#endif
}

int64_t fl_alloc_peak_bytes(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return 0;
    return (int64_t)usage.ru_maxrss * 1024; /* Linux counts in KiB */
}
