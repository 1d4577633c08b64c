/* Presets: a published method as a choice of terms and constants. One file in
 * carbon/presets/ and one row in presets.def add one. */
#ifndef CARBON_PRESET_H
#define CARBON_PRESET_H

#include "base/status.h"
#include "carbon/fact.h"

#include <stdbool.h>

/* What an activity pays for power that would be drawn without it. */
enum carbon_attribution {
    CARBON_AVERAGE,  /* its share: whoever uses a device pays its idle power,
                        shared equipment is paid per byte */
    CARBON_MARGINAL, /* nothing: only what is drawn because of it */
    CARBON_ATTRIBUTION_LAST_
};
/* "average", "marginal"; never NULL. */
const char *carbon_attribution_name(enum carbon_attribution attribution);

struct carbon_preset {
    const char *name;
    const char *doc;
    const char *source;
    const char *const *terms; /* names of terms, NULL-terminated */
    const char *leaves_out;   /* printed with every result */
    enum carbon_attribution attribution;
    struct carbon_fact core_network_j_per_byte; /* edge and core, per byte */
    /* Of network equipment's energy per byte: what it draws without traffic.
     * Needed by marginal attribution alone. */
    struct carbon_fact network_idle_share;
    /* Everything between client and data centre, per byte. */
    struct carbon_fact whole_network_j_per_byte;
    /* Between neighbours, without a network: per byte, both ends. */
    struct carbon_fact peer_j_per_byte;
    struct carbon_fact storage_w_per_byte; /* one copy, disks */
    struct carbon_fact storage_copies;
    /* Overrides the link's own where not missing (source != NULL). */
    struct carbon_fact router_w;
    /* Link transfers of phase init (centralized data upload) are charged. */
    bool charges_data_upload;
    /* Software sent to clients once (phase provision) is charged. */
    bool charges_software;
    /* Evaluations (phase evaluate) are charged. */
    bool charges_evaluation;
};

extern const struct carbon_preset *const carbon_presets[]; /* ends with NULL */

/* By name. Fails FL_E_CONFIG unknown, with the nearest name. */
enum fl_status carbon_preset_find(const char *name,
                                  const struct carbon_preset **ret,
                                  struct fl_error *err) FL_NODISCARD;
bool carbon_preset_has(const struct carbon_preset *preset, const char *term);

#endif
