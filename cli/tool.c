#include "cli/tool.h"

#include "base/clock.h"
#include "cli/launch/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static enum fl_status
start(const char *const *argv, int out_fd, pid_t *ret_pid, struct fl_error *err)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    if (posix_spawn_file_actions_init(&actions) != 0)
        return fl_fail(err, FL_E_NOMEM, "out of memory: %s", argv[0]);
    if (posix_spawnattr_init(&attributes) != 0) {
        (void)posix_spawn_file_actions_destroy(&actions);
        return fl_fail(err, FL_E_NOMEM, "out of memory: %s", argv[0]);
    }
    (void)posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
    (void)posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null",
                                           O_WRONLY, 0);
    (void)posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null",
                                           O_RDONLY, 0);
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    (void)posix_spawnattr_setsigdefault(&attributes, &all);
    (void)posix_spawnattr_setpgroup(&attributes, 0);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK |
                                                    POSIX_SPAWN_SETSIGDEF |
                                                    POSIX_SPAWN_SETPGROUP);
    int failed = posix_spawnp(ret_pid, argv[0], &actions, &attributes,
                              (char *const *)(uintptr_t)argv, environ);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    if (failed) {
        errno = failed;
        return fl_fail_errno(err, FL_E_IO, "%s: cannot start", argv[0]);
    }
    return FL_OK;
}

/* Until the program closes its end. */
static enum fl_status read_until_end(const char *name,
                                     int fd,
                                     double limit_wall_s,
                                     char *ret_text,
                                     size_t size,
                                     struct fl_error *err)
{
    double until = fl_clock_wall_s() + limit_wall_s;
    size_t used = 0;
    for (;;) {
        struct pollfd polled = {.fd = fd, .events = POLLIN};
        double left_wall_s = until - fl_clock_wall_s();
        if (left_wall_s <= 0)
            return fl_fail(err, FL_E_TIMEOUT, "%s: not done within %g s", name,
                           limit_wall_s);
        if (poll(&polled, 1, (int)(left_wall_s * 1000) + 1) <= 0)
            continue; /* the time is up, or a signal came */
        ssize_t got = read(fd, ret_text + used, size - used);
        if (got < 0 && errno != EINTR)
            return fl_fail_errno(err, FL_E_IO, "%s: cannot read its output",
                                 name);
        if (got == 0)
            break;
        used += got > 0 ? (size_t)got : 0;
        if (used == size)
            return fl_fail(err, FL_E_FORMAT, "%s: writes more than %zu bytes",
                           name, size - 1);
    }
    if (memchr(ret_text, '\0', used))
        return fl_fail(err, FL_E_FORMAT, "%s: writes no text", name);
    ret_text[used] = '\0';
    return FL_OK;
}

static enum fl_status await(const char *name, pid_t pid, struct fl_error *err)
{
    int end = 0;
    char how[64];
    while (waitpid(pid, &end, 0) < 0)
        if (errno != EINTR)
            return fl_fail_errno(err, FL_E_IO, "%s: cannot wait for it", name);
    if (WIFEXITED(end) && WEXITSTATUS(end) == 0)
        return FL_OK;
    cli_process_end_text(end, how);
    return fl_fail(err, FL_E_IO, "%s: %s", name, how);
}

enum fl_status cli_tool_run(void *arg,
                            const char *const *argv,
                            char *ret_text,
                            size_t size,
                            struct fl_error *err)
{
    int fds[2];
    pid_t pid = 0;
    const struct cli_tool_opts *opts = arg;
    double limit_wall_s = opts ? opts->limit_wall_s : CLI_TOOL_LIMIT_WALL_S;
    if (pipe(fds) != 0)
        return fl_fail_errno(err, FL_E_IO, "cannot make a pipe");
    (void)fcntl(fds[0], F_SETFD, FD_CLOEXEC);
    (void)fcntl(fds[1], F_SETFD, FD_CLOEXEC);
    enum fl_status status = start(argv, fds[1], &pid, err);
    (void)close(fds[1]);
    if (status != FL_OK) {
        (void)close(fds[0]);
        return status;
    }
    status = read_until_end(argv[0], fds[0], limit_wall_s, ret_text, size, err);
    (void)close(fds[0]);
    if (status != FL_OK)
        (void)kill(-pid, SIGKILL); /* it has a group of its own */
    enum fl_status ended = await(argv[0], pid, status == FL_OK ? err : NULL);
    return status == FL_OK ? ended : status;
}
