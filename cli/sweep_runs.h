/* A sweep: many runs from one scenario, each a child process in a directory of
 * its own, OUT/<first 12 of the resolved scenario's hash>. What is there is not
 * done again: finished runs stay as they are, begun ones are resumed. */
#ifndef CLI_SWEEP_RUNS_H
#define CLI_SWEEP_RUNS_H

#include "cli/load.h"
#include "cli/sinks.h"
#include "coordinator/forecast.h"
#include "results/report.h"
#include "scenarios/sweep.h"

#include <sys/types.h>

struct cli_sweep_opts {
    const char *file;
    struct cli_sets sets;
    const char *out; /* NULL: runs/<name>-sweep */
    const char *data_root;
    const char *cache_dir;
    int64_t jobs;      /* 0: as many as the allowed cores carry */
    int64_t processes; /* client processes of each run */
    struct cli_sink_words sinks; /* of each run */
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
 * its point. vary: of the command line; its sets are opts->sets. Estimates what
 * is not finished, and with is_dry the rest as well. Nothing is written.
 * Fails as scn_sweep_create, scn_scenario_create, coord_forecast.
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
