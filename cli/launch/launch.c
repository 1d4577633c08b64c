/* What all launchers share: signals, watching, and how it ended. */
#include "cli/launch/launch_priv.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/parse.h"
#include "cli/exit_code.h"
#include "cli/launch/process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* A process that dies this young so many times in a row will not live. */
#define YOUNG_WALL_S 5.0
#define MAX_YOUNG    5
/* After the coordinator ended: time for client processes to say good-bye. */
#define PARTING_WALL_S   5.0
#define SAME_STOP_WALL_S 0.5

static const struct cli_launcher *const launchers[] = {&cli_launcher_local,
                                                       &cli_launcher_slurm};
#define N_LAUNCHERS (sizeof launchers / sizeof launchers[0])

enum fl_status cli_launcher_find(const char *name,
                                 const struct cli_launcher **ret,
                                 struct fl_error *err)
{
    for (size_t i = 0; i < N_LAUNCHERS; i++) {
        if (strcmp(launchers[i]->name, name) == 0) {
            *ret = launchers[i];
            return FL_OK;
        }
    }
    return fl_fail(err, FL_E_CONFIG,
                   "--launcher: found '%s', allowed local, slurm", name);
}

/* The number that metering knows a process by; -1: none of ours. */
static int process_of(const struct cli_launch *launch, pid_t pid)
{
    if (pid == launch->coordinator)
        return CLI_ENERGY_COORDINATOR;
    for (int i = 0; i < launch->n_children; i++)
        if (launch->children[i].pid == pid)
            return CLI_ENERGY_CLIENTS + i;
    return -1;
}

static double seconds(const struct timeval *time)
{
    return (double)time->tv_sec + (double)time->tv_usec * 1e-6;
}

/* A child that has ended, or 0; its CPU time goes to the meter. */
static pid_t take_ended(const struct cli_launch *launch, int *ret_wait_status)
{
    struct rusage usage;
    pid_t pid = wait4(-1, ret_wait_status, WNOHANG, &usage);
    if (pid > 0)
        cli_energy_spent(launch->opts->energy, process_of(launch, pid),
                         seconds(&usage.ru_utime) + seconds(&usage.ru_stime));
    return pid;
}

bool cli_launcher_is_slurm(const struct cli_launcher *launcher)
{
    return launcher == &cli_launcher_slurm;
}

enum fl_status cli_launch_program(const struct cli_launch *launch,
                                  const char *name,
                                  char *ret,
                                  size_t size,
                                  struct fl_error *err)
{
    return fl_path_join(launch->program_dir, name, ret, size, err);
}

enum fl_status cli_launch_path(const struct cli_launch *launch,
                               const char *name,
                               char *ret,
                               size_t size,
                               struct fl_error *err)
{
    return fl_path_join(launch->opts->run_dir, name, ret, size, err);
}

size_t
cli_launch_words(const struct cli_launch *launch, const char **argv, size_t n)
{
    const struct cli_launch_opts *opts = launch->opts;
    const struct {
        const char *option, *value;
    } rows[] = {{"--cache-dir", opts->cache_dir},
                {"--data-root", opts->data_root},
                {"--share-dir", opts->share_dir},
                {"--command", opts->command}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!rows[i].value)
            continue;
        argv[n++] = rows[i].option;
        argv[n++] = rows[i].value;
    }
    if (launch->awaited[0]) {
        argv[n++] = "--await";
        argv[n++] = launch->awaited;
    }
    if (launch->expected[0]) {
        argv[n++] = "--expect";
        argv[n++] = launch->expected;
    }
    if (opts->is_resume)
        argv[n++] = "--resume";
    if (opts->is_profiled)
        argv[n++] = "--profile";
    return n;
}

/* The first request saves everything, a later one stops at once. Requests that
 * come together are one: a wrapper such as timeout signals us and our group. */
