/* Grid zones by name: annual mean intensities, what each of them counts, other
 * names of the same zone, and the PUE of cloud providers.
 *
 *     const struct carbon_zone *zone;
 *     FL_TRY(carbon_zone_find("Germany", &zone, err));
 *     printf("%s %g\n", zone->name, zone->annual_gco2e_per_kwh.value);
 *
 * prints "DE 380.95". The tables are constants of the program.
 */
#ifndef CARBON_ZONE_H
#define CARBON_ZONE_H

#include "base/status.h"
#include "carbon/fact.h"

#include <stddef.h>
#include <stdint.h>

/* Which emissions of electricity a figure counts. */
enum carbon_extent {
    CARBON_LIFE_CYCLE,  /* fuel supply, building of plants, operation */
    CARBON_DIRECT,      /* what leaves the power plants */
    CARBON_FOSSIL_ONLY, /* the same, other sources taken as zero */
    CARBON_EXTENT_LAST_
};

/* Which plants it speaks of: all that ran, or those that answer a change. */
enum carbon_signal {
    CARBON_SIGNAL_AVERAGE,
    CARBON_SIGNAL_MARGINAL,
    CARBON_SIGNAL_LAST_
};

struct carbon_method {
    enum carbon_extent extent;
    enum carbon_signal signal;
};

/* "life_cycle" ..., "average" ...; never NULL. */
const char *carbon_extent_name(enum carbon_extent extent);
const char *carbon_signal_name(enum carbon_signal signal);

struct carbon_zone {
    const char *name;                        /* "FR", "US-CAL-CISO" */
    const char *doc;                         /* "France" */
    struct carbon_fact annual_gco2e_per_kwh; /* location-based */
    struct carbon_method method;
    const char *within; /* of a cloud region: the zone where it stands */
};

/* Another name of the very same zone. */
struct carbon_zone_alias {
    const char *alias; /* "Germany", "DEU" */
    const char *zone;  /* "DE" */
};

/* Somebody who runs data centres: zones "aws:..." are those of "aws". */
struct carbon_provider {
    const char *name;
    const char *doc;
    struct carbon_fact pue; /* mean of its data centres */
};

/* Tables end with a row whose name is NULL. */
extern const struct carbon_zone carbon_zones[];
extern const struct carbon_zone_alias carbon_zone_aliases[];
extern const struct carbon_provider carbon_providers[];

/* By name or alias, whatever upper and lower case: "FR", "fra", "France". The
 * row's name is the one for results. Fails FL_E_CONFIG unknown, with the
 * nearest of names and aliases. */
enum fl_status carbon_zone_find(const char *name,
                                const struct carbon_zone **ret,
                                struct fl_error *err) FL_NODISCARD;

/* The PUE of the provider whose region this is; a missing fact (source NULL)
 * for zones that are no cloud regions. Pure. */
struct carbon_fact carbon_zone_pue(const struct carbon_zone *zone);

/* A zone's hours relative to its annual mean, by month and hour of the day in
 * UTC, in units of 1/CARBON_TYPICAL_ONE; the mean over the hours of a year is
 * 1 to its rounding. */
enum { CARBON_TYPICAL_ONE = 10000 };
struct carbon_typical {
    const char *zone;
    uint16_t factor[12][24];
};

extern const struct carbon_typical carbon_typicals[];
extern const char carbon_typical_source[]; /* with the notice it asks for */

/* The typical days of a zone of the table above, or of the zone that a cloud
 * region stands in; name: as for carbon_zone_find. Fails FL_E_CONFIG none, with
 * the zones that have them. */
enum fl_status carbon_typical_find(const char *name,
                                   const struct carbon_typical **ret,
                                   struct fl_error *err) FL_NODISCARD;

#endif
