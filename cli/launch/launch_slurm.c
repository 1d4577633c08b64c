/* The Slurm launcher, inside an allocation: coordinator and clients are two
 * steps that overlap. No shared file system is needed: what the steps have to
 * know goes through their standard input, and where the run directory is not
 * seen on the coordinator's node a copy of it goes there and comes back.
 *
 * The coordinator's standard input is its lifeline: it saves everything and
 * ends when this end closes, because we were asked to stop or because we are
 * gone. (srun answers SIGTERM with SIGKILL for its tasks.)
 *
 * The elastic form starts the clients as a job array of its own, which may
 * grow and shrink: launch_elastic.c. */
#include "cli/launch/launch_slurm_priv.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/parse.h"
#include "cli/launch/process.h"
#include "cli/run_dir.h"
#include "cli/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_HOSTS_TEXT ((size_t)1 << 20)

/* What starts any step of ours: on one node, beside all others. */
#define ONE_TASK                                                               \
    "srun", "--overlap", "--nodes=1", "--ntasks=1", "--ntasks-per-node=1",     \
        "--chdir=/", "--kill-on-bad-exit=0", "--quiet", "--nodelist"

/* Until the child ends, or we are asked to stop: then it ends, too. What it
 * says on out_fd (-1: nothing) is in ret_text. */
static enum fl_status follow(struct cli_launch *launch,
                             pid_t pid,
                             int out_fd,
                             char *ret_text,
                             size_t size,
                             int *ret_wait_status,
                             struct fl_error *err)
{
    size_t used = 0;
    int n_stops = launch->n_stops;
    for (bool has_ended = false, is_open = out_fd >= 0;
         !has_ended || is_open;) {
        struct pollfd polled[] = {
            {.fd = launch->signal_fd, .events = POLLIN},
            {.fd = is_open ? out_fd : -1, .events = POLLIN}};
        has_ended = has_ended || waitpid(pid, ret_wait_status, WNOHANG) == pid;
        if (has_ended && !is_open)
            break;
        if (poll(polled, 2, -1) < 0 && errno != EINTR)
            return fl_fail_errno(err, FL_E_IO, "cannot wait for processes");
        cli_launch_take_signals(launch);
        if (launch->n_stops > n_stops && !has_ended)
            (void)kill(pid, SIGTERM);
        n_stops = launch->n_stops;
        if (polled[1].revents == 0)
            continue;
        ssize_t got = read(out_fd, ret_text + used, size - 1 - used);
        is_open = got > 0 || (got < 0 && errno == EINTR);
        used += got > 0 ? (size_t)got : 0;
    }
    if (size > 0)
        ret_text[used] = '\0';
    return FL_OK;
}

enum fl_status cli_slurm_call(struct cli_launch *launch,
                              const char *const *argv,
                              int in_fd,
                              char *ret_text,
                              size_t size,
                              struct fl_error *err)
{
    int out[2] = {-1, -1}, wait_status = 0;
    pid_t pid = 0;
    char how[64];
    FL_TRY(cli_pipe(out, err));
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC); /* srun reads all */
    const struct cli_process_io io = {in_fd >= 0 ? in_fd : nothing, out[1], -1,
                                      NULL};
    enum fl_status status = cli_process_start_with(argv, &io, &pid, err);
    (void)close(out[1]);
    if (nothing >= 0)
        (void)close(nothing);
    if (status == FL_OK)
        status = follow(launch, pid, out[0], ret_text, size, &wait_status, err);
    (void)close(out[0]);
    FL_TRY(status);
    cli_process_end_text(wait_status, how);
    if (launch->n_stops > 0 && wait_status != 0)
        return fl_fail(err, FL_E_STOPPED, "stopped; nothing was run");
    return wait_status == 0
               ? FL_OK
               : fl_fail(err, FL_E_STATE, "%s failed (%s)", argv[0], how);
}

/* Two programs, the first writing what the second reads. */
static enum fl_status pass(struct cli_launch *launch,
                           const char *const *from,
                           const char *const *to,
                           char *ret_text,
                           size_t size,
                           struct fl_error *err)
{
    int fds[2], wait_status = 0;
    pid_t pid = 0;
    FL_TRY(cli_pipe(fds, err));
    const struct cli_process_io io = {-1, fds[1], -1, NULL};
    enum fl_status status = cli_process_start_with(from, &io, &pid, err);
    (void)close(fds[1]);
    if (status == FL_OK)
        status = cli_slurm_call(launch, to, fds[0], ret_text, size, err);
    (void)close(fds[0]);
    if (pid > 0)
        while (waitpid(pid, &wait_status, 0) < 0 && errno == EINTR)
            continue;
    if (status == FL_OK && wait_status != 0)
        return fl_fail(err, FL_E_IO, "%s failed", from[0]);
    return status;
}

