/* Inside the launchers: what all of them share (launch.c), and what each does
 * in its own way (launch_local.c, launch_slurm.c). A launcher starts one
 * coordinator and some children that host client processes; launch.c watches
 * them, passes on requests to stop, and says how it ended. */
#ifndef CLI_LAUNCH_LAUNCH_PRIV_H
#define CLI_LAUNCH_LAUNCH_PRIV_H

#include "cli/launch/launch.h"
#include "comms/ticket.h"

#include <sys/types.h>

struct cli_child {
    pid_t pid; /* 0: not running */
    unsigned incarnation;
    double start_wall_s;
    int n_young_deaths;
};

struct cli_launch {
    const struct cli_launch_opts *opts;
    const struct cli_launcher *launcher;
    char program_dir[4096];
    /* What the coordinator said when it was ready: all of it, and its NUL. */
    char ready[COMMS_TICKET_BYTES + 1];
    bool is_ready;
    char awaited[16];  /* client processes that are waited for; "": none */
    char expected[16]; /* client processes that can work at once; "": unknown */
    pid_t coordinator; /* 0: not running */
    int coordinator_status;
    struct cli_child *children;
    int n_children;
    int signal_fd;
    int n_stops;        /* how often we were asked to stop */
    double stop_wall_s; /* when last */
    void *own;          /* the launcher's, zeroed at first */
};

struct cli_launcher {
    const char *name, *doc;
    const char *child; /* what one is called */
    size_t own_size;
    /* Before anything is started. Sets n_children. */
    enum fl_status (*prepare)(struct cli_launch *launch, struct fl_error *err);
    /* Starts it. ret_ready_fd: where it will say that it is ready; closed by
     * the caller. */
    enum fl_status (*start_coordinator)(struct cli_launch *launch,
                                        int *ret_ready_fd,
                                        struct fl_error *err);
    /* Whether this is all that it says when it is ready. */
    bool (*is_whole)(const char *ready);
    /* It is ready: what has to be done before the children start. */
    enum fl_status (*on_ready)(struct cli_launch *launch, struct fl_error *err);
    enum fl_status (*start_child)(struct cli_launch *launch,
                                  int slot,
                                  struct fl_error *err);
    /* Asks the coordinator to save everything and end, or to end at once. */
    void (*stop)(struct cli_launch *launch, bool is_at_once);
    /* All processes have ended; status: how the run went. Brings the results
     * home. Always called once prepare was, also when that failed. */
    enum fl_status (*finish)(struct cli_launch *launch,
                             enum fl_status status,
                             struct fl_error *err);
};

extern const struct cli_launcher cli_launcher_local, cli_launcher_slurm;

/* DIR/name of the programs that belong together. Fails FL_E_ARG. */
enum fl_status cli_launch_program(const struct cli_launch *launch,
                                  const char *name,
                                  char *ret,
                                  size_t size,
                                  struct fl_error *err) FL_NODISCARD;

/* Options of fedcarbon-coordinator that every launcher passes on, at argv[n];
 * the new n. Room for 16 is needed. */
size_t
cli_launch_words(const struct cli_launch *launch, const char **argv, size_t n);

/* Takes what signals have come and passes on requests to stop. */
void cli_launch_take_signals(struct cli_launch *launch);

/* DIR/name in the run directory. Fails FL_E_ARG. */
enum fl_status cli_launch_path(const struct cli_launch *launch,
                               const char *name,
                               char *ret,
                               size_t size,
                               struct fl_error *err) FL_NODISCARD;

#endif
