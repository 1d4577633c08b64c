#include "carbon/fact.h"
#include "carbon/fact_priv.h"

#include <math.h>
#include <stddef.h>

static const char *const evidence_names[] = {
    [CARBON_MEASURED] = "measured",
    [CARBON_DATASHEET] = "datasheet",
    [CARBON_DERIVED] = "derived",
    [CARBON_ASSUMED] = "assumed",
};
_Static_assert(sizeof(evidence_names) / sizeof(evidence_names[0]) ==
                   CARBON_EVIDENCE_LAST_,
               "every evidence needs a name");

const char *carbon_evidence_name(enum carbon_evidence evidence)
{
    if ((unsigned)evidence >= CARBON_EVIDENCE_LAST_)
        return "unknown";
    return evidence_names[evidence];
}

enum carbon_evidence carbon_evidence_weaker(enum carbon_evidence a,
                                            enum carbon_evidence b)
{
    return a > b ? a : b;
}

enum fl_status carbon_fact_use(const struct carbon_fact *fact,
                               const char *owner,
                               const char *member,
                               double *ret_value,
                               struct fl_error *err)
{
    if (fact->is_off) {
        *ret_value = 0;
        return FL_OK;
    }
    if (fact->source == NULL)
        return fl_fail(err, FL_E_CONFIG,
                       "%s: fact %s is missing, allowed a number with its "
                       "source, or off",
                       owner, member);
    if (!isfinite(fact->value) || fact->value < 0)
        return fl_fail(err, FL_E_NUMERIC,
                       "%s: fact %s = %g, allowed a finite number >= 0", owner,
                       member, fact->value);
    *ret_value = fact->value;
    return FL_OK;
}
