#include "coordinator/coordinator.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "coordinator/rows.h"
#include "coordinator/run_priv.h"
#include "nn/safetensors.h"
#include "results/report.h"

#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#define SILENCE_WALL_S  30.0
#define SILENCE_BEATS   30.0 /* as client processes have it */
#define PATIENCE_WALL_S 60.0
#define COMMIT_WALL_S   2.0
/* A commit that takes long (a large model, a busy disk) comes more rarely: no
 * more than a hundredth of the time goes into commits. */
#define COMMIT_RARITY 100.0
/* But no less than so often: what a commit takes grows with what there is to
 * be saved, and so it would become rarer and rarer on a slow disk. */
#define COMMIT_MOST_WALL_S 30.0
#define SHOW_LINE_WALL_S   5.0
#define SHOW_TERM_WALL_S   0.1
#define LINGER_WALL_S      2.0
#define MAX_SCENARIO       ((size_t)1 << 20)
/* Of a message's metadata: besides its tables (a scenario, a profile), and per
 * row of a table. */
#define META_BYTES ((size_t)4 << 20)
#define ROW_BYTES  ((size_t)64)

const struct coord_arm_type *const coord_arm_types[] = {
    [SCN_FEDERATED] = &coord_arm_federated,
    [SCN_CENTRALIZED] = &coord_arm_centralized,
    [SCN_LOCAL] = &coord_arm_local,
};
_Static_assert(sizeof coord_arm_types / sizeof coord_arm_types[0] ==
                   SCN_ARM_LAST_,
               "every arm has a type");

static enum fl_status open_scenario(struct coord_run *run, struct fl_error *err)
{
    char path[4096];
    uint8_t *text = NULL;
    size_t n = 0;
    FL_TRY(fl_path_join(run->opts->run_dir, "scenario.yaml", path, sizeof path,
                        err));
    FL_TRY(fl_file_read(path, MAX_SCENARIO, &text, &n, err));
    run->scenario_text = (char *)text;
    FL_TRY(scn_scenario_parse(path, run->scenario_text, n, NULL, &run->scenario,
                              err));
    return scn_scenario_open_grid(run->scenario, err);
}

static enum fl_status open_task(struct coord_run *run, struct fl_error *err)
{
    struct scn_scenario *scenario = run->scenario;
    FL_TRY(scn_task_init(&run->task, scenario, run->opts->data_root,
                         run->opts->cache_dir, NULL, err));
    run->clients = run->task.clients;
    /* Who shares centralized arms tells them apart by their samples. */
    if (run->task.dataset && !run->opts->share_dir)
        nn_partition_keep_sizes(&run->task.partition);
    run->n_params = (size_t)nn_model_n_params(run->task.model);
    run->cost = nn_model_cost(run->task.model);
    if (scenario->n_fleet > 0) {
        run->fleet_row =
            fl_calloc((size_t)run->clients, sizeof *run->fleet_row);
        if (!run->fleet_row)
            return fl_fail(err, FL_E_NOMEM, "out of memory: fleet");
        scn_fleet_assign(scenario, run->clients, run->fleet_row);
    }
    FL_TRY(coord_open_start(run, err));
    return coord_is_mock(run)
               ? FL_OK
               : coord_shelf_create(run->n_params, &run->shelf, err);
}

static int64_t participants(const struct coord_run *run, enum scn_arm arm)
{
    int64_t sampled = run->scenario->alone_clients;
    if (arm == SCN_LOCAL && sampled > 0 && sampled < run->clients)
        return sampled;
    return run->clients;
}

static double target(const struct scn_scenario *scenario, enum scn_arm arm)
{
    const double targets[] = {
        [SCN_FEDERATED] = scenario->stop_accuracy,
        [SCN_CENTRALIZED] = scenario->centralized.stop_accuracy,
        [SCN_LOCAL] = scenario->alone.stop_accuracy,
    };
    return targets[arm];
}

