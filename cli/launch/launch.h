/* Launchers: one coordinator, N client processes, watched; on this machine or
 * as steps of a Slurm job. What dies is replaced; when the coordinator ends,
 * all end. */
#ifndef CLI_LAUNCH_LAUNCH_H
#define CLI_LAUNCH_LAUNCH_H

#include "base/status.h"
#include "cli/energy/self_energy.h"
#include "cli/sinks.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct cli_launcher; /* opaque: launch_priv.h */

/* What $SLURM_... says; NULL: not set. */
struct cli_slurm {
    const char *job;           /* _JOB_ID */
    const char *nodelist;      /* _JOB_NODELIST */
    const char *n_nodes;       /* _JOB_NUM_NODES */
    const char *n_tasks;       /* _NTASKS */
    const char *cpus_per_node; /* _JOB_CPUS_PER_NODE */
};

struct cli_launch_opts {
    const struct cli_launcher *launcher; /* NULL: local */
    const char *run_dir;
    const char *address; /* to listen on; NULL: a socket in a private folder */
    const char *ticket;  /* local: file for who joins; NULL: none */
    const char *data_root; /* NULL: not given */
    const char *cache_dir;
    const char *share_dir; /* of a sweep; NULL: none */
    const char *command;   /* that repeats the run, for its manifest */
    int processes;     /* slurm: 0: as many as there are tasks or processors */
    bool is_together;  /* begin when all of them have joined */
    int expected;      /* of them can work at once; for forecasts; 0: unknown */
    bool has_bindings; /* each process on a core of its own */
    bool is_resume;
    bool is_quiet;
    bool is_profiled;
    const char *kernels;       /* of the client processes; NULL: the best */
    struct cli_energy *energy; /* meters the processes; NULL: nothing does */
    struct cli_sinks *sinks;   /* refreshed meanwhile; NULL: none */
    const struct cli_slurm *slurm; /* only slurm reads what follows */
    const char *const *slurm_args; /* of the user, for sbatch */
    size_t n_slurm_args;
    int64_t n_nodes; /* 0: all of the allocation */
    bool is_elastic;
    bool is_inside; /* started by cli_slurm_allocate */
};

/* Fails FL_E_CONFIG no launcher has this name. */
enum fl_status cli_launcher_find(const char *name,
                                 const struct cli_launcher **ret,
                                 struct fl_error *err) FL_NODISCARD;

bool cli_launcher_is_slurm(const struct cli_launcher *launcher);

/* Asks Slurm for a job and runs in it `fedcarbon COMMAND argv[1..]` again,
 * which then finds itself inside; waits, and passes on requests to stop. Of
 * opts: processes, n_nodes, slurm_args, is_elastic, is_quiet. Fails
 * FL_E_STOPPED stopped while it waited; FL_E_IO salloc cannot be started;
 * FL_E_NOMEM. What the command itself ends with is in ret_exit_code. */
enum fl_status cli_slurm_allocate(const struct cli_launch_opts *opts,
                                  const char *command,
                                  int argc,
                                  char **argv,
                                  int *ret_exit_code,
                                  struct fl_error *err) FL_NODISCARD;

/* A word as a shell reads it back: 'it'\''s'. */
void cli_slurm_quote(const char *text, FILE *out);

/* From inside to who waits outside: that it has begun, then the exit code. */
void cli_slurm_say(unsigned char word);

/* Runs to the end. Fails FL_E_STOPPED asked to stop, all saved; FL_E_CONFIG
 * the coordinator refused its input; FL_E_STATE a process failed, which has
 * said why; FL_E_IO processes cannot be started. */
enum fl_status cli_launch(const struct cli_launch_opts *opts,
                          struct fl_error *err) FL_NODISCARD;

#endif
