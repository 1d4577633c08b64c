/* How unsure the figures are that decide comparisons, from the ranges that
 * publications span; docs/carbon-model.md has the table. For carbon/facts/ and
 * carbon/presets/ only. */
#ifndef CARBON_FACTS_SPREADS_H
#define CARBON_FACTS_SPREADS_H

/* Moving a gigabyte: 0.001 (data centre to data centre, Cloud Carbon
 * Footprint) to 0.14 kWh (Krug et al. 2012), for a nominal 0.0006 to 0.01: two
 * times out of three within a factor of 5. */
#define CARBON_SPREAD_OF_NETWORK                                               \
    {                                                                          \
        .kind = CARBON_SPREAD_LOGNORMAL, .gsd = 5                              \
    }

/* A base station's energy per byte: a tenth with newer generations, twice that
 * where there is little traffic. */
#define CARBON_SPREAD_OF_ACCESS(nominal)                                       \
    {                                                                          \
        .kind = CARBON_SPREAD_UNIFORM, .low = 0.1 * (nominal),                 \
        .high = 2 * (nominal)                                                  \
    }

/* An access point's power: 5 to 20 W; a carrier's share on top of it is taken
 * to be as unsure. */
#define CARBON_SPREAD_OF_ROUTER(nominal)                                       \
    {                                                                          \
        .kind = CARBON_SPREAD_TRIANGULAR, .low = (nominal)*5 / 7.5,            \
        .high = (nominal)*20 / 7.5                                             \
    }

/* A phone that trains: 1 to 6 W around 3. */
#define CARBON_SPREAD_OF_PHONE                                                 \
    {                                                                          \
        .kind = CARBON_SPREAD_TRIANGULAR, .low = 1, .high = 6                  \
    }

#endif
