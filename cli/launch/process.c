#include "cli/launch/process.h"

#include "base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Everything inherited that changes how OpenBLAS computes is dropped. */
static const char *const dropped[] = {
    "OPENBLAS_NUM_THREADS=", "OMP_NUM_THREADS=",   "OPENBLAS_CORETYPE=",
    "OPENBLAS_L2_SIZE=",     "GOTO_NUM_THREADS=",  "OPENBLAS_VERBOSE=",
    "OPENBLAS_MAIN_FREE=",   "GOTOBLAS_MAIN_FREE="};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_dropped(const char *variable)
{
    for (size_t i = 0; i < COUNT(dropped); i++)
        if (strncmp(variable, dropped[i], strlen(dropped[i])) == 0)
            return true;
    return false;
}

/* The BLAS kernel for this kind of CPU, by what it can do. Left to itself,
 * OpenBLAS goes by model numbers and takes its slowest kernel on a CPU that is
 * younger than the library. NULL: leave it to itself. */
static const char *blas_kernel(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        return "OPENBLAS_CORETYPE=SkylakeX";
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return "OPENBLAS_CORETYPE=Haswell";
#endif
    return NULL;
}

/* The texts are borrowed; only the list is owned. */
static char **child_environment(void)
{
    const char *const fixed[] = {"OPENBLAS_NUM_THREADS=1", "OMP_NUM_THREADS=1",
                                 blas_kernel()};
    size_t n = 0, used = 0;
    while (environ[n])
        n++;
    char **list = fl_calloc(n + COUNT(fixed) + 1, sizeof *list);
    if (!list)
        return NULL;
    for (size_t i = 0; i < n; i++)
        if (!is_dropped(environ[i]))
            list[used++] = environ[i];
    for (size_t i = 0; i < COUNT(fixed); i++)
        if (fixed[i])
            list[used++] = (char *)(uintptr_t)fixed[i];
    return list;
}

static int spawn(const char *const *argv,
                 char **environment,
                 const posix_spawn_file_actions_t *actions,
                 pid_t *ret_pid)
{
    posix_spawnattr_t attributes;
    sigset_t none, all;
    int failed = posix_spawnattr_init(&attributes);
    if (failed)
        return failed;
    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    (void)posix_spawnattr_setsigdefault(&attributes, &all);
    (void)posix_spawnattr_setpgroup(&attributes, 0);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK |
                                                    POSIX_SPAWN_SETSIGDEF |
                                                    POSIX_SPAWN_SETPGROUP);
    failed = posix_spawnp(ret_pid, argv[0], actions, &attributes,
                          (char *const *)(uintptr_t)argv, environment);
    (void)posix_spawnattr_destroy(&attributes);
    return failed;
}

static void add_output(posix_spawn_file_actions_t *actions, const char *output)
{
    (void)posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null",
                                           O_RDONLY, 0);
    (void)posix_spawn_file_actions_addopen(
        actions, STDOUT_FILENO, output, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND,
        0666);
    (void)posix_spawn_file_actions_adddup2(actions, STDOUT_FILENO,
                                           STDERR_FILENO);
}

enum fl_status cli_process_start(const char *const *argv,
                                 int keep_fd,
                                 pid_t *ret_pid,
                                 struct fl_error *err)
{
    const struct cli_process_io io = {-1, -1, keep_fd, NULL};
    return cli_process_start_with(argv, &io, ret_pid, err);
}

enum fl_status cli_process_start_into(const char *const *argv,
                                      int keep_fd,
                                      const char *output,
                                      pid_t *ret_pid,
                                      struct fl_error *err)
{
    const struct cli_process_io io = {-1, -1, keep_fd, output};
    return cli_process_start_with(argv, &io, ret_pid, err);
}

enum fl_status cli_process_start_with(const char *const *argv,
                                      const struct cli_process_io *io,
                                      pid_t *ret_pid,
                                      struct fl_error *err)
{
    posix_spawn_file_actions_t actions;
    char **environment = child_environment();
    if (!environment || posix_spawn_file_actions_init(&actions) != 0) {
        fl_free(environment);
        return fl_fail(err, FL_E_NOMEM, "out of memory: %s", argv[0]);
    }
    if (io->keep_fd >= 0) /* onto itself: clears close-on-exec */
        (void)posix_spawn_file_actions_adddup2(&actions, io->keep_fd,
                                               io->keep_fd);
    if (io->in_fd >= 0)
        (void)posix_spawn_file_actions_adddup2(&actions, io->in_fd,
                                               STDIN_FILENO);
    if (io->out_fd >= 0)
        (void)posix_spawn_file_actions_adddup2(&actions, io->out_fd,
                                               STDOUT_FILENO);
    if (io->output)
        add_output(&actions, io->output);
    int failed = spawn(argv, environment, &actions, ret_pid);
    (void)posix_spawn_file_actions_destroy(&actions);
    fl_free(environment);
    if (failed) {
        errno = failed;
        return fl_fail_errno(err, FL_E_IO, "%s: cannot start", argv[0]);
    }
    return FL_OK;
}