/* The allocation */

/* The first line of what `scontrol show hostnames` says of the allocation. */
static enum fl_status
find_node(struct slurm *slurm, const char *nodelist, struct fl_error *err)
{
    char *text = fl_calloc(MAX_HOSTS_TEXT, 1);
    if (!text)
        return fl_fail(err, FL_E_NOMEM, "out of memory: host names");
    const char *argv[] = {"scontrol", "show", "hostnames", nodelist, NULL};
    enum fl_status status = cli_tool_run(NULL, argv, text, MAX_HOSTS_TEXT, err);
    size_t n = status == FL_OK ? strcspn(text, "\n") : 0;
    if (status == FL_OK && (n == 0 || n >= sizeof slurm->node))
        status = fl_fail(err, FL_E_FORMAT,
                         "scontrol: found '%.80s', expected host names", text);
    if (status == FL_OK)
        (void)snprintf(slurm->node, sizeof slurm->node, "%.*s", (int)n, text);
    fl_free(text);
    return status;
}

/* How Slurm itself reaches the node: names need not resolve, or may resolve
 * to a loopback address there. */
static enum fl_status find_address(struct slurm *slurm, struct fl_error *err)
{
    static const char key[] = "NodeAddr=";
    char text[16384];
    const char *argv[] = {"scontrol", "show", "node", slurm->node, NULL};
    FL_TRY(cli_tool_run(NULL, argv, text, sizeof text, err));
    const char *found = strstr(text, key);
    size_t n = found ? strcspn(found + sizeof key - 1, " \n") : 0;
    if (n == 0 || n >= sizeof slurm->address)
        return fl_fail(err, FL_E_FORMAT, "scontrol: no address of node %s",
                       slurm->node);
    (void)snprintf(slurm->address, sizeof slurm->address, "%.*s", (int)n,
                   found + sizeof key - 1);
    return FL_OK;
}

/* "8(x3),4": 28 processors. */
static enum fl_status
count_cpus(const char *text, int64_t *ret, struct fl_error *err)
{
    int64_t sum = 0;
    for (const char *at = text; *at;) {
        char word[32], times_text[32];
        int64_t cpus = 0, times = 1;
        size_t n = strcspn(at, ",("), n_times = 0;
        bool has_times = at[n] == '(' && at[n + 1] == 'x';
        if (has_times)
            n_times = strcspn(at + n + 2, ")");
        if (n >= sizeof word || n_times >= sizeof times_text)
            return fl_fail(err, FL_E_FORMAT, "processors '%.80s'", text);
        (void)snprintf(word, sizeof word, "%.*s", (int)n, at);
        FL_TRY(fl_parse_int(word, 1, INT32_MAX, &cpus, err));
        at += n;
        if (has_times) {
            (void)snprintf(times_text, sizeof times_text, "%.*s", (int)n_times,
                           at + 2);
            FL_TRY(fl_parse_int(times_text, 1, INT32_MAX, &times, err));
            at += 2 + n_times + (at[2 + n_times] == ')');
        }
        sum += cpus * times;
        at += *at == ',';
    }
    *ret = sum;
    return FL_OK;
}

/* What the user said, or as many as there are tasks, or processors. */
static enum fl_status count(const struct cli_launch_opts *opts,
                            struct slurm *slurm,
                            struct fl_error *err)
{
    const struct cli_slurm *around = opts->slurm;
    slurm->processes = opts->processes;
    slurm->n_nodes = opts->n_nodes;
    if (slurm->n_nodes == 0 && around->n_nodes)
        FL_TRY(
            fl_parse_int(around->n_nodes, 1, INT32_MAX, &slurm->n_nodes, err));
    if (slurm->processes == 0 && around->n_tasks)
        return fl_parse_int(around->n_tasks, 1, INT32_MAX, &slurm->processes,
                            err);
    if (slurm->processes == 0 && around->cpus_per_node)
        return count_cpus(around->cpus_per_node, &slurm->processes, err);
    if (slurm->processes == 0 || slurm->n_nodes == 0)
        return fl_fail(err, FL_E_CONFIG,
                       "how many? $SLURM_JOB_NUM_NODES and "
                       "$SLURM_JOB_CPUS_PER_NODE are not set; allowed: --nodes "
                       "and --processes");
    return FL_OK;
}

