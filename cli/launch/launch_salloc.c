/* Getting a Slurm job: salloc waits in the queue and runs this very command
 * again once it has the nodes. The inner one does the work (launch_slurm.c);
 * this one passes on requests to stop and the exit code.
 *
 * They talk past salloc, over a socket that is the inner one's standard input:
 * it says that it has begun and, in the end, its exit code; each byte, and the
 * end, of what it hears is a request to stop. (salloc gives the nodes back at
 * once when it is signalled, before anything is saved; and it ends with 0 when
 * its command was killed.) */
#include "cli/launch/launch.h"

#include "base/alloc.h"
#include "base/file.h"
#include "cli/launch/process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define OWN_WORDS 16 /* of salloc, at most */

struct words {
    const char **argv;
    size_t n;
    char nodes[32], tasks[32], per_node[48];
};

static void add(struct words *words, const char *word)
{
    words->argv[words->n++] = word;
}

/* The nodes' processors are counted by Slurm: whole nodes are asked for when
 * nobody says how many processes there are to be. */
static void add_size(struct words *words, const struct cli_launch_opts *opts)
{
    long long n_nodes = opts->n_nodes ? (long long)opts->n_nodes : 1;
    long long n_tasks = opts->processes;
    if (opts->is_elastic) /* of the coordinator alone */
        n_nodes = n_tasks = 1;
    (void)snprintf(words->nodes, sizeof words->nodes, "--nodes=%lld", n_nodes);
    add(words, words->nodes);
    if (n_tasks == 0) {
        add(words, "--exclusive");
        return;
    }
    (void)snprintf(words->tasks, sizeof words->tasks, "--ntasks=%lld", n_tasks);
    add(words, words->tasks);
    (void)snprintf(words->per_node, sizeof words->per_node,
                   "--ntasks-per-node=%lld", (n_tasks + n_nodes - 1) / n_nodes);
    add(words, words->per_node);
}

struct waiting {
    pid_t pid; /* of salloc */
    int signal_fd, inner_fd;
    int n_stops;
    bool has_begun, has_ended; /* the inner command */
    unsigned char exit_code;   /* its */
};

static void take_signals(struct waiting *waiting)
{
    for (int got; (got = cli_signals_take(waiting->signal_fd)) != 0;) {
        if (got == SIGCHLD)
            continue;
        waiting->n_stops++;
        if (!waiting->has_begun)
            (void)kill(waiting->pid, SIGTERM);
        else /* an inner one that is gone needs no word */
            (void)!send(waiting->inner_fd, "s", 1, MSG_NOSIGNAL);
    }
}

/* First that it has begun, then its exit code. false: nothing is there. */
static bool take_word(struct waiting *waiting)
{
    unsigned char word;
    if (recv(waiting->inner_fd, &word, 1, MSG_DONTWAIT) != 1)
        return false;
    waiting->has_ended = waiting->has_begun;
    waiting->has_begun = true;
    waiting->exit_code = word;
    return true;
}

static enum fl_status wait_for(struct waiting *waiting, struct fl_error *err)
{
    int wait_status = 0;
    while (waitpid(waiting->pid, &wait_status, WNOHANG) != waiting->pid) {
        struct pollfd polled[] = {{.fd = waiting->signal_fd, .events = POLLIN},
                                  {.fd = waiting->inner_fd, .events = POLLIN}};
        if (poll(polled, 2, -1) < 0 && errno != EINTR)
            return fl_fail_errno(err, FL_E_IO, "cannot wait for salloc");
        if (polled[1].revents & POLLIN)
            (void)take_word(waiting);
        take_signals(waiting);
    }
    while (!waiting->has_ended && take_word(waiting))
        continue;
    if (waiting->has_ended)
        return FL_OK;
    if (!waiting->has_begun && waiting->n_stops > 0)
        return fl_fail(err, FL_E_STOPPED,
                       "stopped while waiting for nodes; nothing was run");
    char how[64];
    cli_process_end_text(wait_status, how);
    if (!waiting->has_begun)
        return fl_fail(err, FL_E_STATE,
                       "no Slurm job (salloc: %s); nothing was run", how);
    return fl_fail(err, FL_E_STATE,
                   "the launcher inside the job was killed; what was saved can "
                   "be resumed with --resume");
}

static enum fl_status
run(const char *const *argv, unsigned char *ret_exit_code, struct fl_error *err)
{
    struct waiting waiting = {.signal_fd = -1};
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return fl_fail_errno(err, FL_E_IO, "no socket");
    waiting.inner_fd = ends[0];
    const struct cli_process_io io = {ends[1], -1, -1, NULL};
    enum fl_status status = cli_signals_open(true, &waiting.signal_fd, err);
    if (status == FL_OK) {
        status = cli_process_start_with(argv, &io, &waiting.pid, err);
        (void)close(ends[1]);
        ends[1] = -1;
        if (status == FL_OK)
            status = wait_for(&waiting, err);
        cli_signals_close(waiting.signal_fd);
    }
    if (ends[1] >= 0)
        (void)close(ends[1]);
    (void)close(ends[0]);
    *ret_exit_code = waiting.exit_code;
    return status;
}

void cli_slurm_say(unsigned char word)
{
    (void)!send(STDIN_FILENO, &word, 1, MSG_NOSIGNAL);
}

enum fl_status cli_slurm_allocate(const struct cli_launch_opts *opts,
                                  const char *command,
                                  int argc,
                                  char **argv,
                                  int *ret_exit_code,
                                  struct fl_error *err)
{
    char folder[4096], program[4200];
    unsigned char exit_code = 0;
    struct words words = {.n = 0};
    FL_TRY(cli_program_dir(folder, sizeof folder, err));
    FL_TRY(fl_path_join(folder, "fedcarbon", program, sizeof program, err));
    words.argv = fl_calloc(OWN_WORDS + opts->n_slurm_args + (size_t)argc,
                           sizeof *words.argv);
    if (!words.argv)
        return fl_fail(err, FL_E_NOMEM, "out of memory: salloc");
    add(&words, "salloc");
    add(&words, "--job-name=fedcarbon");
    add(&words, "--no-kill");           /* a lost node is not the end */
    add(&words, "--kill-command=TERM"); /* when the job is taken away */
    /* A minute before the time is over all is saved. */
    add(&words, "--signal=TERM@60");
    if (opts->is_quiet)
        add(&words, "--quiet");
    add_size(&words, opts);
    for (size_t i = 0; i < opts->n_slurm_args; i++)
        add(&words, opts->slurm_args[i]);
    add(&words, program);
    add(&words, command);
    add(&words, "--inside");
    for (int i = 1; i < argc; i++)
        add(&words, argv[i]);
    enum fl_status status = run(words.argv, &exit_code, err);
    fl_free(words.argv);
    if (status == FL_OK)
        *ret_exit_code = exit_code;
    return status;
}
