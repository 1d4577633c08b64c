/* A chart's numbers as CSV, for gnuplot and for other programs. */
#include "results/figures/figure_priv.h"
#include "results/report_priv.h"

#include "base/alloc.h"

#include <math.h>

static void
put_axis(const char *what, const struct res_axis *axis, struct res_text *out)
{
    if (!axis->label)
        return;
    res_text_add(out, "# %s: ", what);
    if (axis->categories) {
        for (size_t i = 0; i < axis->n_categories; i++)
            res_text_add(out, "%s%zu = %s", i > 0 ? "; " : "", i,
                         axis->categories[i]);
    } else {
        res_text_put(out, axis->label);
        if (axis->unit && axis->unit[0])
            res_text_add(out, " [%s]", axis->unit);
    }
    res_text_put(out, "\n");
}

static void put_head(const struct res_chart *chart, struct res_text *out)
{
    res_text_add(out, "# %s\n# %s\n", chart->title, chart->caption);
    put_axis("x", &chart->x, out);
    put_axis("y, low, high", &chart->y, out);
    put_axis("y of series on the right-hand axis", &chart->second_y, out);
    for (size_t i = 0; i < chart->n_stacks; i++)
        res_text_add(out, "# pile %zu: %s\n", i, chart->stacks[i]);
    res_text_put(out, "series,name,x,y,low,high,label\n");
}

static void put_dot(const struct res_chart *chart,
                    size_t s,
                    const struct res_dot *dot,
                    double low,
                    double high,
                    struct res_text *out)
{
    res_text_add(out, "%zu,", s);
    res_csv_field(out, chart->series[s].name);
    const double values[] = {dot->x, dot->y, low, high};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        res_text_put(out, ",");
        res_text_real(out, values[i]);
    }
    res_text_put(out, ",");
    res_csv_field(out, dot->label ? dot->label : "");
    res_text_put(out, "\n");
}

double
res_bar_base(const struct res_chart *chart, size_t s, const struct res_dot *dot)
{
    double base = 0;
    for (size_t b = 0; b < s; b++) {
        const struct res_series *below = &chart->series[b];
        if (below->kind != RES_SERIES_STACK ||
            below->stack != chart->series[s].stack)
            continue;
        for (size_t i = 0; i < below->n; i++)
            if (fabs(below->dots[i].x - dot->x) < 0.5)
                base += below->dots[i].y;
    }
    return base;
}

void res_figure_data(const struct res_chart *chart, struct res_text *out)
{
    put_head(chart, out);
    for (size_t s = 0; s < chart->n; s++) {
        const struct res_series *series = &chart->series[s];
        res_text_put(out, "\n\n");
        for (size_t i = 0; i < series->n; i++) {
            const struct res_dot *dot = &series->dots[i];
            if (isnan(dot->x))
                res_text_put(out, "\n");
            else if (series->kind == RES_SERIES_STACK)
                put_dot(chart, s, dot, res_bar_base(chart, s, dot),
                        res_bar_base(chart, s, dot) + dot->y, out);
            else
                put_dot(chart, s, dot, dot->low, dot->high, out);
        }
        /* An index without a row would not count. */
        if (series->n == 0)
            res_text_add(out, "%zu,,,,,,\n", s);
    }
}
