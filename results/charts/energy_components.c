/* Where the energy went: a bar per arm, of the groups of terms that draw
 * energy, from the ground up in the order of the tables' columns. */
#include "results/figures/chart_parts.h"

#include <math.h>

/* Arms have colours of their own; these are the others. */
static const int colours[RES_GROUP_LAST_] = {
    [RES_GROUP_CLIENT] = RES_COLOUR_6TH,
    [RES_GROUP_NETWORK] = RES_COLOUR_5TH,
    [RES_GROUP_SERVER] = RES_COLOUR_4TH,
    [RES_GROUP_OVERHEAD] = RES_COLOUR_REFERENCE,
    [RES_GROUP_EMBODIED] = RES_COLOUR_FRONT,
};

/* Of all clients, as the arm's energy is. */
static double group_j(const struct res_row *row, const void *arg)
{
    double all = row->is_per_client ? (double)row->population : 1;
    return row->counted > 0 ? row->group_j[*(const int *)arg] * all
                            : (double)NAN;
}

static double energy_j(const struct res_row *row, const void *arg)
{
    (void)arg;
    return row->all_clients_j;
}

static double most_j(const struct res_bars *bars)
{
    double most = 0;
    for (size_t s = 0; s < bars->n_shown; s++)
        for (size_t a = 0; a < bars->n_arms; a++)
            most = fmax(most,
                        res_setting_mean(bars->gallery, &bars->settings.all[s],
                                         bars->arms[a], energy_j, NULL)
                            .mean);
    return most;
}

/* Whether any arm draws energy there. */
static bool has_group(const struct res_bars *bars, int group)
{
    for (size_t s = 0; s < bars->n_shown; s++)
        for (size_t a = 0; a < bars->n_arms; a++)
            if (res_setting_mean(bars->gallery, &bars->settings.all[s],
                                 bars->arms[a], group_j, &group)
                    .mean > 0)
                return true;
    return false;
}

/* A part of a bar; the uppermost says how much the whole is. */
static enum fl_status add_part(const struct res_bars *bars,
                               const struct res_unit *unit,
                               int group,
                               size_t s,
                               size_t a,
                               struct res_series *series,
                               struct fl_error *err)
{
    const struct res_setting *setting = &bars->settings.all[s];
    double part_j =
        res_setting_mean(bars->gallery, setting, bars->arms[a], group_j, &group)
            .mean;
    double whole_j =
        res_setting_mean(bars->gallery, setting, bars->arms[a], energy_j, NULL)
            .mean;
    if (!isfinite(part_j))
        return FL_OK;
    struct res_text label = {0};
    if (series->has_labels)
        res_text_figure(&label, whole_j / unit->scale, 3);
    const struct res_dot dot = {.x = res_bar_x(bars, s, a),
                                .y = part_j / unit->scale,
                                .low = (double)NAN,
                                .high = (double)NAN,
                                .label = label.bytes};
    enum fl_status status = res_text_check(&label, err);
    if (status == FL_OK)
        status = res_series_add(series, &dot, err);
    res_text_fini(&label);
    return status;
}

/* A group of all arms where they are categories, else of arm a. The first pile
 * names it. */
static enum fl_status add_group(const struct res_bars *bars,
                                struct res_chart *chart,
                                const struct res_unit *unit,
                                int group,
                                size_t a,
                                bool is_top,
                                struct fl_error *err)
{
    bool is_single = bars->settings.n == 1;
    struct res_series *series = NULL;
    FL_TRY(res_chart_add_series(chart, a == 0 ? res_group_names[group] : "",
                                RES_SERIES_STACK, colours[group], &series,
                                err));
    series->stack = res_bar_stack(bars, a);
    series->has_labels = is_top;
    for (size_t s = 0; s < bars->n_shown; s++)
        for (size_t i = 0; i < bars->n_arms; i++)
            if (is_single || i == a)
                FL_TRY(add_part(bars, unit, group, s, i, series, err));
    return FL_OK;
}

static enum fl_status add_groups(const struct res_bars *bars,
                                 struct res_chart *chart,
                                 const struct res_unit *unit,
                                 struct fl_error *err)
{
    size_t n_piles = bars->settings.n == 1 ? 1 : bars->n_arms;
    int top = RES_GROUP_LAST_ - 1;
    while (top > 0 && !has_group(bars, top))
        top--;
    for (size_t a = 0; a < n_piles; a++)
        for (int group = 0; group <= top; group++)
            if (has_group(bars, group))
                FL_TRY(
                    add_group(bars, chart, unit, group, a, group == top, err));
    return FL_OK;
}

static enum fl_status
draw(const struct res_bars *bars, struct res_chart *chart, struct fl_error *err)
{
    double most = most_j(bars);
    if (!(most > 0))
        return fl_fail(err, FL_E_STATE, "no energy was drawn in these runs");
    const struct res_unit unit = res_unit_energy(most);
    chart->y.is_from_zero = true;
    FL_TRY(res_axis_set(&chart->y, "energy", unit.name, err));
    FL_TRY(add_groups(bars, chart, &unit, err));
    struct res_text caption = {0};
    res_text_put(&caption, "Energy by where it was drawn.");
    res_put_local(bars->gallery, &caption);
    res_put_bars(bars, &caption);
    res_put_runs(bars->gallery, &caption);
    enum fl_status status =
        res_chart_say(chart, "Energy by component", &caption, err);
    res_text_fini(&caption);
    return status;
}

static enum fl_status make(const struct res_gallery *gallery,
                           struct res_chart *ret,
                           struct fl_error *err)
{
    static const struct res_bars_of of = {.known = energy_j, .draw = draw};
    return res_chart_bars(ret, gallery, &of, err);
}

const struct res_chart_type res_chart_energy_components = {
    .name = "energy_components",
    .doc = "energy by component, stacked, the arms side by side",
    .make = make,
};
