/* Runs as child processes, some at once. */
#include "cli/sweep/sweep_runs.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "cli/exit_code.h"
#include "cli/launch/process.h"
#include "results/live.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHOW_WALL_MS     1000
#define SAME_STOP_WALL_S 0.5
/* A sweep that was killed: its runs still save what they have. */
#define LOCK_WALL_S  60.0
#define LOCK_LOOK_MS 100

struct executing {
    struct cli_sweep *sweep;
    char program[4200];
    int signal_fd;
    int lock_fd;
    int n_stops;
    double stop_wall_s;
};

/* One sweep at a time works in a directory. The runs hold the lock with us:
 * when we are killed, it is free when the last of them has saved and ended. */
static enum fl_status lock(struct executing *x, struct fl_error *err)
{
    char path[4200];
    FL_TRY(fl_dir_create(x->sweep->out, err));
    FL_TRY(fl_path_join(x->sweep->out, "sweep.lock", path, sizeof path, err));
    x->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (x->lock_fd < 0)
        return fl_fail_errno(err, FL_E_IO, "%s: cannot open", path);
    double start_wall_s = fl_clock_wall_s();
    for (bool is_told = false; flock(x->lock_fd, LOCK_EX | LOCK_NB) != 0;
         is_told = true) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return fl_fail_errno(err, FL_E_IO, "%s: cannot lock", path);
        if (!is_told)
            fl_log(FL_LOG_INFO, "waiting for another sweep in %s",
                   x->sweep->out);
        if (fl_clock_wall_s() - start_wall_s > LOCK_WALL_S)
            return fl_fail(err, FL_E_STATE,
                           "%s: another sweep is at work there", x->sweep->out);
        struct pollfd polled = {.fd = x->signal_fd, .events = POLLIN};
        (void)poll(&polled, 1, LOCK_LOOK_MS);
        int got = cli_signals_take(x->signal_fd);
        if (got != 0 && got != SIGCHLD)
            return fl_fail(err, FL_E_STOPPED, "stopped; nothing was run");
    }
    return FL_OK;
}

/* Starting */

enum fl_status cli_sweep_words(const struct cli_sweep *sweep,
                               const struct cli_sweep_run *run,
                               const char *program,
                               struct cli_sweep_words *ret,
                               struct fl_error *err)
{
    const struct cli_sweep_opts *opts = sweep->opts;
    const char **argv = ret->argv;
    const char *file = opts->subject.file;
    size_t n = 0;
    if (file[0] == '-') { /* no option */
        FL_TRY(fl_path_join(".", file, ret->file, sizeof ret->file, err));
        file = ret->file;
    }
    FL_TRY(cli_sweep_point_sets(sweep, run->point, &ret->sets, err));
    FL_TRY(fl_path_join(sweep->out, CLI_SWEEP_SHARED, ret->share_dir,
                        sizeof ret->share_dir, err));
    (void)snprintf(ret->processes, sizeof ret->processes, "%lld",
                   (long long)opts->processes);
    const char *const words[] = {
        program,       "run",           file,          "--out",
        run->dir,      "--quiet",       "--processes", ret->processes,
        "--cache-dir", opts->cache_dir, "--share-dir", ret->share_dir};
    for (; n < sizeof words / sizeof words[0]; n++)
        argv[n] = words[n];
    if (run->has_begun)
        argv[n++] = "--resume";
    for (size_t i = 0; i < ret->sets.n; i++) {
        argv[n++] = "--set";
        argv[n++] = ret->sets.all[i];
    }
    for (size_t i = 0; i < opts->sinks.n; i++) {
        FL_TRY(cli_sink_word_of_run(opts->sinks.all[i], run->dir, ret->sinks[i],
                                    sizeof ret->sinks[i], err));
        argv[n++] = "--sink";
        argv[n++] = ret->sinks[i];
    }
    argv[n] = NULL;
    ret->n = n;
    return FL_OK;
}

