/* Starting and watching child processes: their own group (a terminal's Ctrl-C
 * reaches the launcher alone), a clean signal mask, a fixed BLAS environment.
 */
#ifndef CLI_LAUNCH_PROCESS_H
#define CLI_LAUNCH_PROCESS_H

#include "base/status.h"

#include <stdbool.h>
#include <sys/types.h>

/* Starts argv[0], on the PATH unless it has a slash, with the parent's
 * environment, in which everything that changes how OpenBLAS computes is set
 * for all processes alike.
 * keep_fd: stays open in the child under the same number; -1: none.
 * Fails FL_E_IO, with the program's name. */
enum fl_status cli_process_start(const char *const *argv,
                                 int keep_fd,
                                 pid_t *ret_pid,
                                 struct fl_error *err) FL_NODISCARD;

/* The same, reading nothing and writing to the file `output`, made anew.
 * Fails FL_E_IO. */
enum fl_status cli_process_start_into(const char *const *argv,
                                      int keep_fd,
                                      const char *output,
                                      pid_t *ret_pid,
                                      struct fl_error *err) FL_NODISCARD;

/* A child's descriptors; -1 and NULL: as ours. */
struct cli_process_io {
    int in_fd;          /* becomes its standard input */
    int out_fd;         /* becomes its standard output */
    int keep_fd;        /* stays open in it under the same number */
    const char *output; /* reads nothing, writes all to this file, made anew */
};
/* The same with these. Fails FL_E_IO. */
enum fl_status cli_process_start_with(const char *const *argv,
                                      const struct cli_process_io *io,
                                      pid_t *ret_pid,
                                      struct fl_error *err) FL_NODISCARD;

/* For programs that anybody may have started, on any host: begins this one
 * anew unless its environment is what cli_process_start would give it. argv: of
 * main. */
void cli_process_settle(char **argv);

/* A descriptor that is readable once SIGINT, SIGTERM, SIGHUP or SIGIO (and
 * SIGCHLD, where wants_children) has come. Once per process. Fails FL_E_IO. */
enum fl_status cli_signals_open(bool wants_children,
                                int *ret_fd,
                                struct fl_error *err) FL_NODISCARD;

/* From here on signals do again what they do by default. Closes the
 * descriptor. */
void cli_signals_close(int fd);

/* Takes one pending signal, or 0. */
int cli_signals_take(int fd);

/* Ends this process when `parent` ends (Linux): with SIGTERM, so that a
 * coordinator still saves everything. Fails FL_E_STATE it has ended already. */
enum fl_status cli_process_follow(pid_t parent,
                                  struct fl_error *err) FL_NODISCARD;

/* The same when the standard input ends (Linux), which nobody may write to:
 * what started us holds its other end, on whatever host. Fails FL_E_IO. */
enum fl_status cli_process_follow_stdin(struct fl_error *err) FL_NODISCARD;

/* A pipe whose ends no child inherits. Fails FL_E_IO. */
enum fl_status cli_pipe(int ret_fds[2], struct fl_error *err) FL_NODISCARD;

/* The folder of the running program, in ret[size]. Fails FL_E_IO. */
enum fl_status
cli_program_dir(char *ret, size_t size, struct fl_error *err) FL_NODISCARD;

/* As many open files as the system allows: a hub holds some per process. */
void cli_settle_limits(void);

/* "killed by signal 9" or "exit code 3" of a wait status, into ret[64]. */
void cli_process_end_text(int wait_status, char ret[64]);

#endif
