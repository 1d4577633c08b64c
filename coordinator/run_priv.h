/* What the coordinator's files share: one run and its arms. */
#ifndef COORDINATOR_RUN_PRIV_H
#define COORDINATOR_RUN_PRIV_H

#include "coordinator/participation.h"
#include "coordinator/blob.h"
#include "coordinator/coordinator.h"
#include "coordinator/dispatch.h"
#include "coordinator/forecast.h"
#include "coordinator/vector.h"
#include "nn/model.h"
#include "results/store.h"
#include "scenarios/scenario.h"

struct coord_run;

/* How far an arm is; for forecasts and the progress line only. */
struct coord_standing {
    int64_t step, steps; /* rounds, epochs or clients: done, and at most */
    double done_flop, left_flop;
    double accuracy; /* the latest; NaN: none yet */
    double sim_time_s;
};

struct coord_arm_type {
    enum scn_arm arm;
    enum fl_status (*create)(struct coord_run *run,
                             void **ret,
                             struct fl_error *err);
    void (*destroy)(void *self); /* copes with NULL */
    /* Submits the next work from where the arm stands. */
    enum fl_status (*start)(void *self, struct fl_error *err);
    /* Writes or reads where it stands (see blob.h). */
    void (*state)(void *self, struct coord_blob *blob);
    void (*standing)(const void *self, struct coord_standing *ret);
    bool (*is_done)(const void *self);
    /* In place of start, in a mock run: one round, one epoch, or everything,
     * as if it had been trained. Called until it is done. */
    enum fl_status (*mock)(void *self, struct fl_error *err);
    /* The model it ended with, borrowed; NULL where there is no single one. */
    const float *(*model)(const void *self);
};

extern const struct coord_arm_type coord_arm_federated;
extern const struct coord_arm_type coord_arm_centralized;
extern const struct coord_arm_type coord_arm_local;
/* By enum scn_arm. */
extern const struct coord_arm_type *const coord_arm_types[];

struct coord_total { /* running sums of the ledger entries written */
    double energy_j;
    double emitted_gco2e;
    int64_t entries; /* of this sitting */
};

struct coord_run {
    const struct coord_opts *opts;
    struct scn_scenario *scenario;
    char *scenario_text;
    char *blas_kernel; /* of earlier sittings; NULL: none yet */
    struct scn_task task;
    int64_t clients;
    int32_t *fleet_row; /* [clients]; NULL without a fleet */
    size_t n_params;
    float *start; /* [n_params] that every arm starts from; else NULL: drawn */
    struct nn_cost cost;
    struct comms_context *context; /* NULL in a mock run, as are the next */
    struct comms_endpoint *hub;
    struct coord_shelf *shelf;
    struct coord_dispatch *dispatch;
    struct nn_profile *profile;      /* NULL: nothing is timed */
    struct coord_profile_book *book; /* what the client processes say */
    struct res_store *store;
    void *arms[SCN_ARM_LAST_]; /* NULL: not in this scenario */
    struct coord_total totals[SCN_ARM_LAST_];
    struct coord_forecast forecast; /* made when it began */
    bool has_forecast;
    double foretold_wall_s; /* when: data are open by then */
    double start_wall_s;
    double loop_wall_s;    /* when the work began */
    double loop_done_flop; /* what had been done by then (resumed runs) */
    double earlier_wall_s; /* of sittings before a resume */
    double commit_wall_s;  /* when last */
    double commit_every_wall_s;
};

/* Work of n samples, forward and backward, or forward alone. */
bool coord_is_mock(const struct coord_run *run);
double coord_train_flop(const struct coord_run *run, int64_t samples);
double coord_evaluate_flop(const struct coord_run *run, int64_t samples);
int64_t coord_client_samples(const struct coord_run *run, int64_t client);

/* start.c: the parameters that every arm starts from. */

/* Reads scenario->initial_model, if there is one.
 * Fails FL_E_CONFIG not the file that the scenario was resolved with;
 * FL_E_FORMAT not of this model; FL_E_IO; FL_E_NOMEM. */
enum fl_status coord_open_start(struct coord_run *run,
                                struct fl_error *err) FL_NODISCARD;
/* ret [n_params] */
void coord_take_start(const struct coord_run *run, float *ret);

/* mock.c: what is said instead of trained. */

/* The stated accuracy after a round or epoch of an arm; NaN: none is stated.
 * Fails FL_E_RANGE the curve has none there. */
enum fl_status coord_mock_accuracy(const struct coord_run *run,
                                   enum scn_arm arm,
                                   int64_t at,
                                   double *ret,
                                   struct fl_error *err) FL_NODISCARD;
