#include "coordinator/participation.h"

#include "base/rng.h"

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>

int64_t
coord_selected(int64_t wanted, double over_selection, int64_t population)
{
    /* 100 x 1.1 is a little more than 110 in doubles: not a client more. */
    double n = (double)wanted * over_selection;
    n = ceil(n - 2 * DBL_EPSILON * n);
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

static int by_length(const void *left, const void *right)
{
    const struct coord_turn *a = *(struct coord_turn *const *)left;
    const struct coord_turn *b = *(struct coord_turn *const *)right;
    if (a->length_s < b->length_s || a->length_s > b->length_s)
        return a->length_s < b->length_s ? -1 : 1;
    return (a > b) - (a < b); /* ties: the lower number */
}

int64_t coord_settle(const struct coord_rules *rules,
                     uint64_t seed,
                     int64_t round,
                     const int64_t *clients,
                     int64_t n,
                     int64_t wanted,
                     struct coord_turn *turns,
                     struct coord_turn **order,
                     double *ret_end_s)
{
    double limit_s = rules->timeout_s > 0 ? rules->timeout_s : (double)INFINITY;
    double end_s = 0, last_drop_s = 0;
    int64_t counted = 0, n_left = 0;
    for (int64_t i = 0; i < n; i++) {
        turns[i].end_s =
            drop_s(rules, seed, round, clients[i], turns[i].length_s);
        turns[i].fate = isinf(turns[i].end_s) ? COORD_LATE : COORD_DROPPED;
        if (turns[i].fate == COORD_LATE)
            order[n_left++] = &turns[i];
        if (turns[i].fate == COORD_DROPPED && turns[i].end_s > last_drop_s)
            last_drop_s = turns[i].end_s;
    }
    qsort(order, (size_t)n_left, sizeof(struct coord_turn *), by_length);
    while (counted < wanted && counted < n_left &&
           order[counted]->length_s <= limit_s) {
        struct coord_turn *next = order[counted];
        next->fate = COORD_COUNTS;
        next->end_s = end_s = next->length_s;
        counted++;
    }
    /* Not enough yet, and somebody is still at work: until the time-out, or
     * until the last of those has dropped out. Nobody knows it beforehand. */
    if (counted < wanted && counted < n_left)
        end_s = limit_s;
    else if (counted < wanted && last_drop_s > end_s)
        end_s = last_drop_s < limit_s ? last_drop_s : limit_s;
    for (int64_t i = 0; i < n; i++)
        if (turns[i].fate != COORD_COUNTS && turns[i].end_s > end_s)
            turns[i].end_s = end_s;
    *ret_end_s = end_s;
    return counted;
}
