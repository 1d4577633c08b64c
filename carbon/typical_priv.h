/* Typical days laid along simulated time: every day of a month is the same,
 * every year too. Private to carbon/ and its tests. */
#ifndef CARBON_TYPICAL_PRIV_H
#define CARBON_TYPICAL_PRIV_H

#include "carbon/zone.h"

#include <stdbool.h>
#include <stdint.h>

struct carbon_days {
    const struct carbon_typical *typical;
    int64_t start_hour;       /* whole hours from 1970 to simulated time 0 */
    double past_hour_s;       /* simulated time 0 is so long after that hour */
    int64_t before[12][25];   /* factors of a day before hour h */
    int64_t before_month[13]; /* factors of a year of 365 days before month m */
};

void carbon_days_init(struct carbon_days *days,
                      const struct carbon_typical *typical,
                      int64_t epoch_s);

/* Are both in the years 1 to 9999? */
bool carbon_days_cover(const struct carbon_days *days,
                       double t0_s,
                       double t1_s);

/* Mean of the factors over [t0_s, t1_s), at t0_s where they are equal, as a
 * ratio to the annual mean. Exact at the edges of hours and months: whole hours
 * are summed as whole numbers. Cost O(1), whatever the length. */
double
carbon_days_mean(const struct carbon_days *days, double t0_s, double t1_s);

#endif
