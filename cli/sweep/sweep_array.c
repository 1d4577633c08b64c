/* The points of a sweep as a Slurm job array. Each task runs one point in its
 * own directory and leaves its exit code beside it; this side looks there, and
 * sbatch --wait says when the last of them has ended. */
#include "cli/sweep/sweep_runs.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/parse.h"
#include "cli/launch/launch.h"
#include "cli/launch/process.h"
#include "cli/tool.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SCRIPT           "points.sbatch"
#define JOB              "sweep.job" /* of the array that is at work */
#define SHOW_WALL_MS     1000
#define SAME_STOP_WALL_S 0.5
/* A task found no folder: nothing else ends so. */
#define UNSEEN 97
/* What a node wrote last may come late over a network. */
#define LATE_WALL_S 15.0
#define MAX_LINE    4096

struct array {
    struct cli_sweep *sweep;
    const char *program;
    int signal_fd, out_fd;
    pid_t sbatch; /* 0: ended */
    int sbatch_status;
    char job[64]; /* "": not known yet */
    char said[256];
    size_t n_said;
    int n_stops;
    double stop_wall_s;
};

/* OUT/<hash>.end: the exit code of a run. */
static enum fl_status end_path(const struct cli_sweep *sweep,
                               const struct cli_sweep_run *run,
                               char *ret,
                               size_t size,
                               struct fl_error *err)
{
    int wrote = snprintf(ret, size, "%s.end", run->dir);
    (void)sweep;
    return wrote > 0 && (size_t)wrote < size
               ? FL_OK
               : fl_fail(err, FL_E_CONFIG, "%s: path too long", run->dir);
}

/* The script */

static enum fl_status
put_point(const struct array *array, size_t i, FILE *out, struct fl_error *err)
{
    const struct cli_sweep_run *run = &array->sweep->runs[i];
    char end[4200];
    struct cli_sweep_words *words = fl_calloc(1, sizeof *words);
    if (!words)
        return fl_fail(err, FL_E_NOMEM, "out of memory: sweep");
    enum fl_status status =
        cli_sweep_words(array->sweep, run, array->program, words, err);
    if (status == FL_OK)
        status = end_path(array->sweep, run, end, sizeof end, err);
    if (status == FL_OK) {
        (void)unlink(end);
        (void)fprintf(out, "%zu)\n    end=", i);
        cli_slurm_quote(end, out);
        (void)fprintf(out, "\n    log=");
        cli_slurm_quote(run->log, out);
        (void)fprintf(out, "\n    set --");
        for (size_t k = 0; k < words->n; k++) {
            (void)fputc(' ', out);
            cli_slurm_quote(words->argv[k], out);
        }
        (void)fprintf(out, "\n    ;;\n");
    }
    fl_free(words);
    return status;
}

static enum fl_status put_script(const struct array *array,
                                 const char *path,
                                 FILE *out,
                                 struct fl_error *err)
{
    const struct cli_sweep_opts *opts = array->sweep->opts;
    (void)fprintf(out,
                  "#!/bin/sh\n"
                  "#SBATCH --job-name=fedcarbon-sweep\n"
                  "#SBATCH --ntasks=1 --cpus-per-task=%lld\n"
                  "#SBATCH --output=/dev/null --signal=B:TERM@60\n",
                  (long long)opts->processes);
    for (size_t i = 0; i < opts->slurm_args.n; i++)
        (void)fprintf(out, "#SBATCH %s\n", opts->slurm_args.all[i]);
    (void)fprintf(out, "test -e ");
    cli_slurm_quote(path, out);
    (void)fprintf(out, " || exit %d\ncase $SLURM_ARRAY_TASK_ID in\n", UNSEEN);
    for (size_t i = 0; i < array->sweep->n_runs; i++)
        if (array->sweep->runs[i].state == CLI_RUN_LEFT)
            FL_TRY(put_point(array, i, out, err));
    /* Asked to stop, the shell has to outlive the run to say how it ended. */
    (void)fprintf(out, "esac\n"
                       "trap 'kill -TERM \"$pid\"' TERM\n"
                       "\"$@\" --parent $$ >\"$log\" 2>&1 </dev/null &\n"
                       "pid=$!\n"
                       "while wait \"$pid\"; code=$?; kill -0 \"$pid\" "
                       "2>/dev/null; do :; done\n"
                       "echo \"$code\" >\"$end.new\" && "
                       "mv \"$end.new\" \"$end\"\n");
    return FL_OK;
}

static enum fl_status
write_script(const struct array *array, const char *path, struct fl_error *err)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    if (!out)
        return fl_fail(err, FL_E_NOMEM, "out of memory: %s", path);
    enum fl_status status = put_script(array, path, out, err);
    bool is_whole = fclose(out) == 0;
    if (status == FL_OK && !is_whole)
        status = fl_fail(err, FL_E_NOMEM, "out of memory: %s", path);
    if (status == FL_OK)
        status = fl_file_write(path, text, n, err);
    fl_free(text);
    return status;
}

