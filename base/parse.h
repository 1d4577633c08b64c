/* Text to numbers: whole token, locale-proof, range-checked.
 *
 * "1e3" is not an integer, "0.1x" is not a number, "" is nothing, "nan" and
 * "inf" are refused, hexadecimal and leading white space too. The error says
 * what was found and what is allowed; the caller adds where.
 */
#ifndef BASE_PARSE_H
#define BASE_PARSE_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Fails FL_E_CONFIG: not a whole number, or outside [min, max]. */
enum fl_status fl_parse_int(const char *text,
                            int64_t min,
                            int64_t max,
                            int64_t *ret,
                            struct fl_error *err) FL_NODISCARD;

/* Fails FL_E_CONFIG: not a finite decimal number, or outside [min, max]. */
enum fl_status fl_parse_double(const char *text,
                               double min,
                               double max,
                               double *ret,
                               struct fl_error *err) FL_NODISCARD;

/* "true" or "false" (YAML 1.2 core; yes/no/on/off are refused). */
enum fl_status
fl_parse_bool(const char *text, bool *ret, struct fl_error *err) FL_NODISCARD;

/* An instant "2022-06-01T00:00Z" (seconds optional, Z required) as seconds
 * since 1970-01-01T00:00Z. Fails FL_E_CONFIG. */
enum fl_status fl_parse_utc(const char *text,
                            int64_t *ret_epoch_s,
                            struct fl_error *err) FL_NODISCARD;

/* The instant as "2022-06-01T00:00:00Z", into ret. */
void fl_format_utc(int64_t epoch_s, char ret[32]);

/* The name in names[0..n) nearest to text by edit distance (swaps count one),
 * or NULL when none is near enough to be what was meant. */
const char *
fl_nearest_name(const char *text, const char *const *names, size_t n);

#endif
