/* A chart as gnuplot takes it. Private to results/ and its tests. */
#ifndef RESULTS_FIGURES_FIGURE_PRIV_H
#define RESULTS_FIGURES_FIGURE_PRIV_H

#include "results/figures.h"
#include "results/figures/chart.h"
#include "results/res_text.h"

/* CSV: what it is behind "#", a head line, then one block per series, two
 * empty lines before each, so that gnuplot finds series s as index s + 1; an
 * empty line breaks a line. Of stacked bars, low and high are their ends. */
void res_figure_data(const struct res_chart *chart, struct res_text *out);

/* Where a stacked bar begins: upon those of the same pile and category in
 * series before s. */
double res_bar_base(const struct res_chart *chart,
                    size_t s,
                    const struct res_dot *dot);

/* How it is drawn, for single or double width. */
void res_figure_script(const struct res_chart *chart,
                       const struct res_figures_opts *opts,
                       struct res_text *out);

/* figure_layout.c: sizes in mm of paper, of what gnuplot is told. */
struct res_layout {
    double width_mm, height_mm;
    double top_mm, bottom_mm; /* margins; the legend stands in the lower one */
    int legend_columns;       /* 0: no legend */
    size_t legend_chars;      /* longest name there */
    size_t label_chars;       /* longest label anywhere else */
    size_t pitch; /* rows per category: its name's, and its piles' */
};
void res_layout_set(const struct res_chart *chart,
                    bool is_double,
                    struct res_layout *ret);
/* Whether the series has a line in the legend. */
bool res_series_is_named(const struct res_series *series);

/* Text in single quotes, of so many characters at most. */
void res_put_quoted(struct res_text *out, const char *text, size_t max_chars);

#endif
