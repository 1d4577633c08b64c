#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* check: allow STATICSTATE: the one that conventions allow */
static atomic_int level = FL_LOG_INFO; /* the log level */

void fl_log_level_set(enum fl_log_level wanted)
{
    atomic_store(&level, (int)wanted);
}

void fl_log(enum fl_log_level at, const char *fmt, ...)
{
    static const char *const words[] = {"error: ", "warning: ", "", ""};
    if ((int)at > atomic_load(&level))
        return;
    char line[1400];
    int used = snprintf(line, sizeof line, "%sfedcarbon: %s",
                        isatty(STDERR_FILENO) ? "\r\033[K" : "", words[at]);
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(line + used, sizeof line - (size_t)used - 1, fmt, ap);
    va_end(ap);
    size_t length = strlen(line);
    line[length++] = '\n';
    ssize_t wrote = write(STDERR_FILENO, line, length);
    (void)wrote; /* nobody is left to tell */
}
