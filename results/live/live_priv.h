/* Inside of the live view, for the files of results/live/ and their tests. */
#ifndef RESULTS_LIVE_LIVE_PRIV_H
#define RESULTS_LIVE_LIVE_PRIV_H

#include "results/figures/chart.h"
#include "results/live.h"
#include "results/points.h"
#include "results/report_priv.h"

#include <sys/stat.h>

/* Energy and its emissions, spread evenly over their intervals and gathered in
 * equal slices of time. The slices widen as time goes on, so that there are
 * never more than LIVE_SLICES and more than half of them hold something. */
#define LIVE_SLICES 240
struct live_slices {
    double start_s, slice_s; /* slice_s 0: nothing was added yet */
    double end_s;            /* the latest */
    bool is_off;             /* something lay before start_s: no such picture */
    double energy_j[LIVE_SLICES], gco2e[LIVE_SLICES];
};
/* t1_s >= t0_s; an instant counts in the slice that it falls in. */
void live_slices_add(struct live_slices *slices,
                     double t0_s,
                     double t1_s,
                     double energy_j,
                     double gco2e);
/* How many slices reach up to end_s. */
size_t live_slices_n(const struct live_slices *slices);

/* What tells whether a store has changed without opening it. */
struct live_print {
    bool is_there;
    ino_t inode;
    off_t size, log_size;
    struct timespec time, log_time;
};
void live_print_take(const char *path, struct live_print *ret);
bool live_print_is_same(const struct live_print *a, const struct live_print *b);

/* Whether a file is locked by a living process, by the system's list of locks:
 * trying to lock it would be in the writer's way. */
enum live_lock {
    LIVE_LOCK_NONE, /* there is no such file: let go of */
    LIVE_LOCK_HELD,
    LIVE_LOCK_ELSEWHERE, /* another host wrote its name into it */
    LIVE_LOCK_DEAD       /* there is, and nobody of this host holds it */
};
enum live_lock live_lock_of(const char *path, int64_t *ret_pid);

/* Sums of some ledger rows. */
struct live_sums {
    double energy_j, bytes;
    double gco2e, idle_gco2e, embodied_gco2e;
    int64_t entries;
};
double live_sums_within(const struct live_sums *sums,
                        enum res_boundary boundary);

/* A round, and the ledger rows of that round. */
struct live_step {
    int64_t round;
    double sim_time_s, accuracy;
    struct live_sums sums;
};

/* What one client did for a while in the latest round. */
struct live_turn {
    int64_t client;
    enum res_live_doing doing;
    double t0_s, t1_s;
};

struct live_arm {
    char *name;
    int32_t number;
    bool is_per_client, is_finished;
    int64_t participants, planned; /* planned: -1 unknown */
    double target_accuracy;
    double outcome_accuracy, outcome_loss; /* is_finished */
    double accuracy, loss, sim_time_s;
    int64_t n_rounds, last_round;
    struct live_step *steps; /* not of the arm that is per client */
    size_t n_steps, steps_capacity;
    size_t hint;      /* the step that was found last */
    int64_t next_seq; /* ledger rows before it are in `sums` */
    struct live_sums sums;
    struct live_sums ended;  /* from the sums that a finished run has */
    struct live_sums beside; /* rows behind the last round: docs/account.md */
    struct live_slices slices;
    double *power_w, *gco2e_per_kwh; /* [LIVE_SLICES] */
    struct live_turn *turns;         /* of the latest round; federated */
    size_t n_turns, turns_capacity;
    int64_t turns_round; /* of `turns` */
    struct res_live_step *curve;
    size_t curve_capacity;
};

struct live_run {
    char *dir, *path, *lock_path, *log; /* log: of a sweep's run, or NULL */
    char *label, *name, *about;
    char problem[512];
    const char *boundary_name;
    enum res_boundary boundary;
    enum res_live_state state;
    int64_t writer;
    bool is_wanted;   /* with detail */
    bool is_known;    /* texts and arms were read */
    bool is_finished; /* as the store says */
    bool is_behind;   /* ledger rows are left */
    bool has_ended_sums;
    struct live_print print;
    struct live_arm *arms;
    size_t n_arms, arms_capacity;
    bool *is_embodied; /* by component */
    size_t n_components;
    struct res_live_arm *shown; /* [n_arms] */
    struct res_live_run view;
};

/* Rows that one look may still read. */
struct live_budget {
    int64_t rows;
};

/* live_run.c */
enum fl_status live_run_init(const char *dir,
                             struct live_run *ret,
                             struct fl_error *err) FL_NODISCARD;
void live_run_fini(struct live_run *run);
/* Forgets what was read. */
void live_run_clear(struct live_run *run);
/* acc_has_changed is set, never cleared. Fails FL_E_NOMEM. */
enum fl_status live_run_look(struct live_run *run,
                             struct live_budget *budget,
                             bool *acc_has_changed,
                             struct fl_error *err) FL_NODISCARD;

/* live_read.c: what is new in an open store. */
enum fl_status live_read(struct res_store *store,
                         struct live_run *run,
                         struct live_budget *budget,
                         struct fl_error *err) FL_NODISCARD;

/* live_show.c: run->view from what was read. Fails FL_E_NOMEM. */
enum fl_status live_show(struct live_run *run,
                         struct fl_error *err) FL_NODISCARD;

struct res_live {
    char *dir;
    bool is_sweep;
    bool is_at_work; /* somebody holds the sweep's lock */
    char *lock_path, *points_path;
    struct live_print points_print;
    struct live_run *runs;
    size_t n_runs;
    struct res_points table;
    struct res_live_point *points; /* [n_points] */
    const char **values;
    size_t n_points;
};

/* live_charts.c */
enum fl_status live_chart(const struct live_run *run,
                          const char *name,
                          struct res_chart *ret,
                          struct fl_error *err) FL_NODISCARD;

#endif
