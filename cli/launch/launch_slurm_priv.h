/* What the files of the Slurm launcher share. */
#ifndef CLI_LAUNCH_LAUNCH_SLURM_PRIV_H
#define CLI_LAUNCH_LAUNCH_SLURM_PRIV_H

#include "cli/launch/launch_priv.h"

#include <stdint.h>

struct slurm {
    char job[32];
    int64_t n_nodes, processes;
    char node[256], address[256]; /* of the coordinator */
    char run_dir[4096];           /* absolute */
    char node_dir[4096]; /* the run directory, as the node sees it; "": none */
    bool is_shared;      /* it is the same */
    pid_t salloc;        /* that we run under; 0: none */
    int lifeline;        /* the coordinator ends when it is closed; -1: it is */
    char array[128];     /* the elastic clients' name as jobs; "": none */
};

/* Runs a command to its end, which may read in_fd (-1: nothing); what it
 * writes is in ret_text[size], cut. Asked to stop, it is ended.
 * Fails FL_E_STATE it failed; FL_E_STOPPED; FL_E_IO. */
enum fl_status cli_slurm_call(struct cli_launch *launch,
                              const char *const *argv,
                              int in_fd,
                              char *ret_text,
                              size_t size,
                              struct fl_error *err) FL_NODISCARD;

/* launch_elastic.c: the clients as a job array, from a script that stays in
 * the run directory (0600: the ticket is in it) until the run ends. Whoever
 * submits it with other indices adds processes. */
enum fl_status cli_slurm_submit_clients(struct cli_launch *launch,
                                        struct fl_error *err) FL_NODISCARD;
void cli_slurm_cancel_clients(struct cli_launch *launch);

#endif