static void pass_on_stop(struct cli_launch *launch)
{
    double now = fl_clock_wall_s();
    if (launch->n_stops > 0 && now - launch->stop_wall_s < SAME_STOP_WALL_S)
        return;
    launch->stop_wall_s = now;
    launch->n_stops++;
    if (launch->n_stops == 1)
        fl_log(FL_LOG_WARN, "stopping: saving everything (again: at once)");
    if (launch->coordinator)
        launch->launcher->stop(launch, launch->n_stops > 1);
}

void cli_launch_take_signals(struct cli_launch *launch)
{
    for (int got; (got = cli_signals_take(launch->signal_fd)) != 0;)
        if (got != SIGCHLD)
            pass_on_stop(launch);
}

/* What is due at times of its own: the meter, and the sinks. */
static int timeout_ms(const struct cli_launch *launch)
{
    int energy_ms = cli_energy_timeout_ms(launch->opts->energy);
    int sinks_ms = cli_sinks_timeout_ms(launch->opts->sinks);
    if (energy_ms < 0 || sinks_ms < 0)
        return energy_ms < 0 ? sinks_ms : energy_ms;
    return energy_ms < sinks_ms ? energy_ms : sinks_ms;
}

static void tick(const struct cli_launch *launch)
{
    cli_energy_tick(launch->opts->energy);
    cli_sinks_tick(launch->opts->sinks);
}

/* Waits until the coordinator says where it listens (is_ready), or ends first:
 * then its end of the pipe closes and the verdict is in its status. */
static enum fl_status
await_ready(struct cli_launch *launch, int fd, struct fl_error *err)
{
    size_t used = 0, size = sizeof launch->ready;
    char *text = launch->ready;
    for (;;) {
        struct pollfd polled[] = {{.fd = fd, .events = POLLIN},
                                  {.fd = launch->signal_fd, .events = POLLIN}};
        if (poll(polled, 2, timeout_ms(launch)) < 0 && errno != EINTR)
            return fl_fail_errno(err, FL_E_IO, "cannot wait for processes");
        tick(launch);
        cli_launch_take_signals(launch);
        if (polled[0].revents == 0)
            continue;
        ssize_t got = read(fd, text + used, size - 1 - used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return FL_OK;
        used += (size_t)got;
        text[used] = '\0';
        launch->is_ready = launch->launcher->is_whole(text);
        if (launch->is_ready)
            return FL_OK;
        if (used == size - 1)
            return fl_fail(err, FL_E_FORMAT,
                           "what the coordinator says when it is ready");
    }
}

static enum fl_status start_coordinator(struct cli_launch *launch,
                                        struct fl_error *err)
{
    int ready_fd = -1;
    FL_TRY(launch->launcher->start_coordinator(launch, &ready_fd, err));
    enum fl_status status = await_ready(launch, ready_fd, err);
    (void)close(ready_fd);
    return status;
}

static enum fl_status
start_child(struct cli_launch *launch, int slot, struct fl_error *err)
{
    launch->children[slot].start_wall_s = fl_clock_wall_s();
    return launch->launcher->start_child(launch, slot, err);
}

static enum fl_status start_children(struct cli_launch *launch,
                                     struct fl_error *err)
{
    FL_TRY(launch->launcher->on_ready(launch, err));
    for (int slot = 0; slot < launch->n_children; slot++)
        FL_TRY(start_child(launch, slot, err));
    return FL_OK;
}

/* A child has ended while the run goes on. */
static enum fl_status replace_child(struct cli_launch *launch,
                                    int slot,
                                    int wait_status,
                                    struct fl_error *err)
{
    struct cli_child *child = &launch->children[slot];
    char how[64];
    child->pid = 0;
    if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0)
        return FL_OK; /* it was told that the run is over */
    if (launch->n_stops > 0)
        return FL_OK; /* the coordinator is about to end */
    cli_process_end_text(wait_status, how);
    bool is_young = fl_clock_wall_s() - child->start_wall_s < YOUNG_WALL_S;
    child->n_young_deaths = is_young ? child->n_young_deaths + 1 : 0;
    if (child->n_young_deaths >= MAX_YOUNG)
        return fl_fail(err, FL_E_STATE,
                       "%s %d ended %d times right after its start (%s); the "
                       "run is stopped",
                       launch->launcher->child, slot, MAX_YOUNG, how);
    fl_log(FL_LOG_WARN, "%s %d ended (%s) and is replaced",
           launch->launcher->child, slot, how);
    child->incarnation++;
    return start_child(launch, slot, err);
}

