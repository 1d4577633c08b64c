#include "base/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const names[] = {
    [FL_OK] = "FL_OK",
    [FL_E_NOMEM] = "FL_E_NOMEM",
    [FL_E_ARG] = "FL_E_ARG",
    [FL_E_CONFIG] = "FL_E_CONFIG",
    [FL_E_IO] = "FL_E_IO",
    [FL_E_FORMAT] = "FL_E_FORMAT",
    [FL_E_RANGE] = "FL_E_RANGE",
    [FL_E_NUMERIC] = "FL_E_NUMERIC",
    [FL_E_STATE] = "FL_E_STATE",
    [FL_E_TIMEOUT] = "FL_E_TIMEOUT",
    [FL_E_STOPPED] = "FL_E_STOPPED",
};
_Static_assert(sizeof names / sizeof names[0] == FL_E_LAST_,
               "every status needs a name");

const char *fl_status_name(enum fl_status status)
{
    return (unsigned)status < FL_E_LAST_ ? names[status] : "FL_E_unknown";
}

__attribute__((format(printf, 3, 0))) static void
fill(struct fl_error *err, enum fl_status code, const char *fmt, va_list ap)
{
    err->code = code;
    (void)vsnprintf(err->text, sizeof err->text, fmt, ap);
}

enum fl_status
fl_fail(struct fl_error *err, enum fl_status code, const char *fmt, ...)
{
    if (err) {
        va_list ap;
        va_start(ap, fmt);
        fill(err, code, fmt, ap);
        va_end(ap);
    }
    return code;
}

enum fl_status
fl_fail_errno(struct fl_error *err, enum fl_status code, const char *fmt, ...)
{
    int saved = errno;
    if (err) {
        va_list ap;
        va_start(ap, fmt);
        fill(err, code, fmt, ap);
        va_end(ap);
        size_t used = strlen(err->text);
        (void)snprintf(err->text + used, sizeof err->text - used, ": %s",
                       strerror(saved));
    }
    return code;
}
