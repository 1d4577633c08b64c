/* How sure the totals of a run are: its ledger, grouped by what its rows are
 * in proportion to, and the spreads of its facts, through carbon/uncertainty.h.
 *
 * A fact that was given no spread of its own has a lognormal one by its
 * evidence (carbon.uncertainty in the scenario). Facts of the same value and
 * source are one input: what two rows of a fleet took from one profile errs
 * together.
 */
#ifndef RESULTS_UNCERTAIN_H
#define RESULTS_UNCERTAIN_H

#include "carbon/carbon.h"
#include "results/report.h"
#include "results/store.h"

/* What a fact is multiplied and divided by, two times out of three, where it
 * has no spread of its own; our assumption, by evidence. 1: exact. */
struct res_default_gsd {
    double gsd[CARBON_EVIDENCE_LAST_];
};
extern const struct res_default_gsd res_default_gsd;

/* The run's own in their place. */
enum fl_status res_store_set_gsd(struct res_store *store,
                                 const double gsd[CARBON_EVIDENCE_LAST_],
                                 struct fl_error *err) FL_NODISCARD;

/* Emissions that a boundary counts. */
enum res_boundary {
    RES_LIFECYCLE,   /* everything */
    RES_OPERATIONAL, /* without embodied */
    RES_DYNAMIC,     /* without embodied and idle */
    RES_BOUNDARY_LAST_
};
extern const char *const res_boundary_names[]; /* NULL-terminated */
/* The run's own; RES_LIFECYCLE where none was recorded. */
enum fl_status res_store_boundary(struct res_store *store,
                                  enum res_boundary *ret,
                                  struct fl_error *err) FL_NODISCARD;

struct res_uncertain_arm {
    int32_t arm;
    struct carbon_interval gco2e;         /* of the whole arm */
    struct carbon_interval x_centralized; /* NaN where there is none */
    double below_centralized_share;       /* NaN likewise */
};

/* A fact's part in the variance. */
struct res_influence {
    char *name;
    int64_t n_facts;       /* that are this input */
    double value, p5, p95; /* in a handy unit */
    char *unit;
    double first, total;
};

struct res_uncertain {
    int64_t draws;
    struct res_uncertain_arm *arms;
    size_t n_arms;
    /* On federated / centralized where both are there, else on the first arm;
     * strongest first. */
    struct res_influence *influences;
    size_t n_influences;
    bool is_of_ratio;
};

/* Fails FL_E_CONFIG a spread that costs without bound; FL_E_FORMAT a damaged
 * store; FL_E_NOMEM. A run without entries has no arms here.
 * Free: res_uncertain_fini (copes with a zeroed one). */
enum fl_status res_uncertain(struct res_store *store,
                             int64_t draws,
                             bool with_influences,
                             struct res_uncertain *ret,
                             struct fl_error *err) FL_NODISCARD;
void res_uncertain_fini(struct res_uncertain *u);

/* The tables of `fedcarbon uncertainty`, of the run in dir: RES_TEXT, RES_CSV
 * (two tables with a blank line between) or RES_JSON.
 * Fails as res_uncertain; FL_E_ARG draws out of 100 .. 10^6; FL_E_IO. */
enum fl_status res_uncertainty(const char *dir,
                               int64_t draws,
                               enum res_format format,
                               FILE *out,
                               struct fl_error *err) FL_NODISCARD;

#endif
