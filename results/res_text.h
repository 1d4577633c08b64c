/* Growing text: written piece by piece, checked once at the end.
 *
 *     struct res_text text = {0};
 *     res_text_add(&text, "%d rows\n", n);
 *     status = res_text_check(&text, err);
 *     ...
 *     res_text_fini(&text);
 *
 * Numbers never depend on the locale. Private to results/ and its tests.
 */
#ifndef RESULTS_RES_TEXT_H
#define RESULTS_RES_TEXT_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

struct res_text {
    char *bytes; /* NULL until something was added */
    size_t n, capacity;
    bool has_failed; /* out of memory: nothing is added any more */
};

void res_text_fini(struct res_text *text);
void res_text_clear(struct res_text *text); /* keeps the memory */
void res_text_add(struct res_text *text, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void res_text_put(struct res_text *text, const char *string);
void res_text_put_bytes(struct res_text *text, const void *bytes, size_t n);
/* string as UTF-8: bytes that are none become U+FFFD. */
void res_text_put_utf8(struct res_text *text, const char *string);
/* string in a field of `width` characters, blanks to the left or right. */
void res_text_pad(struct res_text *text,
                  const char *string,
                  size_t width,
                  bool is_left);
/* All 17 significant digits; nothing for NaN. */
void res_text_real(struct res_text *text, double value);
/* For people: `digits` significant digits, no exponent between 1e-6 and 1e15,
 * "-" for NaN. */
void res_text_figure(struct res_text *text, double value, int digits);

const char *res_text_get(const struct res_text *text); /* never NULL */
/* Fails FL_E_NOMEM. */
enum fl_status res_text_check(const struct res_text *text,
                              struct fl_error *err) FL_NODISCARD;

/* Refuses a name that is none of these n: "figures: found 'lin' (line?),
 * allowed bar, line". A name that is NULL: "found nothing". Fails FL_E_CONFIG,
 * always. */
enum fl_status res_unknown_name(const char *where,
                                const char *name,
                                const char *const *names,
                                size_t n,
                                struct fl_error *err) FL_NODISCARD;

#endif
