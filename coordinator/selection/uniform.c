/* Uniform selection without replacement.
 *
 * Floyd's algorithm: k draws, whatever the population; the chosen are kept
 * sorted, so a cohort costs O(k^2) moves of neighbouring words at worst and
 * nothing linear in the population.
 *
 * Source McMahan et al. 2017, algorithm 1 ("random set of m clients");
 *        Bentley and Floyd 1987, A Sample of Brilliance
 */
#include "coordinator/selection.h"

#include "base/rng.h"

#include <string.h>

/* First position in sorted[0..n) whose member is not below x. */
static int64_t lower_bound(const int64_t *sorted, int64_t n, int64_t x)
{
    int64_t low = 0, high = n;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (sorted[middle] < x)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void insert(int64_t *sorted, int64_t n, int64_t at, int64_t x)
{
    memmove(sorted + at + 1, sorted + at, (size_t)(n - at) * sizeof *sorted);
    sorted[at] = x;
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
    struct fl_rng rng = fl_rng_stream(seed, FL_RNG_SELECT, 0, (uint64_t)round);
    for (int64_t n = 0; n < k; n++) {
        int64_t top = population - k + n;
        int64_t drawn = (int64_t)fl_rng_below(&rng, (uint64_t)top + 1);
        int64_t at = lower_bound(ret_clients, n, drawn);
        bool is_taken = at < n && ret_clients[at] == drawn;
        if (is_taken)
            insert(ret_clients, n, n, top); /* top exceeds all before it */
        else
            insert(ret_clients, n, at, drawn);
    }
    return FL_OK;
}

const struct coord_selection_type coord_selection_uniform = {
    .name = "uniform",
    .doc = "every set of clients_per_round clients is equally likely",
    .source = "McMahan et al. 2017, algorithm 1",
    .choose = choose,
};
