/* What is going on, as charts. */
#include "results/live/live_priv.h"

#include "results/figures/chart_parts.h"

#include <math.h>
#include <string.h>

#define MOST_DOTS   400 /* of a line: more do not fit on a screen */
#define ROUND_PARTS 80  /* of the latest round */

typedef enum fl_status (*make_fn)(const struct live_run *run,
                                  struct res_chart *chart,
                                  struct fl_error *err);

static enum fl_status set_texts(struct res_chart *chart,
                                const char *title,
                                const char *caption,
                                struct fl_error *err)
{
    FL_TRY(res_chart_set_text(&chart->title, title, err));
    return res_chart_set_text(&chart->caption, caption, err);
}

static enum fl_status
add_dot(struct res_series *series, double x, double y, struct fl_error *err)
{
    const struct res_dot dot = {
        .x = x, .y = y, .low = (double)NAN, .high = (double)NAN};
    return res_series_add(series, &dot, err);
}

static double latest_s(const struct live_run *run)
{
    double latest = 0;
    for (size_t i = 0; i < run->n_arms; i++)
        if (!run->shown[i].is_per_client)
            latest = fmax(latest, run->shown[i].sim_time_s);
    return latest;
}

static double most_gco2e(const struct live_run *run)
{
    double most = 0;
    for (size_t i = 0; i < run->n_arms; i++)
        if (run->shown[i].n_curve > 0)
            most = fmax(most,
                        run->shown[i].curve[run->shown[i].n_curve - 1].gco2e);
    return most;
}

static double time_of(const struct res_live_step *step)
{
    return step->sim_time_s;
}

static double carbon_of(const struct res_live_step *step)
{
    return step->gco2e;
}

static double accuracy_of(const struct res_live_step *step)
{
    return step->accuracy;
}

struct way {
    double (*x)(const struct res_live_step *step);
    double (*y)(const struct res_live_step *step);
    double x_one, y_one;
};

/* Every so many-th round and the last; those without a y are not counted. */
static enum fl_status add_curve(const struct res_live_arm *arm,
                                const struct way *way,
                                struct res_chart *chart,
                                struct fl_error *err)
{
    struct res_series *series;
    size_t n = 0, seen = 0;
    for (size_t i = 0; i < arm->n_curve; i++)
        n += isnan(way->y(&arm->curve[i])) ? 0 : 1;
    if (n == 0)
        return FL_OK;
    FL_TRY(res_chart_add_series(chart, arm->name, RES_SERIES_LINE,
                                res_arm_colour(arm->name), &series, err));
    size_t stride = (n + MOST_DOTS - 1) / MOST_DOTS;
    for (size_t i = 0; i < arm->n_curve; i++) {
        double y = way->y(&arm->curve[i]);
        if (isnan(y))
            continue;
        if (seen % stride == 0 || seen == n - 1)
            FL_TRY(add_dot(series, way->x(&arm->curve[i]) / way->x_one,
                           y / way->y_one, err));
        seen++;
    }
    return FL_OK;
}

static enum fl_status add_curves(const struct live_run *run,
                                 const struct way *way,
                                 struct res_chart *chart,
                                 struct fl_error *err)
{
    for (size_t i = 0; i < run->n_arms; i++)
        FL_TRY(add_curve(&run->shown[i], way, chart, err));
    return FL_OK;
}

static enum fl_status make_accuracy(const struct live_run *run,
                                    struct res_chart *chart,
                                    struct fl_error *err)
{
    struct res_unit unit = res_unit_time(latest_s(run));
    const struct way way = {time_of, accuracy_of, unit.scale, 1};
    FL_TRY(set_texts(chart, "Accuracy so far",
                     "Test accuracy after each round or epoch that was "
                     "evaluated, over simulated time.",
                     err));
    FL_TRY(res_axis_set(&chart->x, "simulated time", unit.name, err));
    FL_TRY(res_axis_set(&chart->y, "test accuracy", "", err));
    chart->x.is_from_zero = true;
    return add_curves(run, &way, chart, err);
}

