#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static double read_s(clockid_t which)
{
    struct timespec now = {0};
    (void)clock_gettime(which, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

double fl_clock_wall_s(void)
{
    return read_s(CLOCK_MONOTONIC);
}

double fl_clock_cpu_s(void)
{
    return read_s(CLOCK_PROCESS_CPUTIME_ID);
}

double fl_clock_thread_cpu_s(void)
{
    return read_s(CLOCK_THREAD_CPUTIME_ID);
}

void fl_clock_utc(char ret[21])
{
    struct timespec now = {0};
    struct tm parts;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &parts);
    if (strftime(ret, 21, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
        ret[0] = '\0';
}

void fl_clock_text(double duration_s, char *ret, size_t size)
{
    if (!(duration_s >= 0) || duration_s > 3.6e8) {
        (void)snprintf(ret, size, "--:--");
        return;
    }
    long whole = (long)(duration_s + 0.5);
    if (whole >= 3600)
        (void)snprintf(ret, size, "%ld:%02ld:%02ld", whole / 3600,
                       whole / 60 % 60, whole % 60);
    else
        (void)snprintf(ret, size, "%02ld:%02ld", whole / 60, whole % 60);
}
