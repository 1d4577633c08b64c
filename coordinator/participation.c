#include "coordinator/participation.h"

#include "base/rng.h"

#include <math.h>
#include <stddef.h>

int64_t
coord_selected(int64_t wanted, double over_selection, int64_t population)
{
    double n = ceil((double)wanted * over_selection);
    return n < (double)population ? (int64_t)n : population;
}

/* A turn that is cut short, or INFINITY. */
static double drop_s(const struct coord_rules *rules,
                     uint64_t seed,
                     int64_t round,
                     int64_t client,
                     double length_s)
{
    if (!(rules->drop_out_ratio > 0))
        return (double)INFINITY;
    struct fl_rng rng =
        fl_rng_stream(seed, FL_RNG_FATE, (uint64_t)client, (uint64_t)round);
    double luck = fl_rng_uniform(&rng);
    double part = fl_rng_uniform(&rng);
    return luck < rules->drop_out_ratio ? part * length_s : (double)INFINITY;
}

/* The next to be through of those that are neither dropped nor counted yet. */
static struct coord_turn *next_through(struct coord_turn *turns, int64_t n)
{
    struct coord_turn *next = NULL;
    for (int64_t i = 0; i < n; i++)
        if (turns[i].fate == COORD_LATE &&
            (!next || turns[i].length_s < next->length_s))
            next = &turns[i];
    return next;
}

int64_t coord_settle(const struct coord_rules *rules,
                     uint64_t seed,
                     int64_t round,
                     const int64_t *clients,
                     int64_t n,
                     int64_t wanted,
                     struct coord_turn *turns,
                     double *ret_end_s)
{
    double limit_s = rules->timeout_s > 0 ? rules->timeout_s : (double)INFINITY;
    double end_s = 0, last_drop_s = 0;
    int64_t counted = 0;
    for (int64_t i = 0; i < n; i++) {
        turns[i].end_s =
            drop_s(rules, seed, round, clients[i], turns[i].length_s);
        turns[i].fate = isinf(turns[i].end_s) ? COORD_LATE : COORD_DROPPED;
        if (turns[i].fate == COORD_DROPPED && turns[i].end_s > last_drop_s)
            last_drop_s = turns[i].end_s;
    }
    struct coord_turn *next;
    while (counted < wanted && (next = next_through(turns, n)) &&
           next->length_s <= limit_s) {
        next->fate = COORD_COUNTS;
        next->end_s = end_s = next->length_s;
        counted++;
    }
    /* Not enough yet, and somebody is still at work: until the time-out. */
    if (counted < wanted && next_through(turns, n))
        end_s = limit_s;
    else if (counted == 0)
        end_s = last_drop_s < limit_s ? last_drop_s : limit_s;
    for (int64_t i = 0; i < n; i++)
        if (turns[i].fate != COORD_COUNTS && turns[i].end_s > end_s)
            turns[i].end_s = end_s;
    *ret_end_s = end_s;
    return counted;
}
