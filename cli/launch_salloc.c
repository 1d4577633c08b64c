/* Getting a Slurm job: salloc waits in the queue and runs this very command
 * again once it has the nodes. The inner one does the work (launch_slurm.c);
 * this one passes on requests to stop and the exit code. */
#include "cli/launch.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "cli/exit_code.h"
#include "cli/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
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

static void take_signals(int signal_fd, pid_t pid, int *acc_stops)
{
    for (int got; (got = cli_signals_take(signal_fd)) != 0;) {
        if (got == SIGCHLD)
            continue;
        ++*acc_stops;
        (void)kill(pid, SIGTERM); /* it tells the command inside */
    }
}

/* Reading nothing: else it would want the terminal for itself. */
static enum fl_status run(const char *const *argv,
                          int *ret_wait_status,
                          int *ret_stops,
                          struct fl_error *err)
{
    int signal_fd = -1;
    pid_t pid = 0;
    FL_TRY(cli_signals_open(true, &signal_fd, err));
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    const struct cli_process_io io = {nothing, -1, -1, NULL};
    enum fl_status status = cli_process_start_with(argv, &io, &pid, err);
    if (nothing >= 0)
        (void)close(nothing);
    while (status == FL_OK && waitpid(pid, ret_wait_status, WNOHANG) != pid) {
        struct pollfd polled = {.fd = signal_fd, .events = POLLIN};
        if (poll(&polled, 1, -1) < 0 && errno != EINTR)
            status = fl_fail_errno(err, FL_E_IO, "cannot wait for salloc");
        take_signals(signal_fd, pid, ret_stops);
    }
    cli_signals_close(signal_fd);
    return status;
}

enum fl_status cli_slurm_allocate(const struct cli_launch_opts *opts,
                                  const char *command,
                                  int argc,
                                  char **argv,
                                  int *ret_exit_code,
                                  struct fl_error *err)
{
    char folder[4096], program[4200];
    int wait_status = 0, n_stops = 0;
    struct words words = {.n = 0};
    FL_TRY(cli_program_dir(folder, sizeof folder, err));
    FL_TRY(fl_path_join(folder, "fedcarbon", program, sizeof program, err));
    words.argv = fl_calloc(OWN_WORDS + opts->n_slurm_args + (size_t)argc,
                           sizeof *words.argv);
    if (!words.argv)
        return fl_fail(err, FL_E_NOMEM, "out of memory: salloc");
    add(&words, "salloc");
    add(&words, "--job-name=fedcarbon");
    add(&words, "--no-kill"); /* a lost node is not the end */
    /* A minute before the time is over all is saved. */
    add(&words, "--signal=TERM@60");
    if (opts->is_quiet)
        add(&words, "--quiet");
    add_size(&words, opts);
    for (size_t i = 0; i < opts->n_slurm_args; i++)
        add(&words, opts->slurm_args[i]);
    add(&words, program);
    add(&words, command);
    for (int i = 1; i < argc; i++)
        add(&words, argv[i]);
    enum fl_status status = run(words.argv, &wait_status, &n_stops, err);
    fl_free(words.argv);
    FL_TRY(status);
    *ret_exit_code =
        WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : CLI_EXIT_FAILED;
    return FL_OK;
}
