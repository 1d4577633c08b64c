/* Charts with a bar or a span per arm and setting. */
#include "results/figures/chart_parts.h"

#include "base/alloc.h"

#include <math.h>

/* As many as stand below each other on a page: bars, and names above them. */
#define MOST_ROWS    72
#define MOST_COLUMNS 3 /* whose names stand side by side */

static bool has_running(const struct res_gallery *gallery,
                        const struct res_setting *setting)
{
    for (size_t i = 0; i < setting->n; i++)
        if (!gallery->runs[setting->runs[i]].is_finished)
            return true;
    return false;
}

static enum fl_status add_category(struct res_chart *chart,
                                   struct res_text *name,
                                   bool is_running,
                                   struct fl_error *err)
{
    if (is_running)
        res_text_put(name, " (so far)");
    FL_TRY(res_text_check(name, err));
    return res_axis_add_category(&chart->x, res_text_get(name), err);
}

/* The first run that has the arm knows how it is called. */
static void
put_arm(const struct res_bars *bars, size_t arm, struct res_text *out)
{
    for (size_t r = 0; r < bars->gallery->n_runs; r++) {
        const struct res_row *row =
            res_find_arm(&bars->gallery->runs[r], bars->arms[arm]);
        if (!row)
            continue;
        res_put_arm_name(bars->gallery, row, false, out);
        return;
    }
}

static enum fl_status add_names(struct res_chart *chart,
                                const struct res_bars *bars,
                                struct res_text *name,
                                struct fl_error *err)
{
    bool is_single = bars->settings.n == 1;
    for (size_t a = 0; a < bars->n_arms; a++) {
        res_text_clear(name);
        put_arm(bars, a, name);
        FL_TRY(res_text_check(name, err));
        if (is_single)
            FL_TRY(add_category(
                chart, name, has_running(bars->gallery, &bars->settings.all[0]),
                err));
        else
            FL_TRY(res_chart_add_stack(chart, bars->arms[a], err));
    }
    for (size_t s = 0; !is_single && s < bars->n_shown; s++) {
        const struct res_setting *setting = &bars->settings.all[s];
        res_text_clear(name);
        res_text_put(name, setting->label);
        FL_TRY(add_category(chart, name, has_running(bars->gallery, setting),
                            err));
    }
    return FL_OK;
}

static void choose_arms(struct res_bars *bars, res_figure_fn known)
{
    for (size_t a = 0; a < bars->gallery->n_arms; a++) {
        const char *arm = bars->gallery->arms[a];
        bool is_known = false;
        for (size_t s = 0; s < bars->settings.n && !is_known; s++)
            is_known = res_setting_mean(bars->gallery, &bars->settings.all[s],
                                        arm, known, NULL)
                           .n > 0;
        if (is_known)
            bars->arms[bars->n_arms++] = arm;
    }
}

static void bars_fini(struct res_bars *bars)
{
    res_settings_fini(&bars->settings);
    fl_free(bars->arms);
}

/* Sets chart->x, stacks and is_sideways. */
static enum fl_status begin(struct res_chart *chart,
                            struct res_bars *bars,
                            const struct res_bars_of *of,
                            struct fl_error *err)
{
    bars->arms = fl_calloc(bars->gallery->n_arms, sizeof bars->arms[0]);
    if (!bars->arms)
        return fl_fail(err, FL_E_NOMEM, "out of memory: chart");
    FL_TRY(res_settings_find(bars->gallery, &bars->settings, err));
    choose_arms(bars, of->known);
    size_t most = MOST_ROWS / (bars->n_arms + 1);
    bars->n_shown = bars->settings.n < most ? bars->settings.n : most;
    chart->is_sideways =
        of->is_sideways || bars->settings.n > 1 || bars->n_arms > MOST_COLUMNS;
    FL_TRY(res_axis_set(&chart->x, "", "", err));
    struct res_text name = {0};
    enum fl_status status = add_names(chart, bars, &name, err);
    res_text_fini(&name);
    return status;
}

