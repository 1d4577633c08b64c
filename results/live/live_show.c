/* From what was read to what is shown. */
#include "results/live/live_priv.h"

#include "base/alloc.h"
#include "base/units.h"

#include <math.h>
#include <string.h>

const char *const res_live_state_names[] = {
    [RES_LIVE_LEFT] = "not begun",    [RES_LIVE_RUNNING] = "running",
    [RES_LIVE_FINISHED] = "finished", [RES_LIVE_STOPPED] = "stopped",
    [RES_LIVE_STALE] = "writer died", [RES_LIVE_FAILED] = "failed",
    [RES_LIVE_STATE_LAST_] = NULL,
};
_Static_assert(sizeof res_live_state_names / sizeof res_live_state_names[0] ==
                   RES_LIVE_STATE_LAST_ + 1,
               "every state needs a name");

const char *const res_live_doing_names[] = {
    [RES_LIVE_DOWNLOAD] = "downloading", [RES_LIVE_TRAIN] = "training",
    [RES_LIVE_UPLOAD] = "uploading",     [RES_LIVE_WAIT] = "waiting",
    [RES_LIVE_DOING_LAST_] = NULL,
};
_Static_assert(sizeof res_live_doing_names / sizeof res_live_doing_names[0] ==
                   RES_LIVE_DOING_LAST_ + 1,
               "everything done needs a name");

double live_sums_within(const struct live_sums *sums,
                        enum res_boundary boundary)
{
    if (boundary == RES_LIFECYCLE)
        return sums->gco2e;
    double operational_gco2e = sums->gco2e - sums->embodied_gco2e;
    return boundary == RES_OPERATIONAL ? operational_gco2e
                                       : operational_gco2e - sums->idle_gco2e;
}

/* The arm's rounds with what it had cost by then. */
static enum fl_status show_curve(const struct live_run *run,
                                 struct live_arm *arm,
                                 struct res_live_arm *shown,
                                 struct fl_error *err)
{
    double energy_j = 0, gco2e = 0;
    FL_TRY(fl_grow(&arm->curve, &arm->curve_capacity, arm->n_steps,
                   sizeof arm->curve[0], err));
    for (size_t i = 0; i < arm->n_steps; i++) {
        const struct live_step *step = &arm->steps[i];
        energy_j += step->sums.energy_j;
        gco2e += live_sums_within(&step->sums, run->boundary);
        arm->curve[i] = (struct res_live_step){.round = step->round,
                                               .sim_time_s = step->sim_time_s,
                                               .accuracy = step->accuracy,
                                               .energy_j = energy_j,
                                               .gco2e = gco2e};
    }
    shown->curve = arm->curve;
    shown->n_curve = arm->n_steps;
    return FL_OK;
}

/* The last slice ends where the arm has come to. */
static void show_slices(struct live_arm *arm, struct res_live_arm *shown)
{
    const struct live_slices *slices = &arm->slices;
    size_t n = live_slices_n(slices);
    for (size_t i = 0; i < n; i++) {
        double from_s = slices->start_s + (double)i * slices->slice_s;
        double length_s = fmin(slices->slice_s, slices->end_s - from_s);
        double energy_j = slices->energy_j[i];
        arm->power_w[i] = length_s > 0 ? energy_j / length_s : (double)NAN;
        arm->gco2e_per_kwh[i] =
            energy_j > 0 ? slices->gco2e[i] / (energy_j / FL_J_PER_KWH)
                         : (double)NAN;
    }
    shown->power_w = arm->power_w;
    shown->gco2e_per_kwh = arm->gco2e_per_kwh;
    shown->n_slices = n;
    shown->start_s = slices->start_s;
    shown->slice_s = slices->slice_s;
    shown->end_s = slices->end_s;
}

static enum fl_status show_arm(const struct live_run *run,
                               struct live_arm *arm,
                               struct res_live_arm *shown,
                               struct fl_error *err)
{
    const double nan_value = (double)NAN;
    *shown = (struct res_live_arm){.name = arm->name,
                                   .is_per_client = arm->is_per_client,
                                   .is_finished = arm->is_finished,
                                   .step = arm->n_rounds,
                                   .steps = arm->planned,
                                   .target_accuracy = arm->target_accuracy,
                                   .accuracy = arm->accuracy,
                                   .loss = arm->loss,
                                   .sim_time_s = arm->sim_time_s,
                                   .energy_j = nan_value,
                                   .gco2e = nan_value,
                                   .so_far_ratio = nan_value,
                                   .equal_accuracy = nan_value,
                                   .equal_ratio = nan_value};
    if (arm->is_finished && !arm->is_per_client) {
        shown->accuracy = arm->outcome_accuracy;
        shown->loss = arm->outcome_loss;
    }
    const struct live_sums *sums =
        run->has_ended_sums ? &arm->ended : &arm->sums;
    bool has_sums = run->has_ended_sums || !run->is_behind;
    double n = arm->is_per_client ? (double)arm->n_rounds : 1;
    if (has_sums && n > 0) {
        shown->energy_j = sums->energy_j / n;
        shown->gco2e = live_sums_within(sums, run->boundary) / n;
    }
    if (!run->view.has_detail || arm->is_per_client)
        return FL_OK;
    show_slices(arm, shown);
    return show_curve(run, arm, shown, err);
}

