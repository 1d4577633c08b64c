/* Who of a round's selected clients counts, and what the others are cut short
 * by: more are selected than are wanted, some drop out, some are too late.
 *
 * Everything follows from how long each would take, so it is known before
 * anybody trains; what does not count is not trained, only costed.
 *
 *     turns[i].length_s = ...; for each of n clients
 *     coord_settle(&rules, seed, round, clients, n, wanted, turns, order,
 *                  &end_s)
 *
 * Source Yousefpour et al. 2023, Green Federated Learning (over-selection,
 * time-outs, energy of clients that drop out); Bonawitz et al. 2019, Towards
 * Federated Learning at Scale.
 */
#ifndef COORDINATOR_PARTICIPATION_H
#define COORDINATOR_PARTICIPATION_H

#include <stdbool.h>
#include <stdint.h>

struct coord_rules {
    double drop_out_ratio; /* probability that a client drops out of a round */
    double timeout_s; /* a round ends by then; 0: when enough are through */
};

enum coord_fate {
    COORD_COUNTS,
    COORD_DROPPED, /* at some moment, drawn evenly over its work */
    COORD_LATE     /* the round ended before it was through */
};

struct coord_turn {
    double length_s; /* in: what it would take, uncut */
    double end_s; /* out: when it is through or cut, from the round's start */
    enum coord_fate fate;
};

/* Settles the turns of clients[0..n): those count that are through among the
 * first `wanted` and in time; ties go to the lower number. Returns how many;
 * *ret_end_s is the round's length: of the last that counts, or, with fewer
 * than wanted, until nobody is at work or the time-out. A drop-out is noticed
 * at once, and not before. Pure: the same on every run. wanted >= 1. order [n]:
 * room to sort in. O(n log n), whatever the population. */
int64_t coord_settle(const struct coord_rules *rules,
                     uint64_t seed,
                     int64_t round,
                     const int64_t *clients,
                     int64_t n,
                     int64_t wanted,
                     struct coord_turn *turns,
                     struct coord_turn **order,
                     double *ret_end_s);

/* How many are selected for `wanted`, of a population. */
int64_t
coord_selected(int64_t wanted, double over_selection, int64_t population);

#endif
