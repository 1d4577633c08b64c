/* How large a figure is, and how much text fits. */
#include "results/figures/figure_priv.h"

#include "base/utf8.h"

#define SINGLE_MM 85.0
#define DOUBLE_MM 175.0
#define CHAR_MM   1.35 /* of the font at 7 pt, on average */
#define ROW_MM    3.1  /* a line of text, or a bar */
/* The same as gnuplot reckons it where it makes columns. */
#define LEGEND_CHAR_MM 1.75
#define SAMPLE_MM      9.0 /* before a name in the legend, with its gap */

bool res_series_is_named(const struct res_series *series)
{
    return series->name[0] && series->n > 0;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Names of equal length leave the legend's columns equally wide. */
static size_t set_legend(const struct res_chart *chart, struct res_layout *ret)
{
    size_t n = 0, longest = 1;
    for (size_t s = 0; s < chart->n; s++) {
        if (!res_series_is_named(&chart->series[s]))
            continue;
        n++;
        size_t length = smaller(fl_utf8_characters(chart->series[s].name),
                                ret->legend_chars);
        longest = length > longest ? length : longest;
    }
    double column_mm = (double)longest * LEGEND_CHAR_MM + SAMPLE_MM;
    size_t columns = (size_t)(ret->width_mm / column_mm);
    columns = columns > 0 ? smaller(columns, n) : 1;
    ret->legend_columns = n > 0 ? (int)columns : 0;
    return n > 0 ? (n + columns - 1) / columns : 0;
}

/* Arms that are named beside their spans need no legend. */
static bool needs_legend(const struct res_chart *chart)
{
    if (!chart->is_sideways)
        return true;
    for (size_t s = 0; s < chart->n; s++)
        if (chart->series[s].kind != RES_SERIES_SPAN)
            return true;
    return false;
}

void res_layout_set(const struct res_chart *chart,
                    bool is_double,
                    struct res_layout *ret)
{
    struct res_layout layout = {.width_mm = is_double ? DOUBLE_MM : SINGLE_MM};
    layout.legend_chars = (size_t)((layout.width_mm - SAMPLE_MM - 4) / CHAR_MM);
    layout.label_chars = (size_t)((layout.width_mm - 22) / CHAR_MM);
    layout.pitch = chart->n_stacks > 0 ? chart->n_stacks + 1 : 1;
    size_t legend_rows = needs_legend(chart) ? set_legend(chart, &layout) : 0;
    layout.top_mm = 7;
    bool has_label = chart->is_sideways || !chart->x.categories;
    layout.bottom_mm = (has_label ? 11 : 7.5) + (double)legend_rows * ROW_MM;
    double rows = (double)(chart->x.n_categories * layout.pitch);
    double middle_mm = is_double ? 60 : 40;
    if (chart->is_sideways)
        middle_mm = (rows + 1) * ROW_MM;
    layout.height_mm = layout.top_mm + middle_mm + layout.bottom_mm;
    *ret = layout;
}