static enum fl_status
start(struct executing *x, struct cli_sweep_run *run, struct fl_error *err)
{
    struct cli_sweep_words words;
    char parent[32];
    FL_TRY(cli_sweep_words(x->sweep, run, x->program, &words, err));
    (void)snprintf(parent, sizeof parent, "%ld", (long)getpid());
    words.argv[words.n++] = "--parent";
    words.argv[words.n++] = parent;
    words.argv[words.n] = NULL;
    run->start_wall_s = fl_clock_wall_s();
    FL_TRY(cli_process_start_into(words.argv, x->lock_fd, run->log, &run->pid,
                                  err));
    run->state = CLI_RUN_BUSY;
    return FL_OK;
}

static enum fl_status start_some(struct executing *x, struct fl_error *err)
{
    struct cli_sweep *sweep = x->sweep;
    size_t n_busy = cli_sweep_count(sweep, CLI_RUN_BUSY);
    for (size_t i = 0; i < sweep->n_runs; i++) {
        if (n_busy >= (size_t)sweep->jobs || x->n_stops > 0)
            break;
        if (sweep->runs[i].state != CLI_RUN_LEFT)
            continue;
        FL_TRY(start(x, &sweep->runs[i], err));
        n_busy++;
    }
    return FL_OK;
}

/* Ending */

/* What went wrong, by what the run said. */
static void find_reason(const char *log, char *ret, size_t size)
{
    res_live_reason(log, ret, size);
    if (ret[0] == '\0')
        (void)snprintf(ret, size, "it said nothing");
}

/* A run that ended well is finished, and of its point: the file may have been
 * changed meanwhile. */
static void check_end(struct cli_sweep_run *run, char *ret_why, size_t size)
{
    struct fl_error err = {FL_OK, ""};
    run->state = CLI_RUN_FAILED;
    if (cli_sweep_look(run, &err) != FL_OK)
        (void)snprintf(ret_why, size, "%s", err.text);
    else if (run->state != CLI_RUN_DONE)
        (void)snprintf(ret_why, size, "it did not finish");
}

void cli_sweep_take_end(const struct cli_sweep *sweep,
                        struct cli_sweep_run *run,
                        int wait_status,
                        bool is_stopping)
{
    char why[1024] = "";
    bool is_exit = WIFEXITED(wait_status);
    run->pid = 0;
    run->has_begun = true;
    run->took_wall_s = fl_clock_wall_s() - run->start_wall_s;
    if (is_exit && WEXITSTATUS(wait_status) == CLI_EXIT_OK) {
        check_end(run, why, sizeof why);
    } else if (is_stopping) {
        run->state = CLI_RUN_LEFT;
        return;
    } else {
        run->state = CLI_RUN_FAILED;
        if (is_exit)
            find_reason(run->log, why, sizeof why);
        else
            cli_process_end_text(wait_status, why);
    }
    cli_sweep_tell(sweep, run, why);
}

static void reap(struct executing *x)
{
    struct cli_sweep *sweep = x->sweep;
    int wait_status = 0;
    pid_t pid;
    while ((pid = waitpid(-1, &wait_status, WNOHANG)) > 0)
        for (size_t i = 0; i < sweep->n_runs; i++)
            if (sweep->runs[i].pid == pid)
                cli_sweep_take_end(sweep, &sweep->runs[i], wait_status,
                                   x->n_stops > 0);
}

/* Stopping: a run saves everything at the first request, and ends at once at a
 * second. Requests that come together are one. */
static void stop(struct executing *x)
{
    double now = fl_clock_wall_s();
    if (x->n_stops > 0 && now - x->stop_wall_s < SAME_STOP_WALL_S)
        return;
    x->stop_wall_s = now;
    if (x->n_stops++ == 0)
        fl_log(FL_LOG_WARN, "stopping: every run saves what it has (again: at "
                            "once)");
    for (size_t i = 0; i < x->sweep->n_runs; i++)
        if (x->sweep->runs[i].pid)
            (void)kill(x->sweep->runs[i].pid, SIGTERM);
}