/* At equal accuracy */

static double best_accuracy(const struct res_live_arm *arm)
{
    double best = (double)NAN;
    for (size_t i = 0; i < arm->n_curve; i++)
        if (!(arm->curve[i].accuracy <= best) && !isnan(arm->curve[i].accuracy))
            best = arm->curve[i].accuracy;
    return best;
}

/* What the arm had emitted when it first was as good; what stands beside its
 * rounds is part of it, as in the comparison table. */
static double gco2e_at(const struct live_run *run,
                       size_t arm,
                       const struct res_live_arm *shown,
                       double accuracy)
{
    for (size_t i = 0; i < shown->n_curve; i++)
        if (shown->curve[i].accuracy >= accuracy)
            return shown->curve[i].gco2e +
                   live_sums_within(&run->arms[arm].beside, run->boundary);
    return (double)NAN;
}

static void show_ratios(struct live_run *run)
{
    size_t base = 0;
    while (base < run->n_arms &&
           strcmp(run->arms[base].name, RES_ARM_CENTRALIZED) != 0)
        base++;
    if (base == run->n_arms)
        return;
    struct res_live_arm *central = &run->shown[base];
    double central_best = best_accuracy(central);
    for (size_t i = 0; i < run->n_arms; i++) {
        struct res_live_arm *arm = &run->shown[i];
        if (central->gco2e > 0 && !arm->is_per_client)
            arm->so_far_ratio = arm->gco2e / central->gco2e;
        if (i == base || arm->n_curve == 0)
            continue;
        double accuracy = fmin(best_accuracy(arm), central_best);
        if (isnan(central_best) || !(accuracy > 0))
            continue;
        double central_gco2e = gco2e_at(run, base, central, accuracy);
        double gco2e = gco2e_at(run, i, arm, accuracy);
        if (!(central_gco2e > 0) || isnan(gco2e))
            continue;
        arm->equal_accuracy = accuracy;
        arm->equal_ratio = gco2e / central_gco2e;
    }
}

/* The latest round */

static const struct live_arm *federated(const struct live_run *run)
{
    for (size_t i = 0; i < run->n_arms; i++)
        if (strcmp(run->arms[i].name, RES_ARM_FEDERATED) == 0)
            return &run->arms[i];
    return NULL;
}

/* Everybody who takes part starts by downloading the model, once. */
static void show_round(struct live_run *run)
{
    const struct live_arm *arm = federated(run);
    struct res_live_round round = {.is_known = false};
    if (!arm || arm->n_turns == 0 || !run->view.has_detail) {
        run->view.round = round;
        return;
    }
    round = (struct res_live_round){.is_known = true,
                                    .round = arm->turns_round,
                                    .t0_s = arm->turns[0].t0_s,
                                    .t1_s = arm->turns[0].t1_s};
    for (size_t i = 0; i < arm->n_turns; i++) {
        const struct live_turn *turn = &arm->turns[i];
        round.t0_s = fmin(round.t0_s, turn->t0_s);
        round.t1_s = fmax(round.t1_s, turn->t1_s);
        round.clients += turn->doing == RES_LIVE_DOWNLOAD;
        round.clients_mean[turn->doing] += turn->t1_s - turn->t0_s;
    }
    double length_s = round.t1_s - round.t0_s;
    for (int i = 0; i < RES_LIVE_DOING_LAST_; i++)
        round.clients_mean[i] =
            length_s > 0 ? round.clients_mean[i] / length_s : 0;
    run->view.round = round;
}

enum fl_status live_show(struct live_run *run, struct fl_error *err)
{
    fl_free(run->shown);
    run->shown = fl_calloc(run->n_arms, sizeof *run->shown);
    if (!run->shown)
        return fl_fail(err, FL_E_NOMEM, "%s: out of memory", run->dir);
    bool has_rows = run->is_known && !run->is_behind &&
                    (!run->is_finished || run->is_wanted);
    run->view = (struct res_live_run){.dir = run->dir,
                                      .label = run->label,
                                      .name = run->name,
                                      .about = run->about,
                                      .boundary = run->boundary_name,
                                      .state = run->state,
                                      .problem = run->problem,
                                      .writer = run->writer,
                                      .is_reading = run->is_behind,
                                      .has_detail = has_rows,
                                      .arms = run->shown,
                                      .n_arms = run->n_arms};
    for (size_t i = 0; i < run->n_arms; i++) {
        run->view.entries += run->has_ended_sums ? run->arms[i].ended.entries
                                                 : run->arms[i].sums.entries;
        FL_TRY(show_arm(run, &run->arms[i], &run->shown[i], err));
    }
    show_ratios(run);
    show_round(run);
    return FL_OK;
}
