/* Estimators: what published tools would report for a piece of work, each with
 * its own formula, constants, PUE and intensity. One file in carbon/estimators/
 * and one row in estimators.def add one.
 *
 *     const struct carbon_estimator *tool;
 *     FL_TRY(carbon_estimator_find("carbontracker", &tool, err));
 *     struct carbon_observed o = carbon_observed_nothing();
 *     o.role = CARBON_DATACENTRE;
 *     o.zone = "DE";
 *     o.busy_s = 36000;
 *     o.energy_j = 3.6e6;
 *     struct carbon_estimate e = carbon_estimator_apply(tool, &o);
 *     if (!e.cannot) ... e.emitted_gco2e is 601.902
 *
 * Everything here is a pure function of what is passed. A tool measures or
 * models power; here it is told the energy, so differences are those of
 * method (what is counted, PUE, intensity, rounding), not of sensors.
 */
#ifndef CARBON_ESTIMATOR_H
#define CARBON_ESTIMATOR_H

#include "base/status.h"
#include "carbon/ledger.h"

#include <stdbool.h>
#include <stddef.h>

/* What some machines of one role in one zone did. NAN: not known. */
struct carbon_observed {
    enum carbon_role role;     /* client: somebody's own device */
    const char *zone;          /* "DE"; NULL: the tool cannot locate it */
    double zone_gco2e_per_kwh; /* ours, for tools whose own is not at hand */
    double busy_s;             /* machine-seconds under the tool's eyes */
    double energy_j;           /* the machines drew meanwhile, without PUE */
    double tdp_w;              /* of each machine's processors, together */
    double load_ratio;         /* of the processors */
    double memory_bytes;       /* of each machine */
    int64_t vcpus, gpus;       /* of each machine; 0: not known */
    double between_datacentres_bytes;
    double pue; /* that the user tells the tool; NAN: the tool's own */
};
/* Everything not known, role client, zone NULL, no time, no bytes. */
struct carbon_observed carbon_observed_nothing(void);

struct carbon_estimate {
    const char *cannot; /* why there is none; NULL: there is one */
    double energy_j;    /* as reported: with the tool's PUE where it has one */
    double emitted_gco2e;
    double pue;           /* that it used */
    double gco2e_per_kwh; /* that it used */
    bool is_substituted;  /* gco2e_per_kwh is not the tool's own figure */
    const char *intensity_source;
};

/* A tool's own figure for a zone. */
struct carbon_intensity {
    const char *zone; /* NULL ends a table */
    double gco2e_per_kwh;
    int year;          /* 0: the tool does not say */
    const char *place; /* as the tool calls it */
};

struct carbon_estimator {
    const char *name;    /* "codecarbon" */
    const char *tool;    /* "CodeCarbon" */
    const char *doc;     /* how people use it, and as what it is taken here */
    const char *source;  /* with version or commit */
    const char *formula; /* with its constants */
    const char *sees;
    const char *ignores;
    const struct carbon_intensity *intensities; /* NULL: has none of its own */
    const char *intensity_source;
    double world_gco2e_per_kwh; /* where it cannot locate; NAN: it stops */
    /* ret->energy_j and pue, and what differs from energy times intensity;
     * intensity is already in ret. Pure. */
    void (*estimate)(const struct carbon_observed *o,
                     struct carbon_estimate *ret);
};

/* carbon/estimators/estimators.def, in order; ends with NULL. */
extern const struct carbon_estimator *const carbon_estimators[];

/* By name. Fails FL_E_CONFIG unknown, with the nearest name. */
enum fl_status carbon_estimator_find(const char *name,
                                     const struct carbon_estimator **ret,
                                     struct fl_error *err) FL_NODISCARD;

/* What the tool reports. Never fails: see cannot. */
struct carbon_estimate
carbon_estimator_apply(const struct carbon_estimator *tool,
                       const struct carbon_observed *o);

/* carbontracker's prediction: the mean over the n epochs watched (in J, s or g)
 * times all epochs. n >= 1. */
double carbon_epochs_total(const double *value, size_t n, int64_t epochs);

/* GPU-seconds in use, which clouds have prices for (Strubell et al. 2019). NAN
 * where gpus is not known. */
double carbon_gpus_busy_s(const struct carbon_observed *o);

#endif