struct res_arm coord_arm_row(const struct coord_run *run, enum scn_arm arm)
{
    return (struct res_arm){
        .arm = (int32_t)arm,
        .name = scn_arm_name(arm),
        .participants = participants(run, arm),
        .population = run->clients,
        .target_accuracy = target(run->scenario, arm),
    };
}

static enum fl_status begin_store(struct coord_run *run, struct fl_error *err)
{
    FL_TRY(coord_store_start(run, err));
    for (int arm = 0; arm < SCN_ARM_LAST_; arm++) {
        if (!run->scenario->has_arm[arm])
            continue;
        struct res_arm row = coord_arm_row(run, (enum scn_arm)arm);
        FL_TRY(res_store_add_arm(run->store, &row, err));
    }
    FL_TRY(coord_store_facts(run, err));
    return res_store_commit(run->store, err);
}

/* What is resumed must go on to the same bits. */
static enum fl_status check_same(struct coord_run *run,
                                 const char *key,
                                 const char *what,
                                 const char *ours,
                                 struct fl_error *err)
{
    char *stored = NULL;
    FL_TRY(res_store_get(run->store, key, &stored, err));
    bool is_same = stored && strcmp(stored, ours) == 0;
    enum fl_status status =
        is_same ? FL_OK
                : fl_fail(err, FL_E_STATE,
                          "%s: a run with %s %.80s, allowed %.80s; nothing is "
                          "resumed",
                          run->opts->run_dir, what, stored ? stored : "unknown",
                          ours);
    fl_free(stored);
    return status;
}

static enum fl_status load_run(struct coord_run *run, struct fl_error *err)
{
    FL_TRY(check_same(run, "scenario_sha256", "scenario", run->scenario->sha256,
                      err));
    FL_TRY(check_same(run, "dataset_sha256", "data set",
                      run->task.dataset_sha256, err));
    FL_TRY(check_same(run, "version", "version", run->opts->version, err));
    FL_TRY(res_store_get(run->store, "blas_kernel", &run->blas_kernel, err));
    FL_TRY(coord_store_facts(run, err)); /* entries name them by address */
    return coord_load_wall(run, err);
}

static enum fl_status
load_arm(struct coord_run *run, enum scn_arm arm, struct fl_error *err)
{
    uint8_t *bytes = NULL;
    size_t n = 0;
    FL_TRY(res_store_get_checkpoint(run->store, (int32_t)arm, &bytes, &n, err));
    if (!bytes)
        return FL_OK; /* killed before its first checkpoint */
    struct coord_blob blob;
    char what[64];
    (void)snprintf(what, sizeof what, "checkpoint of the %s arm",
                   scn_arm_name(arm));
    coord_blob_init_reader(&blob, bytes, n);
    coord_arm_types[arm]->state(run->arms[arm], &blob);
    enum fl_status status = coord_blob_done(&blob, what, err);
    coord_blob_fini(&blob);
    fl_free(bytes);
    FL_TRY(status);
    struct coord_total *total = &run->totals[arm];
    return res_store_arm_total(run->store, (int32_t)arm, &total->energy_j,
                               &total->emitted_gco2e, err);
}

static enum fl_status create_arms(struct coord_run *run, struct fl_error *err)
{
    for (int arm = 0; arm < SCN_ARM_LAST_; arm++) {
        if (!run->scenario->has_arm[arm])
            continue;
        FL_TRY(coord_arm_types[arm]->create(run, &run->arms[arm], err));
        if (run->opts->is_resume)
            FL_TRY(load_arm(run, (enum scn_arm)arm, err));
    }
    return FL_OK;
}

/* Ledger, rounds and the arms' states, all of the same moment. */
static enum fl_status put_all(struct coord_run *run, struct fl_error *err)
{
    for (int arm = 0; arm < SCN_ARM_LAST_; arm++) {
        if (!run->arms[arm])
            continue;
        struct coord_blob blob;
        coord_blob_init_writer(&blob);
        coord_arm_types[arm]->state(run->arms[arm], &blob);
        enum fl_status status = coord_blob_done(&blob, "checkpoint", err);
        if (status == FL_OK)
            status = res_store_put_checkpoint(run->store, arm, blob.bytes,
                                              blob.n, err);
        coord_blob_fini(&blob);
        FL_TRY(status);
    }
    FL_TRY(coord_store_wall(run, err));
    return res_store_commit(run->store, err);
}