static enum fl_status make_accuracy_carbon(const struct live_run *run,
                                           struct res_chart *chart,
                                           struct fl_error *err)
{
    struct res_unit unit = res_unit_carbon(most_gco2e(run));
    const struct way way = {carbon_of, accuracy_of, unit.scale, 1};
    FL_TRY(set_texts(chart, "Accuracy for its carbon",
                     "Test accuracy over what the arm had emitted by then: "
                     "further left is less carbon for the same accuracy.",
                     err));
    FL_TRY(res_axis_set(&chart->x, "carbon so far", unit.name, err));
    FL_TRY(res_axis_set(&chart->y, "test accuracy", "", err));
    chart->x.is_from_zero = true;
    return add_curves(run, &way, chart, err);
}

static enum fl_status make_carbon(const struct live_run *run,
                                  struct res_chart *chart,
                                  struct fl_error *err)
{
    struct res_unit unit = res_unit_time(latest_s(run));
    struct res_unit carbon = res_unit_carbon(most_gco2e(run));
    const struct way way = {time_of, carbon_of, unit.scale, carbon.scale};
    FL_TRY(set_texts(chart, "Carbon so far",
                     "What each arm has emitted up to the end of each round or "
                     "epoch, over simulated time.",
                     err));
    FL_TRY(res_axis_set(&chart->x, "simulated time", unit.name, err));
    FL_TRY(res_axis_set(&chart->y, "carbon so far", carbon.name, err));
    chart->x.is_from_zero = chart->y.is_from_zero = true;
    return add_curves(run, &way, chart, err);
}

/* Power */

static enum fl_status add_slices(const struct res_live_arm *arm,
                                 const double *values,
                                 double one_s,
                                 struct res_chart *chart,
                                 struct fl_error *err)
{
    struct res_series *series;
    if (arm->n_slices == 0)
        return FL_OK;
    FL_TRY(res_chart_add_series(chart, arm->name, RES_SERIES_STEPS,
                                res_arm_colour(arm->name), &series, err));
    for (size_t i = 0; i <= arm->n_slices; i++) {
        size_t held = i < arm->n_slices ? i : i - 1; /* up to its end */
        double t_s = fmin(arm->start_s + (double)i * arm->slice_s, arm->end_s);
        FL_TRY(add_dot(series, t_s / one_s, values[held], err));
    }
    return FL_OK;
}

static enum fl_status make_slices(const struct live_run *run,
                                  bool is_power,
                                  struct res_chart *chart,
                                  struct fl_error *err)
{
    double latest = 0;
    for (size_t i = 0; i < run->n_arms; i++)
        latest = fmax(latest, run->shown[i].end_s);
    struct res_unit unit = res_unit_time(latest);
    FL_TRY(res_axis_set(&chart->x, "simulated time", unit.name, err));
    chart->x.is_from_zero = chart->y.is_from_zero = true;
    for (size_t i = 0; i < run->n_arms; i++) {
        const struct res_live_arm *arm = &run->shown[i];
        FL_TRY(add_slices(arm, is_power ? arm->power_w : arm->gco2e_per_kwh,
                          unit.scale, chart, err));
    }
    return FL_OK;
}

static enum fl_status make_power(const struct live_run *run,
                                 struct res_chart *chart,
                                 struct fl_error *err)
{
    FL_TRY(set_texts(chart, "Power",
                     "Mean power of everything that an arm charges, in equal "
                     "parts of simulated time.",
                     err));
    FL_TRY(res_axis_set(&chart->y, "power", "W", err));
    return make_slices(run, true, chart, err);
}

static enum fl_status make_intensity(const struct live_run *run,
                                     struct res_chart *chart,
                                     struct fl_error *err)
{
    FL_TRY(set_texts(chart, "Grid intensity",
                     "Emissions per kWh that an arm was charged, in equal "
                     "parts of simulated time: the mean over the zones where "
                     "its energy was drawn then.",
                     err));
    FL_TRY(res_axis_set(&chart->y, "grid intensity", "gCO2e/kWh", err));
    return make_slices(run, false, chart, err);
}

/* Clients */

