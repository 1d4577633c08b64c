/* A chart as data: axes and series of points, with no word about how it is
 * drawn. results/charts/<name>.c makes one from finished or running runs;
 * gnuplot (figures.h) and the pages in a browser (page.h) draw the same one.
 * Private to results/ and its tests.
 *
 * Series that stand for arms use the arm's colour everywhere: `colour` is a
 * place in a palette that people with colour-blindness can tell apart
 * (res_palette); a marker and a dash pattern go with each, so that nothing
 * depends on colour alone.
 */
#ifndef RESULTS_FIGURES_CHART_H
#define RESULTS_FIGURES_CHART_H

#include "base/status.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct res_axis {
    char *label; /* "carbon" */
    char *unit;  /* "gCO2e"; "" none; shown behind the label */
    bool is_log;
    bool is_from_zero;
    char **categories; /* [n_categories] names at 0, 1, 2 ...; NULL: numbers */
    size_t n_categories;
};

enum res_series_kind {
    RES_SERIES_LINE,
    RES_SERIES_STEPS,  /* a value holds until the next point */
    RES_SERIES_POINTS, /* dots, each with its label */
    RES_SERIES_STACK,  /* bars on categories, upon those of earlier series
                          with the same `stack` */
    RES_SERIES_SPAN,   /* a dot with low and high: an interval */
    RES_SERIES_KIND_LAST_
};

struct res_dot {
    double x, y;
    double low, high; /* of a span, or an error bar; NaN: none */
    char *label;      /* what it is, for people; may be NULL */
};

struct res_series {
    char *name;
    enum res_series_kind kind;
    int colour;       /* of res_palette; marker and dashes follow */
    int stack;        /* RES_SERIES_STACK: which pile */
    bool is_second_y; /* on the right-hand axis */
    bool is_emphasis; /* the Pareto front, a reference line */
    struct res_dot *dots;
    size_t n, capacity;
};

struct res_chart {
    const char *name; /* of its type: "accuracy_carbon" */
    char *title;      /* "Accuracy against carbon" */
    char *caption;    /* one or two sentences: what is seen, what it rests on */
    struct res_axis x, y, second_y; /* second_y.label NULL: none */
    struct res_series *series;
    size_t n, capacity;
};

#define RES_PALETTE_SIZE 8
/* "#0072b2" ...; the names of the markers are the drawers' own. */
extern const char *const res_palette[RES_PALETTE_SIZE];

/* Copes with a zeroed chart. */
void res_chart_fini(struct res_chart *chart);
/* Texts are copied. Fails FL_E_NOMEM. */
enum fl_status res_chart_add_series(struct res_chart *chart,
                                    const char *name,
                                    enum res_series_kind kind,
                                    int colour,
                                    struct res_series **ret,
                                    struct fl_error *err) FL_NODISCARD;
/* dot->label is copied. Fails FL_E_NOMEM. */
enum fl_status res_series_add(struct res_series *series,
                              const struct res_dot *dot,
                              struct fl_error *err) FL_NODISCARD;

/* For the pages: {name, title, caption, x, y, second_y, series: [{name, kind,
 * colour, stack, second_y, emphasis, dots: [[x, y, low, high, label]]}]}; NaN
 * is null, and ends of a dot that say nothing are left out.
 * Fails FL_E_NOMEM. Free: json_decref. */
enum fl_status res_chart_json(const struct res_chart *chart,
                              json_t **ret,
                              struct fl_error *err) FL_NODISCARD;

#endif