/* The run directory on the node */

static enum fl_status is_seen(struct cli_launch *launch, struct fl_error *err)
{
    struct slurm *slurm = launch->own;
    char probe[4200], name[64], said[64];
    (void)snprintf(name, sizeof name, ".seen-%s-%ld", slurm->job,
                   (long)getpid());
    FL_TRY(fl_path_join(slurm->run_dir, name, probe, sizeof probe, err));
    FL_TRY(fl_file_write(probe, "", 0, err));
    const char *argv[] = {ONE_TASK,
                          slurm->node,
                          "sh",
                          "-c",
                          "if test -e \"$1\"; then echo seen; else echo apart; "
                          "fi",
                          "sh",
                          probe,
                          NULL};
    enum fl_status status =
        cli_slurm_call(launch, argv, -1, said, sizeof said, err);
    (void)unlink(probe);
    FL_TRY(status);
    slurm->is_shared = strcmp(said, "seen\n") == 0;
    return FL_OK;
}

/* A folder on the node, with what a run begins or goes on with. */
static enum fl_status copy_there(struct cli_launch *launch,
                                 struct fl_error *err)
{
    struct slurm *slurm = launch->own;
    /* Not what others write beside it: it would come back, old. */
    const char *const from[] = {"sh",
                                "-c",
                                "cd \"$1\" && exec tar -cf - scenario.yaml "
                                "$(ls run.sqlite* 2>/dev/null)",
                                "sh",
                                slurm->run_dir,
                                NULL};
    const char *const to[] = {
        ONE_TASK,
        slurm->node,
        "sh",
        "-c",
        "test -d \"$TMPDIR\" || TMPDIR=/tmp; "
        "d=$(mktemp -d \"$TMPDIR/fedcarbon-XXXXXXXX\") && "
        "tar -xf - -C \"$d\" && echo \"$d\"",
        NULL};
    FL_TRY(
        pass(launch, from, to, slurm->node_dir, sizeof slurm->node_dir, err));
    slurm->node_dir[strcspn(slurm->node_dir, "\n")] = '\0';
    if (slurm->node_dir[0] != '/')
        return fl_fail(err, FL_E_FORMAT, "%s: no folder for the run",
                       slurm->node);
    fl_log(FL_LOG_INFO,
           "%s does not see %s: the run is in %s there and comes back in the "
           "end",
           slurm->node, slurm->run_dir, slurm->node_dir);
    return FL_OK;
}

/* All of it or nothing replaces what is here, a log of SQLite that belongs to
 * an older copy included. */
static enum fl_status copy_back(struct cli_launch *launch, struct fl_error *err)
{
    struct slurm *slurm = launch->own;
    const char *const from[] = {ONE_TASK, slurm->node,     "tar", "-cf", "-",
                                "-C",     slurm->node_dir, ".",   NULL};
    const char *const to[] = {
        "sh",
        "-c",
        "d=$1/.incoming; rm -rf \"$d\"; mkdir -m 700 \"$d\" && "
        "tar -xf - -C \"$d\" && test -f \"$d/scenario.yaml\" && "
        "rm -f \"$1/run.sqlite-wal\" \"$1/run.sqlite-shm\" && "
        "cp -a \"$d/.\" \"$1/\"; code=$?; rm -rf \"$d\"; exit $code",
        "sh",
        slurm->run_dir,
        NULL};
    const char *const away[] = {ONE_TASK, slurm->node,     "rm", "-rf",
                                "--",     slurm->node_dir, NULL};
    char said[16];
    struct fl_error why = {FL_OK, ""};
    if (pass(launch, from, to, said, sizeof said, &why) != FL_OK)
        return fl_fail(err, FL_E_STATE,
                       "the run could not be fetched: it is on node %s, in "
                       "%s; in its place here, --resume goes on with it",
                       slurm->node, slurm->node_dir);
    (void)!cli_slurm_call(launch, away, -1, said, sizeof said, NULL);
    return FL_OK;
}

