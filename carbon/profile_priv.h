/* The error of a name that is in no table, shared by all look-ups. */
#ifndef CARBON_PROFILE_PRIV_H
#define CARBON_PROFILE_PRIV_H

#include "base/status.h"

#include <stddef.h>

/* Returns FL_E_CONFIG with the nearest of names[0..n) and what is allowed. */
enum fl_status carbon_unknown_name(const char *kind,
                                   const char *name,
                                   const char *const *names,
                                   size_t n,
                                   struct fl_error *err) FL_NODISCARD;

#endif