double coord_save_interval_wall_s(double took_wall_s, double least_wall_s)
{
    double rare_wall_s = took_wall_s * COMMIT_RARITY;
    return fmax(fmin(rare_wall_s, COMMIT_MOST_WALL_S), least_wall_s);
}

static double save_every_wall_s(const struct coord_run *run)
{
    return run->opts->save_every_wall_s > 0 ? run->opts->save_every_wall_s
                                            : COMMIT_WALL_S;
}

static enum fl_status commit(struct coord_run *run, struct fl_error *err)
{
    double start_wall_s = fl_clock_wall_s();
    nn_profile_before_wait(run->profile, NN_PHASE_OTHER);
    enum fl_status status = put_all(run, err);
    nn_profile_after_wait(run->profile, NN_PHASE_LEDGER);
    run->commit_wall_s = fl_clock_wall_s();
    run->commit_every_wall_s = coord_save_interval_wall_s(
        run->commit_wall_s - start_wall_s, save_every_wall_s(run));
    return status;
}

static bool is_over(const struct coord_run *run)
{
    for (int arm = 0; arm < SCN_ARM_LAST_; arm++)
        if (run->arms[arm] && !coord_arm_types[arm]->is_done(run->arms[arm]))
            return false;
    return true;
}

static bool is_readable(int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    return fd >= 0 && poll(&poll_fd, 1, 0) == 1;
}

/* One step of each arm that is not through. */
static enum fl_status mock_turn(struct coord_run *run, struct fl_error *err)
{
    for (int arm = 0; arm < SCN_ARM_LAST_; arm++)
        if (run->arms[arm] && !coord_arm_types[arm]->is_done(run->arms[arm]))
            FL_TRY(coord_arm_types[arm]->mock(run->arms[arm], err));
    return FL_OK;
}

static enum fl_status stop_now(struct coord_run *run, struct fl_error *err)
{
    FL_TRY(commit(run, err));
    coord_progress_show(run, true);
    return fl_fail(err, FL_E_STOPPED, "stopped; everything is saved");
}

/* Those who come first would do all of a short run. */
static enum fl_status await_processes(struct coord_run *run,
                                      struct fl_error *err)
{
    size_t wanted = (size_t)run->opts->awaited_processes;
    while (!coord_is_mock(run) &&
           coord_dispatch_n_peers(run->dispatch) < wanted) {
        FL_TRY(coord_dispatch_turn(run->dispatch, SHOW_LINE_WALL_S,
                                   run->opts->stop_fd, err));
        if (is_readable(run->opts->stop_fd))
            return stop_now(run, err);
    }
    return FL_OK;
}

static enum fl_status start_arms(struct coord_run *run, struct fl_error *err)
{
    /* The centralized arm's epochs are the longest tasks, and a chain. */
    static const enum scn_arm order[] = {SCN_CENTRALIZED, SCN_FEDERATED,
                                         SCN_LOCAL};
    for (size_t i = 0; i < SCN_ARM_LAST_ && !coord_is_mock(run); i++)
        if (run->arms[order[i]])
            FL_TRY(coord_arm_types[order[i]]->start(run->arms[order[i]], err));
    return FL_OK;
}

