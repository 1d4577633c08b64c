/* A run, or the runs of a sweep, looked at while they go on or after they
 * ended: where each arm stands and what it has cost so far.
 *
 * Looking never holds up who writes: nothing is locked, the store is opened
 * for a moment at a time and only once something in it has changed, and each
 * row of a ledger is read once. What a look shows is one commit of the run:
 * rounds and ledger of the same moment. A run commits every few seconds.
 *
 *     struct res_live *live;
 *     FL_TRY(res_live_create("runs/a", &live, err));
 *     bool has_changed;
 *     FL_TRY(res_live_look(live, &has_changed, err));
 *     const struct res_live_run *run = res_live_run(live, 0);
 *     ... run->arms[0].accuracy ...
 *     res_live_destroy(live);
 *
 * Threads: an object belongs to one thread.
 */
#ifndef RESULTS_LIVE_H
#define RESULTS_LIVE_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum res_live_state {
    RES_LIVE_LEFT,     /* nothing is there yet */
    RES_LIVE_RUNNING,  /* its writer is alive */
    RES_LIVE_FINISHED, /* the last word is written */
    RES_LIVE_STOPPED,  /* its writer let go of it: it can be resumed */
    RES_LIVE_STALE,  /* its writer died; resume goes on from the last commit */
    RES_LIVE_FAILED, /* it said why, or it cannot be read: see `problem` */
    RES_LIVE_STATE_LAST_
};
extern const char *const res_live_state_names[]; /* NULL-terminated */

/* A round (federated) or epoch (centralized). */
struct res_live_step {
    int64_t round;
    double sim_time_s;
    double accuracy; /* NaN: not evaluated then */
    double energy_j; /* of the arm up to and with it */
    double gco2e;    /* likewise, within the run's boundary */
};

/* Figures are those of the comparison table, so far: of a whole arm; of the
 * local arm, means per client over those that are through. NaN = not known. */
struct res_live_arm {
    const char *name;
    bool is_per_client;
    bool is_finished;
    int64_t step, steps;    /* rounds, epochs or clients; steps -1: unknown.
                               With a target, an arm may stop before them */
    double target_accuracy; /* 0: none */
    double accuracy;        /* the last that was measured */
    double loss;            /* likewise */
    double sim_time_s;
    double energy_j;
    double gco2e;
    double so_far_ratio;   /* gco2e over that of the centralized arm so far; not
                              of   one client */
    double equal_accuracy; /* the highest that this arm and the centralized
                              one both had */
    double equal_ratio;    /* carbon of the two when each first had it */
    const struct res_live_step *curve; /* [n_curve], by round; NULL: none */
    size_t n_curve;
    /* Mean power over equal slices of simulated time from start_s on, the last
     * of which ends at end_s, and the emissions of that energy over it; NaN
     * where there was none. */
    const double *power_w, *gco2e_per_kwh; /* [n_slices] */
    size_t n_slices;
    double start_s, slice_s, end_s;
};

enum res_live_doing {
    RES_LIVE_DOWNLOAD,
    RES_LIVE_TRAIN,
    RES_LIVE_UPLOAD,
    RES_LIVE_WAIT,
    RES_LIVE_DOING_LAST_
};
extern const char *const res_live_doing_names[]; /* NULL-terminated */

/* The federated arm's latest round on the simulated clock. */
struct res_live_round {
    bool is_known;
    int64_t round;
    int64_t clients;                           /* that took part */
    double t0_s, t1_s;                         /* of what they did */
    double clients_mean[RES_LIVE_DOING_LAST_]; /* at it, over that time */
};

struct res_live_run {
    const char *dir;   /* as it was given, or OUT/<hash> */
    const char *label; /* for people: the folder's own name */
    const char *name;  /* of the scenario; "" before it is known */
    const char *about; /* "fashion_mnist, cnn2, 100 clients (dirichlet 0.5)" */
    const char *boundary; /* emissions that are counted */
    enum res_live_state state;
    const char *problem; /* "" none */
    int64_t writer;      /* its process; 0: none, or not of this system */
    int64_t entries;     /* ledger rows behind the figures */
    bool is_reading;     /* there are more rows: energy and carbon come later */
    bool has_detail;     /* curves, slices and equal accuracy: see res_live_want
                          */
    const struct res_live_arm *arms; /* centralized first, local last */
    size_t n_arms;
    struct res_live_round round;
};

/* A point of a sweep: its values, and the run that it is. */
struct res_live_point {
    const char *const *values; /* [n_keys] */
    size_t run;
};

struct res_live; /* opaque */

/* dir: a run's directory, or a sweep's (it holds points.csv). Nothing is read
 * yet. Fails FL_E_STATE there is neither; FL_E_FORMAT points.csv is damaged;
 * FL_E_IO, FL_E_NOMEM. Free: res_live_destroy. */
enum fl_status res_live_create(const char *dir,
                               struct res_live **ret,
                               struct fl_error *err) FL_NODISCARD;
void res_live_destroy(struct res_live *live);

/* Looks again. A run that cannot be read is no failure: its state says so.
 * *ret_has_changed: anything that the functions below give has changed, and
 * what they gave before is gone. *ret_is_behind (may be NULL): there is more
 * to read, look again at once.
 * Cost  two stat() of a run in which nothing changed; else the rows that are
 *       new, some 10^5 at a time. Fails FL_E_NOMEM. */
enum fl_status res_live_look(struct res_live *live,
                             bool *ret_has_changed,
                             bool *ret_is_behind,
                             struct fl_error *err) FL_NODISCARD;

/* Of a sweep, finished runs show the sums that they ended with; who wants the
 * rest of one asks for it, and looks again. A single run has it always. */
void res_live_want(struct res_live *live, size_t run);

const char *res_live_dir(const struct res_live *live);
bool res_live_is_sweep(const struct res_live *live);
/* Of all: running while any run is or a sweep is at work there; failed when
 * any did, else stopped when any is left. */
enum res_live_state res_live_state(const struct res_live *live);
size_t res_live_n_runs(const struct res_live *live);
/* Borrowed until the next look. */
const struct res_live_run *res_live_run(const struct res_live *live, size_t i);
size_t res_live_count(const struct res_live *live, enum res_live_state state);

/* Of a sweep; none otherwise. */
size_t res_live_n_points(const struct res_live *live);
const struct res_live_point *res_live_point(const struct res_live *live,
                                            size_t i);
size_t res_live_n_keys(const struct res_live *live);
const char *res_live_key(const struct res_live *live, size_t i);

/* All of the above but curves and slices, as JSON (docs/live.md).
 * Fails FL_E_NOMEM. Free: fl_free. */
enum fl_status res_live_json(const struct res_live *live,
                             char **ret,
                             struct fl_error *err) FL_NODISCARD;

/* Names of the charts of a run: "accuracy", "carbon" ...; ends with NULL. */
extern const char *const res_live_charts[];
/* One of them as JSON of results/figures/chart.h; a chart without series where
 * nothing is known. Fails FL_E_NOMEM. Free: fl_free. */
enum fl_status res_live_chart_json(const struct res_live *live,
                                   size_t run,
                                   const char *name,
                                   char **ret,
                                   struct fl_error *err) FL_NODISCARD;

/* Why a run failed, by what it said in its log: the first error that is nobody
 * else's echo, what was said of a bad option, or the last line. "" when it
 * said nothing. */
void res_live_reason(const char *log, char *ret, size_t size);

#endif