/* "--array=0,2,5%4" of what is left. Free: fl_free. */
static char *indices(const struct cli_sweep *sweep)
{
    char *text = NULL;
    size_t n = 0;
    const char *comma = "";
    FILE *out = open_memstream(&text, &n);
    if (!out)
        return NULL;
    (void)fprintf(out, "--array=");
    for (size_t i = 0; i < sweep->n_runs; i++) {
        if (sweep->runs[i].state != CLI_RUN_LEFT)
            continue;
        (void)fprintf(out, "%s%zu", comma, i);
        comma = ",";
    }
    if (sweep->opts->jobs)
        (void)fprintf(out, "%%%d", sweep->jobs);
    if (fclose(out) != 0) {
        fl_free(text);
        return NULL;
    }
    return text;
}

static enum fl_status
submit(struct array *array, const char *script, struct fl_error *err)
{
    int out[2];
    char *list = indices(array->sweep);
    if (!list)
        return fl_fail(err, FL_E_NOMEM, "out of memory: sweep");
    const char *argv[] = {"sbatch", "--parsable", "--wait", list, script, NULL};
    enum fl_status status = cli_pipe(out, err);
    if (status == FL_OK) {
        const struct cli_process_io io = {-1, out[1], -1, NULL};
        status = cli_process_start_with(argv, &io, &array->sbatch, err);
        (void)close(out[1]);
        array->out_fd = out[0];
    }
    fl_free(list);
    return status;
}

/* One array at a time: an earlier sweep may be gone and its tasks not. */
static enum fl_status check_idle(const char *path, struct fl_error *err)
{
    char job[64], said[65536];
    if (fl_file_read_text(path, job, sizeof job, NULL) != FL_OK)
        return FL_OK;
    job[strcspn(job, "\n")] = '\0';
    const char *argv[] = {"squeue", "-h", "-j", job, "-o", "%A", NULL};
    if (cli_tool_run(NULL, argv, said, sizeof said, NULL) != FL_OK || !said[0])
        return FL_OK; /* Slurm does not know it any more */
    return fl_fail(err, FL_E_STATE,
                   "%s: Slurm job %s of an earlier sweep is at work there; "
                   "wait for it, or scancel %s",
                   path, job, job);
}

/* Following */

static void take_job(struct array *array, const char *path)
{
    ssize_t got = read(array->out_fd, array->said + array->n_said,
                       sizeof array->said - 1 - array->n_said);
    if (got <= 0)
        return;
    array->n_said += (size_t)got;
    size_t n = strcspn(array->said, ";\n");
    if (array->job[0] || !array->said[n] || n >= sizeof array->job)
        return;
    (void)snprintf(array->job, sizeof array->job, "%.*s", (int)n, array->said);
    struct fl_error why = {FL_OK, ""};
    if (fl_file_write(path, array->job, n, &why) != FL_OK)
        fl_log(FL_LOG_WARN, "%s", why.text);
    if (!array->sweep->opts->is_quiet)
        fl_log(FL_LOG_INFO, "%zu runs are submitted as Slurm job %s",
               cli_sweep_count(array->sweep, CLI_RUN_LEFT), array->job);
}

static void look_at(struct array *array, struct cli_sweep_run *run)
{
    char path[4200], text[32];
    int64_t code = 0;
    if (run->state == CLI_RUN_LEFT && access(run->log, F_OK) == 0) {
        run->state = CLI_RUN_BUSY;
        run->start_wall_s = fl_clock_wall_s();
    }
    if (end_path(array->sweep, run, path, sizeof path, NULL) != FL_OK ||
        fl_file_read_text(path, text, sizeof text, NULL) != FL_OK)
        return;
    text[strcspn(text, "\n")] = '\0';
    if (fl_parse_int(text, 0, 255, &code, NULL) != FL_OK)
        return;
    (void)unlink(path);
    cli_sweep_take_end(array->sweep, run, (int)code << 8, array->n_stops > 0);
}

static bool is_open(const struct cli_sweep_run *run)
{
    return run->state == CLI_RUN_LEFT || run->state == CLI_RUN_BUSY;
}

/* How many are still to end; all of them are looked at. */
static size_t look(struct array *array)
{
    size_t n = 0;
    for (size_t i = 0; i < array->sweep->n_runs; i++) {
        struct cli_sweep_run *run = &array->sweep->runs[i];
        if (is_open(run))
            look_at(array, run);
        n += is_open(run);
    }
    return n;
}

