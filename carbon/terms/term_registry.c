#include "carbon/term.h"

#define CARBON_TERM(n) extern const struct carbon_term carbon_term_##n;
#include "carbon/terms/terms.def"
#undef CARBON_TERM

#define CARBON_TERM(n) &carbon_term_##n,
const struct carbon_term *const carbon_terms[] = {
#include "carbon/terms/terms.def"
    NULL,
};
#undef CARBON_TERM

_Static_assert(sizeof(carbon_terms) / sizeof(carbon_terms[0]) - 1 <=
                   CARBON_MAX_TERMS,
               "raise CARBON_MAX_TERMS: it is the size of callers' arrays");