static enum fl_status loop(struct coord_run *run, struct fl_error *err)
{
    bool is_terminal = run->opts->progress == COORD_PROGRESS_TERMINAL;
    double every = is_terminal ? SHOW_TERM_WALL_S : SHOW_LINE_WALL_S;
    double shown = fl_clock_wall_s();
    run->commit_wall_s = run->loop_wall_s = shown;
    run->commit_every_wall_s = save_every_wall_s(run);
    run->loop_done_flop = coord_progress_done_flop(run);
    nn_profile_lap(run->profile, NN_PHASE_START, NN_NO_LAYER);
    FL_TRY(start_arms(run, err));
    nn_profile_lap(run->profile, NN_PHASE_DISPATCH, NN_NO_LAYER);
    while (!is_over(run)) {
        FL_TRY(coord_is_mock(run)
                   ? mock_turn(run, err)
                   : coord_dispatch_turn(run->dispatch, every,
                                         run->opts->stop_fd, err));
        double now = fl_clock_wall_s();
        if (is_readable(run->opts->stop_fd))
            return stop_now(run, err);
        if (now - run->commit_wall_s > run->commit_every_wall_s)
            FL_TRY(commit(run, err));
        if (now - shown > every) {
            coord_progress_show(run, false);
            shown = now;
        }
    }
    coord_progress_show(run, true);
    return FL_OK;
}

/* The model that the run was for, where other programs find it. */
static enum fl_status export_model(struct coord_run *run, struct fl_error *err)
{
    static const enum scn_arm order[] = {SCN_FEDERATED, SCN_CENTRALIZED};
    char path[4096];
    FL_TRY(fl_path_join(run->opts->run_dir, "model.safetensors", path,
                        sizeof path, err));
    for (size_t i = 0; i < 2; i++) {
        const float *params =
            run->arms[order[i]]
                ? coord_arm_types[order[i]]->model(run->arms[order[i]])
                : NULL;
        if (params)
            return nn_safetensors_write(run->task.model, params, path, err);
    }
    return FL_OK; /* the local arm has no one model */
}

/* The trained models answer requests, once their arms are through. Not
 * committed on its own: with the run's end, or not at all. */
static enum fl_status serve(struct coord_run *run, struct fl_error *err)
{
    struct coord_rows_start starts[SCN_ARM_LAST_] = {0};
    for (int arm = 0; arm < SCN_ARM_LAST_; arm++) {
        struct coord_standing standing = {0};
        if (!run->arms[arm])
            continue;
        coord_arm_types[arm]->standing(run->arms[arm], &standing);
        starts[arm].t0_s = standing.sim_time_s;
        starts[arm].first_round = standing.step + 1;
    }
    return coord_rows_store(run->scenario, run->store, starts, NULL, err);
}

static enum fl_status start_profile(struct coord_run *run, struct fl_error *err)
{
    if (!run->opts->is_profiled)
        return FL_OK;
    FL_TRY(coord_profile_book_create(&run->book, err));
    return nn_profile_create(&run->profile, err);
}

/* What may be said to a run of this size: vectors of its model, and a row for
 * each of its clients, its scores and its epochs. Whoever is let in can make
 * the coordinator hold no more than that at once. */
static struct comms_limits limits_of(const struct coord_run *run)
{
    size_t rows = (size_t)(run->clients + run->scenario->alone.epochs +
                           nn_dataset_test(run->task.dataset)->n);
    size_t most = comms_limits_run.max_meta_bytes;
    struct comms_limits limits = {
        .max_tensor_bytes = run->n_params * sizeof(int64_t),
        .max_meta_bytes = most,
    };
    if (rows < (most - META_BYTES) / ROW_BYTES)
        limits.max_meta_bytes = META_BYTES + ROW_BYTES * rows;
    return limits;
}

