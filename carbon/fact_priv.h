/* Reading a fact where a formula needs it: given, or off, or an error. */
#ifndef CARBON_FACT_PRIV_H
#define CARBON_FACT_PRIV_H

#include "base/status.h"
#include "carbon/fact.h"

/* The value of a fact; 0 where it is off.
 * owner and member name it in the error ("pixel_xl", "train_w").
 * Fails FL_E_CONFIG missing, FL_E_NUMERIC negative or not finite. */
enum fl_status carbon_fact_use(const struct carbon_fact *fact,
                               const char *owner,
                               const char *member,
                               double *ret_value,
                               struct fl_error *err) FL_NODISCARD;

#endif
