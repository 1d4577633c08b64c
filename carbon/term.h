/* Terms: how an activity costs energy, or emissions. One file in carbon/terms/
 * and one row in terms.def add a term; its name is the component of its
 * entries. */
#ifndef CARBON_TERM_H
#define CARBON_TERM_H

#include "carbon/ledger.h"
#include "carbon/preset.h"

/* What a term charges for an activity. */
struct carbon_charge {
    double energy_j;
    double idle_j;         /* of energy_j: drawn whatever is done */
    double embodied_gco2e; /* where the term is_embodied, which draw nothing */
    enum carbon_evidence evidence;
    int32_t n_uses; /* facts behind it */
    struct carbon_use uses[CARBON_MAX_USES];
};

/* What it is charged for, and under which rules. */
struct carbon_case {
    const struct carbon_preset *preset;
    const struct carbon_activity *activity;
    const struct carbon_charge *it; /* is_overhead: what it is charged on; else
                                       NULL */
};

struct carbon_term {
    const char *name;   /* "client_compute" */
    const char *group;  /* column of the comparison table: client, network,
                           server, overhead, embodied */
    const char *doc;    /* one sentence with the formula */
    const char *source; /* citation */
    bool in_datacentre; /* its energy is IT energy that PUE multiplies */
    bool is_overhead;   /* charged on each entry that is in_datacentre */
    bool is_embodied;   /* grams, not joules */
    bool (*applies)(const struct carbon_activity *activity);
    /* ret is zeroed before. Pure; facts come from the case alone. */
    enum fl_status (*charge)(const struct carbon_case *c,
                             struct carbon_charge *ret,
                             struct fl_error *err);
};

/* carbon/terms/terms.def, in order; ends with NULL. */
extern const struct carbon_term *const carbon_terms[];

#endif
