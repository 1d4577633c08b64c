#include "results/live/live_priv.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static void pair_up(double *amounts)
{
    for (size_t i = 0; i < LIVE_SLICES / 2; i++)
        amounts[i] = amounts[2 * i] + amounts[2 * i + 1];
    memset(amounts + LIVE_SLICES / 2, 0, LIVE_SLICES / 2 * sizeof amounts[0]);
}

static void widen(struct live_slices *slices)
{
    pair_up(slices->energy_j);
    pair_up(slices->gco2e);
    slices->slice_s *= 2;
}
_Static_assert(LIVE_SLICES % 2 == 0, "two slices become one");

static size_t slice_of(const struct live_slices *slices, double t_s)
{
    double place = floor((t_s - slices->start_s) / slices->slice_s);
    if (place < 0)
        return 0;
    return place >= LIVE_SLICES ? LIVE_SLICES - 1 : (size_t)place;
}

/* The first interval says how wide slices begin; one at an instant does not. */
static bool begin(struct live_slices *slices, double t0_s, double t1_s)
{
    if (!(t1_s > t0_s) && !(t0_s > 0))
        return false;
    slices->start_s = t0_s < 0 ? t0_s : 0;
    slices->slice_s = (t1_s - slices->start_s) / LIVE_SLICES;
    return true;
}

void live_slices_add(struct live_slices *slices,
                     double t0_s,
                     double t1_s,
                     double energy_j,
                     double gco2e)
{
    assert(t1_s >= t0_s);
    if (slices->is_off)
        return;
    if (!(slices->slice_s > 0) && !begin(slices, t0_s, t1_s)) {
        slices->is_off = true;
        return;
    }
    if (t0_s < slices->start_s) {
        slices->is_off = true;
        return;
    }
    while (t1_s > slices->start_s + LIVE_SLICES * slices->slice_s)
        widen(slices);
    if (t1_s > slices->end_s)
        slices->end_s = t1_s;
    size_t first = slice_of(slices, t0_s), last = slice_of(slices, t1_s);
    if (first == last) {
        slices->energy_j[first] += energy_j;
        slices->gco2e[first] += gco2e;
        return;
    }
    for (size_t i = first; i <= last; i++) {
        double from_s = slices->start_s + (double)i * slices->slice_s;
        double to_s = from_s + slices->slice_s;
        from_s = from_s > t0_s ? from_s : t0_s;
        to_s = to_s < t1_s ? to_s : t1_s;
        if (!(to_s > from_s))
            continue;
        double part = (to_s - from_s) / (t1_s - t0_s);
        slices->energy_j[i] += energy_j * part;
        slices->gco2e[i] += gco2e * part;
    }
}

size_t live_slices_n(const struct live_slices *slices)
{
    if (slices->is_off || !(slices->slice_s > 0))
        return 0;
    /* What lies in the next slice by rounding alone is none. */
    double n = ceil((slices->end_s - slices->start_s) / slices->slice_s - 1e-9);
    if (n > LIVE_SLICES) /* rounding */
        return LIVE_SLICES;
    return n < 1 ? 1 : (size_t)n;
}
