#include "coordinator/forecast.h"

#include "base/alloc.h"
#include "coordinator/cohort.h"

/* Rounds differ by who takes part; so many are costed. */
#define SAMPLED_ROUNDS 8
/* Of more clients that train alone so many are costed, spread evenly. */
#define SAMPLED_ALONE 1000

static enum fl_status open_run(struct coord_run *run,
                               const char *data_root,
                               const char *cache_dir,
                               FILE *problems,
                               struct fl_error *err)
{
    FL_TRY(scn_task_init(&run->task, run->scenario, data_root, cache_dir,
                         problems, err));
    run->clients = run->task.clients;
    run->n_params = (size_t)nn_model_n_params(run->task.model);
    run->cost = nn_model_cost(run->task.model);
    if (run->scenario->n_fleet == 0)
        return FL_OK;
    run->fleet_row = fl_calloc((size_t)run->clients, sizeof *run->fleet_row);
    if (!run->fleet_row)
        return fl_fail(err, FL_E_NOMEM, "out of memory: fleet");
    scn_fleet_assign(run->scenario, run->clients, run->fleet_row);
    return FL_OK;
}

static double test_flop(const struct coord_run *run)
{
    return coord_evaluate_flop(run, run->task.test_samples);
}

/* Takes what was costed since `before`, `times` over. */
static void take(struct coord_run *run,
                 enum scn_arm arm,
                 struct coord_total before,
                 double times,
                 struct coord_arm_forecast *acc)
{
    const struct coord_total *now = &run->totals[arm];
    acc->energy_j += (now->energy_j - before.energy_j) * times;
    acc->emitted_gco2e += (now->emitted_gco2e - before.emitted_gco2e) * times;
    acc->entries += (double)(now->entries - before.entries) * times;
}

/* The federated arm */

/* As the run does: every so many rounds, and after the last. */
static bool is_evaluated(const struct scn_scenario *s, int64_t round)
{
    return (round + 1) % s->evaluate_every == 0 || round + 1 == s->rounds;
}

static int64_t n_evaluations(const struct scn_scenario *s)
{
    return (s->rounds + s->evaluate_every - 1) / s->evaluate_every;
}

/* So many evaluations more (or fewer), each what the last round takes with it
 * less what it takes without. */
static enum fl_status play_evaluations(struct coord_run *run,
                                       const struct coord_cohort *cohort,
                                       int64_t round,
                                       double t_s,
                                       double times,
                                       struct coord_arm_forecast *acc,
                                       struct fl_error *err)
{
    for (int with = 0; with < 2; with++) {
        struct coord_total before = run->totals[SCN_FEDERATED];
        const struct coord_round played =
            coord_cohort_round(cohort, round, t_s, with);
        double end_s;
        FL_TRY(coord_account_round(run, &played, &end_s, err));
        take(run, SCN_FEDERATED, before, with ? times : -times, acc);
    }
    return FL_OK;
}

static enum fl_status play_rounds(struct coord_run *run,
                                  const struct coord_selection *selection,
                                  struct coord_cohort *cohort,
                                  struct coord_arm_forecast *acc,
                                  struct fl_error *err)
{
    const struct scn_scenario *s = run->scenario;
    int64_t n = s->rounds < SAMPLED_ROUNDS ? s->rounds : SAMPLED_ROUNDS;
    double times = (double)s->rounds / (double)n, t_s = 0, flop = 0;
    double left = (double)n_evaluations(s);
    struct coord_total before = run->totals[SCN_FEDERATED];
    FL_TRY(coord_account_software(run, &t_s, err));
    take(run, SCN_FEDERATED, before, 1, acc);
    before = run->totals[SCN_FEDERATED];
    for (int64_t round = 0; round < n; round++) {
        FL_TRY(coord_cohort_select(run, selection, round, cohort, err));
        const struct coord_round played =
            coord_cohort_round(cohort, round, t_s, is_evaluated(s, round));
        left -= is_evaluated(s, round) ? times : 0;
        FL_TRY(coord_account_round(run, &played, &t_s, err));
        for (int64_t i = 0; i < cohort->n; i++)
            if (cohort->turns[i].fate == COORD_COUNTS)
                flop += coord_train_flop(run, coord_client_samples(
                                                  run, cohort->clients[i])) *
                        (double)s->local.epochs;
    }
    take(run, SCN_FEDERATED, before, times, acc);
    if (s->rounds > n)
        FL_TRY(play_evaluations(run, cohort, n - 1, t_s, left, acc, err));
    acc->work_flop = flop * times + test_flop(run) * (double)n_evaluations(s);
    return FL_OK;
}

static enum fl_status estimate_federated(struct coord_run *run,
                                         struct coord_arm_forecast *acc,
                                         struct fl_error *err)
{
    const struct scn_scenario *s = run->scenario;
    struct coord_selection selection = {0};
    struct coord_cohort cohort = {0};
    FL_TRY(coord_selection_init(&selection, s->config, s->selection, err));
    enum fl_status status = coord_cohort_init(&cohort, run, err);
    if (status == FL_OK)
        status = play_rounds(run, &selection, &cohort, acc, err);
    coord_cohort_fini(&cohort);
    coord_selection_fini(&selection);
    return status;
}