/* Seconds of [t0, t1) that lie in a part of the round. */
static double
overlap_s(const struct live_turn *turn, double from_s, double to_s)
{
    double t0_s = fmax(turn->t0_s, from_s), t1_s = fmin(turn->t1_s, to_s);
    return t1_s > t0_s ? t1_s - t0_s : 0;
}

static void count_clients(const struct live_arm *arm,
                          const struct res_live_round *round,
                          double counts[][ROUND_PARTS])
{
    double part_s = (round->t1_s - round->t0_s) / ROUND_PARTS;
    for (size_t i = 0; i < arm->n_turns && part_s > 0; i++) {
        const struct live_turn *turn = &arm->turns[i];
        double first = floor((turn->t0_s - round->t0_s) / part_s);
        for (int p = first > 0 ? (int)first : 0; p < ROUND_PARTS; p++) {
            double from_s = round->t0_s + p * part_s;
            if (from_s >= turn->t1_s)
                break;
            counts[turn->doing][p] +=
                overlap_s(turn, from_s, from_s + part_s) / part_s;
        }
    }
}

static enum fl_status make_clients(const struct live_run *run,
                                   struct res_chart *chart,
                                   struct fl_error *err)
{
    static const enum res_colour colours[] = {
        [RES_LIVE_DOWNLOAD] = RES_COLOUR_6TH,
        [RES_LIVE_TRAIN] = RES_COLOUR_FEDERATED,
        [RES_LIVE_UPLOAD] = RES_COLOUR_5TH,
        [RES_LIVE_WAIT] = RES_COLOUR_REFERENCE};
    double counts[RES_LIVE_DOING_LAST_][ROUND_PARTS] = {{0}};
    const struct res_live_round *round = &run->view.round;
    FL_TRY(set_texts(chart, "Clients at work",
                     "How many clients do what in the latest round, on the "
                     "simulated clock.",
                     err));
    struct res_unit unit = res_unit_time(round->t1_s - round->t0_s);
    FL_TRY(res_axis_set(&chart->x, "since the round began", unit.name, err));
    FL_TRY(res_axis_set(&chart->y, "clients", "", err));
    chart->x.is_from_zero = chart->y.is_from_zero = true;
    if (!round->is_known)
        return FL_OK;
    for (size_t i = 0; i < run->n_arms; i++)
        if (run->arms[i].n_turns > 0)
            count_clients(&run->arms[i], round, counts);
    for (int doing = 0; doing < RES_LIVE_DOING_LAST_; doing++) {
        struct res_series *series;
        FL_TRY(res_chart_add_series(chart, res_live_doing_names[doing],
                                    RES_SERIES_STEPS, (int)colours[doing],
                                    &series, err));
        double part_s = (round->t1_s - round->t0_s) / ROUND_PARTS;
        for (int p = 0; p <= ROUND_PARTS; p++)
            FL_TRY(add_dot(series, p * part_s / unit.scale,
                           counts[doing][p < ROUND_PARTS ? p : p - 1], err));
    }
    return FL_OK;
}

/* All */

static const struct {
    const char *name;
    make_fn make;
} types[] = {
    {"accuracy", make_accuracy}, {"accuracy_carbon", make_accuracy_carbon},
    {"carbon", make_carbon},     {"clients", make_clients},
    {"power", make_power},       {"intensity", make_intensity}};

const char *const res_live_charts[] = {
    "accuracy", "accuracy_carbon", "carbon", "clients",
    "power",    "intensity",       NULL};
_Static_assert(sizeof res_live_charts / sizeof res_live_charts[0] ==
                   sizeof types / sizeof types[0] + 1,
               "every chart needs its name");

enum fl_status live_chart(const struct live_run *run,
                          const char *name,
                          struct res_chart *ret,
                          struct fl_error *err)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(types[i].name, name) != 0)
            continue;
        struct res_chart chart = {.name = types[i].name};
        enum fl_status status = types[i].make(run, &chart, err);
        if (status == FL_OK)
            *ret = chart;
        else
            res_chart_fini(&chart);
        return status;
    }
    return fl_fail(err, FL_E_ARG, "no chart '%s'", name);
}
