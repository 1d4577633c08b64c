/* The simulated clock: a heap of events in simulated seconds.
 *
 * When things happen is simulated; who computes them, and how long that takes
 * on this machine, is not its business. Events at the same instant come out in
 * the order in which they were put in, so a run's history is one sequence.
 *
 *     coord_simclock_at(&clock, t_s, (struct coord_event){...}, err);
 *     while (coord_simclock_next(&clock, &event)) ... event.t_s ...
 *
 * Threads: a clock belongs to one thread.
 */
#ifndef COORDINATOR_SIMCLOCK_H
#define COORDINATOR_SIMCLOCK_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct coord_event {
    double t_s;
    uint64_t order; /* set by the clock */
    int32_t kind;   /* the owner's */
    int64_t client;
};

struct coord_simclock {
    double now_s;
    uint64_t n_ever;
    struct coord_event *heap;
    size_t n, capacity;
};

/* A clock without events at now_s. Free: coord_simclock_fini. */
void coord_simclock_init(struct coord_simclock *clock, double now_s);
void coord_simclock_fini(struct coord_simclock *clock);

/* Puts an event at t_s >= now. Fails FL_E_NOMEM; FL_E_NUMERIC when t_s is not
 * finite; FL_E_ARG when it lies in the past. */
enum fl_status coord_simclock_at(struct coord_simclock *clock,
                                 double t_s,
                                 int32_t kind,
                                 int64_t client,
                                 struct fl_error *err) FL_NODISCARD;

/* Takes the earliest event and sets now_s to its instant; false: none left. */
bool coord_simclock_next(struct coord_simclock *clock,
                         struct coord_event *ret_event);

#endif
