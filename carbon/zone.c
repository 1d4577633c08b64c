/* Zones, their other names, and what belongs to them. */
#include "carbon/zone.h"

#include "base/alloc.h"
#include "carbon/profile_priv.h"
#include "carbon/zone_priv.h"

#include <string.h>

const char *carbon_extent_name(enum carbon_extent extent)
{
    static const char *const names[] = {
        [CARBON_LIFE_CYCLE] = "life_cycle",
        [CARBON_DIRECT] = "direct",
        [CARBON_FOSSIL_ONLY] = "fossil_only",
    };
    _Static_assert(sizeof(names) / sizeof(names[0]) == CARBON_EXTENT_LAST_,
                   "every extent needs a name");
    return (unsigned)extent < CARBON_EXTENT_LAST_ ? names[extent] : "unknown";
}

const char *carbon_signal_name(enum carbon_signal signal)
{
    static const char *const names[] = {
        [CARBON_SIGNAL_AVERAGE] = "average",
        [CARBON_SIGNAL_MARGINAL] = "marginal",
    };
    _Static_assert(sizeof(names) / sizeof(names[0]) == CARBON_SIGNAL_LAST_,
                   "every signal needs a name");
    return (unsigned)signal < CARBON_SIGNAL_LAST_ ? names[signal] : "unknown";
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool carbon_same_name(const char *a, const char *b, size_t n_b)
{
    size_t i = 0;
    for (; i < n_b && a[i] != '\0'; i++) {
        if (lower(a[i]) != lower(b[i]))
            return false;
    }
    return i == n_b && a[i] == '\0';
}

static const struct carbon_zone *zone_named(const char *name)
{
    size_t n = strlen(name);
    for (const struct carbon_zone *z = carbon_zones; z->name; z++) {
        if (carbon_same_name(z->name, name, n))
            return z;
    }
    return NULL;
}

/* The error with the nearest of all names; zones come first, so that what is
 * listed as allowed are they. */
static enum fl_status unknown_zone(const char *name, struct fl_error *err)
{
    size_t n = 0, n_zones = 0;
    while (carbon_zones[n_zones].name)
        n_zones++;
    while (carbon_zone_aliases[n].alias)
        n++;
    const char **names = fl_calloc(n_zones + n, sizeof(*names));
    if (names == NULL)
        return fl_fail(err, FL_E_NOMEM, "zone '%.64s': out of memory", name);
    for (size_t i = 0; i < n_zones; i++)
        names[i] = carbon_zones[i].name;
    for (size_t i = 0; i < n; i++)
        names[n_zones + i] = carbon_zone_aliases[i].alias;
    enum fl_status status =
        carbon_unknown_name("zone", name, names, n_zones + n, err);
    fl_free(names);
    return status;
}

enum fl_status carbon_zone_find(const char *name,
                                const struct carbon_zone **ret,
                                struct fl_error *err)
{
    const struct carbon_zone *zone = zone_named(name);
    const struct carbon_zone_alias *a = carbon_zone_aliases;
    for (size_t n = strlen(name); zone == NULL && a->alias; a++) {
        if (carbon_same_name(a->alias, name, n))
            zone = zone_named(a->zone);
    }
    if (zone == NULL)
        return unknown_zone(name, err);
    *ret = zone;
    return FL_OK;
}

struct carbon_fact carbon_zone_pue(const struct carbon_zone *zone)
{
    const char *colon = strchr(zone->name, ':');
    for (const struct carbon_provider *p = carbon_providers; p->name; p++) {
        if (colon &&
            carbon_same_name(p->name, zone->name, (size_t)(colon - zone->name)))
            return p->pue;
    }
    return (struct carbon_fact){.source = NULL};
}

static enum fl_status no_typical(const char *name, struct fl_error *err)
{
    size_t n = 0;
    while (carbon_typicals[n].zone)
        n++;
    const char **names = fl_calloc(n, sizeof(*names));
    if (names == NULL)
        return fl_fail(err, FL_E_NOMEM, "zone '%.64s': out of memory", name);
    for (size_t i = 0; i < n; i++)
        names[i] = carbon_typicals[i].zone;
    enum fl_status status =
        carbon_unknown_name("zone with typical days", name, names, n, err);
    fl_free(names);
    return status;
}

enum fl_status carbon_typical_find(const char *name,
                                   const struct carbon_typical **ret,
                                   struct fl_error *err)
{
    const struct carbon_zone *zone;
    if (carbon_zone_find(name, &zone, NULL) != FL_OK)
        return no_typical(name, err);
    const char *wanted = zone->within ? zone->within : zone->name;
    for (const struct carbon_typical *t = carbon_typicals; t->zone; t++) {
        if (strcmp(t->zone, wanted) == 0) {
            *ret = t;
            return FL_OK;
        }
    }
    return no_typical(name, err);
}
