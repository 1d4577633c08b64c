#include "cli/launch.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "cli/exit_code.h"
#include "cli/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
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

struct child {
    pid_t pid; /* 0: not running */
    unsigned incarnation;
    double start_wall_s;
    int n_young_deaths;
};

struct launch {
    const struct cli_launch_opts *opts;
    char program_dir[4096];
    char private_dir[64]; /* of the socket; "" when the user gave an address */
    char address[256];
    pid_t coordinator;
    int coordinator_status;
    struct child *clients;
    int signal_fd;
    bool is_ready;      /* the coordinator has listened */
    int n_stops;        /* how often we were asked to stop */
    double stop_wall_s; /* when last */
};

static void number(char ret[32], long value)
{
    (void)snprintf(ret, 32, "%ld", value);
}

/* The number that metering knows a process by; -1: none of ours. */
static int process_of(const struct launch *launch, pid_t pid)
{
    if (pid == launch->coordinator)
        return CLI_ENERGY_COORDINATOR;
    for (int i = 0; i < launch->opts->processes; i++)
        if (launch->clients[i].pid == pid)
            return CLI_ENERGY_CLIENTS + i;
    return -1;
}

static double seconds(const struct timeval *time)
{
    return (double)time->tv_sec + (double)time->tv_usec * 1e-6;
}

/* A child that has ended, or 0; its CPU time goes to the meter. */
static pid_t take_ended(const struct launch *launch, int *ret_wait_status)
{
    struct rusage usage;
    pid_t pid = wait4(-1, ret_wait_status, WNOHANG, &usage);
    if (pid > 0)
        cli_energy_spent(launch->opts->energy, process_of(launch, pid),
                         seconds(&usage.ru_utime) + seconds(&usage.ru_stime));
    return pid;
}

static enum fl_status program(const struct launch *launch,
                              const char *name,
                              char *ret,
                              size_t size,
                              struct fl_error *err)
{
    return fl_path_join(launch->program_dir, name, ret, size, err);
}

static enum fl_status choose_address(struct launch *launch,
                                     struct fl_error *err)
{
    const char *given = launch->opts->address;
    if (given) {
        if (strlen(given) >= sizeof launch->address)
            return fl_fail(err, FL_E_CONFIG, "--listen %s: too long", given);
        (void)snprintf(launch->address, sizeof launch->address, "%s", given);
        return FL_OK;
    }
    /* Only this user may enter, and the name is short enough for a socket. */
    (void)snprintf(launch->private_dir, sizeof launch->private_dir,
                   "/tmp/fedcarbon-XXXXXX");
    if (!mkdtemp(launch->private_dir)) {
        launch->private_dir[0] = '\0';
        return fl_fail_errno(err, FL_E_IO, "/tmp: cannot create a folder");
    }
    (void)snprintf(launch->address, sizeof launch->address, "ipc://%s/hub",
                   launch->private_dir);
    return FL_OK;
}

/* The first request saves everything, a later one stops at once. Requests that
 * come together are one: a wrapper such as timeout signals us and our group. */
static void pass_on_stop(struct launch *launch)
{
    double now = fl_clock_wall_s();
    if (launch->n_stops > 0 && now - launch->stop_wall_s < SAME_STOP_WALL_S)
        return;
    launch->stop_wall_s = now;
    launch->n_stops++;
    if (launch->n_stops == 1)
        fl_log(FL_LOG_WARN, "stopping: saving everything (again: at once)");
    if (launch->coordinator)
        (void)kill(launch->coordinator,
                   launch->n_stops == 1 ? SIGTERM : SIGKILL);
}

static void take_signals(struct launch *launch)
{
    for (int got; (got = cli_signals_take(launch->signal_fd)) != 0;)
        if (got != SIGCHLD)
            pass_on_stop(launch);
}

/* What is due at times of its own: the meter, and the sinks. */
static int timeout_ms(const struct launch *launch)
{
    int energy_ms = cli_energy_timeout_ms(launch->opts->energy);
    int sinks_ms = cli_sinks_timeout_ms(launch->opts->sinks);
    if (energy_ms < 0 || sinks_ms < 0)
        return energy_ms < 0 ? sinks_ms : energy_ms;
    return energy_ms < sinks_ms ? energy_ms : sinks_ms;
}

static void tick(const struct launch *launch)
{
    cli_energy_tick(launch->opts->energy);
    cli_sinks_tick(launch->opts->sinks);
}

/* Waits until the coordinator says where it listens (is_ready), or ends first:
 * then its end of the pipe closes and the verdict is in its status. */
