#include "cli/live/live_wait.h"

#include "base/alloc.h"

#include <sys/inotify.h>
#include <unistd.h>

/* Closing is none of them: readers close the store, too. */
#define WHAT                                                                   \
    (IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM |         \
     IN_ONLYDIR)

struct cli_live_wait {
    int fd;
};

enum fl_status cli_live_wait_create(struct cli_live_wait **ret,
                                    struct fl_error *err)
{
    struct cli_live_wait *wait = fl_calloc(1, sizeof *wait);
    if (!wait)
        return fl_fail(err, FL_E_NOMEM, "out of memory: live view");
    wait->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (wait->fd < 0) {
        fl_free(wait);
        return fl_fail_errno(err, FL_E_IO, "cannot follow files");
    }
    *ret = wait;
    return FL_OK;
}

void cli_live_wait_destroy(struct cli_live_wait *wait)
{
    if (!wait)
        return;
    (void)close(wait->fd);
    fl_free(wait);
}

/* Following a folder twice is following it once. Runs that have ended are left
 * out: a sweep may have thousands of them. */
void cli_live_wait_follow(struct cli_live_wait *wait,
                          const struct res_live *live)
{
    (void)inotify_add_watch(wait->fd, res_live_dir(live), WHAT);
    for (size_t i = 0; i < res_live_n_runs(live); i++) {
        const struct res_live_run *run = res_live_run(live, i);
        if (run->dir && run->state == RES_LIVE_RUNNING)
            (void)inotify_add_watch(wait->fd, run->dir, WHAT);
    }
}

int cli_live_wait_fd(const struct cli_live_wait *wait)
{
    return wait->fd;
}

void cli_live_wait_take(struct cli_live_wait *wait)
{
    _Alignas(struct inotify_event) char events[4096];
    while (read(wait->fd, events, sizeof events) > 0)
        continue;
}