/* The first request lets runs save what they have, a second one does not. */
static void stop(struct array *array)
{
    double now = fl_clock_wall_s();
    char said[256];
    if (array->n_stops > 0 && now - array->stop_wall_s < SAME_STOP_WALL_S)
        return;
    array->stop_wall_s = now;
    if (array->n_stops++ == 0)
        fl_log(FL_LOG_WARN, "stopping: every run saves what it has (again: at "
                            "once)");
    const char *gently[] = {"scancel", array->job, NULL};
    const char *at_once[] = {"scancel", "--signal=KILL", "--full", array->job,
                             NULL};
    struct fl_error why = {FL_OK, ""};
    if (!array->job[0])
        (void)kill(array->sbatch, SIGTERM); /* not submitted yet */
    else if (cli_tool_run(NULL, array->n_stops == 1 ? gently : at_once, said,
                          sizeof said, &why) != FL_OK)
        fl_log(FL_LOG_WARN, "%s", why.text);
}

static enum fl_status
follow(struct array *array, const char *job_path, struct fl_error *err)
{
    while (array->sbatch) {
        bool is_known = array->job[0] != '\0';
        struct pollfd polled[] = {
            {.fd = array->signal_fd, .events = POLLIN},
            {.fd = is_known ? -1 : array->out_fd, .events = POLLIN}};
        if (poll(polled, 2, SHOW_WALL_MS) < 0 && errno != EINTR)
            return fl_fail_errno(err, FL_E_IO, "cannot wait for sbatch");
        if (polled[1].revents)
            take_job(array, job_path);
        for (int got; (got = cli_signals_take(array->signal_fd)) != 0;)
            if (got != SIGCHLD)
                stop(array);
        if (look(array) == 0) /* sbatch looks only now and then */
            (void)kill(array->sbatch, SIGTERM);
        if (!array->sweep->opts->is_quiet)
            cli_sweep_progress(array->sweep, stderr);
        if (waitpid(array->sbatch, &array->sbatch_status, WNOHANG) ==
            array->sbatch)
            array->sbatch = 0;
    }
    return FL_OK;
}

/* Slurm says that all have ended. */
static enum fl_status settle(struct array *array, struct fl_error *err)
{
    struct cli_sweep *sweep = array->sweep;
    int status = array->sbatch_status;
    if (!array->job[0] && array->n_stops == 0)
        return fl_fail(err, FL_E_IO, "sbatch failed; nothing was run");
    size_t n_open = look(array);
    if (n_open > 0 && WIFEXITED(status) && WEXITSTATUS(status) == UNSEEN)
        return fl_fail(err, FL_E_STATE,
                       "%s: the nodes do not see this folder; under Slurm a "
                       "sweep needs one that all share (--out)",
                       sweep->out);
    double until = fl_clock_wall_s() + LATE_WALL_S;
    while (n_open > 0 && array->n_stops == 0 && fl_clock_wall_s() < until) {
        struct pollfd polled = {.fd = array->signal_fd, .events = POLLIN};
        (void)poll(&polled, 1, SHOW_WALL_MS);
        for (int got; (got = cli_signals_take(array->signal_fd)) != 0;)
            array->n_stops += got != SIGCHLD;
        n_open = look(array);
    }
    for (size_t i = 0; i < sweep->n_runs; i++) {
        struct cli_sweep_run *run = &sweep->runs[i];
        if (!is_open(run))
            continue;
        run->state = array->n_stops > 0 ? CLI_RUN_LEFT : CLI_RUN_FAILED;
        if (run->state == CLI_RUN_FAILED)
            cli_sweep_tell(sweep, run, "Slurm ended it");
    }
    return FL_OK;
}

enum fl_status cli_sweep_array(struct cli_sweep *sweep,
                               const char *program,
                               int signal_fd,
                               struct fl_error *err)
{
    struct array array = {.sweep = sweep,
                          .program = program,
                          .signal_fd = signal_fd,
                          .out_fd = -1};
    char script[4200], job_path[4200];
    if (cli_sweep_count(sweep, CLI_RUN_LEFT) == 0)
        return FL_OK;
    FL_TRY(fl_path_join(sweep->out, SCRIPT, script, sizeof script, err));
    FL_TRY(fl_path_join(sweep->out, JOB, job_path, sizeof job_path, err));
    FL_TRY(check_idle(job_path, err));
    FL_TRY(write_script(&array, script, err));
    for (size_t i = 0; i < sweep->n_runs; i++) /* of an earlier try */
        if (sweep->runs[i].state == CLI_RUN_LEFT)
            (void)unlink(sweep->runs[i].log);
    enum fl_status status = submit(&array, script, err);
    if (status == FL_OK)
        status = follow(&array, job_path, err);
    if (status == FL_OK)
        status = settle(&array, err);
    if (array.out_fd >= 0)
        (void)close(array.out_fd);
    if (status == FL_OK)
        (void)unlink(job_path);
    return status;
}