static enum fl_status
await_ready(struct launch *launch, int fd, struct fl_error *err)
{
    size_t used = 0;
    char *text = launch->address;
    for (;;) {
        struct pollfd polled[] = {{.fd = fd, .events = POLLIN},
                                  {.fd = launch->signal_fd, .events = POLLIN}};
        if (poll(polled, 2, timeout_ms(launch)) < 0 && errno != EINTR)
            return fl_fail_errno(err, FL_E_IO, "cannot wait for processes");
        tick(launch);
        take_signals(launch);
        if (polled[0].revents == 0)
            continue;
        ssize_t got = read(fd, text + used, sizeof launch->address - 1 - used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return FL_OK;
        used += (size_t)got;
        text[used] = '\0';
        char *end = strchr(text, '\n');
        if (end) {
            *end = '\0';
            launch->is_ready = true;
            return FL_OK;
        }
        if (used == sizeof launch->address - 1)
            return fl_fail(err, FL_E_FORMAT, "the coordinator's address");
    }
}

static enum fl_status start_coordinator(struct launch *launch,
                                        struct fl_error *err)
{
    const struct cli_launch_opts *opts = launch->opts;
    char path[4200], ready[32], parent[32];
    int pipe_fd[2];
    FL_TRY(program(launch, "fedcarbon-coordinator", path, sizeof path, err));
    if (pipe(pipe_fd) != 0)
        return fl_fail_errno(err, FL_E_IO, "cannot make a pipe");
    (void)fcntl(pipe_fd[0], F_SETFD, FD_CLOEXEC);
    (void)fcntl(pipe_fd[1], F_SETFD, FD_CLOEXEC);
    number(ready, pipe_fd[1]);
    number(parent, (long)getpid());
    const char *argv[24] = {path,
                            "--run",
                            opts->run_dir,
                            "--listen",
                            launch->address,
                            "--cache-dir",
                            opts->cache_dir,
                            "--ready-fd",
                            ready,
                            "--parent",
                            parent,
                            "--progress",
                            opts->is_quiet ? "none" : "auto"};
    size_t n = 13;
    if (opts->data_root) {
        argv[n++] = "--data-root";
        argv[n++] = opts->data_root;
    }
    if (opts->share_dir) {
        argv[n++] = "--share-dir";
        argv[n++] = opts->share_dir;
    }
    if (opts->command) {
        argv[n++] = "--command";
        argv[n++] = opts->command;
    }
    if (opts->is_resume)
        argv[n++] = "--resume";
    if (opts->is_profiled)
        argv[n++] = "--profile";
    enum fl_status status =
        cli_process_start(argv, pipe_fd[1], &launch->coordinator, err);
    (void)close(pipe_fd[1]);
    if (status == FL_OK)
        status = await_ready(launch, pipe_fd[0], err);
    (void)close(pipe_fd[0]);
    return status;
}

static enum fl_status
start_client(struct launch *launch, int slot, struct fl_error *err)
{
    struct child *child = &launch->clients[slot];
    char path[4200], slot_text[32], incarnation[32], parent[32];
    FL_TRY(program(launch, "fedcarbon-client", path, sizeof path, err));
    number(slot_text, slot);
    number(incarnation, (long)child->incarnation);
    number(parent, (long)getpid());
    const char *argv[16] = {path,        "--connect", launch->address,
                            "--slot",    slot_text,   "--incarnation",
                            incarnation, "--parent",  parent};
    size_t n = 9;
    if (launch->opts->has_bindings) {
        argv[n++] = "--bind";
        argv[n++] = slot_text;
    }
    if (launch->opts->kernels) {
        argv[n++] = "--kernels";
        argv[n++] = launch->opts->kernels;
    }
    child->start_wall_s = fl_clock_wall_s();
    return cli_process_start(argv, -1, &child->pid, err);
}

/* <run>/pids.json, for whoever wants to look at the processes. */
static enum fl_status write_pids(const struct launch *launch,
                                 struct fl_error *err)
{
    char path[4200];
    char *text = NULL;
    size_t n = 0;
    FL_TRY(fl_path_join(launch->opts->run_dir, "pids.json", path, sizeof path,
                        err));
    FILE *out = open_memstream(&text, &n);
    if (!out)
        return fl_fail(err, FL_E_NOMEM, "out of memory: %s", path);
    (void)fprintf(out,
                  "{\"launcher\": %ld, \"coordinator\": %ld, \"clients\": [",
                  (long)getpid(), (long)launch->coordinator);
    for (int i = 0; i < launch->opts->processes; i++)
        (void)fprintf(out, "%s%ld", i ? ", " : "",
                      (long)launch->clients[i].pid);
    (void)fprintf(out, "]}\n");
    bool is_whole = fclose(out) == 0;
    enum fl_status status =
        is_whole ? fl_file_write(path, text, n, err)
                 : fl_fail(err, FL_E_NOMEM, "out of memory: %s", path);
    fl_free(text);
    return status;
}

static enum fl_status start_clients(struct launch *launch, struct fl_error *err)
{
    for (int slot = 0; slot < launch->opts->processes; slot++)
        FL_TRY(start_client(launch, slot, err));
    return write_pids(launch, err);
}

/* A client process has ended while the run goes on. */
static enum fl_status replace_client(struct launch *launch,
                                     int slot,
                                     int wait_status,
                                     struct fl_error *err)
{
    struct child *child = &launch->clients[slot];
    char how[64];
    child->pid = 0;
    if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0)
        return FL_OK; /* it was told that the run is over */
    cli_process_end_text(wait_status, how);
    bool is_young = fl_clock_wall_s() - child->start_wall_s < YOUNG_WALL_S;
    child->n_young_deaths = is_young ? child->n_young_deaths + 1 : 0;
    if (child->n_young_deaths >= MAX_YOUNG)
        return fl_fail(err, FL_E_STATE,
                       "client process %d ended %d times right after its "
                       "start (%s); the run is stopped",
                       slot, MAX_YOUNG, how);
    fl_log(FL_LOG_WARN, "client process %d ended (%s) and is replaced", slot,
           how);
    child->incarnation++;
    FL_TRY(start_client(launch, slot, err));
    return write_pids(launch, err);
}