/* The other arms */

static enum fl_status estimate_centralized(struct coord_run *run,
                                           struct coord_arm_forecast *acc,
                                           struct fl_error *err)
{
    const struct scn_scenario *s = run->scenario;
    int64_t samples = run->task.samples;
    double t_s = 0, epochs = (double)s->centralized.epochs;
    struct coord_total before = run->totals[SCN_CENTRALIZED];
    if (s->uploads_data)
        FL_TRY(coord_account_data_upload(run, &t_s, err));
    take(run, SCN_CENTRALIZED, before, 1, acc);
    before = run->totals[SCN_CENTRALIZED];
    FL_TRY(coord_account_epoch(run, 0, t_s, samples, &t_s, err));
    take(run, SCN_CENTRALIZED, before, epochs, acc);
    acc->work_flop = (coord_train_flop(run, samples) + test_flop(run)) * epochs;
    return FL_OK;
}

/* Which clients are sampled is drawn later: here they are spread evenly. */
static enum fl_status estimate_alone(struct coord_run *run,
                                     struct coord_arm_forecast *acc,
                                     struct fl_error *err)
{
    const struct scn_scenario *s = run->scenario;
    int64_t n = s->alone_clients > 0 && s->alone_clients < run->clients
                    ? s->alone_clients
                    : run->clients;
    int64_t costed = n < SAMPLED_ALONE ? n : SAMPLED_ALONE;
    double times = (double)n / (double)costed;
    struct coord_total before = run->totals[SCN_LOCAL];
    for (int64_t i = 0; i < costed; i++) {
        int64_t client = i * run->clients / costed;
        double t_s = 0;
        FL_TRY(coord_account_alone(run, client, s->alone.epochs, &t_s, err));
        acc->work_flop +=
            times * (coord_train_flop(run, coord_client_samples(run, client)) *
                         (double)s->alone.epochs +
                     test_flop(run) * (double)s->alone.epochs /
                         (double)s->alone_evaluate_every);
    }
    take(run, SCN_LOCAL, before, times, acc);
    return FL_OK;
}

static enum fl_status estimate(struct coord_run *run,
                               struct coord_speeds *speeds,
                               struct coord_forecast *ret,
                               struct fl_error *err)
{
    const struct scn_scenario *s = run->scenario;
    if (s->has_arm[SCN_FEDERATED])
        FL_TRY(estimate_federated(run, &ret->arms[SCN_FEDERATED], err));
    if (s->has_arm[SCN_CENTRALIZED])
        FL_TRY(estimate_centralized(run, &ret->arms[SCN_CENTRALIZED], err));
    if (s->has_arm[SCN_LOCAL])
        FL_TRY(estimate_alone(run, &ret->arms[SCN_LOCAL], err));
    const double targets[] = {
        [SCN_FEDERATED] = s->stop_accuracy,
        [SCN_CENTRALIZED] = s->centralized.stop_accuracy,
        [SCN_LOCAL] = s->alone.stop_accuracy,
    };
    for (int arm = 0; arm < SCN_ARM_LAST_; arm++) {
        struct coord_arm_forecast *of = &ret->arms[arm];
        of->is_upper_bound = s->has_arm[arm] && targets[arm] > 0;
        ret->is_upper_bound |= of->is_upper_bound;
        if (coord_is_mock(run))
            of->work_flop = 0;
        ret->energy_j += of->energy_j;
        ret->emitted_gco2e += of->emitted_gco2e;
        ret->work_flop += of->work_flop;
        ret->entries += of->entries;
    }
    return coord_forecast_machine(run, speeds, ret, err);
}

enum fl_status coord_forecast_of(const struct coord_run *run,
                                 struct coord_speeds *speeds,
                                 struct coord_forecast *ret,
                                 struct fl_error *err)
{
    /* Borrowed parts alone: no store, so that entries are only added up. */
    struct coord_run played = {.scenario = run->scenario,
                               .task = run->task,
                               .clients = run->clients,
                               .fleet_row = run->fleet_row,
                               .n_params = run->n_params,
                               .cost = run->cost};
    struct coord_forecast made = {.is_upper_bound = false};
    FL_TRY(estimate(&played, speeds, &made, err));
    *ret = made;
    return FL_OK;
}

enum fl_status coord_forecast(struct scn_scenario *scenario,
                              const char *data_root,
                              const char *cache_dir,
                              struct coord_speeds *speeds,
                              FILE *problems,
                              struct coord_forecast *ret,
                              struct fl_error *err)
{
    struct coord_run run = {.scenario = scenario};
    enum fl_status status = open_run(&run, data_root, cache_dir, problems, err);
    if (status == FL_OK)
        status = coord_forecast_of(&run, speeds, ret, err);
    scn_task_fini(&run.task);
    fl_free(run.fleet_row);
    return status;
}
