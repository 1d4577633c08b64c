/* The local launcher: one coordinator, N client processes, watched. A client
 * process that dies is replaced; when the coordinator ends, all end. */
#ifndef CLI_LAUNCH_H
#define CLI_LAUNCH_H

#include "base/status.h"
#include "cli/self_energy.h"
#include "cli/sinks.h"

#include <stdbool.h>

struct cli_launch_opts {
    const char *run_dir;
    const char *address; /* to listen on; NULL: a socket in a private folder */
    const char *data_root; /* NULL: not given */
    const char *cache_dir;
    const char *share_dir; /* of a sweep; NULL: none */
    const char *command;   /* that repeats the run, for its manifest */
    int processes;
    bool has_bindings; /* each process on a core of its own */
    bool is_resume;
    bool is_quiet;
    bool is_profiled;
    const char *kernels;       /* of the client processes; NULL: the best */
    struct cli_energy *energy; /* meters the processes; NULL: nothing does */
    struct cli_sinks *sinks;   /* refreshed meanwhile; NULL: none */
};

/* Runs to the end. Fails FL_E_STOPPED asked to stop, all saved; FL_E_CONFIG
 * the coordinator refused its input; FL_E_STATE a process failed, which has
 * said why; FL_E_IO processes cannot be started. */
enum fl_status cli_launch(const struct cli_launch_opts *opts,
                          struct fl_error *err) FL_NODISCARD;

#endif
