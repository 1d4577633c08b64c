/* A sweep: many runs from one scenario, each a child process in a directory of
 * its own, OUT/<first 12 of the resolved scenario's hash>. What is there is not
 * done again: finished runs stay as they are, begun ones are resumed. */
#ifndef CLI_SWEEP_SWEEP_RUNS_H
#define CLI_SWEEP_SWEEP_RUNS_H

#include "cli/sinks.h"
#include "cli/words.h"
#include "coordinator/forecast.h"
#include "results/report.h"
#include "scenarios/sweep.h"

#include <sys/types.h>

struct cli_sweep_opts {
    struct cli_subject subject;
    const char *out; /* NULL: runs/<name>-sweep */
    const char *data_root;
    const char *cache_dir;
    int64_t jobs;                /* 0: as many as the allowed cores carry */
    int64_t processes;           /* client processes of each run */
    struct cli_sink_words sinks; /* of each run */
    bool is_slurm;               /* points are the tasks of a job array */
    struct cli_sets slurm_args;  /* of the user, for sbatch */
    bool is_quiet;
    enum res_format format; /* of the table on stdout */
};

enum cli_run_state {
    CLI_RUN_LEFT,
    CLI_RUN_BUSY,
    CLI_RUN_DONE,
    CLI_RUN_FAILED,
    CLI_RUN_STATE_LAST_
};

/* A run that one point, or several that are alike, stand for. */
struct cli_sweep_run {
    size_t point; /* the first that it is */
    char sha256[65];
    char *dir;
    char *log; /* what the child says */
    enum cli_run_state state;
    bool has_begun;
    struct coord_forecast estimate; /* zero for one that was done before */
    pid_t pid;                      /* 0: none */
    double start_wall_s, took_wall_s;
};

struct cli_sweep {
    const struct cli_sweep_opts *opts;
    struct scn_sweep *points;
    char out[4096];
    struct cli_sweep_run *runs; /* in the order of their first points */
    size_t n_runs;
    size_t *run_of; /* [points->n_points] */
    int jobs;
    bool is_stopped; /* asked to: what is left stays so */
};

/* sweep_points.c */

/* Resolves every point; all problems of all points go to stderr, each behind
 * its point. vary: of the command line; its sets are opts->subject.sets.
 * Estimates what is not finished, and with is_dry the rest as well. Nothing is
 * written. Fails as scn_sweep_create, scn_scenario_create, coord_forecast.
 * Free: cli_sweep_destroy. */
enum fl_status cli_sweep_create(const struct cli_sweep_opts *opts,
                                struct scn_sweep_opts *vary,
                                bool is_dry,
                                struct cli_sweep **ret,
                                struct fl_error *err) FL_NODISCARD;
void cli_sweep_destroy(struct cli_sweep *sweep);

/* "data.clients=10 seed=2" of a point, cut to size. */
void cli_sweep_point_text(const struct cli_sweep *sweep,
                          size_t point,
                          char *ret,
                          size_t size);
/* The sets of a point: those of all, and its own behind them.
 * Fails FL_E_CONFIG too many. */
enum fl_status cli_sweep_point_sets(const struct cli_sweep *sweep,
                                    size_t point,
                                    struct cli_sets *ret,
                                    struct fl_error *err) FL_NODISCARD;
/* What is in the run's directory by now: done, begun or nothing.
 * Fails FL_E_CONFIG a run of another scenario; FL_E_IO, FL_E_FORMAT. */
enum fl_status cli_sweep_look(struct cli_sweep_run *run,
                              struct fl_error *err) FL_NODISCARD;
size_t cli_sweep_count(const struct cli_sweep *sweep, enum cli_run_state state);

/* sweep_run.c */

/* Runs what is not finished. A run that fails is reported and stays failed.
 * Fails FL_E_STOPPED asked to stop, all runs have saved what they had;
 * FL_E_STATE another sweep is at work there; FL_E_IO. */
enum fl_status cli_sweep_execute(struct cli_sweep *sweep,
                                 struct fl_error *err) FL_NODISCARD;

#define CLI_SWEEP_SHARED ".shared" /* in the sweep's folder */

/* `fedcarbon run ...` of a point, NULL-terminated, with room for two more. The
 * texts are the sweep's or in here. Fails FL_E_CONFIG too many or too long. */
struct cli_sweep_words {
    const char *argv[2 * (CLI_MAX_SETS + CLI_MAX_SINKS) + 20];
    size_t n;
    struct cli_sets sets;
    char file[4200], processes[32], share_dir[4200], sinks[CLI_MAX_SINKS][4200];
};
enum fl_status cli_sweep_words(const struct cli_sweep *sweep,
                               const struct cli_sweep_run *run,
                               const char *program,
                               struct cli_sweep_words *ret,
                               struct fl_error *err) FL_NODISCARD;

/* A run has ended: as a child process would have. What ends while the sweep
 * is being stopped is left for the next time. */
void cli_sweep_take_end(const struct cli_sweep *sweep,
                        struct cli_sweep_run *run,
                        int wait_status,
                        bool is_stopping);

/* sweep_array.c */

/* Runs what is not finished as tasks of a Slurm job array, each in its own
 * directory, and follows them by what they write there. signal_fd: of
 * cli_signals_open. Fails FL_E_STATE the nodes do not see the folder, or an
 * array of an earlier sweep is at work there; FL_E_IO no sbatch. */
enum fl_status cli_sweep_array(struct cli_sweep *sweep,
                               const char *program,
                               int signal_fd,
                               struct fl_error *err) FL_NODISCARD;

/* sweep_show.c */

/* Wall seconds that one run takes at this machine's speed. */
double cli_sweep_run_wall_s(const struct cli_sweep *sweep,
                            const struct cli_sweep_run *run);
/* Of all runs that are not finished: energy of the simulated world, wall time
 * of this machine. */
void cli_sweep_totals(const struct cli_sweep *sweep,
                      double *ret_energy_j,
                      double *ret_gco2e,
                      double *ret_wall_s,
                      bool *ret_is_upper_bound);
/* The points with what they are estimated to take. */
void cli_sweep_list(const struct cli_sweep *sweep, FILE *out);
/* The progress line: done, running, failed, left, time left. */
void cli_sweep_progress(const struct cli_sweep *sweep, FILE *out);
/* A run has ended. */
void cli_sweep_tell(const struct cli_sweep *sweep,
                    const struct cli_sweep_run *run,
                    const char *why);

/* sweep_table.c */

/* OUT/points.csv: which point is which directory. Fails FL_E_IO. */
enum fl_status cli_sweep_write_points(const struct cli_sweep *sweep,
                                      struct fl_error *err) FL_NODISCARD;
/* The comparison of all finished runs, in the order of the points: in the
 * wanted format on out, and as OUT/table.{txt,csv,md,tex}.
 * Fails as res_compare_with, and FL_E_IO. */
enum fl_status cli_sweep_tables(const struct cli_sweep *sweep,
                                FILE *out,
                                struct fl_error *err) FL_NODISCARD;

#endif
