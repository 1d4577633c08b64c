/* The wall clock. Only here; carbon/ never reads one, and simulated time
 * (suffix _s) never meets wall time (suffix _wall_s). */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Monotonic seconds since some start. */
double fl_clock_wall_s(void);

/* CPU seconds of this process so far. */
double fl_clock_cpu_s(void);

/* CPU seconds of the calling thread so far. A system call: over 200 ns. */
double fl_clock_thread_cpu_s(void);

/* "2026-11-21T08:00:00Z" of now. */
void fl_clock_utc(char ret[21]);

/* "1:02:03" or "02:03" for people. */
void fl_clock_text(double duration_s, char *ret, size_t size);

#endif