static enum fl_status reap(struct cli_launch *launch, struct fl_error *err)
{
    enum fl_status status = FL_OK;
    int wait_status = 0;
    pid_t pid;
    while ((pid = take_ended(launch, &wait_status)) > 0) {
        if (pid == launch->coordinator) {
            launch->coordinator = 0;
            launch->coordinator_status = wait_status;
            continue;
        }
        for (int slot = 0; slot < launch->n_children; slot++)
            if (launch->children[slot].pid == pid && status == FL_OK)
                status = replace_child(launch, slot, wait_status, err);
    }
    return status;
}

static enum fl_status watch(struct cli_launch *launch, struct fl_error *err)
{
    struct pollfd poll_fd = {.fd = launch->signal_fd, .events = POLLIN};
    while (launch->coordinator) {
        cli_launch_take_signals(launch);
        FL_TRY(reap(launch, err)); /* first: it may have ended already */
        if (launch->coordinator && poll(&poll_fd, 1, timeout_ms(launch)) < 0 &&
            errno != EINTR)
            return fl_fail_errno(err, FL_E_IO, "cannot wait for processes");
        tick(launch);
    }
    return FL_OK;
}

static int n_running(const struct cli_launch *launch)
{
    int n = launch->coordinator ? 1 : 0;
    for (int i = 0; i < launch->n_children; i++)
        n += launch->children[i].pid != 0;
    return n;
}

static void forget(struct cli_launch *launch, pid_t pid)
{
    if (launch->coordinator == pid)
        launch->coordinator = 0;
    for (int i = 0; i < launch->n_children; i++)
        if (launch->children[i].pid == pid)
            launch->children[i].pid = 0;
}

static void signal_all(const struct cli_launch *launch, int which)
{
    if (launch->coordinator)
        (void)kill(launch->coordinator, which);
    for (int i = 0; i < launch->n_children; i++)
        if (launch->children[i].pid)
            (void)kill(launch->children[i].pid, which);
}

/* Whether the coordinator told its processes that the run is over. */
static bool has_said_bye(const struct cli_launch *launch)
{
    int end = launch->coordinator_status;
    return launch->coordinator ||
           (WIFEXITED(end) && (WEXITSTATUS(end) == CLI_EXIT_OK ||
                               WEXITSTATUS(end) == CLI_EXIT_STOPPED));
}

/* Nobody is left behind: first by patience, where the run has come to an end of
 * its own, then SIGTERM, then SIGKILL. */
static void part(struct cli_launch *launch)
{
    static const int signals[] = {0, SIGTERM, SIGKILL};
    for (size_t i = has_said_bye(launch) ? 0 : 1;
         i < 3 && n_running(launch) > 0; i++) {
        if (signals[i])
            signal_all(launch, signals[i]);
        double until = fl_clock_wall_s() + PARTING_WALL_S;
        for (double now;
             n_running(launch) > 0 && (now = fl_clock_wall_s()) < until;) {
            struct pollfd poll_fd = {.fd = launch->signal_fd, .events = POLLIN};
            int wait_status;
            (void)poll(&poll_fd, 1, (int)((until - now) * 1000) + 1);
            while (cli_signals_take(launch->signal_fd) != 0)
                continue;
            for (pid_t pid; (pid = take_ended(launch, &wait_status)) > 0;) {
                if (pid == launch->coordinator)
                    launch->coordinator_status = wait_status;
                forget(launch, pid);
            }
        }
    }
}

