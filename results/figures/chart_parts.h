/* What charts share: units, colours of arms, runs of one setting, accuracy
 * along an arm's course. Private to results/ and its tests. */
#ifndef RESULTS_FIGURES_CHART_PARTS_H
#define RESULTS_FIGURES_CHART_PARTS_H

#include "results/figures/gallery.h"

/* Places in res_palette. Arms have theirs in every chart; what is no arm takes
 * others. */
enum res_colour {
    RES_COLOUR_FEDERATED,
    RES_COLOUR_CENTRALIZED,
    RES_COLOUR_LOCAL,
    RES_COLOUR_4TH,
    RES_COLOUR_5TH,
    RES_COLOUR_6TH,
    RES_COLOUR_FRONT, /* emphasis */
    RES_COLOUR_REFERENCE,
    RES_COLOUR_LAST_
};
_Static_assert(RES_COLOUR_LAST_ == RES_PALETTE_SIZE,
               "every place of the palette needs a name");

/* Of an arm; names that are not known share the fourth. */
int res_arm_colour(const char *arm);
/* Among these runs, where several may have other names: they are told apart,
 * by their markers at last. */
void res_gallery_arm_look(const struct res_gallery *gallery,
                          const char *arm,
                          int *ret_colour,
                          int *ret_shape);

/* A unit in which the largest value is between 1 and 1000, where there is one.
 */
struct res_unit {
    const char *name;
    double scale; /* of one, in the SI unit, or in grams */
};
struct res_unit res_unit_carbon(double most_gco2e);
struct res_unit res_unit_energy(double most_j);
struct res_unit res_unit_time(double most_s);

/* Smallest and largest of positive numbers; NaN and others are passed over. */
struct res_extent {
    double low, high; /* both 0: none yet */
};
void res_extent_add(struct res_extent *extent, double value);
/* Whether only a logarithmic axis shows both ends: their ratio is larger. */
bool res_extent_is_wide(const struct res_extent *extent, double end_ratio);
#define RES_WIDE 20.0

/* The carbon and energy of an arm as charts have them: of all clients. */
double res_arm_gco2e(const struct res_row *row);
/* "federated", "local (all 40)", without the number where there are several
 * runs; is_mean: "local (mean)", where the mean client stands. Appended. */
void res_put_arm_name(const struct res_gallery *gallery,
                      const struct res_row *row,
                      bool is_mean,
                      struct res_text *out);

/* Runs that differ in seed alone. */
struct res_setting {
    char *label;  /* what tells it from the others; "" where it is the only one
                   */
    size_t *runs; /* places in the gallery, in its order */
    size_t n, capacity;
};
struct res_settings {
    struct res_setting *all;
    size_t n, capacity;
};
/* By the values of the keys that vary, else in the order of runs. Fails
 * FL_E_NOMEM. Free: res_settings_fini (copes with zeroed ones). */
enum fl_status res_settings_find(const struct res_gallery *gallery,
                                 struct res_settings *ret,
                                 struct fl_error *err) FL_NODISCARD;
void res_settings_fini(struct res_settings *settings);

/* A figure of an arm, over the seeds of a setting that have it. */
typedef double (*res_figure_fn)(const struct res_row *row, const void *arg);
struct res_mean {
    double mean, se; /* NaN: none; se: one seed */
    size_t n;
};
struct res_mean res_setting_mean(const struct res_gallery *gallery,
                                 const struct res_setting *setting,
                                 const char *arm,
                                 res_figure_fn figure,
                                 const void *arg);

/* Categories on the x axis. Of one setting: its arms. Of several: settings,
 * with the arms as piles; the first ones, where there are more than a page can
 * show. Arms of which `known` says nothing are left out. */
struct res_bars {
    const struct res_gallery *gallery;
    struct res_settings settings;
    size_t n_shown; /* of the settings */
    const char **arms;
    size_t n_arms;
};
struct res_bars_of {
    res_figure_fn known;
    bool is_sideways; /* also of one setting with few arms */
    /* Fills the chart: its x axis has the categories already. */
    enum fl_status (*draw)(const struct res_bars *bars,
                           struct res_chart *chart,
                           struct fl_error *err);
};
/* A whole chart of bars or spans: sets chart->x, stacks and is_sideways, then
 * draws. Fails FL_E_NOMEM; as of->draw does. */
