/* Terms: how an activity costs energy. One file in carbon/terms/ and one row
 * in terms.def add a term; its name is the component of its entries. */
#ifndef CARBON_TERM_H
#define CARBON_TERM_H

#include "carbon/ledger.h"
#include "carbon/preset.h"

struct carbon_term {
    const char *name;   /* "client_compute" */
    const char *group;  /* column of the comparison table: client, network,
                           server, overhead */
    const char *doc;    /* one sentence with the formula */
    const char *source; /* citation */
    bool in_datacentre; /* its energy is IT energy that PUE multiplies */
    bool is_overhead;   /* charged on it_energy_j, where there is any */
    bool (*applies)(const struct carbon_activity *activity);
    /* Energy of the activity. it_energy_j: what the in_datacentre terms drew
     * for the same activity; whole only where is_overhead. */
    enum fl_status (*energy)(const struct carbon_preset *preset,
                             const struct carbon_activity *activity,
                             double it_energy_j,
                             double *ret_energy_j,
                             enum carbon_evidence *ret_evidence,
                             struct fl_error *err);
};

/* carbon/terms/terms.def, in order; ends with NULL. */
extern const struct carbon_term *const carbon_terms[];

#endif
