/* What the tests of carbon/ share: facts, devices and links with round
 * numbers, a grid of constant zones, and pencil(), which prints a figure with
 * its closed form before it checks it. */
#ifndef CARBON_FIXTURE_H
#define CARBON_FIXTURE_H

#include "carbon/carbon.h"
#include "support/assert_near.h"

/* A given fact. */
#define FACT(v)                                                                \
    {                                                                          \
        .value = (v), .evidence = CARBON_MEASURED, .year = 2020,               \
        .source = "test"                                                       \
    }
/* The same as an expression. */
static inline struct carbon_fact fact_of(double value)
{
    return (struct carbon_fact)FACT(value);
}

/* Intensities of the zones that fixture_grid() adds, in this order. */
enum { FIXTURE_FR, FIXTURE_US, FIXTURE_CN, FIXTURE_ONE, FIXTURE_ZONES };
extern const double fixture_gco2e_per_kwh[FIXTURE_ZONES];

/* Constant zones FR, US, CN (CodeCarbon 2023) and ONE (1 g/kWh). */
struct carbon_grid *fixture_grid(void);

/* 10 W training, 2 W idle, 1 GFLOP/s. */
extern const struct carbon_device fixture_board;
/* 50 Mbit/s down, 10 up; rx 1 W, tx 1.3 W, router 5 W, 1e-4 J/byte down,
 * 2e-5 J/byte up. */
extern const struct carbon_link fixture_link;
extern const struct carbon_fact fixture_pue; /* 1.67 */

/* Prints "what: closed form = expected, got actual" and checks it. */
#define pencil(what, form, actual, expected, rtol)                             \
    do {                                                                       \
        print_message("  %-38s %s\n      expected %.15g, got %.15g\n", (what), \
                      (form), (double)(expected), (double)(actual));           \
        assert_near((actual), (expected), (rtol), 0);                          \
    } while (0)

#endif
