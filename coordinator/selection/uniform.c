/* Uniform selection without replacement.
 *
 * Floyd's algorithm: k draws, whatever the population. Who is chosen already is
 * looked up in a hash table of 2k to 4k places, and all are sorted in the end:
 * O(k log k), and nothing linear in the population.
 *
 * Source McMahan et al. 2017, algorithm 1 ("random set of m clients");
 *        Bentley and Floyd 1987, A Sample of Brilliance
 */
#include "coordinator/selection.h"

#include "base/alloc.h"
#include "base/rng.h"

#include <stdlib.h>

/* Members, each plus one; 0 is an empty place. */
struct taken {
    int64_t *places;
    uint64_t mask;
};

/* Puts x in; false: it was there already. */
static bool take(struct taken *taken, int64_t x)
{
    uint64_t at = (uint64_t)x * 0x9e3779b97f4a7c15u;
    for (at ^= at >> 32;; at++) {
        int64_t *place = &taken->places[at & taken->mask];
        if (*place == x + 1)
            return false;
        if (*place == 0) {
            *place = x + 1;
            return true;
        }
    }
}

static int by_number(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static enum fl_status choose(const void *opts,
                             uint64_t seed,
                             int64_t round,
                             int64_t population,
                             int64_t k,
                             int64_t *ret_clients,
                             struct fl_error *err)
{
    (void)opts;
    if (k < 1 || k > population)
        return fl_fail(err, FL_E_ARG,
                       "uniform selection of %lld clients, allowed [1, %lld]",
                       (long long)k, (long long)population);
    uint64_t n_places = 2;
    while (n_places < 2 * (uint64_t)k)
        n_places *= 2;
    struct taken taken = {.places = fl_calloc(n_places, sizeof(int64_t)),
                          .mask = n_places - 1};
    if (!taken.places)
        return fl_fail(err, FL_E_NOMEM, "out of memory: uniform selection");
    struct fl_rng rng = fl_rng_stream(seed, FL_RNG_SELECT, 0, (uint64_t)round);
    for (int64_t n = 0; n < k; n++) {
        int64_t top = population - k + n;
        int64_t drawn = (int64_t)fl_rng_below(&rng, (uint64_t)top + 1);
        bool is_new = take(&taken, drawn);
        if (!is_new)
            (void)take(&taken, top); /* it exceeds all before it */
        ret_clients[n] = is_new ? drawn : top;
    }
    qsort(ret_clients, (size_t)k, sizeof *ret_clients, by_number);
    fl_free(taken.places);
    return FL_OK;
}

const struct coord_selection_type coord_selection_uniform = {
    .name = "uniform",
    .doc = "every set of clients_per_round clients is equally likely",
    .source = "McMahan et al. 2017, algorithm 1",
    .choose = choose,
};
