#include "carbon/typical_priv.h"

#include <math.h>

#define HOUR_S 3600

/* 0001-01-01 and 10000-01-01, from 1970 on. */
static const double first_epoch_s = -62135596800.0;
static const double end_epoch_s = 253402300800.0;

static const int days_before[13] = {0,   31,  59,  90,  120, 151, 181,
                                    212, 243, 273, 304, 334, 365};

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0 ? 1 : 0);
}

void carbon_days_init(struct carbon_days *days,
                      const struct carbon_typical *typical,
                      int64_t epoch_s)
{
    *days = (struct carbon_days){.typical = typical,
                                 .start_hour = floor_div(epoch_s, HOUR_S)};
    days->past_hour_s = (double)(epoch_s - days->start_hour * HOUR_S);
    for (int m = 0; m < 12; m++) {
        for (int h = 0; h < 24; h++)
            days->before[m][h + 1] = days->before[m][h] + typical->factor[m][h];
        days->before_month[m + 1] =
            days->before_month[m] +
            days->before[m][24] * (days_before[m + 1] - days_before[m]);
    }
}

bool carbon_days_cover(const struct carbon_days *days, double t0_s, double t1_s)
{
    double epoch_s = (double)days->start_hour * HOUR_S + days->past_hour_s;
    return epoch_s + t0_s >= first_epoch_s && epoch_s + t1_s < end_epoch_s;
}

/* Month and hour of the day of an hour since 1970, and all factors of the
 * hours from 0001-03-01 before it. Years are counted from March, so that the
 * leap day is the last day of a year of 365 or 366 days. */
struct moment {
    int month, hour;
    int64_t before;
};

static struct moment moment_of(const struct carbon_days *days, int64_t hour)
{
    enum { DAYS_TO_1970_FROM_MARCH_0 = 719468, DAYS_OF_400 = 146097 };
    int64_t day = floor_div(hour, 24);
    int hour_of_day = (int)(hour - day * 24);
    int64_t from_march = day + DAYS_TO_1970_FROM_MARCH_0; /* >= 0 */
    int64_t era = from_march / DAYS_OF_400;
    int64_t of_era = from_march % DAYS_OF_400;
    /* a year of the era: without the leap days before it, in years of 365 */
    int64_t year_of_era =
        (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t leaps_of_era = year_of_era / 4 - year_of_era / 100;
    int day_of_year = (int)(of_era - 365 * year_of_era - leaps_of_era);
    int64_t year = era * 400 + year_of_era;
    int64_t leaps = era * 97 + leaps_of_era;
    /* March is 0 here; 153 days are five months from March on */
    int from_march_month = (5 * day_of_year + 2) / 153;
    int day_of_month = day_of_year - (153 * from_march_month + 2) / 5;
    int month = (from_march_month + 2) % 12;
    bool is_new_year = from_march_month >= 10; /* January, February */
    int64_t month_before = days->before_month[month] - days->before_month[2] +
                           (is_new_year ? days->before_month[12] : 0);
    return (struct moment){
        .month = month,
        .hour = hour_of_day,
        .before = year * days->before_month[12] + leaps * days->before[1][24] +
                  month_before + day_of_month * days->before[month][24] +
                  days->before[month][hour_of_day],
    };
}

/* In simulated time, of hour i after the one that holds time 0. */
static double edge_s(const struct carbon_days *days, int64_t i)
{
    return (double)(i * HOUR_S) - days->past_hour_s; /* whole: exact */
}

/* The i with edge i <= t < edge i + 1. */
static int64_t cell_of(const struct carbon_days *days, double t_s)
{
    int64_t i = (int64_t)floor((t_s + days->past_hour_s) / HOUR_S);
    return edge_s(days, i) > t_s ? i - 1 : i; /* t + past may round up */
}

static double factor_at(const struct carbon_days *days,
                        const struct moment *moment)
{
    return days->typical->factor[moment->month][moment->hour];
}

double
carbon_days_mean(const struct carbon_days *days, double t0_s, double t1_s)
{
    int64_t first = cell_of(days, t0_s);
    struct moment at = moment_of(days, days->start_hour + first);
    double next_s = edge_s(days, first + 1);
    if (t1_s <= next_s)
        return factor_at(days, &at) / CARBON_TYPICAL_ONE;
    int64_t last = cell_of(days, t1_s);
    if (edge_s(days, last) == t1_s)
        last--; /* nothing of the hour that begins at t1 */
    struct moment to = moment_of(days, days->start_hour + last);
    double head = factor_at(days, &at) * (next_s - t0_s);
    int64_t whole = to.before - at.before - (int64_t)factor_at(days, &at);
    double tail = factor_at(days, &to) * (t1_s - edge_s(days, last));
    return (head + (double)(whole * HOUR_S) + tail) / (t1_s - t0_s) /
           CARBON_TYPICAL_ONE;
}
