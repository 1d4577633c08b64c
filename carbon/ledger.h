/* The ledger: activities in, costed intervals out. Energy is integrated once,
 * here; every total that anyone prints is a sum of entries.
 *
 * An activity is what somebody did for a while: a client trained, a model was
 * downloaded, a server aggregated. A preset is a choice of terms
 * (carbon/terms/); each term that applies turns the activity into one entry:
 *
 *     struct carbon_ledger *ledger;
 *     FL_TRY(carbon_ledger_create(preset, grid, &ledger, err));
 *     FL_TRY(carbon_ledger_add(ledger, &activity, err));
 *     struct carbon_sum sum = carbon_ledger_sum(ledger, NULL, NULL);
 */
#ifndef CARBON_LEDGER_H
#define CARBON_LEDGER_H

#include "base/status.h"
#include "carbon/grid.h"
#include "carbon/profile.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum carbon_role {
    CARBON_CLIENT,     /* a federated or local-only client */
    CARBON_SERVER,     /* the federated server, in a data centre */
    CARBON_DATACENTRE, /* the node of the centralized arm */
    CARBON_ROLE_LAST_
};

enum carbon_phase {
    CARBON_INIT,      /* before training: data upload */
    CARBON_BROADCAST, /* model to clients */
    CARBON_TRAIN,
    CARBON_EVALUATE,
    CARBON_UPLOAD, /* updates to the server */
    CARBON_AGGREGATE,
    CARBON_WAIT,      /* for the slowest, or for the clients */
    CARBON_PROVISION, /* software to clients, once */
    CARBON_STORE,     /* data kept */
    CARBON_PEER,      /* updates between clients, without a server */
    CARBON_SERVE,     /* answering requests with the trained model */
    CARBON_PHASE_LAST_
};

/* Stages of a model's life. */
enum carbon_stage {
    CARBON_TRAINING,
    CARBON_DATA,    /* collecting and keeping data */
    CARBON_SEARCH,  /* experiments on the way */
    CARBON_SERVING, /* using the model */
    CARBON_STAGE_LAST_
};
const char *carbon_role_name(enum carbon_role role);
const char *carbon_phase_name(enum carbon_phase phase);
const char *carbon_stage_name(enum carbon_stage stage);

struct carbon_activity {
    int32_t arm; /* the caller's number for the arm */
    int64_t round;
    enum carbon_role role;
    int64_t entity; /* client id; 0 for a server */
    enum carbon_phase phase;
    enum carbon_stage stage;
    int32_t zone; /* of the grid, where the entity stands */
    double t0_s, t1_s;
    double bytes;   /* transferred, from the client's view down or up; else 0 */
    bool is_upload; /* direction of bytes */
    bool is_wasted;
    double stored_bytes;                    /* kept from t0 to t1; else 0 */
    enum carbon_evidence duration_evidence; /* of the facts behind t1 - t0 */
    /* The one fact that t1 - t0 falls with, a speed; NULL: there is none, or
     * there are several. Uncertainty looks at it, totals do not. */
    const struct carbon_fact *speed_fact;
    const struct carbon_fact *duration_fact; /* the same, that it grows with */
    const struct carbon_device *device;
    const struct carbon_link *link; /* transfers; else NULL */
    const struct carbon_fact *pue;  /* roles in a data centre; else NULL */
    /* How many of `device` it keeps: 0.25 of a shared one, 2 of a pair. NULL,
     * or missing: the one. */
    const struct carbon_fact *machines;
};

/* A fact that an entry grows with (sign 1) or falls with (-1), in proportion
 * to value - zero_value. */
struct carbon_use {
    const struct carbon_fact *fact; /* borrowed from the activity or preset */
    double zero_value;
    int32_t sign;
};
#define CARBON_MAX_USES 6

struct carbon_entry {
    int32_t arm;
    int64_t round;
    enum carbon_role role;
    int64_t entity;
    int32_t zone;
    int32_t component; /* index into carbon_terms */
    enum carbon_phase phase;
    enum carbon_stage stage;
    double t0_s, t1_s;
    double energy_j;
    double idle_j; /* of energy_j: drawn whatever is done, or not done */
    double bytes;
    bool is_wasted;
    enum carbon_evidence evidence; /* weakest of energy, duration and grid */
    /* energy_j over the grid's intensity; embodied terms: the share of what
     * making the device emitted, with energy_j = 0. */
    double emitted_gco2e;
    /* Facts behind emitted_gco2e, besides the zone's intensity. */
    int32_t n_uses;
    struct carbon_use uses[CARBON_MAX_USES];
};

#define CARBON_MAX_TERMS 32

struct carbon_preset; /* carbon/preset.h */

/* One activity under a preset: up to CARBON_MAX_TERMS entries, in the order of
 * the term table, overhead last, one for each entry it is charged on. The
 * activity's bytes stand on the first entry only, so that sums count them once.
 * Pure. Fails FL_E_CONFIG a fact that a term needs is missing; FL_E_RANGE
 * outside a trace; FL_E_NUMERIC; FL_E_ARG t1 < t0 or bytes < 0. */
enum fl_status carbon_account(const struct carbon_preset *preset,
                              const struct carbon_grid *grid,
                              const struct carbon_activity *activity,
                              struct carbon_entry *ret_entries,
                              size_t *ret_n,
                              struct fl_error *err) FL_NODISCARD;

/* An append-only list of entries under one preset and grid (borrowed). */
struct carbon_ledger;
enum fl_status carbon_ledger_create(const struct carbon_preset *preset,
                                    const struct carbon_grid *grid,
                                    struct carbon_ledger **ret,
                                    struct fl_error *err) FL_NODISCARD;
void carbon_ledger_destroy(struct carbon_ledger *ledger);
/* All entries of the activity or, on failure, none. */
enum fl_status carbon_ledger_add(struct carbon_ledger *ledger,
                                 const struct carbon_activity *activity,
                                 struct fl_error *err) FL_NODISCARD;
const struct carbon_entry *
carbon_ledger_entries(const struct carbon_ledger *ledger, size_t *ret_n);

struct carbon_sum {
    double energy_j;
    double idle_j; /* part of energy_j */
    double emitted_gco2e;
    double idle_gco2e;     /* part of emitted_gco2e, for idle_j */
    double embodied_gco2e; /* part of emitted_gco2e, without energy */
    double assumed_gco2e;  /* part of emitted_gco2e that rests on assumptions */
    double bytes;
};
/* NULL keep = every entry. */
struct carbon_sum
carbon_ledger_sum(const struct carbon_ledger *ledger,
                  bool (*keep)(const struct carbon_entry *entry, void *arg),
                  void *arg);

#endif
