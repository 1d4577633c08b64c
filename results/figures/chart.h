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
    RES_SERIES_LINE,   /* a dot without y breaks it */
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
    int colour;       /* of res_palette */
    int shape;        /* of the marker and the dashes; at first the colour */
    int stack;        /* RES_SERIES_STACK: which pile, of chart->stacks */
    bool is_second_y; /* on the right-hand axis */
    bool is_emphasis; /* the Pareto front, a reference line */
    bool is_faint;    /* behind the others, and not in the legend */
    bool has_labels;  /* few enough to stand beside their dots; the labels of
                         others are for who points at them */
    struct res_dot *dots;
    size_t n, capacity;
};

struct res_chart {
    const char *name; /* of its type: "accuracy_carbon" */
    char *title;      /* "Accuracy against carbon" */
    char *caption;    /* one or two sentences: what is seen, what it rests on */
    struct res_axis x, y, second_y; /* second_y.label NULL: none */
    bool is_sideways; /* x runs down the page, y across: long names */
    char **stacks;    /* [n_stacks] names of the piles; NULL: one pile */
    size_t n_stacks;
    struct res_series *series;
    size_t n, capacity;
};

#define RES_PALETTE_SIZE 8
/* "#0072b2" ...; the names of the markers are the drawers' own. */
extern const char *const res_palette[RES_PALETTE_SIZE];

/* Copes with a zeroed chart. */
void res_chart_fini(struct res_chart *chart);
/* Texts of a chart, instead of what was there. They come from folders' names
 * and files: what is no UTF-8, and line breaks and other control characters,
 * become blanks, so that drawers see plain lines. Fail FL_E_NOMEM. */
enum fl_status res_chart_set_text(char **place,
                                  const char *text,
                                  struct fl_error *err) FL_NODISCARD;
enum fl_status res_axis_set(struct res_axis *axis,
                            const char *label,
                            const char *unit,
                            struct fl_error *err) FL_NODISCARD;
/* One category, or one pile, behind the others. */
enum fl_status res_axis_add_category(struct res_axis *axis,
                                     const char *name,
                                     struct fl_error *err) FL_NODISCARD;
enum fl_status res_chart_add_stack(struct res_chart *chart,
                                   const char *name,
                                   struct fl_error *err) FL_NODISCARD;
/* name as above; *ret is good until the next series. Fails FL_E_NOMEM. */
enum fl_status res_chart_add_series(struct res_chart *chart,
                                    const char *name,
                                    enum res_series_kind kind,
                                    int colour,
                                    struct res_series **ret,
                                    struct fl_error *err) FL_NODISCARD;
/* dot->label as above. Fails FL_E_NOMEM. */
enum fl_status res_series_add(struct res_series *series,
                              const struct res_dot *dot,
                              struct fl_error *err) FL_NODISCARD;

/* For the pages: {name, title, caption, sideways, stacks, x, y, second_y,
 * series: [{name, kind, colour, shape, stack, second_y, emphasis, faint,
 * labels, dots: [[x, y, low, high, label]]}]}. An axis is {label, unit, log,
 * from_zero, categories}; categories, second_y and stacks are null where there
 * are none. NaN is null, and ends of a dot that say nothing are left out.
 * Fails FL_E_NOMEM. Free: json_decref. */
enum fl_status res_chart_json(const struct res_chart *chart,
                              json_t **ret,
                              struct fl_error *err) FL_NODISCARD;

#endif