/* Whoever waits outside may ask us to stop, or be gone; and so may salloc,
 * which would not give the job back then. */
static enum fl_status listen_outside(struct slurm *slurm, struct fl_error *err)
{
    slurm->salloc = getppid();
    FL_TRY(cli_process_follow(slurm->salloc, err));
    return cli_process_follow_stdin(err);
}

static enum fl_status prepare(struct cli_launch *launch, struct fl_error *err)
{
    struct slurm *slurm = launch->own;
    const struct cli_launch_opts *opts = launch->opts;
    slurm->lifeline = -1;
    if (opts->is_inside)
        FL_TRY(listen_outside(slurm, err));
    if (!realpath(opts->run_dir, slurm->run_dir))
        return fl_fail_errno(err, FL_E_IO, "%s: cannot find", opts->run_dir);
    (void)snprintf(slurm->job, sizeof slurm->job, "%s", opts->slurm->job);
    if (!opts->slurm->nodelist)
        return fl_fail(err, FL_E_CONFIG,
                       "--launcher slurm: $SLURM_JOB_ID is set, but not "
                       "$SLURM_JOB_NODELIST");
    FL_TRY(count(opts, slurm, err));
    (void)snprintf(launch->expected, sizeof launch->expected, "%lld",
                   (long long)slurm->processes);
    FL_TRY(find_node(slurm, opts->slurm->nodelist, err));
    FL_TRY(find_address(slurm, err));
    FL_TRY(is_seen(launch, err));
    launch->n_children = opts->is_elastic ? 0 : 1;
    if (!slurm->is_shared)
        return copy_there(launch, err);
    (void)snprintf(slurm->node_dir, sizeof slurm->node_dir, "%s",
                   slurm->run_dir);
    return FL_OK;
}

/* The steps */

static enum fl_status start_coordinator(struct cli_launch *launch,
                                        int *ret_ready_fd,
                                        struct fl_error *err)
{
    struct slurm *slurm = launch->own;
    const struct cli_launch_opts *opts = launch->opts;
    char path[4200];
    int in[2], out[2];
    FL_TRY(cli_launch_program(launch, "fedcarbon-coordinator", path,
                              sizeof path, err));
    const char *argv[48] = {ONE_TASK,
                            slurm->node,
                            path,
                            "--run",
                            slurm->node_dir,
                            "--ticket",
                            "-",
                            "--follow-stdin",
                            "--progress",
                            opts->is_quiet ? "none" : "lines",
                            "--listen",
                            opts->address ? opts->address : "tcp://*:0"};
    size_t n = 0;
    while (argv[n])
        n++;
    if (!opts->address) {
        argv[n++] = "--advertise";
        argv[n++] = slurm->address;
    }
    if (opts->is_elastic) { /* its clients may have to queue for hours */
        argv[n++] = "--patience-s";
        argv[n++] = "1e9";
    }
    (void)cli_launch_words(launch, argv, n);
    FL_TRY(cli_pipe(in, err));
    enum fl_status status = cli_pipe(out, err);
    if (status != FL_OK) {
        (void)close(in[0]);
        (void)close(in[1]);
        return status;
    }
    const struct cli_process_io io = {in[0], out[1], -1, NULL};
    status = cli_process_start_with(argv, &io, &launch->coordinator, err);
    (void)close(in[0]);
    (void)close(out[1]);
    slurm->lifeline = in[1];
    if (status == FL_OK)
        *ret_ready_fd = out[0];
    else
        (void)close(out[0]);
    return status;
}

static bool is_whole(const char *ready)
{
    static const char end[] = "\nend\n";
    size_t n = strlen(ready);
    return n >= sizeof end - 1 &&
           strcmp(ready + n - (sizeof end - 1), end) == 0;
}

static enum fl_status on_ready(struct cli_launch *launch, struct fl_error *err)
{
    return launch->opts->is_elastic ? cli_slurm_submit_clients(launch, err)
                                    : FL_OK;
}

