/* Names of zones without regard to upper and lower case. */
#ifndef CARBON_ZONE_PRIV_H
#define CARBON_ZONE_PRIV_H

#include <stdbool.h>
#include <stddef.h>

/* Is a the n_b characters of b, but for the case of ASCII letters? */
bool carbon_same_name(const char *a, const char *b, size_t n_b);

#endif