static void take_signals(struct executing *x)
{
    for (int got; (got = cli_signals_take(x->signal_fd)) != 0;)
        if (got != SIGCHLD)
            stop(x);
}

static enum fl_status watch(struct executing *x, struct fl_error *err)
{
    struct cli_sweep *sweep = x->sweep;
    struct pollfd polled = {.fd = x->signal_fd, .events = POLLIN};
    enum fl_status status = FL_OK;
    for (;;) {
        take_signals(x);
        reap(x);
        if (status == FL_OK)
            status = start_some(x, err);
        if (status != FL_OK && x->n_stops == 0)
            stop(x);
        if (cli_sweep_count(sweep, CLI_RUN_BUSY) == 0)
            return status;
        if (!sweep->opts->is_quiet)
            cli_sweep_progress(sweep, stderr);
        (void)poll(&polled, 1, SHOW_WALL_MS);
    }
}

/* A run that was finished before writes no sink of its own. */
static enum fl_status sink_finished(const struct cli_sweep *sweep,
                                    struct fl_error *err)
{
    const struct cli_sink_words *asked = &sweep->opts->sinks;
    for (size_t i = 0; i < sweep->n_runs && asked->n > 0; i++) {
        const struct cli_sweep_run *run = &sweep->runs[i];
        char text[CLI_MAX_SINKS][4200];
        struct cli_sink_words words = {.n = asked->n};
        struct cli_sinks *sinks = NULL;
        if (run->state != CLI_RUN_DONE)
            continue;
        for (size_t k = 0; k < asked->n; k++) {
            words.all[k] = text[k];
            FL_TRY(cli_sink_word_of_run(asked->all[k], run->dir, text[k],
                                        sizeof text[k], err));
        }
        FL_TRY(cli_sinks_create(&words, run->dir, &sinks, err));
        cli_sinks_finish(sinks, true);
        cli_sinks_destroy(sinks);
    }
    return FL_OK;
}

enum fl_status cli_sweep_execute(struct cli_sweep *sweep, struct fl_error *err)
{
    struct executing x = {.sweep = sweep, .signal_fd = -1, .lock_fd = -1};
    char folder[4096];
    FL_TRY(cli_program_dir(folder, sizeof folder, err));
    FL_TRY(fl_path_join(folder, "fedcarbon", x.program, sizeof x.program, err));
    FL_TRY(cli_signals_open(true, &x.signal_fd, err));
    enum fl_status status = lock(&x, err);
    /* What another sweep was still at when we looked first. */
    for (size_t i = 0; i < sweep->n_runs && status == FL_OK; i++)
        if (sweep->runs[i].state == CLI_RUN_LEFT)
            status = cli_sweep_look(&sweep->runs[i], err);
    char shared[4200];
    if (status == FL_OK)
        status = fl_path_join(sweep->out, CLI_SWEEP_SHARED, shared,
                              sizeof shared, err);
    if (status == FL_OK)
        status = fl_dir_create(shared, err);
    if (status == FL_OK)
        status = cli_sweep_write_points(sweep, err);
    if (status == FL_OK)
        status = sink_finished(sweep, err);
    if (status == FL_OK)
        status = sweep->opts->is_slurm
                     ? cli_sweep_array(sweep, x.program, x.signal_fd, err)
                     : watch(&x, err);
    if (x.lock_fd >= 0)
        (void)close(x.lock_fd);
    cli_signals_close(x.signal_fd);
    size_t n_left = cli_sweep_count(sweep, CLI_RUN_LEFT);
    if (status == FL_OK && n_left > 0)
        status = fl_fail(err, FL_E_STOPPED,
                         "stopped; %zu of %zu runs are finished, the rest is "
                         "saved in %s; the same command goes on",
                         cli_sweep_count(sweep, CLI_RUN_DONE), sweep->n_runs,
                         sweep->out);
    return status;
}