/* Whether our environment has the same variables that matter. */
static bool is_settled(char *const *wanted)
{
    size_t n_ours = 0, n_wanted = 0;
    for (size_t i = 0; environ[i]; i++)
        n_ours += is_dropped(environ[i]);
    for (size_t i = 0; wanted[i]; i++) {
        if (!is_dropped(wanted[i]))
            continue;
        bool has_it = false;
        for (size_t k = 0; environ[k] && !has_it; k++)
            has_it = strcmp(environ[k], wanted[i]) == 0;
        if (!has_it)
            return false;
        n_wanted++;
    }
    return n_ours == n_wanted;
}

void cli_process_settle(char **argv)
{
    char **environment = child_environment();
    if (environment && !is_settled(environment))
        (void)execve("/proc/self/exe", argv, environment);
    fl_free(environment); /* the coordinator refuses who computes otherwise */
}

enum fl_status cli_pipe(int ret_fds[2], struct fl_error *err)
{
    if (pipe(ret_fds) != 0)
        return fl_fail_errno(err, FL_E_IO, "cannot make a pipe");
    for (size_t i = 0; i < 2; i++)
        (void)fcntl(ret_fds[i], F_SETFD, FD_CLOEXEC);
    return FL_OK;
}

/* Not a signalfd: a library's own threads (OpenBLAS starts some before main)
 * do not block what we block, and would take the signals away from it. */
/* check: allow STATICSTATE: a signal handler has no other argument */
static int signal_pipe = -1;

static void note_signal(int which)
{
    int kept = errno;
    unsigned char byte = (unsigned char)which;
    ssize_t wrote = write(signal_pipe, &byte, 1);
    (void)wrote; /* a full pipe holds enough of them */
    errno = kept;
}

static const int handled[] = {SIGINT, SIGTERM, SIGHUP, SIGIO, SIGCHLD};

enum fl_status
cli_signals_open(bool wants_children, int *ret_fd, struct fl_error *err)
{
    int fds[2];
    FL_TRY(cli_pipe(fds, err));
    for (size_t i = 0; i < 2; i++)
        (void)fcntl(fds[i], F_SETFL, O_NONBLOCK);
    signal_pipe = fds[1];
    struct sigaction action = {.sa_handler = note_signal,
                               .sa_flags = SA_RESTART};
    (void)sigfillset(&action.sa_mask);
    for (size_t i = 0; i < (wants_children ? 5 : 4); i++) {
        struct sigaction former;
        if (sigaction(handled[i], NULL, &former) != 0)
            return fl_fail_errno(err, FL_E_IO, "cannot handle signals");
        if (former.sa_handler == SIG_IGN && handled[i] != SIGCHLD)
            continue; /* nohup, or a shell's background job: as it wants */
        if (sigaction(handled[i], &action, NULL) != 0)
            return fl_fail_errno(err, FL_E_IO, "cannot handle signals");
    }
    *ret_fd = fds[0];
    return FL_OK;
}

void cli_signals_close(int fd)
{
    const struct sigaction standard = {.sa_handler = SIG_DFL};
    for (size_t i = 0; i < COUNT(handled); i++) {
        struct sigaction current;
        if (sigaction(handled[i], NULL, &current) == 0 &&
            current.sa_handler == note_signal)
            (void)sigaction(handled[i], &standard, NULL);
    }
    (void)close(fd);
    (void)close(signal_pipe); /* after the last who could write to it */
    signal_pipe = -1;
}

int cli_signals_take(int fd)
{
    unsigned char byte;
    return read(fd, &byte, 1) == 1 ? byte : 0;
}

enum fl_status cli_process_follow(pid_t parent, struct fl_error *err)
{
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0)
        return fl_fail_errno(err, FL_E_IO, "cannot follow process %ld",
                             (long)parent);
    if (getppid() != parent)
        return fl_fail(err, FL_E_STATE, "process %ld has ended already",
                       (long)parent);
    return FL_OK;
}

/* The kernel signals us when something happens to the input; what had happened
 * before we asked for that is looked at once. */
enum fl_status cli_process_follow_stdin(struct fl_error *err)
{
    int flags = fcntl(STDIN_FILENO, F_GETFL);
    if (flags < 0 || fcntl(STDIN_FILENO, F_SETOWN, getpid()) != 0 ||
        fcntl(STDIN_FILENO, F_SETFL, flags | O_ASYNC) != 0)
        return fl_fail_errno(err, FL_E_IO, "cannot follow standard input");
    struct pollfd polled = {.fd = STDIN_FILENO, .events = POLLIN};
    if (poll(&polled, 1, 0) == 1)
        (void)raise(SIGIO);
    return FL_OK;
}

enum fl_status cli_program_dir(char *ret, size_t size, struct fl_error *err)
{
    ssize_t length = readlink("/proc/self/exe", ret, size - 1);
    if (length <= 0 || (size_t)length >= size - 1)
        return fl_fail_errno(err, FL_E_IO, "/proc/self/exe: cannot read");
    ret[length] = '\0';
    char *slash = strrchr(ret, '/');
    if (slash)
        *slash = '\0';
    return FL_OK;
}

void cli_settle_limits(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit); /* only a wish */
}

void cli_process_end_text(int wait_status, char ret[64])
{
    if (WIFSIGNALED(wait_status))
        (void)snprintf(ret, 64, "killed by signal %d", WTERMSIG(wait_status));
    else
        (void)snprintf(ret, 64, "exit code %d", WEXITSTATUS(wait_status));
}