static enum fl_status reap(struct launch *launch, struct fl_error *err)
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
        for (int slot = 0; slot < launch->opts->processes; slot++)
            if (launch->clients[slot].pid == pid && status == FL_OK)
                status = replace_client(launch, slot, wait_status, err);
    }
    return status;
}

static enum fl_status watch(struct launch *launch, struct fl_error *err)
{
    struct pollfd poll_fd = {.fd = launch->signal_fd, .events = POLLIN};
    while (launch->coordinator) {
        take_signals(launch);
        FL_TRY(reap(launch, err)); /* first: it may have ended already */
        if (launch->coordinator && poll(&poll_fd, 1, timeout_ms(launch)) < 0 &&
            errno != EINTR)
            return fl_fail_errno(err, FL_E_IO, "cannot wait for processes");
        tick(launch);
    }
    return FL_OK;
}

static int n_running(const struct launch *launch)
{
    int n = launch->coordinator ? 1 : 0;
    for (int i = 0; i < launch->opts->processes; i++)
        n += launch->clients[i].pid != 0;
    return n;
}

static void forget(struct launch *launch, pid_t pid)
{
    if (launch->coordinator == pid)
        launch->coordinator = 0;
    for (int i = 0; i < launch->opts->processes; i++)
        if (launch->clients[i].pid == pid)
            launch->clients[i].pid = 0;
}

static void signal_all(const struct launch *launch, int which)
{
    if (launch->coordinator)
        (void)kill(launch->coordinator, which);
    for (int i = 0; i < launch->opts->processes; i++)
        if (launch->clients[i].pid)
            (void)kill(launch->clients[i].pid, which);
}

/* Nobody is left behind: first by patience, then SIGTERM, then SIGKILL. */
static void part(struct launch *launch)
{
    static const int signals[] = {0, SIGTERM, SIGKILL};
    for (size_t i = 0; i < 3 && n_running(launch) > 0; i++) {
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

static enum fl_status verdict(const struct launch *launch,
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

static void clean_up(struct launch *launch)
{
    char path[4200];
    if (fl_path_join(launch->opts->run_dir, "pids.json", path, sizeof path,
                     NULL) == FL_OK)
        (void)unlink(path);
    if (launch->private_dir[0]) {
        (void)snprintf(path, sizeof path, "%s/hub", launch->private_dir);
        (void)unlink(path);
        (void)rmdir(launch->private_dir);
    }
    fl_free(launch->clients);
    if (launch->signal_fd >= 0)
        cli_signals_close(launch->signal_fd);
}

enum fl_status cli_launch(const struct cli_launch_opts *opts,
                          struct fl_error *err)
{
    struct launch launch = {.opts = opts, .signal_fd = -1};
    enum fl_status status;
    launch.clients = fl_calloc((size_t)opts->processes, sizeof *launch.clients);
    if (!launch.clients)
        return fl_fail(err, FL_E_NOMEM, "out of memory: launcher");
    status =
        cli_program_dir(launch.program_dir, sizeof launch.program_dir, err);
    if (status == FL_OK)
        status = cli_signals_open(true, &launch.signal_fd, err);
    if (status == FL_OK)
        status = choose_address(&launch, err);
    if (status == FL_OK)
        status = start_coordinator(&launch, err);
    if (status == FL_OK && launch.is_ready)
        status = start_clients(&launch, err);
    if (status == FL_OK && launch.is_ready)
        status = watch(&launch, err);
    if (status != FL_OK && launch.coordinator)
        (void)kill(launch.coordinator, SIGTERM);
    part(&launch);
    status = verdict(&launch, status, err);
    clean_up(&launch);
    return status;
}
