/* Presets: a published method as a choice of terms and constants. One file in
 * carbon/presets/ and one row in presets.def add one. */
#ifndef CARBON_PRESET_H
#define CARBON_PRESET_H

#include "base/status.h"
#include "carbon/fact.h"

#include <stdbool.h>

struct carbon_preset {
    const char *name;
    const char *doc;
    const char *source;
    const char *const *terms; /* names of terms, NULL-terminated */
    const char *leaves_out;   /* printed with every result */
    struct carbon_fact core_network_j_per_byte; /* edge and core, per byte */
    /* Overrides the link's own where not missing (source != NULL). */
    struct carbon_fact router_w;
    /* Link transfers of phase init (centralized data upload) are charged. */
    bool charges_data_upload;
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