static enum fl_status verdict(const struct cli_launch *launch,
                              enum fl_status status,
                              struct fl_error *err)
{
    char how[64];
    if (status != FL_OK)
        return status;
    int end = launch->coordinator_status;
    if (!launch->is_ready && launch->n_stops > 0)
        return fl_fail(err, FL_E_STOPPED, "stopped before anything was done");
    if (WIFEXITED(end) && WEXITSTATUS(end) == CLI_EXIT_OK)
        return FL_OK;
    if (WIFEXITED(end) && WEXITSTATUS(end) == CLI_EXIT_STOPPED)
        return fl_fail(
            err, FL_E_STOPPED,
            "stopped; everything is saved in %s; go on with --resume",
            launch->opts->run_dir);
    bool is_input = WIFEXITED(end) && WEXITSTATUS(end) == CLI_EXIT_INPUT;
    if (is_input || (WIFEXITED(end) && !launch->is_ready))
        return fl_fail(err, is_input ? FL_E_CONFIG : FL_E_STATE,
                       "nothing was run");
    cli_process_end_text(end, how);
    if (!launch->is_ready)
        return fl_fail(err, FL_E_STATE,
                       "the coordinator did not start (%s); nothing was run",
                       how);
    return fl_fail(err, FL_E_STATE,
                   "the coordinator failed (%s); what was saved is in %s, go "
                   "on with --resume",
                   how, launch->opts->run_dir);
}

/* From the first process to the last. */
static enum fl_status work(struct cli_launch *launch, struct fl_error *err)
{
    enum fl_status status = start_coordinator(launch, err);
    if (status == FL_OK && launch->is_ready)
        status = start_children(launch, err);
    if (status == FL_OK && launch->is_ready)
        status = watch(launch, err);
    if (status != FL_OK && launch->coordinator)
        launch->launcher->stop(launch, false);
    part(launch);
    return verdict(launch, status, err);
}

static enum fl_status make_room(struct cli_launch *launch, struct fl_error *err)
{
    size_t n = launch->n_children > 0 ? (size_t)launch->n_children : 1;
    launch->children = fl_calloc(n, sizeof *launch->children);
    return launch->children ? FL_OK
                            : fl_fail(err, FL_E_NOMEM,
                                      "out of memory: %zu "
                                      "child processes",
                                      n);
}

enum fl_status cli_launch(const struct cli_launch_opts *opts,
                          struct fl_error *err)
{
    const struct cli_launcher *launcher =
        opts->launcher ? opts->launcher : &cli_launcher_local;
    struct cli_launch launch = {
        .opts = opts, .launcher = launcher, .signal_fd = -1};
    if (opts->is_together && opts->processes > 0)
        (void)snprintf(launch.awaited, sizeof launch.awaited, "%d",
                       opts->processes);
    if (opts->expected > 0)
        (void)snprintf(launch.expected, sizeof launch.expected, "%d",
                       opts->expected);
    launch.own = fl_calloc(1, launcher->own_size);
    if (!launch.own)
        return fl_fail(err, FL_E_NOMEM, "out of memory: launcher");
    enum fl_status status =
        cli_program_dir(launch.program_dir, sizeof launch.program_dir, err);
    if (status == FL_OK)
        status = cli_signals_open(true, &launch.signal_fd, err);
    if (status == FL_OK) {
        status = launcher->prepare(&launch, err);
        if (status == FL_OK)
            status = make_room(&launch, err);
        if (status == FL_OK)
            status = work(&launch, err);
        status = launcher->finish(&launch, status, err);
    }
    fl_free(launch.children);
    fl_free(launch.own);
    explicit_bzero(launch.ready, sizeof launch.ready);
    if (launch.signal_fd >= 0)
        cli_signals_close(launch.signal_fd);
    return status;
}