/* The step of all client processes. Each takes its number from its rank. */
static enum fl_status
start_child(struct cli_launch *launch, int slot, struct fl_error *err)
{
    struct slurm *slurm = launch->own;
    struct cli_child *child = &launch->children[slot];
    char path[4200], nodes[32], tasks[32], incarnation[32];
    int in[2];
    FL_TRY(
        cli_launch_program(launch, "fedcarbon-client", path, sizeof path, err));
    (void)snprintf(nodes, sizeof nodes, "--nodes=%lld",
                   (long long)slurm->n_nodes);
    (void)snprintf(tasks, sizeof tasks, "--ntasks=%lld",
                   (long long)slurm->processes);
    (void)snprintf(incarnation, sizeof incarnation, "%u", child->incarnation);
    /* The variable is of the job; with a number of tasks that the nodes do
     * not divide srun would complain. */
    const char *argv[28] = {"env",
                            "-u",
                            "SLURM_NTASKS_PER_NODE",
                            "srun",
                            "--overlap",
                            "--quiet", /* errors are said all the same */
                            "--no-kill",
                            "--kill-on-bad-exit=0",
                            "--wait=0",
                            "--chdir=/",
                            "--cpus-per-task=1",
                            "--distribution=cyclic",
                            nodes,
                            tasks,
                            path,
                            "--ticket",
                            "-",
                            "--slot",
                            "rank",
                            "--incarnation",
                            incarnation};
    size_t n_words = 0;
    while (argv[n_words])
        n_words++;
    if (launch->opts->kernels) {
        argv[n_words++] = "--kernels";
        argv[n_words] = launch->opts->kernels;
    }
    FL_TRY(cli_pipe(in, err));
    const struct cli_process_io io = {in[0], -1, -1, NULL};
    enum fl_status status = cli_process_start_with(argv, &io, &child->pid, err);
    size_t n = strlen(launch->ready); /* fits into any pipe */
    if (status == FL_OK && write(in[1], launch->ready, n) != (ssize_t)n)
        status = fl_fail_errno(err, FL_E_IO, "cannot pass on the ticket");
    (void)close(in[0]); /* only now: writing to nobody would kill us */
    (void)close(in[1]);
    return status;
}

static void stop(struct cli_launch *launch, bool is_at_once)
{
    struct slurm *slurm = launch->own;
    if (slurm->lifeline >= 0)
        (void)close(slurm->lifeline);
    slurm->lifeline = -1;
    if (is_at_once)
        (void)kill(launch->coordinator, SIGTERM);
}

/* srun may call it success when the coordinator's node was lost. */
static enum fl_status check_finished(const struct slurm *slurm,
                                     struct fl_error *err)
{
    bool is_finished = false;
    FL_TRY(cli_run_dir_is_finished(slurm->run_dir, &is_finished, err));
    return is_finished
               ? FL_OK
               : fl_fail(err, FL_E_STATE,
                         "the coordinator was lost (node %s); what was saved "
                         "is in %s, go on with --resume",
                         slurm->node, slurm->run_dir);
}

/* salloc would do it, if it lived. */
static void release_job(struct cli_launch *launch)
{
    const struct slurm *slurm = launch->own;
    const char *argv[] = {"scancel", slurm->job, NULL};
    char said[16];
    if (slurm->salloc && getppid() != slurm->salloc)
        (void)!cli_slurm_call(launch, argv, -1, said, sizeof said, NULL);
}

static enum fl_status
finish(struct cli_launch *launch, enum fl_status status, struct fl_error *err)
{
    struct slurm *slurm = launch->own;
    struct fl_error why = {FL_OK, ""};
    if (slurm->lifeline >= 0)
        (void)close(slurm->lifeline);
    slurm->lifeline = -1;
    if (launch->opts->is_elastic)
        cli_slurm_cancel_clients(launch);
    bool is_away = !slurm->is_shared && slurm->node_dir[0];
    enum fl_status fetched = is_away ? copy_back(launch, &why) : FL_OK;
    release_job(launch);
    if (fetched == FL_OK)
        return status == FL_OK ? check_finished(slurm, err) : status;
    if (status != FL_OK && status != FL_E_STOPPED && err)
        fl_log(FL_LOG_ERROR, "%s", err->text);
    return fl_fail(err, FL_E_STATE, "%s", why.text);
}

const struct cli_launcher cli_launcher_slurm = {
    .name = "slurm",
    .doc = "steps of a Slurm job",
    .child = "client step",
    .own_size = sizeof(struct slurm),
    .prepare = prepare,
    .start_coordinator = start_coordinator,
    .is_whole = is_whole,
    .on_ready = on_ready,
    .start_child = start_child,
    .stop = stop,
    .finish = finish,
};
