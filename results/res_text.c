#include "results/res_text.h"

#include "base/alloc.h"
#include "base/parse.h"
#include "base/utf8.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void res_text_fini(struct res_text *text)
{
    fl_free(text->bytes);
    *text = (struct res_text){0};
}

void res_text_clear(struct res_text *text)
{
    text->n = 0;
    if (text->bytes)
        text->bytes[0] = '\0';
}

static bool has_room(struct res_text *text, size_t more)
{
    if (!text->has_failed && fl_grow(&text->bytes, &text->capacity,
                                     text->n + more + 1, 1, NULL) != FL_OK)
        text->has_failed = true;
    return !text->has_failed;
}

void res_text_add(struct res_text *text, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, fmt, args);
    if (length < 0)
        text->has_failed = true;
    else if (has_room(text, (size_t)length)) {
        (void)vsnprintf(text->bytes + text->n, (size_t)length + 1, fmt, again);
        text->n += (size_t)length;
    }
    va_end(again);
    va_end(args);
}

void res_text_put_bytes(struct res_text *text, const void *bytes, size_t n)
{
    if (!has_room(text, n))
        return;
    if (n > 0)
        memcpy(text->bytes + text->n, bytes, n);
    text->n += n;
    text->bytes[text->n] = '\0';
}

void res_text_put(struct res_text *text, const char *string)
{
    res_text_put_bytes(text, string, strlen(string));
}

void res_text_put_utf8(struct res_text *text, const char *string)
{
    size_t left = strlen(string);
    while (left > 0) {
        size_t n = fl_utf8_length((const unsigned char *)string, left);
        res_text_put_bytes(text, n ? string : "\xef\xbf\xbd", n ? n : 3);
        string += n ? n : 1;
        left -= n ? n : 1;
    }
}

void res_text_pad(struct res_text *text,
                  const char *string,
                  size_t width,
                  bool is_left)
{
    size_t length = fl_utf8_characters(string);
    int blanks = length < width ? (int)(width - length) : 0;
    if (!is_left)
        res_text_add(text, "%*s", blanks, "");
    res_text_put(text, string);
    if (is_left)
        res_text_add(text, "%*s", blanks, "");
}

/* A number as printf writes it, with a point whatever the locale says. */
static void put_number(struct res_text *text,
                       double value,
                       int precision,
                       bool has_exponent)
{
    char digits[400]; /* DBL_MAX by %f has 309 before the point */
    if (has_exponent)
        (void)snprintf(digits, sizeof digits, "%.*g", precision, value);
    else
        (void)snprintf(digits, sizeof digits, "%.*f", precision, value);
    for (char *p = digits; *p; p++)
        if (!strchr("+-0123456789einfa", *p))
            *p = '.';
    res_text_put(text, digits);
}

void res_text_real(struct res_text *text, double value)
{
    if (!isnan(value))
        put_number(text, value, 17, true);
}

void res_text_figure(struct res_text *text, double value, int digits)
{
    double size = fabs(value);
    if (isnan(value)) {
        res_text_put(text, "-");
    } else if (size == 0) {
        res_text_put(text, "0");
    } else if (size < 1e-6 || size >= 1e15) {
        put_number(text, value, digits, true);
    } else {
        int decimals = digits - 1 - (int)floor(log10(size));
        put_number(text, value, decimals > 0 ? decimals : 0, false);
    }
}

const char *res_text_get(const struct res_text *text)
{
    return text->bytes && !text->has_failed ? text->bytes : "";
}

enum fl_status res_text_check(const struct res_text *text, struct fl_error *err)
{
    return text->has_failed ? fl_fail(err, FL_E_NOMEM, "out of memory") : FL_OK;
}

enum fl_status res_unknown_name(const char *where,
                                const char *name,
                                const char *const *names,
                                size_t n,
                                struct fl_error *err)
{
    struct res_text allowed = {0};
    for (size_t i = 0; i < n; i++)
        res_text_add(&allowed, "%s%s", i > 0 ? ", " : "", names[i]);
    const char *near = name ? fl_nearest_name(name, names, n) : NULL;
    enum fl_status status =
        fl_fail(err, FL_E_CONFIG, "%s: found %s%s%s%s%s%s, allowed %s", where,
                name ? "'" : "", name ? name : "nothing", name ? "'" : "",
                near ? " (" : "", near ? near : "", near ? "?)" : "",
                res_text_get(&allowed));
    res_text_fini(&allowed);
    return status;
}