/* That nothing was trained, and by which curves, into the store. */
enum fl_status coord_mock_store(struct coord_run *run,
                                struct fl_error *err) FL_NODISCARD;

/* accounting.c: what the simulated world did, as ledger entries. */

/* What each of the selected clients does in a round, as coord_settle says.
 * Returns how many count; *ret_length_s until the server goes on. */
int64_t coord_settle_round(const struct coord_run *run,
                           int64_t round,
                           const int64_t *clients,
                           int64_t n,
                           struct coord_turn *turns,
                           struct coord_turn **order, /* [n] room */
                           double *ret_length_s);

struct coord_round {
    int64_t round;
    double t0_s; /* its start */
    const int64_t *clients;
    const bool *is_refused;         /* [n] update not used */
    const struct coord_turn *turns; /* [n] */
    int64_t n;
    int64_t counted;
    double length_s; /* as coord_settle_round */
    bool is_evaluated;
};
/* One federated round. *ret_t_s is when the server is through. */
enum fl_status coord_account_round(struct coord_run *run,
                                   const struct coord_round *round,
                                   double *ret_t_s,
                                   struct fl_error *err) FL_NODISCARD;
/* All clients download the software from time 0 on, where the scenario says
 * that there is any; *ret_t_s is when the last one has it. */
enum fl_status coord_account_software(struct coord_run *run,
                                      double *ret_t_s,
                                      struct fl_error *err) FL_NODISCARD;
/* All clients send their data to the data centre. */
enum fl_status coord_account_data_upload(struct coord_run *run,
                                         double *ret_t_s,
                                         struct fl_error *err) FL_NODISCARD;
/* One epoch of the centralized arm, with its evaluation and what keeping the
 * uploaded data costs meanwhile. */
enum fl_status coord_account_epoch(struct coord_run *run,
                                   int64_t epoch,
                                   double t0_s,
                                   int64_t samples,
                                   double *ret_t_s,
                                   struct fl_error *err) FL_NODISCARD;
/* One client training alone for some epochs from time 0. */
enum fl_status coord_account_alone(struct coord_run *run,
                                   int64_t client,
                                   int64_t epochs,
                                   double *ret_t_s,
                                   struct fl_error *err) FL_NODISCARD;
/* Every fact that the run rests on, into the store. */
enum fl_status coord_store_facts(struct coord_run *run,
                                 struct fl_error *err) FL_NODISCARD;

/* An arm as the store has it from the start: whoever may train. */
struct res_arm coord_arm_row(const struct coord_run *run, enum scn_arm arm);

/* manifest.c: what is told of a run besides its results. */
enum fl_status coord_store_start(struct coord_run *run,
                                 struct fl_error *err) FL_NODISCARD;
enum fl_status coord_store_end(struct coord_run *run,
                               struct fl_error *err) FL_NODISCARD;
/* Wall time so far, that of earlier sittings included, and the kernels. */
enum fl_status coord_store_wall(struct coord_run *run,
                                struct fl_error *err) FL_NODISCARD;
enum fl_status coord_load_wall(struct coord_run *run,
                               struct fl_error *err) FL_NODISCARD;

/* forecast_kept.c: what the run was going to take, and how well that held. */

/* Makes the forecast and stores it; not for the points of a sweep, which has
 * made one of its own. */
enum fl_status coord_forecast_keep(struct coord_run *run,
                                   struct fl_error *err) FL_NODISCARD;
/* What came of it, into the store; told to people, too. */
enum fl_status coord_forecast_close(struct coord_run *run,
                                    struct fl_error *err) FL_NODISCARD;
/* forecast.c: of an opened run; nothing of it changes. */
enum fl_status coord_forecast_of(const struct coord_run *run,
                                 struct coord_speeds *speeds,
                                 struct coord_forecast *ret,
                                 struct fl_error *err) FL_NODISCARD;
/* forecast_machine.c: speed and memory here. */
enum fl_status coord_forecast_machine(const struct coord_run *run,
                                      struct coord_speeds *speeds,
                                      struct coord_forecast *acc,
                                      struct fl_error *err) FL_NODISCARD;

/* coordinator.c: from one saving, that took so long, to the next. */
double coord_save_interval_wall_s(double took_wall_s, double least_wall_s);

/* progress.c */
void coord_progress_say(const struct coord_run *run, const char *sentence);
double coord_progress_done_flop(const struct coord_run *run);
void coord_progress_show(const struct coord_run *run, bool is_last);

#endif
