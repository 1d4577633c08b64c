/* How sure the comparison is: 5-95 % of an arm's carbon over the centralized
 * arm's. What both arms rest on cancels out, so that it is surer than the two
 * arms' intervals look. */
#include "results/figures/chart_parts.h"

#include <math.h>
#include <string.h>

/* The centralized arm's own ratio is 1, and the local arm's is of a client. */
static bool has_ratio(const struct res_row *row)
{
    return strcmp(row->arm, RES_ARM_CENTRALIZED) != 0 && !row->is_per_client;
}

static double middle(const struct res_row *row, const void *arg)
{
    (void)arg;
    return has_ratio(row) ? row->x_centralized : (double)NAN;
}

static double low(const struct res_row *row, const void *arg)
{
    (void)arg;
    return has_ratio(row) ? row->x_p5 : (double)NAN;
}

static double high(const struct res_row *row, const void *arg)
{
    (void)arg;
    return has_ratio(row) ? row->x_p95 : (double)NAN;
}

static enum fl_status add_one(struct res_chart *chart, struct fl_error *err)
{
    struct res_series *series = NULL;
    FL_TRY(res_chart_add_series(chart, "centralized", RES_SERIES_LINE,
                                RES_COLOUR_REFERENCE, &series, err));
    series->is_emphasis = true;
    const double ends[] = {-0.5, (double)chart->x.n_categories - 0.5};
    for (size_t i = 0; i < 2; i++) {
        const struct res_dot dot = {
            .x = ends[i], .y = 1, .low = (double)NAN, .high = (double)NAN};
        FL_TRY(res_series_add(series, &dot, err));
    }
    return FL_OK;
}

static enum fl_status
draw(const struct res_bars *bars, struct res_chart *chart, struct fl_error *err)
{
    static const struct res_span_of ratio = {
        .middle = middle,
        .low = low,
        .high = high,
        .reference_ratio = 1,
        .nothing = "no run has a ratio to a centralized arm, at equal "
                   "accuracy, with its interval"};
    struct res_unit unit;
    FL_TRY(res_bars_add_spans(bars, &ratio, chart, &unit, err));
    FL_TRY(add_one(chart, err));
    FL_TRY(res_axis_set(&chart->y, "carbon / centralized", unit.name, err));
    struct res_text caption = {0};
    res_text_put(&caption,
                 "Carbon divided by the centralized arm's of the same run, "
                 "with the interval that holds 90 % of the draws over the "
                 "facts of both (5-95 %).");
    res_put_bars(bars, &caption);
    res_put_runs(bars->gallery, &caption);
    res_put_counts(bars->gallery, &caption);
    enum fl_status status = res_chart_say(
        chart, "Carbon against centralized, 5-95 %", &caption, err);
    res_text_fini(&caption);
    return status;
}

static enum fl_status make(const struct res_gallery *gallery,
                           struct res_chart *ret,
                           struct fl_error *err)
{
    static const struct res_bars_of of = {
        .known = low, .is_sideways = true, .draw = draw};
    return res_chart_bars(ret, gallery, &of, err);
}

const struct res_chart_type res_chart_interval_ratio = {
    .name = "interval_ratio",
    .doc = "the ratio to centralized with its 5-95 % interval",
    .make = make,
};
