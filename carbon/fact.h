/* Facts: numbers about the world, each with where it comes from.
 *
 * A fact is never defaulted: it is given, comes from a named profile, or is
 * switched off explicitly. Entries of the ledger carry the weakest evidence of
 * the facts they rest on, and the share resting on assumptions is printed with
 * every result.
 */
#ifndef CARBON_FACT_H
#define CARBON_FACT_H

#include "carbon/spread.h"

#include <stdbool.h>

/* From strongest to weakest. */
enum carbon_evidence {
    CARBON_MEASURED,  /* an instrument on this kind of thing */
    CARBON_DATASHEET, /* its maker, or an official statistic, says so */
    CARBON_DERIVED,   /* arithmetic on measured or datasheet figures */
    CARBON_ASSUMED,   /* somebody's plausible choice */
    CARBON_EVIDENCE_LAST_
};

struct carbon_fact {
    double value; /* unit in the name of the member that holds the fact */
    enum carbon_evidence evidence;
    int year;           /* that the figure speaks of */
    bool is_off;        /* not modelled, on purpose; value is then 0 */
    const char *source; /* NULL = the fact is missing */
    /* How unsure the value is; kind none: nobody said. Totals use `value`,
     * uncertainty (carbon/uncertainty.h) the spread, around `value`, which
     * stands for spread.value too. */
    struct carbon_spread spread;
};

/* "measured" ...; never NULL. */
const char *carbon_evidence_name(enum carbon_evidence evidence);
/* The weaker of two. */
enum carbon_evidence carbon_evidence_weaker(enum carbon_evidence a,
                                            enum carbon_evidence b);

#endif
