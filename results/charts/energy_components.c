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

/* The piles of all arms where they stand side by side on one category each,
 * else of arm a. The first pile names the group. */
static enum fl_status add_pile(const struct res_bars *bars,
                               struct res_chart *chart,
                               const struct res_unit *unit,
                               int group,
                               size_t a,
                               struct fl_error *err)
{
    bool is_single = bars->settings.n == 1;
    struct res_series *series = NULL;
    FL_TRY(res_chart_add_series(chart, a == 0 ? res_group_names[group] : "",
                                RES_SERIES_STACK, colours[group], &series,
                                err));
    series->stack = res_bar_stack(bars, a);
    for (size_t s = 0; s < bars->n_shown; s++) {
        for (size_t i = is_single ? 0 : a;
             i < (is_single ? bars->n_arms : a + 1); i++) {
            struct res_dot dot = {.x = res_bar_x(bars, s, i),
                                  .low = (double)NAN,
                                  .high = (double)NAN};
            dot.y = res_setting_mean(bars->gallery, &bars->settings.all[s],
                                     bars->arms[i], group_j, &group)
                        .mean /
                    unit->scale;
            if (isfinite(dot.y))
                FL_TRY(res_series_add(series, &dot, err));
        }
    }
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
    size_t n_piles = bars->settings.n == 1 ? 1 : bars->n_arms;
    for (size_t a = 0; a < n_piles; a++)
        for (int group = 0; group < RES_GROUP_LAST_; group++)
            if (has_group(bars, group))
                FL_TRY(add_pile(bars, chart, &unit, group, a, err));
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
    static const struct res_bars_of of = {.known = energy_j};
    struct res_bars bars = {.gallery = NULL};
    FL_TRY(res_bars_begin(ret, gallery, &of, &bars, err));
    enum fl_status status = draw(&bars, ret, err);
    res_bars_fini(&bars);
    return status;
}

const struct res_chart_type res_chart_energy_components = {
    .name = "energy_components",
    .doc = "energy by component, stacked, the arms side by side",
    .make = make,
};