enum fl_status res_chart_bars(struct res_chart *chart,
                              const struct res_gallery *gallery,
                              const struct res_bars_of *of,
                              struct fl_error *err) FL_NODISCARD;
/* Where the bar of an arm and setting stands: the dot's x; the series' pile. */
double res_bar_x(const struct res_bars *bars, size_t setting, size_t arm);
int res_bar_stack(const struct res_bars *bars, size_t arm);
/* "20 of 50 settings are shown". Appended; nothing where all are. */
void res_put_bars(const struct res_bars *bars, struct res_text *out);
/* One span per setting and arm, a series per arm. */
struct res_span_of {
    res_figure_fn middle, low, high;
    struct res_unit (*unit)(double value); /* NULL: none */
    double reference_ratio; /* a line that is shown with them; 0: none */
    const char *nothing;    /* why there is nothing to show */
};
enum fl_status res_bars_add_spans(const struct res_bars *bars,
                                  const struct res_span_of *of,
                                  struct res_chart *chart,
                                  struct res_unit *ret_unit,
                                  struct fl_error *err) FL_NODISCARD;

/* Sentences for captions: of how many runs, what carbon counts, the local
 * arm's meaning where there is one. Each appends. */
void res_put_runs(const struct res_gallery *gallery, struct res_text *out);
void res_put_counts(const struct res_gallery *gallery, struct res_text *out);
void res_put_local(const struct res_gallery *gallery, struct res_text *out);
/* Title and caption. */
enum fl_status res_chart_say(struct res_chart *chart,
                             const char *title,
                             const struct res_text *caption,
                             struct fl_error *err) FL_NODISCARD;

/* Who shares a marker, dashes and a line of the legend in charts with a line
 * per run. Of few runs each has its own; of more, those of a data set, where
 * there are few: their lines are faint, and their ends are what is compared. */
#define RES_CHART_GROUPS 3
struct res_groups {
    const struct res_gallery *gallery;
    bool is_few;
    bool is_mean; /* the local arm is where its mean client is; at first not */
    size_t first[RES_CHART_GROUPS]; /* a run of each */
    size_t n;
};
void res_groups_find(const struct res_gallery *gallery, struct res_groups *ret);
size_t res_group_of(const struct res_groups *groups, size_t run);
/* The series of an arm and group; *ret NULL: no such arm there. Faint, and
 * without a name, where only ends are compared and this is not of ends. */
enum fl_status res_group_add_series(const struct res_groups *groups,
                                    struct res_chart *chart,
                                    const char *arm,
                                    size_t group,
                                    enum res_series_kind kind,
                                    struct res_series **ret,
                                    struct fl_error *err) FL_NODISCARD;

/* Accuracy along the arms' rounds, over what x says of a moment, or of the
 * whole of an arm that has none: series of lines, and of their ends. */
struct res_course_x {
    double (*of_moment)(const struct res_moment *moment);
    double (*of_row)(const struct res_row *row);
    struct res_unit (*unit)(double value);
    const char *label; /* of the axis */
    bool has_front;    /* less of x is better: the best are marked */
    bool is_mean;      /* of_row is of the mean client */
};
enum fl_status res_chart_courses(struct res_chart *chart,
                                 const struct res_gallery *gallery,
                                 const struct res_course_x *x,
                                 struct fl_error *err) FL_NODISCARD;

/* Those points that no other beats: none has less x and no less y, or no more
 * x and more y. Sorts points by x, front first; returns how many it is.
 * NaN is not allowed. */
struct res_point {
    double x, y;
    size_t run; /* where it is from: passed on */
    const struct res_row *row;
    int64_t round; /* -1: the whole arm */
};
size_t res_pareto_front(struct res_point *points, size_t n);

#endif
