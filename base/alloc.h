/* Heap memory: checked, zeroed, with a switch that lets tests make the Nth
 * allocation fail. Raw malloc/free stay inside this file (checker: RAWALLOC).
 */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

/* n * size zeroed bytes, or NULL (also when the product overflows or is 0
 * members of size 0; n = 0 gives a valid pointer to free). Free: fl_free. */
void *fl_calloc(size_t n, size_t size);

/* A copy of text on the heap, or NULL. Free: fl_free. */
char *fl_strdup(const char *text);

/* Makes room for at least `need` members of `size` bytes in *array, which
 * grows by half; new room is zeroed.
 * Fails FL_E_NOMEM; *array and *capacity are then as before. */
enum fl_status fl_grow(void *array, /* T ** */
                       size_t *capacity,
                       size_t need,
                       size_t size,
                       struct fl_error *err) FL_NODISCARD;

void fl_free(void *memory); /* NULL is fine */

/* For programs, at their start: freed memory is kept for the next use instead
 * of being given back. A message of many megabytes then costs its page faults
 * once and not each time. */
void fl_alloc_keep_memory(void);

/* The most memory that this process ever had resident, in bytes. */
int64_t fl_alloc_peak_bytes(void);

/* Tests only: the nth allocation from now fails (1 = the next), 0 = never.
 * Returns how many allocations were asked for since the last call. */
long fl_alloc_fail_at(long nth);

#endif
