/* How sure each arm's carbon is: 5-95 % over what its facts may be. Of several
 * seeds the mean of the ends, as tables have it: all seeds rest on the same
 * facts. */
#include "results/figures/chart_parts.h"

static double all_clients(const struct res_row *row)
{
    return row->is_per_client ? (double)row->population : 1;
}

static double middle(const struct res_row *row, const void *arg)
{
    (void)arg;
    return res_arm_gco2e(row);
}

static double low(const struct res_row *row, const void *arg)
{
    (void)arg;
    return row->gco2e_p5 * all_clients(row);
}

static double high(const struct res_row *row, const void *arg)
{
    (void)arg;
    return row->gco2e_p95 * all_clients(row);
}

static enum fl_status
draw(const struct res_bars *bars, struct res_chart *chart, struct fl_error *err)
{
    static const struct res_span_of carbon = {
        .middle = middle,
        .low = low,
        .high = high,
        .unit = res_unit_carbon,
        .nothing = "no intervals are known of these runs"};
    struct res_unit unit;
    FL_TRY(res_bars_add_spans(bars, &carbon, chart, &unit, err));
    FL_TRY(res_axis_set(&chart->y, "carbon", unit.name, err));
    struct res_text caption = {0};
    res_text_put(&caption, "Carbon of each arm, with the interval that holds "
                           "90 % of the draws over its facts (5-95 %).");
    res_put_local(bars->gallery, &caption);
    res_put_bars(bars, &caption);
    res_put_runs(bars->gallery, &caption);
    res_put_counts(bars->gallery, &caption);
    enum fl_status status =
        res_chart_say(chart, "Carbon, 5-95 %", &caption, err);
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

const struct res_chart_type res_chart_carbon_intervals = {
    .name = "intervals",
    .doc = "gCO2e of each arm with its 5-95 % interval",
    .make = make,
};