static enum fl_status open_hub(struct coord_run *run, struct fl_error *err)
{
    const struct coord_opts *opts = run->opts;
    const struct comms_limits limits = limits_of(run);
    double silence_wall_s =
        opts->silence_wall_s > 0 ? opts->silence_wall_s : SILENCE_WALL_S;
    FL_TRY(comms_context_create(&run->context, err));
    FL_TRY(comms_hub_create_keyed(run->context, opts->address, opts->keys,
                                  &limits, &run->hub, err));
    if (opts->on_ready)
        FL_TRY(opts->on_ready(comms_endpoint_address(run->hub),
                              run->scenario->sha256, opts->arg, err));
    const struct coord_dispatch_opts dispatch_opts = {
        .hub = run->hub,
        .welcome = {.run_id = run->scenario->sha256,
                    .scenario = run->scenario_text,
                    .cache_dir = opts->cache_dir,
                    .data_root = opts->data_root,
                    .heartbeat_wall_s = silence_wall_s / SILENCE_BEATS,
                    .is_profiled = opts->is_profiled},
        .n_params = (int64_t)run->n_params,
        .version = opts->version,
        .blas_kernel = run->blas_kernel,
        .silence_wall_s = silence_wall_s,
        .patience_wall_s =
            opts->patience_wall_s > 0 ? opts->patience_wall_s : PATIENCE_WALL_S,
        .profile = run->profile,
        .book = run->book,
    };
    return coord_dispatch_create(&dispatch_opts, &run->dispatch, err);
}

static enum fl_status work(struct coord_run *run, struct fl_error *err)
{
    const struct coord_opts *opts = run->opts;
    FL_TRY(start_profile(run, err));
    /* What can be wrong with the input is found before anything is written. */
    FL_TRY(open_scenario(run, err));
    FL_TRY(open_task(run, err));
    FL_TRY(res_store_create(opts->run_dir,
                            opts->is_resume ? RES_RESUME : RES_CREATE,
                            &run->store, err));
    if (opts->is_resume)
        FL_TRY(load_run(run, err));
    if (!coord_is_mock(run))
        FL_TRY(open_hub(run, err));
    else if (opts->on_ready)
        FL_TRY(opts->on_ready("none", run->scenario->sha256, opts->arg, err));
    if (!opts->is_resume)
        FL_TRY(begin_store(run, err));
    FL_TRY(coord_forecast_keep(run, err));
    FL_TRY(create_arms(run, err));
    fl_free(run->start);
    run->start = NULL;
    FL_TRY(await_processes(run, err));
    FL_TRY(loop(run, err));
    nn_profile_before_wait(run->profile, NN_PHASE_OTHER);
    FL_TRY(export_model(run, err));
    FL_TRY(coord_forecast_close(run, err));
    FL_TRY(serve(run, err));
    FL_TRY(coord_store_end(run, err));
    if (run->dispatch)
        coord_dispatch_dismiss(run->dispatch, "");
    FL_TRY(res_store_finish(run->store, err));
    FL_TRY(res_export(opts->run_dir, err));
    nn_profile_after_wait(run->profile, NN_PHASE_END);
    return run->profile ? coord_profile_book_export(run->book, run->profile,
                                                    opts->run_dir, err)
                        : FL_OK;
}

static void run_fini(struct coord_run *run)
{
    for (int arm = 0; arm < SCN_ARM_LAST_; arm++)
        coord_arm_types[arm]->destroy(run->arms[arm]);
    coord_dispatch_destroy(run->dispatch);
    comms_endpoint_destroy(run->hub, LINGER_WALL_S);
    comms_context_destroy(run->context);
    coord_shelf_destroy(run->shelf);
    res_store_destroy(run->store);
    scn_task_fini(&run->task);
    scn_scenario_destroy(run->scenario);
    fl_free(run->fleet_row);
    fl_free(run->start);
    fl_free(run->scenario_text);
    fl_free(run->blas_kernel);
    coord_profile_book_destroy(run->book);
    nn_profile_destroy(run->profile);
}

enum fl_status coord_run(const struct coord_opts *opts, struct fl_error *err)
{
    struct coord_run run = {.opts = opts, .start_wall_s = fl_clock_wall_s()};
    struct fl_error why = {0};
    enum fl_status status = work(&run, &why);
    if (status != FL_OK && run.dispatch)
        coord_dispatch_dismiss(
            run.dispatch, status == FL_E_STOPPED ? "" : "the run has ended");
    run_fini(&run);
    return status == FL_OK ? FL_OK : fl_fail(err, status, "%s", why.text);
}