enum fl_status res_chart_bars(struct res_chart *chart,
                              const struct res_gallery *gallery,
                              const struct res_bars_of *of,
                              struct fl_error *err)
{
    struct res_bars bars = {.gallery = gallery};
    enum fl_status status = begin(chart, &bars, of, err);
    if (status == FL_OK)
        status = of->draw(&bars, chart, err);
    bars_fini(&bars);
    return status;
}

double res_bar_x(const struct res_bars *bars, size_t setting, size_t arm)
{
    return (double)(bars->settings.n == 1 ? arm : setting);
}

int res_bar_stack(const struct res_bars *bars, size_t arm)
{
    return bars->settings.n == 1 ? 0 : (int)arm;
}

void res_put_bars(const struct res_bars *bars, struct res_text *out)
{
    if (bars->n_shown < bars->settings.n)
        res_text_add(out, " The first %zu of %zu settings are shown.",
                     bars->n_shown, bars->settings.n);
    if (bars->gallery->has_seeds)
        res_text_put(out, " Means over seeds.");
}

static enum fl_status add_span(const struct res_bars *bars,
                               const struct res_span_of *of,
                               const struct res_unit *unit,
                               size_t s,
                               size_t a,
                               struct res_series *series,
                               struct fl_error *err)
{
    const struct res_setting *setting = &bars->settings.all[s];
    const struct res_gallery *gallery = bars->gallery;
    const char *arm = bars->arms[a];
    const struct res_dot dot = {
        .x = res_bar_x(bars, s, a),
        .y = res_setting_mean(gallery, setting, arm, of->middle, NULL).mean /
             unit->scale,
        .low = res_setting_mean(gallery, setting, arm, of->low, NULL).mean /
               unit->scale,
        .high = res_setting_mean(gallery, setting, arm, of->high, NULL).mean /
                unit->scale,
    };
    if (!isfinite(dot.y) || !isfinite(dot.low) || !isfinite(dot.high))
        return FL_OK;
    return res_series_add(series, &dot, err);
}

/* The values' extent decides the axis and the unit. */
static struct res_extent span_extent(const struct res_bars *bars,
                                     const struct res_span_of *of)
{
    struct res_extent extent = {0};
    for (size_t s = 0; s < bars->n_shown; s++) {
        const struct res_setting *setting = &bars->settings.all[s];
        for (size_t a = 0; a < bars->n_arms; a++) {
            const char *arm = bars->arms[a];
            res_extent_add(&extent, res_setting_mean(bars->gallery, setting,
                                                     arm, of->low, NULL)
                                        .mean);
            res_extent_add(&extent, res_setting_mean(bars->gallery, setting,
                                                     arm, of->high, NULL)
                                        .mean);
        }
    }
    return extent;
}

enum fl_status res_bars_add_spans(const struct res_bars *bars,
                                  const struct res_span_of *of,
                                  struct res_chart *chart,
                                  struct res_unit *ret_unit,
                                  struct fl_error *err)
{
    struct res_extent extent = span_extent(bars, of);
    struct res_unit unit = {"", 1};
    if (of->reference_ratio > 0)
        res_extent_add(&extent, of->reference_ratio);
    if (of->unit)
        unit = of->unit(extent.high);
    chart->y.is_log = res_extent_is_wide(&extent, RES_WIDE);
    chart->y.is_from_zero = !chart->y.is_log;
    size_t n = 0;
    for (size_t a = 0; a < bars->n_arms; a++) {
        struct res_series *series = NULL;
        int colour = 0, shape = 0;
        res_gallery_arm_look(bars->gallery, bars->arms[a], &colour, &shape);
        FL_TRY(res_chart_add_series(chart, bars->arms[a], RES_SERIES_SPAN,
                                    colour, &series, err));
        series->shape = shape;
        series->stack = res_bar_stack(bars, a);
        for (size_t s = 0; s < bars->n_shown; s++)
            FL_TRY(add_span(bars, of, &unit, s, a, series, err));
        n += series->n;
    }
    if (n == 0)
        return fl_fail(err, FL_E_STATE, "%s", of->nothing);
    *ret_unit = unit;
    return FL_OK;
}
